/** Twenty steps of every optimiser against PyTorch's, and what optimisers share. */
import { readFileSync } from "node:fs"
import { arange, crossEntropy, manualSeed, ones, Parameter, randn, type Tensor, tensor, zeros } from "@taeda/core"
import { Linear, Sequential, Tanh } from "@taeda/nn"
import { describe, expect, test } from "vitest"
import { Adagrad, Adam, AdamW, type Optimizer, RMSprop, SGD } from "../src/index.ts"
import { numbers } from "./cpu.ts"

interface Trajectory {
  readonly losses: number[]
  readonly parameters: number[][]
  readonly state: string[]
  readonly repr: string | null
}

const golden = (
  JSON.parse(readFileSync(new URL("torch.golden.json", import.meta.url), "utf8")) as {
    optimizers: Record<string, Trajectory>
  }
).optimizers

type Params = Iterable<Tensor>
// biome-ignore lint/suspicious/noExplicitAny: optimisers of every kind
type Any = Optimizer<any>

/** What PyTorch's expression is here. */
const OPTIMIZERS: Record<string, (p: Params) => Any> = {
  "SGD(p, lr=0.1)": (p) => new SGD(p, 0.1),
  "SGD(p, lr=0.1, weight_decay=0.01)": (p) => new SGD(p, { lr: 0.1, weightDecay: 0.01 }),
  "SGD(p, lr=0.05, momentum=0.9)": (p) => new SGD(p, 0.05, 0.9),
  "SGD(p, lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.01)": (p) =>
    new SGD(p, { lr: 0.05, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 }),
  "SGD(p, lr=0.05, momentum=0.9, nesterov=True)": (p) => new SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true }),
  "SGD(p, lr=0.01, momentum=0.5, maximize=True, weight_decay=0.1)": (p) =>
    new SGD(p, { lr: 0.01, momentum: 0.5, maximize: true, weightDecay: 0.1 }),
  "Adam(p)": (p) => new Adam(p),
  "Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-6)": (p) => new Adam(p, 0.01, [0.8, 0.95], 1e-6),
  "Adam(p, lr=0.01, weight_decay=0.1)": (p) => new Adam(p, { lr: 0.01, weightDecay: 0.1 }),
  "Adam(p, lr=0.01, amsgrad=True)": (p) => new Adam(p, { lr: 0.01, amsgrad: true }),
  "Adam(p, lr=0.01, maximize=True)": (p) => new Adam(p, { lr: 0.01, maximize: true }),
  "AdamW(p, lr=0.01)": (p) => new AdamW(p, { lr: 0.01 }),
  "AdamW(p, lr=0.01, weight_decay=0.1, amsgrad=True)": (p) =>
    new AdamW(p, { lr: 0.01, weightDecay: 0.1, amsgrad: true }),
  "RMSprop(p)": (p) => new RMSprop(p),
  "RMSprop(p, lr=0.01, alpha=0.9, weight_decay=0.01, momentum=0.9)": (p) =>
    new RMSprop(p, { lr: 0.01, alpha: 0.9, weightDecay: 0.01, momentum: 0.9 }),
  "RMSprop(p, lr=0.01, centered=True)": (p) => new RMSprop(p, { lr: 0.01, centered: true }),
  "RMSprop(p, lr=0.01, centered=True, momentum=0.5)": (p) =>
    new RMSprop(p, { lr: 0.01, centered: true, momentum: 0.5 }),
  "Adagrad(p, lr=0.1)": (p) => new Adagrad(p, 0.1),
  "Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.01, initial_accumulator_value=0.1)": (p) =>
    new Adagrad(p, { lr: 0.1, lrDecay: 0.1, weightDecay: 0.01, initialAccumulatorValue: 0.1 }),
}

function small(): { model: Sequential; x: Tensor; y: Tensor } {
  manualSeed(0)
  const model = new Sequential(new Linear(4, 5), new Tanh(), new Linear(5, 3))
  return { model, x: randn(8, 4), y: arange(8).remainder(3) }
}

function train(model: Sequential, optimizer: Any, x: Tensor, y: Tensor, steps: number): number[] {
  return Array.from({ length: steps }, () => {
    optimizer.zeroGrad()
    const loss = crossEntropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.itemSync() as number
  })
}

test("every case of PyTorch's is here", () => {
  expect(Object.keys(OPTIMIZERS)).toEqual(Object.keys(golden))
})

