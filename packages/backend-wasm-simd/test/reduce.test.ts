/** Reductions, in each of the forms that they are compiled to. */
import {
  constant,
  DTYPE_NAMES,
  type DType,
  type InputType,
  index,
  input,
  KernelFault,
  left,
  load,
  type Monoid,
  type OutputType,
  result,
  right,
  scalar,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, count, empty, launch, reduceKernel, rowMajor, unit, type Value, type View } from "./harness.ts"
import { argmax, monoid, sum, welford } from "./monoids.ts"

const out = (dtype: DType, access: "unit" | "strided" = "unit"): OutputType => ({ dtype, access })
const whole = (n: number): number[] => count(n).map((i) => ((i * 7919) % 201) - 100)
const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** A kernel of one accumulator that is its own result. */
const simple = (rank: number, reduced: number, inputs: readonly InputType[], dtype: DType, m: Monoid) =>
  reduceKernel({ rank, reduced, inputs, outputs: [out(dtype)], ...m, finish: [result(0, dtype)] })

/** Runs, and between what they lie: with results beside each other or elements of a run. */
const FORMS = {
  columns: (_results: number, run: number) => [run, 1] as const,
  rows: (results: number, _run: number) => [1, results] as const,
}

describe.each(backends)("reduce, %s", (_, backend) => {
  /** Reduces [results, run] elements of `values`, which lie as the form likes it. */
  const reduced = (
    form: keyof typeof FORMS,
    [results, run]: readonly number[],
    dtype: DType,
    values: readonly Value[],
    m: Monoid,
  ): Value[] => {
    const strides = FORMS[form](results, run)
    const kernel = simple(2, 1, [unit(dtype, form === "columns" ? "unit" : "strided")], m.accumulators[0] as DType, m)
    const guard = m.accumulators[0] === "int64" ? 55n : m.accumulators[0] === "bool" ? 1 : 55
    const views: View[] = [
      { dtype, values, strides },
      { dtype: m.accumulators[0] as DType, values: count(results + 9).map(() => guard), offset: 1, sizes: [results] },
    ]
    const stored = launch(backend, kernel, [results, run], views)[1]
    expect([stored[0], ...stored.slice(results + 1)]).toEqual(count(9).map(() => guard))
    return stored.slice(1, results + 1)
  }
  const element = (
    form: keyof typeof FORMS,
    [results, run]: readonly number[],
    values: readonly number[],
    r: number,
    i: number,
  ): number => {
    const [a, b] = FORMS[form](results, run)
    return values[r * a + i * b]
  }

  it.each(["columns", "rows"] as const)("sums runs of any length: %s", (form) => {
    for (const run of [...count(41), 63, 64, 65, 257, 1000])
      for (const dtype of ["float32", "int32"] as const) {
        const sizes = [5, run]
        const values = whole(5 * run)
        const want = count(5).map((r) => total(count(run).map((i) => element(form, sizes, values, r, i))))
        expect(reduced(form, sizes, dtype, values, sum(dtype)), `${dtype}, runs of ${run}`).toEqual(want)
      }
  })

  it.each(["columns", "rows"] as const)("gives any number of results, and touches nothing beside them: %s", (form) => {
    for (const results of count(41))
      for (const run of [3, 17]) {
        const sizes = [results, run]
        const values = whole(results * run)
        const want = count(results).map((r) => total(count(run).map((i) => element(form, sizes, values, r, i))))
        expect(reduced(form, sizes, "float32", values, sum("float32")), `${results} of ${run}`).toEqual(want)
      }
  })

  it("combines pieces of long runs", () => {
    for (const n of [65535, 65536, 65537, 100003]) {
      const values = whole(n)
      const kernel = simple(1, 1, [unit("float32")], "float32", sum("float32"))
      const views: View[] = [
        { dtype: "float32", values },
        { dtype: "float32", values: [7, 7, 7], offset: 1, sizes: [] },
      ]
      expect(launch(backend, kernel, [n], views)[1]).toEqual([7, total(values), 7])
    }
  })

  it.each([
    ["inner", [2, 5, 20011], [100055, 20011, 1]],
    ["outer", [2, 20011, 5], [100055, 5, 1]],
    ["across", [2, 5, 20011], [1, 2, 10]],
  ])("combines pieces of many runs: %s", (_name, sizes, strides) => {
    const values = whole(200110)
    const access = strides[2] === 1 ? "unit" : "strided"
    const kernel = reduceKernel({
      rank: 3,
      reduced: 2,
      inputs: [unit("int32", access)],
      outputs: [out("int32", "strided"), out("int32")],
      ...monoid("int32", -1000, "max", input(0, "int32").add(index(1)).add(index(2).mul(2))),
      finish: [result(0, "int32"), result(0, "int32").add(index(0))],
    })
    const views: View[] = [
      { dtype: "int32", values, strides },
      { dtype: "int32", values: [7, 7, 7], sizes: [2], strides: [2] },
      empty("int32", [2]),
    ]
    const most = count(2).map((r) => {
      let found = -1000
      for (let i = 0; i < sizes[1]; i++)
        for (let j = 0; j < sizes[2]; j++)
          found = Math.max(found, values[r * strides[0] + i * strides[1] + j * strides[2]] + i + 2 * j)
      return found
    })
    const [, first, second] = launch(backend, kernel, sizes, views)
    expect(first).toEqual([most[0], 7, most[1]])
    expect(second).toEqual([most[0], most[1] + 1])
  })

  it.each(DTYPE_NAMES)("adds elements of every type: %s", (dtype) => {
    const half = dtype === "float16" || dtype === "bfloat16"
    const accumulator = dtype === "bool" || half ? "float32" : dtype
    const lift = input(0, dtype).cast(accumulator)
    for (const [form, n] of [
      ["columns", 21],
      ["rows", 21],
      ["columns", 66000],
    ] as const) {
      const results = n === 21 ? 6 : 1
      const values = count(results * n).map((i) =>
        dtype === "int64" ? BigInt(i % 7) : dtype === "bool" ? i % 2 : i % 7,
      )
      const want = count(results).map((r) => {
        const exact = total(
          count(n).map((i) => Number(values[r * FORMS[form](results, n)[0] + i * FORMS[form](results, n)[1]])),
        )
        if (dtype === "int64") return BigInt(exact)
        if (dtype === "int8") return (exact << 24) >> 24
        if (dtype === "int16") return (exact << 16) >> 16
        return dtype === "uint8" ? exact & 255 : exact
      })
      expect(reduced(form, [results, n], dtype, values, sum(accumulator, lift)), `${form} ${n}`).toEqual(want)
    }
  })

  it.each<[string, DType, Monoid, Value[], Value]>([
    ["product", "int32", monoid("int32", 1, "mul"), [65537, 65537, 3], 393219],
    ["int64 sum", "int64", sum("int64"), [2n ** 62n, 2n ** 62n, 5n], -(2n ** 63n) + 5n],
    ["int8 sum", "int8", sum("int8"), [100, 100, 100], 44],
    ["any", "bool", monoid("bool", 0, "or"), [0, 0, 1, 0, 0], 1],
    ["none", "bool", monoid("bool", 0, "or"), [0, 0, 0, 0, 0], 0],
    ["all", "bool", monoid("bool", 1, "and"), [1, 1, 1, 1, 0], 0],
    ["max with NaN", "float32", monoid("float32", -Infinity, "max"), [1, Number.NaN, 3], Number.NaN],
    ["max of least", "int64", monoid("int64", -(2n ** 63n), "max"), [-5n, -(2n ** 62n)], -5n],
    ["min", "float64", monoid("float64", Infinity, "min"), [1, -2.5, 3, 4, 5, 6], -2.5],
    ["sum of one -0", "float64", sum("float64"), [-0], 0],
    ["empty product", "float32", monoid("float32", 1, "mul"), [], 1],
    ["empty max", "float32", monoid("float32", -Infinity, "max"), [], -Infinity],
  ])("%s", (_name, dtype, m, values, expected) => {
    for (const form of ["columns", "rows"] as const) {
      const results = 5
      const spread =
        form === "columns" ? count(results).flatMap(() => values) : values.flatMap((v) => count(results).map(() => v))
      const got = reduced(form, [results, values.length], dtype, spread, m)
      expect(got, form).toEqual(count(results).map(() => expected))
    }
  })

  it.each([true, false])("reduces inner and outer dims of rank 4, with scalars and coordinates; rows: %s", (rows) => {
    const sizes = [3, 5, 4, 6]
    const strides = rows ? [5, 1, 90, 15] : [120, 24, 6, 1]
    const kernel = reduceKernel({
      rank: 4,
      reduced: 2,
      inputs: [unit("float32", rows ? "strided" : "unit")],
      outputs: [out("float32", "strided")],
      ...monoid("float32", -Infinity, "max", input(0, "float32").add(index(0).mul(index(3)).cast("float32"))),
      finish: [result(0, "float32").mul(scalar(0, "float32")).add(index(1).cast("float32"))],
      scalars: ["float32"],
    })
    const values = whole(360)
    const views: View[] = [
      { dtype: "float32", values, strides },
      { ...empty("float32", [30]), sizes: [3, 5], strides: [1, 6] },
    ]
    const got = launch(backend, kernel, sizes, views, [2])[1]
    for (const i of count(3))
      for (const j of count(5)) {
        const all = count(24).map((n) => {
          const [k, l] = [Math.floor(n / 6), n % 6]
          return values[i * strides[0] + j * strides[1] + k * strides[2] + l * strides[3]] + i * l
        })
        expect(got[i + 6 * j]).toBe(Math.max(...all) * 2 + j)
      }
    expect(got.every((v, i) => i % 6 < 3 || v === 0)).toBe(true)
  })

  it.each([
    ["columns", [4, 30], [30, 1]],
    ["rows", [4, 30], [1, 4]],
    ["rows of more than a strip", [19, 12], [1, 19]],
    ["split", [1, 70000], [70000, 1]],
  ])("gives tuples: the first and the last of the largest, as %s", (_name, sizes, strides) => {
    const [results, run] = sizes
    const values = count(results * run).map((i) => (i * 31) % 10)
    for (const first of [true, false]) {
      const kernel = reduceKernel({
        rank: 2,
        reduced: 1,
        inputs: [unit("float32", strides[1] === 1 ? "unit" : "strided")],
        outputs: [out("float32"), out("int32")],
        ...argmax(1, first),
        finish: [result(0, "float32"), result(1, "int32")],
      })
      const views: View[] = [
        { dtype: "float32", values, strides },
        empty("float32", [results]),
        empty("int32", [results]),
      ]
      const [, most, place] = launch(backend, kernel, sizes, views)
      count(results).forEach((r) => {
        const mine = count(run).map((i) => values[r * strides[0] + i * strides[1]])
        const largest = mine.reduce((a, b) => Math.max(a, b))
        expect(most[r]).toBe(largest)
        expect(place[r]).toBe(first ? mine.indexOf(largest) : mine.lastIndexOf(largest))
      })
    }
  })

  it("gives tuples of different widths", () => {
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit("int64")],
      outputs: [out("int32"), out("int64")],
      ...argmax(1, true, "int64"),
      finish: [result(1, "int32"), result(0, "int64")],
    })
    const values = [3n, 2n ** 40n, -1n, 2n ** 40n, 7n, -5n, -4n, -(2n ** 50n), -4n, -9n]
    const views: View[] = [{ dtype: "int64", values }, empty("int32", [2]), empty("int64", [2])]
    expect(launch(backend, kernel, [2, 5], views).slice(1)).toEqual([
      [1, 1],
      [2n ** 40n, -4n],
    ])
  })

  it.each([
    ["columns", "float32", [3, 50], [50, 1]],
    ["rows", "float32", [9, 50], [1, 9]],
    ["columns", "float64", [3, 5000], [5000, 1]],
    ["rows", "float64", [9, 600], [1, 9]],
    ["split", "float64", [1, 70001], [70001, 1]],
    ["split", "float32", [1, 70001], [70001, 1]],
  ] as const)("means and variances, as %s of %s", (_name, dtype, sizes, strides) => {
    const [results, run] = sizes
    const values = count(results * run).map((i) => 1000 + ((i * 37) % 11))
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit(dtype, strides[1] === 1 ? "unit" : "strided")],
      outputs: [out(dtype), out(dtype), out(dtype)],
      ...welford(dtype),
      finish: count(3).map((k) => result(k, dtype)),
    })
    const views: View[] = [{ dtype, values, strides }, ...count(3).map(() => empty(dtype, [results]))]
    const [, n, mean, squares] = launch(backend, kernel, sizes, views)
    // A float32 result is rounded once; doubles round at every step, and the squares of a deviation that is a 300th of the
    // mean are worse by that.
    const tolerance = dtype === "float32" ? [2 ** -23, 2 ** -22] : [2 ** -44, 2 ** -36]
    count(results).forEach((r) => {
      const mine = count(run).map((i) => values[r * strides[0] + i * strides[1]])
      const average = total(mine) / run
      const spread = total(mine.map((v) => (v - average) ** 2))
      expect(n[r]).toBe(run)
      expect(Math.abs(Number(mean[r]) / average - 1)).toBeLessThan(tolerance[0])
      expect(Math.abs(Number(squares[r]) / spread - 1)).toBeLessThan(tolerance[1])
    })
  })

  it.each(["columns", "rows"] as const)(
    "combines with scalars, also in accumulators wider than they are: %s",
    (form) => {
      // a + b + s·a·b: 1 + s·x is multiplied.
      const [a, b, s] = [left(0, "float32"), right(0, "float32"), scalar(0, "float32")]
      const kernel = reduceKernel({
        rank: 2,
        reduced: 1,
        inputs: [unit("float32", form === "columns" ? "unit" : "strided")],
        outputs: [out("float32")],
        scalars: ["float32"],
        accumulators: ["float32"],
        identity: [0],
        lift: [input(0, "float32")],
        combine: [a.add(b).add(s.mul(a).mul(b))],
        finish: [result(0, "float32")],
      })
      const run = 9
      const values = count(5 * run).map((i) => i % 2)
      const views: View[] = [{ dtype: "float32", values, strides: FORMS[form](5, run) }, empty("float32", [5])]
      const want = count(5).map((r) => {
        const ones = total(count(run).map((i) => element(form, [5, run], values, r, i)))
        return (3 ** ones - 1) / 2
      })
      expect(launch(backend, kernel, [5, run], views, [2])[1]).toEqual(want)
    },
  )

  it("reduces nothing away: 0 reduced dims lift and finish each element", () => {
    for (const [sizes, strides] of [
      [[3], [1]],
      [[11], [2]],
      [
        [2, 6],
        [1, 2],
      ],
      [[], []],
      [[0], [1]],
    ] as const) {
      const rank = sizes.length
      const kernel = reduceKernel({
        rank,
        reduced: 0,
        inputs: [unit("float32", strides.at(-1) === 1 ? "unit" : "strided")],
        outputs: [out("float32")],
        ...sum("float32", rank > 0 ? input(0, "float32").add(index(rank - 1).cast("float32")) : input(0, "float32")),
        finish: [result(0, "float32").mul(10)],
      })
      const values = count(22)
      const got = launch(backend, kernel, sizes, [
        { dtype: "float32", values, sizes, strides },
        empty("float32", sizes),
      ])[1]
      const at = (i: number): number[] => rowMajor(sizes).map((s, d) => Math.floor(i / s) % sizes[d])
      const want = got.map((_v, i) => 10 * ((at(i).at(-1) ?? 0) + at(i).reduce((x, c, d) => x + c * strides[d], 0)))
      expect(got).toEqual(want)
    }
  })

  it("reads through loads and broadcast inputs, and nothing for an empty run", () => {
    const lift = load(1, "float32", [index(1), index(0)], "fault").mul(input(0, "float32"))
    const inputs: InputType[] = [unit("float32", "broadcast"), { dtype: "float32", access: "load", rank: 2 }]
    const kernel = simple(2, 1, inputs, "float32", sum("float32", lift))
    const views = (results: number): View[] => [
      { dtype: "float32", values: count(results, 2), strides: [1, 0] },
      { dtype: "float32", values: count(3 * results), sizes: [3, results] },
      empty("float32", [results]),
    ]
    for (const results of [2, 5, 18]) {
      const want = count(results).map((r) => (r + 2) * total(count(3).map((i) => i * results + r)))
      expect(launch(backend, kernel, [results, 3], views(results))[2]).toEqual(want)
      expect(launch(backend, kernel, [results, 0], views(results))[2]).toEqual(count(results).map(() => 0))
      const outside = (): Value[][] => launch(backend, kernel, [results, 4], views(results))
      expect(outside).toThrow(KernelFault)
      expect(outside).toThrow("index 3 is out of bounds for dimension 0 with size 3 (operand 1)")
    }
  })

  it("reports no fault of a coordinate that stands still where nothing is read", () => {
    for (const at of [constant(5, "int32"), scalar(0, "int32"), index(0).add(5)]) {
      const kernel = reduceKernel({
        rank: 3,
        reduced: 2,
        inputs: [{ dtype: "float32", access: "load", rank: 1 }],
        outputs: [out("float32")],
        ...sum("float32", load(0, "float32", [at], "fault")),
        scalars: ["int32"],
        finish: [result(0, "float32")],
      })
      const run = (sizes: number[]): Value[] =>
        launch(
          backend,
          kernel,
          sizes,
          [{ dtype: "float32", values: [1, 2], sizes: [2] }, empty("float32", [sizes[0]])],
          [5],
        )[1]
      for (const sizes of [
        [2, 3, 0],
        [2, 0, 3],
        [5, 2, 0],
        [5, 0, 2],
      ])
        expect(run(sizes)).toEqual(count(sizes[0]).map(() => 0))
      for (const sizes of [
        [2, 3, 1],
        [5, 2, 1],
      ])
        expect(() => run(sizes)).toThrow("index 5 is out of bounds for dimension 0 with size 2")
    }
  })

  it.each(["columns", "rows"] as const)("rounds half types once: %s", (form) => {
    const run = form === "columns" ? 3000 : 300
    const kernel = reduceKernel({
      rank: 2,
      reduced: 1,
      inputs: [unit("float16", form === "columns" ? "unit" : "strided")],
      outputs: [out("float16"), out("bfloat16", "strided")],
      ...sum("float32", input(0, "float16").cast("float32")),
      finish: [result(0, "float32"), result(0, "float32").cast("bfloat16")],
    })
    const views: View[] = [
      { dtype: "float16", values: count(5 * run).map(() => 1), strides: FORMS[form](5, run) },
      empty("float16", [5]),
      { dtype: "bfloat16", values: count(10).map(() => 1), sizes: [5], strides: [2] },
    ]
    const [, half, brain] = launch(backend, kernel, [5, run], views)
    expect(half).toEqual(count(5).map(() => run))
    // 3000 and 300 lie between bfloat16's 2992 and 3008, 300 is one.
    const nearest = run === 3000 ? 3008 : 300
    expect(brain).toEqual(count(10).map((i) => (i % 2 ? 1 : nearest)))
  })
})
