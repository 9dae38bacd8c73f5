import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { edges, programs, refusals } from "./python.ts"

const { autograd, ones, tensor } = torch
const { grad } = autograd
const G = { requiresGrad: true }
const F64 = { dtype: "float64", requiresGrad: true } as const

describe("the graph", () => {
  programs({
    "edges lead to nodes and sinks of leaves, none to tensors without gradient": [
      () => {
        const x = ones(2, G)
        const y = x.mul(ones(2)).add(x)
        return [y.gradFn!.name(), edges(y.gradFn), edges(y.gradFn!.nextFunctions[0]![0])]
      },
      "('AddBackward0', (('MulBackward0', 0), ('AccumulateGrad', 0)), (('AccumulateGrad', 0), (None, 0)))",
    ],
    "an edge says which output it comes from": [
      () => {
        const [a, b] = ones(4, G).mul(1).unbind()
        return [edges(a.mul(b).gradFn), a.outputNr, b.outputNr]
      },
      "((('UnbindBackward0', 0), ('UnbindBackward0', 1)), 0, 1)",
    ],
    "leaves and others": [
      () => {
        const [x, z] = [ones(2, G), ones(2)]
        const y = x.mul(2)
        return [
          x.isLeaf,
          x.requiresGrad,
          x.gradFn,
          x.grad,
          y.isLeaf,
          y.requiresGrad,
          z.isLeaf,
          z.requiresGrad,
          z.mul(2).isLeaf,
        ]
      },
      "(True, True, None, None, False, True, True, False, True)",
    ],
    "the tour": [
      () => {
        const x = ones(2, 2, G)
        const y = x.add(2)
        const z = y.mul(y).mul(3)
        const out = z.mean()
        out.backward()
        return [x, y, z, out, x.grad]
      },
      `(tensor([[1., 1.],
        [1., 1.]], requires_grad=True), tensor([[3., 3.],
        [3., 3.]], grad_fn=<AddBackward0>), tensor([[27., 27.],
        [27., 27.]], grad_fn=<MulBackward0>), tensor(27., grad_fn=<MeanBackward0>), tensor([[4.5000, 4.5000],
        [4.5000, 4.5000]]))`,
    ],
    "comparisons, indices and integers require no gradient": [
      () => {
        const x = ones(2, G)
        return [
          x.gt(0).requiresGrad,
          x.argmax().requiresGrad,
          x.int().requiresGrad,
          x.bool().requiresGrad,
          x.floor().requiresGrad,
        ]
      },
      "(False, False, False, False, True)",
    ],
  })

  test("the sink of a leaf knows its tensor", () => {
    const x = ones(2, G)
    const sink = x.mul(2).gradFn!.nextFunctions[0]![0] as torch.autograd.AccumulateGrad
    expect(sink.name()).toBe("AccumulateGrad")
    expect(sink.variable).toBe(x)
    expect(x.add(1).gradFn!.nextFunctions[0]![0]).toBe(sink)
  })

  test("a chain of 100,000 ops goes backward without overflowing the stack", () => {
    const x = tensor([1, 2], G)
    let y = x
    for (let i = 0; i < 100_000; i++) y = y.add(1)
    y.sum().backward()
    expect(String(x.grad)).toBe("tensor([1., 1.])")
    const [g] = grad(y.mul(2).sum(), x)
    expect(String(g)).toBe("tensor([2., 2.])")
  })
})

