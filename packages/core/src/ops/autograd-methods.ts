/** Methods that start a backward pass. */
import { op } from "../args.ts"
import { type BackwardOptions, backward as backwardPass } from "../autograd/engine.ts"
import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { Root } from "../types/reading.ts"
import type { Shape } from "../types/shape.ts"
import type { Family } from "../types/signature.ts"

export interface AutogradMethods {
  /**
   * Computes the gradients of this tensor with respect to the leaves and adds them to their `grad`. `gradient` is the
   * gradient of this tensor itself, 1 by default, which needs a tensor of one element.
   */
  backward<S extends Shape, D extends DType, G extends Tensor | BackwardOptions | null = null>(
    this: Root<"backward", S, D, G extends { readonly gradient?: infer X } ? X : G extends BackwardOptions ? null : G>,
    gradient?: G,
    retainGraph?: boolean | Omit<BackwardOptions, "gradient">,
    createGraph?: boolean | Pick<BackwardOptions, "inputs">,
    inputs?: BackwardOptions["inputs"] | Record<never, never>,
  ): void
}

export const autogradMethods: Family = {
  backward: op<(x: Tensor, ...args: unknown[]) => void>(
    "backward(input, gradient?, retainGraph?, createGraph?, inputs?)",
    (
      x: Tensor,
      gradient?: Tensor | null,
      retainGraph?: boolean,
      createGraph?: boolean,
      inputs?: BackwardOptions["inputs"],
    ) => backwardPass(x, gradient ?? null, { retainGraph, createGraph, inputs }),
  ),
}
