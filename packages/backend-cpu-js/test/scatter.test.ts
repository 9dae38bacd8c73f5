import { constant, type DType, index, input, KernelFault, type ScatterKernel } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, launch, unit, type Value, type View } from "./harness.ts"

const scatter = (
  dtype: DType,
  combine: ScatterKernel["combine"],
  parts: Partial<ScatterKernel> = {},
): ScatterKernel => ({
  kind: "scatter",
  rank: 1,
  inputs: [unit("int32"), unit(dtype)],
  scalars: [],
  value: dtype === "float16" ? input(1, dtype).cast("float32") : input(1, dtype),
  coordinates: [input(0, "int32")],
  combine,
  dtype,
  targetRank: 1,
  bounds: "zero",
  ...parts,
})

const target = (dtype: DType, values: readonly Value[], sizes = [values.length]): View => ({ dtype, values, sizes })
const operands = (dtype: DType, at: number[], values: readonly Value[], into: readonly Value[]): View[] => [
  { dtype: "int32", values: at },
  { dtype, values },
  target(dtype, into),
]

describe.each(backends)("scatter, %s", (_, backend) => {
  it.each<[ScatterKernel["combine"], DType, readonly Value[], readonly Value[], readonly Value[]]>([
    ["set", "float32", [1, 2, 3, 4], [0, 0, 0], [1, 0, 3]],
    ["add", "float32", [1, 2, 3, 4], [10, 20, 30], [11, 20, 35]],
    ["mul", "float32", [1, 2, 3, 4], [10, 20, 30], [10, 20, 180]],
    ["min", "float32", [1, 2, 3, Number.NaN], [10, 20, 2.5], [1, 20, 2]],
    ["max", "float32", [Number.NaN, 2, 3, 4], [10, 20, 2.5], [Number.NaN, 20, 3]],
    ["add", "int8", [100, 100, 100, 1], [100, 0, 0], [-56, 0, -56]],
    ["add", "int64", [1n, 2n, 3n, 4n], [2n ** 63n - 1n, 0n, 0n], [-(2n ** 63n), 0n, 5n]],
    ["add", "float16", [1, 1, 1, 4], [2048, 0, 2048], [2048, 0, 2048]],
    ["set", "bool", [1, 0, 1, 1], [0, 1, 0], [1, 1, 1]],
    ["add", "bool", [1, 0, 1, 1], [1, 1, 0], [1, 1, 1]],
  ])("%s on %s, dropping what is outside", (combine, dtype, values, into, expected) => {
    const at = [0, 2, 2, 5]
    expect(launch(backend, scatter(dtype, combine), [4], operands(dtype, at, values, into))[2]).toEqual(expected)
  })

  it("reports what is outside before anything is written", () => {
    const kernel = scatter("float32", "add", { bounds: "fault" })
    const buffer = backend.allocate(12, "float32")
    backend.write(buffer, new Uint8Array(new Float32Array([1, 2, 3]).buffer))
    const at = backend.allocate(12, "int32")
    backend.write(at, new Uint8Array(new Int32Array([0, 1, 3]).buffer))
    const view = { offset: 0, sizes: [3], strides: [1], buffer }
    const go = (): void => backend.launch(backend.compile(kernel), [3], [{ ...view, buffer: at }, view, view], [])
    expect(go).toThrow(KernelFault)
    expect(go).toThrow("index 3 is out of bounds for dimension 0 with size 3 (operand 2)")
    expect([...new Float32Array(backend.readSync!(buffer, 0, 12).buffer)]).toEqual([1, 2, 3])
  })

  it("addresses strided targets of several dims, and a target without dims", () => {
    const kernel = scatter("float32", "add", {
      rank: 2,
      inputs: [unit("int32", "broadcast"), unit("float32")],
      coordinates: [index(1), input(0, "int32")],
      targetRank: 2,
    })
    const views: View[] = [
      { dtype: "int32", values: [1, 0], strides: [1, 0] },
      { dtype: "float32", values: [1, 2, 3, 4, 5, 6] },
      { dtype: "float32", values: Array.from({ length: 12 }, () => 0), sizes: [3, 2], strides: [2, 6], offset: 1 },
    ]
    const out = launch(backend, kernel, [2, 3], views)[2]
    expect(out).toEqual([0, 4, 0, 5, 0, 6, 0, 1, 0, 2, 0, 3])
    const total = scatter("float32", "add", {
      inputs: [unit("float32")],
      value: input(0, "float32"),
      coordinates: [],
      targetRank: 0,
    })
    expect(
      launch(backend, total, [3], [{ dtype: "float32", values: [1, 2, 3] }, target("float32", [10], [])])[1],
    ).toEqual([16])
    expect(constant(0, "int32").is(0)).toBe(true)
  })
})
