import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { programs, refusals } from "./python.ts"

const { arange, ones, slice, tensor, zeros } = torch
const G = { requiresGrad: true }
type Tensor = torch.Tensor

/** 0, 1, 2, ... in a shape. */
const count = (...sizes: number[]): Tensor =>
  arange(sizes.reduce((n, s) => n * s, 1))
    .float()
    .reshape(sizes)
const matrix = (): Tensor => count(2, 3)
/** The gradient of `count(...sizes)` through `f` for the gradient 1, 2, 3, ... of its result. */
function gradient(f: (x: Tensor) => Tensor, ...sizes: number[]): Tensor | null {
  const x = count(...sizes).requiresGrad_()
  const y = f(x)
  y.backward(count(...y.shape).add(1))
  return x.grad
}

/** A shape as PyTorch prints it. */
class Size {
  readonly text: string
  constructor(shape: readonly number[]) {
    this.text = `torch.Size([${shape.join(", ")}])`
  }
  toString(): string {
    return this.text
  }
}

describe("views", () => {
  programs({
    "sizes, strides and the like": [
      () => {
        const x = ones(2, 3)
        return [
          new Size(x.size()),
          x.size(-1),
          [...x.stride()],
          x.stride(0),
          x.dim(),
          x.ndim,
          x.numel(),
          x.elementSize(),
          x.nbytes,
          x.storageOffset(),
          x.isContiguous(),
          x.t().isContiguous(),
          x.isFloatingPoint(),
          x.at(1).storageOffset(),
          x.length,
          new Size(x.T.shape),
          new Size(ones(2, 3, 4).mT.shape),
        ]
      },
      "(torch.Size([2, 3]), 3, (3, 1), 3, 2, 2, 6, 4, 24, 0, True, False, True, 3, 2, torch.Size([3, 2]), torch.Size([2, 4, 3]))",
    ],
    shapes: [
      () => {
        const x = matrix()
        const o = ones(1, 2, 1)
        return [
          x.view(-1),
          x.view(3, -1),
          x.view([2, 1, 3]),
          x.permute(1, 0),
          x.unsqueeze(0),
          x.unsqueeze(-1),
          x.expand(4, 2, 3),
          x.expand([4, -1, -1]),
          x.narrow(1, 1, 2),
          x.select(1, -1),
          x.flatten(),
          x.unflatten(1, [3, 1]),
          x.movedim(0, 1),
          x.squeeze(),
          o.squeeze(),
          o.squeeze(0),
          o.squeeze([0, 2]),
          x.swapaxes(0, 1),
          x.ravel(),
          x.viewAs(ones(3, 2)),
          x.expandAs(ones(2, 2, 3)),
          x.broadcastTo([2, 2, 3]),
          x.reshape(6, 1),
        ].map((t) => [...t.shape])
      },
      "((6,), (3, 2), (2, 1, 3), (3, 2), (1, 2, 3), (2, 3, 1), (4, 2, 3), (4, 2, 3), (2, 2), (2,), (6,), (2, 3, 1), (3, 2), (2, 3), (2,), (2, 1), (2,), (3, 2), (6,), (3, 2), (2, 2, 3), (2, 2, 3), (6, 1))",
    ],
    strides: [
      () => {
        const x = matrix()
        return [
          x.t(),
          x.unsqueeze(-1),
          x.unsqueeze(0),
          x.expand(4, 2, 3),
          x.at(slice(), slice(null, null, 2)),
          x.diagonal(),
          x.unfold(1, 2, 1),
          x.view(2, 1, 3),
          x.t().reshape(6),
          x.select(0, 1),
          x.t().unsqueeze(1),
        ].map((t) => [...t.strides])
      },
      "((1, 3), (3, 1, 1), (6, 3, 1), (0, 3, 1), (3, 2), (4,), (3, 1, 1), (3, 3, 1), (1,), (1,), (1, 6, 3))",
    ],
    values: [
      () => {
        const x = matrix()
        return [
          x.narrow(1, 1, 2),
          x.select(1, -1),
          x.t().flatten(),
          x.diagonal(),
          x.diagonal(1),
          x.unfold(1, 2, 1),
          x.asStrided([2, 2], [1, 2]),
          x.movedim(0, 1),
          x.t().reshape(2, 3),
        ]
      },
      `(tensor([[1., 2.],
        [4., 5.]]), tensor([2., 5.]), tensor([0., 3., 1., 4., 2., 5.]), tensor([0., 4.]), tensor([1., 5.]), tensor([[[0., 1.],
         [1., 2.]],

        [[3., 4.],
         [4., 5.]]]), tensor([[0., 2.],
        [1., 3.]]), tensor([[0., 3.],
        [1., 4.],
        [2., 5.]]), tensor([[0., 3., 1.],
        [4., 2., 5.]]))`,
    ],
    pieces: [
      () => {
        const x = matrix()
        return [
          x.chunk(2, 1),
          x.split([1, 2], 1),
          x.split(2, 1),
          x.tensorSplit(2, 1),
          x.tensorSplit([1, 2], 1),
          x.unbind(),
          x.unbind(1),
        ]
      },
      `((tensor([[0., 1.],
        [3., 4.]]), tensor([[2.],
        [5.]])), (tensor([[0.],
        [3.]]), tensor([[1., 2.],
        [4., 5.]])), (tensor([[0., 1.],
        [3., 4.]]), tensor([[2.],
        [5.]])), (tensor([[0., 1.],
        [3., 4.]]), tensor([[2.],
        [5.]])), (tensor([[0.],
        [3.]]), tensor([[1.],
        [4.]]), tensor([[2.],
        [5.]])), (tensor([0., 1., 2.]), tensor([3., 4., 5.])), (tensor([0., 3.]), tensor([1., 4.]), tensor([2., 5.])))`,
    ],
    "zero sizes": [
      () => {
        const x = zeros(0, 3)
        return [
          [...x.view(3, 0).shape],
          [...x.reshape(-1).shape],
          [...x.t().shape],
          x.unbind(1)[0],
          x.split(2).length,
          x.sum(),
        ]
      },
      "((3, 0), (0,), (3, 0), tensor([]), 1, tensor(0.))",
    ],
    "0-d": [
      () => {
        const x = tensor(2)
        return [x.view(1), x.unsqueeze(0), x.expand(3), x.flatten(), x.t(), x.squeeze(), x.view(1, 1).squeeze()].map(
          (t) => [...t.shape],
        )
      },
      "((1,), (1,), (3,), (1,), (), (), ())",
    ],
    "share memory": [
      () => {
        const x = zeros(4)
        const v = x.view(2, 2)
        v.setAt([0, 1], 5)
        x.setAt([3], 7)
        return [x, v, v.isView(), v.view_?.base === x, x.view(2, 2).view(4).view_?.base === x, x.isView()]
      },
      `(tensor([0., 5., 0., 7.]), tensor([[0., 5.],
        [0., 7.]]), True, True, True, False)`,
    ],
    "reshape copies only where it must": [
      () => {
        const x = count(2, 2)
        const y = x.t().reshape(4)
        y.setAt([0], 100)
        x.reshape(4).setAt([0], 50)
        return [x, y]
      },
      `(tensor([[50.,  1.],
        [ 2.,  3.]]), tensor([100.,   2.,   1.,   3.]))`,
    ],
    "the layout of copies and results": [
      () => {
        const x = matrix()
        const t = x.t()
        return [
          x.contiguous() === x,
          ...[
            t.contiguous(),
            t.clone(),
            t.clone({ memoryFormat: "contiguous" }),
            x.expand(2, 2, 3).clone(),
            t.add(1),
            t.add(t),
            x.add(t.contiguous().t()),
          ].map((y) => [...y.strides]),
        ]
      },
      "(True, (2, 1), (1, 3), (2, 1), (6, 3, 1), (1, 3), (1, 3), (3, 1))",
    ],
  })
})

