import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { edges, programs, refusals } from "./python.ts"

const { arange, autograd, noGrad, ones, slice, tensor, zeros } = torch
const G = { requiresGrad: true }
const F64 = { dtype: "float64", requiresGrad: true } as const

/** 0, 1, ... n − 1 as a float leaf. */
const count = (n: number): torch.Tensor => arange(n).float().requiresGrad_()

describe("in-place changes are recorded", () => {
  programs({
    add_: [
      () => {
        const [x, w] = [ones(3, G), ones(3, G)]
        const y = x.mul(2)
        const z = y.add_(w)
        y.mul(y).sum().backward()
        return [z === y, y, x.grad, w.grad]
      },
      "(True, tensor([3., 3., 3.], grad_fn=<AddBackward0>), tensor([12., 12., 12.]), tensor([6., 6., 6.]))",
    ],
    "mul_ keeps what it overwrote for its operand": [
      () => {
        const [x, w] = [tensor([1, 2], G), tensor([3, 4], G)]
        const y = x.mul(2)
        y.mul_(w)
        y.sum().backward()
        return [y, x.grad, w.grad]
      },
      "(tensor([ 6., 16.], grad_fn=<MulBackward0>), tensor([6., 8.]), tensor([2., 4.]))",
    ],
    "unary ones, in a row": [
      () => {
        const x = tensor([0.5, 1], G)
        const y = x.mul(1)
        y.neg_()
        y.mul_(3)
        y.sigmoid_()
        y.sum().backward()
        return [y, x.grad]
      },
      "(tensor([0.1824, 0.0474], grad_fn=<SigmoidBackward0>), tensor([-0.4474, -0.1355]))",
    ],
    "a tensor without gradient joins the graph": [
      () => {
        const [w, y] = [ones(2, G), zeros(2)]
        y.add_(w)
        y.add_(w)
        y.sum().backward()
        return [y.requiresGrad, y.isLeaf, y, w.grad]
      },
      "(True, False, tensor([2., 2.], grad_fn=<AddBackward0>), tensor([2., 2.]))",
    ],
    "with a broadcast operand": [
      () => {
        const [x, b] = [ones(2, 3, G), ones(3, G)]
        const y = x.mul(1)
        y.mul_(b)
        y.sum().backward()
        return [x.grad, b.grad]
      },
      `(tensor([[1., 1., 1.],
        [1., 1., 1.]]), tensor([2., 2., 2.]))`,
    ],
    "copy_ forgets the old value": [
      () => {
        const [x, w] = [ones(3, G), tensor([2, 3, 4], G)]
        const y = x.mul(2)
        y.copy_(w)
        y.mul(y).sum().backward()
        return [y, x.grad, w.grad]
      },
      "(tensor([2., 3., 4.], grad_fn=<CopyBackwards>), tensor([0., 0., 0.]), tensor([4., 6., 8.]))",
    ],
    "copy_ broadcasts and converts": [
      () => {
        const [w, y] = [tensor([2, 3], F64), zeros(2, 2)]
        y.copy_(w)
        y.mul(y).sum().backward()
        return [y, w.grad]
      },
      `(tensor([[2., 3.],
        [2., 3.]], grad_fn=<CopyBackwards>), tensor([ 8., 12.], dtype=torch.float64))`,
    ],
    setAt: [
      () => {
        const [x, w] = [ones(4, G), tensor(5, G)]
        const y = x.mul(2)
        y.setAt([1], w)
        y.mul(y).sum().backward()
        return [y, x.grad, w.grad]
      },
      "(tensor([2., 5., 2., 2.], grad_fn=<CopySlices>), tensor([8., 0., 8., 8.]), tensor(10.))",
    ],
    "fill_ and zero_ of views": [
      () => {
        const x = ones(4, G)
        const y = x.mul(2)
        y.at(slice(1, 3)).zero_()
        y.at(slice(0, 1)).fill_(7)
        y.mul(y).sum().backward()
        return [y, x.grad]
      },
      "(tensor([7., 0., 0., 2.], grad_fn=<CopySlices>), tensor([0., 0., 0., 8.]))",
    ],
    "the dtype stays": [
      () => [
        zeros(2).add_(ones(2, { dtype: "float64" })),
        zeros(2, { dtype: "int32" }).add_(ones(2, { dtype: "int8" })),
        ones(2, { dtype: "float16" }).mul_(1.5),
      ],
      "(tensor([1., 1.]), tensor([1, 1]), tensor([1.5000, 1.5000], dtype=torch.float16))",
    ],
    "an operand of another dtype gets a gradient of its own": [
      () => {
        const [w, x] = [tensor([1, 2], F64), zeros(2)]
        x.add_(w)
        x.mul(x).sum().backward()
        return [x, w.grad]
      },
      "(tensor([1., 2.], grad_fn=<AddBackward0>), tensor([2., 4.], dtype=torch.float64))",
    ],
    "what was saved before as an output may change": [
      () => {
        const x = tensor([1, 2], G)
        const y = x.mul(1)
        const z = y.exp()
        y.add_(1)
        z.sum().backward()
        return x.grad
      },
      "tensor([2.7183, 7.3891])",
    ],
    "an operand that is the same view": [
      () => {
        const x = arange(4).float()
        x.view(2, 2).mul_(x.view(2, 2))
        return x
      },
      "tensor([0., 1., 4., 9.])",
    ],
  })

  test("an operand that overlaps is read before it is overwritten", () => {
    const x = arange(5).float()
    x.at(slice(1, null)).add_(x.at(slice(null, -1)))
    expect(String(x)).toBe("tensor([0., 1., 3., 5., 7.])")
    const y = arange(5).float()
    y.at(slice(1, null)).copy_(y.at(slice(null, -1)))
    expect(String(y)).toBe("tensor([0., 0., 1., 2., 3.])")
    const z = arange(4).float().view(2, 2)
    z.add_(z.t())
    expect(String(z)).toBe("tensor([[0., 3.],\n        [3., 6.]])")
  })
})

