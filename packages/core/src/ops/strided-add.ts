/** Adds into overlapping places: the gradient of windows and other strided views. */
import type { Rule } from "../autograd/node.ts"
import { constant } from "../expr.ts"
import { int, runScatter } from "../kernels.ts"
import type { Sizes } from "../shape.ts"
import { type Tensor, track } from "../tensor.ts"
import { asStrided } from "./views.ts"

const STRIDED_ADD: Rule = {
  name: "AsStridedScatterBackward0",
  backward: (node, g) => {
    const { shape, stride, at } = node.context as { shape: Sizes; stride: Sizes; at: number }
    return [asStrided(g, shape, stride, at + g.offset)]
  },
}

/** `flat` (fresh, zero, one dim) with `g[i..]` added at `at + Σ i·stride`. Differentiable in `g`. */
export function stridedAdd(flat: Tensor, g: Tensor, stride: Sizes, at: number): Tensor {
  runScatter(
    flat,
    g.shape,
    "add",
    { inputs: [g], scalars: [int(at), ...stride.map(int)] },
    ({ inputs, scalars, at: i }) => ({
      value: inputs[0]!,
      coordinates: [i.reduce((sum, x, d) => sum.add(x.mul(scalars[d + 1]!)), scalars[0] ?? constant(0, "int32"))],
    }),
  )
  return track(STRIDED_ADD, flat, [g], [], { shape: g.shape, stride, at })
}
