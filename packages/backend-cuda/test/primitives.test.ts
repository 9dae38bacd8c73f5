/** Every primitive in every type on the emulated device: exactly where a result is exact, else within some units in the last place. */
import { readFileSync } from "node:fs"
import { constant, type DType, Expr, type FloatPrimitive, input, PRIMITIVES, type Primitive } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { castConversion, primitiveRow as referenceRow, type Value, WRAP } from "../../backend-cpu-js/src/primitives.ts"
import { count, mapKernel } from "./harness.ts"
import { operand, run } from "./plan-runner.ts"

type Values = readonly (number | bigint)[]

/** The value of an expression over columns of elements. */
function evaluate(body: Expr, columns: readonly (readonly [DType, Values])[]): (number | bigint)[] {
  const n = columns[0][1].length
  const type = body.dtype as DType
  const kernel = mapKernel(
    1,
    columns.map(([dtype]) => ({ dtype, access: "unit" })),
    [{ dtype: type, access: "unit" }],
    [body],
  )
  const views = columns.map(([dtype, values]) => operand(dtype, [n], values))
  const out = operand(
    type,
    [n],
    count(n).map(() => (type === "int64" ? 0n : 0)),
  )
  return run(kernel, [n], [...views, out]).out[columns.length]
}

const FLOAT_ONLY = new Set<string>(
  [
    "sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh sigmoid erf erfc erfinv lgamma polygamma atan2",
  ]
    .join(" ")
    .split(" "),
) satisfies Set<FloatPrimitive | string>
/** Those of floats that are exact; the others have bounds. */
const EXACT: readonly Primitive[] = [
  "neg",
  "abs",
  "sign",
  "floor",
  "ceil",
  "trunc",
  "round",
  "sqrt",
  "add",
  "sub",
  "mul",
  "div",
  "mod",
  "min",
  "max",
  "eq",
  "lt",
  "le",
]

const INTEGERS: Partial<Readonly<Record<DType, Values>>> = {
  int8: [0, 1, -1, 2, 3, 7, -7, 31, 100, 127, -127, -128],
  uint8: [0, 1, 2, 3, 7, 8, 31, 100, 127, 128, 254, 255],
  int16: [0, 1, -1, 2, 7, -7, 15, 16, 181, 300, 32767, -32768],
  int32: [0, 1, -1, 2, 7, -7, 31, 32, 33, 46341, 2147483647, -2147483648],
  int64: [0n, 1n, -1n, 2n, 7n, -7n, 63n, 64n, 2n ** 32n, 3037000500n, 2n ** 63n - 1n, -(2n ** 63n)],
  bool: [0, 1],
}
const FLOATS: Values = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.25,
  7,
  -7,
  1e-3,
  8388609,
  1e10,
  -1e10,
  2 ** -140,
  1e38,
  Infinity,
  -Infinity,
  NaN,
]

/** All pairs. */
const pairs = (values: Values): [Values, Values] => [
  values.flatMap((a) => values.map(() => a)),
  values.flatMap(() => values),
]

const meaning = (op: Primitive, dtype: DType): boolean => referenceRow(op, dtype) !== undefined
const OPS = (Object.keys(PRIMITIVES) as Primitive[]).filter(
  (op) => !["cast", "bitcast", "where", "polygamma"].includes(op),
)
const resultOf = (op: Primitive, dtype: DType): DType => (op === "eq" || op === "lt" || op === "le" ? "bool" : dtype)

function check(op: Primitive, dtype: DType, values: Values): void {
  const [x, y] = pairs(values)
  const args = [input(0, dtype), input(1, dtype)].slice(0, PRIMITIVES[op])
  const type = resultOf(op, dtype)
  const got = evaluate(
    Expr.make(op, type, args),
    [
      [dtype, x],
      [dtype, y],
    ].slice(0, args.length) as [DType, Values][],
  )
  const { run: apply } = referenceRow(op, dtype)!
  const wrap = WRAP[type].run as (value: Value) => Value
  got.forEach((value, i) => {
    expect(value, `${op}(${x[i]}, ${y[i]}) of ${dtype}`).toBe(
      wrap(apply(x[i] as never, y[i] as never, 0 as never) as Value),
    )
  })
}

describe.each(Object.keys(INTEGERS) as DType[])("%s", (dtype) => {
  it.each(OPS.filter((op) => meaning(op, dtype) && !FLOAT_ONLY.has(op)))("%s", (op) =>
    check(op, dtype, INTEGERS[dtype]!),
  )
})

