/** Functions of two or three numbers: pow, atan2, lerp, ... */
import { op } from "../args.ts"
import { noBool, onlyFloats, requireDtypes, requireOneDtype } from "../checks.ts"
import { isFloating, isIntegral } from "../dtype.ts"
import { tensorText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import { type Operandish, resultType } from "../promotion.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type {
  Binary,
  BinaryInPlace,
  BinaryOfSelf,
  Elementwise,
  ElementwiseFunction,
  Ternary,
  TernaryInPlace,
} from "../types/patterns.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { to } from "./conversion.ts"
import { signBit } from "./formulas.ts"
import { type Applied, applied, apply, withInPlace } from "./pointwise-op.ts"

export interface ValueOption {
  value: number
}

export interface MathOps {
  /**
   * input^exponent; either may be a number. Integers to integers stay integers, computed exactly modulo their width. Throws a
   * RangeError for integers to a negative integer number.
   */
  pow: BinaryOfSelf<"pow", "promote", unknown, "exponent">
  pow_: BinaryInPlace<"pow", "promote", unknown, "exponent">
  /** input² */
  square: Elementwise
  square_: Elementwise
  /** `pow` in float64. */
  floatPower: BinaryOfSelf<"pow", "float64", unknown, "exponent">
  floatPower_: BinaryInPlace<"pow", "float64", unknown, "exponent">
  /** The angle of the point (other, input), in (−π, π]. */
  atan2: Binary<"atan2", "float">
  atan2_: BinaryInPlace<"atan2", "float">
  /** Another name of `atan2`. */
  arctan2: Binary<"atan2", "float">
  arctan2_: BinaryInPlace<"atan2", "float">
  /** The larger, NaN if either is; at a tie each gets half of the gradient. */
  maximum: Binary<"maximum">
  /** The smaller of two, elementwise; NaN where either is. */
  minimum: Binary<"minimum">
  /** The larger, ignoring a NaN beside a number. */
  fmax: Binary<"fmax">
  /** The smaller of two, elementwise; where one is NaN, the other. */
  fmin: Binary<"fmin">
  /** √(input² + other²) without overflow; floating dtypes only. */
  hypot: Binary<"hypot">
  hypot_: BinaryInPlace<"hypot">
  /** |input| with the sign of other, also of its −0. */
  copysign: Binary<"copysign", "float">
  copysign_: BinaryInPlace<"copysign", "float">
  /** 0 below zero, 1 above, `values` at 0. No gradient. */
  heaviside: Binary<"heaviside", "promote", unknown, "values">
  heaviside_: BinaryInPlace<"heaviside", "promote", unknown, "values">
  /** The neighbouring number of the dtype towards other; float32 and float64. */
  nextafter: Binary<"nextafter">
  nextafter_: BinaryInPlace<"nextafter">
  /** log(e^input + e^other) without overflow; floating dtypes only. */
  logaddexp: Binary<"logaddexp">
  /** log2(2^input + 2^other) */
  logaddexp2: Binary<"logaddexp2">
  /** input·log(other), 0 where input is 0 and other no NaN. */
  xlogy: BinaryOfSelf<"xlogy", "float">
  xlogy_: BinaryInPlace<"xlogy", "float">
  /** input·2^other */
  ldexp: Binary<"ldexp", "float">
  ldexp_: BinaryInPlace<"ldexp", "float">
  /** The greatest common divisor, not negative; integers only. */
  gcd: Binary<"gcd">
  gcd_: BinaryInPlace<"gcd">
  /** The least common multiple, not negative; integers only. */
  lcm: Binary<"lcm">
  lcm_: BinaryInPlace<"lcm">
  /** input + weight·(end − input), exact at both ends; floating dtypes only. */
  lerp: Ternary<"lerp", "end", "weight", unknown, "one">
  lerp_: TernaryInPlace<"lerp", "end", "weight", unknown, "one">
  /** input + value·tensor1·tensor2 */
  addcmul: Ternary<"addcmul", "tensor1", "tensor2", ValueOption>
  addcmul_: TernaryInPlace<"addcmul", "tensor1", "tensor2", ValueOption>
  /** input + value·tensor1/tensor2; floating dtypes only. */
  addcdiv: Ternary<"addcdiv", "tensor1", "tensor2", ValueOption>
  addcdiv_: TernaryInPlace<"addcdiv", "tensor1", "tensor2", ValueOption>
}

export interface MathMethods extends MethodsOf<MathOps> {}

const one = (like: Expr): Expr => constant(1, like.dtype)

// ---- powers ----

