/** Sums over workgroups by way of subgroups: of the GPU at hand, and of every other size. */
import { index, input, left, type MatmulKernel, type ReduceKernel, type RowsKernel, result, right } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { reducePlanner } from "../src/emit-reduce.ts"
import { rowsPlanner } from "../src/emit-rows.ts"
import { matmulPlanner } from "../src/matmul.ts"
import type { Planner } from "../src/planner.ts"
import type { GpuLimits } from "../src/program.ts"
import { withSubgroups } from "./emulated-subgroups.ts"
import { filled, launch, rowMajor } from "./gpu.ts"
import { backend, count, launched, reduceKernel, unit, where } from "./harness.ts"
import { LIMITS } from "./plan-runner.ts"

const F32 = "float32"
const SIZES = [4, 8, 16, 32, 64, 128]

/** Sums, the largest with its place (the first of equals), and whether any is 7: floats, integers and bools. */
const all = [right(1, F32), left(1, F32)] as const
const larger = all[0].gt(all[1]).or(all[0].eq(all[1]).and(right(2, "int32").lt(left(2, "int32"))))
const tuple = (place: 0 | 1) => ({
  accumulators: [F32, F32, "int32", "bool"] as const,
  identity: [0, Number.NEGATIVE_INFINITY, 2 ** 31 - 1, 0],
  lift: [input(0, F32), input(0, F32), index(place), input(0, F32).eq(7)],
  combine: [
    left(0, F32).add(right(0, F32)),
    where(larger, right(1, F32), left(1, F32)),
    where(larger, right(2, "int32"), left(2, "int32")),
    left(3, "bool").or(right(3, "bool")),
  ],
})
const finish = [result(0, F32), result(1, F32), result(2, "int32"), result(3, "bool")]
const output = (dtype: "float32" | "int32") => ({ dtype, access: "unit" }) as const
const tuples: ReduceKernel = reduceKernel({
  rank: 2,
  reduced: 1,
  inputs: [unit(F32)],
  outputs: [output(F32), output(F32), output("int32"), output("int32")],
  ...tuple(1),
  finish: [...finish.slice(0, 3), result(3, "bool").cast("int32")],
})

/** Every element less its row's sum, in two stages: of the row's elements, and of what is left of them. */
const centred: RowsKernel = {
  kind: "rows",
  rank: 2,
  reduced: 1,
  inputs: [unit(F32)],
  outputs: [output(F32), output(F32)],
  scalars: [],
  stages: [
    { accumulators: [F32], identity: [0], lift: [input(0, F32)], combine: [left(0, F32).add(right(0, F32))] },
    {
      accumulators: [F32],
      identity: [0],
      lift: [input(0, F32).sub(result(0, F32))],
      combine: [left(0, F32).add(right(0, F32))],
    },
  ],
  body: [input(0, F32).sub(result(0, F32))],
  finish: [result(1, F32)],
}

/** Whole numbers, so that every order gives the same. */
const numbers = (n: number): number[] => count(n).map((i) => ((i * 7) % 11) - 5)
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** What a plan gives with subgroups of a size, or without any (0): what is in each operand afterwards. */
async function ran(
  make: (limits: GpuLimits) => Planner,
  size: number,
  sizes: readonly number[],
  inputs: readonly { readonly values: readonly number[]; readonly sizes: readonly number[]; strides?: number[] }[],
  outputs: readonly (readonly [dtype: "float32" | "int32", sizes: readonly number[]])[],
): Promise<number[][]> {
  const planner = make({ ...LIMITS, subgroups: size })
  const { operands } = await launch(size === 0 ? planner : withSubgroups(planner, size), sizes, [
    ...inputs.map(({ values, ...view }) => ({ dtype: F32, values: Float32Array.from(values), ...view }) as const),
    ...outputs.map(([dtype, own]) => ({
      dtype,
      values: filled(
        dtype,
        Math.max(
          1,
          own.reduce((a, b) => a * b, 1),
        ),
        () => 99,
      ),
      sizes: own,
    })),
  ])
  return operands.slice(inputs.length).map((array) => [...(array as Float32Array)])
}

