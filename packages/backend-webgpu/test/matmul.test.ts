import {
  type DType,
  type Epilogue,
  input,
  isFloating,
  type MatmulKernel,
  result,
  type Scalar,
  scalar,
} from "@taeda/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { matmulPlanner } from "../src/matmul.ts"
import { dense, forEachIndex, LIMITS, Placed, Runner, randomNumbers } from "./plan-runner.ts"

let runner: Runner
let limits = LIMITS
beforeAll(async () => {
  runner = await Runner.open()
})
afterAll(() => runner.close())

/** Strides of [b.., rows, columns] in which the last two dims lie the other way round. */
const turned = (sizes: readonly number[]): number[] => {
  const swapped = [...sizes.slice(0, -2), sizes[sizes.length - 1], sizes[sizes.length - 2]]
  const strides = dense(swapped)
  return [...strides.slice(0, -2), strides[strides.length - 1], strides[strides.length - 2]]
}
/** Every element apart from the next, the last dim backwards. */
const spread = (sizes: readonly number[]): number[] => dense(sizes).map((s, d) => (d === sizes.length - 1 ? -2 : 3 * s))

type Strides = (sizes: readonly number[]) => number[]

interface Case {
  readonly dtype: DType
  readonly batch?: readonly number[]
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a?: Strides
  readonly c?: Strides
  readonly out?: Strides
  readonly epilogue?: Epilogue
  readonly addend?: DType
  readonly scalars?: readonly Scalar[]
  readonly dispatches?: number
  readonly mostWorkgroups?: number
  readonly shift?: number
}

/** Sums keep 24 bits, a stored half type 11 or 8; a sum of k terms of at most 1 errs by k·2^-24 times its terms. */
const STORED: Partial<Record<DType, number>> = { float32: 2 ** -24, float16: 2 ** -11, bfloat16: 2 ** -8 }
const wrap: Partial<Record<DType, (x: number) => number>> = {
  int32: (x) => x | 0,
  int16: (x) => (x << 16) >> 16,
  int8: (x) => (x << 24) >> 24,
  uint8: (x) => x & 255,
}

async function check(c: Case, apply: (sum: number, addend: number) => number = (sum) => sum): Promise<Placed> {
  const { dtype, batch = [], m, n, k, epilogue = null, scalars = [] } = c
  const kernel: MatmulKernel = { kind: "matmul", batch: batch.length, dtype, epilogue }
  const next = randomNumbers(m * 31 + n * 7 + k)
  const value = isFloating(dtype)
    ? () => next() * 2 - 1
    : () => Math.floor(next() * 256) - (dtype === "uint8" ? 0 : 128)
  const place = (sizes: number[], strides: Strides = dense, of = dtype): Placed =>
    new Placed(of, sizes, strides(sizes), c.shift)
  const a = place([...batch, m, k], c.a).fill(value)
  const b = place([...batch, k, n], c.c).fill(value)
  const inputs = epilogue?.inputs.length ? [place([...batch, m, n], dense, c.addend ?? dtype).fill(value)] : []
  const out = place([...batch, m, n], c.out)
  const operands = [a, b, ...inputs, out]
  const plan = matmulPlanner(kernel, limits).plan({ sizes: [...batch, m, n, k], operands, scalars })
  expect(plan.dispatches.length).toBe(c.dispatches ?? 1)
  await runner.run(plan, operands, c.mostWorkgroups)
  expect(out.damage).toBe(0)
  const [readA, readB, readOut] = [a, b, out].map((x) => x.reader())
  const readAddend = inputs[0]?.reader()
  let worst = 0
  forEachIndex(out.sizes, (index) => {
    const z = index.slice(0, -2)
    const [i, j] = index.slice(-2)
    let [sum, size] = [0, 0]
    for (let x = 0; x < k; x++) {
      const term = readA(...z, i, x) * readB(...z, x, j)
      sum += term
      size += Math.abs(term)
    }
    const want = apply(sum, readAddend?.(...index) ?? 0)
    const got = readOut(...index)
    const unit = STORED[dtype]
    // A scaled or clipped result errs by no more than its largest factor, 2, times as much.
    const allowed = unit === undefined ? 0 : 2 * (k + 2) * 2 ** -24 * (size + 1) + unit * Math.abs(want)
    const error = Math.abs(got - (unit === undefined ? wrap[dtype]!(want) : want))
    worst = Math.max(worst, error <= allowed ? 0 : Number.isNaN(error) ? Infinity : error)
  })
  expect(worst).toBe(0)
  return out
}