describe.each(Object.entries(golden))("%s", (expression, wanted) => {
  test("losses, parameters and state after 20 steps are PyTorch's", () => {
    const { model, x, y } = small()
    const optimizer = OPTIMIZERS[expression](model.parameters())
    const losses = train(model, optimizer, x, y, 20)
    // Rounding of float32, added up over 20 steps; RMSprop and Adagrad divide by small roots at first.
    const close = (found: number, v: number): void =>
      expect(Math.abs(found - v)).toBeLessThanOrEqual(5e-6 * Math.max(1, Math.abs(v)))
    wanted.losses.forEach((v, i) => close(losses[i], v))
    const parameters = [...model.parameters()].map(numbers)
    wanted.parameters.forEach((row, k) => row.forEach((v, i) => close(parameters[k][i], v)))
    expect(Object.keys(optimizer.stateDict().state[0] ?? {}).sort()).toEqual(wanted.state)
  })

  test("goes on from a saved state as if it had not stopped", () => {
    const whole = small()
    train(whole.model, OPTIMIZERS[expression](whole.model.parameters()), whole.x, whole.y, 6)
    const { model, x, y } = small()
    const first = OPTIMIZERS[expression](model.parameters())
    train(model, first, x, y, 3)
    const second = OPTIMIZERS[expression](model.parameters())
    second.loadStateDict(first.stateDict())
    train(model, second, x, y, 3)
    expect([...model.parameters()].map(numbers)).toEqual([...whole.model.parameters()].map(numbers))
  })
})

describe("parameters and groups", () => {
  const p = (): Parameter => new Parameter(ones(2))

  test("groups with options of their own, changed between steps", () => {
    const [a, b] = [p(), p()]
    const optimizer = new SGD([{ params: a }, { params: [b], lr: 1 }], { lr: 0.5 })
    const step = (): void => {
      a.grad = ones(2)
      b.grad = ones(2)
      optimizer.step()
    }
    step()
    expect([numbers(a), numbers(b)]).toEqual([
      [0.5, 0.5],
      [0, 0],
    ])
    optimizer.paramGroups[0].lr = 0.25
    step()
    expect(numbers(a)).toEqual([0.25, 0.25])
    const c = p()
    optimizer.addParamGroup({ params: c, momentum: 0.9 })
    expect(optimizer.paramGroups.map((g) => [g.params.length, g.lr, g.momentum])).toEqual([
      [1, 0.25, 0],
      [1, 1, 0],
      [1, 0.5, 0.9],
    ])
  })

  test("named parameters", () => {
    const model = new Linear(1, 1)
    const optimizer = new SGD(model.namedParameters(), { lr: 1 })
    expect(optimizer.paramGroups[0].paramNames).toEqual(["weight", "bias"])
    expect(optimizer.paramGroups[0].params[0]).toBe(model.weight)
  })

  test("parameters without a gradient stay, zeroGrad forgets or zeroes", () => {
    const [a, b] = [p(), p()]
    const optimizer = new SGD([a, b], { lr: 1 })
    a.grad = ones(2)
    optimizer.step()
    expect([numbers(a), numbers(b)]).toEqual([
      [0, 0],
      [1, 1],
    ])
    const { grad } = a
    optimizer.zeroGrad(false)
    expect(numbers(grad!)).toEqual([0, 0])
    optimizer.zeroGrad()
    expect(a.grad).toBeNull()
  })

  test("a step is not recorded, and a backward through the old values notices it", () => {
    const a = p()
    const optimizer = new SGD([a], { lr: 1 })
    const y = a.mul(a).sum()
    y.backward({ retainGraph: true })
    optimizer.step()
    expect(a.isLeaf && a.requiresGrad).toBe(true)
    expect(() => y.backward()).toThrow(/modified by an inplace operation/)
  })

  test("step calls a closure with recording on and gives its loss", () => {
    const a = p()
    const optimizer = new SGD([a], { lr: 0.5 })
    const loss = optimizer.step(() => {
      optimizer.zeroGrad()
      const l = a.sum()
      l.backward()
      return l
    })
    expect(loss.itemSync()).toBe(2)
    expect(numbers(a)).toEqual([0.5, 0.5])
  })

  test("float64 and half parameters keep their dtype", () => {
    for (const dtype of ["float64", "float16"] as const) {
      const a = new Parameter(ones(2, { dtype }))
      const optimizer = new Adam([a], { lr: 0.5 })
      a.grad = ones(2, { dtype })
      optimizer.step()
      expect(a.dtype).toBe(dtype)
      expect(numbers(a)[0]).toBeCloseTo(0.5, 3)
    }
  })
})

