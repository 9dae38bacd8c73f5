/** Scans on the emulated device: walked by threads, warps and blocks, and in parts. */
import { type DType, index, input, left, result, right, type ScanKernel } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { shareRows } from "../src/scan.ts"
import { count, where } from "./harness.ts"
import { blank, operand, run, runWide } from "./plan-runner.ts"

const scan = (
  dtype: DType,
  reverse: boolean,
  parts: Pick<ScanKernel, "accumulators" | "identity" | "lift" | "combine" | "finish">,
): ScanKernel => ({
  kind: "scan",
  rank: 2,
  reverse,
  inputs: [{ dtype, access: "unit" }],
  outputs: parts.finish.map((e) => ({ dtype: e.dtype as DType, access: "unit" })),
  scalars: [],
  ...parts,
})
const sums = (dtype: "float32" | "int64", reverse: boolean): ScanKernel =>
  scan(dtype, reverse, {
    accumulators: [dtype],
    identity: [dtype === "int64" ? 0n : 0],
    lift: [input(0, dtype)],
    combine: [left(0, dtype).add(right(0, dtype))],
    finish: [result(0, dtype)],
  })

const SIZES = [
  [1, 1],
  [5, 7],
  [3, 33],
  [9, 200],
  [2, 1500],
  [3, 5000],
  [1, 20_001],
  [2, 40_000],
  [5, 600],
  [40, 2048],
  [300, 3],
] as const

describe.each(["float32", "int64"] as const)("sums of %s", (dtype) => {
  it.each(SIZES.flatMap(([rows, length]) => [false, true].map((reverse) => [rows, length, reverse] as const)))(
    "%i rows of %i, reverse: %s",
    (rows, length, reverse) => {
      const values = count(rows * length).map((k) => (k * 7919) % 3)
      const big = (x: number): number | bigint => (dtype === "int64" ? BigInt(x) : x)
      const want = [...values]
      for (const r of count(rows)) {
        let sum = 0
        for (const e of count(length)) {
          const at = r * length + (reverse ? length - 1 - e : e)
          want[at] = sum += values[at]
        }
      }
      const views = [operand(dtype, [rows, length], values.map(big)), blank(dtype, [rows, length])]
      expect(run(sums(dtype, reverse), [rows, length], views).out[1]).toEqual(want.map(big))
    },
  )
})

describe("columns", () => {
  // Threads of a few rows, and more than there are; rows that are cut into parts, and not.
  it.each([
    [8, 9],
    [9, 700],
    [300, 70],
    [5000, 40],
  ])("%i of %i", (rows, length) => {
    const values = count(rows * length).map((k) => (k * 7919) % 5)
    for (const reverse of [false, true]) {
      const want = [...values]
      for (const r of count(rows)) {
        let sum = 0
        for (const e of count(length)) {
          const at = r + rows * (reverse ? length - 1 - e : e)
          want[at] = sum += values[at]
        }
      }
      const strided = { ...sums("float32", reverse), inputs: [{ dtype: "float32", access: "strided" }] } as ScanKernel
      const kernel = { ...strided, outputs: [{ dtype: "float32", access: "strided" }] } as ScanKernel
      const views = [operand("float32", [rows, length], values, [1, rows]), blank("float32", [rows, length], [1, rows])]
      expect(run(kernel, [rows, length], views).out[1]).toEqual(want)
    }
  })
  it("are read side by side, in parts that are enough for the machine", () => {
    const shares = [
      [2 ** 20, 64],
      [8192, 8192],
      [32, 2 ** 20],
      [1000, 9],
    ].map(([rows, length]) => shareRows(rows, length, true, { multiprocessors: 132 }, () => 8))
    expect(shares.map(({ team, parts }) => [team, parts])).toEqual([
      ["thread", 1],
      ["thread", 32],
      ["thread", 256],
      ["thread", 1],
    ])
  })
})

