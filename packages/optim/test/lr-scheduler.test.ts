/** Schedules against PyTorch's. */
import { readFileSync } from "node:fs"
import { Parameter, zeros } from "@taeda/core"
import { describe, expect, test } from "vitest"
import { Adagrad, Adam, lrScheduler as lr, SGD } from "../src/index.ts"
import "./cpu.ts"

const golden = JSON.parse(readFileSync(new URL("torch.golden.json", import.meta.url), "utf8")) as {
  schedulers: Record<string, number[][]>
  plateaus: Record<string, number[][]>
  metrics: number[]
}

const SCHEDULERS: Record<string, (o: SGD) => lr.LRScheduler> = {
  "StepLR(o, 3)": (o) => new lr.StepLR(o, 3),
  "StepLR(o, step_size=2, gamma=0.5)": (o) => new lr.StepLR(o, { stepSize: 2, gamma: 0.5 }),
  "MultiStepLR(o, milestones=[2, 5, 5], gamma=0.5)": (o) =>
    new lr.MultiStepLR(o, { milestones: [2, 5, 5], gamma: 0.5 }),
  "ExponentialLR(o, 0.9)": (o) => new lr.ExponentialLR(o, 0.9),
  "ConstantLR(o, factor=0.5, total_iters=4)": (o) => new lr.ConstantLR(o, { factor: 0.5, totalIters: 4 }),
  "LinearLR(o)": (o) => new lr.LinearLR(o),
  "LinearLR(o, start_factor=0.5, end_factor=0.1, total_iters=8)": (o) =>
    new lr.LinearLR(o, { startFactor: 0.5, endFactor: 0.1, totalIters: 8 }),
  "PolynomialLR(o, total_iters=6, power=2.0)": (o) => new lr.PolynomialLR(o, { totalIters: 6, power: 2 }),
  "CosineAnnealingLR(o, T_max=5)": (o) => new lr.CosineAnnealingLR(o, { TMax: 5 }),
  "CosineAnnealingLR(o, T_max=4, eta_min=0.01)": (o) => new lr.CosineAnnealingLR(o, 4, 0.01),
  "LambdaLR(o, lambda e: 0.95 ** e)": (o) => new lr.LambdaLR(o, (epoch) => 0.95 ** epoch),
  "MultiplicativeLR(o, lambda e: 0.95)": (o) => new lr.MultiplicativeLR(o, () => 0.95),
  "OneCycleLR(o, max_lr=0.5, total_steps=12)": (o) => new lr.OneCycleLR(o, { maxLr: 0.5, totalSteps: 12 }),
  "OneCycleLR(o, max_lr=0.5, epochs=3, steps_per_epoch=4, anneal_strategy='linear', three_phase=True)": (o) =>
    new lr.OneCycleLR(o, { maxLr: 0.5, epochs: 3, stepsPerEpoch: 4, annealStrategy: "linear", threePhase: true }),
}

const PLATEAUS: Record<string, (o: SGD) => lr.ReduceLROnPlateau> = {
  "ReduceLROnPlateau(o, patience=1)": (o) => new lr.ReduceLROnPlateau(o, { patience: 1 }),
  "ReduceLROnPlateau(o, 'max', factor=0.5, patience=0, cooldown=1, threshold_mode='abs')": (o) =>
    new lr.ReduceLROnPlateau(o, "max", { factor: 0.5, patience: 0, cooldown: 1, thresholdMode: "abs" }),
}

const two = (): SGD =>
  new SGD([{ params: new Parameter(zeros(1)) }, { params: new Parameter(zeros(1)), lr: 0.2 }], {
    lr: 0.1,
    momentum: 0.9,
  })

/** Both groups' rates and the first one's momentum. */
const rates = ({ paramGroups: [a, b] }: SGD): number[] => [a.lr, b.lr, a.momentum]

const expectClose = (found: number[][], wanted: number[][]): void => {
  expect(found.length).toBe(wanted.length)
  wanted.forEach((row, k) => row.forEach((v, i) => expect(Math.abs(found[k][i] - v)).toBeLessThanOrEqual(1e-14)))
}

