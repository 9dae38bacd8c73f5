/** Matrix products on the emulated device: tiles of every size, slices, split depths, tensor cores. */
import {
  bfloat16ToNumber,
  type DType,
  float16ToNumber,
  input,
  type MatmulKernel,
  numberToBfloat16,
  numberToFloat16,
  result,
  scalar,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { plannerOf } from "../src/executables.ts"
import type { DeviceLimits } from "../src/program.ts"
import { count, withSettings } from "./harness.ts"
import { LIMITS, operand, run } from "./plan-runner.ts"

/** Batches, rows, columns, depth. */
type Size = readonly [number, number, number, number]
const FEW: readonly Size[] = [
  [2, 3, 5, 7],
  [1, 33, 35, 17],
  [1, 130, 70, 20],
]
const MANY: readonly Size[] = [
  ...FEW,
  [1, 1, 1, 1],
  [1, 2, 300, 40],
  [1, 40, 3, 1100],
  [1, 10, 100, 20],
  [3, 64, 64, 32],
  [1, 256, 256, 8],
  [1, 20, 20, 2048],
  [2, 5, 5, 0],
]
const HALVES: readonly Size[] = [
  [2, 5, 7, 9],
  [1, 128, 128, 64],
  [1, 64, 64, 40],
  [1, 10, 130, 70],
  [1, 16, 128, 600],
  [1, 3, 40, 64],
]

/** For tiles whose copies go on meanwhile: whole and cut off at each side, depths of less and more steps than are under way. */
const ASYNC: readonly Size[] = [
  [1, 72, 264, 136],
  [2, 136, 136, 24],
  [1, 64, 64, 512],
  [1, 16, 136, 72],
  [1, 40, 72, 328],
  [1, 24, 24, 1096],
  [1, 64, 64, 0],
]

interface Form {
  readonly dtype: DType
  readonly sizes: readonly Size[]
  readonly target: number
  readonly multiprocessors: number
  readonly precision?: MatmulKernel["precision"]
  readonly sharedBytes?: number
  readonly warpgroups?: true
  readonly tensorMaps?: true | undefined
}
/** With all that compute capability 9.0 has. */
const HOPPER = { sharedBytes: 227 * 1024, warpgroups: true, tensorMaps: true } as const
const FORMS: readonly Form[] = [
  { dtype: "float32", sizes: MANY, target: 75, multiprocessors: 2 },
  { dtype: "float64", sizes: FEW, target: 75, multiprocessors: 2 },
  { dtype: "int64", sizes: FEW, target: 75, multiprocessors: 2 },
  { dtype: "int8", sizes: FEW, target: 75, multiprocessors: 2 },
  { dtype: "float16", sizes: HALVES, target: 75, multiprocessors: 1 },
  { dtype: "float16", sizes: HALVES, target: 80, multiprocessors: 1 },
  { dtype: "bfloat16", sizes: HALVES, target: 80, multiprocessors: 1 },
  // Without tensor cores for it.
  { dtype: "bfloat16", sizes: FEW, target: 75, multiprocessors: 2 },
  { dtype: "float16", sizes: ASYNC, target: 80, multiprocessors: 1, sharedBytes: 163 * 1024 },
  { dtype: "bfloat16", sizes: ASYNC, target: 86, multiprocessors: 2, sharedBytes: 99 * 1024 },
  { dtype: "float32", sizes: ASYNC, target: 80, multiprocessors: 1, sharedBytes: 163 * 1024, precision: "high" },
  { dtype: "bfloat16", sizes: ASYNC, target: 90, multiprocessors: 1, sharedBytes: 227 * 1024, warpgroups: true },
  { dtype: "float16", sizes: ASYNC, target: 90, multiprocessors: 2, sharedBytes: 227 * 1024, warpgroups: true },
  { dtype: "bfloat16", sizes: ASYNC, target: 90, multiprocessors: 1, ...HOPPER },
  { dtype: "float16", sizes: ASYNC, target: 90, multiprocessors: 2, ...HOPPER },
  { dtype: "float32", sizes: ASYNC, target: 90, multiprocessors: 1, ...HOPPER, precision: "medium" },
  {
    dtype: "float32",
    sizes: ASYNC.slice(0, 2),
    target: 90,
    multiprocessors: 1,
    ...HOPPER,
    precision: "medium",
    tensorMaps: undefined,
  },
  // In tensor cores, which multiply such small whole numbers exactly.
  { dtype: "float32", sizes: HALVES, target: 80, multiprocessors: 1, precision: "high" },
]

/** How a type holds a number, where that is not the number itself. */
const STORED: Partial<Readonly<Record<DType, (x: number) => number | bigint>>> = {
  int64: BigInt,
  int8: (x) => (x << 24) >> 24,
  float16: (x) => float16ToNumber(numberToFloat16(x)),
  bfloat16: (x) => bfloat16ToNumber(numberToBfloat16(x)),
}

/** Whole numbers whose sums every type holds, so that every order gives the same. */
const small = (n: number, step: number, most: number): number[] =>
  count(n).map((i) => ((i * step) % most) - (most >> 1))

describe.each(FORMS)(
  "$dtype for sm_$target, $sharedBytes bytes shared, precision $precision, maps $tensorMaps",
  (form) => {
    const { dtype, sizes, target, multiprocessors, precision, sharedBytes = 48 * 1024, warpgroups, tensorMaps } = form
    const type = dtype === "float16" || dtype === "bfloat16" ? "float32" : dtype
    const big = (x: number): number | bigint => STORED[dtype]?.(x) ?? x

    it.each(sizes)("%i of %i × %i, depth %i", (batches, rows, columns, depth) => {
      const [x, y] = [small(batches * rows * depth, 7919, 3), small(batches * depth * columns, 104729, 3)]
      for (const [turnedX, turnedY] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ])
        for (const fused of dtype === "int64" || dtype === "int8" ? [false] : [false, true]) {
          const stridesX = turnedX ? [rows * depth, 1, rows] : [rows * depth, depth, 1]
          const stridesY = turnedY ? [depth * columns, 1, depth] : [depth * columns, columns, 1]
          const kernel: MatmulKernel = {
            kind: "matmul",
            batch: 1,
            dtype,
            precision,
            epilogue: fused
              ? {
                  inputs: [{ dtype, access: "unit" }],
                  scalars: ["float32"],
                  body: result(0, type).add(input(0, dtype).cast(type)).mul(scalar(0, "float32").cast(type)),
                }
              : null,
          }
          const bias = operand(
            dtype,
            [batches, rows, columns],
            count(columns).map((n) => n % 3),
            [0, 0, 1],
          )
          const views = [
            operand(dtype, [batches, rows, depth], [...x, 0], stridesX),
            operand(dtype, [batches, depth, columns], [...y, 0], stridesY),
            ...(fused ? [bias] : []),
            operand(
              dtype,
              [batches, rows, columns],
              count(batches * rows * columns).map(() => 7),
            ),
          ]
          const at = (values: readonly number[], strides: readonly number[], ...index: number[]): number =>
            values[index.reduce((sum, i, d) => sum + i * strides[d], 0)]
          const want = count(batches * rows * columns).map((i) => {
            const n = i % columns
            const m = Math.floor(i / columns) % rows
            const z = Math.floor(i / columns / rows)
            const sum = count(depth).reduce((s, k) => s + at(x, stridesX, z, m, k) * at(y, stridesY, z, k, n), 0)
            return big(fused ? (sum + (n % 3)) * 2 : sum)
          })
          const limits = { target, multiprocessors, sharedBytes, warpgroups, tensorMaps }
          const { out } = run(kernel, [batches, rows, columns, depth], views, fused ? [2] : [], limits)
          expect(out[views.length - 1].map((v) => (typeof v === "number" ? v + 0 : v))).toEqual(
            want.map((v) => (typeof v === "number" ? v + 0 : v)),
          )
        }
    })
  },
)

