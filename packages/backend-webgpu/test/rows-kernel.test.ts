/** Rows on the software GPU, shared out in every way. */
import { type DType, type Expr, index, input, left, type RowsKernel, result, right, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { rowsPlanner } from "../src/emit-rows.ts"
import type { GpuLimits } from "../src/program.ts"
import { shareRows } from "../src/rows-plan.ts"
import { backend, count, empty, launched, unit } from "./harness.ts"

const F32 = "float32"

/** Whether long lists agree, and else the first place where they do not: lists that differ throughout take minutes to show. */
function expectSame(found: readonly unknown[], expected: readonly unknown[]): void {
  const at = expected.findIndex((x, i) => x !== found[i])
  expect([found.length, at, found[at]]).toEqual([expected.length, -1, undefined])
}

type Monoid = RowsKernel["stages"][number]

const sum = (lift: Expr): Monoid => ({
  accumulators: [F32],
  identity: [0],
  lift: [lift],
  combine: [left(0, F32).add(right(0, F32))],
})
const greatest = (lift: Expr): Monoid => ({
  accumulators: [F32],
  identity: [Number.NEGATIVE_INFINITY],
  lift: [lift],
  combine: [left(0, F32).max(right(0, F32))],
})

interface Choice {
  readonly rank?: number
  readonly reduced?: number
  readonly access?: "unit" | "strided"
  readonly dtype?: DType
}

/**
 * The distance from the greatest, as a share of the row's sum of such distances and 1; and for each row the greatest and
 * that sum. Whole numbers, and so exact in any order.
 */
function shares({ rank = 2, reduced = 1, access = "unit", dtype = F32 }: Choice = {}): RowsKernel {
  const x = input(0, dtype).cast(F32)
  const [top, total] = [result(0, F32), result(1, F32)]
  return {
    kind: "rows",
    rank,
    reduced,
    inputs: [unit(dtype, access)],
    outputs: [
      { dtype, access },
      { dtype: F32, access: "unit" },
      { dtype: F32, access: "unit" },
    ],
    scalars: [F32],
    stages: [greatest(x), sum(top.sub(x))],
    body: [top.sub(x).mul(scalar(0, F32)).add(total)],
    finish: [top, total],
  }
}

function sharesOf(values: readonly number[], factor: number): { all: number[]; top: number; total: number } {
  const top = Math.max(...values)
  const total = values.reduce((n, x) => n + top - x, 0)
  return { all: values.map((x) => (top - x) * factor + total), top, total }
}

/** Whole numbers of which even 100,000 have a sum that float32 holds. */
const small = (n: number): number[] => count(n).map((i) => (i * 7) % 11)

const SHAPES = [
  [1, 1],
  [5, 3],
  [300, 10],
  [3, 100],
  [7, 1000],
  [2, 3000],
  [1, 9001],
  [3, 8300],
] as const

describe("two stages, of which the second uses the first", () => {
  it.each(SHAPES)("%i rows of %i", async (rows, length) => {
    const values = small(rows * length)
    const views = [
      { dtype: F32, values, sizes: [rows, length] } as const,
      empty(F32, [rows, length]),
      empty(F32, [rows]),
      empty(F32, [rows]),
    ]
    const [, all, top, total] = await launched(backend, shares(), [rows, length], views, [2])
    const expected = count(rows).map((r) => sharesOf(values.slice(r * length, (r + 1) * length), 2))
    expectSame(
      all,
      expected.flatMap((e) => e.all),
    )
    expectSame(
      top,
      expected.map((e) => e.top),
    )
    expectSame(
      total,
      expected.map((e) => e.total),
    )
  })

  it.each([
    [3, 5],
    [300, 7],
    [20, 700],
    [3, 2600],
  ])("%i rows of %i, down the columns", async (rows, length) => {
    const values = small(rows * length)
    const down = [1, rows]
    const views = [
      { dtype: F32, values, sizes: [rows, length], strides: down } as const,
      { ...empty(F32, [rows, length]), strides: down },
      empty(F32, [rows]),
      empty(F32, [rows]),
    ]
    const [, all, top, total] = await launched(backend, shares({ access: "strided" }), [rows, length], views, [1])
    const expected = count(rows).map((r) =>
      sharesOf(
        count(length).map((i) => values[i * rows + r]),
        1,
      ),
    )
    expectSame(
      all,
      values.map((_, i) => expected[i % rows].all[Math.floor(i / rows)]),
    )
    expectSame(
      top,
      expected.map((e) => e.top),
    )
    expectSame(
      total,
      expected.map((e) => e.total),
    )
  })

  it("of several reduced dims, and without any that remain", async () => {
    // [row, a, b] of memory [a, row, b].
    const values = small(2 * 3 * 4)
    const strides = [4, 12, 1]
    const sizes = [3, 2, 4]
    const views = [
      { dtype: F32, values, sizes, strides } as const,
      { ...empty(F32, sizes), strides },
      empty(F32, [3]),
      empty(F32, [3]),
    ]
    const [, all, , total] = await launched(backend, shares({ rank: 3, reduced: 2 }), sizes, views, [1])
    const expected = count(3).map((r) =>
      sharesOf(
        count(8).map((i) => values[(i >> 2) * 12 + r * 4 + (i & 3)]),
        1,
      ),
    )
    expectSame(
      total,
      expected.map((e) => e.total),
    )
    expectSame(
      all,
      values.map((_, i) => expected[(i >> 2) % 3].all[(i >= 12 ? 4 : 0) + (i & 3)]),
    )

    const whole = [{ dtype: F32, values, sizes: [24] } as const, empty(F32, [24]), empty(F32, []), empty(F32, [])]
    const [, one, top] = await launched(backend, shares({ rank: 1 }), [24], whole, [1])
    expectSame(one, sharesOf(values, 1).all)
    expectSame(top, [10])
  })

  it("of no elements find what their identities are", async () => {
    const views = [
      { dtype: F32, values: [9], sizes: [2, 0] } as const,
      { dtype: F32, values: [9], sizes: [2, 0] } as const,
      { dtype: F32, values: [5, 5], sizes: [2] } as const,
      { dtype: F32, values: [5, 5], sizes: [2] } as const,
    ]
    const [, all, top, total] = await launched(backend, shares(), [2, 0], views, [1])
    expectSame(all, [9])
    expectSame(top, [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expectSame(total, [0, 0])
  })
})

describe("elements that share words", () => {
  it.each([
    ["float16", 5, 7, 1],
    ["float16", 4, 8, 0],
    ["bfloat16", 3, 1, 1],
    ["float16", 3, 601, 1],
    ["uint8", 5, 3, 1],
    ["uint8", 4, 8, 4],
    ["uint8", 3, 2049, 3],
    ["float16", 1, 8401, 1],
  ] as const)("%s: %i rows of %i, from element %i on", async (dtype, rows, length, offset) => {
    // Small enough for every type to hold the results.
    const values = count(rows * length).map((i) => (i % 61 === 0 ? 0 : 1))
    const around = new Array<number>(offset).fill(77)
    const kernel: RowsKernel = {
      ...shares({ dtype }),
      body: [result(0, F32).sub(input(0, dtype).cast(F32)).add(3)].map((e) => (dtype === "uint8" ? e.cast(dtype) : e)),
    }
    const sizes = [rows, length]
    const views = [
      { dtype, values: [...around, ...values], sizes, offset },
      { dtype, values: new Array<number>(offset + rows * length + 5).fill(77), sizes, offset },
      empty(F32, [rows]),
      empty(F32, [rows]),
    ]
    const [, all] = await launched(backend, kernel, sizes, views, [1])
    const tops = count(rows).map((r) => Math.max(...values.slice(r * length, (r + 1) * length)))
    const inside = values.map((x, i) => tops[Math.floor(i / length)] - x + 3)
    expectSame(all, [...around, ...inside, 77, 77, 77, 77, 77])
  })

  it("rows whose elements are not side by side", async () => {
    const values = count(15).map((i) => i % 4)
    const strides = [1, 5]
    const views = [
      { dtype: "float16", values, sizes: [5, 3], strides } as const,
      { ...empty("float16", [5, 3]), strides },
      empty(F32, [5]),
      empty(F32, [5]),
    ]
    const kernel = shares({ dtype: "float16", access: "strided" })
    const [, all, top] = await launched(backend, kernel, [5, 3], views, [1])
    const expected = count(5).map((r) =>
      sharesOf(
        count(3).map((i) => values[i * 5 + r]),
        1,
      ),
    )
    expectSame(
      all,
      values.map((_, i) => expected[i % 5].all[Math.floor(i / 5)]),
    )
    expectSame(
      top,
      expected.map((e) => e.top),
    )
  })
})

it("accumulators of several types, other inputs, and the numbers of elements", async () => {
  // The last place of a 1 in x, where w is added once for each row; n counts the elements.
  const kernel: RowsKernel = {
    kind: "rows",
    rank: 2,
    reduced: 1,
    inputs: [unit(F32), unit("int32", "broadcast"), unit(F32)],
    outputs: [
      { dtype: F32, access: "unit" },
      { dtype: "int32", access: "unit" },
      { dtype: "bool", access: "unit" },
    ],
    scalars: [],
    stages: [
      {
        accumulators: ["int32", "bool"],
        identity: [-1, 0],
        lift: [index(1).mul(input(0, F32).cast("int32")), input(0, F32).eq(0)],
        combine: [left(0, "int32").max(right(0, "int32")), left(1, "bool").or(right(1, "bool"))],
      },
      sum(result(0, "int32").add(input(1, "int32")).cast(F32)),
    ],
    body: [result(2, F32).add(input(2, F32)).add(index(0).cast(F32))],
    finish: [result(0, "int32").add(index(0)), result(1, "bool")],
  }
  const [rows, length] = [3, 70]
  const ones = count(rows * length).map((i) => (i % 70 === (i < 70 ? 69 : 5) ? 1 : i < 140 ? 0 : 1))
  const add = [10, 20, 30]
  const more = small(length)
  const views = [
    { dtype: F32, values: ones, sizes: [rows, length] } as const,
    { dtype: "int32", values: add, sizes: [rows, length], strides: [1, 0] } as const,
    { dtype: F32, values: more, sizes: [rows, length], strides: [0, 1] } as const,
    empty(F32, [rows, length]),
    empty("int32", [rows]),
    empty("bool", [rows]),
  ]
  const [, , , all, places, zeros] = await launched(backend, kernel, [rows, length], views)
  const last = [69, 5, 69]
  expectSame(
    places,
    last.map((p, r) => p + r),
  )
  expectSame(zeros, [1, 1, 0])
  expectSame(
    all,
    ones.map((_, i) => {
      const r = Math.floor(i / length)
      return length * (last[r] + add[r]) + more[i % length] + r
    }),
  )
})

it("outputs of either kind alone", async () => {
  const views = [{ dtype: F32, values: small(20), sizes: [4, 5] } as const]
  const expected = count(4).map((r) => sharesOf(small(20).slice(r * 5, r * 5 + 5), 1))
  const { outputs, body, finish, ...rest } = shares()
  const whole: RowsKernel = { ...rest, outputs: outputs.slice(0, 1), body, finish: [] }
  expect((await launched(backend, whole, [4, 5], [...views, empty(F32, [4, 5])], [1]))[1]).toEqual(
    expected.flatMap((e) => e.all),
  )
  const found: RowsKernel = { ...rest, outputs: outputs.slice(1), body: [], finish }
  const empties = [empty(F32, [4]), empty(F32, [4])]
  const [, top, total] = await launched(backend, found, [4, 5], [...views, ...empties], [1])
  expect([top, total]).toEqual([expected.map((e) => e.top), expected.map((e) => e.total)])
})

it("a long sum errs no more than one in pairs", async () => {
  const n = 100_000
  const values = count(n).map((i) => Math.fround(0.1 + (i % 7) * 0.01))
  const { outputs, ...rest } = shares({ rank: 1 })
  const kernel: RowsKernel = {
    ...rest,
    outputs: outputs.slice(2),
    stages: [sum(input(0, F32))],
    body: [],
    finish: [result(0, F32)],
  }
  const [, sums] = await launched(backend, kernel, [n], [{ dtype: F32, values }, empty(F32, [])], [1])
  const exact = values.reduce((a, b) => a + b, 0)
  expect(Math.abs(Number(sums[0]) - exact) / exact).toBeLessThan(Math.log2(n) * 2 ** -24)
})

describe("how rows are shared out", () => {
  it("short rows: some or all invocations of a workgroup have a row each", () => {
    expect(shareRows(1000, 8, false, true)).toMatchObject({ lanes: 1, step: 1, segments: 1, groups: 4 })
    expect(shareRows(1000, 32, false, true)).toMatchObject({ lanes: 1, groups: 4 })
    expect(shareRows(100, 32, false, true)).toMatchObject({ lanes: 4, step: 1, groups: 2 })
    expect(shareRows(1000, 33, false, true)).toMatchObject({ lanes: 8, groups: 32 })
  })
  it("long rows: a workgroup each", () => {
    expect(shareRows(1000, 5000, false, true)).toMatchObject({ lanes: 256, segments: 1, span: 5000, groups: 1000 })
  })
  it("rows side by side: invocations that follow each other have different ones", () => {
    expect(shareRows(1000, 5000, true, true)).toMatchObject({ lanes: 16, step: 16, segments: 1, groups: 63 })
    expect(shareRows(3, 100, true, true)).toMatchObject({ lanes: 16, step: 16, groups: 1 })
  })
  it("few rows of very many elements: segments of whole words", () => {
    expect(shareRows(2, 100_001, false, true)).toMatchObject({ lanes: 256, segments: 32, span: 3128, groups: 64 })
    expect(shareRows(2, 100_001, false, false)).toMatchObject({ segments: 1, span: 100_001, groups: 2 })
    expect(shareRows(200, 100_001, false, true)).toMatchObject({ segments: 1 })
  })

  const limits: GpuLimits = {
    storageBindings: 8,
    invocations: 256,
    workgroupBytes: 16384,
    subgroups: 0,
    shaderF16: false,
    staging: true,
  }
  const plan = (storageBindings: number, length: number) => {
    const sizes = [1, length]
    const whole = { offset: 0, sizes, strides: [length, 1] }
    const one = { offset: 0, sizes: [1], strides: [1] }
    const launch = { sizes, operands: [whole, whole, one, one], scalars: [1] }
    return rowsPlanner(shares(), { ...limits, storageBindings }).plan(launch)
  }
  it("a dispatch for a row; where it is cut, one for each stage and one for the outputs", () => {
    expect(plan(8, 1000).dispatches.length).toBe(1)
    expect(plan(8, 100_000)).toMatchObject({ dispatches: { length: 3 }, temporaries: [4 * 2 * 48] })
  })
  it("nothing is cut where the tuples find no binding", () => {
    expect(plan(4, 100_000).dispatches.length).toBe(1)
  })
})

it("more accumulators than a workgroup's memory holds are not for one kernel", () => {
  const many = count(17).map(() => input(0, F32))
  const kernel: RowsKernel = {
    ...shares(),
    stages: [
      {
        accumulators: many.map(() => F32),
        identity: many.map(() => 0),
        lift: many,
        combine: many.map((_, k) => left(k, F32).add(right(k, F32))),
      },
    ],
  }
  expect(backend.supports(kernel)).toContain("workgroup")
  expect(backend.supports(shares())).toBe(true)
})