describe.each(["float32", "float64"] as const)("%s", (dtype) => {
  const values = dtype === "float32" ? FLOATS.map((x) => Math.fround(Number(x))) : FLOATS
  it.each(EXACT)("%s", (op) => check(op, dtype, values))

  it("where", () => {
    const condition = values.map((_, i) => i % 2)
    const other = [...values].reverse()
    const got = evaluate(Expr.make("where", dtype, [input(0, "bool"), input(1, dtype), input(2, dtype)]), [
      ["bool", condition],
      [dtype, values],
      [dtype, other],
    ])
    expect(got).toEqual(values.map((x, i) => (i % 2 ? x : other[i])))
  })
})

const STORED: readonly DType[] = [
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "uint8",
  "int16",
  "int32",
  "int64",
  "bool",
]
const half = (dtype: DType): boolean => dtype === "float16" || dtype === "bfloat16"

describe("casts", () => {
  it.each(STORED.flatMap((from) => STORED.map((to) => [from, to] as const)))("%s to %s", (from, to) => {
    const sample = INTEGERS[from] ?? [
      ...FLOATS,
      300.7,
      -300.7,
      3e9,
      -3e9,
      65520,
      65519,
      1.00390625,
      9.3e18,
      -9.3e18,
      1e25,
    ]
    const values = sample.map((x) => (from === "int64" ? x : (WRAP[from].run as (x: number) => number)(Number(x))))
    const asRead = half(from) ? "float32" : from
    const value = (half(from) ? input(0, from).cast("float32") : input(0, from)).cast(to)
    const got = evaluate(half(to) ? value.cast("float32") : value, [[from, values]])
    const { run: convert } = castConversion(asRead, to)
    const wrap = WRAP[to].run as (value: Value) => Value
    got.forEach((x, i) => {
      const single = half(to) && from === "float64" ? Math.fround(Number(values[i])) : values[i]
      expect(x, `${values[i]} of ${from} as ${to}`).toBe(
        wrap(convert(single as never, 0 as never, 0 as never) as Value),
      )
    })
  })

  it("bits", () => {
    const bits = (from: DType, to: DType, values: Values): Values =>
      evaluate(input(0, from).bitcast(to), [[from, values]])
    expect(bits("float32", "int32", [1, -0])).toEqual([0x3f800000, -(2 ** 31)])
    expect(bits("int32", "float32", [0x40490fdb])).toEqual([Math.fround(Math.PI)])
    expect(bits("float64", "int64", [1])).toEqual([0x3ff0000000000000n])
    expect(bits("int64", "float64", [0x400921fb54442d18n])).toEqual([Math.PI])
  })
})

/** The distance of neighbouring floats at a number. */
function unitInLastPlace(x: number, type: "float32" | "float64"): number {
  const [digits, least, most] = type === "float32" ? [23, -126, 127] : [52, -1022, 1023]
  const magnitude = Math.abs(x)
  const exponent = magnitude < 2 ** least ? least : Math.floor(Math.log2(magnitude))
  // log2 may round up to the next integer.
  const exact = 2 ** exponent > magnitude && exponent > least ? exponent - 1 : exponent
  return 2 ** (Math.min(exact, most) - digits)
}

/** Units in the last place: what CUDA's tables of its own functions promise, and as much for those that are written here. */
const BOUNDS: Readonly<Record<string, readonly [float32: number, float64: number]>> = {
  exp: [2, 1.5],
  exp2: [2.5, 1.5],
  expm1: [1.5, 1.5],
  log: [1.5, 1.5],
  log2: [1.5, 1.5],
  log10: [2, 1.5],
  log1p: [1.5, 1.5],
  sin: [2, 2],
  cos: [2, 2],
  tan: [4, 2.5],
  asin: [2.5, 2.5],
  acos: [2.5, 2.5],
  atan: [2.5, 2.5],
  sinh: [3, 2.5],
  cosh: [2.5, 1.5],
  tanh: [2.5, 2.5],
  sigmoid: [3, 2.5],
  erf: [2.5, 2.5],
  erfc: [4.5, 5.5],
  erfinv: [2.5, 5.5],
  lgamma: [6, 4.5],
  digamma: [1, 8],
  polygamma1: [1, 8],
  polygamma2: [1, 8],
  polygamma5: [1, 12],
}

