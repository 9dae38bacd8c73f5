import { constant, type Kernel } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { elementBytes, extentOf } from "../src/extent.ts"

const extent = (offset: number, sizes: readonly number[], strides: readonly number[], bytes = 4): number[] => {
  const found = { begin: 0, low: 0, high: 0 }
  extentOf({ offset, sizes, strides }, bytes, found)
  return [found.begin, found.low, found.high]
}

describe("the bytes that an operand's elements are", () => {
  it.each([
    ["a scalar", 3, [], [], [12, 12, 16]],
    ["a dense view", 2, [2, 3], [3, 1], [8, 8, 32]],
    ["every other element", 0, [4], [2], [0, 0, 28]],
    ["backwards", 5, [6], [-1], [20, 0, 24]],
    ["one dim each way", 10, [3, 2], [-4, 2], [40, 8, 52]],
    ["a broadcast one", 1, [1000], [0], [4, 4, 8]],
    ["no elements, wherever it stands", 99, [3, 0], [7, 1], [0, 0, 0]],
  ])("%s", (_, offset, sizes, strides, expected) => {
    expect(extent(offset, sizes, strides)).toEqual(expected)
  })

  it("depend on how large elements are", () => {
    expect(extent(1, [3], [1], 8)).toEqual([8, 8, 32])
    expect(extent(1, [3], [1], 1)).toEqual([1, 1, 4])
  })
})

describe("element sizes of a kernel's operands", () => {
  const epilogue = { inputs: [{ dtype: "int64", access: "unit" }], scalars: [], body: constant(0, "float32") } as const
  const monoid = { accumulators: [], identity: [], lift: [], combine: [] }
  const input = (dtype: "int8" | "int64") => ({ dtype, access: "unit" }) as const
  const output = { dtype: "float16", access: "unit" } as const
  const kernels: readonly (readonly [Kernel, readonly number[]])[] = [
    [{ kind: "map", rank: 1, inputs: [input("int8")], outputs: [output], scalars: [], body: [] }, [1, 2]],
    [
      {
        kind: "reduce",
        rank: 1,
        reduced: 1,
        inputs: [input("int64")],
        outputs: [output],
        scalars: [],
        finish: [],
        ...monoid,
      },
      [8, 2],
    ],
    [
      {
        kind: "scan",
        rank: 1,
        reverse: false,
        inputs: [input("int64")],
        outputs: [output],
        scalars: [],
        finish: [],
        ...monoid,
      },
      [8, 2],
    ],
    [{ kind: "matmul", batch: 0, dtype: "float64", epilogue }, [8, 8, 8, 8]],
    [{ kind: "conv", pass: "forward", spatial: 1, dtype: "float32", epilogue: null }, [4, 4, 4]],
    [
      {
        kind: "scatter",
        rank: 1,
        inputs: [input("int8"), input("int64")],
        scalars: [],
        value: constant(0, "float32"),
        coordinates: [],
        combine: "set",
        dtype: "float16",
        targetRank: 0,
        bounds: "zero",
      },
      [1, 8, 2],
    ],
    [{ kind: "sort", rank: 1, dtype: "float64", descending: false }, [8, 8, 4]],
  ]
  it.each(kernels.map(([kernel, bytes]) => [kernel.kind, kernel, bytes] as const))("%s", (_, kernel, bytes) => {
    expect(elementBytes(kernel)).toEqual(bytes)
  })
})
