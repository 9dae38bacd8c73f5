/**
 * Every row on every type, in Dawn on a software GPU: against values computed with 60 digits, against doubles over the whole
 * range, and exactly where a result is exact.
 */
import { readFileSync } from "node:fs"
import { DTYPES, PRIMITIVES, type Primitive, type ScalarType } from "@taeda/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { castConversion, primitiveRow as referenceRow, type Value, WRAP } from "../../backend-cpu-js/src/primitives.ts"
import { helper, helperCode } from "../src/wgsl-math.ts"
import { bitcastRow, castRow, literal, primitiveRow, type Row, WGSL_TYPES, wgslType } from "../src/wgsl-primitives.ts"
import { RowRunner, type Words } from "./rows.ts"

let gpu: RowRunner
beforeAll(async () => {
  gpu = await RowRunner.open()
})
afterAll(() => gpu.close())

const TYPES = Object.keys(WGSL_TYPES) as (keyof typeof WGSL_TYPES)[]

/** Values of a type as words of 32 bits, and back. */
function toWords(dtype: ScalarType, values: readonly number[]): Words {
  const type = wgslType(dtype)
  if (type === "f32") return new Uint32Array(Float32Array.from(values).buffer)
  return Uint32Array.from(values, (v) => v >>> 0)
}
function fromWords(dtype: ScalarType, words: Words): number[] {
  const type = wgslType(dtype)
  if (type === "f32") return Array.from(new Float32Array(words.slice().buffer))
  return Array.from(type === "i32" ? new Int32Array(words.slice().buffer) : words)
}

async function run(
  row: Row,
  from: readonly ScalarType[],
  to: ScalarType,
  ...columns: readonly (readonly number[])[]
): Promise<number[]> {
  const words = await gpu.apply(
    row,
    from,
    to,
    columns.map((c, k) => toWords(from[k], c)),
  )
  return fromWords(to, words)
}

const float = (name: string, ...columns: readonly (readonly number[])[]): Promise<number[]> =>
  run(
    rowOf(name),
    columns.map(() => "float32"),
    "float32",
    ...columns,
  )

/** A row, polygamma with its order behind its name. */
function rowOf(name: string): Row {
  if (name === "digamma") return rowOf("polygamma0")
  const order = /^polygamma(\d+)$/.exec(name)?.[1]
  const row = primitiveRow((order ? "polygamma" : name) as Primitive, "float32")
  return order ? (a) => row(literal(Number(order), "float32"), a) : row
}

/** What doubles give. */
function reference(name: string): (a: number, b?: number) => number {
  if (name === "digamma") return reference("polygamma0")
  const order = /^polygamma(\d+)$/.exec(name)?.[1]
  const { run: apply } = referenceRow((order ? "polygamma" : name) as Primitive, "float64")!
  return order ? (a) => Number(apply(Number(order), a, 0)) : (a, b = 0) => Number(apply(a, b, 0))
}

/** The distance of neighbouring float32 at a number. */
function unitInLastPlace(x: number): number {
  const magnitude = Math.abs(x)
  if (magnitude < 2 ** -126) return 2 ** -149
  const exponent = Math.floor(Math.log2(magnitude))
  // log2 may round up to the next integer.
  return 2 ** (Math.min(2 ** exponent > magnitude ? exponent - 1 : exponent, 127) - 23)
}

/** Below this a number is subnormal, and a GPU may take it for zero where it is added or multiplied. */
const SMALLEST_NORMAL = 2 ** -126

type Label = (i: number) => string

/** The distances in units in the last place are bounded; what is not finite, and zeros with their signs, must be the same. */
function within(
  bound: number,
  got: readonly number[],
  want: readonly number[],
  scale: (i: number) => number,
  label: Label,
): void {
  let [worst, at] = [0, 0]
  want.forEach((w, i) => {
    const rounded = Math.fround(w)
    const unit = unitInLastPlace(Math.max(Math.abs(w), scale(i)))
    if (!Number.isFinite(rounded) || !Number.isFinite(got[i]) || w === 0 || got[i] === 0) {
      // At the ends of the range an error of a unit may lead to zero or infinity.
      const last = bound > 0 && w !== 0 && Math.abs(w) < 2 ** -148
      const largest = bound > 0 && Number.isFinite(w) && Math.abs(w) > 3.40282e38
      if (!last && !largest) expect(got[i], label(i)).toBe(rounded)
    } else if (!(Math.abs(got[i] - w) / unit <= worst)) [worst, at] = [Math.abs(got[i] - w) / unit, i]
  })
  expect(worst, `${label(at)} is ${got[at]}, not ${want[at]}`).toBeLessThanOrEqual(bound)
}