it("a long depth is not split where most multiprocessors have a block anyway", () => {
  const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "bfloat16", epilogue: null }
  const launchesOf = (rows: number, depth: number) => {
    const operands = [
      { offset: 0, sizes: [rows, depth], strides: [depth, 1] },
      { offset: 0, sizes: [depth, 2048], strides: [2048, 1] },
      { offset: 0, sizes: [rows, 2048], strides: [2048, 1] },
    ]
    const limits = { target: 90, multiprocessors: 132, ...HOPPER }
    const { launches } = plannerOf(kernel, limits).plan({ sizes: [rows, 2048, depth], operands, scalars: [] })
    return launches.map((launch) => ("module" in launch ? launch.blocks : null))
  }
  expect(launchesOf(2048, 2048)).toEqual([[128, 1, 1]])
  // Three parts of 72 tiles take two thirds of the time.
  expect(launchesOf(9 * 128, 4096)).toEqual([[72, 3, 1], expect.anything()])
  expect(launchesOf(512, 4096)).toHaveLength(2)
})

it("a long depth is brought by the tensor memory accelerator in parts", () => {
  const [rows, columns, depth] = [72, 72, 2096]
  const [x, y] = [small(rows * depth, 7919, 3), small(depth * columns, 104729, 3)]
  const views = [
    operand("float16", [rows, depth], x),
    operand("float16", [depth, columns], y),
    operand("float16", [rows, columns], count(rows * columns)),
  ]
  const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "float16", epilogue: null }
  const limits = { target: 90, multiprocessors: 2, ...HOPPER }
  const { out, launches } = run(kernel, [rows, columns, depth], views, [], limits)
  expect(launches).toBe(2)
  const want = count(rows * columns).map((i) => {
    const [m, n] = [Math.floor(i / columns), i % columns]
    let sum = 0
    for (let k = 0; k < depth; k++) sum += x[m * depth + k] * y[k * columns + n]
    return sum
  })
  expect(out[2].map((v) => Number(v) + 0)).toEqual(want)
})

