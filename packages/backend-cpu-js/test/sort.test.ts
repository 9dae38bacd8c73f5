import type { DType } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, empty, launch, type Value, type View } from "./harness.ts"

const [, backend] = backends[0]
const NAN = Number.NaN

function sorted(
  dtype: DType,
  values: readonly Value[],
  descending: boolean,
  sizes = [values.length],
  extra: Partial<View> = {},
): [Value[], Value[]] {
  const kernel = { kind: "sort", rank: sizes.length, dtype, descending } as const
  const views: View[] = [
    { dtype, values, ...extra },
    { ...empty(dtype, sizes), ...extra },
    { ...empty("int32", sizes), ...extra },
  ]
  const [, v, i] = launch(backend, kernel, sizes, views)
  return [v, i]
}

/** Ascending order by the definition: NaN last, equal ones as they stand. */
function expected(values: readonly Value[], descending: boolean): number[] {
  const before = (a: Value, b: Value): boolean =>
    descending ? a > b || (a !== a && b === b) : a < b || (b !== b && a === a)
  return values
    .map((_, i) => i)
    .sort((i, j) => (before(values[i], values[j]) ? -1 : before(values[j], values[i]) ? 1 : i - j))
}

const noise = (n: number, scale: number): number[] =>
  Array.from({ length: n }, (_, i) => Math.round(Math.sin(i * 12.9898) * scale) / 4)

const CASES: readonly [DType, (n: number) => Value[]][] = [
  [
    "float32",
    (n) => noise(n, 60).map((x, i) => (i % 17 === 5 ? NAN : i % 13 === 4 ? -Infinity : i % 11 === 3 ? -0 : x)),
  ],
  [
    "float64",
    (n) => noise(n, 60).map((x, i) => (i % 17 === 5 ? NAN : i % 13 === 4 ? Infinity : i % 11 === 3 ? -0 : x)),
  ],
  ["float16", (n) => noise(n, 40).map((x, i) => (i % 17 === 5 ? NAN : x))],
  ["bfloat16", (n) => noise(n, 40).map((x, i) => (i % 17 === 5 ? NAN : x))],
  ["int8", (n) => noise(n, 400).map((x) => Math.round(x) | 0)],
  ["uint8", (n) => noise(n, 400).map((x) => Math.abs(Math.round(x)))],
  ["int16", (n) => noise(n, 100000).map((x) => Math.round(x) | 0)],
  ["int32", (n) => noise(n, 8e9).map((x) => Math.round(x) | 0)],
  ["int64", (n) => noise(n, 200).map((x) => BigInt(Math.round(x)) * 2n ** 56n)],
  ["bool", (n) => noise(n, 8).map((x) => (x > 0 ? 1 : 0))],
]

describe("sort", () => {
  for (const [dtype, make] of CASES)
    it.each([1, 2, 11, 12, 13, 100, 127, 128, 129, 1000])(`${dtype}, %i elements, both ways, stably`, (n) => {
      const values = make(n)
      for (const descending of [false, true]) {
        const [v, i] = sorted(dtype, values, descending)
        const order = expected(values, descending)
        expect(i).toEqual(order)
        expect(v).toEqual(order.map((k) => values[k]))
      }
    })

  it("sorts rows of strided views", () => {
    const [v, i] = sorted("float32", [3, 1, 1, 2, 2, 0], false, [2, 3], { sizes: [2, 3], strides: [1, 2] })
    expect(v).toEqual([1, 0, 2, 1, 3, 2])
    expect(i).toEqual([1, 2, 2, 0, 0, 1])
  })

  it("sorts rank 0 and empty rows", () => {
    expect(sorted("float32", [5], false, [])).toEqual([[5], [0]])
    expect(sorted("float32", [], false, [2, 0])).toEqual([[], []])
  })
})
