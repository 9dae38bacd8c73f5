/** Maps: every way in which operands may lie, and every place where a loop may end. */
import {
  type Access,
  constant,
  DTYPE_NAMES,
  type DType,
  type Expr,
  index,
  input,
  KernelFault,
  load,
  type ScalarType,
  scalar,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, count, empty, launch, mapKernel, rowMajor, unit, type Value, type View, where } from "./harness.ts"

const a = input(0, "float32")
const b = input(1, "float32")
const OUT = { dtype: "float32", access: "unit" } as const
const STRIDED = { dtype: "float32", access: "strided" } as const
const LENGTHS = count(41)

/** Small numbers that a type holds exactly. */
const exact = (dtype: DType, n: number, from = 0): Value[] =>
  count(n, from).map((i) => (dtype === "int64" ? BigInt(i % 100) : dtype === "bool" ? i % 2 : i % 100))
const isHalf = (dtype: DType): boolean => dtype === "float16" || dtype === "bfloat16"

describe.each(backends)("map, %s", (_, backend) => {
  it.each(DTYPE_NAMES)("copies any number of %s and touches nothing beside them", (dtype) => {
    const body = isHalf(dtype) ? input(0, dtype).cast("float32") : input(0, dtype)
    const kernel = mapKernel(1, [unit(dtype)], [{ dtype, access: "unit" }], [body])
    const guard = dtype === "int64" ? 77n : dtype === "bool" ? 1 : 77
    for (const n of LENGTHS) {
      const values = exact(dtype, n + 3)
      const views: View[] = [
        { dtype, values, offset: 1, sizes: [n] },
        { dtype, values: count(n + 40).map(() => guard), offset: 3, sizes: [n] },
      ]
      const want = count(n + 40).map((i) => (i < 3 || i >= n + 3 ? guard : values[i - 2]))
      expect(launch(backend, kernel, [n], views)[1], `${n} elements`).toEqual(want)
    }
  })

  it("adds any number of elements at any distances, and touches nothing between them", () => {
    const kernel = mapKernel(1, [unit("float32", "strided"), unit("float32", "broadcast")], [STRIDED], [a.add(b)])
    for (const n of LENGTHS) {
      const views: View[] = [
        { dtype: "float32", values: count(3 * n + 1), offset: 3 * n, sizes: [n], strides: [-3] },
        { dtype: "float32", values: [5, 6, 7], offset: 1, sizes: [n], strides: [0] },
        { dtype: "float32", values: count(2 * n + 20).map(() => -7), offset: 1, sizes: [n], strides: [2] },
      ]
      const want = count(2 * n + 20).map((i) => (i % 2 && i < 2 * n ? 3 * (n - (i - 1) / 2) + 6 : -7))
      expect(launch(backend, kernel, [n], views)[2], `${n} elements`).toEqual(want)
    }
  })

  it.each(count(20, 1))("ends rows of %i at their ends", (n) => {
    const kernel = mapKernel(2, [unit("float32"), unit("float32", "broadcast")], [OUT], [a.mul(10).add(b)])
    const views: View[] = [
      { dtype: "float32", values: count(3 * n) },
      { dtype: "float32", values: [1, 2, 3], strides: [1, 0] },
      { dtype: "float32", values: count(3 * (n + 2) + 8).map(() => -7), strides: [n + 2, 1], offset: 1 },
    ]
    const out = launch(backend, kernel, [3, n], views)[2]
    const want = count(out.length).map((i) => {
      const [row, column] = [Math.floor((i - 1) / (n + 2)), (i - 1) % (n + 2)]
      return i >= 1 && row < 3 && column < n ? 10 * (row * n + column) + row + 1 : -7
    })
    expect(out).toEqual(want)
  })

  it("runs at rank 0", () => {
    const kernel = mapKernel(0, [unit("float32")], [OUT], [a.mul(2)])
    const views: View[] = [
      { dtype: "float32", values: [1, 5], offset: 1, sizes: [] },
      { dtype: "float32", values: [0, 0, 0], offset: 1, sizes: [] },
    ]
    expect(launch(backend, kernel, [], views)[1]).toEqual([0, 10, 0])
  })

  it.each([1, 2, 3, 4, 5])("follows any strides at rank %i", (rank) => {
    const sizes = [2, 3, 1, 2, 9].slice(-rank)
    const n = sizes.reduce((x, y) => x * y, 1)
    const reversed = rowMajor([...sizes].reverse()).reverse()
    const negative = rowMajor(sizes).map((s, d) => (d % 2 ? s : -s))
    const start = sizes.reduce((x, size, d) => x + (d % 2 ? 0 : (size - 1) * rowMajor(sizes)[d]), 0)
    const views: View[] = [
      { dtype: "float32", values: count(n), strides: reversed },
      { dtype: "float32", values: count(n), strides: negative, offset: start },
      { dtype: "float32", values: count(2 * n).map(() => -1), strides: rowMajor(sizes).map((s) => 2 * s), offset: 1 },
    ]
    const inputs = [unit("float32", "strided"), unit("float32", "strided")]
    const out = launch(backend, mapKernel(rank, inputs, [STRIDED], [a.mul(1000).add(b)]), sizes, views)[2]
    for (let i = 0; i < n; i++) {
      const at = rowMajor(sizes).map((s, d) => Math.floor(i / s) % sizes[d])
      const dot = (s: readonly number[]): number => at.reduce((x, c, d) => x + c * s[d], 0)
      expect(out[2 * i + 1]).toBe(dot(reversed) * 1000 + start + dot(negative))
      expect(out[2 * i]).toBe(-1)
    }
  })

  it("turns a matrix around, by blocks of columns", () => {
    const [rows, columns] = [37, 300]
    const views: View[] = [
      { dtype: "int16", values: count(rows * columns), strides: [1, rows] },
      empty("int16", [rows, columns]),
    ]
    const kernel = mapKernel(2, [unit("int16", "strided")], [{ dtype: "int16", access: "unit" }], [input(0, "int16")])
    const out = launch(backend, kernel, [rows, columns], views)[1]
    expect(out).toEqual(count(rows * columns).map((i) => Math.floor(i / columns) + rows * (i % columns)))
  })

  it.each<[Access, readonly number[]]>([
    ["broadcast", [1, 0]],
    ["unit", [0, 1]],
    ["broadcast", [0, 0]],
  ])("repeats an input (%s, strides %j)", (access, strides) => {
    const views: View[] = [
      { dtype: "float32", values: count(9, 1), strides },
      { dtype: "float32", values: count(18) },
      empty("float32", [2, 9]),
    ]
    const kernel = mapKernel(2, [unit("float32", access), unit("float32")], [OUT], [a.sqrt().mul(b)])
    const x = (i: number): number => Math.fround(Math.sqrt(1 + Math.floor(i / 9) * strides[0] + (i % 9) * strides[1]))
    expect(launch(backend, kernel, [2, 9], views)[2]).toEqual(count(18).map((i) => Math.fround(x(i) * i)))
  })

  it("does nothing where a size is 0", () => {
    const kernel = mapKernel(2, [unit("int64", "broadcast")], [{ dtype: "int64", access: "unit" }], [input(0, "int64")])
    for (const sizes of [
      [3, 0],
      [0, 3],
    ]) {
      const views: View[] = [
        { dtype: "int64", values: [1n], sizes, strides: [0, 0] },
        { dtype: "int64", values: [9n, 9n], sizes },
      ]
      expect(launch(backend, kernel, sizes, views)[1]).toEqual([9n, 9n])
    }
  })

  it("makes the bits of any type of another, for outputs side by side", () => {
    const outputs = DTYPE_NAMES.map((dtype) => ({ dtype, access: "unit" as const }))
    const body = DTYPE_NAMES.map((dtype) => input(0, "int32").cast(dtype))
    const kernel = mapKernel(1, [unit("int32")], outputs, body)
    for (const n of [1, 5, 16, 19]) {
      const values = count(n, -3)
      const [, ...out] = launch(
        backend,
        kernel,
        [n],
        [{ dtype: "int32", values }, ...DTYPE_NAMES.map((dtype) => empty(dtype, [n]))],
      )
      DTYPE_NAMES.forEach((dtype, j) => {
        const want = values.map((v): Value => {
          if (dtype === "int64") return BigInt(v)
          if (dtype === "bool") return v === 0 ? 0 : 1
          return dtype === "uint8" ? v & 255 : v
        })
        expect(out[j], dtype).toEqual(want)
      })
    }
  })
})