/** Batches that a tensor map tells of in one dim or not at all, and a factor that all batches share. */
describe("batches for the tensor memory accelerator", () => {
  const [heads, rows, columns, depth] = [3, 72, 72, 40]
  const kernel: MatmulKernel = { kind: "matmul", batch: 2, dtype: "bfloat16", epilogue: null }
  const limits = { target: 90, multiprocessors: 2, ...HOPPER }

  it.each([
    ["one after the other", [heads * rows * depth, rows * depth], true],
    ["between the rows", [heads * rows * depth, depth], false],
    ["shared", [0, 0], true],
  ] as const)("%s", (_, batchStrides, mapped) => {
    const rowStride = batchStrides[1] === depth ? heads * depth : depth
    const stridesX = [batchStrides[0] === 0 ? 0 : heads * rows * depth, batchStrides[1], rowStride, 1]
    const [x, y] = [small(2 * heads * rows * depth, 7919, 3), small(2 * heads * depth * columns, 104729, 3)]
    const views = [
      operand("bfloat16", [2, heads, rows, depth], x, stridesX),
      operand("bfloat16", [2, heads, depth, columns], y),
      operand("bfloat16", [2, heads, rows, columns], count(2 * heads * rows * columns)),
    ]
    const sizes = [2, heads, rows, columns, depth]
    const [launch] = plannerOf(kernel, { ...LIMITS, ...limits }).plan({ sizes, operands: views, scalars: [] }).launches
    expect("maps" in launch).toBe(mapped)
    const { out } = run(kernel, sizes, views, [], limits)
    const want = count(2 * heads * rows * columns).map((i) => {
      const [n, m] = [i % columns, Math.floor(i / columns) % rows]
      const z = Math.floor(i / columns / rows)
      const start = Math.floor(z / heads) * stridesX[0] + (z % heads) * stridesX[1] + m * stridesX[2]
      let sum = 0
      for (let k = 0; k < depth; k++) sum += x[start + k] * y[(z * depth + k) * columns + n]
      return sum + 0
    })
    expect(out[2].map((v) => Number(v) + 0)).toEqual(want)
  })
})