/**
 * Bounds in units in the last place of the exact value, so that 0.5 is correct rounding; 0: the result is exact. They hold for a
 * device whose own division is correctly rounded; where it is off by the 2.5 units that WGSL allows, those marked with * are off by
 * more: by at most 5 units (tanh and sigmoid come to 7, tan to 6) with quotients off by 3.
 */
const BOUNDS: Readonly<Record<string, number>> = {
  sqrt: 0.5,
  exp: 1.1,
  exp2: 1.5,
  expm1: 1.8,
  log: 0.9,
  log2: 0.9,
  log10: 0.9,
  log1p: 1.4,
  sin: 2.3,
  cos: 2.3,
  tan: 3.5, // *
  asin: 1.9,
  acos: 1.6,
  atan: 1.5, // *
  sinh: 1.7, // *
  cosh: 1.6, // *
  tanh: 2.6, // *
  sigmoid: 2.6, // *
  erf: 2.5,
  erfc: 4, // *
  erfinv: 2.6,
  lgamma: 4,
  digamma: 7, // *
  polygamma1: 6, // *
  polygamma2: 6, // *
  polygamma5: 8, // *
  pow: 0.75,
  atan2: 1.6,
  div: 0.5,
  mod: 0,
}

const BINARY: readonly string[] = ["pow", "atan2", "mod", "div"]

/**
 * The order of what is subtracted on the way: the gamma functions have zeros, and below 0 they are differences of their values
 * on either side. In units of that their errors are measured where the result is smaller.
 */
function scaleOf(name: string): (x: number) => number {
  if (!/gamma/.test(name)) return () => 0
  const value = reference(name)
  return (x) =>
    x < 0 && Number.isFinite(x) ? Math.max(1, Math.abs(value(/[1-9]/.test(name) ? x - Math.floor(x) : 1 - x))) : 1
}

const golden = JSON.parse(
  readFileSync(new URL("../../backend-wasm-simd/test/math.golden.json", import.meta.url), "utf8"),
) as Record<string, { readonly x: readonly number[]; readonly y: readonly number[] }>

describe("values computed with 60 digits", () => {
  it.each(Object.keys(golden))("%s", async (name) => {
    const { x, y } = golden[name]
    const own = x.map((_, i) => i).filter((i) => Math.fround(x[i]) === x[i])
    expect(own.length).toBeGreaterThan(20)
    const got = await float(
      name,
      own.map((i) => x[i]),
    )
    const want = own.map((i) => y[i])
    within(
      BOUNDS[name],
      got,
      want,
      (i) => scaleOf(name)(x[own[i]]),
      (i) => `${name}(${x[own[i]]})`,
    )
  })
})

/** Numbers between 0 and 1 by a fixed recurrence. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Numbers of every size and, as often, those from −8 to 8, where functions are not at their limits. */
function sweep(seed: number, count: number): number[] {
  const draw = generator(seed)
  return Array.from({ length: count }, (_, i) => {
    const sign = draw() < 0.5 ? -1 : 1
    return Math.fround(sign * (i % 2 ? 8 * draw() : 2 ** (-149 + draw() * 277)))
  })
}

/** All bit patterns are as likely. */
const patterns = (seed: number, count: number): number[] => {
  const draw = generator(seed)
  return Array.from(new Float32Array(Uint32Array.from({ length: count }, () => draw() * 2 ** 32).buffer))
}

const COUNT = 40_000