describe.each(backends)("maps in place, %s", (_, backend) => {
  it.each([1, 4, 7, 16, 35])("read everything of %i elements before they write", (n) => {
    const outputs = [{ ...OUT, aliases: 0 }, OUT, { ...OUT, aliases: 1 }]
    const kernel = mapKernel(1, [unit("float32"), unit("float32")], outputs, [a.add(b), a.mul(10), a.sub(b)])
    const views: View[] = [
      { dtype: "float32", values: count(n, 1) },
      { dtype: "float32", values: count(n, 100) },
      { dtype: "float32", values: count(n), same: 0 },
      empty("float32", [n]),
      { dtype: "float32", values: count(n), same: 1 },
    ]
    const [x, y, , ten] = launch(backend, kernel, [n], views)
    expect(x).toEqual(count(n).map((i) => 2 * i + 101))
    expect(y).toEqual(count(n).map(() => -99))
    expect(ten).toEqual(count(n).map((i) => 10 * (i + 1)))
  })

  it.each<DType>(["int64", "float64", "float16", "bool", "uint8"])(
    "swap views of %s that are not contiguous",
    (dtype) => {
      const [x, y] = [input(0, dtype), input(1, dtype)].map((e) => (isHalf(dtype) ? e.cast("float32") : e))
      const inputs = [unit(dtype, "strided"), unit(dtype, "strided")]
      const outputs = [0, 1].map((aliases) => ({ dtype, access: "strided" as const, aliases }))
      const [first, second] = [exact(dtype, 22), exact(dtype, 11, 50)]
      const views: View[] = [
        { dtype, values: first, sizes: [11], strides: [2] },
        { dtype, values: second, sizes: [11], strides: [-1], offset: 10 },
        { dtype, values: first, same: 0 },
        { dtype, values: second, same: 1 },
      ]
      const out = launch(backend, mapKernel(1, inputs, outputs, [y, x]), [11], views)
      expect(out[0]).toEqual(first.map((v, i) => (i % 2 ? v : second[10 - i / 2])))
      expect(out[1]).toEqual(second.map((_, i) => first[2 * (10 - i)]))
    },
  )
})