const byNumber = (formula: (x: Expr) => Expr, gradient: (g: Expr, x: Expr) => Expr): Pointwise =>
  // The exponent takes part in promotion only.
  new Pointwise("pow", (x, _exponent) => formula(x), { gradient: (g, [x]) => [gradient(g, x!), null] })

/** PyTorch computes these exponents without its general power, so their extremes differ from it. */
const EXPONENTS = new Map<number, Pointwise>([
  [0, byNumber(one, (g) => constant(0, g.dtype))],
  [
    1,
    byNumber(
      (x) => x,
      (g) => g,
    ),
  ],
  [
    2,
    byNumber(
      (x) => x.square(),
      (g, x) => g.mul(x.mul(2)),
    ),
  ],
  [
    3,
    byNumber(
      (x) => x.square().mul(x),
      (g, x) => g.mul(x.square().mul(3)),
    ),
  ],
  [
    1.5,
    byNumber(
      (x) => x.pow(1.5),
      (g, x) => g.mul(x.sqrt().mul(1.5)),
    ),
  ],
  [
    0.5,
    byNumber(
      (x) => x.sqrt(),
      (g, x) => g.mul(x.sqrt().reciprocal().mul(0.5)),
    ),
  ],
  [
    -0.5,
    byNumber(
      (x) => x.sqrt().reciprocal(),
      (g, x) => g.mul(x.pow(-1.5).mul(-0.5)),
    ),
  ],
  [
    -1,
    byNumber(
      (x) => x.reciprocal(),
      (g, x) => g.mul(x.square().reciprocal().neg()),
    ),
  ],
  [
    -2,
    byNumber(
      (x) => x.square().reciprocal(),
      (g, x) => g.mul(x.pow(-3).mul(-2)),
    ),
  ],
])
/** The exponent less one comes from the host, where it is exact. */
const POW_NUMBER = new Pointwise("pow", (x, exponent, _less) => x.pow(exponent), {
  gradient: (g, [x, exponent, less]) => [g.mul(exponent!.mul(x!.pow(less!))), null, null],
})
const powOfTensors: PointwiseOptions = {
  refuse: (dtype) =>
    dtype === "bool" ? 'bool to the power of bool is not supported; convert with x.to("int32")' : null,
}
const POW = new Pointwise("pow", (x, exponent) => x.pow(exponent), { ...powOfTensors, gradName: "PowBackward1" })
const POW_BASE = new Pointwise("pow", (x, exponent) => x.pow(exponent), { gradName: "PowBackward2" })

function pickPow(x: Operandish, exponent: Operandish): Applied {
  if (isTensor(exponent)) return [isTensor(x) ? POW : POW_BASE, x, exponent]
  const e = Number(exponent)
  if (isTensor(x) && isIntegral(x.dtype, true) && e < 0 && Number.isInteger(e))
    throw new RangeError(
      `pow: integers to negative integer powers are not allowed (${tensorText(x)} to ${e}); convert with x.to("float32")`,
    )
  const own = EXPONENTS.get(e)
  return own ? [own, x, exponent] : [POW_NUMBER, x, exponent, typeof exponent === "bigint" ? exponent - 1n : e - 1]
}

export const [pow, pow_] = withInPlace<FunctionOf<MathOps["pow"]>, FunctionOf<MathOps["pow_"]>>(
  "pow(self, exponent)",
  pickPow,
)
export const [square, square_] = withInPlace<ElementwiseFunction>(
  "square(input)",
  (x: Tensor): Applied => pickPow(x, 2),
)

const double = (x: Operandish): Operandish => (isTensor(x) ? to(x, "float64") : x)
/** `pow` in float64; either may be a number. */
export const floatPower: FunctionOf<MathOps["floatPower"]> = op(
  "floatPower(self, exponent)",
  (x: Operandish, exponent: Operandish) => apply(pickPow(double(x), double(exponent))),
)
export const floatPower_: FunctionOf<MathOps["floatPower_"]> = op(
  "floatPower_(input, exponent)",
  (x: Tensor, exponent: Operandish) => {
    if (x.dtype !== "float64")
      throw new TypeError(`floatPower_: the input must be float64, the result's dtype, got ${tensorText(x)}`)
    const [f, , ...others] = pickPow(x, double(exponent))
    return f.callInPlace(x, ...others)
  },
)

// ---- two tensors, or a tensor and a number ----

const zero = (g: Expr): Expr => constant(0, g.dtype)
const masked = (g: Expr, drop: Expr): Expr => where(drop, 0, g)
const NONE: PointwiseOptions["gradient"] = () => [null, null]