describe("backward", () => {
  programs({
    "adds to grad, in place": [
      () => {
        const x = tensor([1, 2], G)
        x.mul(x).sum().backward()
        const a = x.grad
        x.mul(x).sum().backward()
        return [a === x.grad, a, x.grad, x.grad!.requiresGrad]
      },
      "(True, tensor([4., 8.]), tensor([4., 8.]), False)",
    ],
    "begins anew after grad = null": [
      () => {
        const x = ones(2, G)
        x.mul(2).sum().backward()
        x.grad = null
        x.mul(3).sum().backward()
        return x.grad
      },
      "tensor([3., 3.])",
    ],
    "the same tensor twice in one op": [
      () => {
        const x = tensor([2, 3], G)
        const y = x.mul(x)
        y.sum().backward()
        return [x.grad, edges(y.gradFn)]
      },
      "(tensor([4., 6.]), (('AccumulateGrad', 0), ('AccumulateGrad', 0)))",
    ],
    "gradient, by position and by name": [
      () => {
        const x = tensor([2, 3], G)
        x.mul(x).backward(tensor([1, 10]))
        const a = String(x.grad)
        x.mul(x).backward({ gradient: tensor([1, 0]) })
        return [a, x.grad]
      },
      "('tensor([ 4., 60.])', tensor([ 8., 60.]))",
    ],
    "a gradient of another dtype is converted": [
      () => {
        const x = ones(2, G)
        x.mul(2).backward(ones(2, { dtype: "float64" }))
        return x.grad
      },
      "tensor([2., 2.])",
    ],
    "of a leaf": [
      () => {
        const x = tensor(2, G)
        x.backward()
        x.backward()
        return x.grad
      },
      "tensor(2.)",
    ],
    retainGraph: [
      () => {
        const x = tensor([2, 3], G)
        const y = x.mul(x).sum()
        y.backward({ retainGraph: true })
        y.backward()
        return x.grad
      },
      "tensor([ 8., 12.])",
    ],
    "a second time where nothing was saved": [
      () => {
        const x = ones(3, G)
        const y = x.add(1).sum()
        y.backward()
        y.backward()
        return x.grad
      },
      "tensor([2., 2., 2.])",
    ],
    "createGraph: grad is part of the graph": [
      () => {
        const x = tensor([1, 2], G)
        x.mul(x).mul(x).sum().backward({ createGraph: true })
        const s = String(x.grad)
        x.mul(1).sum().backward({ createGraph: true })
        return [s, x.grad, x.grad!.isLeaf]
      },
      "('tensor([ 3., 12.], grad_fn=<CopyBackwards>)', tensor([ 4., 13.], grad_fn=<AddBackward0>), False)",
    ],
    "createGraph over an earlier gradient": [
      () => {
        const x = tensor([1, 2], G)
        x.mul(2).sum().backward()
        x.mul(x).mul(x).sum().backward({ createGraph: true })
        return x.grad
      },
      "tensor([ 5., 14.], grad_fn=<AddBackward0>)",
    ],
    "backward through a gradient": [
      () => {
        const x = tensor([1, 2], G)
        x.mul(x).mul(x).sum().backward({ createGraph: true })
        const g = x.grad!
        x.grad = null
        g.sum().backward()
        return [g, x.grad]
      },
      "(tensor([ 3., 12.], grad_fn=<CopyBackwards>), tensor([ 6., 12.]))",
    ],
    "inputs: only these leaves": [
      () => {
        const [x, w] = [ones(2, G), ones(2, G)]
        x.mul(w)
          .mul(3)
          .sum()
          .backward({ inputs: [w] })
        return [x.grad, w.grad]
      },
      "(None, tensor([3., 3.]))",
    ],
    "inputs: one tensor": [
      () => {
        const [x, w] = [ones(2, G), ones(2, G)]
        x.mul(w).mul(3).sum().backward({ inputs: w })
        return [x.grad, w.grad]
      },
      "(None, tensor([3., 3.]))",
    ],
    "inputs that are no leaves retain their gradient": [
      () => {
        const [x, w] = [ones(2, G), ones(2, G)]
        const y = x.mul(2)
        y.mul(w)
          .sum()
          .backward({ inputs: [y, w] })
        return [y.grad, x.grad, w.grad, y.retainsGrad, w.retainsGrad]
      },
      "(tensor([1., 1.]), None, tensor([2., 2.]), True, False)",
    ],
    "inputs accumulate": [
      () => {
        const x = ones(2, G)
        const y = x.mul(2)
        const z = y.mul(y).sum()
        z.backward({ inputs: [x], retainGraph: true })
        z.backward({ inputs: [x, y] })
        return [x.grad, y.grad]
      },
      "(tensor([16., 16.]), tensor([4., 4.]))",
    ],
    "autograd.backward of several tensors": [
      () => {
        const x = tensor([1, 2], G)
        autograd.backward([x.mul(2).sum(), x.mul(x)], [null, tensor([1, 1])])
        return x.grad
      },
      "tensor([4., 6.])",
    ],
    "autograd.backward of one tensor": [
      () => {
        const x = tensor([1, 2], G)
        autograd.backward(x.mul(x), tensor([1, 1]))
        return x.grad
      },
      "tensor([2., 4.])",
    ],
    "zero sizes": [
      () => {
        const x = ones(0, 3, G)
        x.mul(2).sum().backward()
        return x.grad
      },
      "tensor([], size=(0, 3))",
    ],
    "0-d": [
      () => {
        const x = tensor(3, G)
        const y = x.mul(x)
        y.backward()
        return [y, x.grad]
      },
      "(tensor(9., grad_fn=<MulBackward0>), tensor(6.))",
    ],
    diamond: [
      () => {
        const x = tensor([1, 2], G)
        const a = x.exp()
        a.mul(2).mul(a.sin()).add(a).sum().backward()
        return x.grad
      },
      "tensor([-8.5222, 69.5574])",
    ],
    "a sub-graph that two roots share": [
      () => {
        const x = tensor([1, 2], G)
        const h = x.mul(x)
        const [a, b] = [h.mul(2).sum(), h.mul(3).sum()]
        a.backward({ retainGraph: true })
        const g = String(x.grad)
        b.backward()
        return [g, x.grad]
      },
      "('tensor([4., 8.])', tensor([10., 20.]))",
    ],
    "forty diamonds in a row visit each node once": [
      () => {
        const x = tensor(1, G)
        let y = x
        for (let i = 0; i < 40; i++) y = y.add(y).mul(0.5)
        y.backward()
        return x.grad
      },
      "tensor(1.)",
    ],
    "NaN of the branch not taken stays out of what is not its": [
      () => {
        const x = tensor([0, 4], G)
        torch.where(x.gt(0), x.sqrt(), torch.zeros([])).sum().backward()
        return x.grad
      },
      "tensor([   nan, 0.2500])",
    ],
    "what was not saved may be changed": [
      () => {
        const [x, w] = [ones(3, G), ones(3)]
        const z = x.add(w)
        w.add_(1)
        z.sum().backward()
        return x.grad
      },
      "tensor([1., 1., 1.])",
    ],
  })

  refusals({
    "no gradient is required": [
      () => ones(2).sum().backward(),
      "backward: element 0 of tensors does not require grad and does not have a grad_fn",
    ],
    "several elements without a gradient": [
      // @ts-expect-error: the types refuse it as well
      () => ones(2, G).mul(2).backward(),
      /grad can be implicitly created only for scalar outputs.*\[2\]/,
    ],
    "a gradient of another shape": [
      () => ones(2, G).mul(2).backward(ones(3)),
      "Mismatch in shape: grad_output[0] has a shape of [3] and output[0] has a shape of [2].",
    ],
    "an integer gradient": [
      () =>
        ones(2, G)
          .mul(2)
          .backward(ones(2, { dtype: "int32" })),
      "the gradient must be floating, got int32",
    ],
    "a gradient that is no tensor": [
      () =>
        ones(2, G)
          .mul(2)
          .backward(1 as unknown as torch.Tensor),
      "gradients must be tensors or null, got 1",
    ],
    "no inputs": [() => ones(2, G).sum().backward({ inputs: [] }), "inputs must not be empty"],
    "an input without gradient": [
      () =>
        ones(2, G)
          .sum()
          .backward({ inputs: [ones(2)] }),
      "One of the differentiated Tensors does not require grad",
    ],
    "fewer gradients than tensors": [
      () => autograd.backward([ones(2, G).sum(), ones(2, G).sum()], [null]),
      "got 2 tensors and 1 gradients",
    ],
    "PyTorch's spelling of an option": [
      () =>
        ones(2, G)
          .sum()
          .backward({ retain_graph: true } as object),
      'backward: unknown option "retain_graph"; did you mean retainGraph?',
    ],
    "a second time": [
      () => {
        const x = ones(3, G)
        const y = x.mul(x).sum()
        y.backward()
        y.backward()
      },
      "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retainGraph: true",
    ],
    "a second time through what two roots share": [
      () => {
        const x = ones(2, G)
        const y = x.mul(x)
        const [a, b] = [y.sum(), y.mul(2).sum()]
        a.backward()
        b.backward()
      },
      "Trying to backward through the graph a second time",
    ],
  })

  test("a failed call changes nothing", () => {
    const x = ones(2, G)
    const y = x.mul(x)
    expect(() => y.backward(ones(3))).toThrow("Mismatch in shape")
    expect(x.grad).toBeNull()
    y.sum().backward()
    expect(String(x.grad)).toBe("tensor([2., 2.])")
  })
})

