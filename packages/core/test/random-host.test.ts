import { describe, expect, it } from "vitest"
import type { DType, TypedArray } from "../src/dtype.ts"
import { DTYPES } from "../src/dtype.ts"
import { decodeHalf, encodeHalf, type HalfDType } from "../src/half.ts"
import { DEFAULT_SEED, Generator, STATE_BYTES } from "../src/random/generator.ts"
import {
  bernoulliFrom,
  drawInt63,
  type FloatArray,
  type FloatDType,
  fillBernoulli,
  fillCauchy,
  fillDropoutMask,
  fillExponential,
  fillGeometric,
  fillLogNormal,
  fillNormal,
  fillNormalSingly,
  fillRandint,
  fillRandom,
  fillUniform,
  multinomial,
  permutation,
} from "../src/random/sampling.ts"
import golden from "./random.golden.json" with { type: "json" }

interface Step {
  op: string
  dtype: string
  n: number
  args: (number | string | boolean | null)[]
  values: (number | string)[]
}

const isHalf = (dtype: string): dtype is HalfDType => dtype === "float16" || dtype === "bfloat16"
const arrayFor = (dtype: DType, n: number): TypedArray =>
  isHalf(dtype) ? new Float32Array(n) : new DTYPES[dtype].array(n)
const bound = (x: number | string | boolean | null): number | bigint | null =>
  typeof x === "string" ? BigInt(x) : (x as number | null)

type Fill = (gen: Generator, out: TypedArray, step: Step) => void

const withNumbers =
  (fill: (gen: Generator, out: FloatArray, a: number, b: number, dtype: FloatDType) => void): Fill =>
  (gen, out, { args, dtype }) =>
    fill(gen, out as FloatArray, Number(args[0]), Number(args[1]), dtype as FloatDType)

/** Probabilities in the precision of the dtype. */
const rounded = (values: number[], dtype: string): FloatArray =>
  isHalf(dtype)
    ? decodeHalf(encodeHalf(values, dtype), dtype)
    : dtype === "float64"
      ? Float64Array.from(values)
      : Float32Array.from(values)

const OPS: Record<string, Fill> = {
  uniform: withNumbers(fillUniform),
  normal: withNumbers(fillNormal),
  normalSingly: withNumbers(fillNormalSingly),
  logNormal: withNumbers(fillLogNormal),
  exponential: withNumbers(fillExponential),
  cauchy: withNumbers(fillCauchy),
  dropout: withNumbers(fillDropoutMask),
  geometric: (gen, out, { args }) => fillGeometric(gen, out, Number(args[0])),
  bernoulli: (gen, out, { args }) => fillBernoulli(gen, out, Number(args[0])),
  bernoulliFrom: (gen, out, { dtype, n }) =>
    bernoulliFrom(
      gen,
      out,
      rounded(
        Array.from({ length: n }, (_, i) => i / (n - 1)),
        dtype,
      ),
    ),
  random: (gen, out, { dtype }) => fillRandom(gen, out, dtype as DType),
  randint: (gen, out, { args, dtype }) => fillRandint(gen, out, bound(args[0]) ?? 0, bound(args[1]), dtype as DType),
  permutation: (gen, out, { n }) => {
    if (out instanceof BigInt64Array) out.set(permutation(gen, n, "int64"))
    else out.set(permutation(gen, n))
  },
  multinomial: (gen, out, { args, dtype }) => {
    const weights = rounded([...golden.weights, ...golden.weights, ...golden.weights], dtype)
    const cols = golden.weights.length
    ;(out as FloatArray).set(multinomial(gen, weights, 3, cols, Number(args[0]), args[1] === true, dtype as FloatDType))
  },
}

/**
 * Float64 results of log, exp, sin, cos and tan differ from the C library's in the last place; everything else, all of
 * float32 and the half types included, is PyTorch's to the bit.
 */
const TRANSCENDENTAL = new Set(["normal", "normalSingly", "logNormal", "exponential", "cauchy"])
const ULPS = 2

function run(gen: Generator, step: Step): ArrayLike<number | bigint> {
  const out = arrayFor(step.dtype as DType, step.n)
  OPS[step.op](gen, out, step)
  return isHalf(step.dtype) ? rounded([...(out as Float32Array)], step.dtype) : out
}

const picks = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i).filter((i) => n <= 40 || i >= n - 20 || i % 97 === 0)

function ulps64(a: number, b: number): number {
  const [x, y] = new BigInt64Array(Float64Array.of(a, b).buffer)
  return Math.abs(Number(x - y))
}