describe("views and their bases", () => {
  programs({
    "a view sees a change of its base": [
      () => {
        const x = count(4)
        const y = x.mul(1)
        const v = y.at(slice(1, 3))
        y.mul_(2)
        v.mul(v).sum().backward()
        return [y, v, x.grad]
      },
      "(tensor([0., 2., 4., 6.], grad_fn=<MulBackward0>), tensor([2., 4.], grad_fn=<AsStridedBackward0>), tensor([ 0.,  8., 16.,  0.]))",
    ],
    "a base sees a change of its view": [
      () => {
        const x = count(4)
        const y = x.mul(1)
        const v = y.at(slice(1, 3))
        v.mul_(10)
        y.mul(y).sum().backward()
        return [y, v, x.grad]
      },
      "(tensor([ 0., 10., 20.,  3.], grad_fn=<CopySlices>), tensor([10., 20.], grad_fn=<AsStridedBackward0>), tensor([  0., 200., 400.,   6.]))",
    ],
    "a base without gradient whose views are written": [
      () => {
        const [y, w] = [zeros(4), ones(2, G)]
        y.at(slice(null, 2)).copy_(w.mul(3))
        y.at(slice(2, null)).add_(w)
        y.mul(y).sum().backward()
        return [y, w.grad, y.requiresGrad, y.isLeaf]
      },
      "(tensor([3., 3., 1., 1.], grad_fn=<CopySlices>), tensor([20., 20.]), True, False)",
    ],
    "a view made before its base joined the graph": [
      () => {
        const [x, w] = [ones(4), ones(4, G)]
        const v = x.at(slice(null, 2))
        x.add_(w)
        v.mul(v).sum().backward()
        return [v.requiresGrad, v.gradFn!.name(), w.grad]
      },
      "(True, 'AsStridedBackward0', tensor([4., 4., 0., 0.]))",
    ],
    "views of views, changed in turn": [
      () => {
        const x = count(6)
        const y = x.mul(1)
        const v = y.view(2, 3)
        const w = v.select(0, 1)
        w.mul_(2)
        const u = v.t()
        u.select(0, 0).add_(x.at(slice(null, 2)))
        y.mul(v.view(-1)).add(w.sum()).sum().backward()
        return [y, v, w, u, x.grad]
      },
      `(tensor([ 0.,  1.,  2.,  7.,  8., 10.], grad_fn=<CopySlices>), tensor([[ 0.,  1.,  2.],
        [ 7.,  8., 10.]], grad_fn=<AsStridedBackward0>), tensor([ 7.,  8., 10.], grad_fn=<AsStridedBackward0>), tensor([[ 0.,  7.],
        [ 1.,  8.],
        [ 2., 10.]], grad_fn=<AsStridedBackward0>), tensor([ 0., 22.,  4., 40., 44., 52.]))`,
    ],
    "overlapping siblings": [
      () => {
        const x = count(4)
        const y = x.mul(1)
        const [a, b] = [y.at(slice(null, 3)), y.at(slice(1, null))]
        a.mul_(2)
        b.mul_(3)
        a.sum().mul(b.sum()).backward()
        return [y, a, b, x.grad]
      },
      "(tensor([ 0.,  6., 12.,  9.], grad_fn=<CopySlices>), tensor([ 0.,  6., 12.], grad_fn=<AsStridedBackward0>), tensor([ 6., 12.,  9.], grad_fn=<AsStridedBackward0>), tensor([ 54., 270., 270.,  54.]))",
    ],
    "the nodes of both": [
      () => {
        const x = count(4)
        const y = x.mul(1)
        const v = y.at(slice(1, 3))
        const before = v.gradFn!.name()
        v.add_(1)
        return [before, v.gradFn!.name(), y.gradFn!.name(), edges(v.gradFn), edges(y.gradFn).slice(0, 1)]
      },
      "('SliceBackward0', 'AsStridedBackward0', 'CopySlices', (('CopySlices', 0),), (('MulBackward0', 0),))",
    ],
    "a base that is not row-major": [
      () => {
        const x = count(6)
        const y = x.view(2, 3).t().mul(1)
        y.select(0, 1).mul_(5)
        y.mul(y).sum().backward()
        return [[...y.strides], x.grad]
      },
      "((1, 3), tensor([  0.,  50.,   4.,   6., 200.,  10.]))",
    ],
    "a view of the whole": [
      () => {
        const x = count(3)
        const y = x.mul(2)
        y.view(3, 1).exp_()
        y.sum().backward()
        return [y, x.grad]
      },
      "(tensor([ 1.0000,  7.3891, 54.5981], grad_fn=<CopySlices>), tensor([  2.0000,  14.7781, 109.1963]))",
    ],
    "second derivatives through a changed view": [
      () => {
        const x = tensor([1, 2, 3], F64)
        const y = x.mul(x)
        y.at(slice(1, null)).mul_(x.at(slice(null, 2)))
        const [g] = autograd.grad(y.mul(y).sum(), x, { createGraph: true }) as [torch.Tensor]
        return [g.detach(), ...autograd.grad(g.sum(), x)]
      },
      "(tensor([ 36., 356., 432.], dtype=torch.float64), tensor([108., 706., 864.], dtype=torch.float64))",
    ],
    "a clone is another base": [
      () => {
        const x = ones(2, 2, G)
        const a = x.mul(3).clone()
        a.select(0, 0).mul_(2)
        a.select(0, 1).mul(a.select(0, 0)).sum().backward()
        return x.grad
      },
      `tensor([[18., 18.],
        [18., 18.]])`,
    ],
    "row after row": [
      () => {
        const [w, y] = [ones(2, G), zeros(3, 2)]
        for (let i = 0; i < 3; i++) y.select(0, i).add_(w.mul(i))
        y.mul(y).sum().backward()
        return [y, w.grad]
      },
      `(tensor([[0., 0.],
        [1., 1.],
        [2., 2.]], grad_fn=<CopySlices>), tensor([10., 10.]))`,
    ],
    "a product of an expanded tensor": [
      () => {
        const x = ones(1, G)
        const z = x.expand(3).mul(1)
        z.at(slice(1, null)).mul_(2)
        z.sum().backward()
        return x.grad
      },
      "tensor([5.])",
    ],
    "a window": [
      () => {
        const x = count(5)
        const y = x.mul(1)
        y.unfold(0, 2, 3).select(0, 0).mul_(10)
        y.sum().backward()
        return [y, x.grad]
      },
      "(tensor([ 0., 10.,  2.,  3.,  4.], grad_fn=<CopySlices>), tensor([10., 10.,  1.,  1.,  1.]))",
    ],
    "the base of windows that overlap": [
      () => {
        const x = ones(5, G)
        const y = x.mul(1)
        const v = y.unfold(0, 3, 1)
        y.mul_(2)
        v.mul(v).sum().backward()
        return x.grad
      },
      "tensor([ 8., 16., 24., 16.,  8.])",
    ],
    "the base of a repeated view": [
      () => {
        const x = ones(5, G)
        const y = x.mul(1)
        const v = y.expand(4, 5)
        y.mul_(2)
        v.mul(v).sum().backward()
        return x.grad
      },
      "tensor([32., 32., 32., 32., 32.])",
    ],
    "the base of a strided view that overlaps": [
      () => {
        const x = ones(5, G)
        const y = x.mul(1)
        const v = y.asStrided([3, 3], [1, 1], 0)
        y.mul_(2)
        v.mul(v).sum().backward()
        return x.grad
      },
      "tensor([ 8., 16., 24., 16.,  8.])",
    ],
    "a diagonal": [
      () => {
        const x = ones(3, 3, G)
        const y = x.mul(1)
        y.diagonal().mul_(5)
        y.sum().backward()
        return [y, x.grad]
      },
      `(tensor([[5., 1., 1.],
        [1., 5., 1.],
        [1., 1., 5.]], grad_fn=<CopySlices>), tensor([[5., 1., 1.],
        [1., 5., 1.],
        [1., 1., 5.]]))`,
    ],
    "split without gradients": [
      () => {
        const y = ones(4)
        y.split(2)[0]!.add_(1)
        return y
      },
      "tensor([2., 2., 1., 1.])",
    ],
    "split in noGrad": [
      () => {
        const x = ones(4, G)
        const y = x.add(1)
        noGrad(() => y.split(2)[0]!.add_(1))
        y.sum().backward()
        return [y, x.grad]
      },
      "(tensor([3., 3., 2., 2.], grad_fn=<AddBackward0>), tensor([1., 1., 1., 1.]))",
    ],
    "a view whose base changed although it may not prints as invalid": [
      () => {
        const y = ones(4, G).add(1)
        const [a] = y.split(2)
        y.add_(1)
        return [a, a.requiresGrad]
      },
      "(tensor([3., 3.], grad_fn=<Invalid>), True)",
    ],
  })
})

