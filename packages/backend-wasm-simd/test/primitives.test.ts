/** Every primitive on every type: PyTorch's values, and the rules of each type where it has none. */
import { readFileSync } from "node:fs"
import { constant, DTYPES, type DType, Expr, input, PRIMITIVES, type Primitive, type ScalarType } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { backends, count, empty, launch, mapKernel, unit, type Value, type View, where } from "./harness.ts"

type Encoded = number | "nan" | "inf" | "-inf" | "-0"
type Float = "float32" | "float64"
interface Golden {
  readonly x: readonly Encoded[]
  readonly unary: Readonly<Record<string, Readonly<Record<Float, readonly Encoded[]>>>>
  readonly a: readonly Encoded[]
  readonly b: readonly Encoded[]
  readonly binary: Readonly<Record<string, Readonly<Record<Float, readonly Encoded[]>>>>
  readonly integer: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}
const golden = JSON.parse(
  readFileSync(new URL("../../backend-cpu-js/test/golden/primitives.json", import.meta.url), "utf8"),
) as Golden

const SPECIAL: Record<string, number> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 }
const decode = (x: Encoded): number => (typeof x === "number" ? x : SPECIAL[x])

const FLOATS: readonly Float[] = ["float32", "float64"]
const INTEGERS = ["int8", "uint8", "int16", "int32", "int64"] as const
const ALL: readonly DType[] = ["bool", ...INTEGERS, ...FLOATS]
const HALVES: readonly DType[] = ["float16", "bfloat16"]

