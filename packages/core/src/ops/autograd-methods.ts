/** Methods that start a backward pass. */
import { type Args, type Fn, op } from "../args.ts"
import { type BackwardOptions, backward as backwardPass } from "../autograd/engine.ts"
import type { Tensor } from "../tensor.ts"

export interface AutogradMethods {
  /**
   * Computes the gradients of this tensor with respect to the leaves and adds them to their `grad`. `gradient` is the
   * gradient of this tensor itself, 1 by default, which needs a tensor of one element.
   */
  backward(
    ...args: Args<
      [
        ["gradient", Tensor | null],
        ["retainGraph", boolean],
        ["createGraph", boolean],
        ["inputs", BackwardOptions["inputs"]],
      ]
    >
  ): void
}

const backward: Fn<AutogradMethods["backward"]> = op(
  "backward(input, gradient?, retainGraph?, createGraph?, inputs?)",
  (
    x: Tensor,
    gradient?: Tensor | null,
    retainGraph?: boolean,
    createGraph?: boolean,
    inputs?: BackwardOptions["inputs"],
  ) => backwardPass(x, gradient ?? null, { retainGraph, createGraph, inputs }),
)

export const autogradMethods = { backward }