describe("autograd.grad", () => {
  programs({
    "does not touch grad": [
      () => {
        const x = tensor([1, 2], G)
        const [g] = grad(x.mul(x).sum(), x)
        return [g, x.grad]
      },
      "(tensor([2., 4.]), None)",
    ],
    allowUnused: [
      () => {
        const [x, y] = [ones(2, G), ones(2, G)]
        return grad(x.sum(), [x, y], { allowUnused: true })
      },
      "(tensor([1., 1.]), None)",
    ],
    materializeGrads: [
      () => {
        const [x, y] = [ones(2, G), ones(2, 1, F64)]
        return grad(x.sum(), [x, y], { materializeGrads: true })
      },
      `(tensor([1., 1.]), tensor([[0.],
        [0.]], dtype=torch.float64))`,
    ],
    "several outputs with gradients": [
      () => {
        const x = tensor([1, 2], G)
        return grad([x.mul(2), x.mul(3)], x, { gradOutputs: [tensor([1, 10]), tensor([100, 0])] })
      },
      "(tensor([302.,  20.]),)",
    ],
    "several outputs, one of them a scalar": [
      () => {
        const x = tensor([1, 2], G)
        return grad([x.mul(2), x.mul(3).sum()], x, { gradOutputs: [tensor([1, 10]), null] })
      },
      "(tensor([ 5., 23.]),)",
    ],
    "gradOutputs by position": [
      () => {
        const x = tensor([1, 2], G)
        return grad(x.mul(x), x, tensor([1, 10]))
      },
      "(tensor([ 2., 40.]),)",
    ],
    "with respect to what is no leaf": [
      () => {
        const x = tensor([1, 2], G)
        const a = x.mul(2)
        return grad(a.mul(a).sum(), [a, x])
      },
      "(tensor([4., 8.]), tensor([ 8., 16.]))",
    ],
    "with respect to itself": [
      () => {
        const x = tensor([1, 2], G)
        const a = x.mul(2).sum()
        return grad(a, [a, x])
      },
      "(tensor(1.), tensor([2., 2.]))",
    ],
    "frees only what it visits": [
      () => {
        const [x, w] = [tensor([1, 2], G), tensor([3, 4], G)]
        const z = x.mul(2).mul(w).sum()
        const [g] = grad(z, w, { retainGraph: true })
        return [g, grad(z, x)[0]]
      },
      "(tensor([2., 4.]), tensor([6., 8.]))",
    ],
    "third and fourth derivatives": [
      () => {
        const x = tensor(2, G)
        const again = { createGraph: true }
        const [a] = grad(x.mul(x).mul(x).mul(x), x, again) as [torch.Tensor]
        const [b] = grad(a, x, again) as [torch.Tensor]
        const [c] = grad(b, x, again) as [torch.Tensor]
        const [d] = grad(c, x)
        return [a, b, c]
          .map((t) => `${t}`)
          .map(Number)
          .map((n) => n.toFixed(1))
          .map((s) => new Plain(s))
          .concat(d as never)
      },
      "(32.0, 48.0, 48.0, tensor(24.))",
    ],
    "four derivatives of sin": [
      () => {
        const x = tensor([0.5, 1], F64)
        let y = x.sin()
        return [1, 2, 3, 4].map(() => (y = grad(y.sum(), x, { createGraph: true })[0]!).detach())
      },
      "(tensor([0.8776, 0.5403], dtype=torch.float64), tensor([-0.4794, -0.8415], dtype=torch.float64), tensor([-0.8776, -0.5403], dtype=torch.float64), tensor([0.4794, 0.8415], dtype=torch.float64))",
    ],
    "through gradOutputs": [
      () => {
        const [x, g] = [tensor(2, G), tensor(3, G)]
        const [a] = grad(x.mul(x), x, { gradOutputs: g, createGraph: true }) as [torch.Tensor]
        return [new Plain(`${a}`), ...grad(a, [x, g])]
      },
      "(12.0, tensor(6.), tensor(4.))",
    ],
    "mixed second derivatives": [
      () => {
        const [x, w] = [tensor([1, 2], G), tensor([3, 4], G)]
        const [g] = grad(x.mul(x).mul(w).sum(), x, { createGraph: true }) as [torch.Tensor]
        return grad(g.sum(), [x, w])
      },
      "(tensor([6., 8.]), tensor([2., 4.]))",
    ],
    "an output that is its input's view": [
      () => {
        const x = ones(2, G)
        return grad(x.view(2), x, ones(2))[0]
      },
      "tensor([1., 1.])",
    ],
  })

  refusals({
    "an unused input": [
      () => grad(ones(2, G).sum(), ones(2, G)),
      "The differentiated Tensor at index 0 appears to not have been used in the graph. Set allowUnused: true if this is the desired behavior.",
    ],
    "an input without gradient": [
      () => grad(ones(2, G).sum(), [ones(2)]),
      "One of the differentiated Tensors does not require grad",
    ],
    "materializeGrads without allowUnused": [
      () => grad(ones(2, G).sum(), ones(2, G), { materializeGrads: true, allowUnused: false }),
      "Expected allowUnused to be true or not passed when materializeGrads: true",
    ],
    "fewer gradients than outputs": [
      () => {
        const x = ones(2, G)
        return grad([x.mul(2), x.sum()], x, { gradOutputs: [ones(2)] })
      },
      "got 2 tensors and 1 gradients",
    ],
    "PyTorch's spelling of an option": [
      () => grad(ones(2, G).sum(), ones(2, G), { create_graph: true } as object),
      'grad: unknown option "create_graph"; did you mean createGraph?',
    ],
  })
})

