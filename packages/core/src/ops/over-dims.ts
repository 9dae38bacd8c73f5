/** Dims to be reduced, worked out, and reductions over them: what `reduction.ts` and its relatives are made of. */
import { requireFlag } from "../checks.ts"
import { computeType, DEFAULT_INT, type DType, isFloating } from "../dtype.ts"
import { valueText } from "../errors.ts"
import { type Expr, result, where } from "../expr.ts"
import { type Argument, type MonoidSpec, runReduce, type Scope } from "../kernels.ts"
import { maxMonoid, sumMonoid } from "../monoids.ts"
import { contiguousStrides, normalizeDim, normalizeDims, numelOf, type Sizes } from "../shape.ts"
import { allocate, Tensor } from "../tensor.ts"
import { expand, reshape } from "./views.ts"

/** One dim, several, or all of them. */
export type DimArg = number | readonly number[] | null

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

/**
 * The dims to keep, then those to reduce, each in memory order: the innermost loop, be it over kept or reduced elements,
 * then steps least.
 */
function arrangement(x: Tensor, dims: readonly number[]): { kept: number[]; reduced: number[] } {
  const inMemory = (a: number, b: number): number => x.strides[b]! - x.strides[a]! || a - b
  const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d))
  if (kept.every((d) => x.strides[d] !== 0)) kept.sort(inMemory)
  return { kept, reduced: [...dims].sort(inMemory) }
}

const permuted = (x: Tensor, order: readonly number[]): Tensor =>
  new Tensor(
    x.storage,
    order.map((d) => x.shape[d]!),
    order.map((d) => x.strides[d]!),
    x.offset,
    x.dtype,
  )

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
  const { kept, reduced } = arrangement(x, r.dims)
  const order = [...kept, ...reduced]
  const sizes = kept.map((d) => x.shape[d]!)
  const dense = contiguousStrides(sizes)
  const outs = dtypes.map((dtype) => allocate(x.device, sizes, dense, dtype))
  const views = inputs.map((t) => permuted(t, order))
  runReduce(outs, views[0]!.shape, r.dims.length, monoid, { key, inputs: views, scalars }, lift, finish)
  // Back to the order of the dims.
  const own = x.shape.map((_, d) => dense[kept.indexOf(d)] ?? 1)
  const strides = r.shape.length === x.ndim ? own : own.filter((_, d) => !r.dims.includes(d))
  return outs.map((out) => new Tensor(out.storage, r.shape, strides, 0, out.dtype))
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

/** The greatest along the dims of `r`, which stay with size 1: what exponents are measured from. */
export function peak(x: Tensor, r: Reduction, infinite: "keep" | "as 0"): Tensor {
  const wide = computeType(x.dtype)
  const highest = result(0, wide)
  return reduceTo(
    `peak ${infinite}`,
    x,
    { ...r, shape: r.kept },
    wide,
    maxMonoid(wide),
    ({ inputs: [e] }) => [e!],
    () => (infinite === "keep" ? highest : where(highest.abs().eq(Number.POSITIVE_INFINITY), 0, highest)),
  )
}

/** Σ exp(x − from) over the dims of `r`, which stay with size 1, in the type that sums are made in. */
export function sumOfExp(x: Tensor, from: Tensor, r: Reduction): Tensor {
  const wide = computeType(x.dtype)
  const [sums] = reduceInputs(
    "sum of exp",
    [x, from],
    { ...r, shape: r.kept },
    [wide],
    sumMonoid(wide),
    ({ inputs: [e, m] }) => [e!.sub(m!).exp()],
    () => [sumMonoid.total(wide)],
  )
  return sums!
}