describe.each([true, false])("a matrix product, staged: %s", (staging) => {
  beforeAll(() => {
    limits = { ...LIMITS, staging }
  })

  const shapes: readonly (readonly [number, number, number])[] = [
    [1, 1, 1],
    [1, 77, 19],
    [1, 300, 700],
    [3, 5, 2],
    [4, 1030, 33],
    [67, 1, 300],
    [129, 3, 41],
    [9, 140, 37],
    [140, 9, 37],
    [33, 31, 17],
    [70, 65, 16],
  ]
  const layouts: Readonly<Record<string, Strides>> = { rows: dense, columns: turned, spread }
  for (const [m, n, k] of shapes)
    it(`of ${m}x${k} and ${k}x${n} in all layouts`, async () => {
      for (const a of Object.keys(layouts))
        for (const b of Object.keys(layouts))
          await check({ dtype: "float32", m, n, k, a: layouts[a], c: layouts[b], out: a === b ? spread : dense })
      await check({ dtype: "float32", m, n, k, out: turned })
    })

  it("has tiles of every size", async () => {
    for (const a of [dense, turned])
      for (const c of [dense, turned]) {
        await check({ dtype: "float32", batch: [16], m: 65, n: 66, k: 19, a, c })
        if (a !== c) await check({ dtype: "float32", batch: [16], m: 129, n: 131, k: 9, a, c })
      }
  })

  it("has any number of batch dims, repeated ones too", async () => {
    await check({ dtype: "float32", batch: [2, 3], m: 5, n: 6, k: 7 })
    await check({ dtype: "float32", batch: [2, 1, 3], m: 17, n: 6, k: 7, a: turned })
    const still: Strides = (sizes) => dense(sizes).map((s, d) => (d < sizes.length - 2 ? 0 : s))
    await check({ dtype: "float32", batch: [4, 3], m: 20, n: 21, k: 7, c: still })
    await check({ dtype: "float32", batch: [4, 3], m: 2, n: 21, k: 7, a: still })
  })

  it("of nothing is zeros, and without elements does nothing", async () => {
    await check({ dtype: "float32", m: 5, n: 6, k: 0 })
    await check({ dtype: "int32", m: 2, n: 6, k: 0 })
    await check({ dtype: "float16", m: 40, n: 41, k: 0 })
    for (const [m, n] of [
      [0, 3],
      [3, 0],
    ])
      await check({ dtype: "float32", m, n, k: 4, dispatches: 0 })
    await check({ dtype: "float32", batch: [0], m: 2, n: 2, k: 4, dispatches: 0 })
  })

  it("splits a long depth", async () => {
    for (const layout of [dense, turned]) {
      await check({ dtype: "float32", m: 9, n: 10, k: 2600, a: layout, dispatches: 2 })
      await check({ dtype: "float32", m: 70, n: 33, k: 2100, c: layout, dispatches: 2 })
      await check({ dtype: "float32", m: 2, n: 5, k: 3000, c: layout, dispatches: 2 })
      await check({ dtype: "float32", m: 37, n: 2, k: 3000, a: layout, dispatches: 2 })
    }
    await check({ dtype: "int8", m: 9, n: 10, k: 2600, dispatches: 2 })
    await check({ dtype: "bfloat16", m: 9, n: 12, k: 2600, dispatches: 2, shift: 0 })
  })

  for (const dtype of ["int32", "float16", "bfloat16", "int16", "int8", "uint8"] as const)
    it(`of ${dtype}`, async () => {
      for (const shift of [0, 1, 3]) {
        await check({ dtype, m: 37, n: 36, k: 19, shift })
        await check({ dtype, m: 37, n: 35, k: 18, a: turned, c: turned, shift })
        await check({ dtype, m: 3, n: 35, k: 18, shift })
        await check({ dtype, m: 35, n: 9, k: 18, out: turned, shift })
        await check({ dtype, m: 17, n: 18, k: 3, out: spread, shift })
      }
    })

  it("of integers wraps", async () => {
    const operands = [
      [1, 2],
      [2, 1],
      [1, 1],
    ].map((sizes) => new Placed("int32", sizes))
    operands[0].fill(() => 2_000_000_000)
    operands[1].fill((k) => k + 2)
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "int32", epilogue: null }
    await runner.run(matmulPlanner(kernel, limits).plan({ sizes: [1, 1, 2], operands, scalars: [] }), operands)
    expect(operands[2].reader()(0, 0)).toBe(10_000_000_000 | 0)
  })

  it("keeps infinity and NaN where they belong", async () => {
    const operands = [
      [20, 3],
      [3, 20],
      [20, 20],
    ].map((sizes) => new Placed("float32", sizes))
    operands[0].fill((i) => (i === 19 ? Infinity : i === 0 ? Number.NaN : 1))
    operands[1].fill(() => 1)
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "float32", epilogue: null }
    await runner.run(matmulPlanner(kernel, limits).plan({ sizes: [20, 20, 3], operands, scalars: [] }), operands)
    const read = operands[2].reader()
    expect([read(0, 5), read(19, 5), read(18, 19), read(1, 19)]).toEqual([Number.NaN, Infinity, 3, 3])
  })

  it("rounds half types to the nearest even, keeps their subnormals, and saturates to infinity", async () => {
    const cases = [
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2 ** -24,
      3 * 2 ** -25,
      2 ** -25,
      65519,
      65520,
      -(2 ** -14) - 2 ** -25,
    ]
    const want = [1, 1 + 2 ** -9, 2 ** -24, 2 ** -23, 0, 65504, Infinity, -(2 ** -14)]
    const epilogue: Epilogue = {
      inputs: [{ dtype: "float32", access: "unit" }],
      scalars: [],
      body: result(0, "float32").add(input(0, "float32")),
    }
    const operands = [
      new Placed("float16", [1, 0]),
      new Placed("float16", [0, 8]),
      new Placed("float32", [1, 8]).fill((_, j) => cases[j]),
      new Placed("float16", [1, 8]),
    ]
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "float16", epilogue }
    await runner.run(matmulPlanner(kernel, limits).plan({ sizes: [1, 8, 0], operands, scalars: [] }), operands)
    expect(cases.map((_, j) => operands[3].reader()(0, j))).toEqual(want)
  })

  it("is finished by its epilogue", async () => {
    const sum = result(0, "float32")
    const scaled: Epilogue = {
      inputs: [{ dtype: "float32", access: "unit" }],
      scalars: ["float32", "float32"],
      body: input(0, "float32")
        .mul(scalar(0, "float32"))
        .add(sum.mul(scalar(1, "float32"))),
    }
    const apply = (sum: number, addend: number): number => 0.5 * addend - 2 * sum
    for (const [m, n, k] of [
      [1, 100, 40],
      [100, 1, 40],
      [9, 100, 40],
      [100, 9, 40],
      [40, 50, 60],
    ])
      await check({ dtype: "float32", m, n, k, epilogue: scaled, scalars: [0.5, -2] }, apply)
    await check({ dtype: "float32", m: 9, n: 10, k: 2600, epilogue: scaled, scalars: [0.5, -2], dispatches: 2 }, apply)
    const half: Epilogue = { ...scaled, inputs: [{ dtype: "float16", access: "unit" }], body: scaled.body }
    await check({ dtype: "float32", m: 40, n: 51, k: 6, epilogue: half, addend: "float16", scalars: [0.5, -2] }, apply)
    await check(
      { dtype: "float16", m: 40, n: 52, k: 6, shift: 0, epilogue: half, addend: "float16", scalars: [0.5, -2] },
      apply,
    )
    const clipped: Epilogue = {
      inputs: [{ dtype: "int8", access: "unit" }],
      scalars: ["int32"],
      body: result(0, "int32").add(input(0, "int8").cast("int32")).max(scalar(0, "int32")),
    }
    await check({ dtype: "int8", m: 10, n: 12, k: 3, epilogue: clipped, scalars: [-5] }, (s, addend) =>
      Math.max(s + addend, -5),
    )
  })

  it("is the same however its workgroups are spread", async () => {
    const c = { dtype: "float32", m: 140, n: 141, k: 9 } as const
    const [one, other] = [await check(c), await check({ ...c, mostWorkgroups: 7 })]
    expect(other.bytes).toEqual(one.bytes)
    await check({ dtype: "float32", m: 9, n: 10, k: 2600, dispatches: 2, mostWorkgroups: 2 })
  })

  it("has more than 65535 workgroups", async () => {
    await check({ dtype: "float32", batch: [65_600], m: 1, n: 2, k: 2 })
  })
})
