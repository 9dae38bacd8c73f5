/** Dims to be reduced, worked out, and reductions over them: what `reduction.ts` and its relatives are made of. */
import { requireFlag } from "../checks.ts"
import { DEFAULT_INT, type DType, isFloating } from "../dtype.ts"
import { valueText } from "../errors.ts"
import type { Expr } from "../expr.ts"
import { type Argument, type MonoidSpec, runReduce, type Scope } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import { contiguousStrides, normalizeDim, normalizeDims, numelOf, type Sizes } from "../shape.ts"
import { allocate, Tensor } from "../tensor.ts"
import type { DimArg } from "../types/patterns.ts"
import { expand, reshape } from "./views.ts"

export type { DimArg }

/** What is reduced, worked out: the dims, and the result's shape with and without them. */
export interface Reduction {
  readonly dims: readonly number[]
  /** The input's dims with size 1 where reduced. */
  readonly kept: readonly number[]
  readonly shape: readonly number[]
  /** The number of elements combined into one. */
  readonly count: number
}

/** Null and undefined mean all dims, and so does an empty list unless `emptyIsAll` is false. */
export function reductionOf(
  name: string,
  x: Tensor,
  dim: DimArg | undefined,
  keepdim = false,
  emptyIsAll = true,
): Reduction {
  requireFlag(name, "keepdim", keepdim)
  const all = dim === undefined || dim === null || (emptyIsAll && Array.isArray(dim) && dim.length === 0)
  const dims = all
    ? x.shape.map((_, d) => d)
    : x.ndim === 0
      ? [dim]
          .flat()
          .map((d) => normalizeDim(name, d as number, 0))
          .slice(0, 0)
      : typeof dim === "number"
        ? [normalizeDim(name, dim, x.ndim)]
        : normalizeDims(name, checkList(name, dim), x.ndim)
  const kept = x.shape.map((s, d) => (dims.includes(d) ? 1 : s))
  return {
    dims,
    kept,
    shape: keepdim ? kept : x.shape.filter((_, d) => !dims.includes(d)),
    count: numelOf(dims.map((d) => x.shape[d]!)),
  }
}

function checkList(name: string, dim: unknown): readonly number[] {
  if (!Array.isArray(dim))
    throw new TypeError(`${name}: dim must be an integer or an array of integers, got ${valueText(dim)}`)
  return dim as number[]
}

/** In what order a reduction goes over the elements: the dims to keep, then those to reduce. */
interface Arrangement {
  readonly order: readonly number[]
  /** The sizes of the dims to keep, in that order. */
  readonly sizes: Sizes
  /** Row-major strides of these. */
  readonly dense: Sizes
}

/**
 * Kept and reduced dims are each in memory order: the innermost loop, be it over kept or reduced elements, then steps least.
 */
export function arrangement(x: Tensor, dims: readonly number[]): Arrangement {
  const inMemory = (a: number, b: number): number => x.strides[b]! - x.strides[a]! || a - b
  const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d))
  if (kept.every((d) => x.strides[d] !== 0)) kept.sort(inMemory)
  const sizes = kept.map((d) => x.shape[d]!)
  return { order: [...kept, ...[...dims].sort(inMemory)], sizes, dense: contiguousStrides(sizes) }
}

export const permuted = (x: Tensor, { order }: Arrangement): Tensor =>
  new Tensor(
    x.storage,
    order.map((d) => x.shape[d]!),
    order.map((d) => x.strides[d]!),
    x.offset,
    x.dtype,
  )

/** A new tensor of an element for each row, and the same in the order and the shape that are the result's. */
export function perRow(x: Tensor, r: Reduction, { order, sizes, dense }: Arrangement, dtype: DType): [Tensor, Tensor] {
  const out = allocate(x.device, sizes, dense, dtype)
  const own = x.shape.map((_, d) => dense[order.indexOf(d)] ?? 1)
  const strides = r.shape.length === x.ndim ? own : own.filter((_, d) => !r.dims.includes(d))
  return [out, new Tensor(out.storage, r.shape, strides, 0, dtype)]
}

/**
 * Combines elements over the dims of `r` into new tensors of `dtypes` and shape `r.shape`; nothing is recorded. The first
 * input has the full shape, the others broadcast to it (same number of dims). `lift` makes the accumulators from the
 * (widened) elements, `finish` the results from them.
 */
export function reduceInputs(
  key: string,
  inputs: readonly Tensor[],
  r: Reduction,
  dtypes: readonly DType[],
  monoid: MonoidSpec,
  lift: (scope: Scope) => readonly Expr[],
  finish: (scalars: readonly Expr[]) => readonly Expr[],
  scalars: readonly Argument[] = [],
): Tensor[] {
  const x = inputs[0]!
  const a = arrangement(x, r.dims)
  const outs = dtypes.map((dtype) => perRow(x, r, a, dtype))
  const views = inputs.map((t) => permuted(t, a))
  const work = { key, inputs: views, scalars }
  runReduce(
    outs.map(([out]) => out),
    views[0]!.shape,
    r.dims.length,
    monoid,
    work,
    lift,
    finish,
  )
  return outs.map(([, result]) => result)
}

/** `reduceInputs` of one tensor into one. */
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
  return reduceInputs(key, [x], r, [dtype], monoid, lift, (s) => [finish(s)], scalars)[0]!
}

/** The gradient of a reduction brought back to the input's shape, by repetition. */
export function spread(g: Tensor, r: Reduction, shape: Sizes): Tensor {
  return expand(reshape(g, r.kept), shape)
}

// ---- common reductions ----

/** The dtype of a sum: integers widen to the default integer. */
export const sumDtype = (dtype: DType): DType => (isFloating(dtype) || dtype === "int64" ? dtype : DEFAULT_INT)

/** How many elements satisfy `condition`, as int32. */
export function countWhere(key: string, x: Tensor, r: Reduction, condition: (e: Expr) => Expr): Tensor {
  return reduceTo(
    key,
    x,
    r,
    "int32",
    sumMonoid("int32"),
    ({ inputs: [e] }) => [condition(e!).cast("int32")],
    () => sumMonoid.total("int32"),
  )
}
