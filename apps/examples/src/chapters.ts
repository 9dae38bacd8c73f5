/** The tour, line by line: from a first tensor to a gradient. */
import type { Tensor } from "./library.ts"

export interface Chapter {
  readonly title: string
  /** What a person should know before the code. */
  readonly text: string
  /** Lines that are run one by one, all in one scope. What a line declares or evaluates to is shown below it. */
  readonly code: readonly string[]
}

export const CHAPTERS: readonly Chapter[] = [
  {
    title: "Tensors",
    text: "From nested arrays, and at random: the same seed gives PyTorch's numbers.",
    code: ["torch.tensor([[1, 2.5], [-3, 4]])", "torch.manualSeed(0)", "torch.rand(2, 2)"],
  },
  {
    title: "Autograd",
    text: "What is done with a tensor that requires a gradient is recorded: gradFn is the\nstep that made a tensor.",
    code: [
      "const x = torch.ones(2, 2, { requiresGrad: true })",
      "const y = x.add(2)",
      "y.gradFn.name()",
      "torch.ones(2, 2).add(2) // nobody asked for a gradient: no gradFn",
    ],
  },
  {
    title: "Gradients",
    text: "z = 3·y², and out is its mean. backward() follows the record back to x and\nleaves ∂out/∂x in x.grad.",
    code: ["const z = y.mul(y).mul(3)", "const out = z.mean()", "out.backward()", "x.grad"],
  },
]

/** The function that the chapters follow: the mean of 3·(x + 2)². */
export const tourFunction = (x: Tensor): Tensor => {
  const y = x.add(2)
  return y.mul(y).mul(3).mean()
}
