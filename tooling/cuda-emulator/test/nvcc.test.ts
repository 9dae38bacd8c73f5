import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { bfloat16, float16, fromBfloat16, fromFloat16 } from "./lanes.ts"
import { compile, nvccRelease, releaseOf } from "./nvcc.ts"
import { type Launch, type Numbers, run } from "./run.ts"

const folder = join(import.meta.dirname, "kernels")
const text = (name: string) => readFileSync(join(folder, name), "utf8")
const math = text("math.ptx")
const programs = text("programs.ptx")

test("the checked-in PTX is what nvcc makes of its sources, where that nvcc is", { timeout: 300_000 }, () => {
  for (const source of readdirSync(folder).filter((name) => name.endsWith(".cu"))) {
    const checkedIn = text(source.replace(/cu$/, "ptx"))
    expect(releaseOf(checkedIn), source).toMatch(/^\d+\.\d+\.\d+$/)
    if (nvccRelease() === releaseOf(checkedIn)) expect(compile(join(folder, source)), source).toBe(checkedIn)
  }
})

type Constructor<T> = new (values: ArrayLike<number>) => T

async function apply<T extends Numbers>(entry: string, a: T, b: T = a): Promise<T> {
  const launch = { entry, blocks: [a.length / 32, 1, 1] as const, params: ["out", "a", "b"] }
  return (await run({ ptx: math, buffers: { out: a.slice() as T, a, b }, launches: [launch] })).out as T
}

/** Numbers of all sizes, and from -4 to 4, of a count that is a multiple of 32. */
const numbers = <T>(type: Constructor<T>): T => {
  const even = Array.from({ length: 160 }, (_, i) => (i - 80) / 20 + 0.003)
  const wide = Array.from({ length: 96 }, (_, i) => (i % 2 ? -1 : 1) * 1.37 ** (i - 40))
  return new type([...even, ...wide])
}

/** Units in the last place of a format with so many digits. */
const ulps = (exact: number, got: number, digits: number, least: number) => {
  if (Object.is(exact, got) || exact === got || (Number.isNaN(exact) && Number.isNaN(got))) return 0
  const unit = 2 ** Math.max(Math.floor(Math.log2(Math.abs(exact))) - digits + 1, least)
  return Math.abs(exact - got) / unit
}

describe("float32 functions of CUDA's library are within the errors that its manual gives", () => {
  test.each([
    ["expf_", Math.exp, 2],
    ["logf_", Math.log, 1],
    ["sinf_", Math.sin, 2],
    ["tanf_", Math.tan, 4],
    ["tanhf_", Math.tanh, 2],
    ["expm1f_", Math.expm1, 1.5],
    ["log1pf_", Math.log1p, 1.5],
  ] as const)("%s", async (entry, f, most) => {
    const a = numbers(Float32Array)
    const got = await apply(entry, a)
    const overflows = (x: number) => Math.abs(x) > 3.4028235e38
    for (let i = 0; i < a.length; i++) {
      const exact = overflows(f(a[i])) ? Infinity * Math.sign(f(a[i])) : f(a[i])
      expect(ulps(exact, got[i], 24, -149), `${entry}(${a[i]}) = ${got[i]}, not ${exact}`).toBeLessThanOrEqual(most)
    }
  })

  test("the slow path of sinf and tanf, where thousands of turns are taken off", async () => {
    const a = Float32Array.from({ length: 32 }, (_, i) => 1e5 * 1.9 ** i)
    const got = await apply("sinf_", a)
    a.forEach((x, i) => expect(ulps(Math.sin(x), got[i], 24, -149)).toBeLessThanOrEqual(2))
  })

  test("powf_, atan2f_, fmodf_", async () => {
    const a = numbers(Float32Array).map(Math.abs)
    const b = numbers(Float32Array).map((_, i) => ((i * 37) % 64) / 16 - 2)
    const cases = [
      ["powf_", Math.pow, 4],
      ["atan2f_", Math.atan2, 3],
      ["fmodf_", (x: number, y: number) => x % y, 0],
    ] as const
    for (const [entry, f, most] of cases) {
      const got = await apply(entry, a, b)
      a.forEach((x, i) => {
        const exact = Math.fround(f(x, b[i])) === Infinity ? Infinity : f(x, b[i])
        expect(ulps(exact, got[i], 24, -149), `${entry}(${x}, ${b[i]})`).toBeLessThanOrEqual(most + 0.5)
      })
    }
  })

  test("erff_ and lgammaf_", async () => {
    const a = new Float32Array(32)
    a.set([0.5, 1, -2, 0.01, 3.5, 10, 0])
    const erf = await apply("erff_", a)
    const exact = [
      0.5204998778130465, 0.8427007929497149, -0.9953222650189527, 0.011283415555849618, 0.9999992569016276, 1, 0,
    ]
    exact.forEach((x, i) => expect(ulps(x, erf[i], 24, -149)).toBeLessThanOrEqual(2))
    const lgamma = await apply("lgammaf_", a)
    const logs = { 0: 0.5723649429247001, 3: 4.599479878042021, 4: 1.2009736023470742, 5: 12.801827480081469 }
    for (const [i, x] of Object.entries(logs)) expect(ulps(x, lgamma[Number(i)], 24, -149)).toBeLessThanOrEqual(4)
    expect(lgamma[1]).toBe(0)
    expect(lgamma[6]).toBe(Infinity)
  })

  test("roundings", async () => {
    const a = numbers(Float32Array).map((x) => Math.max(-1000, Math.min(1000, x)))
    const got = await apply("roundings", a)
    const rint = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))
    a.forEach((x, i) =>
      expect(got[i]).toBeCloseTo(rint(x) + 10 * Math.floor(x) + 100 * Math.ceil(x) + 1000 * Math.trunc(x), 0),
    )
  })
})

