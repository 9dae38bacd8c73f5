/** Mathematical functions against values computed with 60 digits, PyTorch's, and the rules for infinities, zeros and NaN. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { MathName, VectorFunction } from "../src/math.ts"
import { F32_MATH, polygamma as polygammaF32 } from "../src/math-f32.ts"
import { F64_MATH, polygamma as polygammaF64 } from "../src/math-f64.ts"
import { type Applied, applied, TARGETS } from "./vectors.ts"

type Type = "float32" | "float64"
type TargetName = keyof typeof TARGETS

const BINARY: readonly string[] = ["pow", "atan2", "mod"]
const SPECIFIC: Record<Type, Record<string, VectorFunction>> = {
  float32: {
    ...F32_MATH,
    digamma: (g, x) => polygammaF32(g, 0, x),
    ...Object.fromEntries([1, 2, 5].map((n) => [`polygamma${n}`, (g, x) => polygammaF32(g, n, x)] as const)),
  },
  float64: {
    ...F64_MATH,
    digamma: (g, x) => polygammaF64(g, 0, x),
    ...Object.fromEntries([1, 2, 5].map((n) => [`polygamma${n}`, (g, x) => polygammaF64(g, n, x)] as const)),
  },
}

const compiled = new Map<string, Applied>()
function math(type: Type, target: TargetName, name: string): Applied {
  const key = `${type} ${target} ${name}`
  let made = compiled.get(key)
  if (!made) {
    made = applied(TARGETS[target], BINARY.includes(name) ? 2 : 1, SPECIFIC[type][name])
    compiled.set(key, made)
  }
  return made
}

const array = (type: Type, values: readonly number[]) =>
  type === "float32" ? Float32Array.from(values) : Float64Array.from(values)

const compute = (type: Type, target: TargetName, name: string, ...columns: readonly (readonly number[])[]): number[] =>
  Array.from(math(type, target, name)(...columns.map((c) => array(type, c))))

/** The distance of neighbouring floats at a number. */
function unitInLastPlace(x: number, type: Type): number {
  const [digits, least, most] = type === "float32" ? [23, -126, 127] : [52, -1022, 1023]
  const magnitude = Math.abs(x)
  const exponent = magnitude < 2 ** least ? least : Math.floor(Math.log2(magnitude))
  // log2 may round up to the next integer.
  const exact = 2 ** exponent > magnitude && exponent > least ? exponent - 1 : exponent
  return 2 ** (Math.min(exact, most) - digits)
}

/** The largest distance in units in the last place; what is not finite must be the same. */
function distance(type: Type, got: readonly number[], want: readonly number[], floor: number, name: string): number {
  let worst = 0
  want.forEach((w, i) => {
    const rounded = type === "float32" ? Math.fround(w) : w
    if (!Number.isFinite(rounded) || !Number.isFinite(got[i]) || (w === 0 && got[i] === 0))
      expect(got[i], `${name} number ${i}`).toBe(rounded)
    else worst = Math.max(worst, Math.abs(got[i] - w) / unitInLastPlace(Math.max(Math.abs(w), floor), type))
  })
  return worst
}

const TYPES: readonly Type[] = ["float32", "float64"]
const TARGET_NAMES = Object.keys(TARGETS) as TargetName[]
const CASES = TYPES.flatMap((type) => TARGET_NAMES.map((target) => [type, target] as const))
const NAMES = Object.keys(F32_MATH) as MathName[]

const golden = JSON.parse(readFileSync(new URL("./math.golden.json", import.meta.url), "utf8")) as Record<
  string,
  { readonly x: readonly number[]; readonly y: readonly number[] }
>

/**
 * Bounds, in units in the last place. Those of float32 are against the exact value, so that 0.5 is correct rounding; what is
 * computed in doubles and rounded once gets 0.51. Those of float64 are against the rounded value.
 */
