/** Scans: four rows at a time, from either end. */
import {
  type DType,
  index,
  input,
  left,
  type Monoid,
  type OutputType,
  result,
  right,
  type ScanKernel,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, count, empty, launch, rowMajor, unit, type Value, type View, where } from "./harness.ts"
import { argmax, monoid, sum } from "./monoids.ts"

const scan = (
  rank: number,
  dtype: DType,
  m: Monoid,
  reverse = false,
  access: "unit" | "strided" = "unit",
): ScanKernel => ({
  kind: "scan",
  rank,
  inputs: [unit(dtype, access)],
  outputs: [{ dtype, access }],
  scalars: [],
  reverse,
  ...m,
  finish: [result(0, m.accumulators[0])],
})

const running = (values: readonly number[]): number[] => {
  let total = 0
  return values.map((v) => (total += v))
}

describe.each(backends)("scan, %s", (_, backend) => {
  it("sums rows of any number and length, both ways, and touches nothing beside them", () => {
    for (const rows of [1, 2, 3, 4, 5, 9])
      for (const run of [0, 1, 2, 3, 4, 5, 8, 33])
        for (const reverse of [false, true]) {
          const values = count(rows * run, 1)
          const views: View[] = [
            { dtype: "float32", values },
            { dtype: "float32", values: count(rows * run + 9).map(() => -7), offset: 1, sizes: [rows, run] },
          ]
          const got = launch(backend, scan(2, "float32", sum("float32"), reverse), [rows, run], views)[1]
          const want = count(rows).flatMap((r) => {
            const row = values.slice(r * run, (r + 1) * run)
            return reverse ? running(row.reverse()).reverse() : running(row)
          })
          expect(got, `${rows} by ${run}`).toEqual([-7, ...want, ...count(8).map(() => -7)])
        }
  })

  it.each([0, 1, 3, 4])("follows any strides at rank %i", (rank) => {
    const sizes = [2, 3, 2, 5].slice(4 - rank)
    const n = sizes.reduce((a, b) => a * b, 1)
    const reversed = rowMajor([...sizes].reverse()).reverse()
    for (const reverse of [false, true]) {
      const views: View[] = [
        { dtype: "int32", values: count(n, 1), sizes, strides: reversed },
        {
          dtype: "int32",
          values: count(2 * n).map(() => -1),
          sizes,
          strides: rowMajor(sizes).map((s) => 2 * s),
          offset: 1,
        },
      ]
      const got = launch(backend, scan(rank, "int32", sum("int32"), reverse, "strided"), sizes, views)[1]
      const at = (i: number): number =>
        1 + rowMajor(sizes).reduce((x, s, d) => x + (Math.floor(i / s) % sizes[d]) * reversed[d], 0)
      const run = rank > 0 ? sizes[rank - 1] : 1
      const want = count(n / run).flatMap((r) => {
        const row = count(run).map((i) => at(r * run + i))
        return reverse ? running(row.reverse()).reverse() : running(row)
      })
      expect(got).toEqual(want.flatMap((v) => [-1, v]))
    }
  })

  it.each<[DType, Value[], Value[]]>([
    ["int8", [100, 100, 100], [100, -56, 44]],
    ["uint8", [200, 100, 1], [200, 44, 45]],
    ["int64", [2n ** 62n, 2n ** 62n, 5n], [2n ** 62n, -(2n ** 63n), -(2n ** 63n) + 5n]],
    ["float64", [0.1, 0.2, 0.3], [0.1, 0.1 + 0.2, 0.1 + 0.2 + 0.3]],
  ])("adds in %s", (dtype, values, want) => {
    const views: View[] = [{ dtype, values }, empty(dtype, [1, 3])]
    expect(launch(backend, scan(2, dtype, sum(dtype)), [1, 3], views)[1]).toEqual(want)
  })

  it("rounds half types once a result", () => {
    const kernel: ScanKernel = {
      ...scan(1, "float16", sum("float32", input(0, "float16").cast("float32"))),
      finish: [result(0, "float32").cast("float16")],
    }
    const views: View[] = [{ dtype: "float16", values: [2048, 1, 1, 1] }, empty("float16", [4])]
    expect(launch(backend, kernel, [4], views)[1]).toEqual([2048, 2048, 2050, 2052])
  })

  it("works in place", () => {
    const kernel: ScanKernel = {
      ...scan(2, "float32", sum("float32")),
      outputs: [{ dtype: "float32", access: "unit", aliases: 0 }],
    }
    const views: View[] = [
      { dtype: "float32", values: count(10, 1) },
      { dtype: "float32", values: count(10, 1), same: 0 },
    ]
    expect(launch(backend, kernel, [2, 5], views)[0]).toEqual([
      ...running([1, 2, 3, 4, 5]),
      ...running([6, 7, 8, 9, 10]),
    ])
  })

  it("keeps the order of a monoid that does not commute", () => {
    const last: Monoid = {
      accumulators: ["int32", "bool"],
      identity: [0, 0],
      lift: [input(0, "int32"), input(0, "int32").ne(0)],
      combine: [where(right(1, "bool"), right(0, "int32"), left(0, "int32")), left(1, "bool").or(right(1, "bool"))],
    }
    const views: View[] = [{ dtype: "int32", values: [0, 3, 0, 0, 5, 0] }, empty("int32", [1, 6])]
    expect(launch(backend, scan(2, "int32", last), [1, 6], views)[1]).toEqual([0, 3, 3, 3, 5, 5])
    expect(launch(backend, scan(2, "int32", last, true), [1, 6], views)[1]).toEqual([3, 3, 5, 5, 5, 0])
  })

  it("keeps float32 sums as exact as doubles", () => {
    const n = 20000
    const tenths: View[] = [{ dtype: "float32", values: count(n).map(() => 0.1) }, empty("float32", [1, n])]
    const got = launch(backend, scan(2, "float32", sum("float32")), [1, n], tenths)[1]
    expect(got[n - 1]).toBe(Math.fround(Math.fround(0.1) * n))
  })

  it("gives tuples, finished with inputs and coordinates", () => {
    const outputs: OutputType[] = ["float32", "int32", "float32", "int32"].map((dtype) => ({
      dtype: dtype as DType,
      access: "unit",
    }))
    const kernel: ScanKernel = {
      ...scan(2, "float32", argmax(1, true)),
      outputs,
      finish: [
        result(0, "float32"),
        result(1, "int32"),
        result(0, "float32").sub(input(0, "float32")),
        index(0).mul(10).add(index(1)),
      ],
    }
    const values = [1, 3, 2, 3, 5, 4, 4, 0]
    const views: View[] = [{ dtype: "float32", values }, ...outputs.map(({ dtype }) => empty(dtype, [2, 4]))]
    expect(launch(backend, kernel, [2, 4], views).slice(1)).toEqual([
      [1, 3, 3, 3, 5, 5, 5, 5],
      [0, 1, 1, 1, 0, 0, 0, 0],
      [0, 0, 1, 0, 0, 1, 1, 5],
      [0, 1, 2, 3, 10, 11, 12, 13],
    ])
  })

  it("keeps NaN from where it stands", () => {
    const views: View[] = [{ dtype: "float32", values: [1, NaN, 7, 2] }, empty("float32", [4])]
    expect(launch(backend, scan(1, "float32", monoid("float32", -Infinity, "max")), [4], views)[1]).toEqual([
      1,
      NaN,
      NaN,
      NaN,
    ])
  })
})
