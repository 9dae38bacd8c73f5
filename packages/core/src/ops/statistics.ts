/** Statistics: var, std, median, quantile, mode, ... */
import { op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import { requireFlag, requireFloating, requireNumbers } from "../checks.ts"
import { computeType, type DType, isFloating } from "../dtype.ts"
import { tensorText, valueText } from "../errors.ts"
import { type Expr, result, where } from "../expr.ts"
import { type Argument, int, runMap } from "../kernels.ts"
import { extremeMonoid, maxMonoid, sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { results } from "../results.ts"
import { normalizeDim } from "../shape.ts"
import { isTensor, type Tensor, track, trackAll, viewOf } from "../tensor.ts"
import type { Field, KnownOptions } from "../types/arguments.ts"
import type { CheckDim, Reduced } from "../types/dims.ts"
import type { Floated, OnlyFloats } from "../types/dtype.ts"
import type { DimOf, DimsLike, KeepOf, Two } from "../types/patterns.ts"
import type { Arg, IsLiteral, Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { fresh, reduceAlong, scanAlong, sortAlong, withLast } from "./along.ts"
import { add, div, mul, sub } from "./arithmetic.ts"
import { tensor } from "./creation.ts"
import { type Found, found, oneDim, refuseEmpty, selectedRule, sharing } from "./finding.ts"
import { gather } from "./gathering.ts"
import { matmul } from "./matmul.ts"
import { countWhere, type DimArg, type Reduction, reduceInputs, reduceTo, reductionOf, spread } from "./over-dims.ts"
import { mean, sum } from "./reduction.ts"
import { clamp } from "./selection.ts"
import { sort } from "./sorting.ts"
import { sqrt } from "./unary.ts"
import { detached, diagonal, movedim, reshape, select, squeeze, t, unsqueeze } from "./views.ts"

// biome-ignore-start lint/suspicious/noExplicitAny: what is not known to the compiler
export interface SpreadOptions {
  unbiased?: boolean
  keepdim?: boolean
  correction?: number | null
}
type SpreadArg = DimArg | boolean | (SpreadOptions & { dim?: DimArg })
type SpreadNames = keyof SpreadOptions | "dim"
type KeepArg = boolean | { keepdim?: boolean; correction?: number | null }
/** `keepdim` in the third place, or by name in the first or second. */
type KeepOfThree<A, U, K> = KeepOf<U extends boolean ? A : U, K>

/** (unbiased), (dim, unbiased, keepdim) or (dim, { correction, keepdim }); `Names` are those of two results, never of one. */
interface SpreadOp<Op extends string, Name extends string = never> {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends SpreadArg = null,
    const U extends boolean | SpreadOptions = true,
    const K extends KeepArg = false,
  >(
    this: Arg<OnlyFloats<Op, OwnDType<Self>, []>, Self>,
    dim?: Arg<KnownOptions<Op, A, SpreadNames, CheckDim<Op, S, DimOf<A>>>, DimsLike<A>>,
    unbiased?: U,
    keepdim?: K,
    options?: { correction?: number | null },
  ) => SpreadResult<Reduced<OwnShape<Self>, DimOf<A>, KeepOfThree<A, U, K>>, OwnDType<Self>, Name>
  function: <
    S extends Shape,
    D extends DType,
    const A extends SpreadArg = null,
    const U extends boolean | SpreadOptions = true,
    const K extends KeepArg = false,
  >(
    input: Arg<OnlyFloats<Op, D, []>, Tensor<S, D>>,
    dim?: Arg<KnownOptions<Op, A, SpreadNames, CheckDim<Op, S, DimOf<A>>>, DimsLike<A>>,
    unbiased?: U,
    keepdim?: K,
    options?: { correction?: number | null },
  ) => SpreadResult<Reduced<S, DimOf<A>, KeepOfThree<A, U, K>>, D, Name>
}
type SpreadResult<S extends Shape, D extends DType, Name extends string> = [Name] extends [never]
  ? Tensor<S, D>
  : Two<Tensor<S, D>, Tensor<S, D>> & { readonly [N in Name | "mean"]: Tensor<S, D> }

/** Between which of two neighbours a quantile lies: one of them, their middle, or in proportion. */
export type Interpolation = "linear" | "lower" | "higher" | "midpoint" | "nearest"
export interface QuantileOptions {
  dim?: number | null
  keepdim?: boolean
  interpolation?: Interpolation
}
type QuantileArg = number | Tensor | (QuantileOptions & { q: number | Tensor })
type QuantileDim<Q, A> = Q extends { readonly q: unknown } ? Field<Q, "dim"> : DimOf<A>
type QuantileKeep<Q, A, K> = KeepOf<Q extends { readonly q: unknown } ? Q : A, K>
/** The fractions come first, unless there is only one number. */
type Fractions<Q> = Q extends { readonly q: infer X } ? Fractions<X> : Q extends Tensor<infer R, infer _E> ? R : []
type Quantiles<S extends Shape, Q, A, K> =
  Reduced<S, QuantileDim<Q, A>, QuantileKeep<Q, A, K>> extends infer R extends Shape
    ? number extends R["length"] | Fractions<Q>["length"]
      ? any
      : [...Fractions<Q>, ...R]
    : never

interface QuantileOp<Op extends string> {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const Q extends QuantileArg = QuantileArg,
    const A extends number | QuantileOptions | null = null,
    const K extends boolean | Omit<QuantileOptions, "dim"> = false,
  >(
    this: Self,
    q: Q,
    dim?: Arg<CheckDim<Op, S, QuantileDim<Q, A>>, A>,
    keepdim?: K,
    options?: Pick<QuantileOptions, "interpolation">,
  ) => Tensor<Quantiles<OwnShape<Self>, Q, A, K>, OwnDType<Self>>
  function: <
    S extends Shape,
    D extends DType,
    const Q extends QuantileArg,
    const A extends number | QuantileOptions | null = null,
    const K extends boolean | Omit<QuantileOptions, "dim"> = false,
  >(
    input: Tensor<S, D>,
    q: Q,
    dim?: Arg<CheckDim<Op, S, QuantileDim<Q, A>>, A>,
    keepdim?: K,
    options?: Pick<QuantileOptions, "interpolation">,
  ) => Tensor<Quantiles<S, Q, A, K>, D>
}

/** Of all elements, or along one dim with positions. */
interface MedianOp<Op extends string, Default = null> {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | { dim?: number; keepdim?: boolean } | Default = Default,
    const K extends boolean | { keepdim?: boolean } = false,
  >(
    this: Self,
    dim?: Arg<KnownOptions<Op, A, "dim" | "keepdim", CheckDim<Op, S, DimOf<A>>>, A>,
    keepdim?: K,
  ) => MedianResult<OwnShape<Self>, OwnDType<Self>, DimOf<A>, KeepOf<A, K>, Default>
  function: <
    S extends Shape,
    D extends DType,
    const A extends number | { dim?: number; keepdim?: boolean } | Default = Default,
    const K extends boolean | { keepdim?: boolean } = false,
  >(
    input: Tensor<S, D>,
    dim?: Arg<KnownOptions<Op, A, "dim" | "keepdim", CheckDim<Op, S, DimOf<A>>>, A>,
    keepdim?: K,
  ) => MedianResult<S, D, DimOf<A>, KeepOf<A, K>, Default>
}
type MedianResult<S extends Shape, D extends DType, A, K, Default> = A extends null | undefined
  ? [Default] extends [null]
    ? Tensor<[], D>
    : Found<Reduced<S, Default, K>, D>
  : Found<Reduced<S, A, K>, D>

/** Of n rows [n, n], squeezed. */
type Covariances<S extends Shape> = number extends S["length"]
  ? any
  : S extends readonly [infer N extends number, number]
    ? N extends 1
      ? []
      : IsLiteral<N> extends true
        ? [N, N]
        : any
    : []
export interface CovOptions {
  correction?: number
  fweights?: Tensor | null
  aweights?: Tensor | null
}
interface Covariance {
  method: <Self extends Tensor, const O extends CovOptions = never>(
    this: Self,
    options?: O,
  ) => Tensor<Covariances<OwnShape<Self>>, [O] extends [never] ? Floated<OwnDType<Self>> : any>
  function: <S extends Shape, D extends DType, const O extends CovOptions = never>(
    input: Tensor<S, D>,
    options?: O,
  ) => Tensor<Covariances<S>, [O] extends [never] ? Floated<D> : any>
}
interface Correlation {
  method: <Self extends Tensor>(this: Self) => Tensor<Covariances<OwnShape<Self>>, Floated<OwnDType<Self>>>
  function: <S extends Shape, D extends DType>(input: Tensor<S, D>) => Tensor<Covariances<S>, Floated<D>>
}

export interface StatisticsOps {
  /** Σ (x − mean)² / (n − correction), correction 1 unless given; `unbiased: false` means correction 0. */
  var: SpreadOp<"var">
  /** √var */
  std: SpreadOp<"std">
  /** The lower median of all elements, or along a dim with its int32 position; NaN if there is any. */
  median: MedianOp<"median">
  /** As `median`, of the elements that are not NaN. */
  nanmedian: MedianOp<"nanmedian">
  /** The most frequent element along `dim`, the least of several, and the int32 position of its last occurrence. */
  mode: MedianOp<"mode", -1>
  /** The elements at the fraction `q` (one or several) of the order along `dim`, between two of them as `interpolation` says. */
  quantile: QuantileOp<"quantile">
  /** As `quantile`, of the elements that are not NaN. */
  nanquantile: QuantileOp<"nanquantile">
  /** The covariances of the rows of a matrix (variables), whose columns are observations, optionally weighted. */
  cov: Covariance
  /** The correlations of the rows of a matrix, from -1 to 1. */
  corrcoef: Correlation
}

export interface StatisticsMethods extends MethodsOf<StatisticsOps> {}

// biome-ignore-end lint/suspicious/noExplicitAny: as above

// ---- variance ----

interface Spread {
  readonly r: Reduction
  readonly correction: number
}

/**
 * Mean and variance (or its root) over the dims of `r`, in two passes: as exact as Welford's update for means far from 0,
 * and each pass is a plain sum.
 */
function moments(x: Tensor, { r, correction }: Spread, root: boolean): [spread: Tensor, mean: Tensor] {
  const wide = computeType(x.dtype)
  const kept = { ...r, shape: r.kept }
  const n: Argument = { value: r.count, dtype: wide }
  const center = reduceTo(
    "mean",
    x,
    kept,
    wide,
    sumMonoid(wide),
    ({ inputs: [e] }) => [e!],
    ([count]) => sumMonoid.total(wide).div(count!),
    [n],
  )
  const [out] = reduceInputs(
    root ? "std" : "var",
    [x, center],
    r,
    [x.dtype],
    sumMonoid(wide),
    ({ inputs: [e, m] }) => [e!.sub(m!).square()],
    ([freedom]) => {
      const variance = sumMonoid.total(wide).div(freedom!)
      return [root ? variance.sqrt() : variance]
    },
    [{ value: Math.max(r.count - correction, 0), dtype: wide }],
  )
  const average = fresh(x, r.kept, x.dtype)
  // Where PyTorch's running update met an infinity among other elements, its mean is NaN.
  runMap([average], { key: "mean of moments", inputs: [center], scalars: [n] }, ({ inputs: [m], scalars: [count] }) =>
    where(m!.abs().eq(Number.POSITIVE_INFINITY).and(count!.gt(1)), Number.NaN, m!),
  )
  return [out!, detached(raw(() => reshape(average, r.shape)))]
}

const DEVIATION = new Pointwise("var", (g, x, m, scale) => g.mul(scale).mul(x.sub(m)))
/** The gradient of the variance from that of its root `y`. */
const UNDER_ROOT = new Pointwise("std", (g, y) => where(y.eq(0), 0, g.div(y.mul(2))))

function varianceShare(g: Tensor, x: Tensor, { r, correction }: Spread): Tensor {
  const center = mean(x, r.dims, true)
  return DEVIATION.run([reshape(g, r.kept), x, center, 2 / (r.count - correction)], x.dtype, null)
}

const spreadShare = (root: boolean, g: Tensor, x: Tensor, y: Tensor, context: Spread): Tensor =>
  varianceShare(root ? UNDER_ROOT.call(g, y) : g, x, context)

const spreadRule = (name: string, root: boolean): Rule => ({
  name,
  backward: (node, g) => [spreadShare(root, g, node.get(0), node.get(1), node.context as Spread)],
})

const spreadMeanRule = (name: string, root: boolean): Rule => ({
  name,
  backward: (node, _g, [g, gm]) => {
    const context = node.context as Spread
    const x = node.get(0)
    const a = g ? spreadShare(root, g, x, node.get(1), context) : null
    const b = gm ? div(spread(gm, context.r, x.shape), context.r.count) : null
    return [a && b ? add(a, b) : (a ?? b)]
  },
})

/** PyTorch's overloads: `(unbiased)`, `(dim, unbiased, keepdim)`, `(dim, *, correction, keepdim)`. */
function spreadArguments(name: string, x: Tensor, given: readonly unknown[]): Spread {
  let [dim, unbiased, keepdim, correction] = given as [
    DimArg | boolean | undefined,
    unknown,
    boolean?,
    (number | null)?,
  ]
  if (typeof dim === "boolean") [dim, unbiased] = [null, dim]
  requireFloating(name, x)
  if (unbiased !== undefined) requireFlag(name, "unbiased", unbiased)
  if (unbiased !== undefined && correction !== undefined)
    throw new TypeError(`${name}: give unbiased or correction, not both`)
  if (correction !== undefined && correction !== null) requireNumbers(name, { correction })
  return { r: reductionOf(name, x, dim, keepdim), correction: correction ?? (unbiased === false ? 0 : 1) }
}

const SPREAD_PARAMETERS = "input, dim?, unbiased?, keepdim?, *, correction?"

function spreadOp<N extends "var" | "std">(name: N, root: boolean): FunctionOf<StatisticsOps[N]> {
  const rule = spreadRule(root ? "StdBackward0" : "VarBackward0", root)
  return op(`${name}(${SPREAD_PARAMETERS})`, (x: Tensor, ...given: unknown[]) => {
    const context = spreadArguments(name, x, given)
    const [out] = moments(x, context, root)
    return track(rule, out, [x], [x, out], context)
  })
}

function spreadMeanOp<N extends "var" | "std">(name: `${N}Mean`, root: boolean) {
  const rule = spreadMeanRule(root ? "StdMeanBackward0" : "VarMeanBackward0", root)
  const names = [root ? "std" : "var", "mean"] as const
  return op<FunctionOf<SpreadOp<`${N}Mean`, N>>>(`${name}(${SPREAD_PARAMETERS})`, (x: Tensor, ...given: unknown[]) => {
    const context = spreadArguments(name, x, given)
    const outs = moments(x, context, root)
    trackAll(rule, outs, [x], [x, outs[0]], context)
    return results(names, outs) as never
  })
}

const variance = spreadOp("var", false)

export { variance as var }
export const std = spreadOp("std", true)
/** Variance and mean in one. */
export const varMean = spreadMeanOp<"var">("varMean", false)
/** Standard deviation and mean in one. */
export const stdMean = spreadMeanOp<"std">("stdMean", true)

// ---- median ----

const nan = (e: Expr): Expr => e.isnan()

/** The elements of `x` at `places` (dim `d` of size 1) along dim `d`, which the results lack; nothing is recorded. */
const at = (all: readonly Tensor[], places: Tensor, d: number): Tensor[] =>
  raw(() => all.map((t) => (t.ndim ? squeeze(gather(t, d, places), d) : t)))

/** Where in the ascending order of each row the median is, dim `d` kept with size 1. */
function medianPlaces(x: Tensor, d: number, ignoreNaN: boolean): Tensor {
  const r = reductionOf("median", x, d, true)
  const out = fresh(x, r.shape, "int32")
  const size = r.count
  if (!isFloating(x.dtype)) {
    runMap([out], { key: "median place", scalars: [int((size - 1) >> 1)] }, ({ scalars: [middle] }) => middle!)
    return out
  }
  const missing = countWhere("count NaN", x, r, nan)
  const work = { key: `median place ${ignoreNaN}`, inputs: [missing], scalars: [int(size)] }
  runMap([out], work, ({ inputs: [k], scalars: [n] }) => {
    const numbers = n!.sub(k!)
    // NaN comes last in the order: the first of them, or the middle of what comes before.
    return ignoreNaN ? numbers.sub(1).max(0).div(2) : where(k!.eq(0), n!.sub(1).div(2), numbers)
  })
  return out
}

function medianOp<N extends "median" | "nanmedian">(name: N, ignoreNaN: boolean): FunctionOf<StatisticsOps[N]> {
  const gradName = ignoreNaN ? "NanmedianBackward" : "MedianBackward"
  const all = sharing(`${gradName}0`, "evenly")
  const along = selectedRule(`${gradName}1`)
  const body = (x: Tensor, dim?: number | null, keepdim?: boolean): Tensor | Found => {
    if (x.dtype === "bool") throw new TypeError(`${name}: not implemented for bool; convert it with x.to("uint8")`)
    if (dim === undefined || dim === null) {
      const r = reductionOf(name, x, null, keepdim)
      const flat = raw(() => reshape(detached(x), [x.numel()]))
      // PyTorch's median of nothing.
      const value = flat.numel() ? at([sortAlong(flat, 0)[0]], medianPlaces(flat, 0, ignoreNaN), 0)[0]! : mean(flat)
      const out = detached(raw(() => reshape(value, r.shape)))
      return track(all, out, [x], [x, out], r)
    }
    const where = oneDim(name, x, dim, keepdim)
    return found(
      along,
      x,
      at(sortAlong(x, where.d), medianPlaces(x, where.d, ignoreNaN), where.d),
      where.d,
      where.keepdim,
    )
  }
  return op<typeof body>(`${name}(input, dim?, keepdim?)`, body) as unknown as FunctionOf<StatisticsOps[N]>
}

export const median = medianOp("median", false)
export const nanmedian = medianOp("nanmedian", true)

// ---- mode ----

const MODE = selectedRule("ModeBackward0")

export const mode: FunctionOf<StatisticsOps["mode"]> = op(
  "mode(input, dim?, keepdim?)",
  (x: Tensor, dim = -1, keepdim = false) => {
    const along = oneDim("mode", x, dim, keepdim)
    const { d } = along
    const all = sortAlong(x, d)
    if (x.ndim === 0 || x.numel() === 0) {
      const outs = raw(() => all.map((t) => (t.ndim ? select(t, d, 0) : t)))
      return found(MODE, x, outs, d, along.keepdim)
    }
    // Equal elements are neighbours: each one's place in its run, and where that is greatest for the first time.
    const starts = fresh(x, x.shape, "int32")
    const [values, into] = withLast([all[0], starts], d) as [Tensor, Tensor]
    runMap(
      [into],
      { key: "run starts", inputs: [values], loads: [values], coordinates: true },
      ({ inputs: [e], at, load }) => {
        const here = at.at(-1)!
        const before = load(0, [...at.slice(0, -1), here.sub(1)])
        return where(here.eq(0).or(e!.eq(before).not()), here, 0)
      },
    )
    const [begin] = scanAlong([starts], d, ["int32"], maxMonoid("int32"), ({ inputs }) => inputs, [result(0, "int32")])
    const [place] = reduceAlong(
      "longest run",
      begin!,
      d,
      ["int32"],
      extremeMonoid("int32", "max"),
      ({ inputs: [from], at }) => [at.at(-1)!.sub(from!), at.at(-1)!],
      [result(1, "int32")],
    )
    return found(
      MODE,
      x,
      at(
        all,
        raw(() => unsqueeze(place!, d)),
        d,
      ),
      d,
      along.keepdim,
    )
  },
)

// ---- quantiles ----

/** Where between two neighbours in the order a fraction lies: the lower one's weight is 1 − w. */
const ROUNDING: Readonly<Record<Exclude<Interpolation, "linear" | "midpoint">, (rank: Expr) => Expr>> = {
  lower: (rank) => rank.floor(),
  higher: (rank) => rank.ceil(),
  nearest: (rank) => rank.round(),
}
const INTERPOLATIONS = ["linear", "lower", "higher", "midpoint", "nearest"]

/** As PyTorch's lerp: exact at both ends. */
const BETWEEN = new Pointwise("lerp", (a, b, w) =>
  where(w.lt(0.5), a.add(w.mul(b.sub(a))), b.sub(b.sub(a).mul(w.neg().add(1)))),
)
/** The place, whole or not, of fraction `q` in the order of a row of last place `last`: where NaN is, if there is any. */
const RANK = new Pointwise("mul", (q, last, missing) => where(missing.eq(0), q.mul(last), last))
const RANK_OF_NUMBERS = new Pointwise("mul", (q, last, missing) => q.mul(last.sub(missing).max(0)))
const FRACTION = new Pointwise("sub", (rank) => rank.sub(rank.floor()))

/** As PyTorch's last step is called, whatever the shape. */
const SQUEEZE: Rule = { name: "SqueezeBackward4", backward: (node, g) => [reshape(g, node.context as number[])] }

function quantileOp<N extends "quantile" | "nanquantile">(name: N, ignoreNaN: boolean): FunctionOf<StatisticsOps[N]> {
  const body = (
    x: Tensor,
    fraction: number | Tensor,
    dim?: number | null,
    keepdim = false,
    interpolation: Interpolation = "linear",
  ) => {
    if (!(x.dtype === "float32" || x.dtype === "float64"))
      throw new TypeError(`${name}: input must be float32 or float64, got ${tensorText(x)}`)
    if (!INTERPOLATIONS.includes(interpolation))
      throw new RangeError(
        `${name}: interpolation must be one of ${INTERPOLATIONS.join(", ")}, got ${valueText(interpolation)}`,
      )
    if (isTensor(fraction) ? fraction.ndim > 1 || fraction.dtype !== x.dtype : !(fraction >= 0 && fraction <= 1))
      throw new RangeError(
        `${name}: q must be a number from 0 to 1, or a ${x.dtype} scalar or vector of such, got ${valueText(fraction)}`,
      )
    const r = reductionOf(name, x, dim, keepdim)
    refuseEmpty(name, x, r)
    const d = dim === undefined || dim === null || x.ndim === 0 ? 0 : normalizeDim(name, dim, x.ndim)
    const rows = dim === undefined || dim === null || x.ndim === 0 ? reshape(x, [x.numel()]) : movedim(x, d, -1)
    const n = rows.shape.at(-1)!
    const order = sort(rows, -1).values
    const q = isTensor(fraction) ? fraction : tensor(fraction, { dtype: x.dtype, device: x.device })
    const count = q.numel()
    const missing = countWhere("count NaN", detached(rows), reductionOf(name, rows, -1, true), nan)
    const ranks = (ignoreNaN ? RANK_OF_NUMBERS : RANK).call(reshape(q, [count]), n - 1, missing)
    const pick = (key: keyof typeof ROUNDING): Tensor => {
      const places = fresh(x, ranks.shape, "int32")
      runMap([places], { key: `quantile ${key}`, inputs: [ranks] }, ({ inputs: [rank] }) => ROUNDING[key](rank!))
      return gather(order, -1, places)
    }
    const values =
      interpolation === "linear" || interpolation === "midpoint"
        ? BETWEEN.call(pick("lower"), pick("higher"), interpolation === "linear" ? FRACTION.call(ranks) : 0.5)
        : pick(interpolation)
    // The fractions come first, unless there is only the one number.
    const front = reshape(movedim(values, -1, 0), q.ndim ? [count, ...r.shape] : r.shape)
    return viewOf(front, front.shape, front.strides, front.offset, SQUEEZE, front.shape)
  }
  return op(`${name}(input, q, dim?, keepdim?, *, interpolation?)`, body)
}

export const quantile = quantileOp("quantile", false)
export const nanquantile = quantileOp("nanquantile", true)

// ---- covariance ----

function checkWeights(name: string, weights: Tensor | null | undefined, n: number): void {
  if (weights && (weights.ndim > 1 || weights.numel() !== n))
    throw new RangeError(
      `cov: ${name} must be a vector of ${n} weights, one per observation, got ${tensorText(weights)}`,
    )
}

export const cov: FunctionOf<StatisticsOps["cov"]> = op(
  "cov(input, *, correction?, fweights?, aweights?)",
  (input: Tensor, correction = 1, fweights?: Tensor | null, aweights?: Tensor | null) => {
    if (input.ndim > 2) throw new RangeError(`cov: expected input to have two or fewer dims, got ${tensorText(input)}`)
    if (input.dtype === "bool")
      throw new TypeError(`cov: bool dtype is not supported for input; convert it with x.to("float32")`)
    const x = input.ndim < 2 ? reshape(input, [1, input.numel()]) : input
    const n = x.shape[1]!
    checkWeights("fweights", fweights, n)
    checkWeights("aweights", aweights, n)
    const w = fweights && aweights ? mul(fweights, aweights) : (fweights ?? aweights ?? null)
    const total = w ? sum(w) : n
    const centered = sub(x, div(sum(w ? mul(x, w) : x, 1, true), total))
    const freedom = isTensor(total)
      ? sub(total, aweights ? div(mul(sum(mul(w!, aweights)), correction), total) : correction)
      : total - correction
    const products = matmul(w ? mul(centered, w) : centered, t(centered))
    return squeeze(div(products, freedom))
  },
)

export const corrcoef: FunctionOf<StatisticsOps["corrcoef"]> = op("corrcoef(input)", (x: Tensor) => {
  if (x.ndim > 2) throw new RangeError(`corrcoef: expected input to have two or fewer dims, got ${tensorText(x)}`)
  const c = cov(x)
  if (c.ndim === 0) return div(c, c)
  const deviation = sqrt(diagonal(c))
  return clamp(div(div(c, unsqueeze(deviation, 1)), unsqueeze(deviation, 0)), -1, 1)
})

export const statisticsMethods: Family = {
  var: variance,
  std,
  median,
  nanmedian,
  mode,
  quantile,
  nanquantile,
  cov,
  corrcoef,
}
