/** Functions of one number: exp, sin, floor, ... */
import { type Args, op } from "../args.ts"
import { noBool, onlyFloats, requireDtypes } from "../checks.ts"
import type { DType } from "../dtype.ts"
import { tensorText, valueText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import type { Tensor } from "../tensor.ts"
import type { DTypeRule, Floated } from "../types/dtype.ts"
import type { Elementwise, ElementwiseFunction, ElementwiseMethods } from "../types/patterns.ts"
import type { Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { isFloat, signBit } from "./formulas.ts"
import { type Applied, applied, withInPlace } from "./pointwise-op.ts"

type Formula = (x: Expr) => Expr
type Same = ElementwiseFunction
type Float = ElementwiseFunction<"float">

/** `name` and `name_` of a formula. */
const unary = <F extends ElementwiseFunction<DTypeRule> = Same>(
  name: string,
  formula: Formula,
  options?: PointwiseOptions,
): [F, Same] => {
  const own = new Pointwise(name, (x) => formula(x), options)
  return withInPlace(`${name}(input)`, (x: Tensor): Applied => [own, x])
}
/** Integers and bool give the default float. */
const float = (name: string, formula: Formula, options?: PointwiseOptions): [Float, Same] =>
  unary<Float>(name, formula, { result: "float", ...options })
/** A gradient in terms of `g`, the argument and the result. */
const gradient = (rule: (g: Expr, x: Expr, y: Expr) => Expr): PointwiseOptions => ({
  gradient: (g, [x], y) => [rule(g, x!, y)],
})

/** f(|x|) with the sign of x, for odd functions; keeps -0. */
const odd = (x: Expr, f: Formula): Expr => {
  const r = f(x.abs())
  return where(x.gt(0), r, where(x.lt(0), r.neg(), x))
}
/** log(2a) where a² would overflow or where adding to it is lost anyway. */
const HUGE = 1e8
const logOfTwice = (a: Expr): Expr => a.log().add(Math.LN2)

/** log(a + √(a² + 1)), written so that nothing is lost near 0. */
const asinhOf: Formula = (a) => {
  const s = a.square()
  return where(a.gt(HUGE), logOfTwice(a), a.add(s.div(s.add(1).sqrt().add(1))).log1p())
}
/** log(x + √(x² − 1)) in t = x − 1, written so that nothing is lost near 1. */
const acoshOf: Formula = (x) => {
  const t = x.sub(1)
  const r = where(x.gt(HUGE), logOfTwice(x), t.add(t.mul(t.add(2)).sqrt()).log1p())
  return where(x.lt(1), Number.NaN, r)
}
const atanhOf: Formula = (a) => a.mul(2).div(constant(1, a.dtype).sub(a)).log1p().mul(0.5)

const sincOf: Formula = (x) => {
  const px = x.mul(Math.PI)
  // Of px, which is 0 for more x where a machine flushes subnormal numbers.
  return where(px.eq(0), 1, px.sin().div(px))
}

/** log Φ by the asymptotic series Φ(x) = φ(x)/|x|·(1 − 1/x² + 3/x⁴ − 15/x⁶ + ...), for x ≤ −12. */
const FAR = -12
const tailSeries: Formula = (x) => {
  const u = x.square().reciprocal()
  let s = constant(1, x.dtype)
  // By Horner: 1 − u·(1 − 3u·(1 − 5u·(...))).
  for (let k = 23; k >= 1; k -= 2) s = constant(1, x.dtype).sub(u.mul(k).mul(s))
  return s
}
const cdf: Formula = (x) => x.mul(-Math.SQRT1_2).erfc().mul(0.5)
const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI)
const logCdf: Formula = (x) =>
  where(
    x.lt(FAR),
    tailSeries(x).div(x.neg()).log().sub(x.square().mul(0.5)).sub(LOG_SQRT_2PI),
    where(x.lt(-1), cdf(x).log(), cdf(x.neg()).neg().log1p()),
  )
/** φ/Φ. */
const hazard: Formula = (x) =>
  where(x.lt(FAR), x.neg().div(tailSeries(x)), x.square().mul(-0.5).exp().mul(Math.exp(-LOG_SQRT_2PI)).div(cdf(x)))

/** |input|; of signed integers the least number stays what it is. */
export const [abs, abs_] = unary("abs", (x) => x.abs(), { refuse: noBool })
/** −input; not of bool. */
export const [neg, neg_] = unary("neg", (x) => x.neg(), { refuse: noBool })
/** −1, 0 or 1, in the input's dtype; 0 for NaN. */
export const [sign, sign_] = unary("sign", (x) => x.sign())
/** As `sign` for real numbers. */
export const [sgn, sgn_] = unary("sgn", (x) => x.sign())
/** e^input; integers give floats. */
export const [exp, exp_] = float("exp", (x) => x.exp())
/** 2^input; integers give floats. */
export const [exp2, exp2_] = float("exp2", (x) => x.exp2())
/** e^input − 1, exact where input is near 0. */
export const [expm1, expm1_] = float("expm1", (x) => x.expm1())
/** The natural logarithm; −∞ at 0, NaN below. Integers give floats. */
export const [log, log_] = float("log", (x) => x.log())
/** The logarithm to the base 2. */
export const [log2, log2_] = float("log2", (x) => x.log2())
/** The logarithm to the base 10. */
export const [log10, log10_] = float("log10", (x) => x.log10())
/** log(1 + input), exact where the input is near 0. */
export const [log1p, log1p_] = float("log1p", (x) => x.log1p(), { gradName: "Log1PBackward0" })
/** The square root; NaN below 0. Integers give floats. */
export const [sqrt, sqrt_] = float("sqrt", (x) => x.sqrt())
/** 1/√input; +∞ at 0, NaN below. */
export const [rsqrt, rsqrt_] = float(
  "rsqrt",
  (x) => x.sqrt().reciprocal(),
  gradient((g, _x, y) => g.mul(-0.5).mul(y.mul(y).mul(y))),
)
/** 1/input; integers give floats. */
export const [reciprocal, reciprocal_] = float(
  "reciprocal",
  (x) => x.reciprocal(),
  gradient((g, _x, y) => g.neg().mul(y.mul(y))),
)
/** The sine of an angle in radians; integers give floats. */
export const [sin, sin_] = float("sin", (x) => x.sin())
/** The cosine of an angle in radians; integers give floats. */
export const [cos, cos_] = float("cos", (x) => x.cos())
/** The tangent of an angle in radians; integers give floats. */
export const [tan, tan_] = float("tan", (x) => x.tan())
/** The angle in [−π/2, π/2] radians whose sine the input is; NaN outside of [−1, 1]. */
export const [asin, asin_] = float("asin", (x) => x.asin())
/** The angle in [0, π] radians whose cosine the input is; NaN outside of [−1, 1]. */
export const [acos, acos_] = float("acos", (x) => x.acos())
/** The angle in (−π/2, π/2) radians whose tangent the input is. */
export const [atan, atan_] = float("atan", (x) => x.atan())
/** (e^input − e^−input)/2; integers give floats. */
export const [sinh, sinh_] = float("sinh", (x) => x.sinh())
/** (e^input + e^−input)/2; integers give floats. */
export const [cosh, cosh_] = float("cosh", (x) => x.cosh())
/** (e^input − e^−input)/(e^input + e^−input), without overflow. */
export const [tanh, tanh_] = float("tanh", (x) => x.tanh())
/** The number whose hyperbolic sine the input is. */
export const [asinh, asinh_] = float(
  "asinh",
  (x) => odd(x, asinhOf),
  gradient((g, x) => g.div(x.square().add(1).sqrt())),
)
/** The number ≥ 0 whose hyperbolic cosine the input is; NaN below 1. */
export const [acosh, acosh_] = float(
  "acosh",
  acoshOf,
  gradient((g, x) => g.div(x.square().sub(1).sqrt())),
)
/** The number whose hyperbolic tangent the input is; ±∞ at ±1, NaN beyond. */
export const [atanh, atanh_] = float(
  "atanh",
  (x) => odd(x, atanhOf),
  gradient((g, x) => g.div(constant(1, x.dtype).sub(x.square()))),
)
/** The error function: 2/√π·∫ e^(−t²) dt from 0 to input. */
export const [erf, erf_] = float("erf", (x) => x.erf())
/** 1 − erf(input), without the loss of digits that the difference has where erf is near 1. */
export const [erfc, erfc_] = float("erfc", (x) => x.erfc())
/** The inverse of `erf`: the number whose erf the input is; ±∞ at ±1, NaN beyond. */
export const [erfinv, erfinv_] = float("erfinv", (x) => x.erfinv())
/** log |Γ(input)|; +∞ at 0 and at negative integers. */
export const [lgamma, lgamma_] = float("lgamma", (x) => x.lgamma())
/** The derivative of `lgamma`; −∞ at 0, NaN at negative integers. */
export const [digamma, digamma_] = float("digamma", (x) => x.polygamma(0))
/** 1/(1 + e^−input), without overflow. */
export const [sigmoid, sigmoid_] = float("sigmoid", (x) => x.sigmoid())
/** sin(π·input)/(π·input), and 1 at 0. */
export const [sinc, sinc_] = float(
  "sinc",
  sincOf,
  gradient((g, x) => {
    const px = x.mul(Math.PI)
    const square = px.mul(x)
    return where(square.eq(0), 0, g.mul(px.mul(px.cos()).sub(px.sin()).div(square)))
  }),
)
/** The greatest integer that is not above the input; integers stay as they are. */
export const [floor, floor_] = unary("floor", (x) => x.floor(), { refuse: noBool })
/** The least integer that is not below the input; integers stay as they are. */
export const [ceil, ceil_] = unary("ceil", (x) => x.ceil(), { refuse: noBool })
/** The input without its fraction: towards 0. */
export const [trunc, trunc_] = unary("trunc", (x) => x.trunc(), { refuse: noBool })
/** What is left of the input when its integer part is taken off, with the input's sign; floating dtypes only. */
export const [frac, frac_] = unary("frac", (x) => x.sub(x.trunc()), { refuse: onlyFloats })
/** Degrees as radians: input·π/180. */
export const [deg2rad, deg2rad_] = float("deg2rad", (x) => x.mul(Math.PI / 180), { gradName: "Deg2RadBackward0" })
/** Radians as degrees: input·180/π. */
export const [rad2deg, rad2deg_] = float("rad2deg", (x) => x.mul(180 / Math.PI), { gradName: "Rad2DegBackward0" })

/** `name` alone. */
const single = <F extends ElementwiseFunction<DTypeRule>>(
  name: string,
  formula: Formula,
  options: PointwiseOptions,
): F => {
  const own = new Pointwise(name, (x) => formula(x), options)
  return applied(`${name}(input)`, (x: Tensor): Applied => [own, x])
}
type Predicate = ElementwiseFunction<"bool">
const predicate = (name: string, formula: Formula): Predicate => single(name, formula, { result: "bool" })
const onFloats = (name: string, test: Formula, otherwise: boolean): Predicate =>
  predicate(name, (x) => (isFloat(x) ? test(x) : constant(otherwise, "bool")))

/** Whether an element is NaN, as bool. */
export const isnan = onFloats("isnan", (x) => x.isnan(), false)
/** Whether an element is infinite, as bool. */
export const isinf = onFloats("isinf", (x) => x.abs().eq(Number.POSITIVE_INFINITY), false)
/** Neither infinite nor NaN. */
export const isfinite = onFloats("isfinite", (x) => x.abs().lt(Number.POSITIVE_INFINITY), true)
/** Whether an element is +∞, as bool. */
export const isposinf = onFloats("isposinf", (x) => x.eq(Number.POSITIVE_INFINITY), false)
/** Whether an element is −∞, as bool. */
export const isneginf = onFloats("isneginf", (x) => x.eq(Number.NEGATIVE_INFINITY), false)
/** Whether the sign bit is set: true for −0. */
export const signbit = predicate("signbit", signBit)

/** PyTorch keeps these in `torch.special`; they are no methods. */
const special = (name: string, formula: Formula, options: PointwiseOptions): Float =>
  single(name, formula, { result: "float", ...options })
/** −input·log(input); 0 at 0, −∞ below */
export const entr = special(
  "entr",
  (x) => where(x.gt(0), x.neg().mul(x.log()), where(x.eq(0), 0, where(x.isnan(), x, Number.NEGATIVE_INFINITY))),
  {
    ...gradient((g, x) => g.mul(x.log().add(1).neg())),
    gradName: "SpecialEntrBackward0",
  },
)
/** The area under the standard normal density below input. */
export const ndtr = special("ndtr", cdf, { gradName: "MulBackward1" })
/** The logarithm of `ndtr`, also where that underflows. */
export const logNdtr = special("logNdtr", logCdf, {
  ...gradient((g, x) => g.mul(hazard(x))),
  gradName: "SpecialLogNdtrBackward0",
})

// Other names of the same functions.
/** Another name of `abs`. */
export const absolute = abs
export const absolute_ = abs_
/** Another name of `neg`. */
export const negative = neg
export const negative_ = neg_
/** Another name of `asin`. */
export const arcsin = asin
export const arcsin_ = asin_
/** Another name of `acos`. */
export const arccos = acos
export const arccos_ = acos_
/** Another name of `atan`. */
export const arctan = atan
export const arctan_ = atan_
/** Another name of `asinh`. */
export const arcsinh = asinh
export const arcsinh_ = asinh_
/** Another name of `acosh`. */
export const arccosh = acosh
export const arccosh_ = acosh_
/** Another name of `atanh`. */
export const arctanh = atanh
export const arctanh_ = atanh_
/** Another name of `trunc`. */
export const fix = trunc
export const fix_ = trunc_

const PLAIN_METHODS = {
  abs,
  abs_,
  neg,
  neg_,
  sign,
  sign_,
  sgn,
  sgn_,
  exp,
  exp_,
  exp2,
  exp2_,
  expm1,
  expm1_,
  log,
  log_,
  log2,
  log2_,
  log10,
  log10_,
  log1p,
  log1p_,
  sqrt,
  sqrt_,
  rsqrt,
  rsqrt_,
  reciprocal,
  reciprocal_,
  sin,
  sin_,
  cos,
  cos_,
  tan,
  tan_,
  asin,
  asin_,
  acos,
  acos_,
  atan,
  atan_,
  sinh,
  sinh_,
  cosh,
  cosh_,
  tanh,
  tanh_,
  asinh,
  asinh_,
  acosh,
  acosh_,
  atanh,
  atanh_,
  erf,
  erf_,
  erfc,
  erfc_,
  erfinv,
  erfinv_,
  lgamma,
  lgamma_,
  digamma,
  digamma_,
  sigmoid,
  sigmoid_,
  sinc,
  sinc_,
  floor,
  floor_,
  ceil,
  ceil_,
  trunc,
  trunc_,
  frac,
  frac_,
  deg2rad,
  deg2rad_,
  rad2deg,
  rad2deg_,
  isnan,
  isinf,
  isfinite,
  isposinf,
  isneginf,
  signbit,
  absolute,
  absolute_,
  negative,
  negative_,
  arcsin,
  arcsin_,
  arccos,
  arccos_,
  arctan,
  arctan_,
  arcsinh,
  arcsinh_,
  arccosh,
  arccosh_,
  arctanh,
  arctanh_,
  fix,
  fix_,
}

interface NanToNumOptions {
  nan: number
  posinf: number | null
  neginf: number | null
}
type NanToNumArgs = Args<
  [["nan", NanToNumOptions["nan"]], ["posinf", NanToNumOptions["posinf"]], ["neginf", NanToNumOptions["neginf"]]]
>

export interface DecimalsOption {
  decimals: number
}

export interface UnaryOps {
  /** log(input/(1 − input)); with `eps` the input is clamped to [eps, 1 − eps], without it NaN outside of [0, 1]. */
  logit: Elementwise<"float", Args<[["eps", number | null]]>>
  logit_: Elementwise<"same", Args<[["eps", number | null]]>>
  /** To the nearest integer, ties to even; or to so many decimals (negative: tens, hundreds, ...), floating dtypes only. */
  round: Elementwise<"same", Args<[], DecimalsOption>>
  round_: Elementwise<"same", Args<[], DecimalsOption>>
  /** NaN becomes `nan` (0), the infinities `posinf` and `neginf` (the largest finite numbers of the dtype). */
  nanToNum: Elementwise<"same", NanToNumArgs>
  nanToNum_: Elementwise<"same", NanToNumArgs>
  /** The n-th derivative of digamma, n ≥ 0. */
  polygamma: Elementwise<"float", [n: number | { n: number }]>
  polygamma_: Elementwise<"same", [n: number | { n: number }]>
  /** The logarithm of the multivariate gamma function of dimension p ≥ 1, up to what does not depend on the input. */
  mvlgamma: Elementwise<"float", [p: number | { p: number }]>
  mvlgamma_: Elementwise<"same", [p: number | { p: number }]>
  /** The input itself. */
  positive: Elementwise
}

export interface UnaryMethods extends ElementwiseMethods<typeof PLAIN_METHODS>, MethodsOf<UnaryOps> {}

const odds = (z: Expr): Expr => z.div(constant(1, z.dtype).sub(z)).log()
const oddsGradient = (g: Expr, x: Expr): Expr => g.div(x.mul(constant(1, x.dtype).sub(x)))
const LOGIT = new Pointwise("logit", odds, {
  result: "float",
  gradient: (g, [x]) => [where(x!.ge(0).and(x!.le(1)), oddsGradient(g, x!), Number.NaN)],
})
const LOGIT_EPS = new Pointwise(
  "logit",
  (x, eps) => {
    const high = constant(1, x.dtype).sub(eps)
    return odds(where(x.lt(eps), eps, where(x.gt(high), high, x)))
  },
  {
    result: "float",
    gradient: (g, [x, eps]) => [
      where(x!.lt(eps!).or(x!.gt(constant(1, x!.dtype).sub(eps!))), 0, oddsGradient(g, x!)),
      null,
    ],
  },
)
export const [logit, logit_] = withInPlace<FunctionOf<UnaryOps["logit"]>, FunctionOf<UnaryOps["logit_"]>>(
  "logit(input, eps?)",
  (x: Tensor, eps: number | null = null): Applied => (eps === null ? [LOGIT, x] : [LOGIT_EPS, x, eps]),
)

const ROUND = new Pointwise("round", (x) => x.round(), { refuse: noBool })
const noSlope: PointwiseOptions = { gradName: "RoundBackward1", gradient: () => [null, null] }
const ROUND_DECIMALS = new Pointwise("round", (x, scale) => x.mul(scale).round().div(scale), noSlope)
const ROUND_TENS = new Pointwise("round", (x, scale) => x.div(scale).round().mul(scale), noSlope)
export const [round, round_] = withInPlace<FunctionOf<UnaryOps["round"]>, FunctionOf<UnaryOps["round_"]>>(
  "round(input, *, decimals?)",
  (x: Tensor, decimals = 0): Applied => {
    if (!Number.isInteger(decimals))
      throw new TypeError(`round: decimals must be an integer, got ${valueText(decimals)}`)
    if (decimals === 0) return [ROUND, x]
    requireDtypes("round with decimals", [x], onlyFloats)
    return [decimals > 0 ? ROUND_DECIMALS : ROUND_TENS, x, 10 ** Math.abs(decimals)]
  },
)

/** The largest finite number of a floating dtype. */
const GREATEST: Partial<Record<DType, number>> = {
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
}
const finite = (x: Expr): Expr => x.abs().lt(Number.POSITIVE_INFINITY)
const NAN_TO_NUM = new Pointwise(
  "nanToNum",
  (x, nan, posinf, neginf) =>
    where(
      x.isnan(),
      nan,
      where(x.eq(Number.POSITIVE_INFINITY), posinf, where(x.eq(Number.NEGATIVE_INFINITY), neginf, x)),
    ),
  { gradient: (g, [x]) => [where(finite(x!), g, 0), null, null, null] },
)
const KEEP = new Pointwise("nanToNum", (x) => x)
export const [nanToNum, nanToNum_] = withInPlace<FunctionOf<UnaryOps["nanToNum"]>, FunctionOf<UnaryOps["nanToNum_"]>>(
  "nanToNum(input, nan?, posinf?, neginf?)",
  (x: Tensor, nan: number | null = null, posinf: number | null = null, neginf: number | null = null): Applied => {
    const greatest = GREATEST[x.dtype as DType]
    return greatest === undefined ? [KEEP, x] : [NAN_TO_NUM, x, nan ?? 0, posinf ?? greatest, neginf ?? -greatest]
  },
)

/** One Pointwise for each order, which is part of the formula. */
function byOrder(make: (order: number) => Pointwise): (order: number) => Pointwise {
  const made = new Map<number, Pointwise>()
  return (order) => {
    let found = made.get(order)
    if (!found) made.set(order, (found = make(order)))
    return found
  }
}

const polygammaOf = byOrder(
  (n) => new Pointwise("polygamma", (x) => x.polygamma(n), { result: "float", inPlaceGradName: "PolygammaBackward1" }),
)
const pickPolygamma = (n: number, x: Tensor): Applied => {
  if (!Number.isInteger(n) || n < 0)
    throw new RangeError(`polygamma: n must be an integer not below 0, got ${valueText(n)}`)
  return [polygammaOf(n), x]
}
const [polygammaMethod, polygammaInPlace] = withInPlace<
  FunctionOf<UnaryOps["polygamma"]>,
  FunctionOf<UnaryOps["polygamma_"]>
>("polygamma(input, n)", (x: Tensor, n: number) => pickPolygamma(n, x))
/** The n-th derivative of digamma at `input`, n ≥ 0. */
export const polygamma: {
  <S extends Shape, D extends DType>(named: { n: number; input: Tensor<S, D> }): Tensor<S, Floated<D>>
  <S extends Shape, D extends DType>(n: number, input: Tensor<S, D> | { input: Tensor<S, D> }): Tensor<S, Floated<D>>
} = applied("polygamma(n, input)", pickPolygamma)
/** `polygamma` into the input, which comes first here. */
export const polygamma_ = polygammaInPlace

/** Σ lgamma(x + (1 − j)/2) for j = 1..p, plus p(p − 1)/4·log π. */
const mvlgammaOf = byOrder(
  (p) =>
    new Pointwise(
      "mvlgamma",
      (x) => {
        let sum = constant((p * (p - 1) * Math.log(Math.PI)) / 4, x.dtype)
        for (let j = 0; j < p; j++) sum = sum.add(x.sub(j / 2).lgamma())
        return sum
      },
      { result: "float" },
    ),
)
export const [mvlgamma, mvlgamma_] = withInPlace<FunctionOf<UnaryOps["mvlgamma"]>, FunctionOf<UnaryOps["mvlgamma_"]>>(
  "mvlgamma(input, p)",
  (x: Tensor, p: number): Applied => {
    if (!Number.isInteger(p) || p < 1)
      throw new RangeError(`mvlgamma: p has to be an integer greater than or equal to 1, got ${valueText(p)}`)
    return [mvlgammaOf(p), x]
  },
)

export const positive: FunctionOf<UnaryOps["positive"]> = op("positive(input)", (x) => {
  if (x.dtype === "bool")
    throw new TypeError(`positive: the + operator, on a bool tensor is not supported (${tensorText(x)})`)
  return x
})

export const unaryMethods: Family = {
  ...PLAIN_METHODS,
  logit,
  logit_,
  round,
  round_,
  nanToNum,
  nanToNum_,
  polygamma: polygammaMethod,
  polygamma_,
  mvlgamma,
  mvlgamma_,
  positive,
}