it.each(["float16", "uint8", "float64"] as const)(
  "%s, read 16 bytes at a time where rows are aligned, and not",
  (dtype) => {
    for (const [offset, stride] of [
      [0, 1600],
      [1, 1600],
      [16, 1601],
    ])
      for (const reverse of [false, true]) {
        const length = 1600
        const values = count(3 * 1601 + 16).map((k) => (k * 7919) % 2)
        const type = dtype === "float64" ? "float64" : dtype === "float16" ? "float32" : "int32"
        const kernel = scan(dtype, reverse, {
          accumulators: [type],
          identity: [0],
          lift: [input(0, dtype).cast(type)],
          combine: [left(0, type).add(right(0, type))],
          finish: [result(0, type).cast(dtype)],
        })
        const views = [operand(dtype, [3, length], values, [stride, 1], offset), blank(dtype, [3, length])]
        const want = count(3).flatMap((r) => {
          const row = values.slice(offset + r * stride, offset + r * stride + length)
          if (reverse) row.reverse()
          let sum = 0
          const sums = row.map((x) => (sum += x)).map((x) => (dtype === "uint8" ? x & 255 : x))
          return reverse ? sums.reverse() : sums
        })
        expect(run(kernel, [3, length], views).out[1]).toEqual(want)
      }
  },
)

it("64-bit indices give the same", () => {
  for (const [rows, length, columns] of [
    [300, 20, false],
    [9, 200, false],
    [2, 40_000, false],
    [40, 700, true],
  ] as const)
    for (const reverse of [false, true]) {
      const access = columns ? "strided" : "unit"
      const operands = { inputs: [{ dtype: "float32", access }], outputs: [{ dtype: "float32", access }] }
      const kernel = { ...sums("float32", reverse), ...operands } as ScanKernel
      const strides = columns ? [1, rows] : [length, 1]
      const values = count(rows * length).map((k) => (k * 7919) % 5)
      const views = [operand("float32", [rows, length], values, strides), blank("float32", [rows, length], strides)]
      expect(runWide(kernel, [rows, length], views).out[1]).toEqual(run(kernel, [rows, length], views).out[1])
    }
})

it("a sum that passes float32's range comes back", () => {
  const values = [3e38, 3e38, -3e38, 1]
  const views = [operand("float32", [1, 4], values), blank("float32", [1, 4])]
  expect(run(sums("float32", false), [1, 4], views).out[1]).toEqual(
    [3e38, Number.POSITIVE_INFINITY, 3e38, 3e38].map(Math.fround),
  )
})

it("the running largest and its place, and maps that do not commute", () => {
  const takeRight = left(1, "int32")
    .lt(0)
    .or(left(0, "int32").le(right(0, "int32")))
  const largest = scan("int32", false, {
    accumulators: ["int32", "int32"],
    identity: [-(2 ** 31), -1],
    lift: [input(0, "int32"), index(1)],
    combine: [
      where(takeRight, right(0, "int32"), left(0, "int32")),
      where(takeRight, right(1, "int32"), left(1, "int32")),
    ],
    finish: [result(0, "int32"), result(1, "int32")],
  })
  const affine = scan("int32", false, {
    accumulators: ["int32", "int32"],
    identity: [1, 0],
    lift: [input(0, "int32"), input(0, "int32").add(1)],
    combine: [left(0, "int32").mul(right(0, "int32")), right(0, "int32").mul(left(1, "int32")).add(right(1, "int32"))],
    finish: [result(1, "int32")],
  })
  for (const length of [30, 300, 6000]) {
    const values = count(length).map((k) => ((k * 7919) % 5) - 2)
    const x = operand("int32", [1, length], values)
    let best = 0
    const places = values.map((value, e) => (best = value >= values[best] ? e : best))
    const { out } = run(largest, [1, length], [x, blank("int32", [1, length]), blank("int32", [1, length])])
    expect(out[2]).toEqual(places)
    expect(out[1]).toEqual(places.map((e) => values[e]))
    let y = 0
    const want = values.map((v) => (y = (Math.imul(v, y) + v + 1) | 0))
    expect(run(affine, [1, length], [x, blank("int32", [1, length])]).out[1]).toEqual(want)
  }
})
