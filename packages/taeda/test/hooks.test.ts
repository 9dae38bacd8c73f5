import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { programs, refusals } from "./python.ts"

const { autograd, noGrad, ones, tensor } = torch
const G = { requiresGrad: true }
type Tensor = torch.Tensor

/** "[1.0,2.0]": Python's floats. */
const floats = (t: Tensor | null): string => `[${[...t!.dataSync()].map((v) => Number(v).toFixed(1)).join()}]`
const first = (t: Tensor | null): Float => new Float(t!.dataSync()[0] as number)

/** A host number that Python shows as a float. */
class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
  toString(): string {
    return this.value.toFixed(1)
  }
}

describe("hooks on tensors", () => {
  programs({
    "run in PyTorch's order, on tensors, before and after nodes, after accumulation": [
      () => {
        const log: unknown[] = []
        const x = ones(2, G)
        const y = x.mul(2)
        y.registerHook((g) => {
          log.push(["y1", floats(g)])
          return g.mul(10)
        })
        y.gradFn!.registerPrehook(([g]) => void log.push(["pre", floats(g!)]))
        y.registerHook((g) => void log.push(["y2", floats(g)]))
        y.retainGrad()
        y.registerHook((g) => {
          log.push(["y3", floats(g)])
          return g.add(1)
        })
        y.gradFn!.registerHook(([gi], [go]) => void log.push(["post", floats(gi!), floats(go!)]))
        x.registerHook((g) => {
          log.push(["x", floats(g)])
          return g.mul(2)
        })
        x.registerPostAccumulateGradHook((p) => void log.push(["acc", floats(p.grad)]))
        y.sum().backward()
        return [log, y.grad, x.grad]
      },
      "((('y1', '[1.0,1.0]'), ('y2', '[10.0,10.0]'), ('y3', '[10.0,10.0]'), ('pre', '[11.0,11.0]'), ('post', '[22.0,22.0]', '[11.0,11.0]'), ('x', '[22.0,22.0]'), ('acc', '[44.0,44.0]')), tensor([11., 11.]), tensor([44., 44.]))",
    ],
    "remove()": [
      () => {
        const x = ones(2, G)
        const handle = x.registerHook((g) => g.mul(3))
        x.mul(1).sum().backward()
        handle.remove()
        handle.remove()
        x.mul(1).sum().backward()
        return x.grad
      },
      "tensor([4., 4.])",
    ],
    "replace the gradient of what is no leaf": [
      () => {
        const x = ones(2, G)
        const y = x.mul(2)
        y.registerHook((g) => g.mul(10))
        y.mul(y).sum().backward()
        return x.grad
      },
      "tensor([80., 80.])",
    ],
    "see the sum of all paths, once": [
      () => {
        const log: Float[] = []
        const y = ones(2, G).mul(2)
        y.registerHook((g) => void log.push(first(g)))
        y.mul(3).add(y.mul(4)).sum().backward()
        return log
      },
      "(7.0,)",
    ],
    "count for autograd.grad, where nothing accumulates": [
      () => {
        const log: string[] = []
        const x = ones(2, G)
        x.registerHook((g) => g.mul(3))
        x.registerPostAccumulateGradHook(() => void log.push("acc"))
        return [autograd.grad(x.mul(1).sum(), x)[0], log]
      },
      "(tensor([3., 3.]), ())",
    ],
    "of what backward's inputs leave out do not run": [
      () => {
        const log: string[] = []
        const [x, w] = [ones(2, G), ones(2, G)]
        w.registerHook(() => void log.push("w"))
        x.registerHook((g) => g.mul(3))
        x.registerPostAccumulateGradHook(() => void log.push("acc"))
        x.mul(w)
          .sum()
          .backward({ inputs: [x] })
        return [x.grad, w.grad, log]
      },
      "(tensor([3., 3.]), None, ('acc',))",
    ],
    "belong to the value they were registered on": [
      () => {
        const log: unknown[] = []
        const x = ones(2, G)
        const y = x.mul(2)
        y.registerHook((g) => void log.push(["old", first(g)]))
        y.mul_(3)
        y.registerHook((g) => void log.push(["new", first(g)]))
        y.sum().backward()
        return [log, x.grad]
      },
      "((('new', 1.0), ('old', 3.0)), tensor([6., 6.]))",
    ],
    "are part of the graph with createGraph": [
      () => {
        const x = tensor([2, 3], G)
        x.registerHook((g) => g.mul(g))
        x.mul(x).sum().backward({ createGraph: true })
        const g = x.grad!
        return [g.requiresGrad, autograd.grad(g.sum(), x)[0]]
      },
      "(True, tensor([256., 576.]))",
    ],
    "see gradients outside of the graph without it": [
      () => {
        const seen: boolean[] = []
        const x = ones(2, G)
        x.registerHook((g) => void seen.push(g.requiresGrad))
        x.mul(x).sum().backward()
        return seen[0]
      },
      "False",
    ],
    "of leaves run as soon as their gradient is there": [
      () => {
        const log: string[] = []
        const [x, w] = [ones(1, G), ones(1, G)]
        const y = x.mul(2).mul(3)
        for (const [name, t] of Object.entries({ x, w, y })) t.registerHook(() => void log.push(name))
        y.add(w).backward()
        return log
      },
      "('w', 'y', 'x')",
    ],
  })

  refusals({
    "a tensor without gradient": [
      () => ones(2).registerHook(() => {}),
      "cannot register a hook on a tensor that doesn't require gradient",
    ],
    "what is no tensor": [
      () => {
        const y = ones(2, G).mul(2)
        y.registerHook(() => "no" as unknown as Tensor)
        y.sum().backward()
      },
      'hook of output 0 of MulBackward0: expected a tensor, but the hook returned "no"',
    ],
    "another shape": [
      () => {
        const y = ones(2, G).mul(2)
        y.registerHook(() => ones(3))
        y.sum().backward()
      },
      "hook of output 0 of MulBackward0 has changed the size of value: from [2] to [3]",
    ],
    "another dtype": [
      () => {
        const x = ones(2, G)
        x.registerHook((g) => g.double())
        x.sum().backward()
      },
      "hook of output 0 of AccumulateGrad has changed the dtype of value: from float32 to float64",
    ],
  })
})