/** NaN loses no gradient: only the one that is clearly beaten gets none. */
const tie = (g: Expr, a: Expr, b: Expr, beaten: Expr): Expr => masked(where(a.eq(b), g.mul(0.5), g), beaten)
const MAXIMUM = new Pointwise("maximum", (a, b) => a.max(b), {
  gradient: (g, [a, b]) => [tie(g, a!, b!, a!.lt(b!)), tie(g, a!, b!, b!.lt(a!))],
})
const MINIMUM = new Pointwise("minimum", (a, b) => a.min(b), {
  gradient: (g, [a, b]) => [tie(g, a!, b!, b!.lt(a!)), tie(g, a!, b!, a!.lt(b!))],
})
const FMAX = new Pointwise("fmax", (a, b) => where(a.ge(b).or(b.isnan()), a, b))
const FMIN = new Pointwise("fmin", (a, b) => where(a.le(b).or(b.isnan()), a, b))

const ATAN2 = new Pointwise("atan2", (a, b) => a.atan2(b), {
  result: "float",
  gradName: "Atan2Backward0",
  gradient: (g, [a, b]) => {
    const square = a!.square().add(b!.square())
    const r = where(square.eq(0), 0, square.reciprocal())
    return [g.mul(b!).mul(r), g.mul(a!.neg()).mul(r)]
  },
})

/** Scaled by the larger side; infinite if either is, even beside NaN. */
const hypotOf = (a: Expr, b: Expr): Expr => {
  const [x, y] = [a.abs(), b.abs()]
  const large = x.max(y)
  const ratio = x.min(y).div(large)
  const infinite = x.eq(Number.POSITIVE_INFINITY).or(y.eq(Number.POSITIVE_INFINITY))
  return where(infinite, Number.POSITIVE_INFINITY, where(large.eq(0), 0, large.mul(ratio.square().add(1).sqrt())))
}
const HYPOT = new Pointwise("hypot", hypotOf, {
  refuse: onlyFloats,
  gradient: (g, [a, b], y) => [g.mul(a!).div(y), g.mul(b!).div(y)],
})

const copysigned = (a: Expr, b: Expr): Expr => where(signBit(b), a.abs().neg(), a.abs())
const COPYSIGN: PointwiseOptions = {
  result: "float",
  gradient: (g, [a], y) => [g.mul(where(a!.eq(0), 0, y.div(a!))), null],
}
const COPYSIGN_TENSOR = new Pointwise("copysign", copysigned, COPYSIGN)
const COPYSIGN_NUMBER = new Pointwise("copysign", copysigned, { ...COPYSIGN, gradName: "CopysignBackward1" })

const HEAVISIDE = new Pointwise("heaviside", (a, values) => where(a.eq(0), values, a.gt(0).cast(a.dtype)), {
  gradName: "NotImplemented",
  gradient: NONE,
})

/** One step in the order of the bit patterns, which is that of the magnitudes. */
const neighbour = (a: Expr, b: Expr): Expr => {
  const bits = a.dtype === "float64" ? "int64" : "int32"
  const step = where(a.lt(b).xor(a.lt(0)), constant(1, bits), constant(-1, bits))
  const least = constant(1, bits).bitcast(a.dtype)
  const moved = where(a.eq(0), where(b.lt(0), least.neg(), least), a.bitcast(bits).add(step).bitcast(a.dtype))
  return where(a.isnan().or(b.isnan()), a.add(b), where(a.eq(b), b, moved))
}
const NEXTAFTER = new Pointwise("nextafter", neighbour, {
  refuse: (dtype) =>
    dtype === "float32" || dtype === "float64" ? null : `${dtype} is not supported, only float32 and float64`,
  gradient: NONE,
})

/** max + f(−|a − b|); equal infinities as they are, since their difference is NaN. */
const logSum = (a: Expr, b: Expr, f: (x: Expr) => Expr): Expr =>
  where(a.eq(b).and(a.abs().eq(Number.POSITIVE_INFINITY)), a, a.max(b).add(f(a.sub(b).abs().neg())))
const share = (g: Expr, a: Expr, b: Expr, exp: (x: Expr) => Expr): Expr => g.div(exp(b.sub(a)).add(1))
const LOGADDEXP = new Pointwise("logaddexp", (a, b) => logSum(a, b, (d) => d.exp().log1p()), {
  refuse: onlyFloats,
  gradient: (g, [a, b]) => [share(g, a!, b!, (d) => d.exp()), share(g, b!, a!, (d) => d.exp())],
})
const LOGADDEXP2 = new Pointwise("logaddexp2", (a, b) => logSum(a, b, (d) => d.exp2().log1p().mul(Math.LOG2E)), {
  refuse: onlyFloats,
  gradient: (g, [a, b]) => [share(g, a!, b!, (d) => d.exp2()), share(g, b!, a!, (d) => d.exp2())],
})

