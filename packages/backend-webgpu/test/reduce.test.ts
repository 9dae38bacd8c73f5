/** Reductions on the software GPU, shared out in every way. */
import { index, input, left, type ReduceKernel, result, right } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { shareReduce } from "../src/emit-reduce.ts"
import type { GpuLimits } from "../src/program.ts"
import { backend, count, empty, launched, reduceKernel, unit, where } from "./harness.ts"

const F32 = "float32"
const sumOf = (rank: number, reduced: number, access: "unit" | "strided" = "unit"): ReduceKernel =>
  reduceKernel({
    rank,
    reduced,
    inputs: [unit(F32, access)],
    outputs: [{ dtype: F32, access: "unit" }],
    accumulators: [F32],
    identity: [0],
    lift: [input(0, F32)],
    combine: [left(0, F32).add(right(0, F32))],
    finish: [result(0, F32)],
  })

/** The largest and where it is, the first of equals: two accumulators and two outputs. */
const [value, at] = [0, 1]
const larger = right(value, F32)
  .gt(left(value, F32))
  .or(
    right(value, F32)
      .eq(left(value, F32))
      .and(right(at, "int32").lt(left(at, "int32"))),
  )
const argmax: ReduceKernel = reduceKernel({
  rank: 2,
  reduced: 1,
  inputs: [unit(F32)],
  outputs: [
    { dtype: F32, access: "unit" },
    { dtype: "int32", access: "unit" },
  ],
  accumulators: [F32, "int32"],
  identity: [Number.NEGATIVE_INFINITY, 2 ** 31 - 1],
  lift: [input(0, F32), index(1)],
  combine: [where(larger, right(value, F32), left(value, F32)), where(larger, right(at, "int32"), left(at, "int32"))],
  finish: [result(value, F32), result(at, "int32")],
})

const small = (n: number): number[] => count(n).map((i) => ((i * 7) % 11) - 5)
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

describe("sums, whole numbers so that every order gives the same", () => {
  it.each([
    [1, 1],
    [3, 5],
    [7, 127],
    [5, 128],
    [300, 129],
    [3, 2048],
    [2, 5000],
    [1, 100_003],
  ])("%i rows of %i", async (rows, length) => {
    const values = small(rows * length)
    const views = [{ dtype: F32, values, sizes: [rows, length] } as const, empty(F32, [rows])]
    const [, sums] = await launched(backend, sumOf(2, 1), [rows, length], views)
    expect(sums).toEqual(count(rows).map((r) => total(values.slice(r * length, (r + 1) * length))))
  })

  it.each([
    [3, 5],
    [1000, 7],
    [129, 4100],
    [5000, 3],
  ])("%i rows of %i, down the columns", async (rows, columns) => {
    const values = small(rows * columns)
    const view = { dtype: F32, values, sizes: [columns, rows], strides: [1, columns] } as const
    const [, sums] = await launched(backend, sumOf(2, 1, "strided"), [columns, rows], [view, empty(F32, [columns])])
    expect(sums).toEqual(count(columns).map((c) => total(count(rows).map((r) => values[r * columns + c]))))
  })

  it("of several reduced dims, and of none", async () => {
    const values = small(24)
    const view = { dtype: F32, values, sizes: [2, 3, 4] } as const
    expect((await launched(backend, sumOf(3, 2), [2, 3, 4], [view, empty(F32, [2])]))[1]).toEqual([
      total(values.slice(0, 12)),
      total(values.slice(12)),
    ])
    expect((await launched(backend, sumOf(3, 0), [2, 3, 4], [view, empty(F32, [2, 3, 4])]))[1]).toEqual(values)
  })

  it("of nothing are the identity", async () => {
    const view = { dtype: F32, values: [9], sizes: [3, 0] } as const
    const target = { dtype: F32, values: [1, 1, 1], sizes: [3] } as const
    expect((await launched(backend, sumOf(2, 1), [3, 0], [view, target]))[1]).toEqual([0, 0, 0])
  })
})

it.each([
  [3, 10],
  [2, 300],
  [1, 20_000],
])("tuples: the largest of %i rows of %i and its place", async (rows, length) => {
  const values = count(rows * length).map((i) => (i * 37) % 101)
  const views = [{ dtype: F32, values, sizes: [rows, length] } as const, empty(F32, [rows]), empty("int32", [rows])]
  const [, largest, places] = await launched(backend, argmax, [rows, length], views)
  const row = (r: number) => values.slice(r * length, (r + 1) * length)
  expect(largest).toEqual(count(rows).map((r) => Math.max(...row(r))))
  expect(places).toEqual(count(rows).map((r) => row(r).indexOf(Math.max(...row(r)))))
})

it("bool results lie four to a word", async () => {
  const any: ReduceKernel = reduceKernel({
    rank: 2,
    reduced: 1,
    inputs: [unit("bool")],
    outputs: [{ dtype: "bool", access: "unit" }],
    accumulators: ["bool"],
    identity: [0],
    lift: [input(0, "bool")],
    combine: [left(0, "bool").or(right(0, "bool"))],
    finish: [result(0, "bool")],
  })
  const values = [0, 0, 0, 1, 1, 0, 0, 0, 1, 1]
  const target = { dtype: "bool", values: [1, 1, 1, 1, 1, 1, 1], sizes: [5], offset: 1 } as const
  const [, result_] = await launched(backend, any, [5, 2], [{ dtype: "bool", values, sizes: [5, 2] }, target])
  expect(result_).toEqual([1, 0, 1, 1, 0, 1, 1])
})

it("a long sum errs no more than one in pairs", async () => {
  const n = 200_000
  const values = count(n).map((i) => Math.fround(0.1 + (i % 7) * 0.01))
  const [, sums] = await launched(backend, sumOf(1, 1), [n], [{ dtype: F32, values }, empty(F32, [])])
  const exact = total(values)
  expect(Math.abs(Number(sums[0]) - exact) / exact).toBeLessThan(Math.log2(n) * 2 ** -24)
})

describe("how outputs are shared out", () => {
  const limits: GpuLimits = {
    storageBindings: 8,
    invocations: 256,
    workgroupBytes: 16384,
    subgroups: 0,
    shaderF16: false,
    staging: true,
  }
  const share = (outputs: number, elements: number, neighbours = false) =>
    shareReduce(sumOf(2, 1), outputs, elements, neighbours, limits)

  it("few elements: an invocation for each output", () => {
    expect(share(10, 100)).toEqual({ lanes: 1, segments: 1 })
    expect(share(100_000, 1000, true)).toEqual({ lanes: 1, segments: 1 })
  })
  it("many elements: a workgroup for each output", () => {
    expect(share(1000, 500)).toEqual({ lanes: 64, segments: 1 })
    expect(share(1000, 5000)).toEqual({ lanes: 256, segments: 1 })
  })
  it("few outputs of very many elements: two stages", () => {
    expect(share(1, 10_000_000)).toMatchObject({ lanes: 256, segments: 64 })
    expect(share(1, 10_000).segments).toBe(5)
  })
  it("tuples that do not fit a workgroup's memory take smaller ones", () => {
    expect(shareReduce(argmax, 1000, 5000, false, { ...limits, workgroupBytes: 1024 }).lanes).toBe(64)
    expect(shareReduce(argmax, 1000, 5000, false, { ...limits, workgroupBytes: 256 }).lanes).toBe(1)
  })
})