describe("over the whole range, against doubles", () => {
  it.each(Object.keys(BOUNDS))("%s", async (name) => {
    const columns = [sweep(1, COUNT), sweep(2, COUNT)].slice(0, BINARY.includes(name) ? 2 : 1)
    // Near the negative integers not even the double has the digits of a polygamma.
    if (/polygamma/.test(name)) columns[0] = columns[0].map((x) => (x > -1 ? x : -x))
    const want = columns[0].map((x, i) => reference(name)(x, columns[1]?.[i]))
    const got = await float(name, ...columns)
    const label = (i: number): string => `${name}(${columns.map((c) => c[i])})`
    within(BOUNDS[name], got, want, (i) => scaleOf(name)(columns[0][i]), label)
  })

  it("lgamma and digamma where sums begin and end", async () => {
    const x = Array.from({ length: 20_000 }, (_, i) => Math.fround(0.0007 * i + 0.0003))
    for (const name of ["lgamma", "digamma", "polygamma1", "polygamma5"])
      within(
        BOUNDS[name],
        await float(name, x),
        x.map((v) => reference(name)(v)),
        () => 1,
        (i) => `${name}(${x[i]})`,
      )
  })

  it("powers of numbers near 1, and whole results", async () => {
    const draw = generator(7)
    const x = Array.from({ length: COUNT }, () => Math.fround(1 + (draw() - 0.5) * 2 ** (-22 * draw())))
    const y = Array.from({ length: COUNT }, () => Math.fround((draw() - 0.5) * 2 ** (34 * draw())))
    const want = x.map((v, i) => v ** y[i])
    within(
      BOUNDS.pow,
      await float("pow", x, y),
      want,
      () => 0,
      (i) => `${x[i]} ** ${y[i]}`,
    )
    const pairs = Array.from({ length: 40 * 20 }, (_, i) => [(i % 40) - 20, Math.floor(i / 40)] as const)
    const exact = pairs.filter(([a, b]) => Math.fround(a ** b) === a ** b)
    expect(exact.length).toBeGreaterThan(200)
    const [bases, exponents] = [exact.map(([a]) => a), exact.map(([, b]) => b)]
    expect(await float("pow", bases, exponents)).toEqual(exact.map(([a, b]) => a ** b))
  })

  it("angles of every size, and those nearest to multiples of a quarter turn", async () => {
    const x = [...sweep(8, COUNT), 16367173 * 2 ** 72, 11 * 2 ** 100, 2 ** 127, 710 * 2 ** 7, 12799.999, 12800, 2 ** 24]
    for (const name of ["sin", "cos", "tan"] as const) {
      const got = await float(name, x)
      const want = x.map((v) => Math[name](Math.fround(v)))
      within(
        BOUNDS[name],
        got,
        want,
        () => 0,
        (i) => `${name}(${x[i]})`,
      )
    }
  })

  it("powers and their logarithms are exact", async () => {
    const exponents = Array.from({ length: 277 }, (_, i) => i - 149)
    const powers = exponents.map((e) => 2 ** e)
    expect(await float("exp2", exponents)).toEqual(powers)
    expect(await float("log2", powers)).toEqual(exponents)
    const decades = Array.from({ length: 11 }, (_, i) => i)
    expect(
      await float(
        "log10",
        decades.map((d) => Number(`1e${d}`)),
      ),
    ).toEqual(decades)
  })

  it("bounded functions keep within their bounds, and odd ones are odd", async () => {
    const x = sweep(6, COUNT)
    const mirrored = x.map((v) => -v)
    for (const name of ["sin", "tanh", "erf", "atan", "asin", "sinh", "tan", "erfinv"]) {
      const y = await float(name, x)
      expect(await float(name, mirrored), name).toEqual(y.map((v) => -v))
      if (/sin$|tanh|erf$/.test(name) && name !== "asin")
        expect(Math.max(...y.map(Math.abs).slice(0, 1000)), name).toBeLessThanOrEqual(1)
    }
    expect(await float("cos", mirrored)).toEqual(await float("cos", x))
    for (const v of await float("sigmoid", x)) if (!(v >= 0 && v <= 1)) expect(v).toBeNaN()
  })
})

const SPECIALS = [
  0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 1e10, -1e10, 89, -89, 150, -150, 1e-30, -1e-30,
].concat([2 ** -140, -(2 ** -140), 3.4e38, -3.4e38, Infinity, -Infinity, NaN])

