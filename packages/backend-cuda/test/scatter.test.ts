/** Scatters on the emulated device: alone, by atomic operations, sorted in a tile and beyond, and contending. */
import { constant, type DType, index, input, type ScatterKernel } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { count } from "./harness.ts"
import { operand, run, type TestOperand } from "./plan-runner.ts"

type Combine = ScatterKernel["combine"]
type Values = (number | bigint)[]

const OPS: Readonly<Record<Combine, (a: never, b: never) => number | bigint>> = {
  set: (_: number, b: number) => b,
  add: (a: number, b: number) => a + b,
  mul: (a: number, b: number) => a * b,
  min: (a: number, b: number) => (a < b ? a : b),
  max: (a: number, b: number) => (a > b ? a : b),
}
const WRAPS: Partial<Readonly<Record<DType, (x: never) => number | bigint>>> = {
  float32: Math.fround,
  int8: (x: number) => (x << 24) >> 24,
  uint8: (x: number) => x & 255,
  int16: (x: number) => (x << 16) >> 16,
  int32: (x: number) => x | 0,
  int64: (x: bigint) => BigInt.asIntN(64, x),
}

/** target[rows[n, d], d] ⊕= source[n, d]. */
function expected(
  combine: Combine,
  dtype: DType,
  target: Values,
  row: (n: number, d: number) => number,
  source: Values,
  columns: number,
) {
  const result = [...target]
  const rows = target.length / columns
  source.forEach((value, k) => {
    const [n, d] = [Math.floor(k / columns), k % columns]
    const r = row(n, d)
    if (r < 0 || r >= rows) return
    const at = r * columns + d
    const sum = OPS[combine](result[at] as never, value as never)
    result[at] = WRAPS[dtype]?.(sum as never) ?? sum
  })
  return result
}

const DTYPES: readonly DType[] = ["float32", "float64", "int8", "uint8", "int16", "int32", "int64"]

describe.each(DTYPES)("%s", (dtype) => {
  const sizes: readonly (readonly [number, number, number])[] =
    dtype === "float32" || dtype === "int8"
      ? [
          [7, 3, 4],
          [600, 5, 9],
          [5000, 2, 50],
          [2100, 1, 300],
          [2100, 1, 70_000],
          [100, 70, 20],
        ]
      : [[50, 3, 4]]
  it.each((Object.keys(OPS) as Combine[]).flatMap((combine) => sizes.map((s) => [combine, ...s] as const)))(
    "%s: %i rows of %i into %i",
    (combine, rows, columns, targets) => {
      const big = (x: number): number | bigint => (dtype === "int64" ? BigInt(x) : x)
      const source = count(rows * columns).map((k) => big((k * 31) % 5))
      const target = count(targets * columns).map((k) => big(k % 3))
      const shared = count(rows).map((n) => ((n * 7919) % (targets + 2)) - 1)
      const each = count(rows * columns).map((k) => (k * 104729) % targets)
      const scatter = (access: "broadcast" | "unit", rowsOf: TestOperand, bounds: ScatterKernel["bounds"]) => {
        const kernel: ScatterKernel = {
          kind: "scatter",
          rank: 2,
          inputs: [
            { dtype: "int32", access },
            { dtype, access: "unit" },
          ],
          scalars: [],
          value: input(1, dtype),
          coordinates: [input(0, "int32"), index(1)],
          combine,
          dtype,
          targetRank: 2,
          bounds,
        }
        const views = [rowsOf, operand(dtype, [rows, columns], source), operand(dtype, [targets, columns], target)]
        return run(kernel, [rows, columns], views)
      }
      const one = scatter("broadcast", operand("int32", [rows, columns], shared, [1, 0]), "zero")
      expect(one.out[2]).toEqual(expected(combine, dtype, target, (n) => shared[n], source, columns))
      const other = scatter("unit", operand("int32", [rows, columns], each), "fault")
      expect(other.out[2]).toEqual(expected(combine, dtype, target, (n, d) => each[n * columns + d], source, columns))
      expect(other.faults).toEqual(count(8).map(() => 0))
    },
  )
})

describe("float extremes", () => {
  it.each(["float32", "float64", "float16", "bfloat16"] as const)("%s: a NaN wins, zeros have an order", (dtype) => {
    const type = dtype === "float64" ? "float64" : "float32"
    for (const combine of ["min", "max"] as const) {
      const kernel: ScatterKernel = {
        kind: "scatter",
        rank: 1,
        inputs: [
          { dtype: "int32", access: "unit" },
          { dtype, access: "unit" },
        ],
        scalars: [],
        value: input(1, dtype).cast(type),
        coordinates: [input(0, "int32")],
        combine,
        dtype,
        targetRank: 1,
        bounds: "zero",
      }
      const views = [
        operand("int32", [5], [0, 1, 1, 2, 2]),
        operand(dtype, [5], [3, Number.NaN, 1, -0, 0]),
        operand(dtype, [3], [2, 2, 0]),
      ]
      const [x, nan, zero] = run(kernel, [5], views).out[2] as number[]
      expect(x).toBe(combine === "min" ? 2 : 3)
      expect(nan).toBeNaN()
      expect(Object.is(zero, -0)).toBe(combine === "min")
    }
  })
})

it("half types round after each addition; what is outside is dropped and reported", () => {
  const kernel: ScatterKernel = {
    kind: "scatter",
    rank: 1,
    inputs: [{ dtype: "int32", access: "unit" }],
    scalars: [],
    value: constant(1, "float32"),
    coordinates: [input(0, "int32")],
    combine: "add",
    dtype: "float16",
    targetRank: 1,
    bounds: "fault",
  }
  const views = [operand("int32", [5], [0, 0, 5, 1, 2]), operand("float16", [3], [1, 0, 2048])]
  const { out, faults } = run(kernel, [5], views)
  expect(out[1]).toEqual([3, 1, 2048])
  expect(faults).toEqual([1, 1, 0, 5, 3, 9, 0, 0])
})
