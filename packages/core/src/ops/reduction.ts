/** Reductions: over all elements, or over one or more dims. */
import { type Args, type Fn, op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { computeType, DEFAULT_INT, type DType, isFloating } from "../dtype.ts"
import { valueText } from "../errors.ts"
import type { Expr } from "../expr.ts"
import { type Argument, type MonoidSpec, runReduce, type Scope } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import { contiguousStrides, normalizeDim, normalizeDims, numelOf, type Sizes } from "../shape.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import { div } from "./arithmetic.ts"
import { checkDtype, to } from "./conversion.ts"
import { expand, reshape } from "./views.ts"

/** One dim, several, or all of them. */
export type DimArg = number | readonly number[] | null
type Dims = [["dim", DimArg], ["keepdim", boolean]]

export interface ReductionMethods {
  /** Σ over all elements or over `dim`. Integers and bool give int32 (int64 stays), unless `dtype` says otherwise. */
  sum(...args: Args<Dims, { dtype: DType }>): Tensor
  /** The arithmetic mean; floating dtypes only, unless `dtype` is one. */
  mean(...args: Args<Dims, { dtype: DType }>): Tensor
}

/** What is reduced, worked out: the dims, and the result's shape with and without them. */
export interface Reduction {
  readonly dims: readonly number[]
  /** The input's dims with size 1 where reduced. */
  readonly kept: readonly number[]
  readonly shape: readonly number[]
  /** The number of elements combined into one. */
  readonly count: number
}

/** Null, undefined and an empty list mean all dims. */
export function reductionOf(name: string, x: Tensor, dim: DimArg | undefined, keepdim = false): Reduction {
  if (typeof keepdim !== "boolean") throw new TypeError(`${name}: keepdim must be true or false, got ${valueText(keepdim)}`)
  const all = dim === undefined || dim === null || (Array.isArray(dim) && dim.length === 0)
  const dims = all
    ? x.shape.map((_, d) => d)
    : x.ndim === 0
      ? [dim].flat().map((d) => normalizeDim(name, d as number, 0)).slice(0, 0)
      : typeof dim === "number"
        ? [normalizeDim(name, dim, x.ndim)]
        : normalizeDims(name, checkList(name, dim), x.ndim)
  const kept = x.shape.map((s, d) => (dims.includes(d) ? 1 : s))
  return { dims, kept, shape: keepdim ? kept : x.shape.filter((_, d) => !dims.includes(d)), count: numelOf(dims.map((d) => x.shape[d]!)) }
}

function checkList(name: string, dim: unknown): readonly number[] {
  if (!Array.isArray(dim)) throw new TypeError(`${name}: dim must be an integer or an array of integers, got ${valueText(dim)}`)
  return dim as number[]
}

/** `x` with the dims to reduce last, in memory order so that the innermost loop steps least. */
function arranged(x: Tensor, dims: readonly number[]): Tensor {
  const last = [...dims].sort((a, b) => x.strides[b]! - x.strides[a]! || a - b)
  const order = [...x.shape.map((_, d) => d).filter((d) => !dims.includes(d)), ...last]
  return new Tensor(x.storage, order.map((d) => x.shape[d]!), order.map((d) => x.strides[d]!), x.offset, x.dtype)
}

/**
 * Combines the elements of `x` over the dims of `r` into a new tensor of `dtype` and shape `r.shape`; nothing is recorded.
 * `lift` makes the accumulators from the (widened) element, `finish` the result from them.
 */
export function reduceTo(
  key: string,
  x: Tensor,
  r: Reduction,
  dtype: DType,
  monoid: MonoidSpec,
  lift: (scope: Scope) => readonly Expr[],
  finish: (scalars: readonly Expr[]) => Expr,
  scalars: readonly Argument[] = [],
): Tensor {
  const view = arranged(x, r.dims)
  const kept = view.shape.slice(0, view.ndim - r.dims.length)
  const out = allocate(x.device, kept, contiguousStrides(kept), dtype)
  runReduce([out], view.shape, r.dims.length, monoid, { key, inputs: [view], scalars }, lift, (s) => [finish(s)])
  return new Tensor(out.storage, r.shape, contiguousStrides(r.shape), 0, dtype)
}

/** The gradient of a reduction brought back to the input's shape, by repetition. */
export function spread(g: Tensor, r: Reduction, shape: Sizes): Tensor {
  return expand(reshape(g, r.kept), shape)
}

interface Context {
  readonly r: Reduction
  readonly shape: Sizes
  readonly dtype: DType
}

const sumBackward = (node: { context: unknown }, g: Tensor): [Tensor] => {
  const { r, shape, dtype } = node.context as Context
  return [to(spread(g, r, shape), dtype)]
}
const SUM: readonly Rule[] = ["SumBackward0", "SumBackward1"].map((name) => ({ name, backward: sumBackward }))

/** The dtype of a sum: integers widen to the default integer. */
export const sumDtype = (dtype: DType): DType => (isFloating(dtype) || dtype === "int64" ? dtype : DEFAULT_INT)

export const sum: Fn<ReductionMethods["sum"]> = op("sum(input, dim?, keepdim?, *, dtype?)", (x: Tensor, dim?: DimArg, keepdim?: boolean, dtype?: DType) => {
  const r = reductionOf("sum", x, dim, keepdim)
  const kind = checkDtype("sum", dtype) ?? sumDtype(x.dtype)
  const wide = computeType(kind)
  const out = reduceTo("sum", x, r, kind, sumMonoid(wide), ({ inputs: [e] }) => [e!.cast(wide)], () => sumMonoid.total(wide))
  return track(SUM[dim === undefined || dim === null ? 0 : 1]!, out, [x], [], { r, shape: x.shape, dtype: x.dtype })
})

const meanBackward = (node: { context: unknown }, g: Tensor): [Tensor] => {
  const { r, shape, dtype } = node.context as Context
  return [to(div(spread(g, r, shape), r.count), dtype)]
}
const MEAN: readonly Rule[] = ["MeanBackward0", "MeanBackward1"].map((name) => ({ name, backward: meanBackward }))

export const mean: Fn<ReductionMethods["mean"]> = op("mean(input, dim?, keepdim?, *, dtype?)", (x: Tensor, dim?: DimArg, keepdim?: boolean, dtype?: DType) => {
  const kind = checkDtype("mean", dtype) ?? (x.dtype as DType)
  if (!isFloating(kind))
    throw new TypeError(`mean: could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${kind}; pass { dtype: "float32" }`)
  const r = reductionOf("mean", x, dim, keepdim)
  const wide = computeType(kind)
  const out = reduceTo(
    "mean",
    x,
    r,
    kind,
    sumMonoid(wide),
    ({ inputs: [e] }) => [e!.cast(wide)],
    ([n]) => sumMonoid.total(wide).div(n!),
    [{ value: r.count, dtype: wide }],
  )
  return track(MEAN[dim === undefined || dim === null ? 0 : 1]!, out, [x], [], { r, shape: x.shape, dtype: x.dtype })
})

export const reductionMethods = { sum, mean }