const expressionOf = (name: string, dtype: "float32" | "float64"): Expr => {
  const order = name === "digamma" ? "0" : /^polygamma(\d+)$/.exec(name)?.[1]
  if (order) return Expr.make("polygamma", dtype, [constant(Number(order), dtype), input(0, dtype)])
  return Expr.make(name as Primitive, dtype, [input(0, dtype)])
}

const golden = JSON.parse(
  readFileSync(new URL("../../backend-wasm-simd/test/math.golden.json", import.meta.url), "utf8"),
) as Record<string, { readonly x: readonly number[]; readonly y: readonly number[] }>

describe.each(["float32", "float64"] as const)("values computed with 60 digits: %s", (dtype) => {
  it.each(Object.keys(golden))("%s", (name) => {
    const { x, y } = golden[name]
    const own = count(x.length).filter((i) => dtype === "float64" || Math.fround(x[i]) === x[i])
    expect(own.length).toBeGreaterThan(20)
    const got = evaluate(expressionOf(name, dtype), [[dtype, own.map((i) => x[i])]])
    const bound = BOUNDS[name][dtype === "float32" ? 0 : 1]
    own.forEach((i, k) => {
      const want = dtype === "float32" ? Math.fround(y[i]) : y[i]
      // At the end of the range an error of a unit may lead to zero, or away from it.
      if (want === 0 && y[i] !== 0) expect(Math.abs(Number(got[k]))).toBeLessThanOrEqual(2 ** -149)
      else if (!Number.isFinite(want) || want === 0) expect(got[k], `${name}(${x[i]})`).toBe(want)
      else {
        // The gamma functions' zeros and reflections subtract numbers of about 1 from each other.
        const scale = /gamma/.test(name) ? Math.max(1, Math.abs(y[i])) : Math.abs(y[i])
        const distance = Math.abs(Number(got[k]) - y[i]) / unitInLastPlace(scale, dtype)
        expect(distance, `${name}(${x[i]}) is ${got[k]}, not ${y[i]}`).toBeLessThanOrEqual(bound)
      }
    })
  })
})

const SPECIALS = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, 2.5, -2.5, Infinity, -Infinity, NaN]

describe.each(["float32", "float64"] as const)("infinities, zeros and NaN: %s", (dtype) => {
  const same = (got: Values, want: readonly number[], what: (i: number) => string): void =>
    want.forEach((w, i) => {
      const rounded = dtype === "float32" ? Math.fround(w) : w
      if (!Number.isFinite(w) || w === 0) expect(got[i], what(i)).toBe(rounded)
      else expect(Math.abs(Number(got[i]) / w - 1), what(i)).toBeLessThan(dtype === "float32" ? 1e-6 : 1e-14)
    })

  it.each([
    "exp",
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
    "sinh",
    "cosh",
    "tanh",
  ] as const)("%s", (name) => {
    const got = evaluate(expressionOf(name, dtype), [[dtype, SPECIALS]])
    same(got, SPECIALS.map(Math[name]), (i) => `${name}(${SPECIALS[i]})`)
  })

  it.each(["pow", "atan2"] as const)("%s", (op) => {
    const [x, y] = pairs(SPECIALS)
    const got = evaluate(Expr.make(op, dtype, [input(0, dtype), input(1, dtype)]), [
      [dtype, x],
      [dtype, y],
    ])
    const { run: apply } = referenceRow(op, "float64")!
    same(
      got,
      x.map((a, i) => Number(apply(a as never, y[i] as never, 0 as never))),
      (i) => `${op}(${x[i]}, ${y[i]})`,
    )
  })

  it.each(["sigmoid", "erf", "erfc", "erfinv", "lgamma", "digamma", "polygamma1", "polygamma2"])("%s", (name) => {
    const order = name === "digamma" ? 0 : /^polygamma(\d+)$/.exec(name)?.[1]
    const { run: apply } = referenceRow((order === undefined ? name : "polygamma") as Primitive, "float64")!
    const want = SPECIALS.map((x) =>
      Number(
        order === undefined
          ? apply(x as never, 0 as never, 0 as never)
          : apply(Number(order) as never, x as never, 0 as never),
      ),
    )
    same(evaluate(expressionOf(name, dtype), [[dtype, SPECIALS]]), want, (i) => `${name}(${SPECIALS[i]})`)
  })
})