function expectValues(actual: ArrayLike<number | bigint>, { op, dtype, values }: Step): void {
  const at = picks(actual.length)
  expect(at.length).toBe(values.length)
  at.forEach((i, k) => {
    const [value, expected] = [actual[i], values[k]]
    const label = `${op} of ${dtype} at ${i}`
    if (typeof value === "bigint") expect(value, label).toBe(BigInt(expected))
    else if (dtype === "float64" && TRANSCENDENTAL.has(op))
      expect(ulps64(value, Number(expected)), label).toBeLessThanOrEqual(ULPS)
    // The golden decimals of float32 and the half types are the shortest that round to them.
    else expect(value, label).toBe(actual instanceof Float32Array ? Math.fround(Number(expected)) : Number(expected))
  })
}

function checksum(bytes: Uint8Array): number {
  let h = 0x811c9dc5
  for (const byte of bytes) {
    h = Math.imul(h ^ byte, 0x01000193)
    h ^= h >>> 15
  }
  return h >>> 0
}

describe("samplers", () => {
  for (const { seed, steps, state, after } of golden.scenarios) {
    const name = steps.map((s) => `${s.op}(${[s.dtype, s.n, ...s.args].join(", ")})`).join(" ")
    it(`seed ${seed}: ${name}`, () => {
      const gen = new Generator().manualSeed(BigInt(seed))
      for (const step of steps as Step[]) expectValues(run(gen, step), step)
      expect(checksum(gen.getState())).toBe(state)
      expect(drawInt63(gen)).toBe(BigInt(after))
    })
  }

  it("shuffle as a data loader does: a base seed, then the sampler's seed", () => {
    for (const { seed, epochs } of golden.loaders) {
      const gen = new Generator().manualSeed(seed)
      for (const order of epochs) {
        drawInt63(gen)
        expect([...permutation(new Generator().manualSeed(drawInt63(gen)), 10)]).toEqual(order)
      }
    }
  })

  it("keep [from, to) half-open where the half types round up to the bound", () => {
    for (const dtype of ["float16", "bfloat16"] as const) {
      const out = new Float32Array(20_000)
      fillUniform(new Generator().manualSeed(3), out, 0, 1, dtype)
      const values = decodeHalf(encodeHalf(out, dtype), dtype)
      expect(Math.max(...values)).toBeLessThan(1)
      expect(values).toContain(0)
    }
  })

  it("take the last normal of a pair from the generator only once", () => {
    const gen = new Generator().manualSeed(0)
    const out = new Float64Array(4)
    fillNormalSingly(gen, out.subarray(0, 1), 0, 1)
    const copy = gen.clone()
    fillNormalSingly(gen, out.subarray(1), 0, 1)
    const rest = new Float64Array(3)
    fillNormalSingly(copy, rest, 0, 1)
    expect(rest).toEqual(out.subarray(1))
    gen.manualSeed(0)
    const whole = new Float64Array(4)
    fillNormalSingly(gen, whole, 0, 1)
    expect(whole).toEqual(out)
  })

  it("name what is wrong with their arguments", () => {
    const gen = new Generator()
    const before = gen.getState()
    const out = new Float32Array(2)
    const ints = new Int8Array(2)
    expect(() => fillUniform(gen, out, 1, 0, "float32")).toThrow(/from=1 > to=0/)
    expect(() => fillUniform(gen, out, 0, 1e6, "float16")).toThrow(/not finite in float16/)
    expect(() => fillUniform(gen, out, -60000, 60000, "float16")).toThrow(/beyond the largest float16/)
    expect(() => fillNormal(gen, out, 0, -1, "float32")).toThrow(/std >= 0, got -1/)
    expect(() => fillLogNormal(gen, out, 0, 0)).toThrow(/std > 0/)
    expect(() => fillExponential(gen, out, 0)).toThrow(/lambd > 0/)
    expect(() => fillCauchy(gen, out, 0, 0)).toThrow(/sigma > 0/)
    expect(() => fillGeometric(gen, out, 1)).toThrow(/p in \(0, 1\)/)
    expect(() => fillBernoulli(gen, out, Number.NaN)).toThrow(/p in \[0, 1\], got NaN/)
    expect(() => fillDropoutMask(gen, out, 1)).toThrow(/p in \[0, 1\)/)
    expect(() => bernoulliFrom(gen, out, Float32Array.of(0.5, 2))).toThrow(/got 2 at 1/)
    expect(() => bernoulliFrom(gen, out, Float32Array.of(0.5))).toThrow(/1 probabilities for 2 elements/)
    expect(() => fillRandint(gen, ints, 5, 5, "int8")).toThrow(/\[5, 5\)/)
    expect(() => fillRandint(gen, ints, 0, 300, "int8")).toThrow(/\[0, 300\) is not within int8/)
    expect(() => fillRandint(gen, ints, -200, null, "int8")).toThrow(/\[-200, 127\] is not within int8/)
    expect(() => fillRandint(gen, ints, 0.5, 3, "int8")).toThrow(/integer for low/)
    expect(() => permutation(gen, -1)).toThrow(/got -1/)
    const weights = Float32Array.of(1, 2)
    expect(() => multinomial(gen, weights, 1, 2, 3, false, "float32")).toThrow(/3 samples of 2 categories/)
    expect(() => multinomial(gen, weights, 1, 2, 0, true, "float32")).toThrow(/n=0/)
    expect(() => multinomial(gen, Float32Array.of(0, 1, 0, 0), 2, 2, 1, true, "float32")).toThrow(/row 1/)
    expect(() => multinomial(gen, Float32Array.of(-1, 1), 1, 2, 1, true, "float32")).toThrow(/got -1 at \[0, 0\]/)
    expect(gen.getState()).toEqual(before)
  })
})

