/** Sorts as launches: short and long rows, on views, with memory of their own and with threads. */
import type { DType } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, count, empty, launch, type Value, type View } from "./harness.ts"

/** Ascending: NaN last, equal ones as they stand. */
function order(values: readonly Value[], descending: boolean): number[] {
  const before = (a: Value, b: Value): boolean =>
    descending ? a > b || (a !== a && b === b) : a < b || (b !== b && a === a)
  return count(values.length).sort((i, j) =>
    before(values[i], values[j]) ? -1 : before(values[j], values[i]) ? 1 : i - j,
  )
}

const noise = (i: number): number => Math.round(Math.sin(i * 12.9898) * 400) / 4
const VALUE: Readonly<Partial<Record<DType, (i: number) => Value>>> = {
  float32: (i) => (i % 17 === 5 ? Number.NaN : i % 13 === 4 ? -Infinity : noise(i)),
  float16: (i) => (i % 17 === 5 ? Number.NaN : noise(i)),
  uint8: (i) => Math.abs(Math.round(noise(i))),
  int64: (i) => BigInt(Math.round(noise(i))) * 2n ** 50n,
  bool: (i) => (noise(i) > 0 ? 1 : 0),
}

describe.each(backends)("sort, %s", (_, backend) => {
  it.each(Object.keys(VALUE) as DType[])("%s, rows of any length, both ways", (dtype) => {
    for (const [rows, run] of [
      [1, 1],
      [3, 7],
      [2, 130],
      [2, 3000],
      [40, 0],
    ])
      for (const descending of [false, true]) {
        const values = count(rows * run).map(VALUE[dtype]!)
        const sizes = [rows, run]
        const views: View[] = [
          // Elements of a row lie apart.
          { dtype, values, strides: [1, rows] },
          empty(dtype, sizes),
          empty("int32", sizes),
        ]
        const [, sorted, places] = launch(backend, { kind: "sort", rank: 2, dtype, descending }, sizes, views)
        count(rows).forEach((r) => {
          const row = count(run).map((i) => values[r + i * rows])
          const want = order(row, descending)
          expect(places.slice(r * run, (r + 1) * run)).toEqual(want)
          expect(sorted.slice(r * run, (r + 1) * run)).toEqual(want.map((k) => row[k]))
        })
      }
  })

  it("one long row, and rank 0", () => {
    const n = 50000
    const values = count(n).map(VALUE.float32!)
    const kernel = { kind: "sort", rank: 1, dtype: "float32", descending: false } as const
    const views: View[] = [{ dtype: "float32", values }, empty("float32", [n]), empty("int32", [n])]
    expect(launch(backend, kernel, [n], views)[2]).toEqual(order(values, false))
    const single: View[] = [
      { dtype: "float32", values: [5], sizes: [] },
      empty("float32", []),
      { dtype: "int32", values: [9], sizes: [] },
    ]
    expect(launch(backend, { ...kernel, rank: 0 }, [], single).slice(1)).toEqual([[5], [0]])
  })
})
