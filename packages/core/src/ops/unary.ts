/** Functions of one number: exp, sin, floor, ... */
import { type Args, op } from "../args.ts"
import { noBool, onlyFloats, requireDtypes } from "../checks.ts"
import type { DType } from "../dtype.ts"
import { tensorText, valueText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import type { Tensor } from "../tensor.ts"
import { isFloat, signBit } from "./formulas.ts"
import { type Applied, applied, withInPlace } from "./pointwise-op.ts"

type Formula = (x: Expr) => Expr
type Row = readonly [formula: Formula, options?: PointwiseOptions]
type Unary = (input: Tensor) => Tensor

/** Integers and bool give the default float. */
const float = (formula: Formula, options: PointwiseOptions = {}): Row => [formula, { result: "float", ...options }]
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

const TABLE = {
  /** |input| */
  abs: [(x) => x.abs(), { refuse: noBool }],
  /** −input */
  neg: [(x) => x.neg(), { refuse: noBool }],
  /** −1, 0 or 1; 0 for NaN */
  sign: [(x) => x.sign()],
  /** As `sign` for real numbers. */
  sgn: [(x) => x.sign()],
  /** e^input */
  exp: float((x) => x.exp()),
  /** 2^input */
  exp2: float((x) => x.exp2()),
  /** e^input − 1 */
  expm1: float((x) => x.expm1()),
  /** The natural logarithm. */
  log: float((x) => x.log()),
  log2: float((x) => x.log2()),
  log10: float((x) => x.log10()),
  /** log(1 + input) */
  log1p: float((x) => x.log1p(), { gradName: "Log1PBackward0" }),
  sqrt: float((x) => x.sqrt()),
  /** 1/√input */
  rsqrt: float(
    (x) => x.sqrt().reciprocal(),
    gradient((g, _x, y) => g.mul(-0.5).mul(y.mul(y).mul(y))),
  ),
  /** 1/input */
  reciprocal: float(
    (x) => x.reciprocal(),
    gradient((g, _x, y) => g.neg().mul(y.mul(y))),
  ),
  sin: float((x) => x.sin()),
  cos: float((x) => x.cos()),
  tan: float((x) => x.tan()),
  asin: float((x) => x.asin()),
  acos: float((x) => x.acos()),
  atan: float((x) => x.atan()),
  sinh: float((x) => x.sinh()),
  cosh: float((x) => x.cosh()),
  tanh: float((x) => x.tanh()),
  asinh: float(
    (x) => odd(x, asinhOf),
    gradient((g, x) => g.div(x.square().add(1).sqrt())),
  ),
  acosh: float(
    acoshOf,
    gradient((g, x) => g.div(x.square().sub(1).sqrt())),
  ),
  atanh: float(
    (x) => odd(x, atanhOf),
    gradient((g, x) => g.div(constant(1, x.dtype).sub(x.square()))),
  ),
  /** The error function, 2/√π·∫ e^(−t²) dt from 0 to input. */
  erf: float((x) => x.erf()),
  /** 1 − erf(input) */
  erfc: float((x) => x.erfc()),
  /** The inverse of `erf`; NaN outside of [−1, 1]. */
  erfinv: float((x) => x.erfinv()),
  /** log |Γ(input)| */
  lgamma: float((x) => x.lgamma()),
  /** The derivative of lgamma. */
  digamma: float((x) => x.polygamma(0)),
  /** 1/(1 + e^−input) */
  sigmoid: float((x) => x.sigmoid()),
  /** sin(π·input)/(π·input), 1 at 0 */
  sinc: float(
    sincOf,
    gradient((g, x) => {
      const px = x.mul(Math.PI)
      const square = px.mul(x)
      return where(square.eq(0), 0, g.mul(px.mul(px.cos()).sub(px.sin()).div(square)))
    }),
  ),
  /** The largest integer not above; integers stay as they are. */
  floor: [(x) => x.floor(), { refuse: noBool }],
  ceil: [(x) => x.ceil(), { refuse: noBool }],
  /** Towards zero. */
  trunc: [(x) => x.trunc(), { refuse: noBool }],
  /** input − trunc(input); floating dtypes only */
  frac: [(x) => x.sub(x.trunc()), { refuse: onlyFloats }],
  deg2rad: float((x) => x.mul(Math.PI / 180), { gradName: "Deg2RadBackward0" }),
  rad2deg: float((x) => x.mul(180 / Math.PI), { gradName: "Rad2DegBackward0" }),
} satisfies Record<string, Row>

const predicate = (formula: Formula): Row => [formula, { result: "bool" }]
const onFloats = (test: Formula, otherwise: boolean): Row =>
  predicate((x) => (isFloat(x) ? test(x) : constant(otherwise, "bool")))

const PREDICATES = {
  isnan: onFloats((x) => x.isnan(), false),
  isinf: onFloats((x) => x.abs().eq(Number.POSITIVE_INFINITY), false),
  /** Neither infinite nor NaN. */
  isfinite: onFloats((x) => x.abs().lt(Number.POSITIVE_INFINITY), true),
  isposinf: onFloats((x) => x.eq(Number.POSITIVE_INFINITY), false),
  isneginf: onFloats((x) => x.eq(Number.NEGATIVE_INFINITY), false),
  /** Whether the sign bit is set: true for −0. */
  signbit: predicate(signBit),
} satisfies Record<string, Row>

/** PyTorch keeps these in `torch.special`; they are no methods. */
const SPECIAL = {
  /** −input·log(input); 0 at 0, −∞ below */
  entr: float(
    (x) => where(x.gt(0), x.neg().mul(x.log()), where(x.eq(0), 0, where(x.isnan(), x, Number.NEGATIVE_INFINITY))),
    {
      ...gradient((g, x) => g.mul(x.log().add(1).neg())),
      gradName: "SpecialEntrBackward0",
    },
  ),
  /** The area under the standard normal density below input. */
  ndtr: float(cdf, { gradName: "MulBackward1" }),
  /** The logarithm of `ndtr`, also where that underflows. */
  logNdtr: float(logCdf, { ...gradient((g, x) => g.mul(hazard(x))), gradName: "SpecialLogNdtrBackward0" }),
} satisfies Record<string, Row>

type Named<T> = { readonly [K in keyof T]: Unary }
type NamedInPlace<T> = { readonly [K in keyof T as `${K & string}_`]: Unary }
type Method<T> = { readonly [K in keyof T]: () => Tensor }

const both = <T extends Record<string, Row>>(table: T): Named<T> & NamedInPlace<T> =>
  Object.fromEntries(
    Object.entries(table).flatMap(([name, [formula, options]]) => {
      const own = new Pointwise(name, (x) => formula(x), options)
      const [call, inPlace] = withInPlace<Unary>(`${name}(input)`, (x: Tensor): Applied => [own, x])
      return [
        [name, call],
        [`${name}_`, inPlace],
      ]
    }),
  ) as Named<T> & NamedInPlace<T>

const single = <T extends Record<string, Row>>(table: T): Named<T> =>
  Object.fromEntries(
    Object.entries(table).map(([name, [formula, options]]) => {
      const own = new Pointwise(name, (x) => formula(x), options)
      return [name, applied<Unary>(`${name}(input)`, (x: Tensor): Applied => [own, x])]
    }),
  ) as Named<T>

const FUNCTIONS = both(TABLE)
const TESTS = single(PREDICATES)

export const {
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
} = FUNCTIONS
export const { isnan, isinf, isfinite, isposinf, isneginf, signbit } = TESTS
export const { entr, ndtr, logNdtr } = single(SPECIAL)

/** Other names of the same functions. */
const ALIASES = {
  absolute: abs,
  absolute_: abs_,
  negative: neg,
  negative_: neg_,
  arcsin: asin,
  arcsin_: asin_,
  arccos: acos,
  arccos_: acos_,
  arctan: atan,
  arctan_: atan_,
  arcsinh: asinh,
  arcsinh_: asinh_,
  arccosh: acosh,
  arccosh_: acosh_,
  arctanh: atanh,
  arctanh_: atanh_,
  fix: trunc,
  fix_: trunc_,
} satisfies Record<string, Unary>
export const {
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
} = ALIASES

interface NanToNumOptions {
  nan: number
  posinf: number | null
  neginf: number | null
}
type NanToNumArgs = Args<
  [["nan", NanToNumOptions["nan"]], ["posinf", NanToNumOptions["posinf"]], ["neginf", NanToNumOptions["neginf"]]]
>

export interface UnaryMethods extends Method<typeof FUNCTIONS>, Method<typeof TESTS>, Method<typeof ALIASES> {
  /** log(input/(1 − input)); with `eps` the input is clamped to [eps, 1 − eps], without it NaN outside of [0, 1]. */
  logit(...args: Args<[["eps", number | null]]>): Tensor
  logit_(...args: Args<[["eps", number | null]]>): Tensor
  /** To the nearest integer, ties to even; or to so many decimals (negative: tens, hundreds, ...), floating dtypes only. */
  round(...args: Args<[], { decimals: number }>): Tensor
  round_(...args: Args<[], { decimals: number }>): Tensor
  /** NaN becomes `nan` (0), the infinities `posinf` and `neginf` (the largest finite numbers of the dtype). */
  nanToNum(...args: NanToNumArgs): Tensor
  nanToNum_(...args: NanToNumArgs): Tensor
  /** The n-th derivative of digamma, n ≥ 0. */
  polygamma(n: number): Tensor
  polygamma_(n: number): Tensor
  /** The logarithm of the multivariate gamma function of dimension p ≥ 1, up to what does not depend on the input. */
  mvlgamma(p: number): Tensor
  mvlgamma_(p: number): Tensor
  /** The input itself. */
  positive(): Tensor
}

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
export const [logit, logit_] = withInPlace<(input: Tensor, ...args: Args<[["eps", number | null]]>) => Tensor>(
  "logit(input, eps?)",
  (x: Tensor, eps: number | null = null): Applied => (eps === null ? [LOGIT, x] : [LOGIT_EPS, x, eps]),
)

const ROUND = new Pointwise("round", (x) => x.round(), { refuse: noBool })
const noSlope: PointwiseOptions = { gradName: "RoundBackward1", gradient: () => [null, null] }
const ROUND_DECIMALS = new Pointwise("round", (x, scale) => x.mul(scale).round().div(scale), noSlope)
const ROUND_TENS = new Pointwise("round", (x, scale) => x.div(scale).round().mul(scale), noSlope)
export const [round, round_] = withInPlace<(input: Tensor, ...args: Args<[], { decimals: number }>) => Tensor>(
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
export const [nanToNum, nanToNum_] = withInPlace<(input: Tensor, ...args: NanToNumArgs) => Tensor>(
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
const [polygammaMethod, polygamma_] = withInPlace<(input: Tensor, n: number) => Tensor>(
  "polygamma(input, n)",
  (x: Tensor, n: number) => pickPolygamma(n, x),
)
/** The n-th derivative of digamma at `input`, n ≥ 0. */
export const polygamma: (n: number, input: Tensor) => Tensor = applied("polygamma(n, input)", pickPolygamma)

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
export const [mvlgamma, mvlgamma_] = withInPlace<(input: Tensor, p: number) => Tensor>(
  "mvlgamma(input, p)",
  (x: Tensor, p: number): Applied => {
    if (!Number.isInteger(p) || p < 1)
      throw new RangeError(`mvlgamma: p has to be an integer greater than or equal to 1, got ${valueText(p)}`)
    return [mvlgammaOf(p), x]
  },
)

export const positive: Unary = op("positive(input)", (x: Tensor) => {
  if (x.dtype === "bool")
    throw new TypeError(`positive: the + operator, on a bool tensor is not supported (${tensorText(x)})`)
  return x
})

export const unaryMethods = {
  ...FUNCTIONS,
  ...TESTS,
  ...ALIASES,
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