describe("state dicts", () => {
  test("PyTorch's layout", () => {
    const a = new Parameter(zeros(2))
    const optimizer = new SGD([a], { lr: 0.1, momentum: 0.9, weightDecay: 0.01 })
    a.grad = ones(2)
    optimizer.step()
    const state = optimizer.stateDict()
    expect(state.param_groups).toEqual([
      { lr: 0.1, momentum: 0.9, dampening: 0, weight_decay: 0.01, nesterov: false, maximize: false, params: [0] },
    ])
    expect(Object.keys(state.state)).toEqual(["0"])
    expect(numbers(state.state[0].momentum_buffer as Tensor)).toEqual([1, 1])
  })

  test("loading copies, converts, and takes PyTorch's step tensors", () => {
    const a = new Parameter(zeros(2))
    const optimizer = new Adam([a])
    const expAvg = ones(2, { dtype: "float64" })
    optimizer.loadStateDict({
      state: { 0: { step: tensor(3), exp_avg: expAvg, exp_avg_sq: ones(2) } },
      param_groups: [{ lr: 0.5, betas: [0.9, 0.99], weight_decay: 0.1, params: [0], foreach: null }],
    })
    const state = optimizer.state.get(a)!
    expect(state.step).toBe(3)
    expect(state.expAvg.dtype).toBe("float32")
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.5, betas: [0.9, 0.99], weightDecay: 0.1 })
    a.grad = ones(2)
    optimizer.step()
    expect(numbers(expAvg)).toEqual([1, 1])
  })

  test("groups that do not fit change nothing", () => {
    const optimizer = new SGD([new Parameter(zeros(2))], { lr: 0.1 })
    const { param_groups: groups } = optimizer.stateDict()
    expect(() => optimizer.loadStateDict({ state: {}, param_groups: [...groups, ...groups] })).toThrow(
      "loaded state dict has 2 parameter groups, the optimizer 1",
    )
    expect(() => optimizer.loadStateDict({ state: {}, param_groups: [{ lr: 9, params: [0, 1] }] })).toThrow(
      "group 0 has 2 parameters in the state dict and 1 in the optimizer",
    )
    expect(() => optimizer.loadStateDict({} as never)).toThrow(/expected \{ state, param_groups \}/)
    expect(optimizer.paramGroups[0].lr).toBe(0.1)
  })
})

describe("printing", () => {
  test("lists the groups", () => {
    expect(String(new SGD([new Parameter(ones(1))], { lr: 0.1, momentum: 0.9 }))).toBe(
      "SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.1\n    maximize: False\n    momentum: 0.9\n    nesterov: False\n    weight_decay: 0\n)",
    )
  })
})

describe("errors", () => {
  const a = new Parameter(ones(1))
  test.each([
    [() => new SGD([], { lr: 1 }), /SGD: optimizer got an empty parameter list/],
    [
      () => new SGD(a as never, { lr: 1 }),
      /params must be an iterable of tensors or of groups .* got a tensor float32\[1\]/,
    ],
    [() => new SGD([3 as never], { lr: 1 }), /can only optimize tensors, but one of the params is 3/],
    [() => new SGD([a.mul(2)], { lr: 1 }), /can't optimize a non-leaf tensor/],
    [() => new SGD([a, a], { lr: 1 }), /duplicate parameter/],
    [
      () => new SGD([{ params: a }, { params: a }], { lr: 1 }),
      /some parameters appear in more than one parameter group/,
    ],
    [() => new SGD([a], { lr: -1 }), /SGD: invalid lr: -1/],
    [() => new SGD([a], { lr: 1, nesterov: true }), /Nesterov momentum requires a momentum and zero dampening/],
    [
      () => new SGD([a], { lr: 1, weight_decay: 0.1 } as never),
      /unknown option "weight_decay"; did you mean weightDecay\?/,
    ],
    [
      () => new SGD([{ params: a, momentun: 1 } as never], { lr: 1 }),
      /unknown option "momentun"; did you mean momentum\?/,
    ],
    [() => new Adam([a], { betas: [0.9, 1] }), /Adam: invalid betas: \[0.9,1\]/],
    [() => new AdamW([a], { esp: 1 } as never), /AdamW: unknown option "esp"; did you mean eps\?/],
  ])("%s", (run, message) => {
    expect(run).toThrow(message)
  })

  test("a group that is refused leaves the optimizer as it was", () => {
    const optimizer = new SGD([a], { lr: 1 })
    expect(() => optimizer.addParamGroup({ params: [new Parameter(ones(1)), a] })).toThrow(
      /more than one parameter group/,
    )
    expect(optimizer.paramGroups.length).toBe(1)
  })
})