test("every case of PyTorch's is here", () => {
  expect(Object.keys(SCHEDULERS)).toEqual(Object.keys(golden.schedulers))
  expect(Object.keys(PLATEAUS)).toEqual(Object.keys(golden.plateaus))
})

test.each(Object.entries(golden.schedulers))("%s", (expression, wanted) => {
  const optimizer = two()
  const scheduler = SCHEDULERS[expression](optimizer)
  const found = [rates(optimizer)]
  while (found.length < wanted.length) {
    scheduler.step()
    found.push(rates(optimizer))
  }
  expectClose(found, wanted)
  expect(scheduler.getLastLr()).toEqual(found.at(-1)!.slice(0, 2))
})

test.each(Object.entries(golden.plateaus))("%s", (expression, wanted) => {
  const optimizer = two()
  const scheduler = PLATEAUS[expression](optimizer)
  const found = [rates(optimizer)]
  for (const metric of golden.metrics) {
    scheduler.step(metric)
    found.push(rates(optimizer))
  }
  expectClose(found, wanted)
})

test("OneCycleLR moves Adam's beta1", () => {
  const optimizer = new Adam([new Parameter(zeros(1))])
  const scheduler = new lr.OneCycleLR(optimizer, 0.1, 10)
  expect(optimizer.paramGroups[0].betas[0]).toBe(0.95)
  scheduler.step()
  scheduler.step()
  expect(optimizer.paramGroups[0].betas).toEqual([0.85, 0.999])
})

describe("state", () => {
  test.each(Object.keys(SCHEDULERS))("%s goes on from a saved state", (expression) => {
    const [a, b] = [two(), two()]
    const first = SCHEDULERS[expression](a)
    for (let i = 0; i < 3; i++) first.step()
    const second = SCHEDULERS[expression](b)
    second.loadStateDict(JSON.parse(JSON.stringify(first.stateDict())))
    b.loadStateDict(a.stateDict())
    first.step()
    second.step()
    expect(rates(b)).toEqual(rates(a))
  })

  test("PyTorch's keys", () => {
    const { stateDict } = { stateDict: new lr.StepLR(two(), 3).stateDict() }
    expect(stateDict).toMatchObject({ step_size: 3, gamma: 0.1, base_lrs: [0.1, 0.2], last_epoch: 0, _step_count: 1 })
    expect(new lr.CosineAnnealingLR(two(), 5).stateDict()).toMatchObject({ T_max: 5, eta_min: 0 })
  })
})

test("resuming needs the groups' first rates", () => {
  expect(() => new lr.ExponentialLR(two(), 0.9, 3)).toThrow(/initialLr is not specified in paramGroups\[0\]/)
  const optimizer = two()
  for (const group of optimizer.paramGroups) group.initialLr = 1
  expect(new lr.StepLR(optimizer, { stepSize: 10, lastEpoch: 3 }).lastEpoch).toBe(4)
})

test.each([
  [() => new lr.StepLR({} as never, 3), /StepLR: an object with keys .* is not an Optimizer/],
  [() => new lr.StepLR(two(), { step_size: 3 } as never), /unknown option "step_size"; did you mean stepSize\?/],
  [() => new lr.LambdaLR(two(), [() => 1]), /LambdaLR: expected 2 functions, one per group, but got 1/],
  [() => new lr.LinearLR(two(), { startFactor: 0 }), /startFactor must be greater than 0/],
  [() => new lr.OneCycleLR(two(), 0.1), /give totalSteps, or epochs and stepsPerEpoch/],
  [() => new lr.OneCycleLR(new Adagrad([new Parameter(zeros(1))]), 0.1, 5), /has neither momentum nor betas/],
  [() => new lr.ReduceLROnPlateau(two(), { mode: "least" as never }), /mode least is unknown/],
  [() => new lr.ReduceLROnPlateau(two()).step(zeros(1) as never), /expected a number, got a tensor/],
])("%s", (run, message) => {
  expect(run).toThrow(message)
})
