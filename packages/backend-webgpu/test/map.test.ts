/** Maps on the software GPU: how elements are read and written, alone and several to a word. */
import { type DType, index, input, load, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { emitMap } from "../src/emit-map.ts"
import { backend, count, empty, launched, mapKernel, unit, type View } from "./harness.ts"

const strided = (dtype: DType) => ({ dtype, access: "strided" }) as const
const out = (dtype: DType) => ({ dtype, access: "unit" }) as const

const PACKED: readonly DType[] = ["bool", "uint8", "int8", "int16", "float16", "bfloat16"]

/** Values that each dtype holds exactly. */
const valuesOf = (dtype: DType, n: number): number[] =>
  count(n).map((i) => (dtype === "bool" ? (i % 3) & 1 : (i * 5) % 100))

describe.each(PACKED)("%s", (dtype) => {
  const half = dtype === "float16" || dtype === "bfloat16"
  const body = half ? input(0, dtype).cast("float32") : input(0, dtype)

  it.each([1, 2, 3, 4, 5, 7, 8, 1023])("%i elements, dense", async (n) => {
    const values = valuesOf(dtype, n)
    const kernel = mapKernel(1, [unit(dtype)], [out(dtype)], [body])
    const [, result] = await launched(backend, kernel, [n], [{ dtype, values }, empty(dtype, [n])])
    expect(result).toEqual(values)
  })

  it("leaves what lies around a view in the same words", async () => {
    for (const offset of [0, 1, 2, 3, 4, 5])
      for (const n of [1, 2, 3, 5]) {
        const around = count(12).map(() => 1)
        const kernel = mapKernel(1, [unit(dtype)], [out(dtype)], [body])
        const target: View = { dtype, values: around, sizes: [n], offset }
        const [, result] = await launched(backend, kernel, [n], [{ dtype, values: count(n).map(() => 0) }, target])
        expect(result).toEqual(around.map((x, i) => (i >= offset && i < offset + n ? 0 : x)))
      }
  })

  it("through strides, backwards and with gaps", async () => {
    const values = valuesOf(dtype, 6)
    const kernel = mapKernel(2, [strided(dtype)], [strided(dtype)], [body])
    const from: View = { dtype, values, sizes: [2, 3], strides: [1, -2], offset: 4 }
    const to: View = { dtype, values: count(14).map(() => 1), sizes: [2, 3], strides: [7, 2], offset: 1 }
    const [, result] = await launched(backend, kernel, [2, 3], [from, to])
    const expected: number[] = [...to.values].map(Number)
    for (const i of count(2)) for (const j of count(3)) expected[1 + 7 * i + 2 * j] = values[4 + i - 2 * j]
    expect(result).toEqual(expected)
  })

  it("in place", async () => {
    const values = valuesOf(dtype, 9)
    const kernel = mapKernel(1, [unit(dtype)], [{ ...out(dtype), aliases: 0 }], [body])
    const [result] = await launched(
      backend,
      kernel,
      [9],
      [
        { dtype, values },
        { dtype, values, same: 0 },
      ],
    )
    expect(result).toEqual(values)
  })
})

it("has several outputs of different dtypes", async () => {
  const x = input(0, "float32")
  const kernel = mapKernel(
    1,
    [unit("float32")],
    [out("bool"), out("float32"), out("int8")],
    [x.gt(0), x.neg(), x.cast("int8")],
  )
  const views = [
    { dtype: "float32" as const, values: [1, -2, 3, 0, 5] },
    empty("bool", [5]),
    empty("float32", [5]),
    empty("int8", [5]),
  ]
  expect((await launched(backend, kernel, [5], views)).slice(1)).toEqual([
    [1, 0, 1, 0, 1],
    [-1, 2, -3, -0, -5],
    [1, -2, 3, 0, 5],
  ])
})

it("reads by coordinates, and nothing outside", async () => {
  const kernel = mapKernel(
    1,
    [{ dtype: "float32", access: "load", rank: 2 }],
    [out("float32")],
    [load(0, "float32", [index(0).sub(1), index(0)], "zero")],
  )
  const [, result] = await launched(
    backend,
    kernel,
    [4],
    [{ dtype: "float32", values: [1, 2, 3, 4, 5, 6], sizes: [2, 3] }, empty("float32", [4])],
  )
  expect(result).toEqual([0, 2, 6, 0])
})

it("takes scalars of every type", async () => {
  const sum = scalar(0, "float32")
    .add(scalar(1, "int32").cast("float32"))
    .add(scalar(2, "bool").cast("float32"))
    .add(scalar(3, "uint32").cast("float32"))
  const kernel = mapKernel(0, [], [out("float32")], [sum], ["float32", "int32", "bool", "uint32"])
  expect(await launched(backend, kernel, [], [empty("float32", [])], [0.5, -3, true, 2 ** 31])).toEqual([[2 ** 31]])
  expect(await launched(backend, kernel, [], [empty("float32", [])], [0.5, -3, true, 4])).toEqual([[2.5]])
})

it("does nothing over no elements", async () => {
  const kernel = mapKernel(2, [], [out("float32")], [index(0).cast("float32")])
  const before = backend.commandCounts().dispatches
  expect(await launched(backend, kernel, [3, 0], [{ dtype: "float32", values: [7], sizes: [3, 0] }])).toEqual([[7]])
  expect(backend.commandCounts().dispatches).toBe(before)
})

it("has one shader for all sizes, strides and scalars", () => {
  const kernel = mapKernel(
    2,
    [strided("float32")],
    [out("float32")],
    [input(0, "float32").mul(scalar(0, "float32"))],
    ["float32"],
  )
  const { params, shader } = emitMap(kernel, 1)
  const view = { offset: 5, sizes: [2, 3], strides: [-1, 7] }
  const numbers = params({ sizes: [2, 3], operands: [view, { ...view, offset: 9 }], scalars: [2] })
  for (const expected of [6, 5, 9, 7, -1, 0x40000000]) expect(numbers).toContain(expected)
  expect(shader.code).not.toMatch(/\b(6u|9u)\b/)
})