/** a·f(b), 0 where a is 0, but NaN where b is. */
const zeroTimes = (a: Expr, b: Expr, f: Expr): Expr => where(b.isnan(), Number.NaN, where(a.eq(0), 0, a.mul(f)))
/** Which of the two are numbers decides PyTorch's name for the node. */
function byKind(
  name: string,
  node: string,
  formula: (a: Expr, b: Expr) => Expr,
  gradient: PointwiseOptions["gradient"],
): (a: Operandish, b: Operandish) => Applied {
  const make = (k: number): Pointwise =>
    new Pointwise(name, formula, { result: "float", gradName: `${node}Backward${k}`, gradient })
  const [tensors, numberFirst, numberSecond] = [make(0), make(1), make(2)]
  return (a, b) => [isTensor(a) ? (isTensor(b) ? tensors : numberSecond) : numberFirst, a, b]
}
const pickXlogy = byKind(
  "xlogy",
  "Xlogy",
  (a, b) => zeroTimes(a, b, b.log()),
  (g, [a, b]) => [masked(zeroTimes(g, b!, b!.log()), a!.eq(0).and(b!.le(0))), g.mul(a!).div(b!)],
)
const pickXlog1py = byKind(
  "xlog1py",
  "SpecialXlog1Py",
  (a, b) => zeroTimes(a, b, b.log1p()),
  (g, [a, b]) => [masked(zeroTimes(g, b!, b!.log1p()), a!.eq(0).and(b!.le(-1))), g.mul(a!).div(b!.add(1))],
)

const LDEXP = new Pointwise("ldexp", (a, b) => a.mul(b.exp2()), {
  result: "float",
  gradient: (g, [, b], y) => [g.mul(b!.exp2()), g.mul(y).mul(Math.LN2)],
})

/** Euclid's algorithm, unrolled for the longest case: consecutive Fibonacci numbers. */
const STEPS = { long: 92, short: 47 }
const gcdOf = (a: Expr, b: Expr): Expr => {
  let [x, y] = [a, b]
  for (let k = a.dtype === "int64" ? STEPS.long : STEPS.short; k > 0; k--)
    [x, y] = [where(y.eq(0), x, y), where(y.eq(0), y, x.mod(y))]
  return x.abs()
}
const onlyIntegers: PointwiseOptions = {
  refuse: (dtype) => (isIntegral(dtype) ? null : `${dtype} is not supported, only integers`),
}
const GCD = new Pointwise("gcd", gcdOf, onlyIntegers)
const LCM = new Pointwise(
  "lcm",
  (a, b) => {
    const d = gcdOf(a, b)
    return where(d.eq(0), 0, a.div(d).mul(b).abs())
  },
  onlyIntegers,
)

const OTHER = (name: string): string => `${name}(input, other)`
const plain =
  (f: Pointwise) =>
  (a: Operandish, b: Operandish): Applied => [f, a, b]
type Alone = "maximum" | "minimum" | "fmax" | "fmin" | "logaddexp" | "logaddexp2"
const binary = <N extends Alone>(name: N, f: Pointwise): FunctionOf<MathOps[N]> => applied(OTHER(name), plain(f))
type Both = "atan2" | "hypot" | "copysign" | "nextafter" | "ldexp" | "gcd" | "lcm"
const both = <N extends Both>(
  name: N,
  pick: (a: Operandish, b: Operandish) => Applied,
): [FunctionOf<MathOps[N]>, FunctionOf<MathOps[`${N}_`]>] => withInPlace(OTHER(name), pick)