describe("retained gradients follow the newest value", () => {
  programs({
    "of a tensor": [
      () => {
        const x = ones(2, G)
        const y = x.mul(2)
        y.retainGrad()
        y.mul_(3)
        y.sum().backward()
        return [y.retainsGrad, y.grad, x.grad]
      },
      "(True, tensor([1., 1.]), tensor([6., 6.]))",
    ],
    "of a base and its view": [
      () => {
        const x = ones(4, G)
        const y = x.mul(2)
        const v = y.at(slice(null, 2))
        v.retainGrad()
        y.retainGrad()
        v.mul_(3)
        y.sum().backward()
        return [v.grad, y.grad, x.grad]
      },
      "(None, tensor([1., 1., 1., 1.]), tensor([6., 6., 2., 2.]))",
    ],
    "of a changed view": [
      () => {
        const x = ones(4, G)
        const v = x.mul(2).at(slice(null, 2))
        v.mul_(3)
        v.retainGrad()
        v.mul(2).sum().backward()
        return [v.grad, x.grad]
      },
      "(tensor([2., 2.]), tensor([12., 12.,  0.,  0.]))",
    ],
  })
})

describe("versions", () => {
  programs({
    "views and detached tensors count together": [
      () => {
        const x = zeros(4)
        const v = x.at(slice(null, 2))
        const a = x.version
        v.add_(1)
        const b = [x.version, v.version]
        x.zero_()
        const d = x.detach()
        d.fill_(2)
        noGrad(() => x.add_(1))
        return [a, b, x.version, d.version, v.version]
      },
      "(0, (1, 1), 4, 4, 4)",
    ],
    "only in-place changes count": [
      () => {
        const x = zeros(2)
        const y = x.add(1)
        x.add_(y)
        return [x.version, y.version]
      },
      "(1, 0)",
    ],
    "a leaf in noGrad": [
      () => {
        const x = ones(2, G)
        noGrad(() => x.sub_(0.5))
        return [x, x.isLeaf, x.version]
      },
      "(tensor([0.5000, 0.5000], requires_grad=True), True, 1)",
    ],
    "a view of a leaf in noGrad": [
      () => {
        const x = ones(2, G)
        const v = x.at(slice(null, 1))
        noGrad(() => v.sub_(0.5))
        v.mul(2).sum().backward()
        return [x, v, x.grad]
      },
      "(tensor([0.5000, 1.0000], requires_grad=True), tensor([0.5000], grad_fn=<AsStridedBackward0>), tensor([2., 0.]))",
    ],
    "a view made in noGrad answers for its base": [
      () => {
        const x = ones(4, G)
        const v = noGrad(() => x.at(slice(null, 2)))
        return [v.requiresGrad, v.isLeaf, v.gradFn, v, v.mul(2).requiresGrad]
      },
      "(True, True, None, tensor([1., 1.], requires_grad=True), True)",
    ],
  })

  /** Saves something, changes it, goes backward. */
  const changed = (program: () => torch.Tensor) => () => program().sum().backward()
  const words = (what: string, now: number, then: number): string =>
    `one of the variables needed for gradient computation has been modified by an inplace operation: [torch.FloatTensor ${what} is at version ${now}; expected version ${then} instead. Hint: enable anomaly detection`

  refusals({
    "a changed output": [
      changed(() => {
        const y = ones(3, G).exp()
        return y.add_(1)
      }),
      words("[3]], which is output 0 of Exp,", 1, 0),
    ],
    "a changed output, after several changes": [
      changed(() => ones(3, G).exp().add_(1).mul_(2).neg_()),
      words("[3]], which is output 0 of Exp,", 3, 0),
    ],
    "a changed input": [
      changed(() => {
        const y = ones(3, G).add(1)
        const z = y.mul(y)
        y.add_(1)
        return z
      }),
      words("[3]], which is output 0 of Add,", 1, 0),
    ],
    "a changed constant": [
      changed(() => {
        const w = ones(2, 3)
        const z = ones(2, 3, G).mul(w)
        w.add_(1)
        return z
      }),
      words("[2, 3]]", 1, 0),
    ],
    "a leaf changed in noGrad": [
      changed(() => {
        const x = ones(3, G)
        const z = x.mul(x)
        noGrad(() => x.add_(1))
        return z
      }),
      words("[3]]", 1, 0),
    ],
    "a view whose base changed": [
      changed(() => {
        const y = ones(2, 3, G).add(1)
        const v = y.select(0, 0)
        const z = v.mul(v)
        y.mul_(2)
        return z
      }),
      words("[3]], which is output 0 of AsStrided,", 1, 0),
    ],
    "a changed view whose base changed": [
      changed(() => {
        const y = ones(2, 3, G).add(1)
        const v = y.select(0, 0)
        v.mul_(2)
        const z = v.mul(v)
        y.mul_(2)
        return z
      }),
      words("[3]], which is output 0 of AsStrided,", 2, 1),
    ],
    "a base whose element was assigned": [
      changed(() => {
        const y = tensor([1, 2], G).mul(2)
        const z = y.mul(y)
        y.setAt([0], 0)
        return z
      }),
      words("[2]], which is output 0 of CopySlices,", 1, 0),
    ],
    "through a detached tensor": [
      changed(() => {
        const y = ones(4, G).exp()
        y.detach().add_(1)
        return y
      }),
      words("[4]], which is output 0 of Exp,", 1, 0),
    ],
    "itself, multiplied in place by itself": [
      changed(() => {
        const y = tensor([1, 2], G).mul(1)
        return y.mul_(y)
      }),
      words("[2]], which is output 0 of Mul,", 1, 0),
    ],
  })
})

