/** Sorts against the host's: rows of all lengths, equal elements in their order, every dtype. */
import { bfloat16ToNumber, DTYPES, type DType, float16ToNumber, type SortKernel } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { STORED_DTYPES } from "../src/elements.ts"
import { sortPlanner } from "../src/sort.ts"
import { difference, filled, launch, rowMajor, someNumbers } from "./gpu.ts"

const kernelOf = (rank: number, dtype: DType, descending = false): SortKernel => ({
  kind: "sort",
  rank,
  dtype,
  descending,
})

const NUMBER: Partial<Record<DType, (bits: number) => number>> = {
  float16: float16ToNumber,
  bfloat16: bfloat16ToNumber,
}
const compare = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a < b ? -1 : a > b ? 1 : 0

/** The order of each row; `Array.prototype.sort` is stable. */
const orderOf = (row: readonly number[], descending: boolean): number[] =>
  row.map((_, i) => i).sort((i, j) => (descending ? -1 : 1) * compare(row[i], row[j]))

describe("sort", () => {
  it.each([
    [0, 4, 0],
    [3, 1, 1],
    [5, 2, 1],
    [1001, 3, 1],
    [7, 100, 1],
    [3, 513, 1],
    [2, 2048, 1],
    [3, 2049, 2],
    [2, 10001, 4],
    [1, 100003, 7],
    [20000, 5, 1],
  ])("of %i rows of %i, in %i dispatches", async (rows, length, dispatches) => {
    const n = rows * length
    for (const descending of [false, true]) {
      // Many are equal.
      const x = Int32Array.from(someNumbers(n, 300), (v) => (v - 150) * 10_000_000)
      const got = await launch(
        sortPlanner(kernelOf(2, "int32", descending)),
        [rows, length],
        [
          { dtype: "int32", values: x },
          { dtype: "int32", values: new Int32Array(n) },
          { dtype: "int32", values: new Int32Array(n) },
        ],
      )
      const indices = new Int32Array(n)
      for (let r = 0; r < rows; r++)
        indices.set(orderOf([...x.subarray(r * length, (r + 1) * length)], descending), r * length)
      const values = indices.map((place, i) => x[i - (i % length) + place])
      expect(difference(got.operands[2], indices)).toBeUndefined()
      expect(difference(got.operands[1], values)).toBeUndefined()
      expect(got.dispatches).toBe(dispatches)
    }
  })

  it.each(STORED_DTYPES)("of %s, bit for bit", async (dtype) => {
    const n = 3001
    const { bytes } = DTYPES[dtype]
    const random = someNumbers(n, dtype === "bool" ? 2 : 2 ** (8 * bytes))
    const x = filled(dtype, n, () => 0)
    if (dtype === "float32") {
      const bits = new Uint32Array(x.buffer)
      // Zeros of both signs, infinities, NaNs of both signs, subnormals, and anything.
      const special = [0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 1, 0x80000001]
      for (let i = 0; i < n; i++) bits[i] = i % 3 ? random[i] : special[random[i] % special.length]
    } else for (let i = 0; i < n; i++) x[i] = random[i]
    const numbers = Array.from(x as ArrayLike<number>, (v) => NUMBER[dtype]?.(v) ?? v)
    const raw = bytes === 4 ? new Uint32Array(x.buffer) : x
    for (const descending of [false, true]) {
      const got = await launch(
        sortPlanner(kernelOf(1, dtype, descending)),
        [n],
        [
          { dtype, values: x },
          { dtype, values: filled(dtype, n, () => 0) },
          { dtype: "int32", values: new Int32Array(n) },
        ],
      )
      const order = orderOf(numbers, descending)
      expect(difference(got.operands[2], order)).toBeUndefined()
      const values = bytes === 4 ? new Uint32Array(got.operands[1].buffer) : got.operands[1]
      const want = order.map((i) => raw[i])
      expect(difference(values, want)).toBeUndefined()
    }
  })

  it.each([0, 1, 3, 4])("follows any strides at rank %i", async (rank) => {
    const sizes = [2, 3, 2, 5].slice(4 - rank)
    const n = sizes.reduce((a, b) => a * b, 1)
    const turned = rowMajor([...sizes].reverse()).reverse()
    const x = Int8Array.from(someNumbers(n, 9))
    const got = await launch(sortPlanner(kernelOf(rank, "int8")), sizes, [
      { dtype: "int8", values: x, sizes, strides: turned },
      {
        dtype: "int8",
        values: new Int8Array(2 * n).fill(-1),
        sizes,
        strides: rowMajor(sizes).map((s) => 2 * s),
        offset: 1,
      },
      { dtype: "int32", values: new Int32Array(n), sizes, strides: turned },
    ])
    const steps = rowMajor(sizes)
    const place = (i: number): number => steps.reduce((at, s, d) => at + (Math.floor(i / s) % sizes[d]) * turned[d], 0)
    const length = sizes.at(-1) ?? 1
    const [values, indices] = [new Int8Array(2 * n).fill(-1), new Int32Array(n)]
    for (let r = 0; r < n; r += length) {
      const row = Array.from({ length }, (_, i) => x[place(r + i)])
      orderOf(row, false).forEach((from, i) => {
        values[2 * (r + i) + 1] = row[from]
        indices[place(r + i)] = from
      })
    }
    expect(got.operands[1]).toEqual(values)
    expect(got.operands[2]).toEqual(indices)
  })
})