export const maximum = binary("maximum", MAXIMUM)
export const minimum = binary("minimum", MINIMUM)
export const fmax = binary("fmax", FMAX)
export const fmin = binary("fmin", FMIN)
export const logaddexp = binary("logaddexp", LOGADDEXP)
export const logaddexp2 = binary("logaddexp2", LOGADDEXP2)
export const [atan2, atan2_] = both("atan2", plain(ATAN2))
export const [arctan2, arctan2_] = [atan2, atan2_]
export const [hypot, hypot_] = both("hypot", plain(HYPOT))
export const [copysign, copysign_] = both("copysign", (a, b) => [isTensor(b) ? COPYSIGN_TENSOR : COPYSIGN_NUMBER, a, b])
export const [nextafter, nextafter_] = both("nextafter", plain(NEXTAFTER))
export const [ldexp, ldexp_] = both("ldexp", plain(LDEXP))
export const [gcd, gcd_] = both("gcd", plain(GCD))
export const [lcm, lcm_] = both("lcm", plain(LCM))
export const [xlogy, xlogy_] = withInPlace<FunctionOf<MathOps["xlogy"]>, FunctionOf<MathOps["xlogy_"]>>(
  "xlogy(self, other)",
  pickXlogy,
)
/** input·log(1 + other), 0 where input is 0 and other no NaN; either may be a number. */
export const xlog1py: FunctionOf<BinaryOfSelf<"xlog1py", "float">> = applied("xlog1py(self, other)", pickXlog1py)
export const [heaviside, heaviside_] = withInPlace<FunctionOf<MathOps["heaviside"]>, FunctionOf<MathOps["heaviside_"]>>(
  "heaviside(input, values)",
  (x: Tensor, values: Tensor): Applied => {
    requireOneDtype("heaviside", x, values)
    return [HEAVISIDE, x, values]
  },
)

// ---- three ----

/** From the nearer end, so that weights 0 and 1 give the ends exactly. */
const lerpOf = (a: Expr, b: Expr, w: Expr): Expr => {
  const d = b.sub(a)
  return where(w.abs().lt(0.5), a.add(w.mul(d)), b.sub(d.mul(one(w).sub(w))))
}
const lerpGradient: PointwiseOptions["gradient"] = (g, [a, b, w]) => [
  g.mul(one(w!).sub(w!)),
  g.mul(w!),
  g.mul(b!.sub(a!)),
]
const LERP_NUMBER = new Pointwise("lerp", lerpOf, { gradient: lerpGradient })
const LERP_TENSOR = new Pointwise("lerp", lerpOf, { gradient: lerpGradient, gradName: "LerpBackward1" })
export const [lerp, lerp_] = withInPlace<FunctionOf<MathOps["lerp"]>, FunctionOf<MathOps["lerp_"]>>(
  "lerp(input, end, weight)",
  (x: Tensor, end: Tensor, weight: Operandish): Applied => {
    requireDtypes("lerp", [x, end, weight], onlyFloats)
    requireOneDtype("lerp", x, end, weight)
    return [isTensor(weight) ? LERP_TENSOR : LERP_NUMBER, x, end, weight]
  },
)

const ADDCMUL = new Pointwise("addcmul", (a, b, c, value) => a.add(value.mul(b).mul(c)), {
  gradient: (g, [, b, c, value]) => [g, g.mul(c!.mul(value!)), g.mul(b!.mul(value!)), zero(g)],
})
export const [addcmul, addcmul_] = withInPlace<FunctionOf<MathOps["addcmul"]>, FunctionOf<MathOps["addcmul_"]>>(
  "addcmul(input, tensor1, tensor2, *, value?)",
  (x: Tensor, b: Tensor, c: Tensor, value = 1): Applied => {
    const dtype = resultType(x, b, c)
    if (dtype === "bool") requireDtypes("addcmul", [x, b, c], noBool)
    return [ADDCMUL, x, b, c, isFloating(dtype) ? value : Math.trunc(value)]
  },
)

const ADDCDIV = new Pointwise("addcdiv", (a, b, c, value) => a.add(value.mul(b).div(c)), {
  gradient: (g, [, b, c, value]) => [g, g.mul(value!.div(c!)), g.neg().mul(value!.mul(b!).div(c!.square())), zero(g)],
})
export const [addcdiv, addcdiv_] = withInPlace<FunctionOf<MathOps["addcdiv"]>, FunctionOf<MathOps["addcdiv_"]>>(
  "addcdiv(input, tensor1, tensor2, *, value?)",
  (x: Tensor, b: Tensor, c: Tensor, value = 1): Applied => {
    if (!isFloating(resultType(x, b, c))) requireDtypes("addcdiv", [x, b, c], onlyFloats)
    return [ADDCDIV, x, b, c, value]
  },
)

export const mathMethods: Family = {
  pow,
  pow_,
  square,
  square_,
  floatPower,
  floatPower_,
  atan2,
  atan2_,
  arctan2,
  arctan2_,
  maximum,
  minimum,
  fmax,
  fmin,
  hypot,
  hypot_,
  copysign,
  copysign_,
  heaviside,
  heaviside_,
  nextafter,
  nextafter_,
  logaddexp,
  logaddexp2,
  xlogy,
  xlogy_,
  ldexp,
  ldexp_,
  gcd,
  gcd_,
  lcm,
  lcm_,
  lerp,
  lerp_,
  addcmul,
  addcmul_,
  addcdiv,
  addcdiv_,
}
