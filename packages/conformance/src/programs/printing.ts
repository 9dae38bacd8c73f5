/** Tensors as PyTorch prints them: what a person sees most. */

import * as core from "@taeda/core"
import { arange, full, ones, tensor, zeros } from "@taeda/core"
import { type Program, program } from "./program.ts"

const leaf = (...size: number[]) => ones(size, { requiresGrad: true })
const LEAF = (size: string): string => `torch.ones(${size}, requires_grad=True)`

export const PRINTING: readonly Program[] = [
  program("torch.ones(2, 2)", () => ones(2, 2)),
  program("torch.tensor(3.)", () => tensor(3)),
  program("torch.tensor(1.5, requires_grad=True)", () => tensor(1.5, { requiresGrad: true })),
  program("torch.tensor([True, False])", () => tensor([true, false])),
  program("torch.tensor([1., 2.5, -3.25])", () => tensor([1, 2.5, -3.25])),
  program("torch.tensor([1e-5, 1., 1e5])", () => tensor([1e-5, 1, 1e5])),
  program("torch.tensor([float('nan'), float('inf'), -float('inf'), 1.])", () =>
    tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]),
  ),
  program("torch.tensor([0.1, 0.2], dtype=torch.float64)", () => tensor([0.1, 0.2], { dtype: "float64" })),
  program("torch.tensor([0.1, 0.2], dtype=torch.float16)", () => tensor([0.1, 0.2], { dtype: "float16" })),
  program("torch.tensor([0.1, 0.2], dtype=torch.bfloat16)", () => tensor([0.1, 0.2], { dtype: "bfloat16" })),
  program("torch.tensor([1, 2], dtype=torch.uint8)", () => tensor([1, 2], { dtype: "uint8" })),
  program("torch.tensor([-1, 2], dtype=torch.int8)", () => tensor([-1, 2], { dtype: "int8" })),
  program("torch.tensor([[-1, 20], [300, 4]], dtype=torch.int16)", () =>
    tensor(
      [
        [-1, 20],
        [300, 4],
      ],
      { dtype: "int16" },
    ),
  ),
  program("torch.arange(5)", () => arange(5)),
  program("torch.arange(0., 1., 0.25)", () => arange(0, 1, 0.25)),
  program("torch.zeros(0)", () => zeros(0)),
  program("torch.zeros(2, 0)", () => zeros(2, 0)),
  program("torch.zeros(2, 0, 3, dtype=torch.bool)", () => zeros([2, 0, 3], { dtype: "bool" })),
  program("torch.arange(24.).view(2, 3, 4)", () => arange(24).to("float32").view(2, 3, 4)),
  program("torch.arange(6.).view(2, 3).t()", () => arange(6).to("float32").view(2, 3).t()),
  program("torch.arange(12.).view(3, 4)[:, 1]", () => arange(12).to("float32").view(3, 4).select(1, 1)),
  program("torch.full((3,), 7.).expand(2, 3)", () => full([3], 7).expand(2, 3)),
  program("torch.arange(2000.)", () => arange(2000).to("float32")),
  program("torch.arange(1200.).view(30, 40) / 7", () => arange(1200).to("float32").view(30, 40).div(7)),
  program("torch.arange(40.) / 3", () => arange(40).to("float32").div(3)),
  program("torch.arange(100000., 100008.)", () => arange(100000, 100008).to("float32")),
  program(LEAF("2"), () => leaf(2)),
  program(`${LEAF("2, 2")} + 2`, () => leaf(2, 2).add(2)),
  program(`x = ${LEAF("2, 2")}; y = x + 2; y * y * 3`, () => {
    const y = leaf(2, 2).add(2)
    return y.mul(y).mul(3)
  }),
  program(`x = ${LEAF("2, 2")}; y = x + 2; (y * y * 3).mean()`, () => {
    const y = leaf(2, 2).add(2)
    return y.mul(y).mul(3).mean()
  }),
  program(`${LEAF("2")} / 3`, () => leaf(2).div(3)),
  program(`${LEAF("2")} - 0.5`, () => leaf(2).sub(0.5)),
  program(`${LEAF("2, 3")}.sum(1)`, () => leaf(2, 3).sum(1)),
  program(`${LEAF("2, 3")}.sum()`, () => leaf(2, 3).sum()),
  program(`${LEAF("2, 3")}.view(6)`, () => leaf(2, 3).view(6)),
  program(`${LEAF("2, 3")}.t()`, () => leaf(2, 3).t()),
  program(`${LEAF("2")}.double()`, () => leaf(2).double()),
  program(`${LEAF("2")}.detach()`, () => leaf(2).detach()),
  program(`${LEAF("2")}.exp()`, () => leaf(2).exp()),
  program(`torch.relu(${LEAF("2")})`, () => core.relu(leaf(2))),
  program(`${LEAF("2")} ** 2`, () => leaf(2).pow(2)),
  program(`${LEAF("3, 2")} @ ${LEAF("2, 3")}`, () => leaf(3, 2).matmul(leaf(2, 3))),
  program(`F.softmax(${LEAF("2, 2")}, 1)`, () => core.softmax(leaf(2, 2), 1)),
  program(`F.mse_loss(${LEAF("2")}, torch.zeros(2))`, () => core.mseLoss(leaf(2), zeros(2))),
  program(`torch.cat([${LEAF("2")}, torch.zeros(1)])`, () => core.cat([leaf(2), zeros(1)])),
  program(`${LEAF("2, 3")}.max(1).values`, () => leaf(2, 3).max(1).values),
  program(`(${LEAF("12")} / 3).double()`, () => leaf(12).div(3).double()),
  program(`x = ${LEAF("2, 2")}; (x * x * 3).mean().backward(); x.grad`, () => {
    const x = leaf(2, 2)
    x.mul(x).mul(3).mean().backward()
    return x.grad as core.Tensor
  }),
]
