/** The inverse of broadcasting: what a gradient goes through where its tensor was repeated. */
import type { Rule } from "../autograd/node.ts"
import { computeType } from "../dtype.ts"
import { runReduce } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import { contiguousStrides, type Sizes, sameSizes } from "../shape.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import { expand } from "./views.ts"

const SUM_TO_SIZE: Rule = { name: "SumBackward1", backward: (node, g) => [expand(g, node.context as number[])] }

/** Sums over the dims along which a tensor of shape `to` was broadcast to the shape of `g`. */
export function sumToSize(g: Tensor, to: Sizes): Tensor {
  if (sameSizes(g.shape, to)) return g
  const shift = g.ndim - to.length
  const kept: number[] = []
  const reduced: number[] = []
  g.shape.forEach((size, d) => (d < shift || (to[d - shift] === 1 && size !== 1) ? reduced : kept).push(d))
  const order = [...kept, ...reduced]
  const permuted = new Tensor(
    g.storage,
    order.map((d) => g.shape[d]!),
    order.map((d) => g.strides[d]!),
    g.offset,
    g.dtype,
  )
  const out = allocate(
    g.device,
    kept.map((d) => g.shape[d]!),
    contiguousStrides(kept.map((d) => g.shape[d]!)),
    g.dtype,
  )
  runReduce(
    [out],
    permuted.shape,
    reduced.length,
    sumMonoid(computeType(g.dtype)),
    { key: "sum", inputs: [permuted] },
    ({ inputs: [x] }) => [x!],
    () => [sumMonoid.total(computeType(g.dtype))],
  )
  const result = new Tensor(out.storage, to, contiguousStrides(to), 0, g.dtype)
  return track(SUM_TO_SIZE, result, [g], [], g.shape)
}
