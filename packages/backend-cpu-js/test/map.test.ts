import { type Access, constant, type DType, index, input, KernelFault, load, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, empty, launch, mapKernel, rowMajor, unit, type Value, type View, where } from "./harness.ts"

const a = input(0, "float32")
const b = input(1, "float32")
const OUT = unit("float32") as { dtype: DType; access: "unit" }
const STRIDED = { dtype: "float32" as const, access: "strided" as const }
const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => i + from)

describe.each(backends)("map, %s", (_, backend) => {
  it.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 33])("adds %i elements and touches nothing else", (n) => {
    const views: View[] = [
      { dtype: "float32", values: count(n + 3), offset: 1, sizes: [n] },
      { dtype: "float32", values: count(n + 3, 100), offset: 2, sizes: [n] },
      { dtype: "float32", values: count(n + 4).map(() => -7), offset: 3, sizes: [n] },
    ]
    const out = launch(backend, mapKernel(1, [unit("float32"), unit("float32")], [OUT], [a.add(b)]), [n], views)[2]
    expect(out).toEqual([-7, -7, -7, ...count(n).map((i) => 2 * i + 103), -7])
  })

  it("runs at rank 0", () => {
    const kernel = mapKernel(0, [unit("float32")], [OUT], [a.mul(2)])
    const out = launch(backend, kernel, [], [{ dtype: "float32", values: [1, 5], offset: 1 }, empty("float32", [])])
    expect(out[1]).toEqual([10])
  })

  it.each([1, 2, 3, 4, 5, 6, 12])("follows any strides at rank %i", (rank) => {
    const sizes = count(rank).map((d) => (rank > 6 ? 2 : [2, 3, 1, 2, 3, 2][d]))
    const n = sizes.reduce((x, y) => x * y, 1)
    const reversed = rowMajor([...sizes].reverse()).reverse()
    const negative = rowMajor(sizes).map((s, d) => (d % 2 ? s : -s))
    const start = sizes.reduce((x, size, d) => x + (d % 2 ? 0 : (size - 1) * rowMajor(sizes)[d]), 0)
    const views: View[] = [
      { dtype: "float32", values: count(n), strides: reversed },
      { dtype: "float32", values: count(n), strides: negative, offset: start },
      { dtype: "float32", values: count(2 * n).map(() => -1), strides: rowMajor(sizes).map((s) => 2 * s), offset: 1 },
    ]
    const kernel = mapKernel(
      rank,
      [unit("float32", "strided"), unit("float32", "strided")],
      [STRIDED],
      [a.mul(1000).add(b)],
    )
    const out = launch(backend, kernel, sizes, views)[2]
    for (let i = 0; i < n; i++) {
      const at = rowMajor(sizes).map((s, d) => Math.floor(i / s) % sizes[d])
      const dot = (s: readonly number[]): number => at.reduce((x, c, d) => x + c * s[d], 0)
      expect(out[2 * i + 1]).toBe(dot(reversed) * 1000 + start + dot(negative))
      expect(out[2 * i]).toBe(-1)
    }
  })

  it.each<[Access, readonly number[]]>([
    ["broadcast", [1, 0]],
    ["unit", [0, 1]],
    ["broadcast", [0, 0]],
  ])("broadcasts an input (%s, strides %j)", (access, strides) => {
    const views: View[] = [
      { dtype: "float32", values: [1, 2, 3], strides },
      { dtype: "float32", values: count(6) },
      empty("float32", [2, 3]),
    ]
    const out = launch(
      backend,
      mapKernel(2, [unit("float32", access), unit("float32")], [OUT], [a.exp().mul(b)]),
      [2, 3],
      views,
    )[2]
    const x = (i: number): number => Math.fround(Math.exp(1 + Math.floor(i / 3) * strides[0] + (i % 3) * strides[1]))
    expect(out).toEqual(count(6).map((i) => Math.fround(x(i) * i)))
  })

  it("writes in place, and reads everything before it writes", () => {
    const outputs = [{ dtype: "float32" as const, access: "unit" as const, aliases: 0 }, OUT]
    const kernel = mapKernel(1, [unit("float32")], outputs, [a.add(1), a.mul(10)])
    const buffer = backend.allocate(12, "float32")
    backend.write(buffer, new Uint8Array(new Float32Array([1, 2, 3]).buffer))
    const second = backend.allocate(12, "float32")
    const view = { buffer, offset: 0, sizes: [3], strides: [1] }
    backend.launch(backend.compile(kernel), [3], [view, view, { ...view, buffer: second }], [])
    const read = (x: typeof buffer): number[] => [...new Float32Array(backend.readSync!(x, 0, 12).buffer)]
    expect(read(buffer)).toEqual([2, 3, 4])
    expect(read(second)).toEqual([10, 20, 30])
  })

  it("knows coordinates and scalars of every type", () => {
    const body = index(0).mul(100).add(index(1)).add(scalar(0, "int32")).cast("float32").add(scalar(1, "float32"))
    const kernel = mapKernel(
      2,
      [],
      [OUT],
      [where(scalar(2, "bool"), body, scalar(3, "int64").cast("float32"))],
      ["int32", "float32", "bool", "int64"],
    )
    expect(launch(backend, kernel, [2, 2], [empty("float32", [2, 2])], [7, 0.1, true, 5n])[0]).toEqual(
      [7, 8, 107, 108].map((x) => Math.fround(x + Math.fround(0.1))),
    )
    expect(launch(backend, kernel, [2, 2], [empty("float32", [2, 2])], [7n, 0, false, 5])[0]).toEqual([5, 5, 5, 5])
  })

  it("gathers with zeros outside", () => {
    const kernel = mapKernel(
      1,
      [unit("int32"), { dtype: "float32", access: "load", rank: 2 }],
      [OUT],
      [load(1, "float32", [input(0, "int32"), constant(1, "int32")], "zero")],
    )
    const views: View[] = [
      { dtype: "int32", values: [2, -1, 0, 3, 1] },
      { dtype: "float32", values: count(6), sizes: [3, 2], strides: [1, 3] },
      empty("float32", [5]),
    ]
    expect(launch(backend, kernel, [5], views)[2]).toEqual([5, 0, 3, 0, 4])
  })

  it.each(["zero", "fault"] as const)("loads at coordinates of every loop, bounds %s", (bounds) => {
    const table = { dtype: "float32" as const, access: "load" as const, rank: 3 }
    const at = [index(2), input(0, "int32"), index(0).add(index(1))]
    const kernel = mapKernel(3, [unit("int32", "broadcast"), table], [OUT], [load(1, "float32", at, bounds)])
    const run = (rows: number[], last: number): Value[] =>
      launch(
        backend,
        kernel,
        [2, 2, 2],
        [
          { dtype: "int32", values: rows, strides: [2, 1, 0] },
          { dtype: "float32", values: count(12), sizes: [2, 2, last], strides: [6, 3, 1] },
          empty("float32", [2, 2, 2]),
        ],
      )[2]
    expect(run([0, 1, 1, 0], 3)).toEqual([0, 6, 4, 10, 4, 10, 2, 8])
    const outside = (): Value[] => run([0, -1, 2, 0], 2)
    if (bounds === "fault") expect(outside).toThrow(KernelFault)
    else expect(outside()).toEqual([0, 6, 0, 0, 0, 0, 0, 0])
  })

  it("reports an index out of bounds, and leaves a tensor changed in place as it was", () => {
    const inputs = [unit("int32"), { dtype: "float32" as const, access: "load" as const, rank: 1 }, unit("float32")]
    const body = load(1, "float32", [input(0, "int32")], "fault").add(input(2, "float32"))
    const kernel = mapKernel(1, inputs, [{ ...OUT, aliases: 2 }], [body])
    const buffer = backend.allocate(12, "float32")
    backend.write(buffer, new Uint8Array(new Float32Array([1, 2, 3]).buffer))
    const indices = backend.allocate(12, "int32")
    const table = backend.allocate(8, "float32")
    backend.write(table, new Uint8Array(new Float32Array([10, 20]).buffer))
    const view = { buffer, offset: 0, sizes: [3], strides: [1] }
    const run = (at: number[]): void => {
      backend.write(indices, new Uint8Array(new Int32Array(at).buffer))
      backend.launch(
        backend.compile(kernel),
        [3],
        [{ ...view, buffer: indices }, { ...view, buffer: table, sizes: [2] }, view, view],
        [],
      )
    }
    expect(() => run([0, 1, 2])).toThrow(KernelFault)
    expect(() => run([0, 1, -1])).toThrow("index -1 is out of bounds for dimension 0 with size 2 (operand 1)")
    expect([...new Float32Array(backend.readSync!(buffer, 0, 12).buffer)]).toEqual([1, 2, 3])
    run([1, 0, 1])
    expect([...new Float32Array(backend.readSync!(buffer, 0, 12).buffer)]).toEqual([21, 12, 23])
  })

  it.each<DType>(["float16", "bfloat16"])("decodes and encodes %s", (dtype) => {
    const x = input(0, dtype).cast("float32")
    const types = [unit(dtype)] as const
    const out = unit(dtype) as { dtype: DType; access: "unit" }
    const views: View[] = [{ dtype, values: [1, 3, -0.5, 60000] }, empty(dtype, [4])]
    const thirds =
      dtype === "float16" ? [0.333251953125, 1, -0.1666259765625, 20000] : [0.333984375, 1, -0.1669921875, 19968]
    for (const body of [x.div(3), x.div(3).cast(dtype)])
      expect(launch(backend, mapKernel(1, types, [out], [body]), [4], views)[1]).toEqual(thirds)
    // Rounded in the middle of a formula as well.
    const twice = x.div(3).cast(dtype).cast("float32").mul(3)
    const wide = launch(
      backend,
      mapKernel(1, types, [OUT], [twice]),
      [4],
      [views[0], empty("float32", [4])],
    )[1] as Value[]
    expect(wide).toEqual(thirds.map((t) => t * 3))
  })

  it("sees the bytes of a buffer as another type", () => {
    const buffer = backend.allocate(12, "float32")
    backend.write(buffer, new Uint8Array(new Float32Array([1, -2, 0.5]).buffer))
    const out = backend.allocate(24, "int64")
    const kernel = mapKernel(
      1,
      [unit("int32")],
      [{ dtype: "int64", access: "unit" }],
      [input(0, "int32").cast("int64")],
    )
    const view = { offset: 0, sizes: [3], strides: [1] }
    backend.launch(
      backend.compile(kernel),
      [3],
      [
        { ...view, buffer },
        { ...view, buffer: out },
      ],
      [],
    )
    expect([...new BigInt64Array(backend.readSync!(out, 0, 24).buffer)]).toEqual([
      0x3f800000n,
      -0x40000000n,
      0x3f000000n,
    ])
  })

  it("does nothing where a size is 0", () => {
    const kernel = mapKernel(
      2,
      [unit("int64", "broadcast")],
      [{ dtype: "int64", access: "unit" }],
      [input(0, "int64").add(1)],
    )
    const views: View[] = [{ dtype: "int64", values: [], sizes: [3, 0], strides: [0, 0] }, empty("int64", [3, 0])]
    expect(launch(backend, kernel, [3, 0], views)[1]).toEqual([])
  })
})
