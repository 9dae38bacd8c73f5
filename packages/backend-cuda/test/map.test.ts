/** Maps on the emulated device: element by element and several at once, in 32-bit and in 64-bit indices. */
import {
  constant,
  type DType,
  decodeHalf,
  type Expr,
  encodeHalf,
  index,
  input,
  load,
  type MapKernel,
  scalar,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { elementsTogether, emitMap, mapPlanner, turnsOf } from "../src/emit-map.ts"
import { launchOf } from "../src/planner.ts"
import type { KernelLaunch } from "../src/program.ts"
import { count, mapKernel, unit } from "./harness.ts"
import { blank, LIMITS, operand, run, runPlan } from "./plan-runner.ts"

const out = (dtype: DType) => ({ dtype, access: "unit" }) as const
const strided = (dtype: DType) => ({ dtype, access: "strided" }) as const
const ALL: readonly DType[] = [
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "uint8",
  "int16",
  "int32",
  "int64",
  "bool",
]
const copyOf = (dtype: DType): MapKernel => {
  const half = dtype === "float16" || dtype === "bfloat16"
  return mapKernel(1, [unit(dtype)], [out(dtype)], [half ? input(0, dtype).cast("float32") : input(0, dtype)])
}
const valuesOf = (dtype: DType, n: number): (number | bigint)[] =>
  count(n).map((i) => (dtype === "int64" ? BigInt(i * 5) : dtype === "bool" ? i & 1 : (i * 5) % 100))

describe.each(ALL)("%s", (dtype) => {
  it.each([1, 3, 16, 255, 1024, 1027])("%i elements from aligned and other places on", (n) => {
    for (const offset of [0, 1, 16]) {
      const values = valuesOf(dtype, n + 16)
      const target = blank(dtype, [n + 16])
      const views = [operand(dtype, [n], values, [1], offset), operand(dtype, [n], target.values, [1], offset)]
      const [, result] = run(copyOf(dtype), [n], views).out
      expect(result).toEqual(target.values.map((zero, i) => (i >= offset && i < offset + n ? values[i] : zero)))
    }
  })
})

it("mixes dtypes, broadcasts and strides, with several outputs", () => {
  for (const [rows, columns] of [
    [3, 5],
    [4, 8],
    [7, 12],
  ]) {
    const n = rows * columns
    const kernel = mapKernel(
      2,
      [unit("int8"), strided("int16"), unit("int32", "broadcast")],
      [out("int64"), strided("uint8")],
      [
        input(0, "int8")
          .cast("int64")
          .mul(1000)
          .add(input(1, "int16").cast("int64"))
          .add(input(2, "int32").cast("int64")),
        index(0).mul(10).add(index(1)).cast("uint8"),
      ],
    )
    const views = [
      operand("int8", [rows, columns], count(n)),
      operand("int16", [rows, columns], count(n), [1, rows]),
      operand("int32", [rows, columns], count(rows, 5), [1, 0]),
      blank("int64", [rows, columns]),
      blank("uint8", [rows, columns], [1, rows]),
    ]
    const { out: results } = run(kernel, [rows, columns], views)
    const row = (i: number): number => Math.floor(i / columns)
    expect(results[3]).toEqual(count(n).map((i) => BigInt(i * 1000 + (i % columns) * rows + row(i) + 5 + row(i))))
    expect(results[4]).toEqual(count(n).map((i) => (i % rows) * 10 + Math.floor(i / rows)))
  }
})

it("in place, with scalars", () => {
  const kernel = mapKernel(
    1,
    [unit("float32")],
    [{ dtype: "float32", access: "unit", aliases: 0 }],
    [input(0, "float32").mul(scalar(0, "float32")).add(scalar(1, "int64").cast("float32"))],
    ["float32", "int64"],
  )
  const x = operand("float32", [7], count(7))
  // Input and output are one buffer to the plan, which binds the output alone.
  expect(run(kernel, [7], [x, x], [2, 3n]).out[1]).toEqual(count(7).map((i) => 2 * i + 3))
})

it("a load outside reads 0, and the first that is one is reported", () => {
  const kernel = mapKernel(
    1,
    [unit("int32"), { dtype: "float32", access: "load", rank: 1 }],
    [out("float32")],
    [load(1, "float32", [input(0, "int32")], "fault")],
  )
  const views = [
    operand("int32", [6], [0, 2, 1, -1, 2, 0]),
    operand("float32", [3], [10, 11, 12]),
    blank("float32", [6]),
  ]
  const { out: results, faults } = run(kernel, [6], views)
  expect(results[2]).toEqual([10, 12, 11, 0, 12, 10])
  // Claimed, operand, dim, coordinate, size, kernel.
  expect(faults).toEqual([1, 1, 0, -1, 3, 9, 0, 0])
})

describe("64-bit indices give the same", () => {
  it.each([1, 4])("%i at once", (together) => {
    const kernel = mapKernel(
      2,
      [unit("float32"), strided("int32"), { dtype: "float32", access: "load", rank: 2 }],
      [out("float32")],
      [
        input(0, "float32")
          .add(input(1, "int32").cast("float32"))
          .add(load(2, "float32", [index(1), index(0)], "fault")),
      ],
    )
    expect(elementsTogether(kernel)).toBe(4)
    const views = [
      operand("float32", [3, 8], count(24)),
      operand("int32", [3, 8], count(24), [-1, -3], 23),
      operand("float32", [8, 3], count(24, 100)),
      blank("float32", [3, 8]),
    ]
    const run = (wide: boolean) => {
      const launch = { sizes: [3, 8], operands: views, scalars: [], own: { units: 24 / together } }
      const emitted = emitMap(kernel, { together, turns: 1, tail: false }, wide)
      return runPlan({ launches: [launchOf(emitted, launch, [1, 1, 1])], temporaries: [] }, views)
    }
    const expected = count(24).map((i) => {
      const [r, c] = [Math.floor(i / 8), i % 8]
      return i + (23 - r - 3 * c) + 100 + 3 * c + r
    })
    for (const wide of [false, true]) {
      const { out: results, faults } = run(wide)
      expect(results[3]).toEqual(expected)
      expect(faults).toEqual(count(8).map(() => 0))
    }
  })
})

describe("several turns of a thread give the same", () => {
  const kernel = mapKernel(
    2,
    [unit("float32"), strided("int32")],
    [{ dtype: "float32", access: "unit", aliases: 0 }, out("bfloat16")],
    [
      input(0, "float32").add(input(1, "int32").cast("float32")),
      input(0, "float32").add(index(1).cast("float32")).cast("bfloat16"),
    ],
  )
  it.each([
    [1, 4],
    [4, 2],
    [4, 4],
  ])("%i at once, %i turns", (together, turns) => {
    // The last block has some of them only.
    const sizes = [13, 200]
    const n = 2600
    const values = count(n).map((k) => k % 4)
    const views = [
      operand("float32", sizes, values),
      operand("int32", sizes, count(n), [1, 13]),
      operand("float32", sizes, values),
      blank("bfloat16", sizes),
    ]
    for (const wide of [false, true]) {
      const units = n / together
      const launch = { sizes, operands: views, scalars: [], own: { units } }
      const emitted = emitMap(kernel, { together, turns, tail: false }, wide)
      const blocks = [Math.ceil(units / (256 * turns)), 1, 1] as const
      const { out: results } = runPlan({ launches: [launchOf(emitted, launch, blocks)], temporaries: [] }, views)
      // What the first output is an alias of is not read again.
      expect(results[2]).toEqual(values.map((x, i) => x + Math.floor(i / 200) + 13 * (i % 200)))
      expect(results[3]).toEqual(values.map((x, i) => x + (i % 200)))
    }
  })
  it("in large launches only, of kernels that are short and load nothing", () => {
    const copy = (dtype: DType) => mapKernel(1, [unit(dtype)], [out(dtype)], [input(0, dtype)])
    const turns = (["float32", "bfloat16", "uint8"] as const).map((dtype) => [
      turnsOf(copy(dtype), elementsTogether(copy(dtype))),
      turnsOf(copy(dtype), 1),
    ])
    expect(turns).toEqual([
      [2, 4],
      [2, 4],
      [2, 4],
    ])
    const gather = mapKernel(
      1,
      [unit("int32"), { dtype: "float32", access: "load", rank: 1 }],
      [out("float32")],
      [load(1, "float32", [input(0, "int32")], "fault")],
    )
    expect(turnsOf(gather, 4)).toBe(1)
    let long: Expr = input(0, "float32")
    for (const k of count(40)) long = long.mul(input(0, "float32")).add(constant(k, "float32"))
    expect(turnsOf(mapKernel(1, [unit("float32")], [out("float32")], [long]), 4)).toBe(1)
    const blocks = [4 * 8192 * 4 - 4, 4 * 8192 * 4].map((n) => {
      const view = { sizes: [n], strides: [1], offset: 0 }
      const [launch] = mapPlanner(copy("float32"), LIMITS).plan({ sizes: [n], operands: [view, view], scalars: [] })
        .launches as KernelLaunch[]
      return launch.blocks[0]
    })
    expect(blocks).toEqual([128, 64])
  })
})

describe.each(["float16", "bfloat16"] as const)("%s is rounded to the nearest, ties to even", (dtype) => {
  const tie = dtype === "float16" ? 2 ** -11 : 2 ** -8
  const some = [0, -0, 1 + tie, 1 + 3 * tie, 1 + tie * 1.001, -1 - tie, 3.4e38, -7e4, 1e-6, -1e-41]
  const values = [...some, 1 / 3, Math.PI, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 65519].map(
    Math.fround,
  )
  const exact = Array.from(decodeHalf(encodeHalf(values, dtype), dtype))
  const round = mapKernel(1, [unit("float32")], [out(dtype)], [input(0, "float32").cast(dtype)])
  // The rounded value is used too, and stored after what it was rounded from is gone.
  const doubled = input(0, "float32").cast(dtype)
  const twice = mapKernel(
    1,
    [unit("float32")],
    [out("float32"), out(dtype)],
    [doubled.cast("float32").mul(constant(2, "float32")), doubled],
  )
  it.each([75, 80, 90])("on compute capability %i / 10", (target) => {
    for (const n of [16, 15]) {
      const x = operand("float32", [n], values.slice(0, n))
      expect(run(round, [n], [x, blank(dtype, [n])], [], { target }).out[1]).toEqual(exact.slice(0, n))
      const { out: both } = run(twice, [n], [x, blank("float32", [n]), blank(dtype, [n])], [], { target })
      expect(both[1]).toEqual(exact.slice(0, n).map((y) => Math.fround(y * 2)))
      expect(both[2]).toEqual(exact.slice(0, n))
    }
    const view = { sizes: [16], strides: [1], offset: 0 }
    const [launch] = mapPlanner(round, { ...LIMITS, target }).plan({ sizes: [16], operands: [view, view], scalars: [] })
      .launches as KernelLaunch[]
    expect(launch.module.target).toBe(Math.min(80, target))
    expect(launch.module.ptx.includes(dtype === "float16" ? "cvt.rn.f16x2.f32" : "cvt.rn.bf16x2.f32")).toBe(
      target >= 80,
    )
  })
  it("and read, in pairs and alone", () => {
    const widen = mapKernel(1, [unit(dtype)], [out("float32")], [input(0, dtype).cast("float32")])
    for (const n of [16, 15])
      expect(run(widen, [n], [operand(dtype, [n], exact.slice(0, n)), blank("float32", [n])]).out[1]).toEqual(
        exact.slice(0, n),
      )
  })
})
