/** Every primitive on every type: golden values are PyTorch 2.13's, and closures give the bits of generated code. */
import { readFileSync } from "node:fs"
import { type DType, Expr, input, PRIMITIVES, type Primitive, type ScalarType } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { primitiveRow } from "../src/primitives.ts"
import { backends, empty, launch, mapKernel, unit, type Value, type View, where } from "./harness.ts"

type Encoded = number | "nan" | "inf" | "-inf" | "-0"
interface Golden {
  readonly x: Encoded[]
  readonly unary: Record<string, Record<"float32" | "float64", Encoded[]>>
  readonly a: Encoded[]
  readonly b: Encoded[]
  readonly binary: Record<string, Record<"float32" | "float64", Encoded[]>>
  readonly integer: Record<string, Record<string, string[]>>
}
const golden = JSON.parse(readFileSync(new URL("./golden/primitives.json", import.meta.url), "utf8")) as Golden

const SPECIAL: Record<string, number> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 }
const decode = (x: Encoded): number => (typeof x === "number" ? x : SPECIAL[x])

const FLOATS: readonly DType[] = ["float32", "float64"]
const INTEGERS: readonly DType[] = ["int8", "uint8", "int16", "int32", "int64"]
const ALL: readonly DType[] = ["bool", ...INTEGERS, ...FLOATS]

function apply(
  k: number,
  build: (...args: Expr[]) => Expr,
  types: readonly DType[],
  columns: readonly (readonly Value[])[],
): Value[] {
  const body = build(...types.map((t, i) => input(i, t)))
  const n = columns[0].length
  // A uint32 result is seen through its bits.
  const shown = body.dtype === "uint32" ? body.cast("int64") : body
  const kernel = mapKernel(
    1,
    types.map((t) => unit(t)),
    [{ dtype: shown.dtype as DType, access: "unit" }],
    [shown],
  )
  const views: View[] = types.map((dtype, i) => ({ dtype, values: columns[i] }))
  return launch(backends[k][1], kernel, [n], [...views, empty(shown.dtype as DType, [n])]).at(-1)!
}

const both = (
  build: (...args: Expr[]) => Expr,
  types: readonly DType[],
  columns: readonly (readonly Value[])[],
): Value[] => {
  const generated = apply(0, build, types, columns)
  expect(apply(1, build, types, columns)).toEqual(generated)
  return generated
}

/** Equal, or within a few units in the last place, or both below the smallest normal number; zeros have their sign. */
function near(
  got: readonly Value[],
  want: readonly Encoded[],
  ulps: number,
  dtype: "float32" | "float64",
  name: string,
): void {
  const [epsilon, tiny] = dtype === "float32" ? [2 ** -23, 2 ** -126] : [2 ** -52, 2 ** -1022]
  want.forEach((w, i) => {
    const expected = decode(w)
    const value = Number(got[i])
    const close = value !== 0 && Math.abs(value - expected) <= Math.max(tiny, ulps * epsilon * Math.abs(expected))
    if (!close) expect(value, `${name}[${i}]`).toBe(expected)
  })
}

const UNARY: Record<string, (x: Expr) => Expr> = {
  ...Object.fromEntries(
    (Object.keys(PRIMITIVES) as Primitive[])
      .filter((op) => op in golden.unary)
      .map((op) => [op, (x: Expr) => Expr.make(op, x.dtype, [x])]),
  ),
  digamma: (x) => x.polygamma(0),
}

describe("floats against PyTorch", () => {
  // Where PyTorch's own float32 kernels are further off than a few units, the double result is the better one.
  const LOOSE: Record<string, number> = { digamma: 16, lgamma: 8, tan: 8, sinh: 8, cosh: 8, erfc: 8, erfinv: 8 }
  for (const dtype of FLOATS as readonly ("float32" | "float64")[]) {
    it.each(Object.keys(golden.unary))(`%s of ${dtype}`, (op) => {
      const got = both(UNARY[op], [dtype], [golden.x.map(decode)])
      near(got, golden.unary[op][dtype], LOOSE[op] ?? 4, dtype, op)
    })
    it.each(Object.keys(golden.binary))(`%s of two ${dtype}`, (op) => {
      const got = both(
        (a, b) => Expr.make(op as Primitive, dtype, [a, b]),
        [dtype, dtype],
        [golden.a.map(decode), golden.b.map(decode)],
      )
      near(got, golden.binary[op][dtype], 4, dtype, op)
    })
  }
})

