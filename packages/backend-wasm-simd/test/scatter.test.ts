/** Scatters: every combination, in order, inside of the target only. */
import { DTYPE_NAMES, type DType, index, input, KernelFault, load, type ScatterKernel } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, count, launch, unit, type Value, type View } from "./harness.ts"

const half = (dtype: DType): boolean => dtype === "float16" || dtype === "bfloat16"

const scatter = (
  dtype: DType,
  combine: ScatterKernel["combine"],
  parts: Partial<ScatterKernel> = {},
): ScatterKernel => ({
  kind: "scatter",
  rank: 1,
  inputs: [unit("int32"), unit(dtype)],
  scalars: [],
  value: half(dtype) ? input(1, dtype).cast("float32") : input(1, dtype),
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

const COMBINE: Record<ScatterKernel["combine"], (a: number, b: number) => number> = {
  set: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
}
const WRAP: Partial<Record<DType, (x: number) => Value>> = {
  int8: (x) => (x << 24) >> 24,
  uint8: (x) => x & 255,
  int16: (x) => (x << 16) >> 16,
  int64: (x) => BigInt(x),
  bool: (x) => (x ? 1 : 0),
}

describe.each(backends)("scatter, %s", (_, backend) => {
  for (const combine of ["set", "add", "mul", "min", "max"] as const)
    it.each(DTYPE_NAMES)(`${combine} of %s, in order, dropping what is outside`, (dtype) => {
      const wrap = WRAP[dtype] ?? ((x: number): Value => x)
      for (const n of [1, 2, 3, 4, 5, 7, 8, 13]) {
        const at = count(n).map((i) => [2, 0, 2, 5, -1, 2, 1, 2147483647][i % 8])
        const values = count(n).map((i) => wrap(dtype === "bool" ? i % 2 : (i % 3) + 1))
        const into = [3, 1, 2, 1].map((v) => wrap(dtype === "bool" ? v & 1 : v))
        const want = into.map(Number)
        at.forEach((place, i) => {
          if (place >= 0 && place < 4) want[place] = Number(wrap(COMBINE[combine](want[place], Number(values[i]))))
        })
        const got = launch(backend, scatter(dtype, combine), [n], operands(dtype, at, values, into))[2]
        expect(got, `${n} elements`).toEqual(want.map(wrap))
      }
    })

  it.each<[ScatterKernel["combine"], DType, readonly Value[], readonly Value[], readonly Value[]]>([
    ["min", "float32", [1, 2, 3, Number.NaN], [10, 20, 2.5], [1, 20, 2]],
    ["max", "float32", [Number.NaN, 2, 3, 4], [10, 20, 2.5], [Number.NaN, 20, 3]],
    ["add", "int8", [100, 100, 100, 1], [100, 0, 0], [-56, 0, -56]],
    ["add", "int64", [1n, 2n, 3n, 4n], [2n ** 63n - 1n, 0n, 0n], [-(2n ** 63n), 0n, 5n]],
    // Every addition rounds: 2048 + 1 is 2048 twice.
    ["add", "float16", [1, 1, 1, 4], [2048, 0, 2048], [2048, 0, 2048]],
  ])("%s at the extremes of %s", (combine, dtype, values, into, expected) => {
    expect(launch(backend, scatter(dtype, combine), [4], operands(dtype, [0, 2, 2, 5], values, into))[2]).toEqual(
      expected,
    )
  })

  it("keeps the last of many that are set to one place", () => {
    const n = 1000
    const at = count(n).map((i) => (i * 7) % 10)
    const got = launch(backend, scatter("int32", "set"), [n], operands("int32", at, count(n), count(10)))[2]
    expect(got).toEqual(count(10).map((place) => at.lastIndexOf(place)))
  })

  it("adds in the order of the iteration, rank 2, whatever the operands' strides", () => {
    // Additions of these give other bits in another order.
    const values = count(20).map((i) => Math.fround(Math.sin(i) * 10 ** (i % 9)))
    const kernel = scatter("float32", "add", {
      rank: 2,
      inputs: [unit("float32", "strided")],
      value: input(0, "float32"),
      coordinates: [index(0).mul(0)],
    })
    const strided: View = { dtype: "float32", values, strides: [1, 4] }
    const got = launch(backend, kernel, [4, 5], [strided, target("float32", [0, 7])])[1]
    let want = 0
    for (const i of count(4)) for (const j of count(5)) want = Math.fround(want + values[i + 4 * j])
    expect(got).toEqual([want, 7])
  })

  it.each(["add", "set"] as const)("reports what is outside before anything is written: %s", (combine) => {
    for (const n of [3, 4, 6, 9]) {
      const kernel = scatter("float32", combine, { bounds: "fault" })
      const at = backend.allocate(4 * n, "int32")
      const buffer = backend.allocate(4 * n, "float32")
      backend.write(buffer, new Uint8Array(Float32Array.from(count(n, 1)).buffer))
      const view = { offset: 0, sizes: [n], strides: [1], buffer }
      const go = (last: number): void => {
        backend.write(at, new Uint8Array(Int32Array.from(count(n).map((i) => (i === n - 1 ? last : 0))).buffer))
        backend.launch(backend.compile(kernel), [n], [{ ...view, buffer: at }, view, view], [])
      }
      expect(() => go(n)).toThrow(KernelFault)
      expect(() => go(-2)).toThrow(`index -2 is out of bounds for dimension 0 with size ${n} (operand 2)`)
      expect([...new Float32Array(backend.readSync!(buffer, 0, 4 * n).buffer)]).toEqual(count(n, 1))
      for (const b of [at, buffer]) backend.free(b)
    }
  })

  it("reports a load of the value that is outside before anything is written", () => {
    const kernel = scatter("int32", "set", {
      inputs: [unit("int32"), { dtype: "int32", access: "load", rank: 1 }],
      value: load(1, "int32", [input(0, "int32")], "fault"),
    })
    const at = backend.allocate(20, "int32")
    backend.write(at, new Uint8Array(Int32Array.from([0, 1, 0, 1, 2]).buffer))
    const table = backend.allocate(8, "int32")
    backend.write(table, new Uint8Array(Int32Array.from([10, 20]).buffer))
    const into = backend.allocate(20, "int32")
    backend.write(into, new Uint8Array(Int32Array.from([1, 2, 3, 4, 5]).buffer))
    const view = { offset: 0, sizes: [5], strides: [1] }
    const buffers = [at, table, into]
    const launched = (): void => {
      const [x, y, z] = buffers.map((buffer, k) => ({ ...view, buffer, sizes: k === 1 ? [2] : [5] }))
      backend.launch(backend.compile(kernel), [5], [x, y, z], [])
    }
    expect(launched).toThrow("index 2 is out of bounds for dimension 0 with size 2 (operand 1)")
    expect([...new Int32Array(backend.readSync!(into, 0, 20).buffer)]).toEqual([1, 2, 3, 4, 5])
    for (const buffer of buffers) backend.free(buffer)
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
      { dtype: "float32", values: count(12).map(() => 0), sizes: [3, 2], strides: [2, 6], offset: 1 },
    ]
    expect(launch(backend, kernel, [2, 3], views)[2]).toEqual([0, 4, 0, 5, 0, 6, 0, 1, 0, 2, 0, 3])
    const total = scatter("float32", "add", {
      inputs: [unit("float32")],
      value: input(0, "float32"),
      coordinates: [],
      targetRank: 0,
    })
    const numbers: View = { dtype: "float32", values: [1, 2, 3, 4, 5, 6] }
    expect(launch(backend, total, [6], [numbers, target("float32", [10], [])])[1]).toEqual([31])
    expect(launch(backend, total, [0], [{ ...numbers, sizes: [0] }, target("float32", [10], [])])[1]).toEqual([10])
  })

  it("runs at rank 0", () => {
    const kernel = scatter("int64", "set", { rank: 0 })
    const views: View[] = [
      { dtype: "int32", values: [1], sizes: [] },
      { dtype: "int64", values: [2n ** 60n], sizes: [] },
      target("int64", [1n, 2n, 3n]),
    ]
    expect(launch(backend, kernel, [], views)[2]).toEqual([1n, 2n ** 60n, 3n])
  })
})
