/** One dim as the innermost: how ops that run, pick or place along a dim see their tensors. */
import type { Rule } from "../autograd/node.ts"
import type { DType } from "../dtype.ts"
import type { Expr } from "../expr.ts"
import { int, type MonoidSpec, runMap, runReduce, runScan, runScatter, type Scope } from "../kernels.ts"
import { collapse, contiguousStrides, type Sizes } from "../shape.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import { zeros } from "./creation.ts"

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
  const work = { key: "scan", inputs: views.slice(0, inputs.length), reverse }
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

/** `x` moved by `by` places along dim `d`: element k is x[k − by], `fill` where there is none. */
export function shift(x: Tensor, d: number, by: number, fill: number): Tensor {
  const out = fresh(x, x.shape, x.dtype)
  const [from, to] = withLast([x, out], d) as [Tensor, Tensor]
  runMap(
    [to],
    { key: `shift ${fill}`, loads: [from], scalars: [int(by), int(from.shape.at(-1)!)], coordinates: true },
    ({ at, scalars: [step, size], load }) => {
      const there = at.at(-1)!.sub(step!)
      const value = load(0, [...at.slice(0, -1), there])
      // Outside a load is 0.
      return fill === 0 ? value : there.ge(0).and(there.lt(size!)).cast(value.dtype).sub(1).abs().mul(fill).add(value)
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

interface Places {
  readonly d: number
  readonly size: number
}

/**
 * The elements of `x` at int32 `indices`, which lie in range, along dim `d`; the result has the shape of `indices`, whose
 * other dims are those of `x`.
 */
export function pick(x: Tensor, d: number, indices: Tensor): Tensor {
  const out = fresh(x, indices.shape, x.dtype)
  const [places, to] = withLast([indices, out], d) as [Tensor, Tensor]
  const from = merged(x, d, to.ndim)
  if (from)
    runMap([to], { key: "pick", inputs: [places], loads: [from], coordinates: true }, ({ inputs: [i], at, load }) =>
      load(0, [...at.slice(0, -1), i!]),
    )
  else
    runMap([row(out)], { key: `pick ${d}`, inputs: [row(indices)], loads: [row(x)], coordinates: true }, (scope) =>
      scope.load(0, scope.at.with(d, scope.inputs[0]!)),
    )
  return track(PICK, out, [x], [indices], { d, size: row(x).shape[d]! })
}

/** `x` with dim `d` last, where its other dims merge into as many as those of the tensors it goes with. */
function merged(x: Tensor, d: number, rank: number): Tensor | null {
  const [view] = withLast([x], d)
  return view!.ndim === rank ? view! : null
}

const PICK: Rule = {
  name: "GatherBackward0",
  backward: (node, g) => {
    const { d, size } = node.context as Places
    return [place(g, d, node.get(0), size)]
  },
}

/** The inverse of `pick`: zeros with `size` along dim `d` and the elements of `x` added at `indices`. */
export function place(x: Tensor, d: number, indices: Tensor, size: number): Tensor {
  const scalar = x.ndim === 0
  const out = zeros(scalar ? [1] : x.shape.with(d, size), { dtype: x.dtype, device: x.device })
  runScatter(out, row(x).shape, "add", { key: "place", inputs: [row(x), row(indices)] }, ({ inputs: [e, i], at }) => ({
    value: e!,
    coordinates: at.with(d, i!),
  }))
  const result = scalar ? new Tensor(out.storage, [], [], 0, out.dtype) : out
  return track({ name: "ScatterBackward0", backward: PLACE }, result, [x], [indices], { d, size })
}

const PLACE: Rule["backward"] = (node, g) => [pick(g, (node.context as Places).d, node.get(0))]