describe("gradients have their own dtype, shape and memory", () => {
  programs({
    "float32 · float64": [
      () => {
        const [a, b] = [tensor([1, 2], G), tensor([3, 4], F64)]
        const c = a.mul(b)
        c.sum().backward()
        return [c, a.grad, b.grad, edges(c.gradFn)]
      },
      "(tensor([3., 8.], dtype=torch.float64, grad_fn=<MulBackward0>), tensor([3., 4.]), tensor([1., 2.], dtype=torch.float64), (('AccumulateGrad', 0), ('AccumulateGrad', 0)))",
    ],
    "a 0-d float64 does not promote": [
      () => {
        const [a, b] = [tensor([1, 2], G), tensor(3, F64)]
        const c = a.mul(b)
        c.sum().backward()
        return [c, a.grad, b.grad]
      },
      "(tensor([3., 6.], grad_fn=<MulBackward0>), tensor([3., 3.]), tensor(3., dtype=torch.float64))",
    ],
    "float16 · float32": [
      () => {
        const [a, b] = [tensor([1, 2], { dtype: "float16", ...G }), tensor([3, 4], G)]
        const c = a.mul(b)
        c.sum().backward()
        return [c, a.grad, b.grad]
      },
      "(tensor([3., 8.], grad_fn=<MulBackward0>), tensor([3., 4.], dtype=torch.float16), tensor([1., 2.]))",
    ],
    "bfloat16 · float16": [
      () => {
        const [a, b] = [tensor([1, 2], { dtype: "bfloat16", ...G }), tensor([3, 4], { dtype: "float16", ...G })]
        const c = a.mul(b)
        c.sum().backward()
        return [c, a.grad, b.grad]
      },
      "(tensor([3., 8.], grad_fn=<MulBackward0>), tensor([3., 4.], dtype=torch.bfloat16), tensor([1., 2.], dtype=torch.float16))",
    ],
    "float32 · int32": [
      () => {
        const [a, b] = [tensor([1, 2], G), tensor([3, 4], { dtype: "int32" })]
        const c = a.mul(b)
        c.sum().backward()
        return [c, a.grad]
      },
      "(tensor([3., 8.], grad_fn=<MulBackward0>), tensor([3., 4.]))",
    ],
    "numbers and 0-d tensors promote by kind": [
      () => {
        const i = tensor([1, 2], { dtype: "int32" })
        const f = tensor([1, 2], { dtype: "float64" })
        const h = tensor([1, 2], { dtype: "float16" })
        return [
          i.add(1),
          i.add(1.5),
          f.add(1),
          h.mul(1.5),
          tensor([true, false]).mul(2.5),
          i.mul(true),
          tensor(1, { dtype: "float64" }).add(tensor([1])),
          tensor([1], { dtype: "int32" }).add(tensor(1.5)),
          tensor([1], { dtype: "int8" }).add(tensor(300, { dtype: "int32" })),
        ]
      },
      "(tensor([2, 3]), tensor([2.5000, 3.5000]), tensor([2., 3.], dtype=torch.float64), tensor([1.5000, 3.0000], dtype=torch.float16), tensor([2.5000, 0.0000]), tensor([1, 2]), tensor([2.]), tensor([2.5000]), tensor([45], dtype=torch.int8))",
    ],
    float16: [
      () => {
        const a = tensor([1, 2], { dtype: "float16", ...G })
        a.mul(3).sum().backward()
        return a.grad
      },
      "tensor([3., 3.], dtype=torch.float16)",
    ],
    "through a conversion": [
      () => {
        const a = tensor([1, 2], G)
        const c = a.double()
        c.mul(c).sum().backward()
        return [c, edges(c.gradFn), a.to("float32") === a, a.grad]
      },
      "(tensor([1., 2.], dtype=torch.float64, grad_fn=<ToCopyBackward0>), (('AccumulateGrad', 0),), True, tensor([2., 4.]))",
    ],
    "broadcast operands": [
      () => {
        const [a, b, s] = [ones(2, 1, G), ones(3, G), tensor(2, G)]
        a.mul(b).mul(s).sum().backward()
        return [a.grad, b.grad, s.grad]
      },
      `(tensor([[6.],
        [6.]]), tensor([4., 4., 4.]), tensor(6.))`,
    ],
    "operands broadcast both ways": [
      () => {
        const [a, b] = [ones(1, 2, 1, G), ones(4, 1, 3, G)]
        a.add(b).sum().backward()
        return [a.grad, b.grad]
      },
      `(tensor([[[12.],
         [12.]]]), tensor([[[2., 2., 2.]],

        [[2., 2., 2.]],

        [[2., 2., 2.]],

        [[2., 2., 2.]]]))`,
    ],
    "two leaves of one sum": [
      () => {
        const [x, w] = [ones(2, G), ones(2, G)]
        x.add(w).sum().backward()
        x.grad!.add_(1)
        return [x.grad, w.grad]
      },
      "(tensor([2., 2.]), tensor([1., 1.]))",
    ],
    "a gradient that was given": [
      () => {
        const [x, w, g] = [ones(2, G), ones(2, G), ones(2)]
        x.add(w).backward(g)
        x.grad!.add_(1)
        return [x.grad, w.grad, g]
      },
      "(tensor([2., 2.]), tensor([1., 1.]), tensor([1., 1.]))",
    ],
    "a gradient that a hook kept": [
      () => {
        const keep: torch.Tensor[] = []
        const x = ones(2, G)
        x.registerHook((g) => void keep.push(g))
        x.mul(3).sum().backward()
        x.mul(3).sum().backward()
        return [...keep, x.grad]
      },
      "(tensor([3., 3.]), tensor([3., 3.]), tensor([6., 6.]))",
    ],
    "a retained gradient": [
      () => {
        const x = ones(2, G)
        const y = x.add(0)
        y.retainGrad()
        y.sum().backward()
        x.grad!.add_(1)
        return [y.grad, x.grad]
      },
      "(tensor([1., 1.]), tensor([2., 2.]))",
    ],
    "an expanded gradient": [
      () => {
        const x = ones(2, 3, G)
        x.sum().backward()
        const a = String(x.grad)
        const s = [...x.grad!.stride()]
        x.grad!.select(0, 0).select(0, 0).fill_(5)
        return [a, s, x.grad]
      },
      `('tensor([[1., 1., 1.],\\n        [1., 1., 1.]])', (3, 1), tensor([[5., 1., 1.],
        [1., 1., 1.]]))`,
    ],
    "strides are the leaf's where those are dense": [
      () => {
        const a = ones(3, 2).t().requiresGrad_()
        const b = ones(4, 3)
          .at("...", torch.slice(null, null, 2))
          .requiresGrad_()
        const c = ones(1).expand(3).requiresGrad_()
        for (const x of [a, b, c] as torch.Tensor[]) x.mul(2).sum().backward()
        return [[...a.grad!.strides], [...b.grad!.strides], [...c.grad!.strides], c.grad]
      },
      "((1, 2), (2, 1), (1,), tensor([2., 2., 2.]))",
    ],
    "a given gradient of other strides": [
      () => {
        const a = ones(2, 3, G)
        a.mul(1).backward(torch.arange(6).float().view(3, 2).t())
        return [a.grad, [...a.grad!.strides]]
      },
      `(tensor([[0., 2., 4.],
        [1., 3., 5.]]), (3, 1))`,
    ],
    "an expanded leaf": [
      () => {
        const x = ones(3, G)
        x.expand(2, 3).sum().backward()
        return x.grad
      },
      "tensor([2., 2., 2.])",
    ],
    "an assigned gradient is added to in place": [
      () => {
        const [x, g] = [ones(2, G), ones(2)]
        x.grad = g
        x.sum().backward()
        return [x.grad, x.grad === g]
      },
      "(tensor([2., 2.]), True)",
    ],
  })

  refusals({
    "an assigned gradient of another shape": [
      // @ts-expect-error: the types refuse it as well
      () => (ones(2, G).grad = ones(3)),
      "attempting to assign a gradient of size '[3]' to a tensor of size '[2]'. Please ensure that the gradient and the tensor are the same size",
    ],
    "an assigned gradient of another dtype": [
      // @ts-expect-error: the types refuse it as well
      () => (ones(2, G).grad = ones(2, { dtype: "float64" })),
      /gradient with dtype float64 to a tensor of dtype float32/,
    ],
    "an assigned gradient that is no tensor": [
      () => (ones(2, G).grad = "a" as unknown as torch.Tensor),
      'assigned grad expected to be a Tensor or null but got "a"',
    ],
  })
})

