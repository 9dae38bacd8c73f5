import {
  constant,
  type DType,
  index,
  input,
  left,
  load,
  type Monoid,
  result,
  right,
  type ScalarType,
  scalar,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import {
  backends,
  empty,
  launch,
  mapKernel,
  reduceKernel,
  rowMajor,
  unit,
  type Value,
  type View,
  where,
} from "./harness.ts"

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const wave = (n: number): number[] => count(n).map((i) => Math.fround(Math.sin(i * 1.7) * 10))
const out = (dtype: DType): { dtype: DType; access: "unit" } => ({ dtype, access: "unit" })

const monoid = (
  dtype: ScalarType,
  identity: Value,
  op: "add" | "mul" | "max" | "min" | "or" | "and",
  lift = input(0, dtype),
): Monoid => ({
  accumulators: [dtype],
  identity: [identity],
  lift: [lift],
  combine: [left(0, dtype)[op](right(0, dtype))],
})

const sum = (dtype: ScalarType): Monoid => monoid(dtype, dtype === "int64" ? 0n : 0, "add")

describe.each(backends)("reduce, %s", (_, backend) => {
  it("loads what stands still along a run once, and nothing for an empty run", () => {
    const kernel = reduceKernel({
      rank: 3,
      reduced: 2,
      inputs: [unit("int32", "broadcast"), { dtype: "float32", access: "load", rank: 2 }],
      outputs: [out("float32")],
      ...monoid("float32", 0, "add", load(1, "float32", [input(0, "int32"), index(2)], "fault")),
      finish: [result(0, "float32")],
    })
    const run = (rows: number[], sizes: number[]): Value[] =>
      launch(backend, kernel, sizes, [
        { dtype: "int32", values: rows, strides: [2, 1, 0] },
        { dtype: "float32", values: count(27), sizes: [3, 9] },
        empty("float32", [2]),
      ])[2]
    expect(run([0, 1, 2, 2], [2, 2, 9])).toEqual([36 + 117, 2 * 198])
    expect(() => run([0, 1, 2, 3], [2, 2, 9])).toThrow("index 3 is out of bounds")
    expect(run([7, 7, 7, 7], [2, 2, 0])).toEqual([0, 0])
    expect(run([7, 7, 7, 7], [2, 0, 9])).toEqual([0, 0])
  })

  it.each([0, 1, 2, 3, 4, 5, 7, 63, 64, 65, 1000])("sums runs of %i", (n) => {
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit("float32")],
      outputs: [out("float32")],
      ...sum("float32"),
      finish: [result(0, "float32")],
    })
    const values = wave(3 * n)
    const sums = launch(backend, kernel, [3, n], [{ dtype: "float32", values }, empty("float32", [3])])[1]
    expect(sums).toEqual(count(3).map((r) => Math.fround(values.slice(r * n, r * n + n).reduce((a, b) => a + b, 0))))
  })

  it.each([
    [3, 5],
    [5, 3],
    [1500, 7],
    [7, 1500],
    [1, 1],
    [2, 0],
    [1025, 2],
  ])("sums columns of %i by %i", (kept, reduced) => {
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit("float32", "strided")],
      outputs: [out("float32")],
      ...sum("float32"),
      finish: [result(0, "float32")],
    })
    const values = wave(kept * reduced)
    const views: View[] = [{ dtype: "float32", values, strides: [1, kept] }, empty("float32", [kept])]
    const sums = launch(backend, kernel, [kept, reduced], views)[1]
    expect(sums).toEqual(
      count(kept).map((c) => Math.fround(count(reduced).reduce((s, r) => s + values[r * kept + c], 0))),
    )
  })

  it.each([true, false])("reduces inner and outer dims of rank 4, rows first: %s", (rows) => {
    const sizes = [3, 5, 4, 6]
    const strides = rows ? [5, 1, 90, 15] : [120, 24, 6, 1]
    const kernel = reduceKernel({
      rank: 4,
      reduced: 2,
      inputs: [unit("float32", rows ? "strided" : "unit")],
      outputs: [{ dtype: "float32", access: "strided" }],
      ...monoid(
        "float32",
        Number.NEGATIVE_INFINITY,
        "max",
        input(0, "float32").add(index(0).mul(index(3)).cast("float32")),
      ),
      finish: [result(0, "float32").mul(scalar(0, "float32")).add(index(1).cast("float32"))],
      scalars: ["float32"],
    })
    const values = wave(360)
    const views: View[] = [
      { dtype: "float32", values, strides },
      { ...empty("float32", [30]), sizes: [3, 5], strides: [1, 6] },
    ]
    const got = launch(backend, kernel, sizes, views, [2])[1]
    for (const i of count(3))
      for (const j of count(5)) {
        const all = count(24).map((n) => {
          const [k, l] = [Math.floor(n / 6), n % 6]
          return Math.fround(values[i * strides[0] + j * strides[1] + k * strides[2] + l * strides[3]] + i * l)
        })
        expect(got[i + 6 * j]).toBe(Math.fround(Math.fround(Math.max(...all) * 2) + j))
      }
  })

  it.each<[string, DType, Monoid, Value[], Value]>([
    ["product", "int32", monoid("int32", 1, "mul"), [65537, 65537, 3], 393219],
    ["int64 sum", "int64", sum("int64"), [2n ** 62n, 2n ** 62n, 5n], -(2n ** 63n) + 5n],
    ["int8 sum", "int8", sum("int8"), [100, 100, 100], 44],
    ["any", "bool", monoid("bool", 0, "or"), [0, 0, 1, 0, 0], 1],
    ["all", "bool", monoid("bool", 1, "and"), [1, 1, 1, 1, 0], 0],
    ["max with NaN", "float32", monoid("float32", Number.NEGATIVE_INFINITY, "max"), [1, Number.NaN, 3], Number.NaN],
    ["min", "float64", monoid("float64", Number.POSITIVE_INFINITY, "min"), [1, -2.5, 3, 4, 5, 6], -2.5],
    ["sum of one -0", "float64", sum("float64"), [-0], 0],
    ["empty product", "float32", monoid("float32", 1, "mul"), [], 1],
  ])("%s", (_name, dtype, m, values, expected) => {
    const kernel = reduceKernel({
      rank: 1,
      reduced: 1,
      inputs: [unit(dtype)],
      outputs: [out(dtype)],
      ...m,
      finish: [result(0, dtype)],
    })
    expect(launch(backend, kernel, [values.length], [{ dtype, values }, empty(dtype, [])])[1]).toEqual([expected])
  })

  it("keeps float32 sums as exact as doubles, and float64 sums near pairwise ones", () => {
    const n = 20000
    const values = count(n).map(() => Math.fround(0.1))
    const single = reduceKernel({
      rank: 1,
      reduced: 1,
      inputs: [unit("float32")],
      outputs: [out("float32")],
      ...sum("float32"),
      finish: [result(0, "float32")],
    })
    expect(launch(backend, single, [n], [{ dtype: "float32", values }, empty("float32", [])])[1]).toEqual([
      Math.fround(Math.fround(0.1) * n),
    ])
    const double = reduceKernel({
      rank: 1,
      reduced: 1,
      inputs: [unit("float64")],
      outputs: [out("float64")],
      ...sum("float64"),
      finish: [result(0, "float64")],
    })
    const [total] = launch(
      backend,
      double,
      [n],
      [{ dtype: "float64", values: values.map(() => 0.1) }, empty("float64", [])],
    )[1]
    // A single running sum of these is wrong by 1.6e-10.
    expect(Math.abs(Number(total) - 2000)).toBeLessThan(2e-11)
  })

  it.each([true, false])("reduces tuples: the last of the largest, rows first: %s", (rows) => {
    const [a, i, b, j] = [left(0, "float32"), left(1, "int32"), right(0, "float32"), right(1, "int32")]
    const takeRight = a.lt(b).or(a.eq(b).and(i.lt(j)))
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit("float32", rows ? "strided" : "unit")],
      outputs: [out("float32"), out("int32")],
      accumulators: ["float32", "int32"],
      identity: [Number.NEGATIVE_INFINITY, -1],
      lift: [input(0, "float32"), index(1)],
      combine: [where(takeRight, b, a), where(takeRight, j, i)],
      finish: [result(0, "float32"), result(1, "int32")],
    })
    const table = [
      [1, 5, 2, 5, 0],
      [9, 1, 9, 9, 3],
      [-1, -2, -3, -4, -5],
    ]
    const values = rows ? count(15).map((n) => table[n % 3][Math.floor(n / 3)]) : table.flat()
    const views: View[] = [
      { dtype: "float32", values, strides: rows ? [1, 3] : [5, 1] },
      empty("float32", [3]),
      empty("int32", [3]),
    ]
    const [, v, p] = launch(backend, kernel, [3, 5], views)
    expect(v).toEqual([5, 9, -1])
    expect(p).toEqual([3, 3, 0])
  })

  it("reads through loads and broadcast inputs", () => {
    const lift = load(1, "float32", [index(1), index(0)], "fault").mul(input(0, "float32"))
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit("float32", "broadcast"), { dtype: "float32", access: "load", rank: 2 }],
      outputs: [out("float32")],
      ...monoid("float32", 0, "add", lift),
      finish: [result(0, "float32")],
    })
    const views: View[] = [
      { dtype: "float32", values: [2, 3], strides: [1, 0] },
      { dtype: "float32", values: count(6), sizes: [3, 2] },
      empty("float32", [2]),
    ]
    expect(launch(backend, kernel, [2, 3], views)[2]).toEqual([2 * (0 + 2 + 4), 3 * (1 + 3 + 5)])
    expect(launch(backend, kernel, [2, 0], views)[2]).toEqual([0, 0])
    expect(() => launch(backend, kernel, [2, 4], views)).toThrow("index 3 is out of bounds for dimension 0 with size 3")
  })

  it("accumulates half types in doubles and rounds once", () => {
    const n = 3000
    const lift = input(0, "float16").cast("float32")
    const kernel = reduceKernel({
      rank: 1,
      reduced: 1,
      inputs: [unit("float16")],
      outputs: [out("float16")],
      ...monoid("float32", 0, "add", lift),
      finish: [result(0, "float32")],
    })
    expect(
      launch(backend, kernel, [n], [{ dtype: "float16", values: count(n).map(() => 1) }, empty("float16", [])])[1],
    ).toEqual([3000])
  })

  it("reduces nothing away: 0 reduced dims lift and finish each element", () => {
    const kernel = reduceKernel({
      rank: 1,
      reduced: 0,
      inputs: [unit("float32")],
      outputs: [out("float32")],
      ...sum("float32"),
      finish: [result(0, "float32").add(1)],
    })
    expect(launch(backend, kernel, [3], [{ dtype: "float32", values: [1, 2, 3] }, empty("float32", [3])])[1]).toEqual([
      2, 3, 4,
    ])
  })
})

