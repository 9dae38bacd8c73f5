/** Sorts on the emulated device: in a tile, several rows to a tile, and merged. */
import type { DType } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { count } from "./harness.ts"
import { blank, operand, run } from "./plan-runner.ts"

const FLOATS: readonly DType[] = ["float32", "float64", "float16", "bfloat16"]
/** Where a value stands in the order: NaN above all. */
const order = (x: number): number => (Number.isNaN(x) ? Number.POSITIVE_INFINITY : Math.max(x, -1e9))

describe.each([...FLOATS, "int8", "uint8", "int16", "int32", "int64", "bool"] as DType[])("%s", (dtype) => {
  const sizes =
    dtype === "float32" || dtype === "int64"
      ? [
          [1, 1],
          [300, 3],
          [9, 200],
          [1, 5000],
          [2, 9000],
        ]
      : [
          [5, 7],
          [1, 2100],
        ]
  it.each(sizes.flatMap(([rows, length]) => [false, true].map((d) => [rows, length, d] as const)))(
    "%i rows of %i, descending: %s",
    (rows, length, descending) => {
      const values = count(rows * length).map((k) => {
        const value = ((k * 7919) % 101) - (dtype === "uint8" ? 0 : 50)
        if (dtype === "bool") return value & 1
        if (!FLOATS.includes(dtype)) return value
        return value === 7 ? Number.NaN : value === -7 ? Number.NEGATIVE_INFINITY : value === 3 ? -0 : value
      })
      const big = (x: number): number | bigint => (dtype === "int64" ? BigInt(x) : x)
      const places = count(rows).flatMap((r) =>
        count(length).sort((p, q) => {
          const difference = order(values[r * length + p]) - order(values[r * length + q])
          const known = Number.isNaN(difference) ? 0 : difference
          return (descending ? -known : known) || p - q
        }),
      )
      const kernel = { kind: "sort", rank: 2, dtype, descending } as const
      const views = [
        operand(dtype, [rows, length], values.map(big)),
        blank(dtype, [rows, length]),
        blank("int32", [rows, length]),
      ]
      const { out } = run(kernel, [rows, length], views)
      expect(out[2]).toEqual(places)
      expect(out[1]).toEqual(places.map((e, k) => big(values[Math.floor(k / length) * length + e])))
    },
  )
})