describe("requiresGrad, detach, retainGrad", () => {
  programs({
    "requiresGrad_ gives the tensor": [
      () => {
        const x = ones(2)
        const y = x.requiresGrad_()
        const a = x.requiresGrad
        x.requiresGrad = false
        const b = x.requiresGrad
        return [y === x, a, b, x.requiresGrad_(true)]
      },
      "(True, True, False, tensor([1., 1.], requires_grad=True))",
    ],
    "detach shares memory and version": [
      () => {
        const y = ones(4, G).mul(2)
        const d = y.detach()
        d.add_(1)
        return [y, d, y.version, d.version, d.isView(), d.requiresGrad, d.isLeaf]
      },
      "(tensor([3., 3., 3., 3.], grad_fn=<MulBackward0>), tensor([3., 3., 3., 3.]), 1, 1, False, False, True)",
    ],
    "detach_ makes a leaf": [
      () => {
        const y = ones(4, G).mul(2)
        const z = y.detach_()
        return [z === y, y, y.isLeaf, y.requiresGrad]
      },
      "(True, tensor([2., 2., 2., 2.]), True, False)",
    ],
    "a detached factor is a constant": [
      () => {
        const x = tensor([1, 2], G)
        x.mul(x.detach()).sum().backward()
        return x.grad
      },
      "tensor([1., 2.])",
    ],
    "only leaves keep gradients": [
      () => {
        const y = ones(2, G).mul(2)
        y.sum().backward()
        return y.grad
      },
      "None",
    ],
    retainGrad: [
      () => {
        const x = tensor([1, 2], G)
        const y = x.mul(3)
        y.retainGrad()
        y.retainGrad()
        x.retainGrad()
        y.mul(y).sum().backward()
        return [y.retainsGrad, x.retainsGrad, y.grad, x.grad]
      },
      "(True, False, tensor([ 6., 12.]), tensor([18., 36.]))",
    ],
    "a retained gradient accumulates": [
      () => {
        const x = ones(4, G)
        const y = x.mul(2)
        y.retainGrad()
        y.sum().backward({ retainGraph: true })
        y.sum().backward()
        return [y.grad, x.grad]
      },
      "(tensor([2., 2., 2., 2.]), tensor([4., 4., 4., 4.]))",
    ],
  })

  refusals({
    "integers cannot require gradients": [
      () => torch.arange(3).requiresGrad_(),
      "only Tensors of floating point dtype can require gradients, got int32",
    ],
    "nor at creation": [
      () => ones(3, { dtype: "int32", ...G }),
      "only Tensors of floating point dtype can require gradients",
    ],
    "nor bool": [() => tensor([true], G), "only Tensors of floating point dtype can require gradients, got bool"],
    "nor as a Parameter": [
      () => new torch.Parameter(torch.arange(3)),
      "only Tensors of floating point dtype can require gradients",
    ],
    "a Parameter of no tensor": [
      () => new torch.Parameter([1] as unknown as torch.Tensor),
      "Parameter: data must be a tensor, got an array of length 1",
    ],
    "a flag that is no boolean": [
      () => ones(2).requiresGrad_("yes" as unknown as boolean),
      'requiresGrad must be true or false, got "yes"',
    ],
    "switching off what an op made": [
      () => (ones(2, G).mul(2).requiresGrad = false),
      "you can only change requiresGrad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use x.detach().",
    ],
    "retainGrad without gradient": [
      () => ones(2).retainGrad(),
      "can't retainGrad on Tensor that has requiresGrad: false",
    ],
    "detach_ of a view": [() => ones(4, G).mul(2).view(2, 2).detach_(), "Can't detach views in-place"],
  })
})

/** A Python float among tensors. */
class Plain {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}