const BOUNDS: Record<string, Record<Type, number>> = {
  exp: { float32: 1.1, float64: 1 },
  exp2: { float32: 1.5, float64: 1 },
  expm1: { float32: 1.8, float64: 2 },
  log: { float32: 0.85, float64: 1 },
  log2: { float32: 0.9, float64: 1 },
  log10: { float32: 0.9, float64: 2 },
  log1p: { float32: 1.4, float64: 1 },
  sin: { float32: 2, float64: 2 },
  cos: { float32: 2, float64: 2 },
  tan: { float32: 0.51, float64: 4 },
  asin: { float32: 1.9, float64: 1 },
  acos: { float32: 1.3, float64: 1 },
  atan: { float32: 1.5, float64: 1 },
  sinh: { float32: 1.7, float64: 3 },
  cosh: { float32: 1.6, float64: 2 },
  tanh: { float32: 2.4, float64: 4 },
  sigmoid: { float32: 2.4, float64: 3 },
  erf: { float32: 2.5, float64: 5 },
  erfc: { float32: 0.51, float64: 6 },
  erfinv: { float32: 2.3, float64: 6 },
  lgamma: { float32: 0.51, float64: 4 },
  pow: { float32: 0.54, float64: 1 },
  atan2: { float32: 1.6, float64: 1 },
  mod: { float32: 0, float64: 0 },
  digamma: { float32: 0.51, float64: 6 },
  polygamma1: { float32: 0.51, float64: 6 },
  polygamma2: { float32: 0.51, float64: 8 },
  polygamma5: { float32: 0.51, float64: 10 },
}

/** The gamma functions' zeros and reflections subtract numbers of about 1 from each other. */
const floorOf = (name: string): number => (/gamma/.test(name) ? 1 : 0)