describe("infinities, zeros, NaN and subnormal numbers", () => {
  it.each(Object.keys(BOUNDS).filter((n) => !BINARY.includes(n)))("%s", async (name) => {
    const got = await float(name, SPECIALS)
    const want = SPECIALS.map((x) => reference(name)(Math.fround(x)))
    within(
      BOUNDS[name],
      got,
      want,
      (i) => scaleOf(name)(SPECIALS[i]),
      (i) => `${name}(${SPECIALS[i]})`,
    )
  })

  const first = SPECIALS.flatMap((a) => SPECIALS.map(() => Math.fround(a)))
  const second = SPECIALS.flatMap(() => SPECIALS.map(Math.fround))
  it.each(BINARY)("%s of all pairs", async (name) => {
    const got = await float(name, first, second)
    const want = first.map((a, i) => reference(name)(a, second[i]))
    within(
      BOUNDS[name],
      got,
      want,
      () => 0,
      (i) => `${name}(${first[i]}, ${second[i]})`,
    )
  })

  const EXACT = ["min", "max", "eq", "lt", "le", "mod", "div"] as const
  it.each(EXACT)("%s is exact", async (name) => {
    const [a, b] = [first.concat(patterns(3, COUNT)), second.concat(patterns(4, COUNT))]
    const to = ["eq", "lt", "le"].includes(name) ? "bool" : "float32"
    const got = await run(primitiveRow(name, "float32"), ["float32", "float32"], to, a, b)
    const want = a.map((x, i) => Math.fround(reference(name)(x, b[i])))
    expect(got).toEqual(want)
  })

  it.each(["neg", "abs", "sign", "floor", "ceil", "trunc", "round", "sqrt"])("%s is exact", async (name) => {
    const halves = Array.from({ length: 4000 }, (_, i) => (i - 2000) / 4)
    const x = SPECIALS.concat(halves, patterns(5, COUNT), [0.49999997, -0.49999997, 8388607.5, 16777217])
    const got = await float(name, x)
    expect(got).toEqual(x.map((v) => Math.fround(reference(name)(Math.fround(v)))))
  })

  it("a quotient is right wherever it lies between two floats", async () => {
    const draw = generator(9)
    const near = (): number => Math.fround(1 + draw())
    const b = Array.from({ length: COUNT }, near)
    // The dividends are the nearest floats to products, so that many quotients are almost floats or half between two.
    const a = b.map((d, i) => Math.fround(d * (i % 2 ? near() : near() + 2 ** -24)))
    expect(await float("div", a, b)).toEqual(a.map((x, i) => Math.fround(x / b[i])))
    const squares = b.map((x, i) => Math.fround(x * x * (i % 3 ? 1 : 2)))
    expect(await float("sqrt", squares)).toEqual(squares.map((x) => Math.fround(Math.sqrt(x))))
  })

  // 2.5 units in the last place of a quotient from 1 to 2, and the 4.5 of a root by two such steps.
  it.each([5.5e-7, -5.5e-7])("quotients and roots are exact where the device is off by %d", async (error) => {
    const device = (code: string): string => {
      const worse = code
        .replace("f32(m) / f32(d.m)", `(f32(m) / f32(d.m) + ${error}f)`)
        .replace(/sqrt\(f32\(m\) \* [^)]*\)/, (root) => `(${root} + ${error}f)`)
      expect(worse).not.toBe(code)
      return worse
    }
    const [a, b] = [patterns(15, COUNT), patterns(16, COUNT)]
    const apply = async (name: Primitive, columns: readonly (readonly number[])[]): Promise<number[]> => {
      const types = columns.map(() => "float32" as const)
      const words = columns.map((c) => toWords("float32", c))
      return fromWords("float32", await gpu.apply(primitiveRow(name, "float32"), types, "float32", words, device))
    }
    expect(await apply("div", [a, b])).toEqual(a.map((x, i) => Math.fround(x / b[i])))
    expect(await apply("sqrt", [a])).toEqual(a.map((x) => Math.fround(Math.sqrt(x))))
  })

  it("sums and products of normal numbers are those of IEEE 754", async () => {
    const [a, b] = [patterns(10, COUNT), patterns(11, COUNT)]
    for (const name of ["add", "sub", "mul"]) {
      const got = await float(name, a, b)
      const want = a.map((x, i) => Math.fround(reference(name)(x, b[i])))
      const normal = (x: number): boolean => x === 0 || Math.abs(x) >= SMALLEST_NORMAL || x !== x
      const own = want.map((_, i) => i).filter((i) => [a[i], b[i], want[i]].every(normal))
      expect(own.length).toBeGreaterThan(COUNT / 2)
      expect(own.map((i) => got[i])).toEqual(own.map((i) => want[i]))
    }
  })
})

type Encoded = number | "nan" | "inf" | "-inf" | "-0"
type Table = Readonly<Record<string, { readonly float32: readonly Encoded[] }>>
const pytorch = JSON.parse(
  readFileSync(new URL("../../backend-cpu-js/test/golden/primitives.json", import.meta.url), "utf8"),
) as { x: readonly Encoded[]; a: readonly Encoded[]; b: readonly Encoded[]; unary: Table; binary: Table }
const ENCODED: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 }
const decode = (values: readonly Encoded[]): number[] => values.map((v) => (typeof v === "number" ? v : ENCODED[v]))