describe.each(backends)("leaves, %s", (_, backend) => {
  it("know coordinates along every dim", () => {
    const weights = [10000, 1000, 100, 10, 1]
    const body = weights.map((w, d) => index(d).mul(w)).reduce((sum, e) => sum.add(e))
    const sizes = [2, 1, 3, 2, 7]
    const out = launch(backend, mapKernel(5, [], [{ dtype: "int32", access: "unit" }], [body]), sizes, [
      empty("int32", sizes),
    ])[0]
    const strides = rowMajor(sizes)
    const want = out.map((_, i) => weights.reduce((sum, w, d) => sum + w * (Math.floor(i / strides[d]) % sizes[d]), 0))
    expect(out).toEqual(want)
  })

  it.each<[ScalarType, number | bigint | boolean, Value]>([
    ["float32", 0.1, Math.fround(0.1)],
    ["float64", 0.1, 0.1],
    ["float16", 0.1, 0.0999755859375],
    ["bfloat16", 0.1, 0.10009765625],
    ["int8", 200, -56],
    ["uint8", -1, 255],
    ["int16", 40000, -25536],
    ["int32", 7n, 7],
    ["int32", -2.5, -2],
    ["uint32", -1, 4294967295n],
    ["int64", 2n ** 62n + 1n, 2n ** 62n + 1n],
    ["int64", -5, -5n],
    ["bool", true, 1],
    ["bool", 0, 0],
    ["float32", Number.NaN, Number.NaN],
    ["float64", -Infinity, -Infinity],
  ])("read a scalar of type %s, given %s", (type, given, want) => {
    const leaf = scalar(0, type)
    const shown: Expr = type === "uint32" ? leaf.cast("int64") : leaf
    const dtype = shown.dtype as DType
    const body = isHalf(dtype) ? leaf.cast("float32") : shown
    const kernel = mapKernel(1, [], [{ dtype, access: "unit" }], [body], [type])
    expect(launch(backend, kernel, [5], [empty(dtype, [5])], [given])[0]).toEqual(count(5).map(() => want))
  })

  it("tell scalars from each other", () => {
    const types = ["int32", "float64", "bool", "int64", "float32"] as const
    const sum = types.map((t, k) => scalar(k, t).cast("float64")).reduce((x, y) => x.mul(10).add(y))
    const kernel = mapKernel(0, [], [{ dtype: "float64", access: "unit" }], [sum], types)
    expect(launch(backend, kernel, [], [empty("float64", [])], [1, 2, true, 4n, 5])[0]).toEqual([12145])
  })
})