describe.each(backends)("%s", (_, backend) => {
  /** A formula over columns of values. */
  const apply = (
    build: (...args: Expr[]) => Expr,
    types: readonly DType[],
    columns: readonly (readonly Value[])[],
  ): Value[] => {
    const body = build(...types.map((t, i) => input(i, t)))
    // A uint32 result is seen through its bits.
    const shown = body.dtype === "uint32" ? body.cast("int64") : body
    const dtype = shown.dtype as DType
    const kernel = mapKernel(
      1,
      types.map((t) => unit(t)),
      [{ dtype, access: "unit" }],
      [shown],
    )
    const n = columns[0].length
    const views: View[] = types.map((t, i) => ({ dtype: t, values: columns[i] }))
    return launch(backend, kernel, [n], [...views, empty(dtype, [n])]).at(-1)!
  }

  describe("floats against PyTorch", () => {
    // Where PyTorch's own float32 kernels are further off than a few units, the double result is the better one.
    const LOOSE: Record<string, number> = { digamma: 16, lgamma: 8, tan: 8, sinh: 8, cosh: 8, erfc: 8, erfinv: 8 }
    /** Equal, or within a few units in the last place, or both below the smallest normal number; zeros have their sign. */
    const near = (got: readonly Value[], want: readonly Encoded[], name: string, dtype: Float): void => {
      const [epsilon, tiny] = dtype === "float32" ? [2 ** -23, 2 ** -126] : [2 ** -52, 2 ** -1022]
      want.forEach((w, i) => {
        const expected = decode(w)
        const value = Number(got[i])
        const error = Math.max(tiny, (LOOSE[name] ?? 4) * epsilon * Math.abs(expected))
        const close = value !== 0 && Math.abs(value - expected) <= error
        if (!close) expect(value, `${name} number ${i}`).toBe(expected)
      })
    }

    for (const dtype of FLOATS) {
      it.each(Object.keys(golden.unary))(`%s of ${dtype}`, (op) => {
        const build = (x: Expr): Expr => (op === "digamma" ? x.polygamma(0) : Expr.make(op as Primitive, dtype, [x]))
        near(apply(build, [dtype], [golden.x.map(decode)]), golden.unary[op][dtype], op, dtype)
      })
      it.each(Object.keys(golden.binary))(`%s of two ${dtype}`, (op) => {
        const build = (a: Expr, b: Expr): Expr => Expr.make(op as Primitive, dtype, [a, b])
        const columns = [golden.a.map(decode), golden.b.map(decode)]
        near(apply(build, [dtype, dtype], columns), golden.binary[op][dtype], op, dtype)
      })
    }

    it.each(FLOATS)("the square of %s is a product", (dtype) => {
      const x = [3, -1.5, 0.1, Infinity, Number.NaN].map((v) => (dtype === "float32" ? Math.fround(v) : v))
      const square = (v: number): number => (dtype === "float32" ? Math.fround(v * v) : v * v)
      expect(apply((e) => e.pow(2), [dtype], [x])).toEqual(x.map(square))
    })

    it.each(FLOATS)("min and max of %s keep NaN, comparisons do not", (dtype) => {
      const [x, y] = [
        [1, Number.NaN, 2, Number.NaN, -0, 0],
        [Number.NaN, 1, 3, Number.NaN, 0, -0],
      ]
      const both = [dtype, dtype]
      expect(apply((a, b) => a.min(b), both, [x, y])).toEqual([NaN, NaN, 2, NaN, 0, -0])
      expect(apply((a, b) => a.max(b), both, [x, y])).toEqual([NaN, NaN, 3, NaN, 0, -0])
      expect(apply((a, b) => a.eq(b), both, [x, y])).toEqual([0, 0, 0, 0, 1, 1])
      expect(apply((a, b) => a.ne(b), both, [x, y])).toEqual([1, 1, 1, 1, 0, 0])
      expect(apply((a, b) => a.lt(b), both, [x, y])).toEqual([0, 0, 1, 0, 0, 0])
      expect(apply((a, b) => a.le(b), both, [x, y])).toEqual([0, 0, 1, 0, 1, 1])
      expect(apply((a) => a.isnan(), [dtype], [x])).toEqual([0, 1, 0, 1, 0, 0])
    })
  })

  describe("integers", () => {
    const typed = (dtype: DType, ...x: number[]): Value[] => (dtype === "int64" ? x.map(BigInt) : x)
    const parse = (dtype: DType, texts: readonly string[]): Value[] =>
      texts.map((t) => (dtype === "int64" ? BigInt(t) : Number(t)))

    for (const dtype of INTEGERS) {
      const rows = golden.integer[dtype]
      it.each(Object.keys(rows).filter((k) => k.length > 1))(`PyTorch's %s of ${dtype}`, (key) => {
        const op = key.replace("u_", "") as Primitive
        const columns = [parse(dtype, rows.a), parse(dtype, rows.b)]
        const got = key.startsWith("u_")
          ? apply((a) => Expr.make(op, dtype, [a]), [dtype], columns)
          : apply((a, b) => Expr.make(op, dtype, [a, b]), [dtype, dtype], columns)
        expect(got).toEqual(parse(dtype, rows[key]))
      })
    }

    it.each(INTEGERS)("comparisons and choices of %s", (dtype) => {
      const ends = dtype === "int64" ? [-(2n ** 63n), 2n ** 63n - 1n] : ENDS[dtype]
      const x = [...ends, ...typed(dtype, 3, 4, 5)]
      const y = [...ends.toReversed(), ...typed(dtype, 4, 4, 4)]
      const both = [dtype, dtype]
      const compared = (test: (a: Value, b: Value) => boolean): Value[] => x.map((v, i) => (test(v, y[i]) ? 1 : 0))
      expect(apply((a, b) => a.lt(b), both, [x, y])).toEqual(compared((a, b) => a < b))
      expect(apply((a, b) => a.le(b), both, [x, y])).toEqual(compared((a, b) => a <= b))
      expect(apply((a, b) => a.eq(b), both, [x, y])).toEqual(compared((a, b) => a === b))
      expect(apply((a, b) => a.min(b), both, [x, y])).toEqual(x.map((v, i) => (v < y[i] ? v : y[i])))
      expect(apply((a, b) => a.max(b), both, [x, y])).toEqual(x.map((v, i) => (v > y[i] ? v : y[i])))
      expect(apply((a, b) => where(a.lt(b), b, a), both, [x, y])).toEqual(x.map((v, i) => (v < y[i] ? y[i] : v)))
      expect(apply((a) => where(a.eq(x[2] === 3 ? 3 : 0), a, 1), [dtype], [x]).slice(2)).toEqual(
        dtype === "int64" ? [1n, 1n, 1n] : [3, 1, 1],
      )
      expect(apply((a) => a.floor().ceil().trunc().round(), [dtype], [x])).toEqual(x)
    })

    it.each(INTEGERS)("division and remainder by zero give 0, shifts too far shift everything out: %s", (dtype) => {
      const pair = [dtype, dtype]
      const a = typed(dtype, 7, dtype === "uint8" ? 9 : -9)
      expect(apply((x, y) => x.div(y), pair, [a, typed(dtype, 0, 0)])).toEqual(typed(dtype, 0, 0))
      expect(apply((x, y) => x.mod(y), pair, [a, typed(dtype, 0, 0)])).toEqual(typed(dtype, 0, 0))
      expect(apply((x, y) => x.shl(y), pair, [a, typed(dtype, 64, 100)])).toEqual(typed(dtype, 0, 0))
      const signs = typed(dtype, 0, dtype === "uint8" ? 0 : -1)
      expect(apply((x, y) => x.shr(y), pair, [a, typed(dtype, 64, 100)])).toEqual(signs)
      if (dtype === "uint8") return
      const [base, exponent] = [typed(dtype, 1, -1, -1, 2), typed(dtype, -2, -3, -2, -1)]
      expect(apply((x, y) => x.pow(y), pair, [base, exponent])).toEqual(typed(dtype, 1, -1, 1, 0))
    })

    it.each(["int8", "int16", "int32", "int64"] as const)("the least %s has no opposite", (dtype) => {
      const least = dtype === "int64" ? -(2n ** 63n) : ENDS[dtype][0]
      const x = [least, least, least, least, least]
      const minus = typed(dtype, -1, -1, -1, -1, -1)
      expect(apply((a) => a.neg(), [dtype], [x])).toEqual(x)
      expect(apply((a) => a.abs(), [dtype], [x])).toEqual(x)
      expect(apply((a, b) => a.div(b), [dtype, dtype], [x, minus])).toEqual(x)
      expect(apply((a, b) => a.mod(b), [dtype, dtype], [x, minus])).toEqual(typed(dtype, 0, 0, 0, 0, 0))
    })

    it("uint32 are numbers of 32 bits without a sign", () => {
      const u = (x: Expr): Expr => x.cast("uint32")
      const a = [-1, 123456789, 7, -2147483648, 0]
      const b = [-1, 987654321, 3, 3, 0]
      const unsigned = (x: number): bigint => BigInt.asUintN(32, BigInt(x))
      const exact = (f: (x: bigint, y: bigint) => bigint): bigint[] =>
        a.map((x, i) => BigInt.asUintN(32, f(unsigned(x), unsigned(b[i]))))
      const cases: Record<string, [(x: Expr, y: Expr) => Expr, (x: bigint, y: bigint) => bigint]> = {
        mulhi: [(x, y) => x.mulhi(y), (x, y) => (x * y) >> 32n],
        mul: [(x, y) => x.mul(y), (x, y) => x * y],
        add: [(x, y) => x.add(y), (x, y) => x + y],
        sub: [(x, y) => x.sub(y), (x, y) => x - y],
        and: [(x, y) => x.and(y), (x, y) => x & y],
        or: [(x, y) => x.or(y), (x, y) => x | y],
        xor: [(x, y) => x.xor(y), (x, y) => x ^ y],
        div: [(x, y) => x.div(y), (x, y) => (y === 0n ? 0n : x / y)],
        mod: [(x, y) => x.mod(y), (x, y) => (y === 0n ? 0n : x % y)],
        min: [(x, y) => x.min(y), (x, y) => (x < y ? x : y)],
        max: [(x, y) => x.max(y), (x, y) => (x > y ? x : y)],
        "shr 9": [(x) => x.shr(9), (x) => x >> 9n],
        "shr 32": [(x) => x.shr(32), () => 0n],
        "shl 5": [(x) => x.shl(5), (x) => x << 5n],
        not: [(x) => x.not(), (x) => ~x],
        neg: [(x) => x.neg(), (x) => -x],
        abs: [(x) => x.abs(), (x) => x],
        sign: [(x) => x.sign(), (x) => (x > 0n ? 1n : 0n)],
        lt: [(x, y) => x.lt(y).cast("uint32"), (x, y) => (x < y ? 1n : 0n)],
        le: [(x, y) => x.le(y).cast("uint32"), (x, y) => (x <= y ? 1n : 0n)],
      }
      for (const [name, [build, want]] of Object.entries(cases))
        expect(
          apply((x, y) => build(u(x), u(y)), ["int32", "int32"], [a, b]),
          name,
        ).toEqual(exact(want))
    })
  })

  it("bool has the arithmetic of 0 and 1", () => {
    const [x, y] = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ]
    const tables: Record<string, Value[]> = {
      add: [0, 1, 1, 1],
      sub: [0, 1, 1, 0],
      mul: [0, 0, 0, 1],
      min: [0, 0, 0, 1],
      max: [0, 1, 1, 1],
      and: [0, 0, 0, 1],
      or: [0, 1, 1, 1],
      xor: [0, 1, 1, 0],
      eq: [1, 0, 0, 1],
      lt: [0, 1, 0, 0],
      le: [1, 1, 0, 1],
    }
    for (const [op, want] of Object.entries(tables))
      expect(
        apply((a, b) => Expr.make(op as Primitive, "bool", [a, b]), ["bool", "bool"], [x, y]),
        op,
      ).toEqual(want)
    for (const op of ["neg", "abs", "sign", "floor", "ceil", "trunc", "round"] as const)
      expect(
        apply((a) => Expr.make(op, "bool", [a]), ["bool"], [x]),
        op,
      ).toEqual(x)
    expect(apply((a) => a.not(), ["bool"], [x])).toEqual([1, 1, 0, 0])
    expect(apply((a, b) => where(a, b, b.not()), ["bool", "bool"], [x, y])).toEqual([1, 0, 0, 1])
  })

  it.each([...ALL, "uint32"] as const)("what has no meaning on %s is refused", (dtype) => {
    const float = dtype === "float32" || dtype === "float64"
    const analytic: Primitive[] = [
      ...([
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
      ] as const),
      ...(["sinh", "cosh", "tanh", "sigmoid", "erf", "erfc", "erfinv", "lgamma", "atan2", "sqrt"] as const),
    ]
    const without: readonly Primitive[] = float
      ? ["and", "or", "xor", "not", "shl", "shr", "mulhi"]
      : [
          ...analytic,
          ...(dtype === "uint32" ? [] : (["mulhi"] as const)),
          ...(dtype === "bool" ? (["div", "mod", "pow", "shl", "shr"] as const) : []),
        ]
    const refused = (Object.keys(PRIMITIVES) as Primitive[]).filter((op) => {
      if (op === "cast" || op === "bitcast" || op === "where" || op === "polygamma") return false
      const x = dtype === "uint32" ? input(0, "int32").cast("uint32") : input(0, dtype)
      const result = op === "eq" || op === "lt" || op === "le" ? "bool" : dtype
      const applied = Expr.make(
        op,
        result,
        count(PRIMITIVES[op]).map(() => x),
      )
      const body = applied.dtype === "uint32" ? applied.cast("int32") : applied
      const stored = body.dtype as DType
      const kernel = mapKernel(
        1,
        [unit(dtype === "uint32" ? "int32" : dtype)],
        [{ dtype: stored, access: "unit" }],
        [body],
      )
      try {
        backend.compile(kernel)
        return false
      } catch (error) {
        expect((error as Error).message).toContain(`the primitive ${op} has no meaning on ${dtype}`)
        return true
      }
    })
    expect(refused.sort()).toEqual([...without].sort())
  })

  describe("conversions", () => {
    for (const from of [...ALL, ...HALVES])
      it.each([...ALL, ...HALVES, "uint32"] as const)(`cast ${from} to %s`, (to) => {
        const values = SAMPLES[from]
        const cast = (x: Expr): Expr => {
          const y = x.cast(to)
          return to === "float16" || to === "bfloat16" ? y.cast("float32") : y
        }
        expect(apply(cast, [from], [values])).toEqual(values.map((v) => converted(v, from, to)))
        // Stored as it is, without a cast back.
        if (to !== "uint32" && from !== to) {
          const kernel = mapKernel(1, [unit(from)], [{ dtype: to, access: "unit" }], [input(0, from).cast(to)])
          const views: View[] = [{ dtype: from, values }, empty(to, [values.length])]
          expect(launch(backend, kernel, [values.length], views)[1]).toEqual(values.map((v) => converted(v, from, to)))
        }
      })

    it.each([...ALL, ...HALVES])("cast uint32 to %s", (to) => {
      const values = [0, 1, -1, -2147483648, 16777217, 2147483647]
      const body = input(0, "int32").cast("uint32").cast(to)
      const kernel = mapKernel(1, [unit("int32")], [{ dtype: to, access: "unit" }], [body])
      const views: View[] = [{ dtype: "int32", values }, empty(to, [values.length])]
      const want = values.map((v) => converted(BigInt.asUintN(32, BigInt(v)), "int64", to))
      expect(launch(backend, kernel, [values.length], views)[1]).toEqual(want)
    })

    it("round int64 to float32 once", () => {
      const tie = 2n ** 60n + 2n ** 36n
      // Just above the tie of the float32 grid, and so little that a double would drop it.
      const got = apply((v) => v.cast("float32"), ["int64"], [[tie + 1n, tie, -tie - 1n, 16777217n]])
      expect(got).toEqual([2 ** 60 + 2 ** 37, 2 ** 60, -(2 ** 60 + 2 ** 37), 16777216])
    })

    it("keep bits where only the type changes", () => {
      const floats = [1, -0, 0.1]
      expect(apply((v) => v.bitcast("int32"), ["float32"], [floats])).toEqual([0x3f800000, -2147483648, 0x3dcccccd])
      expect(apply((v) => v.bitcast("uint32"), ["float32"], [floats])).toEqual([0x3f800000n, 0x80000000n, 0x3dcccccdn])
      const bits = [0x3f800000, 0x40490fdb]
      expect(apply((v) => v.bitcast("float32"), ["int32"], [bits])).toEqual([1, Math.fround(Math.PI)])
      const doubles = [1, -2, 3]
      const words = [0x3ff0000000000000n, -0x4000000000000000n, 0x4008000000000000n]
      expect(apply((v) => v.bitcast("int64"), ["float64"], [doubles])).toEqual(words)
      expect(apply((v) => v.bitcast("float64"), ["int64"], [words])).toEqual(doubles)
      const wide = mapKernel(
        1,
        [unit("float32")],
        [{ dtype: "int64", access: "unit" }],
        [input(0, "float32").bitcast("int64")],
      )
      expect(() => backend.compile(wide)).toThrow("no bitcast from float32 to int64")
    })

    it.each(HALVES)("round %s in the middle of a formula", (dtype) => {
      const x = [1, 3, -0.5, 60000, 7]
      const third = (v: number): number => Number(converted(Math.fround(v / 3), "float32", dtype))
      const stored = x.map((v) => converted(v, "float32", dtype))
      const got = apply((v) => v.cast("float32").div(3).cast(dtype).cast("float32").mul(3), [dtype], [stored])
      expect(got).toEqual(stored.map((v) => Math.fround(third(Number(v)) * 3)))
    })
  })

  it("constants of every type are what they are", () => {
    const cases: [DType, Value][] = [
      ["float32", Math.fround(0.1)],
      ["float32", -0],
      ["float64", 0.1],
      ["float64", Number.NaN],
      ["int8", -128],
      ["uint8", 255],
      ["int16", -32768],
      ["int32", -2147483648],
      ["int64", -(2n ** 63n)],
      ["bool", 1],
    ]
    for (const [dtype, v] of cases) {
      const kernel = mapKernel(1, [], [{ dtype, access: "unit" }], [constant(v, dtype)])
      expect(launch(backend, kernel, [5], [empty(dtype, [5])])[0], `${dtype} ${v}`).toEqual([v, v, v, v, v])
    }
  })
})