describe("refused", () => {
  const multiple = (output: string): string =>
    `${output} is a view and is being modified inplace. This view is the output of a function that returns multiple views.`
  const base = (): torch.Tensor => ones(4, G).add(1)

  refusals({
    "a leaf": [
      () => ones(3, G).add_(1),
      "add_: a leaf Variable that requires grad is being used in an in-place operation.",
    ],
    "a view of a leaf": [
      () => ones(3, G).at(slice(0, 1)).mul_(2),
      "mul_: a view of a leaf Variable that requires grad is being used in an in-place operation.",
    ],
    "filling a leaf": [() => ones(3, G).zero_(), "zero_: a leaf Variable"],
    "copying into a leaf": [() => ones(3, G).copy_(ones(3)), "copy_: a leaf Variable"],
    "an output of split": [() => base().split(2)[1]!.add_(1), multiple("Output 1 of Split")],
    "an output of unbind": [() => base().unbind()[2]!.add_(1), multiple("Output 2 of Unbind")],
    "an output of chunk": [() => base().chunk(2)[1]!.mul_(2), multiple("Output 1 of Split")],
    "a view of an output of split": [
      () => base().split(2)[0]!.view(2, 1).mul_(2),
      "is a view and is being modified inplace",
    ],
    "an output of split whose base changed": [
      () => {
        const y = base()
        const [a] = y.split(2)
        y.add_(1)
        return a.gradFn
      },
      "Output 0 of Split is a view and its base or another view of its base has been modified inplace.",
    ],
    "a split of a tensor without gradient, by one with": [
      () => ones(4).split(2)[0]!.add_(ones(2, G)),
      "This view is the output of a function that returns multiple views.",
    ],
    "a view made in noGrad": [
      () => {
        const y = base()
        return noGrad(() => y.at(slice(0, 1))).add_(1)
      },
      "A view was created in noGrad mode and is being modified inplace with grad mode enabled.",
    ],
    "a view made in noGrad of a tensor without gradient, by one with": [
      () => noGrad(() => ones(3).at(slice(0, 1))).add_(ones(1, G)),
      "A view was created in noGrad mode and is being modified inplace with grad mode enabled.",
    ],
    "a view made in noGrad whose base changed": [
      () => {
        const y = base()
        const v = noGrad(() => y.at(slice(0, 2)))
        y.add_(1)
        return v.mul(2)
      },
      "A view was created in noGrad mode and its base or another view of its base has been modified inplace with grad mode enabled.",
    ],
    "a result of a broader shape": [
      // @ts-expect-error: the types refuse it as well
      () => zeros(3).add_(ones(2, 3)),
      "add_: output with shape [3] doesn't match the broadcast shape [2, 3]",
    ],
    "a result of a higher kind": [
      // @ts-expect-error: the types refuse it as well
      () => zeros(3, { dtype: "int32" }).add_(1.5),
      "add_: result type float32 can't be cast to the desired output type int32",
    ],
    "an expanded tensor": [
      () => ones(3).expand(2, 3).add_(1),
      "more than one element of the written-to tensor refers to a single memory location",
    ],
    // @ts-expect-error: the types refuse it as well
    "a source of a broader shape": [() => zeros(3).copy_(ones(2, 3)), /copy_: .*\[2, 3\].*\[3\]/],
  })

  test("changes nothing", () => {
    const x = ones(3, G)
    expect(() => x.add_(1)).toThrow()
    expect(() => x.detach().expand(2, 3).add_(1)).toThrow()
    const y = zeros(3)
    // @ts-expect-error: the types refuse it as well
    expect(() => y.add_(ones(2, 3))).toThrow()
    expect([String(x), x.version, String(y), y.version]).toEqual([
      "tensor([1., 1., 1.], requires_grad=True)",
      0,
      "tensor([0., 0., 0.])",
      0,
    ])
  })
})