describe("float64", () => {
  test.each([
    ["exp_", Math.exp, 1],
    ["log_", Math.log, 1],
    ["cos_", Math.cos, 2],
    ["tanh_", Math.tanh, 2],
  ] as const)("%s", async (entry, f, most) => {
    const a = numbers(Float64Array)
    const got = await apply(entry, a)
    a.forEach((x, i) => expect(ulps(f(x), got[i], 53, -1074), `${entry}(${x})`).toBeLessThanOrEqual(most))
  })

  test("pow_, remainder_, erf_, lgamma_", async () => {
    const a = numbers(Float64Array).map(Math.abs)
    const b = a.map((_, i) => ((i * 37) % 64) / 16 - 2)
    const pow = await apply("pow_", a, b)
    a.forEach((x, i) => expect(ulps(x ** b[i], pow[i], 53, -1074)).toBeLessThanOrEqual(2))
    const remainder = await apply("remainder_", a, b)
    a.forEach((x, i) => expect(remainder[i]).toBe(x % b[i]))
    const special = new Float64Array(32)
    special.set([0.5, 10])
    expect(ulps(0.5204998778130465, (await apply("erf_", special))[0], 53, -1074)).toBeLessThanOrEqual(2)
    expect(ulps(12.801827480081469, (await apply("lgamma_", special))[1], 53, -1074)).toBeLessThanOrEqual(4)
  })
})

test("integers", async () => {
  const a = Int32Array.from({ length: 64 }, (_, i) => Math.imul(i - 31, 0x3ade68b1) ^ i)
  const b = Int32Array.from({ length: 64 }, (_, i) => (i % 2 ? 1 : -1) * (i * i + 1))
  const quotient = await apply("quotient", a, b)
  const remainder = await apply("remainder32", a, b)
  const counts = await apply("counts", a)
  a.forEach((x, i) => {
    expect(quotient[i]).toBe(Math.trunc(x / b[i]) | 0)
    expect(remainder[i] + 0).toBe((x % b[i]) + 0)
    const ones = (x >>> 0).toString(2).replaceAll("0", "").length
    const first = x === 0 ? 0 : 32 - Math.clz32(x & -x)
    expect(counts[i]).toBe(ones + 100 * Math.clz32(x) + 10000 * first)
  })
  const wide = BigInt64Array.from(a, (x, i) => BigInt(x) * 0x1234567n * BigInt(i + 1))
  const divisor = BigInt64Array.from(b, (x) => BigInt(x) * 77777n)
  const quotient64 = await apply("quotient64", wide, divisor)
  const remainder64 = await apply("remainder64", wide, divisor)
  const unsigned = (x: bigint) => BigInt.asUintN(64, x)
  wide.forEach((x, i) => {
    expect(quotient64[i]).toBe(x / divisor[i])
    expect(unsigned(remainder64[i])).toBe(unsigned(x) % unsigned(divisor[i]))
  })
  const bytes = await apply("bytes", Int8Array.from(a), Int8Array.from(b))
  a.forEach((x, i) => expect(bytes[i]).toBe(((((x << 24) >> 24) * ((b[i] << 24) >> 24) + 3) << 24) >> 24))
})

test("half types", async () => {
  const x = Array.from({ length: 32 }, (_, i) => (i - 10) / 8)
  const y = Array.from({ length: 32 }, (_, i) => 3 - i / 4)
  const launch = (entry: string) => ({ entry, params: ["out", "a", "b"] })
  const half = await run({
    ptx: math,
    buffers: { out: new Uint16Array(96), a: float16(...x), b: float16(...y) },
    launches: [launch("halves")],
  })
  const got = fromFloat16(half.out)
  const round = (values: number[]) => fromFloat16(float16(...values))
  expect(got.slice(0, 32)).toEqual(round(x.map((v, i) => v * y[i] + v - 0.5)))
  got.slice(32, 64).forEach((v, i) => expect(ulps(Math.exp(x[i]), v, 11, -24)).toBeLessThanOrEqual(1))
  expect(got.slice(64)).toEqual(x.map((v, i) => Math.min(v, y[i])))
  const brain = await run({
    ptx: math,
    buffers: { out: new Uint16Array(64), a: bfloat16(...x.map(Math.abs)), b: bfloat16(...y) },
    launches: [launch("brains")],
  })
  fromBfloat16(brain.out)
    .slice(32)
    .forEach((v, i) => expect(ulps(Math.sqrt(Math.abs(x[i])), v, 8, -133)).toBeLessThanOrEqual(0.5))
})