describe.each(backends)("loads, %s", (_, backend) => {
  const table = (dtype: DType, rank: number) => ({ dtype, access: "load" as const, rank })

  it.each(DTYPE_NAMES)("give 0 outside a table of %s", (dtype) => {
    const read = load(1, dtype, [input(0, "int32"), constant(1, "int32")], "zero")
    const body = isHalf(dtype) ? read.cast("float32") : read
    const kernel = mapKernel(1, [unit("int32"), table(dtype, 2)], [{ dtype, access: "unit" }], [body])
    const values = exact(dtype, 6, 3)
    const zero = dtype === "int64" ? 0n : 0
    const at = [2, -1, 0, 3, 1, 2147483647, -2147483648, 0, 1]
    const views: View[] = [
      { dtype: "int32", values: at },
      { dtype, values, sizes: [3, 2], strides: [1, 3] },
      empty(dtype, [at.length]),
    ]
    expect(launch(backend, kernel, [at.length], views)[2]).toEqual(
      at.map((i) => values[3 + i] ?? zero).map((v, k) => (at[k] < 0 || at[k] > 2 ? zero : v)),
    )
  })

  it.each(["zero", "fault"] as const)("read at coordinates of every loop, bounds %s", (bounds) => {
    const at = [index(2), input(0, "int32"), index(0).add(index(1))]
    const kernel = mapKernel(
      3,
      [unit("int32", "broadcast"), table("float32", 3)],
      [OUT],
      [load(1, "float32", at, bounds)],
    )
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

  it("read nothing from an empty table", () => {
    const kernel = mapKernel(
      1,
      [table("float64", 1)],
      [{ dtype: "float64", access: "unit" }],
      [load(0, "float64", [index(0)], "zero")],
    )
    const views: View[] = [
      { dtype: "float64", values: [], sizes: [0] },
      { dtype: "float64", values: [1, 1, 1, 1, 1] },
    ]
    expect(launch(backend, kernel, [5], views)[1]).toEqual([0, 0, 0, 0, 0])
  })

  it.each([
    [[0, 1, 2, 2, 1, 0], [0, 1, 0, 1, 4, 1], "index 4 is out of bounds for dimension 1 with size 2 (operand 2)"],
    [[0, 1, 3, 2, 1, 0], [0, 1, 0, 1, 4, 1], "index 3 is out of bounds for dimension 0 with size 3 (operand 2)"],
    [[0, 1, 1, 2, 1, -7], [0, 1, 0, 1, 0, 1], "index -7 is out of bounds for dimension 0 with size 3 (operand 2)"],
  ])("name the first fault at %j, %j", (rows, columns, message) => {
    const at = [input(0, "int32"), input(1, "int32")]
    const inputs = [unit("int32"), unit("int32"), table("float32", 2)]
    const kernel = mapKernel(1, inputs, [OUT], [load(2, "float32", at, "fault")])
    const views: View[] = [
      { dtype: "int32", values: rows },
      { dtype: "int32", values: columns },
      { dtype: "float32", values: count(6), sizes: [3, 2] },
      empty("float32", [6]),
    ]
    expect(() => launch(backend, kernel, [6], views)).toThrow(message)
  })

  it("find a fault in a coordinate that is the same for all", () => {
    const kernel = mapKernel(
      2,
      [table("float32", 1)],
      [OUT],
      [load(0, "float32", [scalar(0, "int32")], "fault")],
      ["int32"],
    )
    const run = (at: number, sizes = [2, 3]): Value[] =>
      launch(
        backend,
        kernel,
        sizes,
        [{ dtype: "float32", values: [4, 5], sizes: [2] }, empty("float32", sizes)],
        [at],
      )[1]
    expect(run(1)).toEqual([5, 5, 5, 5, 5, 5])
    expect(() => run(2)).toThrow("index 2 is out of bounds for dimension 0 with size 2 (operand 0)")
    expect(run(2, [2, 0])).toEqual([])
  })

  it.each([3, 4, 9, 40])("leave a tensor of %i elements that changes in place as it was, if there is a fault", (n) => {
    const inputs = [unit("int32"), table("float32", 1), unit("float32")]
    const body = load(1, "float32", [input(0, "int32")], "fault").add(input(2, "float32"))
    const kernel = mapKernel(1, inputs, [{ ...OUT, aliases: 2 }], [body])
    const buffers = [count(n), [10, 20], count(n, 1)].map((values, k) => {
      const bytes = new Uint8Array((k === 0 ? Int32Array : Float32Array).from(values).buffer)
      const buffer = backend.allocate(bytes.length, "float32")
      backend.write(buffer, bytes)
      return buffer
    })
    const view = { offset: 0, sizes: [n], strides: [1] }
    const operands = [
      { ...view, buffer: buffers[0] },
      { ...view, buffer: buffers[1], sizes: [2] },
      { ...view, buffer: buffers[2] },
      { ...view, buffer: buffers[2] },
    ]
    const executable = backend.compile(kernel)
    const run = (at: number[]): void => {
      backend.write(buffers[0], new Uint8Array(Int32Array.from(at).buffer))
      backend.launch(executable, [n], operands, [])
    }
    const read = (): number[] => [...new Float32Array(backend.readSync!(buffers[2], 0, 4 * n).buffer)]
    const last = (i: number): number[] => count(n).map((k) => (k === n - 1 ? i : 0))
    expect(() => run(last(2))).toThrow(KernelFault)
    expect(() => run(last(-1))).toThrow("index -1 is out of bounds for dimension 0 with size 2 (operand 1)")
    expect(read()).toEqual(count(n, 1))
    run(last(1))
    expect(read()).toEqual(count(n).map((i) => i + 1 + (i === n - 1 ? 20 : 10)))
    for (const buffer of buffers) backend.free(buffer)
  })

  it("of several tables keep them apart", () => {
    const inputs = [table("int8", 1), table("int64", 1), unit("int32", "strided")]
    const body = where(
      input(2, "int32").lt(2),
      load(0, "int8", [input(2, "int32")], "zero").cast("int64"),
      load(1, "int64", [input(2, "int32").sub(2)], "zero"),
    )
    const kernel = mapKernel(1, inputs, [{ dtype: "int64", access: "unit" }], [body])
    const views: View[] = [
      { dtype: "int8", values: [-1, -2], sizes: [2] },
      { dtype: "int64", values: [2n ** 40n, -(2n ** 50n)], sizes: [2] },
      { dtype: "int32", values: [0, 9, 1, 9, 2, 9, 3, 9, 1, 9], sizes: [5], strides: [2] },
      empty("int64", [5]),
    ]
    expect(launch(backend, kernel, [5], views)[3]).toEqual([-1n, -2n, 2n ** 40n, -(2n ** 50n), -2n])
  })
})