describe("integers against PyTorch", () => {
  const parse = (dtype: DType, texts: readonly string[]): Value[] =>
    texts.map((t) => (dtype === "int64" ? BigInt(t) : Number(t)))
  for (const dtype of INTEGERS) {
    const rows = golden.integer[dtype]
    it.each(Object.keys(rows).filter((k) => k.length > 1))(`%s of ${dtype}`, (key) => {
      const op = key.replace("u_", "") as Primitive
      const columns = [parse(dtype, rows.a), parse(dtype, rows.b)]
      const got = key.startsWith("u_")
        ? both((a) => Expr.make(op, dtype, [a]), [dtype], columns)
        : both((a, b) => Expr.make(op, dtype, [a, b]), [dtype, dtype], columns)
      expect(got.map((v) => (v === 0 ? 0 : v))).toEqual(parse(dtype, rows[key]))
    })
  }

  it.each(INTEGERS)("division and remainder by zero give 0, shifts too far shift everything out: %s", (dtype) => {
    const typed = (...x: number[]): Value[] => (dtype === "int64" ? x.map(BigInt) : x)
    const pair = [dtype, dtype] as const
    const a = typed(7, dtype === "uint8" ? 9 : -9)
    expect(both((x, y) => x.div(y), pair, [a, typed(0, 0)])).toEqual(typed(0, 0))
    expect(both((x, y) => x.mod(y), pair, [a, typed(0, 0)])).toEqual(typed(0, 0))
    expect(both((x, y) => x.shl(y), pair, [a, typed(64, 100)])).toEqual(typed(0, 0))
    expect(both((x, y) => x.shr(y), pair, [a, typed(64, 100)])).toEqual(typed(0, dtype === "uint8" ? 0 : -1))
    if (dtype !== "uint8")
      expect(both((x, y) => x.pow(y), pair, [typed(1, -1, -1, 2), typed(-2, -3, -2, -1)])).toEqual(typed(1, -1, 1, 0))
  })
})

