/** Rows on the emulated device: softmax with a second output, in every form. */
import { input, left, type RowsKernel, result, right, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { count } from "./harness.ts"
import { blank, operand, run } from "./plan-runner.ts"

const F32 = "float32"
const softmax = (access: "unit" | "strided"): RowsKernel => ({
  kind: "rows",
  rank: 2,
  reduced: 1,
  inputs: [
    { dtype: F32, access },
    { dtype: F32, access: "unit" },
  ],
  outputs: [
    { dtype: F32, access },
    { dtype: F32, access: "unit" },
  ],
  scalars: [F32],
  stages: [
    {
      accumulators: [F32],
      identity: [Number.NEGATIVE_INFINITY],
      lift: [input(0, F32)],
      combine: [left(0, F32).max(right(0, F32))],
    },
    {
      accumulators: [F32],
      identity: [0],
      lift: [input(0, F32).sub(result(0, F32)).exp()],
      combine: [left(0, F32).add(right(0, F32))],
    },
  ],
  body: [
    input(0, F32)
      .sub(result(0, F32))
      .exp()
      .div(result(1, F32))
      .add(input(1, F32).mul(scalar(0, F32))),
  ],
  finish: [result(0, F32).add(result(1, F32))],
})

describe.each(["rows", "columns"] as const)("down %s", (way) => {
  it.each([
    [1, 1],
    [5, 0],
    [5, 7],
    [3, 33],
    [9, 200],
    [3, 5000],
    [1, 20_000],
    [40, 100],
    [300, 3],
    [33, 3000],
  ])("%i of %i", (rows, length) => {
    const columns = way === "columns"
    const strides = columns ? [1, rows] : [length, 1]
    const values = count(rows * length).map((k) => ((k * 7919) % 13) / 4)
    const views = [
      operand(F32, [rows, length], [...values, 0], strides),
      operand(F32, [rows, length], [...count(length).map((e) => e % 3), 0], [0, 1]),
      operand(
        F32,
        [rows, length],
        count(rows * length + 1).map(() => 0),
        strides,
      ),
      blank(F32, [rows]),
    ]
    const placeOf = (r: number, e: number): number => (columns ? e * rows + r : r * length + e)
    const { out } = run(softmax(columns ? "strided" : "unit"), [rows, length], views, [2])
    for (const r of count(rows)) {
      const row = count(length).map((e) => values[placeOf(r, e)])
      const most = row.reduce((x, y) => Math.max(x, y), Number.NEGATIVE_INFINITY)
      const sum = row.reduce((total, x) => total + Math.exp(x - most), 0)
      expect(out[3][r]).toBeCloseTo(most + sum, 2)
      const errors = row.map((x, e) =>
        Math.abs(Number(out[2][placeOf(r, e)]) - (Math.exp(x - most) / sum + 2 * (e % 3))),
      )
      expect(Math.max(0, ...errors)).toBeLessThan(1e-6)
    }
    // What lies behind the last element stays.
    expect(out[2][rows * length]).toBe(0)
  })
})

it.each([
  [3, 2, 8],
  [2, 9, 100],
  [2, 3, 7],
])("of two dims, [%i, %i, %i], one of the outputs strided", (c, n, hw) => {
  const values = count(c * n * hw).map((k) => ((k * 7919) % 13) - 6)
  const kernel: RowsKernel = {
    kind: "rows",
    rank: 3,
    reduced: 2,
    inputs: [{ dtype: F32, access: "unit" }],
    outputs: [
      { dtype: F32, access: "unit" },
      { dtype: F32, access: "strided" },
    ],
    scalars: [],
    stages: [
      {
        accumulators: [F32],
        identity: [Number.NEGATIVE_INFINITY],
        lift: [input(0, F32)],
        combine: [left(0, F32).max(right(0, F32))],
      },
    ],
    body: [input(0, F32).sub(result(0, F32)), input(0, F32)],
    finish: [],
  }
  const strides = [hw, c * hw, 1]
  const views = [
    operand(F32, [c, n, hw], values, strides),
    blank(F32, [c, n, hw], strides),
    blank(F32, [c, n, hw], [n * hw, 1, n]),
  ]
  const { out } = run(kernel, [c, n, hw], views)
  const rowOf = (k: number): number => Math.floor(k / hw) % c
  const largest = count(c).map((r) => Math.max(...values.filter((_, k) => rowOf(k) === r)))
  expect(out[1]).toEqual(values.map((value, k) => value - largest[rowOf(k)]))
  const at = (k: number): number => rowOf(k) * n * hw + Math.floor(k / (c * hw)) + (k % hw) * n
  for (const [k, value] of values.entries()) expect(out[2][at(k)]).toBe(value)
})