const ENDS: Readonly<Record<"int8" | "uint8" | "int16" | "int32", readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
}

const EXTREMES = [0, -0, 0.5, -1.5, 3.9, -3.9, 300.75, -129, 65504, NaN, Infinity, -Infinity, 4294967296, -4294967297.5]
/** Values that provoke rounding, wrapping, signs and absorption. */
const SAMPLES: Readonly<Record<DType, readonly Value[]>> = {
  bool: [0, 1],
  uint8: [0, 1, 7, 200, 255],
  int8: [0, 1, -1, 7, 127, -128],
  int16: [0, 1, -1, 300, 32767, -32768],
  int32: [0, 1, -1, 70000, 2147483647, -2147483648, 16777217],
  int64: [0n, 1n, -1n, 2n ** 40n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 60n + 2n ** 36n + 1n],
  float32: [...EXTREMES, 16777216, 2 ** 100, -(2 ** 127), 2 ** -149, 2 ** 31, 2 ** 63].map(Math.fround),
  float64: [...EXTREMES, 0.1, 1e300, -1e-310, 2 ** 53 + 2, -(2 ** 63), 2 ** 64 + 4096, 2 ** 32 + 2 ** 31],
  float16: [0, -0, 0.5, -1.5, 65504, 2 ** -24, NaN, Infinity, -Infinity],
  bfloat16: [0, -0, 0.5, -1.5, 2 ** 120, NaN, Infinity, -Infinity],
}