describe("hooks on nodes", () => {
  programs({
    "replace the gradients of the inputs": [
      () => {
        const [x, w] = [ones(2, G), ones(2, G)]
        const y = x.mul(w)
        y.gradFn!.registerHook(([a, b]) => [a!.mul(5), b!])
        y.sum().backward()
        return [x.grad, w.grad]
      },
      "(tensor([5., 5.]), tensor([1., 1.]))",
    ],
    "replace those of the outputs, one after the other": [
      () => {
        const x = ones(2, G)
        const y = x.mul(2)
        y.gradFn!.registerPrehook(([g]) => [g!.mul(5)])
        y.gradFn!.registerPrehook(([g]) => [g!.add(1)])
        y.sum().backward()
        return x.grad
      },
      "tensor([12., 12.])",
    ],
    "come after what is retained and what autograd.grad gives": [
      () => {
        const x = ones(2, G)
        const y = x.mul(2)
        y.retainGrad()
        y.gradFn!.registerPrehook(([g]) => [g!.mul(10)])
        return [autograd.grad(y.sum(), [y, x]), y.grad]
      },
      "((tensor([1., 1.]), tensor([20., 20.])), tensor([1., 1.]))",
    ],
    "of the sink of a leaf": [
      () => {
        const log: unknown[] = []
        const x = ones(2, G)
        const y = x.mul(1)
        const sink = y.gradFn!.nextFunctions[0]![0]!
        sink.registerHook((inputs, [g]) => void log.push([inputs.length, first(g!)]))
        sink.registerPrehook(([g]) => [g!.mul(2)])
        y.sum().backward()
        return [log, x.grad]
      },
      "(((0, 2.0),), tensor([2., 2.]))",
    ],
  })

  refusals({
    "another number of gradients": [
      () => {
        const y = ones(2, G).mul(ones(2, G))
        y.gradFn!.registerHook(([g]) => [g!])
        y.sum().backward()
      },
      "hook of MulBackward0 has returned an incorrect number of values (got 1, but expected 2)",
    ],
  })
})

describe("post-accumulate-grad hooks", () => {
  programs({
    "may take the step and drop the gradient": [
      () => {
        const x = ones(2, G)
        x.registerPostAccumulateGradHook((p) => {
          noGrad(() => p.sub_(p.grad!.mul(0.5)))
          p.grad = null
        })
        x.mul(2).sum().backward()
        return [x, x.grad]
      },
      "(tensor([0., 0.], requires_grad=True), None)",
    ],
    "see the accumulated gradient each time": [
      () => {
        const log: Float[] = []
        const x = ones(2, G)
        x.registerPostAccumulateGradHook((p) => void log.push(first(p.grad)))
        x.mul(2).sum().backward()
        x.mul(3).sum().backward()
        return log
      },
      "(2.0, 5.0)",
    ],
  })

  refusals({
    "what is no leaf": [
      () =>
        ones(2, G)
          .mul(2)
          .registerPostAccumulateGradHook(() => {}),
      "post accumulate grad hooks cannot be registered on non-leaf tensors",
    ],
    "a tensor without gradient": [
      () => ones(2).registerPostAccumulateGradHook(() => {}),
      "cannot register a hook on a tensor that doesn't require gradient",
    ],
  })
})

test("a hook does not run where no gradient came", () => {
  // PyTorch calls it with None.
  const log: string[] = []
  const x = ones(4, G)
  const [a, b] = x.mul(1).unbind()
  a.registerHook(() => void log.push("a"))
  b.registerHook((g) => {
    log.push("b")
    return g.mul(5)
  })
  b.mul(2).backward()
  expect([log, String(x.grad)]).toEqual([["b"], "tensor([ 0., 10.,  0.,  0.])"])
})

test("an error in a hook ends the pass and leaves the leaf as it was", () => {
  const x = ones(2, G)
  const y = x.mul(2)
  y.registerHook(() => {
    throw new Error("mine")
  })
  expect(() => y.sum().backward()).toThrow("mine")
  expect(x.grad).toBeNull()
  expect(torch.isGradEnabled()).toBe(true)
})
