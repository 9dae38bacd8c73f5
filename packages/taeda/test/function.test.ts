import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { edges, programs, refusals } from "./python.ts"

const { autograd, enableGrad, noGrad, ones, tensor } = torch
const G = { requiresGrad: true }
const F64 = { dtype: "float64", requiresGrad: true } as const
type Tensor = torch.Tensor
type Context = torch.autograd.FunctionContext

class Exp extends autograd.Function {
  static override forward(ctx: Context, x: Tensor) {
    const y = x.exp()
    ctx.saveForBackward(y)
    return y
  }
  static override backward(ctx: Context, g: Tensor) {
    return g.mul(ctx.savedTensors[0]!)
  }
}

class Cube extends autograd.Function {
  static override forward(ctx: Context, x: Tensor) {
    ctx.saveForBackward(x)
    return x.mul(x).mul(x)
  }
  static override backward(ctx: Context, g: Tensor) {
    const [x] = ctx.savedTensors as [Tensor]
    return g.mul(3).mul(x).mul(x)
  }
}

class Two extends autograd.Function {
  static override forward(ctx: Context, a: Tensor, k: number, b: Tensor) {
    ctx.k = k
    ctx.saveForBackward(a, b)
    return [a.mul(b).mul(k), a.add(b)]
  }
  static override backward(ctx: Context, g: Tensor, h: Tensor) {
    const [a, b] = ctx.savedTensors as [Tensor, Tensor]
    return [g.mul(b).mul(ctx.k).add(h), null, g.mul(a).mul(ctx.k).add(h)]
  }
}

class Doubled extends autograd.Function {
  static override forward(ctx: Context, a: Tensor) {
    a.mul_(2)
    ctx.markDirty(a)
    return a
  }
  static override backward(_ctx: Context, g: Tensor) {
    return g.mul(2)
  }
}

class Flat extends autograd.Function {
  static override forward(_ctx: Context, a: Tensor) {
    return a.view(-1)
  }
  static override backward(_ctx: Context, g: Tensor) {
    return g.view(2, 2)
  }
}

/** A product of two whose backward returns what `gives` says. */
function product(gives: (g: Tensor) => unknown): Tensor | null {
  class Bad extends autograd.Function {
    static override forward(_ctx: Context, a: Tensor, b: Tensor) {
      return a.mul(b)
    }
    static override backward(_ctx: Context, g: Tensor) {
      return gives(g) as Tensor
    }
  }
  const x = ones(2, G)
  Bad.apply(x, ones(2, G)).sum().backward()
  return x.grad
}

