/** Scatters against loops: every combination, in order, inside of the target only, in each of the ways there are. */
import {
  bfloat16ToNumber,
  type DType,
  type Expr,
  float16ToNumber,
  index,
  input,
  load,
  numberToBfloat16,
  numberToFloat16,
  type ScatterKernel,
  scalar,
  type TypedArray,
  whereExpr,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { STORED_DTYPES } from "../src/elements.ts"
import { scatterPlanner } from "../src/scatter.ts"
import { difference, filled, launch, type Placed, someNumbers } from "./gpu.ts"

type Combine = ScatterKernel["combine"]
const COMBINES: readonly Combine[] = ["set", "add", "mul", "min", "max"]

const isHalf = (dtype: DType): boolean => dtype === "float16" || dtype === "bfloat16"
const elementOf = (k: number, dtype: DType): Expr => (isHalf(dtype) ? input(k, dtype).cast("float32") : input(k, dtype))

/** Inputs: places (int32), values. */
const kernelOf = (dtype: DType, combine: Combine, parts: Partial<ScatterKernel> = {}): ScatterKernel => ({
  kind: "scatter",
  rank: 1,
  inputs: [
    { dtype: "int32", access: "unit" },
    { dtype, access: "unit" },
  ],
  scalars: [],
  value: elementOf(1, dtype),
  coordinates: [input(0, "int32")],
  combine,
  dtype,
  targetRank: 1,
  bounds: "zero",
  ...parts,
})

const DECODE: Partial<Record<DType, (x: number) => number>> = { float16: float16ToNumber, bfloat16: bfloat16ToNumber }
const ENCODE: Partial<Record<DType, (x: number) => number>> = {
  float16: numberToFloat16,
  bfloat16: numberToBfloat16,
  bool: (x) => (x ? 1 : 0),
}

const COMBINATIONS: Readonly<Record<Combine, (a: number, b: number) => number>> = {
  set: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
}

/** target[places[i]] ⊕= values[i], in order, in the target's type. */
function loop(
  dtype: DType,
  combine: Combine,
  target: TypedArray,
  at: readonly number[],
  values: TypedArray,
): TypedArray {
  const out = target.slice() as Int32Array
  const decode = DECODE[dtype] ?? ((x: number) => x)
  const encode = ENCODE[dtype] ?? ((x: number) => x)
  at.forEach((place, i) => {
    if (place < 0 || place >= out.length) return
    const [a, b] = [decode(out[place]), decode(Number(values[i]))]
    out[place] = encode(dtype === "int32" && combine === "mul" ? Math.imul(a, b) : COMBINATIONS[combine](a, b))
  })
  return out
}

/** Elements whose sums depend on the order. */
function elements(dtype: DType, n: number, seed = 0): TypedArray {
  const random = someNumbers(n + seed, 1000).slice(seed)
  if (dtype === "bool") return filled(dtype, n, (i) => random[i] & 1)
  if (dtype === "float32") return filled(dtype, n, (i) => (random[i] - 500) * 10 ** ((random[i] % 7) - 3))
  if (isHalf(dtype)) return filled(dtype, n, (i) => ENCODE[dtype]!((random[i] - 500) / 64))
  return filled(dtype, n, (i) => random[i] - 500)
}

const places = (n: number, size: number): number[] =>
  // Some lie outside.
  someNumbers(n, size + 3).map((v, i) => (i % 50 === 7 ? -1 - v : v))

describe("scatter", () => {
  for (const combine of COMBINES)
    it.each(STORED_DTYPES)(`${combine} of %s`, async (dtype) => {
      for (const [n, size] of [
        [1, 1],
        [13, 5],
        [700, 301],
      ]) {
        const at = places(n, size)
        // The order of factors shows in the rounding; values near 1 stay in range.
        const values =
          combine === "mul" && dtype === "float32"
            ? filled(dtype, n, (i) => 1 + (i % 13) / 77)
            : combine === "mul" && isHalf(dtype)
              ? filled(dtype, n, (i) => ENCODE[dtype]!(1 + (i % 13) / 77))
              : elements(dtype, n)
        const target = elements(dtype, size, 5)
        const got = await launch(
          scatterPlanner(kernelOf(dtype, combine)),
          [n],
          [
            { dtype: "int32", values: Int32Array.from(at) },
            { dtype, values },
            { dtype, values: target, sizes: [size] },
          ],
        )
        expect(difference(got.operands[2], loop(dtype, combine, target, at, values))).toBeUndefined()
        expect(got.dispatches).toBe(1)
        expect(got.fault).toBeUndefined()
      }
    })

  it.each<[Combine, number, number, number]>([
    ["add", 2048, 100, 1],
    // Tiles, one merge, the sums.
    ["add", 2049, 3000, 3],
    ["add", 100003, 5000, 8],
    ["mul", 5000, 1, 4],
    ["set", 2049, 300, 3],
    ["set", 100003, 70001, 3],
    // The target is much larger than the iteration.
    ["set", 2049, 100000, 3],
    ["set", 5000, 100000, 4],
    ["max", 100003, 1000, 1],
  ])("%s of %i floats into %i, in %i dispatches", async (combine, n, size, dispatches) => {
    const at = places(n, size)
    const values =
      combine === "mul" ? Float32Array.from(at, (_, i) => 1 + ((i % 13) - 6) / 999) : elements("float32", n)
    const target = elements("float32", size, 3)
    const got = await launch(
      scatterPlanner(kernelOf("float32", combine)),
      [n],
      [
        { dtype: "int32", values: Int32Array.from(at) },
        { dtype: "float32", values },
        { dtype: "float32", values: target, sizes: [size] },
      ],
    )
    expect(difference(got.operands[2], loop("float32", combine, target, at, values))).toBeUndefined()
    expect(got.dispatches).toBe(dispatches)
  })

  it.each<[DType, Combine]>([
    ["float32", "set"],
    ["float32", "add"],
    ["bfloat16", "add"],
    ["int8", "set"],
  ])("many points of which no two meet, as the kernel says, are one dispatch: %s, %s", async (dtype, combine) => {
    const [n, size] = [5000, 5003]
    // 7 has no divisor in common with 5003: all places are different.
    const at = Array.from({ length: n }, (_, i) => (i * 7) % size)
    const [values, target] = [elements(dtype, n), elements(dtype, size, 3)]
    const got = await launch(
      scatterPlanner(kernelOf(dtype, combine, { distinct: true })),
      [n],
      [
        { dtype: "int32", values: Int32Array.from(at) },
        { dtype, values },
        { dtype, values: target, sizes: [size] },
      ],
    )
    expect(difference(got.operands[2], loop(dtype, combine, target, at, values))).toBeUndefined()
    expect(got.dispatches).toBe(1)
  })

  it.each<[number, number, number, Combine, number]>([
    [7, 5, 4, "add", 1],
    [300, 130, 50, "add", 1],
    [300, 130, 50, "set", 1],
    [3000, 33, 100, "add", 3],
    [2, 5000, 100, "add", 1],
  ])("rows at places: %i of %i into %i, %s, in %i dispatches", async (n, width, size, combine, dispatches) => {
    const at = places(n, size)
    const values = elements("float32", n * width)
    const target = elements("float32", size * width, 3)
    const kernel = kernelOf("float32", combine, {
      rank: 2,
      inputs: [
        { dtype: "int32", access: "broadcast" },
        { dtype: "float32", access: "unit" },
      ],
      coordinates: [input(0, "int32"), index(1)],
      targetRank: 2,
    })
    const got = await launch(
      scatterPlanner(kernel),
      [n, width],
      [
        { dtype: "int32", values: Int32Array.from(at), strides: [1, 0] },
        { dtype: "float32", values },
        { dtype: "float32", values: target, sizes: [size, width] },
      ],
    )
    const flat = at.flatMap((row) =>
      Array.from({ length: width }, (_, j) => (row < 0 || row >= size ? -1 : row * width + j)),
    )
    expect(difference(got.operands[2], loop("float32", combine, target, flat, values))).toBeUndefined()
    expect(got.dispatches).toBe(dispatches)
  })

  it.each<[number, number, number, Combine, number]>([
    [9, 5, 4, "add", 1],
    [1000, 77, 20, "add", 1],
    [3, 2048, 500, "mul", 1],
    [3, 2500, 60, "add", 3],
    [3, 2500, 60, "set", 3],
  ])("places within rows: %i of %i into %i, %s, in %i dispatches", async (rows, n, size, combine, dispatches) => {
    const at = places(rows * n, size)
    const values =
      combine === "mul" ? Float32Array.from(at, (_, i) => 1 + ((i % 13) - 6) / 99) : elements("float32", rows * n)
    const target = elements("float32", rows * size, 3)
    // The target lies transposed, and begins at 1.
    const memory = new Float32Array(rows * size + 1)
    for (let r = 0; r < rows; r++)
      for (let k = 0; k < size; k++) memory[1 + k * rows + r] = Number(target[r * size + k])
    const kernel = kernelOf("float32", combine, {
      rank: 2,
      coordinates: [index(0), input(0, "int32")],
      targetRank: 2,
    })
    const got = await launch(
      scatterPlanner(kernel),
      [rows, n],
      [
        { dtype: "int32", values: Int32Array.from(at) },
        { dtype: "float32", values },
        { dtype: "float32", values: memory, sizes: [rows, size], strides: [1, rows], offset: 1 },
      ],
    )
    const flat = at.map((k, i) => (k < 0 || k >= size ? -1 : Math.floor(i / n) * size + k))
    const want = loop("float32", combine, target, flat, values)
    const whole = memory.slice()
    for (let r = 0; r < rows; r++) for (let k = 0; k < size; k++) whole[1 + k * rows + r] = Number(want[r * size + k])
    expect(difference(got.operands[2], whole)).toBeUndefined()
    expect(got.dispatches).toBe(dispatches)
  })

  it("writes each point by itself where the coordinates are multiples of the indices", async () => {
    const [rows, n] = [40, 500]
    const kernel = kernelOf("int8", "add", {
      rank: 2,
      inputs: [{ dtype: "int8", access: "unit" }],
      scalars: ["int32", "int32"],
      value: input(0, "int8"),
      coordinates: [index(1).mul(scalar(0, "int32")).add(scalar(1, "int32")), index(0).neg().add(rows)],
      targetRank: 2,
    })
    const values = elements("int8", rows * n)
    const operands: Placed[] = [
      { dtype: "int8", values },
      { dtype: "int8", values: filled("int8", 1200 * rows, () => 1), sizes: [1200, rows] },
    ]
    const loopOver = (step: number, first: number): TypedArray => {
      const want = filled("int8", 1200 * rows, () => 1) as Int8Array
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < n; j++) {
          const [a, b] = [j * step + first, rows - i]
          if (a >= 0 && a < 1200 && b < rows) want[a * rows + b] += Number(values[i * n + j])
        }
      return want
    }
    for (const [step, first] of [
      [3, -9],
      [-1, 499],
      // Everything meets: the same kernel, another way.
      [0, 5],
    ]) {
      const got = await launch(scatterPlanner(kernel), [rows, n], operands, [step, first])
      expect(difference(got.operands[1], loopOver(step, first))).toBeUndefined()
      expect(got.dispatches).toBe(1)
    }
  })

  it("takes coordinates that depend on two dims at once, and dims of size 1", async () => {
    const kernel = kernelOf("float32", "add", {
      rank: 3,
      inputs: [{ dtype: "float32", access: "unit" }],
      value: input(0, "float32"),
      coordinates: [index(0).add(index(2)), index(1)],
      targetRank: 2,
    })
    for (const [a, b, c] of [
      [5, 3, 7],
      [1, 4, 9],
      [60, 2, 70],
    ]) {
      const values = elements("float32", a * b * c)
      const target = new Float32Array((a + c) * b)
      const got = await launch(
        scatterPlanner(kernel),
        [a, b, c],
        [
          { dtype: "float32", values },
          { dtype: "float32", values: target, sizes: [a + c, b] },
        ],
      )
      const at = Array.from(
        { length: a * b * c },
        (_, i) => (Math.floor(i / (b * c)) + (i % c)) * b + (Math.floor(i / c) % b),
      )
      expect(difference(got.operands[1], loop("float32", "add", target, at, values))).toBeUndefined()
    }
  })

  it("adds everything to a target without dims, in order", async () => {
    for (const n of [1, 6, 3000]) {
      const kernel = kernelOf("float32", "add", {
        inputs: [{ dtype: "float32", access: "unit" }],
        value: input(0, "float32"),
        coordinates: [],
        targetRank: 0,
      })
      const values = elements("float32", n)
      const got = await launch(
        scatterPlanner(kernel),
        [n],
        [
          { dtype: "float32", values },
          { dtype: "float32", values: Float32Array.of(0.1), sizes: [] },
        ],
      )
      const want = loop("float32", "add", Float32Array.of(0.1), new Array<number>(n).fill(0), values)
      expect(difference(got.operands[1], want)).toBeUndefined()
    }
  })

  it("runs at rank 0, and does nothing for no points", async () => {
    const operands = (sizes: number[]): Placed[] => [
      { dtype: "int32", values: Int32Array.of(1), sizes },
      { dtype: "int16", values: Int16Array.of(77), sizes },
      { dtype: "int16", values: Int16Array.of(1, 2, 3), sizes: [3] },
    ]
    const point = await launch(scatterPlanner(kernelOf("int16", "set", { rank: 0 })), [], operands([]))
    expect(point.operands[2]).toEqual(Int16Array.of(1, 77, 3))
    const none = await launch(scatterPlanner(kernelOf("int16", "set")), [0], operands([0]))
    expect(none.operands[2]).toEqual(Int16Array.of(1, 2, 3))
    expect(none.dispatches).toBe(0)
  })

  it.each(["min", "max"] as const)(
    "%s of floats keeps NaN and infinities, and does not depend on the order",
    async (combine) => {
      const values = Float32Array.of(NaN, -0, 0, -Infinity, Infinity, -1e-40, 5, -0, 0)
      const at = [0, 1, 1, 2, 2, 3, 3, 4, 4]
      const kernel = kernelOf("float32", combine)
      const run = async (order: readonly number[]): Promise<TypedArray> => {
        const got = await launch(
          scatterPlanner(kernel),
          [order.length],
          [
            { dtype: "int32", values: Int32Array.from(order, (i) => at[i]) },
            { dtype: "float32", values: Float32Array.from(order, (i) => values[i]) },
            { dtype: "float32", values: Float32Array.of(1, 0, 1, 0, -0), sizes: [5] },
          ],
        )
        return got.operands[2]
      }
      const forwards = [...at.keys()]
      const want = combine === "min" ? [NaN, -0, -Infinity, -1e-40, -0] : [NaN, 0, Infinity, 5, 0]
      expect(await run(forwards)).toEqual(Float32Array.from(want))
      expect(await run(forwards.reverse())).toEqual(Float32Array.from(want))
    },
  )

  it.each<[Combine, DType, number]>([
    ["add", "float32", 100],
    ["add", "float32", 4000],
    ["set", "float32", 4000],
    ["add", "int32", 4000],
    ["set", "int8", 100],
  ])("%s reports what is outside, %s, %i points, and writes the others", async (combine, dtype, n) => {
    const at = someNumbers(n, 60)
    at[n - 3] = -2
    const target = elements(dtype, 60)
    const operands = (): Placed[] => [
      { dtype: "int32", values: Int32Array.from(at) },
      { dtype, values: elements(dtype, n, 8) },
      { dtype, values: target, sizes: [60] },
    ]
    const kernel = kernelOf(dtype, combine, { bounds: "fault" })
    const got = await launch(scatterPlanner(kernel), [n], operands())
    expect(got.fault).toEqual([2, 0, -2, 60])
    expect(difference(got.operands[2], loop(dtype, combine, target, at, operands()[1].values))).toBeUndefined()
    at[n - 3] = 59
    expect((await launch(scatterPlanner(kernel), [n], operands())).fault).toBeUndefined()
  })

  it.each([50, 3000])("reports loads of the value, %i points, of points that are not the last too", async (n) => {
    const kernel = kernelOf("float32", "set", {
      inputs: [
        { dtype: "int32", access: "unit" },
        { dtype: "float32", access: "load", rank: 1 },
      ],
      value: load(1, "float32", [whereExpr(index(0).eq(3), index(0).mul(0).add(9), index(0).mul(0))], "fault"),
    })
    const got = await launch(
      scatterPlanner(kernel),
      [n],
      [
        { dtype: "int32", values: new Int32Array(n) },
        { dtype: "float32", values: Float32Array.of(7), sizes: [1] },
        { dtype: "float32", values: new Float32Array(4), sizes: [4] },
      ],
    )
    expect(got.fault).toEqual([1, 0, 9, 1])
    expect(got.operands[2]).toEqual(Float32Array.of(7, 0, 0, 0))
  })
})