describe("generated code and closures", () => {
  it.each<[DType, readonly number[], readonly number[]]>([
    ["float64", [7, 1300], [1300, 1]],
    ["float64", [1300, 7], [1, 1300]],
    ["float64", [3, 1200], [1, 3]],
    ["float32", [5, 1023], [1023, 1]],
  ])("combine in the same order: %s %j %j", (dtype, sizes, strides) => {
    const access = strides[1] === 1 ? "unit" : "strided"
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit(dtype, access)],
      outputs: [out("float64")],
      ...sum(dtype),
      finish: [result(0, dtype).cast("float64")],
    })
    const values = count(sizes[0] * sizes[1]).map((i) => Math.sin(i) * 10 ** (i % 7))
    const views: View[] = [{ dtype, values, strides }, empty("float64", [sizes[0]])]
    const [generated, closures] = backends.map(([, backend]) => launch(backend, kernel, sizes, views)[1])
    expect(generated).toEqual(closures)
  })
})

describe("scan", () => {
  describe.each(backends)("%s", (_, backend) => {
    const scan = (dtype: DType, m: Monoid, reverse: boolean, access: "unit" | "strided" = "unit", rank = 2) =>
      ({
        kind: "scan",
        rank,
        inputs: [unit(dtype, access)],
        outputs: [{ dtype, access }],
        scalars: [],
        reverse,
        ...m,
        finish: [result(0, dtype)],
      }) as const

    it("sums along the last dim, both ways", () => {
      const values = [1, 2, 3, 4, 5, 6]
      const views: View[] = [{ dtype: "float32", values }, empty("float32", [2, 3])]
      expect(launch(backend, scan("float32", sum("float32"), false), [2, 3], views)[1]).toEqual([1, 3, 6, 4, 9, 15])
      expect(launch(backend, scan("float32", sum("float32"), true), [2, 3], views)[1]).toEqual([6, 5, 3, 15, 11, 6])
      const strided: View[] = [
        { dtype: "float32", values, strides: [1, 2] },
        { ...empty("float32", [2, 3]), strides: [1, 2] },
      ]
      expect(launch(backend, scan("float32", sum("float32"), false, "strided"), [2, 3], strided)[1]).toEqual([
        1, 2, 4, 6, 9, 12,
      ])
      expect(launch(backend, scan("float32", sum("float32"), true, "strided"), [2, 3], strided)[1]).toEqual([
        9, 12, 8, 10, 5, 6,
      ])
      expect(
        launch(
          backend,
          scan("float32", sum("float32"), true),
          [2, 0],
          [empty("float32", [2, 0]), empty("float32", [2, 0])],
        )[1],
      ).toEqual([])
      expect(
        launch(
          backend,
          scan("float32", sum("float32"), false, "unit", 0),
          [],
          [{ dtype: "float32", values: [7] }, empty("float32", [])],
        )[1],
      ).toEqual([7])
    })

    it("keeps the order of a monoid that does not commute, and the wide accumulator", () => {
      const last: Monoid = {
        accumulators: ["int32", "bool"],
        identity: [0, 0],
        lift: [input(0, "int32"), input(0, "int32").eq(0).not()],
        combine: [where(right(1, "bool"), right(0, "int32"), left(0, "int32")), left(1, "bool").or(right(1, "bool"))],
      }
      const views: View[] = [{ dtype: "int32", values: [0, 3, 0, 0, 5, 0] }, empty("int32", [1, 6])]
      expect(launch(backend, scan("int32", last, false), [1, 6], views)[1]).toEqual([0, 3, 3, 3, 5, 5])
      expect(launch(backend, scan("int32", last, true), [1, 6], views)[1]).toEqual([3, 3, 5, 5, 5, 0])
      const n = 20000
      const tenths: View[] = [{ dtype: "float32", values: count(n).map(() => 0.1) }, empty("float32", [1, n])]
      expect(launch(backend, scan("float32", sum("float32"), false), [1, n], tenths)[1][n - 1]).toBe(
        Math.fround(Math.fround(0.1) * n),
      )
    })

    it("finishes with coordinates, inputs and other outputs", () => {
      const kernel = {
        ...scan("float32", sum("float32"), false),
        outputs: [
          { dtype: "float32", access: "unit" },
          { dtype: "int32", access: "unit" },
        ],
        finish: [result(0, "float32").sub(input(0, "float32")), index(1).add(index(0).mul(10))],
      } as const
      const views: View[] = [
        { dtype: "float32", values: [1, 2, 3, 4] },
        empty("float32", [2, 2]),
        empty("int32", [2, 2]),
      ]
      const [, exclusive, at] = launch(backend, kernel, [2, 2], views)
      expect(exclusive).toEqual([0, 1, 0, 3])
      expect(at).toEqual([0, 1, 10, 11])
    })
  })
})

describe("maps of reductions' leaves", () => {
  it("are refused with the primitive and the type", () => {
    const bad = mapKernel(1, [unit("int32")], [out("int32")], [input(0, "int32").sqrt()])
    for (const [, backend] of backends)
      expect(() => backend.compile(bad)).toThrow("the primitive sqrt has no meaning on int32")
    expect(rowMajor([2, 3])).toEqual([3, 1])
    expect(constant(1, "int32").isConst).toBe(true)
  })
})