describe("autograd.Function", () => {
  programs({
    "saves an output": [
      () => {
        const x = tensor([0, 1], G)
        const y = Exp.apply(x)
        y.sum().backward()
        return [y, y.gradFn.name(), x.grad, edges(y.gradFn)]
      },
      "(tensor([1.0000, 2.7183], grad_fn=<ExpBackward>), 'ExpBackward', tensor([1.0000, 2.7183]), (('AccumulateGrad', 0),))",
    ],
    "is differentiable twice": [
      () => {
        const x = tensor([0, 1], G)
        const [g] = autograd.grad(Exp.apply(x).sum(), x, { createGraph: true }) as [Tensor]
        return [g, autograd.grad(g.sum(), x)[0]]
      },
      "(tensor([1.0000, 2.7183], grad_fn=<MulBackward0>), tensor([1.0000, 2.7183]))",
    ],
    "amid other ops": [
      () => {
        const x = tensor([1, 2], G)
        Exp.apply(x.mul(2)).mul(Exp.apply(x)).sum().backward()
        return x.grad
      },
      "tensor([  60.2566, 1210.2864])",
    ],
    "several inputs and outputs, arguments that are no tensors": [
      () => {
        const [a, b] = [tensor([1, 2], G), tensor([3, 4], G)]
        const [p, q] = Two.apply(a, 2, b)
        p.add(q.mul(10)).sum().backward()
        return [p, q, a.grad, b.grad, q.outputNr]
      },
      "(tensor([ 6., 16.], grad_fn=<TwoBackward>), tensor([4., 6.], grad_fn=<TwoBackward>), tensor([16., 18.]), tensor([12., 14.]), 1)",
    ],
    "an output that was not used has a gradient of zeros": [
      () => {
        const [a, b] = [tensor([1, 2], G), tensor([3, 4], G)]
        Two.apply(a, 2, b)[1].sum().backward()
        return [a.grad, b.grad]
      },
      "(tensor([1., 1.]), tensor([1., 1.]))",
    ],
    "setMaterializeGrads(false): null instead": [
      () => {
        class Either extends autograd.Function {
          static override forward(ctx: Context, a: Tensor) {
            ctx.setMaterializeGrads(false)
            return [a.mul(1), a.mul(2)]
          }
          static override backward(_ctx: Context, g: Tensor | null, h: Tensor | null) {
            return (h ?? g)!.mul(7)
          }
        }
        const a = tensor([1, 2], G)
        Either.apply(a)[1].sum().backward()
        return a.grad
      },
      "tensor([7., 7.])",
    ],
    markDirty: [
      () => {
        const x = tensor([1, 2], G)
        const y = x.add(1)
        const z = Doubled.apply(y)
        z.sum().backward()
        return [z === y, new Printed(String(y).replace("Doubled", "Dirty")), x.grad, y.version]
      },
      "(True, tensor([4., 6.], grad_fn=<DirtyBackward>), tensor([2., 2.]), 2)",
    ],
    "markDirty of a view": [
      () => {
        const x = tensor([1, 2], G)
        const y = x.add(1)
        const v = y.narrow(0, 0, 1)
        const z = Doubled.apply(v)
        y.sum().backward()
        return [y, v, x.grad, z === v]
      },
      "(tensor([4., 3.], grad_fn=<CopySlices>), tensor([4.], grad_fn=<AsStridedBackward0>), tensor([2., 1.]), True)",
    ],
    "markNonDifferentiable, and outputs that cannot be": [
      () => {
        class NonDiff extends autograd.Function {
          static override forward(ctx: Context, a: Tensor) {
            const i = a.gt(1)
            const s = a.sign()
            ctx.markNonDifferentiable(s)
            ctx.saveForBackward(i)
            return [a.mul(2), s, i]
          }
          static override backward(_ctx: Context, g: Tensor) {
            return g.mul(2)
          }
        }
        const x = tensor([1, 2], G)
        const [a, s, i] = NonDiff.apply(x)
        a.sum().backward()
        return [a, s, i, x.grad]
      },
      "(tensor([2., 4.], grad_fn=<NonDiffBackward>), tensor([1., 1.]), tensor([False,  True]), tensor([2., 2.]))",
    ],
    "an input returned as it is": [
      () => {
        class Ident extends autograd.Function {
          static override forward(_ctx: Context, a: Tensor) {
            return a
          }
          static override backward(_ctx: Context, g: Tensor) {
            return g.mul(5)
          }
        }
        const x = tensor([1, 2], G)
        const y = Ident.apply(x)
        y.sum().backward()
        return [y === x, y, x.grad, y.isView()]
      },
      "(False, tensor([1., 2.], grad_fn=<IdentBackward>), tensor([5., 5.]), True)",
    ],
    "a view of an input": [
      () => {
        const x = ones(2, 2, G)
        const y = Flat.apply(x)
        y.sum().backward()
        return [x.grad, new Printed(String(y).replace("Flat", "View"))]
      },
      `(tensor([[1., 1.],
        [1., 1.]]), tensor([1., 1., 1., 1.], grad_fn=<ViewBackward>))`,
    ],
    "outputs that are no tensors": [
      () => {
        class Text extends autograd.Function {
          static override forward(_ctx: Context, a: Tensor) {
            return [a.mul(2), "text", 5]
          }
          static override backward(_ctx: Context, g: Tensor) {
            return g.mul(3)
          }
        }
        const x = ones(2, G)
        const [a, t, n] = Text.apply(x)
        a.sum().backward()
        return [t, n, x.grad]
      },
      "('text', 5, tensor([3., 3.]))",
    ],
    needsInputGrad: [
      () => {
        const log: unknown[] = []
        class Sum extends autograd.Function {
          static override forward(ctx: Context, a: Tensor, b: Tensor, _c: number) {
            log.push(ctx.needsInputGrad)
            return a.add(b)
          }
          static override backward(ctx: Context, g: Tensor) {
            log.push(ctx.needsInputGrad)
            return [g, null, null]
          }
        }
        Sum.apply(ones(1, G), ones(1), 3).backward()
        return log
      },
      "((True, False, False), (True, False, False))",
    ],
    setupContext: [
      () => {
        class Scaled extends autograd.Function {
          static override forward(x: Tensor, k: number) {
            return x.mul(k)
          }
          static override setupContext(ctx: Context, [, k]: [Tensor, number], output: Tensor) {
            ctx.k = k
            ctx.saveForBackward(output)
          }
          static override backward(ctx: Context, g: Tensor) {
            return [g.mul(ctx.k).mul(ctx.savedTensors[0]!), null]
          }
        }
        const x = ones(2, G)
        Scaled.apply(x, 4).sum().backward()
        return x.grad
      },
      "tensor([16., 16.])",
    ],
    "in noGrad": [() => noGrad(() => Exp.apply(ones(2, G))), "tensor([2.7183, 2.7183])"],
    "saves what is neither input nor output, and null": [
      () => {
        class Cubed extends autograd.Function {
          static override forward(ctx: Context, x: Tensor) {
            const t = x.mul(x)
            ctx.saveForBackward(t, null)
            return t.mul(x)
          }
          static override backward(ctx: Context, g: Tensor) {
            const [t, nothing] = ctx.savedTensors
            return nothing === null ? g.mul(3).mul(t!) : null
          }
        }
        const x = tensor(2, G)
        Cubed.apply(x).backward()
        return x.grad
      },
      "tensor(12.)",
    ],
    "a gradient for an integer argument is dropped": [
      () => {
        class Times extends autograd.Function {
          static override forward(_ctx: Context, x: Tensor, i: Tensor) {
            return x.mul(i)
          }
          static override backward(_ctx: Context, g: Tensor) {
            return [g, g]
          }
        }
        const x = ones(2, G)
        Times.apply(x, tensor([1, 2], { dtype: "int32" }))
          .sum()
          .backward()
        return x.grad
      },
      "tensor([1., 1.])",
    ],
    "tensors inside arrays are not followed": [
      () => {
        class First extends autograd.Function {
          static override forward(_ctx: Context, xs: Tensor[]) {
            return xs[0]!.mul(2)
          }
          static override backward() {
            return null
          }
        }
        return First.apply([ones(1, G)])
      },
      "tensor([2.])",
    ],
    "one gradient for two inputs is not shared by their leaves": [
      () => {
        class Sum extends autograd.Function {
          static override forward(_ctx: Context, a: Tensor, b: Tensor) {
            return a.add(b)
          }
          static override backward(_ctx: Context, g: Tensor) {
            return [g, g]
          }
        }
        const [a, b] = [ones(2, G), ones(2, G)]
        Sum.apply(a, b).sum().backward()
        a.grad!.add_(1)
        return [a.grad, b.grad]
      },
      "(tensor([2., 2.]), tensor([1., 1.]))",
    ],
    "a graph inside of forward": [
      () => {
        class Inner extends autograd.Function {
          static override forward(ctx: Context, x: Tensor) {
            const d = x.detach().requiresGrad_()
            ctx.d = d
            ctx.y = enableGrad(() => d.mul(d).sum())
            return ctx.y.detach()
          }
          static override backward(ctx: Context, g: Tensor) {
            return autograd.grad(ctx.y, ctx.d)[0]!.mul(g)
          }
        }
        const x = tensor([1, 2], G)
        Inner.apply(x).mul(3).backward()
        return x.grad
      },
      "tensor([ 6., 12.])",
    ],
    "null, for no gradient": [() => product((g) => [null, g]), "None"],
    "nulls beyond the arguments": [() => product((g) => [g, g, null]), "tensor([1., 1.])"],
    "a gradient of a broader shape is summed": [() => product((g) => [ones(4, 2), g]), "tensor([4., 4.])"],
    "a gradient of another dtype is converted": [() => product((g) => [g.double(), g]), "tensor([1., 1.])"],
  })

  refusals({
    "a second time": [
      () => {
        const y = Exp.apply(tensor([0, 1], G)).sum()
        y.backward()
        y.backward()
      },
      "Trying to backward through the graph a second time",
    ],
    "a changed saved tensor": [
      () => {
        const y = Exp.apply(tensor([0, 1], G))
        y.add_(1)
        y.sum().backward()
      },
      "modified by an inplace operation: [torch.FloatTensor [2]], which is output 0 of Exp, is at version 1; expected version 0 instead.",
    ],
    "a dirty leaf": [
      () => Doubled.apply(tensor([1, 2], G)),
      "Doubled: a leaf Variable that requires grad has been used in an in-place operation.",
    ],
    "changing an output that is a view": [
      () => Flat.apply(ones(2, 2, G).mul(1)).add_(1),
      "Output 0 of Flat is a view and is being modified inplace. This view was created inside a custom Function",
    ],
    "too few gradients": [
      () => product((g) => g),
      "function BadBackward returned an incorrect number of gradients (expected 2, got 1)",
    ],
    "too many gradients": [
      () => product((g) => [g, g, g]),
      "function BadBackward returned an incorrect number of gradients (expected 2, got 3)",
    ],
    "a gradient of another shape": [
      () => product((g) => [g, ones(3)]),
      "Function BadBackward returned an invalid gradient at index 1 - got [3] but expected shape compatible with [2]",
    ],
    "a gradient of too few dims": [
      () => product((g) => [ones([]), g]),
      "Function BadBackward returned an invalid gradient at index 0 - got [] but expected shape compatible with [2]",
    ],
    "what is no tensor": [
      () => product((g) => [g, "a"]),
      'function BadBackward returned an invalid gradient at index 1: expected a tensor or null, got "a"',
    ],
    "no backward": [
      () => {
        class Half extends autograd.Function {
          static override forward(_ctx: Context, a: Tensor) {
            return a.mul(0.5)
          }
        }
        Half.apply(ones(2, G)).sum().backward()
      },
      "You must implement static backward(ctx, ...grads)",
    ],
    "no forward": [() => autograd.Function.apply(ones(2)), "You must implement static forward(ctx, ...args)"],
    "saving what is no tensor": [
      () => {
        class Saves extends autograd.Function {
          static override forward(ctx: Context, a: Tensor) {
            ctx.saveForBackward(5 as unknown as Tensor)
            return a
          }
        }
        Saves.apply(ones(2))
      },
      "saveForBackward: can only save tensors and null, got 5; keep other values as fields of ctx",
    ],
  })
})