/** Values that provoke rounding, wrapping, signs and absorption. */
const SAMPLES: Record<DType, readonly Value[]> = {
  bool: [0, 1],
  uint8: [0, 1, 7, 200, 255],
  int8: [0, 1, -1, 7, 127, -128],
  int16: [0, 1, -1, 300, 32767, -32768],
  int32: [0, 1, -1, 70000, 2147483647, -2147483648],
  int64: [0n, 1n, -1n, 2n ** 40n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  float32: [0, -0, 0.5, -1.5, 16777216, 2 ** 100, -(2 ** 127), NaN, Infinity, -Infinity],
  float64: [0, -0, 0.5, -1.5, 0.1, 1e300, -1e-310, NaN, Infinity, -Infinity],
  float16: [0, -0, 0.5, 65504, NaN],
  bfloat16: [0, -0, 0.5, 1e38, NaN],
}

describe("generated code and closures agree", () => {
  const pairs = (dtype: DType): Value[][] => {
    const s = SAMPLES[dtype]
    return [s.flatMap((x) => s.map(() => x)), s.flatMap(() => [...s])]
  }
  for (const dtype of ALL)
    it.each(
      (Object.keys(PRIMITIVES) as Primitive[]).filter(
        (op) => primitiveRow(op, dtype) && op !== "where" && op !== "polygamma",
      ),
    )(`%s on ${dtype}`, (op) => {
      const result: ScalarType = op === "eq" || op === "lt" || op === "le" ? "bool" : dtype
      const types = Array.from({ length: PRIMITIVES[op] }, () => dtype)
      const got = both((...args) => Expr.make(op, result, args), types, pairs(dtype))
      if (op === "eq") expect(got).toEqual(pairs(dtype)[0].map((x, i) => (x === pairs(dtype)[1][i] ? 1 : 0)))
      if (op === "lt") expect(got).toEqual(pairs(dtype)[0].map((x, i) => (x < pairs(dtype)[1][i] ? 1 : 0)))
      if (op === "le") expect(got).toEqual(pairs(dtype)[0].map((x, i) => (x <= pairs(dtype)[1][i] ? 1 : 0)))
    })

  it.each(ALL)("where on %s", (dtype) => {
    const [a, b] = pairs(dtype)
    const p = a.map((_, i) => i % 2)
    const got = both((c, x, y) => where(c, x, y), ["bool", dtype, dtype], [p, a, b])
    expect(got).toEqual(p.map((c, i) => (c ? a[i] : b[i])))
    // A condition that is used as a condition, and as a value too.
    both((x, y) => where(x.lt(y).not(), x, y), [dtype, dtype], [a, b])
    both((x, y) => where(x.lt(y), x.lt(y), x.eq(y).or(x.lt(y))), [dtype, dtype], [a, b])
  })

  it.each(FLOATS)("choices without branches, nested and with costly arms: %s", (dtype) => {
    const x = SAMPLES[dtype].map(Number)
    const relu = both((v) => v.max(0), [dtype], [x])
    expect(relu).toEqual(x.map((v) => (v > 0 || Number.isNaN(v) ? v : 0)))
    both((v) => v.max(-1).min(1), [dtype], [x])
    both((v) => where(v.lt(0), where(v.lt(-1), v.mul(2), v.neg()), where(v.lt(1), v, v.add(3))), [dtype], [x])
    const elu = both((v) => where(v.le(0), v.expm1(), v), [dtype], [x])
    expect(elu.map(Number).filter((v) => v < -1)).toEqual([])
    both((v) => where(v.isnan().not().and(v.lt(3)), v.exp(), v.log().mul(v.exp())), [dtype], [x])
  })

  for (const from of [...ALL, "float16", "bfloat16"] as const)
    it.each([...ALL, "uint32"] as const)(`cast from ${from} to %s`, (to) => {
      const got = both((x) => x.cast(to), [from], [SAMPLES[from]])
      if (to === "bool") expect(got).toEqual(SAMPLES[from].map((x) => (Number(x) !== 0 ? 1 : 0)))
    })
})

describe("conversions", () => {
  it("truncate and wrap", () => {
    const x = [3.9, -3.9, 300.7, -129, 4294967297, NaN]
    expect(both((v) => v.cast("int32"), ["float64"], [x])).toEqual([3, -3, 300, -129, 1, 0])
    expect(both((v) => v.cast("int8"), ["float64"], [x])).toEqual([3, -3, 44, 127, 1, 0])
    expect(both((v) => v.cast("uint8"), ["float64"], [x])).toEqual([3, 253, 44, 127, 1, 0])
    expect(both((v) => v.cast("int16"), ["float64"], [x])).toEqual([3, -3, 300, -129, 1, 0])
    expect(both((v) => v.cast("int64"), ["float64"], [[...x, 1e300, Infinity]])).toEqual([
      3n,
      -3n,
      300n,
      -129n,
      4294967297n,
      0n,
      0n,
      0n,
    ])
    expect(both((v) => v.cast("bool"), ["float64"], [[0, -0, 0.1, NaN]])).toEqual([0, 0, 1, 1])
    expect(both((v) => v.cast("int8"), ["int64"], [[2n ** 40n + 200n]])).toEqual([-56])
    expect(both((v) => v.cast("uint32"), ["int32"], [[-1]])).toEqual([4294967295n])
  })

  it("round int64 to float32 once", () => {
    const tie = 2n ** 60n + 2n ** 36n
    // Just above the tie of the float32 grid, and so little that a double would drop it.
    expect(both((v) => v.cast("float32"), ["int64"], [[tie + 1n, tie, -tie - 1n, 16777217n]])).toEqual([
      2 ** 60 + 2 ** 37,
      2 ** 60,
      -(2 ** 60 + 2 ** 37),
      16777216,
    ])
  })

  it("keep bits", () => {
    expect(both((v) => v.bitcast("int32"), ["float32"], [[1, -0, 0.1]])).toEqual([0x3f800000, -2147483648, 0x3dcccccd])
    expect(both((v) => v.bitcast("uint32"), ["float32"], [[1, -0]])).toEqual([0x3f800000n, 0x80000000n])
    expect(both((v) => v.bitcast("float32"), ["int32"], [[0x3f800000, 0x40490fdb]])).toEqual([1, Math.fround(Math.PI)])
    expect(both((v) => v.bitcast("int64"), ["float64"], [[1, -2]])).toEqual([0x3ff0000000000000n, -0x4000000000000000n])
    expect(both((v) => v.bitcast("float64"), ["int64"], [[0x3ff0000000000000n]])).toEqual([1])
  })

  it("compute with uint32", () => {
    const u = (x: Expr): Expr => x.cast("uint32")
    const a = [-1, 123456789, 7]
    const b = [-1, 987654321, 3]
    const exact = (f: (x: bigint, y: bigint) => bigint): bigint[] =>
      a.map((x, i) => BigInt.asUintN(32, f(BigInt.asUintN(32, BigInt(x)), BigInt.asUintN(32, BigInt(b[i])))))
    const cases: [(x: Expr, y: Expr) => Expr, (x: bigint, y: bigint) => bigint][] = [
      [(x, y) => x.mulhi(y), (x, y) => (x * y) >> 32n],
      [(x, y) => x.mul(y), (x, y) => x * y],
      [(x, y) => x.add(y), (x, y) => x + y],
      [(x, y) => x.sub(y), (x, y) => x - y],
      [(x, y) => x.xor(y), (x, y) => x ^ y],
      [(x, y) => x.div(y), (x, y) => x / y],
      [(x) => x.shr(9), (x) => x >> 9n],
      [(x) => x.shl(5), (x) => x << 5n],
      [(x) => x.not(), (x) => ~x],
    ]
    for (const [build, want] of cases)
      expect(both((x, y) => build(u(x), u(y)), ["int32", "int32"], [a, b])).toEqual(exact(want))
  })
})