describe("PyTorch's values", () => {
  // PyTorch's own float32 kernels of these are further off than a few units in the last place.
  const LOOSE: Record<string, number> = { digamma: 16, lgamma: 8, tan: 8, sinh: 8, cosh: 8, erfc: 8, erfinv: 8 }
  it.each([...Object.keys(pytorch.unary), ...Object.keys(pytorch.binary)])("%s", async (name) => {
    const unary = name in pytorch.unary
    const columns = (unary ? [pytorch.x] : [pytorch.a, pytorch.b]).map(decode)
    const want = decode((unary ? pytorch.unary : pytorch.binary)[name].float32)
    const got = await float(name, ...columns)
    want.forEach((w, i) => {
      const close = Math.abs(got[i] - w) <= Math.max(SMALLEST_NORMAL, (LOOSE[name] ?? 4) * unitInLastPlace(w))
      // Zeros have their signs; what PyTorch rounds to zero may be a subnormal number.
      if (!close || (w === 0 && got[i] === 0)) expect(got[i], `${name} number ${i}`).toBe(w)
    })
  })
})

const isFloat = (dtype: ScalarType): boolean => wgslType(dtype) === "f32"
const INTEGERS = TYPES.filter((t) => !isFloat(t) && t !== "bool")

/** The least and largest values of an integer type and some between. */
function integers(dtype: ScalarType, seed: number, count: number): number[] {
  const bits = dtype === "uint32" ? 32 : DTYPES[dtype].bytes * 8
  const signed = dtype !== "uint32" && DTYPES[dtype].signed
  const low = signed ? -(2 ** (bits - 1)) : 0
  const high = low + 2 ** bits - 1
  const draw = generator(seed)
  const edges = [low, low + 1, high, high - 1, 0, 1, 2, 3, 7, 31, signed ? -1 : 8, signed ? -3 : 33, bits, bits - 1]
  const all = edges.flatMap((a) => edges.map((b) => (seed % 2 ? a : b)))
  return all.concat(Array.from({ length: count }, (_, i) => Math.floor(i % 2 ? low + draw() * 2 ** bits : draw() * 10)))
}

describe("integers and bool", () => {
  const CASES = INTEGERS.flatMap((dtype) =>
    (Object.keys(PRIMITIVES) as Primitive[])
      .filter((op) => op !== "where" && referenceRow(op, dtype))
      .map((op) => [op, dtype] as const),
  )
  it("has all rows that the reference has", () => expect(CASES.length).toBeGreaterThan(100))
  it.each(CASES)("%s of %s", async (op, dtype) => {
    const columns = [integers(dtype, 1, 2000), integers(dtype, 2, 2000)].slice(0, PRIMITIVES[op])
    const comparison = ["eq", "lt", "le"].includes(op)
    const got = await run(
      primitiveRow(op, dtype),
      columns.map(() => dtype),
      comparison ? "bool" : dtype,
      ...columns,
    )
    const { run: apply } = referenceRow(op, dtype)!
    const wrap = (x: Value): Value => (comparison ? x : WRAP[dtype].run(x as never))
    const want = columns[0].map((a, i) => Number(wrap(apply(a, columns[1]?.[i] ?? 0, 0))))
    expect(got).toEqual(want.map((x) => x + 0))
  })

  it("bool", async () => {
    const [a, b] = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ]
    let rows = 0
    for (const op of Object.keys(PRIMITIVES) as Primitive[]) {
      const row = op === "where" ? undefined : referenceRow(op, "bool")
      if (!row) continue
      rows++
      const columns = [a, b].slice(0, PRIMITIVES[op])
      const got = await run(
        primitiveRow(op, "bool"),
        columns.map(() => "bool"),
        "bool",
        ...columns,
      )
      expect(got, op).toEqual(a.map((x, i) => Number(row.run(x, columns[1]?.[i] ?? 0, 0))))
    }
    expect(rows).toBeGreaterThan(15)
  })

  it.each(TYPES)("where of %s", async (dtype) => {
    const values = dtype === "bool" ? [0, 1] : [3, 7]
    const columns = [
      [0, 0, 1, 1],
      [values[0], values[1], values[0], values[1]],
      [values[1], values[0], values[1], values[0]],
    ]
    const got = await run(primitiveRow("where", dtype), ["bool", dtype, dtype], dtype, ...columns)
    expect(got).toEqual(columns[0].map((c, i) => columns[c ? 1 : 2][i]))
  })
})