describe("gradcheck", () => {
  const f64 = (...values: number[]): Tensor => tensor(values, F64)

  test("passes for right gradients", async () => {
    expect(await autograd.gradcheck(Cube.apply.bind(Cube), [f64(1, 2)])).toBe(true)
    expect(await autograd.gradcheck((a: Tensor, b: Tensor) => [a.mul(b), a.exp()], [f64(1, 2), f64(0.5, -1)])).toBe(
      true,
    )
    expect(await autograd.gradcheck((x: Tensor) => x.sin(), f64(1, 2))).toBe(true)
    expect(await autograd.gradcheck((x: Tensor, k: number) => x.mul(k), [f64(1, 2), 3])).toBe(true)
    expect(
      await autograd.gradcheck(
        (x: Tensor) => x.t().mul(x.t()),
        [
          tensor(
            [
              [1, 2, 3],
              [4, 5, 6],
            ],
            F64,
          ),
        ],
      ),
    ).toBe(true)
  })

  test("passes for right second derivatives", async () => {
    expect(await autograd.gradgradcheck(Cube.apply.bind(Cube), [f64(1, 2)])).toBe(true)
    expect(await autograd.gradgradcheck((a: Tensor, b: Tensor) => a.mul(b).mul(a), [f64(1, 2), f64(0.5, -1)])).toBe(
      true,
    )
    expect(await autograd.gradgradcheck((x: Tensor) => x.mul(2), f64(1, 2))).toBe(true)
  })

  class Wrong extends autograd.Function {
    static override forward(_ctx: Context, x: Tensor) {
      return x.mul(3)
    }
    static override backward(_ctx: Context, g: Tensor) {
      return g.mul(2)
    }
  }

  /** The gradient of x³ as a constant: right once, wrong twice. */
  class Once extends autograd.Function {
    static override forward(ctx: Context, x: Tensor) {
      ctx.saveForBackward(x)
      return x.mul(x).mul(x)
    }
    static override backward(ctx: Context, g: Tensor) {
      const x = ctx.savedTensors[0]!.detach()
      return g.mul(3).mul(x).mul(x)
    }
  }

  test("fails for wrong ones, naming the place", async () => {
    await expect(autograd.gradcheck(Wrong.apply.bind(Wrong), [f64(1, 2)])).rejects.toThrow(
      /Jacobian mismatch for output 0 with respect to input 0.*element 0.*numerical (3|2\.99)\d*.*analytical 2/,
    )
    expect(await autograd.gradcheck(Wrong.apply.bind(Wrong), [f64(1, 2)], { raiseException: false })).toBe(false)
    expect(await autograd.gradcheck(Once.apply.bind(Once), [f64(1, 2)])).toBe(true)
    await expect(autograd.gradgradcheck(Once.apply.bind(Once), [f64(1, 2)])).rejects.toThrow("Jacobian mismatch")
  })

  test("wants float64 and a gradient", async () => {
    await expect(autograd.gradcheck((x: Tensor) => x.mul(2), [ones(2, G)])).rejects.toThrow(
      "input 0 is float32[2]; finite differences need float64",
    )
    await expect(autograd.gradcheck((x: Tensor) => x.mul(2), [ones(2)])).rejects.toThrow(
      "gradcheck: expects at least one input tensor that requires gradient",
    )
  })
})

/** Text that `repr` leaves unquoted. */
class Printed {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}