describe.each(CASES)("values computed with 60 digits: %s, %s", (type, target) => {
  it.each(Object.keys(golden))("%s", (name) => {
    const { x, y } = golden[name]
    const own = x.map((_, i) => i).filter((i) => type === "float64" || Math.fround(x[i]) === x[i])
    expect(own.length).toBeGreaterThan(20)
    const pick = (from: readonly number[]): number[] => own.map((i) => from[i])
    const got = compute(type, target, name, pick(x))
    expect(distance(type, got, pick(y), floorOf(name), name)).toBeLessThanOrEqual(BOUNDS[name][type])
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
function sweep(type: Type, seed: number, count: number): number[] {
  const draw = generator(seed)
  const [low, high] = type === "float32" ? [-149, 128] : [-1074, 1024]
  const numbers = Array.from({ length: count }, (_, i) => {
    const sign = draw() < 0.5 ? -1 : 1
    return sign * (i % 2 ? 8 * draw() : 2 ** (low + draw() * (high - low)))
  })
  return Array.from(array(type, numbers))
}

const COUNT = 20_000

describe("over the whole range", () => {
  // Doubles are right to a few units in the last place, as the values above show: all the digits that a float has, and more.
  it.each(TARGET_NAMES.flatMap((t) => NAMES.map((n) => [n, t] as const)))("%s of float32 (%s)", (name, target) => {
    const columns = [sweep("float32", 1, COUNT), sweep("float32", 2, COUNT)].slice(0, BINARY.includes(name) ? 2 : 1)
    const want = compute("float64", target, name, ...columns)
    const got = compute("float32", target, name, ...columns)
    // Near its zeros at negative numbers not even the double has the digits of a float.
    const floor = name === "lgamma" ? 1 : 0
    expect(distance("float32", got, want, floor, name)).toBeLessThanOrEqual(BOUNDS[name].float32)
  })

  const REFERENCE = [
    "exp",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
  ] as const
  it.each(TARGET_NAMES.flatMap((t) => REFERENCE.map((n) => [n, t] as const)))("%s of float64 (%s)", (name, target) => {
    const x = sweep("float64", 3, COUNT)
    const got = compute("float64", target, name, x)
    // JavaScript's functions are themselves off by one.
    expect(distance("float64", got, x.map(Math[name]), 0, name)).toBeLessThanOrEqual(BOUNDS[name].float64 + 1)
  })

  it.each(CASES)("the remainder is exact: %s, %s", (type, target) => {
    const draw = generator(4)
    // Quotients of every size, beside integers too.
    const b = sweep(type, 5, COUNT)
    const a = b.map((d, i) => (i % 3 ? d * 2 ** (draw() * 70 - 5) : d * Math.floor(draw() * 1000) * (1 + 2 ** -52)))
    const x = Array.from(array(type, a))
    const got = compute(type, target, "mod", x, b)
    expect(got).toEqual(
      Array.from(
        array(
          type,
          x.map((v, i) => v % b[i]),
        ),
      ),
    )
  })
})

const SPECIALS = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 1e10, -1e10, 2 ** -140, Infinity, -Infinity, NaN]

describe.each(CASES)("infinities, zeros and NaN: %s, %s", (type, target) => {
  const same = (name: string, columns: readonly (readonly number[])[], want: readonly number[]): void => {
    const got = compute(type, target, name, ...columns)
    expect(got.length).toBe(want.length)
    expect(distance(type, got, want, 0, name)).toBeLessThanOrEqual(BOUNDS[name][type] + 1)
  }

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
  ] as const)("%s as JavaScript", (name) => same(name, [SPECIALS], SPECIALS.map(Math[name])))

  const LIMITS: Record<string, readonly (readonly [number, number])[]> = {
    exp2: [
      [Infinity, Infinity],
      [-Infinity, 0],
      [NaN, NaN],
      [-0, 1],
      [5000, Infinity],
      [-5000, 0],
    ],
    sigmoid: [
      [Infinity, 1],
      [-Infinity, 0],
      [NaN, NaN],
      [0, 0.5],
      [-0, 0.5],
      [1000, 1],
      [-1000, 0],
    ],
    erf: [
      [Infinity, 1],
      [-Infinity, -1],
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [7, 1],
      [-7, -1],
    ],
    erfc: [
      [Infinity, 0],
      [-Infinity, 2],
      [NaN, NaN],
      [0, 1],
      [-0, 1],
      [30, 0],
      [-30, 2],
    ],
    erfinv: [
      [1, Infinity],
      [-1, -Infinity],
      [1.5, NaN],
      [-1.5, NaN],
      [NaN, NaN],
      [0, 0],
      [-0, -0],
      [Infinity, NaN],
    ],
    lgamma: [
      [0, Infinity],
      [-0, Infinity],
      [-1, Infinity],
      [-7, Infinity],
      [1, 0],
      [2, 0],
      [Infinity, Infinity],
      [-Infinity, Infinity],
      [NaN, NaN],
    ],
    digamma: [
      [0, -Infinity],
      [-0, Infinity],
      [-1, NaN],
      [-8, NaN],
      [Infinity, Infinity],
      [-Infinity, NaN],
      [NaN, NaN],
    ],
    polygamma1: [
      [0, Infinity],
      [-0, Infinity],
      [-2, Infinity],
      [Infinity, 0],
      [-Infinity, NaN],
      [NaN, NaN],
    ],
    polygamma2: [
      [0, -Infinity],
      [-0, -Infinity],
      [-2, -Infinity],
      [Infinity, -0],
      [-Infinity, NaN],
      [NaN, NaN],
    ],
  }
  it.each(Object.keys(LIMITS))("%s at its ends and poles", (name) => {
    const got = compute(
      type,
      target,
      name,
      LIMITS[name].map(([x]) => x),
    )
    expect(got).toEqual(LIMITS[name].map(([, y]) => y))
  })

  const first = SPECIALS.flatMap((a) => SPECIALS.map(() => a))
  const second = SPECIALS.flatMap(() => SPECIALS)
  const RULES: Record<string, (a: number, b: number) => number> = {
    atan2: Math.atan2,
    mod: (a, b) => a % b,
    // IEEE 754's: 1 to anything is 1, −1 to an infinity too, where JavaScript has NaN.
    pow: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  }
  it.each(Object.keys(RULES))("%s of all pairs", (name) => {
    const rounded = [first, second].map((c) => Array.from(array(type, c)))
    const want = rounded[0].map((a, i) => RULES[name](a, rounded[1][i]))
    const got = compute(type, target, name, first, second)
    expect(distance(type, got, want, 0, name)).toBeLessThanOrEqual(BOUNDS[name][type])
    // Zeros have their signs.
    const zeros = want.map((w, i) => [i, type === "float32" ? Math.fround(w) : w]).filter(([, w]) => w === 0)
    expect(zeros.map(([i]) => got[i])).toEqual(zeros.map(([, w]) => w))
  })

  it("powers and their logarithms are exact", () => {
    const exponents = Array.from({ length: 250 }, (_, i) => i - 149).filter((e) => e < 128)
    const powers = exponents.map((e) => 2 ** e)
    expect(compute(type, target, "exp2", exponents)).toEqual(powers)
    expect(compute(type, target, "log2", powers)).toEqual(exponents)
    const decades = Array.from({ length: type === "float32" ? 11 : 23 }, (_, i) => i)
    expect(
      compute(
        type,
        target,
        "log10",
        decades.map((d) => Number(`1e${d}`)),
      ),
    ).toEqual(decades)
  })

  it("bounded functions keep within their bounds, and odd ones are odd", () => {
    const x = sweep(type, 6, COUNT)
    const mirrored = x.map((v) => -v)
    for (const name of ["sin", "tanh", "erf", "atan", "asin", "sinh", "tan", "erfinv"]) {
      const y = compute(type, target, name, x)
      expect(compute(type, target, name, mirrored), name).toEqual(y.map((v) => -v))
      if (name === "sin" || name === "tanh" || name === "erf")
        expect(
          y.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
          name,
        ).toBeLessThanOrEqual(1)
    }
    expect(compute(type, target, "cos", mirrored)).toEqual(compute(type, target, "cos", x))
    for (const v of compute(type, target, "sigmoid", x)) if (!(v >= 0 && v <= 1)) expect(v).toBeNaN()
  })

  it("a vector with one special number computes the others as usual", () => {
    const usual = [0.3, 0.7, 0.2, 0.9]
    for (const name of NAMES) {
      const arity = BINARY.includes(name) ? 2 : 1
      const want = compute(type, target, name, ...Array(arity).fill(usual))
      for (const special of [0, -3, 1e30, Infinity, NaN]) {
        const mixed = [usual[0], special, usual[2], special]
        const got = compute(type, target, name, ...Array(arity).fill(mixed))
        expect([got[0], got[2]], `${name} beside ${special}`).toEqual([want[0], want[2]])
      }
    }
  })
})

type Encoded = number | "nan" | "inf" | "-inf" | "-0"
interface Primitives {
  readonly x: readonly Encoded[]
  readonly unary: Readonly<Record<string, Readonly<Record<Type, readonly Encoded[]>>>>
  readonly a: readonly Encoded[]
  readonly b: readonly Encoded[]
  readonly binary: Readonly<Record<string, Readonly<Record<Type, readonly Encoded[]>>>>
}
const pytorch = JSON.parse(
  readFileSync(new URL("../../backend-cpu-js/test/golden/primitives.json", import.meta.url), "utf8"),
) as Primitives
const ENCODED: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 }
const decode = (values: readonly Encoded[]): number[] => values.map((v) => (typeof v === "number" ? v : ENCODED[v]))