describe("conversions", () => {
  const CASES = TYPES.flatMap((from) => TYPES.filter((to) => to !== from).map((to) => [from, to] as const))
  it.each(CASES)("%s to %s", async (from, to) => {
    const limits = [
      2 ** 31,
      -(2 ** 31),
      2 ** 32,
      3e9,
      -3e9,
      2 ** 40 + 2 ** 20,
      300.7,
      -300.7,
      65519.99,
      65520,
      2048.5,
      -0.7,
    ]
    const floats = SPECIALS.concat(limits, patterns(12, 4000), sweep(13, 4000))
    const round = WRAP[from].run as (x: number) => Value
    const x = isFloat(from)
      ? floats.map((v) => Number(round(Math.fround(v))))
      : from === "bool"
        ? [0, 1]
        : integers(from, 1, 4000).concat(
            from === "int32" || from === "uint32" ? [16777217, 16777219, 33554434, 2147483583] : [],
          )
    const got = await run(castRow(from, to), [from], to, x)
    const { run: convert } = castConversion(from, to)
    expect(got).toEqual(x.map((v) => (isFloat(to) ? Number(convert(v, 0, 0)) : Number(convert(v, 0, 0)) + 0)))
  })

  it("all float16 and bfloat16", async () => {
    const all = Uint32Array.from({ length: 65536 }, (_, i) => i)
    for (const [prefix, dtype] of [
      ["h", "float16"],
      ["b", "bfloat16"],
    ] as const) {
      const there = await gpu.apply((a) => `${prefix}_decode(${a})`, ["uint32"], "float32", [all])
      const values = fromWords("float32", there)
      const back = await gpu.apply((a) => `${prefix}_encode(${a})`, ["float32"], "uint32", [there])
      const nan = dtype === "float16" ? 0x7e00 : 0x7fc0
      expect(Array.from(back)).toEqual(values.map((v, i) => (v !== v ? nan : i)))
      // Between two neighbours: below, at and above the middle.
      const round = WRAP[dtype].run as (x: number) => Value
      const bits = Array.from(there).filter((_, i) => values[i] === values[i] && i % 3 === 0)
      const step = dtype === "float16" ? 0x1000 : 0x8000
      const between = bits.flatMap((b) => [b + step - 1, b + step, b + step + 1])
      const floats = Array.from(new Float32Array(Uint32Array.from(between).buffer))
      expect(await run(castRow("float32", dtype), ["float32"], dtype, floats)).toEqual(floats.map((v) => round(v)))
    }
  })

  it("bits are kept", async () => {
    const x = patterns(14, 2000).filter((v) => v === v)
    const words = toWords("float32", x)
    expect(await gpu.apply(bitcastRow("float32", "uint32"), ["float32"], "uint32", [words])).toEqual(words)
    expect(await gpu.apply(bitcastRow("int32", "float32"), ["int32"], "float32", [words])).toEqual(words)
    expect(() => bitcastRow("float32", "int8")).toThrow(/no bitcast from float32 to int8/)
  })
})

describe("texts", () => {
  it("constants are the same bits", async () => {
    const values = SPECIALS.concat([1e-7, 123456789, -0.1, 3.4028234663852886e38, 2 ** -126])
    for (const v of values) {
      const [word] = await gpu.apply(() => literal(v, "float32"), [], "float32", [])
      expect(fromWords("float32", Uint32Array.of(word)), String(v)).toEqual([Math.fround(v)])
    }
    expect(literal(-(2 ** 31), "int32")).toBe("i32(-2147483648)")
    expect(literal(2 ** 32 - 1, "uint32")).toBe("4294967295u")
    expect(literal(1, "bool")).toBe("true")
  })

  it("helpers stand behind what they need, each once", () => {
    const code = helperCode("f_pow(x, y)")
    const at = (name: string): number => code.search(new RegExp(`(fn|struct|const) ${name}\\b`))
    const present = [...code.matchAll(/\b(?:fn|struct|const) (\w+)/g)].map(([, name]) => name!)
    expect(present).toContain("df_log2")
    expect(present).not.toContain("f_sin")
    for (const name of present) {
      expect(code.split(helper(name).code).length, name).toBe(2)
      for (const needed of helper(name).needs) expect(at(needed), `${needed} for ${name}`).toBeLessThan(at(name))
    }
    expect(helperCode("a + b")).toBe("")
  })

  it("what has no meaning says so", () => {
    expect(() => primitiveRow("sin", "int32")).toThrow(/sin has no meaning on int32/)
    expect(() => primitiveRow("add", "int64")).toThrow(/no int64/)
    expect(() => primitiveRow("polygamma", "float32")("v1", "v2")).toThrow(/literal/)
  })
})