describe("programs", () => {
  const launch = (entry: string, params: Launch["params"], more: Partial<Launch> = {}): Launch => ({
    entry,
    params,
    ...more,
  })

  test("calls and loops of different lengths", async () => {
    const n = 100
    const a = Float32Array.from({ length: n }, (_, i) => i + 1)
    const collatz = (start: number) => {
      let steps = 0
      for (let x = start; x !== 1; steps++) x = x % 2 ? 3 * x + 1 : x / 2
      return steps
    }
    const job = {
      ptx: programs,
      buffers: { out: new Float32Array(n), a },
      launches: [launch("calls", ["out", "a", Int32Array.of(n)], { blocks: [2, 1, 1], threads: 64 })],
    }
    const { out } = await run(job)
    expect([...out]).toEqual(
      [...a].map((x, i) => collatz(x) * [1, 10, 100, 1000][i & 3] + [7, 6, 5, 4, 3, 2, 1, 0][i & 7]),
    )
  })

  test("a structure among the parameters", async () => {
    const window = new DataView(new ArrayBuffer(28))
    for (let i = 0; i < 5; i++) window.setFloat32(4 * i, i + 0.5, true)
    window.setInt32(20, 5, true)
    window.setInt8(24, -3)
    const words = Array.from({ length: 7 }, (_, i) => Int32Array.of(window.getInt32(4 * i, true)))
    const { out } = await run({
      ptx: programs,
      buffers: { out: new Float32Array(32) },
      launches: [launch("structure", ["out", ...words, Int16Array.of(100)])],
    })
    expect([...out]).toEqual(Array.from({ length: 32 }, (_, i) => (i % 5) + 97.5))
  })

  test("sorting in local memory", async () => {
    const a = Int32Array.from({ length: 256 }, (_, i) => (i * 7919) % 263)
    const { out } = await run({
      ptx: programs,
      buffers: { out: new Int32Array(256), a },
      launches: [launch("sorted", ["out", "a"])],
    })
    for (let row = 0; row < 32; row++)
      expect(out.subarray(row * 8, row * 8 + 8)).toEqual(a.slice(row * 8, row * 8 + 8).sort())
  })

  test("sums by shuffles and barriers, without races", async () => {
    const a = Float32Array.from({ length: 3 * 1000 }, (_, i) => i % 17)
    const { out } = await run({
      ptx: programs,
      buffers: { out: new Float32Array(3), a },
      launches: [
        launch("sum", ["out", "a", Int32Array.of(1000)], { blocks: [3, 1, 1], threads: 128, sharedBytes: 16 }),
      ],
      env: { CUDA_EMULATOR_RACES: "1" },
    })
    expect([...out]).toEqual([0, 1, 2].map((i) => a.subarray(1000 * i, 1000 * i + 1000).reduce((p, q) => p + q)))
  })

  test("a histogram, and the last block to arrive", async () => {
    const a = Uint32Array.from({ length: 10000 }, (_, i) => (i * i) % 97)
    const counts = new Uint32Array(64)
    for (const each of a) counts[each % 64]++
    const histogram = await run({
      ptx: programs,
      buffers: { out: new Uint32Array(64), a },
      launches: [launch("histogram", ["out", "a", Int32Array.of(10000)], { blocks: [20, 1, 1], threads: 256 })],
      env: { CUDA_EMULATOR_RACES: "1" },
    })
    expect(histogram.out).toEqual(counts)
    const last = await run({
      ptx: programs,
      buffers: { out: new Float32Array(1), parts: new Float32Array(200), arrived: new Uint32Array(1) },
      launches: [launch("lastBlock", ["out", "parts", "arrived"], { blocks: [200, 1, 1], threads: 64 })],
    })
    expect(last.out[0]).toBe((199 * 200) / 2)
  })

  test("a product of matrices in tiles", async () => {
    const n = 128
    const a = Float32Array.from({ length: n * n }, (_, i) => (i % 13) - 6)
    const b = Float32Array.from({ length: n * n }, (_, i) => (i % 7) - 3)
    const { c } = await run({
      ptx: programs,
      buffers: { c: new Float32Array(n * n), a, b },
      launches: [launch("matmul", ["c", "a", "b", Int32Array.of(n)], { blocks: [2, 2, 1], threads: 256 })],
      env: { CUDA_EMULATOR_RACES: "1" },
    })
    for (const [i, j] of [
      [0, 0],
      [1, 127],
      [64, 63],
      [127, 127],
    ]) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j]
      expect(c[i * n + j]).toBe(sum)
    }
  })
})
