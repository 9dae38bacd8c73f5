/** nn.init against PyTorch. */
import { readFileSync } from "node:fs"
import { empty, Generator, manualSeed, ones, type Tensor } from "@taeda/core"
import { describe, expect, test } from "vitest"
import { init } from "../src/index.ts"
import { numbers } from "./cpu.ts"

const golden = JSON.parse(readFileSync(new URL("torch.golden.json", import.meta.url), "utf8")) as {
  init: Record<string, { shape: number[]; values: number[] }>
  gains: Record<init.Nonlinearity, number>
}

const INITS: Record<string, (x: Tensor) => Tensor> = {
  "uniform_(x, -1, 2)": (x) => init.uniform_(x, -1, 2),
  "normal_(x, 1, 0.5)": (x) => init.normal_(x, 1, 0.5),
  "constant_(x, 0.3)": (x) => init.constant_(x, 0.3),
  "ones_(x)": (x) => init.ones_(x),
  "zeros_(x)": (x) => init.zeros_(x),
  "eye_(x)": (x) => init.eye_(x),
  "dirac_(x)": (x) => init.dirac_(x),
  "dirac_(x, 2)": (x) => init.dirac_(x, { groups: 2 }),
  "xavier_uniform_(x, gain=2)": (x) => init.xavierUniform_(x, { gain: 2 }),
  "xavier_normal_(x)": (x) => init.xavierNormal_(x),
  "kaiming_uniform_(x, mode='fan_out', nonlinearity='relu')": (x) =>
    init.kaimingUniform_(x, { mode: "fan_out", nonlinearity: "relu" }),
  "kaiming_normal_(x, a=0.5)": (x) => init.kaimingNormal_(x, { a: 0.5 }),
  "trunc_normal_(x, std=0.5, a=-0.4, b=0.5)": (x) => init.truncNormal_(x, { std: 0.5, a: -0.4, b: 0.5 }),
  "trunc_normal_(x, mean=1, std=2, a=4, b=5)": (x) => init.truncNormal_(x, { mean: 1, std: 2, a: 4, b: 5 }),
}

test.each(Object.entries(golden.init))("%s", (expression, { shape, values }) => {
  manualSeed(3)
  const x = empty(shape, { requiresGrad: true })
  expect(INITS[expression](x)).toBe(x)
  // 2 ULP: what the random numbers promise.
  const found = numbers(x).slice(0, 48)
  values.forEach((v, i) => expect(Math.abs(found[i] - v)).toBeLessThanOrEqual(2.4e-7 * Math.max(1, Math.abs(v))))
  expect(x.requiresGrad && x.isLeaf).toBe(true)
})

test("calculateGain", () => {
  for (const [name, gain] of Object.entries(golden.gains))
    expect(init.calculateGain(name as init.Nonlinearity)).toBeCloseTo(gain, 12)
  expect(init.calculateGain("leaky_relu", 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04), 12)
  expect(() => init.calculateGain("relu7" as never)).toThrow(/unsupported nonlinearity "relu7"/)
})

test("a generator of one's own", () => {
  const draw = (): number[] => numbers(init.uniform_(empty(5), { generator: new Generator().manualSeed(9) }))
  expect(draw()).toEqual(draw())
})

describe("errors", () => {
  test("name the function, the tensor and what is allowed", () => {
    expect(() => init.xavierUniform_(ones(3))).toThrow(
      /fan in and fan out can not be computed for tensor with fewer than 2 dimensions/,
    )
    expect(() => init.eye_(ones(3))).toThrow(/eye_: only tensors with 2 dimensions are supported, got float32\[3\]/)
    expect(() => init.kaimingUniform_(ones(3, 3), { mode: "fan_side" as never })).toThrow(
      /mode "fan_side" not supported/,
    )
    expect(() => init.kaimingUniform_(ones(3, 3), { nonlinearty: "relu" } as never)).toThrow(
      /did you mean nonlinearity\?/,
    )
    expect(() => init.constant_([1] as never, 2)).toThrow(/constant_: expected a tensor, got an array of length 1/)
  })
})