describe("tiles whose copies go on meanwhile", () => {
  const textOf = (rows: number, columns: number, limits: Partial<DeviceLimits>, strides = [1024, 1]): string => {
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "bfloat16", epilogue: null }
    const place = (sizes: number[], s = [sizes[1], 1]) => ({ offset: 0, sizes, strides: s })
    const operands = [place([rows, 1024], strides), place([1024, columns]), place([rows, columns])]
    const all = { ...LIMITS, sharedBytes: 227 * 1024, target: 90, multiprocessors: 132, ...limits }
    const { launches } = plannerOf(kernel, all).plan({ sizes: [rows, columns, 1024], operands, scalars: [] })
    const [launch] = launches
    return "module" in launch ? launch.module.ptx : ""
  }

  it("are used where both factors are read in pieces", () => {
    expect(textOf(512, 512, {})).toContain("cp.async.cg")
    expect(textOf(512, 512, {}, [1025, 1])).not.toContain("cp.async")
    expect(textOf(512, 512, { target: 75 })).not.toContain("cp.async")
    expect(textOf(4096, 4096, { sharedBytes: 64 * 1024 })).not.toContain("cp.async")
  })

  it("are multiplied by warpgroups where the device and its driver have these, and the tile is large", () => {
    const large = textOf(4096, 4096, { warpgroups: true })
    expect(large).toContain("wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16")
    expect(large.startsWith(".version 8.0\n.target sm_90a\n")).toBe(true)
    expect(textOf(2048, 2048, { warpgroups: true })).toContain("m64n128k16")
    expect(textOf(512, 512, { warpgroups: true })).not.toContain("wgmma")
    expect(textOf(4096, 4096, {})).not.toContain("wgmma")
  })

  it("have indices of 32 bits however many products there are, as long as no operand is that large", () => {
    const few = { multiprocessors: 4 }
    expect(textOf(4096, 4096, few)).toBe(textOf(1024, 1024, few))
  })

  it("are copied by the tensor memory accelerator where tensor maps can tell of both factors", () => {
    const hopper = { warpgroups: true, tensorMaps: true }
    for (const rows of [4096, 2048]) {
      const text = textOf(rows, rows, hopper)
      expect(text).toContain("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes")
      expect(text).toMatch(/\.param \.align 64 \.b8 params/)
      expect(text).not.toContain("cp.async.cg")
    }
    expect(textOf(512, 512, hopper)).not.toContain("bulk")
    // All rows are the same one.
    expect(textOf(4096, 4096, hopper, [0, 1])).not.toContain("bulk")
  })

  it("have no races in shared memory", async () => {
    const [rows, columns, depth] = [136, 264, 392]
    const [x, y] = [small(rows * depth, 7919, 3), small(depth * columns, 104729, 3)]
    const want = count(rows * columns).map((i) => {
      const [m, n] = [Math.floor(i / columns), i % columns]
      let sum = 0
      for (let k = 0; k < depth; k++) sum += x[m * depth + k] * y[k * columns + n]
      return STORED.bfloat16!(sum)
    })
    await withSettings({ RACES: "1" }, () => {
      for (const [warpgroups, tensorMaps] of [
        [true, true],
        [true, false],
        [false, false],
      ]) {
        const views = [
          operand("bfloat16", [rows, depth], x),
          operand("bfloat16", [depth, columns], y),
          operand("bfloat16", [rows, columns], count(rows * columns)),
        ]
        const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "bfloat16", epilogue: null }
        const limits = { target: 90, multiprocessors: 1, sharedBytes: 227 * 1024, warpgroups, tensorMaps }
        const { out } = run(kernel, [rows, columns, depth], views, [], limits)
        expect(out[2].map((v) => Number(v) + 0)).toEqual(want.map((v) => Number(v) + 0))
      }
    })
  })
})

it("a long epilogue is a kernel of its own", () => {
  let body = result(0, "float32")
  for (const k of count(20)) body = body.add(k).mul(1.5).sub(k)
  const kernel: MatmulKernel = {
    kind: "matmul",
    batch: 0,
    dtype: "float32",
    epilogue: { inputs: [], scalars: [], body },
  }
  const [x, y] = [small(40 * 5, 7919, 3), small(5 * 30, 104729, 3)]
  const views = [
    operand("float32", [40, 5], x),
    operand("float32", [5, 30], y),
    operand("float32", [40, 30], count(1200)),
  ]
  const { out, launches } = run(kernel, [40, 30, 5], views)
  expect(launches).toBe(2)
  const want = count(1200).map((i) => {
    let sum = count(5).reduce((s, k) => s + x[Math.floor(i / 30) * 5 + k] * y[k * 30 + (i % 30)], 0)
    for (const k of count(20)) sum = Math.fround(Math.fround(Math.fround(sum + k) * 1.5) - k)
    return sum
  })
  expect(out[2]).toEqual(want)
})

