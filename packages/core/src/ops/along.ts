/** One dim as the innermost: how ops that run along a dim see their tensors. */
import type { Rule } from "../autograd/node.ts"
import type { DType } from "../dtype.ts"
import { type Expr, where } from "../expr.ts"
import { int, type MonoidSpec, runMap, runReduce, runScan, type Scope } from "../kernels.ts"
import { sort } from "../lowering/sort.ts"
import { collapse, contiguousStrides, type Sizes } from "../shape.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import { zeros } from "./creation.ts"
import { scatterAdd_ } from "./scattering.ts"

/** A new row-major tensor, contents undefined, on the device of `x`. */
export const fresh = (x: Tensor, shape: Sizes, dtype: DType): Tensor =>
  allocate(x.device, shape, contiguousStrides(shape), dtype)

/** A scalar as a row of one element. */
const row = (t: Tensor): Tensor => (t.ndim ? t : new Tensor(t.storage, [1], [1], t.offset, t.dtype))

/**
 * The tensors (all of one shape) with dim `d` last and the others merged where their strides allow it; nothing is
 * recorded.
 */
export function withLast(tensors: readonly Tensor[], d: number): Tensor[] {
  const rows = tensors.map(row)
  const { sizes, strides } = collapse(
    rows[0]!.shape.toSpliced(d, 1),
    rows.map((t) => t.strides.toSpliced(d, 1)),
  )
  const shape = [...sizes, rows[0]!.shape[d]!]
  return rows.map((t, k) => new Tensor(t.storage, shape, [...strides[k]!, t.strides[d]!], t.offset, t.dtype))
}

/** Running combinations of the elements of `inputs` along dim `d`, from the last to the first if `reverse`. */
export function scanAlong(
  inputs: readonly Tensor[],
  d: number,
  dtypes: readonly DType[],
  monoid: MonoidSpec,
  lift: (scope: Scope) => readonly Expr[],
  finish: readonly Expr[],
  reverse = false,
): Tensor[] {
  const outs = dtypes.map((dtype) => fresh(inputs[0]!, inputs[0]!.shape, dtype))
  const views = withLast([...inputs, ...outs], d)
  const work = { inputs: views.slice(0, inputs.length), reverse }
  runScan(views.slice(inputs.length), monoid, work, lift, () => finish)
  return outs
}

/** Combines the elements of `x` along dim `d`; `lift` may use the coordinate, which is the last. Results lack the dim. */
export function reduceAlong(
  key: string,
  x: Tensor,
  d: number,
  dtypes: readonly DType[],
  monoid: MonoidSpec,
  lift: (scope: Scope) => readonly Expr[],
  finish: readonly Expr[],
): Tensor[] {
  const shape = x.shape.toSpliced(d, 1)
  const outs = dtypes.map((dtype) => fresh(x, shape, dtype))
  // Seen with stride 0 along the dim, the results merge dims as the input does.
  const wide = outs.map((t) => new Tensor(t.storage, row(x).shape, t.strides.toSpliced(d, 0, 0), 0, t.dtype))
  const [from, ...to] = withLast([x, ...wide], d) as [Tensor, ...Tensor[]]
  const kept = to.map((t) => new Tensor(t.storage, t.shape.slice(0, -1), t.strides.slice(0, -1), 0, t.dtype))
  runReduce(kept, from.shape, 1, monoid, { key, inputs: [from], coordinates: true }, lift, () => finish)
  return outs
}

/** Values and positions in order along dim `d`; nothing is recorded. */
export function sortAlong(x: Tensor, d: number, descending = false): [values: Tensor, indices: Tensor] {
  const values = fresh(x, x.shape, x.dtype)
  const indices = fresh(x, x.shape, "int32")
  if (x.numel() === 0) return [values, indices]
  x.device.requireDtype("sort", x.dtype)
  const views = withLast([x, values, indices], d)
  x.device.run(
    { kind: "sort", rank: views[0]!.ndim, dtype: x.dtype, descending },
    views[0]!.shape,
    views.map((t) => ({ buffer: t.storage.buffer, offset: t.offset, sizes: t.shape, strides: t.strides })),
    [],
    sort,
  )
  return [values, indices]
}

/** `x` moved by `by` places along dim `d`: element k is x[k − by], `fill` where there is none. */
export function shift(x: Tensor, d: number, by: number, fill: number): Tensor {
  const out = fresh(x, x.shape, x.dtype)
  const [from, to] = withLast([x, out], d) as [Tensor, Tensor]
  runMap(
    [to],
    { key: `shift ${fill}`, loads: [from], scalars: [int(by), int(from.shape.at(-1)!)], coordinates: true },
    ({ at, scalars: [step, size], load }) => {
      const there = at.at(-1)!.sub(step!)
      return where(there.ge(0).and(there.lt(size!)), load(0, [...at.slice(0, -1), there]), fill)
    },
  )
  return track(SHIFT, out, [x], [], { d, by })
}

const SHIFT: Rule = {
  name: "ShiftBackward0",
  backward: (node, g) => {
    const { d, by } = node.context as { d: number; by: number }
    return [shift(g, d, -by, 0)]
  },
}

/** Zeros with `size` along dim `d` and the elements of `x` added at `indices`: the inverse of `gather`. */
export const placed = (x: Tensor, d: number, indices: Tensor, size: number): Tensor =>
  scatterAdd_(zeros(x.ndim ? x.shape.with(d, size) : [], { dtype: x.dtype, device: x.device }), d, indices, x)
