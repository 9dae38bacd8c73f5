/** Reductions on the emulated device, shared out in every way. */
import { type DType, index, input, left, type ReduceKernel, result, right } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { shareRows } from "../src/row-teams.ts"
import { count, reduceKernel, where } from "./harness.ts"
import { blank, LIMITS, operand, run } from "./plan-runner.ts"

const sumOf = (dtype: DType, access: "unit" | "strided"): ReduceKernel => {
  const type = dtype === "float16" ? "float32" : dtype
  return reduceKernel({
    rank: 2,
    reduced: 1,
    inputs: [{ dtype, access }],
    outputs: [{ dtype: type, access: "unit" }],
    accumulators: [type],
    identity: [type === "int64" ? 0n : 0],
    lift: [dtype === "float16" ? input(0, dtype).cast("float32") : input(0, type)],
    combine: [left(0, type).add(right(0, type))],
    finish: [result(0, type)],
  })
}

/** The largest and where it is, the first of equals. */
const [a, i, b, j] = [left(0, "float32"), left(1, "int32"), right(0, "float32"), right(1, "int32")]
const larger = b.gt(a).or(b.eq(a).and(j.lt(i)))
const argmax = (access: "unit" | "strided"): ReduceKernel =>
  reduceKernel({
    rank: 2,
    reduced: 1,
    inputs: [{ dtype: "float32", access }],
    outputs: [
      { dtype: "float32", access: "unit" },
      { dtype: "int32", access: "unit" },
    ],
    accumulators: ["float32", "int32"],
    identity: [Number.NEGATIVE_INFINITY, 2 ** 31 - 1],
    lift: [input(0, "float32"), index(1)],
    combine: [where(larger, b, a), where(larger, j, i)],
    finish: [result(0, "float32"), result(1, "int32")],
  })

/** Every form: threads, warps, blocks, columns, and those cut into segments; aligned rows and others. */
const SIZES = [
  [1, 1],
  [5, 0],
  [5, 7],
  [3, 33],
  [9, 200],
  [2, 1500],
  [3, 5001],
  [1, 20_000],
  [40, 100],
  [300, 3],
  [33, 3000],
] as const

describe.each(["rows", "columns"] as const)("down %s", (way) => {
  const access = way === "rows" ? "unit" : "strided"
  const strides = (rows: number, length: number): number[] => (way === "rows" ? [length, 1] : [1, rows])
  const placeOf = (rows: number, length: number, r: number, e: number): number =>
    way === "rows" ? r * length + e : e * rows + r

  describe.each(["float32", "float16", "int64", "int8"] as const)("sums of %s", (dtype) => {
    it.each(SIZES)("%i of %i", (rows, length) => {
      // Whole numbers, so that every order gives the same.
      const values = count(rows * length).map((k) => (k * 7919) % 3)
      const big = (x: number): number | bigint => (dtype === "int64" ? BigInt(x) : x)
      const views = [
        operand(dtype, [rows, length], [...values.map(big), big(0)], strides(rows, length)),
        blank(dtype === "float16" ? "float32" : dtype, [rows]),
      ]
      const sums = count(rows).map((r) =>
        count(length).reduce((sum, e) => sum + values[placeOf(rows, length, r, e)], 0),
      )
      const wrapped = sums.map((sum) => big(dtype === "int8" ? (sum << 24) >> 24 : sum))
      expect(run(sumOf(dtype, access), [rows, length], views).out[1]).toEqual(wrapped)
    })
  })

  it.each(SIZES.filter(([, length]) => length > 0))("the largest and its place: %i of %i", (rows, length) => {
    const values = count(rows * length).map((k) => (k * 7919) % 13)
    const views = [
      operand("float32", [rows, length], values, strides(rows, length)),
      blank("float32", [rows]),
      blank("int32", [rows]),
    ]
    const at = (r: number, e: number): number => values[placeOf(rows, length, r, e)]
    const best = count(rows).map((r) => count(length).reduce((most, e) => (at(r, e) > at(r, most) ? e : most), 0))
    const { out } = run(argmax(access), [rows, length], views)
    expect(out[2]).toEqual(best)
    expect(out[1]).toEqual(best.map((e, r) => at(r, e)))
  })
})

it.each([
  [3, 2, 8],
  [3, 5, 12],
  [2, 40, 60],
  [3, 5, 7],
  [2, 30, 200],
])("down two dims of [%i, %i, %i], 16 bytes at a time where rows are aligned", (c, n, hw) => {
  const kernel = { ...sumOf("float32", "unit"), rank: 3, reduced: 2 } as ReduceKernel
  const values = count(c * n * hw).map((k) => (k * 7919) % 13)
  // [n, c, hw] with c first.
  const views = [operand("float32", [c, n, hw], values, [hw, c * hw, 1]), blank("float32", [c])]
  const sums = new Array<number>(c).fill(0)
  for (const [k, value] of values.entries()) sums[Math.floor(k / hw) % c] += value
  expect(run(kernel, [c, n, hw], views).out[1]).toEqual(sums)
})

it("all forms are among these, and segments too", () => {
  const shares = SIZES.flatMap(([rows, length]) =>
    [false, true].map((columns) => shareRows(rows, length, columns, LIMITS.multiprocessors)),
  )
  expect(new Set(shares.map(({ form }) => form))).toEqual(new Set(["thread", "lanes", "warp", "block", "columns"]))
  for (const form of ["block", "columns"])
    expect(shares.some((share) => share.form === form && share.segments > 1)).toBe(true)
})

it("many numbers of float32 are summed as well as in pairs", () => {
  const n = 1 << 18
  const values = count(n).map((k) => Math.fround(Math.sin(k) + 1))
  const exact = values.reduce((sum, x) => sum + x, 0)
  const views = [operand("float32", [1, n], values), blank("float32", [1])]
  const [sum] = run(sumOf("float32", "unit"), [1, n], views).out[1] as number[]
  expect(Math.abs(sum - exact) / exact).toBeLessThan(2 ** -24 * Math.log2(n))
})