describe("Generator", () => {
  it("has the draws of mt19937", () => {
    // The 10000th number of the reference implementation's default seed.
    const gen = new Generator().manualSeed(5489)
    const draws = new Uint32Array(10_000)
    gen.fill(draws)
    expect(draws[9999]).toBe(4123659995)
    gen.manualSeed(5489)
    expect(gen.random()).toBe(draws[0])
    expect(gen.random64()).toBe((BigInt(draws[1]) << 32n) | BigInt(draws[2]))
    const rest = new Uint32Array(3000)
    gen.fill(rest)
    expect(rest).toEqual(draws.subarray(3, 3003))
  })

  it("takes seeds as PyTorch does", () => {
    const gen = new Generator()
    expect(gen.initialSeed()).toBe(DEFAULT_SEED)
    expect(gen.manualSeed(-1).initialSeed()).toBe(2n ** 64n - 1n)
    const draw = gen.random()
    expect(gen.manualSeed(2 ** 32 - 1).random()).toBe(draw)
    for (const seed of [2n ** 64n, -(2n ** 63n) - 1n]) expect(() => gen.manualSeed(seed)).toThrow(/\[-2\^63, 2\^64\)/)
    for (const seed of [1.5, 2 ** 53, Number.NaN])
      expect(() => gen.manualSeed(seed)).toThrow(/safe integer or a bigint/)
    expect(gen.initialSeed()).toBe(2n ** 32n - 1n)
  })

  it("seeds itself from its entropy", () => {
    let next = 5n
    const gen = new Generator(() => next++)
    expect([gen.seed(), gen.initialSeed(), gen.seed()]).toEqual([5n, 5n, 6n])
    expect(gen.random()).toBe(new Generator().manualSeed(6).random())
    expect(new Generator().seed()).toBeLessThan(2n ** 53n)
  })

  it("goes on from a state, also in the middle of a block and of a pair of normals", () => {
    for (const draws of [0, 1, 623, 624, 625, 2000]) {
      const gen = new Generator().manualSeed(11)
      gen.fill(new Uint32Array(draws))
      fillNormalSingly(gen, new Float64Array(draws % 2), 0, 1)
      const other = new Generator().setState(gen.getState())
      expect(other.initialSeed()).toBe(11n)
      expect(other.getState()).toEqual(gen.getState())
      const [a, b] = [new Float64Array(1500), new Float64Array(1500)]
      fillNormalSingly(gen, a, 0, 1)
      fillNormalSingly(other, b, 0, 1)
      expect(b).toEqual(a)
    }
  })

  it("keeps the fields of a state that no sampler sets", () => {
    const state = new Generator().getState()
    new DataView(state.buffer).setFloat32(5048, 0.25, true)
    state[5052] = 1
    const gen = new Generator().setState(state)
    expect(gen.getState()).toEqual(state)
    expect(gen.clone().getState()).toEqual(state)
    expect(gen.manualSeed(DEFAULT_SEED).getState()).toEqual(new Generator().getState())
  })

  it("refuses what is no state and stays as it was", () => {
    const gen = new Generator().manualSeed(1)
    fillNormalSingly(gen, new Float64Array(1), 0, 1)
    const before = gen.getState()
    const broken = (offset: number, value: number): Uint8Array => {
      const state = before.slice()
      new DataView(state.buffer).setInt32(offset, value, true)
      return state
    }
    expect(() => gen.setState(before.subarray(1))).toThrow(`${STATE_BYTES} bytes, got ${STATE_BYTES - 1}`)
    for (const state of [new Uint8Array(STATE_BYTES), broken(8, 0), broken(8, 700), broken(12, 0), broken(16, 625)])
      expect(() => gen.setState(state)).toThrow(/not the state/)
    expect(() => gen.setState([...before] as unknown as Uint8Array)).toThrow(/Uint8Array/)
    expect(gen.getState()).toEqual(before)
  })
})