/** The value that a conversion gives: by JavaScript's own arithmetic, integers through bigints. */
function converted(v: Value, from: ScalarType, to: ScalarType): Value {
  if (to === "bool") return Number(v) === 0 ? 0 : 1
  if (to === "float64") return Number(v)
  if (to === "float32") return from === "int64" ? nearestFloat32(BigInt(v)) : Math.fround(Number(v))
  if (to === "float16" || to === "bfloat16") return roundHalf(Number(converted(v, from, "float32")), to)
  const number = Number(v)
  const whole = typeof v === "bigint" ? v : Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n
  if (to === "int64") return BigInt.asIntN(64, whole)
  if (to === "uint32") return BigInt.asUintN(32, whole)
  const bits = DTYPES[to].bytes * 8
  return Number(to === "uint8" ? BigInt.asUintN(bits, whole) : BigInt.asIntN(bits, whole))
}

/** The float32 that is nearest to an integer, of two the even one. */
function nearestFloat32(v: bigint): number {
  const sign = v < 0n ? -1 : 1
  const magnitude = v < 0n ? -v : v
  const drop = BigInt(Math.max(0, magnitude.toString(2).length - 24))
  const [kept, rest] = [magnitude >> drop, magnitude & ((1n << drop) - 1n)]
  const half = drop > 0n ? 1n << (drop - 1n) : 1n
  const up = drop > 0n && (rest > half || (rest === half && kept & 1n)) ? 1n : 0n
  return sign * Number((kept + up) << drop) || 0
}

/** A float32 as the nearest number of 11 (float16) or 8 (bfloat16) digits, of two the even one. */
function roundHalf(x: number, to: "float16" | "bfloat16"): number {
  if (!Number.isFinite(x) || x === 0) return x
  const [digits, least, most] = to === "float16" ? [11, -14, 65504] : [8, -126, (2 - 2 ** -7) * 2 ** 127]
  const exponent = Math.max(least, Math.floor(Math.log2(Math.abs(x))))
  const step = 2 ** (exponent - digits + 1)
  const scaled = Math.abs(x) / step
  const floor = Math.floor(scaled)
  const rounded = (scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2) ? floor + 1 : floor) * step
  return Math.sign(x) * (rounded > most ? Infinity : rounded)
}