describe("float32 that may be rounded", () => {
  const [rows, columns, depth] = [24, 40, 120]
  const fractions = (n: number, seed: number): number[] =>
    count(n).map((i) => Math.fround(Math.sin(seed + i * 12.9898) * 4 ** (i % 3)))
  const [x, y] = [fractions(rows * depth, 1), fractions(depth * columns, 2)]
  const multiplied = (
    precision: MatmulKernel["precision"],
    target: number,
    m = rows,
    limits: Partial<DeviceLimits> = {},
    /** Whether the second factor lies as weights of linear layers do. */
    turned = false,
  ): number[] => {
    const turnedY = count(depth * columns).map((i) => y[(i % depth) * columns + Math.floor(i / depth)])
    const views = [
      operand("float32", [m, depth], x.slice(0, m * depth)),
      turned ? operand("float32", [depth, columns], turnedY, [1, depth]) : operand("float32", [depth, columns], y),
      operand("float32", [m, columns], new Array(m * columns).fill(7)),
    ]
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "float32", epilogue: null, precision }
    return run(kernel, [m, columns, depth], views, [], { target, ...limits }).out[2].map(Number)
  }
  /** Of each result: Σ a·b of factors that `of` changes, and Σ |a·b|. */
  const sums = (of: (value: number) => number): { readonly sum: number; readonly magnitude: number }[] =>
    count(rows * columns).map((i) => {
      const products = count(depth).map(
        (k) => of(x[Math.floor(i / columns) * depth + k]) * of(y[k * columns + (i % columns)]),
      )
      const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
      return { sum: total(products), magnitude: total(products.map(Math.abs)) }
    })
  const worst = (values: readonly number[], of: (value: number) => number): number =>
    Math.max(...sums(of).map(({ sum, magnitude }, i) => Math.abs(values[i] - sum) / magnitude))
  /** To 11 significant bits, ties away from zero. */
  const toTf32 = (value: number): number => {
    const [word] = new Uint32Array(new Float32Array([value]).buffer)
    return new Float32Array(new Uint32Array([(word + 0x1000) & 0xffffe000]).buffer)[0]
  }

  const exact = multiplied(undefined, 75)

  it.each(["high", "medium"] as const)("is rounded to TF32's 11 bits for %s", (precision) => {
    const values = multiplied(precision, 80)
    const error = worst(values, (value) => value)
    // Each factor is off by 2^-11 of itself at most.
    expect(error).toBeLessThan(2 ** -10)
    expect(error).toBeGreaterThan(2 ** -18)
    // Of rounded factors products are exact, and what sums lose is of float32.
    expect(worst(values, toTf32)).toBeLessThan(2 ** -20)
  })

  it.each(["tma", "wgmma"] as const)("may be cut off by warpgroups for medium: %s", (by) => {
    const tile = { rows: 128, columns: 128, warpsDown: 8, warpsAcross: 1, by, stages: 4 }
    const limits = { ...HOPPER, multiprocessors: 1, tuning: { tile } }
    const values = multiplied("medium", 90, rows, limits, true)
    // Each factor is off by 2^-10 of itself at most.
    expect(worst(values, (value) => value)).toBeLessThan(2 ** -9)
    const cutOff = (value: number): number => {
      const [word] = new Uint32Array(new Float32Array([value]).buffer)
      return new Float32Array(new Uint32Array([word & 0xffffe000]).buffer)[0]
    }
    expect(worst(values, cutOff)).toBeLessThan(2 ** -20)
    // Rounded for high, and where words would have to be turned.
    for (const rounded of [multiplied("high", 90, rows, limits, true), multiplied("medium", 90, rows, limits)])
      expect(worst(rounded, toTf32)).toBeLessThan(2 ** -20)
  })

  it("stays exact where it is not asked for, and where there are no such tensor cores", () => {
    expect(worst(exact, (value) => value)).toBeLessThan(2 ** -20)
    expect(multiplied(undefined, 80)).toEqual(exact)
    expect(multiplied("high", 75)).toEqual(exact)
  })

  it("stays exact for few rows, which are not computed in tiles", () => {
    expect(multiplied("high", 80, 3)).toEqual(multiplied(undefined, 75, 3))
  })

  it("passes on what is no number, and what is infinite", () => {
    const [nan, infinite] = [Number.NaN, Number.POSITIVE_INFINITY]
    const kernel: MatmulKernel = { kind: "matmul", batch: 0, dtype: "float32", epilogue: null, precision: "high" }
    const views = [
      operand("float32", [8, 1], [nan, infinite, -infinite, 1, 0, 2, 3, 4]),
      operand("float32", [1, 8], [1, 2, 0, infinite, -1, nan, 1, 1]),
      operand("float32", [8, 8], new Array(64).fill(7)),
    ]
    const want = views[0].values.flatMap((a) => views[1].values.map((b) => Number(a) * Number(b) + 0))
    expect(run(kernel, [8, 8, 1], views, [], { target: 80 }).out[2].map((v) => Number(v) + 0)).toEqual(want)
  })
})