describe("gradients of views", () => {
  programs({
    "names of their nodes": [
      () => {
        const x = ones(2, 3, G)
        return [
          x.view(6),
          x.reshape(6),
          x.t(),
          x.transpose(0, 1),
          x.permute(1, 0),
          x.unsqueeze(0),
          x.expand(4, 2, 3),
          x.narrow(0, 0, 1),
          x.select(0, 0),
          x.at(0),
          x.at(slice(0, 1)),
          x.flatten(),
          x.unfold(0, 1, 1),
          x.diagonal(),
          x.asStrided([2], [1]),
          x.clone(),
          x.t().contiguous(),
          x.t().reshape(6),
          x.squeeze(),
          x.squeeze(0),
          x.unbind()[0]!,
          x.split(1)[0]!,
          x.split([1, 1])[0]!,
          x.chunk(2)[0]!,
          x.tensorSplit(2)[0]!,
          x.movedim(0, 1),
          x.unflatten(1, [3, 1]),
          x.T,
          x.mT,
          x.viewAs(x),
          x.squeeze([0, 1]),
          x.double(),
          x.swapaxes(0, 1),
          x.expandAs(x),
          x.ravel(),
          x.sum().view(1),
        ].map((t) => t.gradFn!.name())
      },
      "('ViewBackward0', 'ViewBackward0', 'TBackward0', 'TransposeBackward0', 'PermuteBackward0', 'UnsqueezeBackward0', 'ExpandBackward0', 'SliceBackward0', 'SelectBackward0', 'SelectBackward0', 'SliceBackward0', 'ViewBackward0', 'UnfoldBackward0', 'DiagonalBackward0', 'AsStridedBackward0', 'CloneBackward0', 'CloneBackward0', 'UnsafeViewBackward0', 'SqueezeBackward0', 'SqueezeBackward1', 'UnbindBackward0', 'SplitBackward0', 'SplitWithSizesBackward0', 'SplitBackward0', 'SliceBackward0', 'PermuteBackward0', 'ViewBackward0', 'PermuteBackward0', 'TransposeBackward0', 'ViewBackward0', 'SqueezeBackward2', 'ToCopyBackward0', 'TransposeBackward0', 'ExpandBackward0', 'ViewBackward0', 'ViewBackward0')",
    ],
    "bring each element's gradient home": [
      () => [
        gradient((x) => x.view(6), 2, 3),
        gradient((x) => x.t(), 2, 3),
        gradient((x) => x.permute(2, 0, 1), 1, 2, 3),
        gradient((x) => x.unsqueeze(1), 3),
        gradient((x) => x.squeeze(), 1, 3),
        gradient((x) => x.expand(2, 3), 3),
        gradient((x) => x.narrow(1, 1, 2), 2, 3),
        gradient((x) => x.select(0, 1), 2, 3),
        gradient((x) => x.at(slice(), slice(null, null, 2)), 2, 3),
        gradient((x) => x.diagonal(), 3, 3),
        gradient((x) => x.unfold(0, 3, 1), 5),
        gradient((x) => x.asStrided([2, 2], [1, 1]), 3),
        gradient((x) => x.t().reshape(6), 2, 3),
        gradient((x) => x.flatten(), 2, 2),
        gradient((x) => x.clone(), 2),
        gradient((x) => x.t().contiguous(), 2, 2),
      ],
      `(tensor([[1., 2., 3.],
        [4., 5., 6.]]), tensor([[1., 3., 5.],
        [2., 4., 6.]]), tensor([[[1., 3., 5.],
         [2., 4., 6.]]]), tensor([1., 2., 3.]), tensor([[1., 2., 3.]]), tensor([5., 7., 9.]), tensor([[0., 1., 2.],
        [0., 3., 4.]]), tensor([[0., 0., 0.],
        [1., 2., 3.]]), tensor([[1., 0., 2.],
        [3., 0., 4.]]), tensor([[1., 0., 0.],
        [0., 2., 0.],
        [0., 0., 3.]]), tensor([ 1.,  6., 15., 14.,  9.]), tensor([1., 5., 4.]), tensor([[1., 3., 5.],
        [2., 4., 6.]]), tensor([[1., 2.],
        [3., 4.]]), tensor([1., 2.]), tensor([[1., 3.],
        [2., 4.]]))`,
    ],
    "of some pieces of a split": [
      () => {
        const x = count(5).requiresGrad_()
        const [a, b, c] = x.split(2) as [Tensor, Tensor, Tensor]
        a.mul(2).sum().backward()
        const s = String(x.grad)
        x.grad = null
        b.sum().mul(c.sum()).backward()
        const t = x.grad
        x.grad = null
        const u = x.unbind()
        u[1]!.mul(u[3]!).backward()
        return [s, t, x.grad]
      },
      "('tensor([2., 2., 0., 0., 0.])', tensor([0., 0., 4., 4., 5.]), tensor([0., 3., 0., 1., 0.]))",
    ],
  })

  test("are differentiable", async () => {
    const x = tensor(
      [
        [0.5, -1, 2],
        [1.5, 0.25, -0.75],
      ],
      { dtype: "float64", requiresGrad: true },
    )
    const square = (f: (x: Tensor) => Tensor) => (t: Tensor) => f(t).mul(f(t))
    for (const f of [
      (t: Tensor) => t.view(3, 2),
      (t: Tensor) => t.t(),
      (t: Tensor) => t.unbind(1)[1]!,
      (t: Tensor) => t.split(2, 1)[0]!,
      (t: Tensor) => t.unfold(1, 2, 1),
      (t: Tensor) => t.asStrided([2, 2], [1, 1]),
      (t: Tensor) => t.diagonal(),
      (t: Tensor) => t.expand(2, 2, 3),
      (t: Tensor) => t.t().reshape(6),
    ]) {
      expect(await torch.autograd.gradcheck(square(f), x)).toBe(true)
      expect(await torch.autograd.gradgradcheck(square(f), x)).toBe(true)
    }
  })
})