describe.each(CASES)("PyTorch's values: %s, %s", (type, target) => {
  // PyTorch's own float32 kernels of these are further off than a few units in the last place.
  const LOOSE: Record<string, number> = { digamma: 16, lgamma: 8, tan: 8, sinh: 8, cosh: 8, erfc: 8, erfinv: 8 }
  const tiny = type === "float32" ? 2 ** -126 : 2 ** -1022
  const own = (rows: Primitives["unary"]): string[] => Object.keys(rows).filter((name) => name in SPECIFIC[type])
  it.each([...own(pytorch.unary), ...own(pytorch.binary)])("%s", (name) => {
    const unary = name in pytorch.unary
    const columns = (unary ? [pytorch.x] : [pytorch.a, pytorch.b]).map(decode)
    const want = decode((unary ? pytorch.unary : pytorch.binary)[name][type])
    const got = compute(type, target, name, ...columns)
    want.forEach((w, i) => {
      const close = Math.abs(got[i] - w) <= Math.max(tiny, (LOOSE[name] ?? 4) * unitInLastPlace(w, type))
      // Zeros have their signs; what PyTorch rounds to zero may be a subnormal number.
      if (!close || (w === 0 && got[i] === 0)) expect(got[i], `${name} number ${i}`).toBe(w)
    })
  })
})