describe.each([0, ...SIZES])("subgroups of %i", (size) => {
  it.each([
    [3, 300],
    [2, 2100],
    [1, 9000],
  ])("reduce %i rows of %i", async (rows, length) => {
    const values = numbers(rows * length)
    values[length - 3] = 7
    const found = await ran(
      (limits) => reducePlanner(tuples, limits),
      size,
      [rows, length],
      [{ values, sizes: [rows, length] }],
      [
        [F32, [rows]],
        [F32, [rows]],
        ["int32", [rows]],
        ["int32", [rows]],
      ],
    )
    const row = count(rows).map((r) => values.slice(r * length, (r + 1) * length))
    expect(found).toEqual([
      row.map(total),
      row.map((each) => Math.max(...each)),
      row.map((each) => each.indexOf(Math.max(...each))),
      row.map((each) => Number(each.includes(7))),
    ])
  })

  it.each([
    [5, 20, false],
    [3, 700, false],
    [2, 5000, false],
    [40, 300, true],
    [3, 300, true],
  ])("walk %i rows of %i, side by side: %s", async (rows, length, neighbours) => {
    const values = numbers(rows * length)
    const strides = neighbours ? [1, rows] : [length, 1]
    const [centre, left_] = await ran(
      (limits) => rowsPlanner({ ...centred, inputs: [unit(F32, "strided")] }, limits),
      size,
      [rows, length],
      [{ values, sizes: [rows, length], strides }],
      [
        [F32, [rows, length]],
        [F32, [rows]],
      ],
    )
    const row = count(rows).map((r) => count(length).map((k) => values[r * strides[0] + k * strides[1]]))
    expect(centre).toEqual(row.flatMap((each) => each.map((x) => x - total(each))))
    expect(left_).toEqual(row.map((each) => total(each) - length * total(each)))
  })

  const product: MatmulKernel = { kind: "matmul", batch: 0, dtype: F32, epilogue: null }
  it.each([
    [1, 40, 300, true],
    [3, 9, 2100, true],
    [4, 70, 100, true],
    [2, 30, 5000, true],
    [1, 40, 300, false],
    [4, 300, 64, false],
    [2, 30, 5000, false],
  ])("multiply %i rows by %i columns, %i deep, along it: %s", async (m, n, k, along) => {
    const [a, b] = [numbers(m * k), numbers(k * n)]
    const strides = along ? [1, k] : [n, 1]
    const [got] = await ran(
      (limits) => matmulPlanner(product, limits),
      size,
      [m, n, k],
      [
        { values: a, sizes: [m, k], strides: rowMajor([m, k]) },
        { values: b, sizes: [k, n], strides },
      ],
      [[F32, [m, n]]],
    )
    const at = (i: number, j: number): number =>
      total(count(k).map((x) => a[i * k + x] * b[x * strides[0] + j * strides[1]]))
    expect(got).toEqual(count(m).flatMap((i) => count(n).map((j) => at(i, j))))
  })
})

describe("shaders use subgroups", () => {
  const uses = (subgroups: number, length: number): boolean => {
    const operands = [[1, length], [1], [1], [1], [1]].map((sizes) => ({ offset: 0, sizes, strides: rowMajor(sizes) }))
    const plan = reducePlanner(tuples, { ...LIMITS, subgroups }).plan({ sizes: [1, length], operands, scalars: [] })
    return plan.dispatches[0].shader.code.includes("enable subgroups")
  }
  it.each([
    [0, 300, false],
    [0, 3000, false],
    [64, 300, true],
    [128, 300, false],
    [128, 3000, true],
    [4, 100, false],
  ])("of up to %i for %i elements: %s, for all are to be full", (size, length, expected) => {
    expect(uses(size, length)).toBe(expected)
  })
})

describe("the GPU's own subgroups", () => {
  it("are used where it has them", () => {
    const { notes } = backend.capabilities
    expect(notes).toContain("subgroups")
  })

  it("give the same results each time", async () => {
    const values = count(100_000).map((i) => Math.fround(Math.sin(i)))
    const views = [
      { dtype: F32, values, sizes: [2, 50_000] } as const,
      { dtype: F32, values: [0, 0], sizes: [2] } as const,
    ]
    const sum = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit(F32)],
      outputs: [output(F32)],
      accumulators: [F32],
      identity: [0],
      lift: [input(0, F32)],
      combine: [left(0, F32).add(right(0, F32))],
      finish: [result(0, F32)],
    })
    const runs = await Promise.all(count(3).map(async () => (await launched(backend, sum, [2, 50_000], views))[1]))
    expect(runs[1]).toEqual(runs[0])
    expect(runs[2]).toEqual(runs[0])
    const exact = [0, 1].map((r) => total(values.slice(r * 50_000, (r + 1) * 50_000)))
    runs[0].forEach((got, r) => expect(Math.abs(Number(got) - exact[r])).toBeLessThan(1e-3))
  })
})