describe("refused", () => {
  refusals({
    "a view across a gap": [
      () => matrix().t().view(6),
      /view: view size.*is not compatible with input tensor's size \[3, 2\] and stride \[1, 3\].*Use \.reshape/,
    ],
    "a shape of another size": [() => matrix().view(4, -1), "view: shape '[4, -1]' is invalid for input of size 6"],
    // @ts-expect-error: the types refuse it as well
    "two unknown sizes": [() => matrix().view(-1, -1), "only one dimension can be inferred"],
    "an unknown size among none": [
      // @ts-expect-error: the types refuse it as well
      () => zeros(0, 3).view(-1, 0),
      "unspecified dimension size -1 can be any value and is ambiguous",
    ],
    // @ts-expect-error: the types refuse it as well
    "sizes that are no integers": [() => matrix().view(1.5, 4), "view: expected sizes"],
    "expanding what is not 1": [
      () => matrix().expand(3, 3),
      "expand: The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension 0.",
    ],
    "expanding to fewer dims": [
      () => matrix().expand(3),
      "the number of sizes provided (1) must be greater or equal to the number of dimensions in the tensor (2)",
    ],
    "a permutation of other length": [() => matrix().permute(0), "input.dim() = 2 is not equal to len(dims) = 1"],
    "a dim twice": [() => matrix().permute(0, 0), "permute: dim 0 appears multiple times"],
    "a dim out of range": [
      () => matrix().transpose(0, 2),
      "transpose: Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ],
    // @ts-expect-error: the types refuse it as well
    "the transpose of 3 dims": [() => ones(2, 3, 4).t(), "t: expects a tensor with <= 2 dimensions, but input is 3D"],
    "narrow beyond the end": [
      () => matrix().narrow(1, 2, 2),
      "narrow: start (2) + length (2) exceeds dimension size (3)",
    ],
    "an index out of bounds": [
      () => matrix().select(0, 2),
      "select: index 2 is out of bounds for dimension 0 with size 2",
    ],
    "sizes that do not sum up": [() => matrix().split([1, 1], 1), /split: .*must sum to 3/],
    "strides beyond the memory": [() => matrix().asStrided([3, 3], [3, 1]), "are out of bounds for storage of size 6"],
    "the size of a dim that is not there": [
      // @ts-expect-error: the types refuse it as well
      () => ones(2).size(1),
      "size: Dimension out of range (expected to be in range of [-1, 0], but got 1)",
    ],
    "the length of a 0-d tensor": [() => tensor(1).length, "length of a 0-d tensor"],
    "iterating over a 0-d tensor": [() => [...tensor(1)], "iteration over a 0-d tensor"],
  })
})
