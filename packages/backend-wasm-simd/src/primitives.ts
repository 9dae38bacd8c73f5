/** The scalar primitives, one row each, on vectors of every kind of lane. */
import type { BitwisePrimitive, Primitive, ScalarType, ShiftPrimitive } from "@taeda/core"
import { choose, type FunctionBuilder, get, type Local } from "./assembler.ts"
import { type Code, call, i32, i64, lane as laneCode, op } from "./code.ts"
import type { Graph, Node } from "./graph.ts"
import { narrowMask, type Value, value } from "./lanes.ts"
import type { MathName, VectorFunction } from "./math.ts"
import { F32_MATH } from "./math-f32.ts"
import { F64_MATH } from "./math-f64.ts"

/** These are no rows: what they do depends on more than one type. */
type Special = "cast" | "bitcast" | "where" | "polygamma"
type Comparison = "eq" | "lt" | "le"

/** Rows on vectors of one shape. A comparison gives a mask of that shape's lanes. */
type Rows<Without extends Primitive> = Readonly<Record<Exclude<Primitive, Special | Without>, VectorFunction>>
type AnyRows = Readonly<Partial<Record<Primitive, VectorFunction>>>

const instruction =
  (name: string): VectorFunction =>
  (g, ...args) =>
    g.op(name, ...args)
const identity: VectorFunction = (_, a) => a

/** 1, 0 or -1 by the sign; NaN has sign 0, as in PyTorch. */
function floatRows(
  shape: "f32x4" | "f64x2",
  one: (g: Graph) => Node,
  zero: (g: Graph) => Node,
  math: Readonly<Record<MathName, VectorFunction>>,
): Rows<BitwisePrimitive | ShiftPrimitive | "mulhi"> {
  /** NaN if either is; of equal ones (the two zeros) the second, as PyTorch's vector code does. */
  const extreme =
    (name: "pmin" | "pmax"): VectorFunction =>
    (g, a, b) =>
      g.op("v128.bitselect", a, g.op(`${shape}.${name}`, b, a), g.op(`${shape}.ne`, a, a))
  return {
    ...math,
    neg: instruction(`${shape}.neg`),
    abs: instruction(`${shape}.abs`),
    sign: (g, a) =>
      g.op(
        `${shape}.sub`,
        g.op("v128.and", g.op(`${shape}.gt`, a, zero(g)), one(g)),
        g.op("v128.and", g.op(`${shape}.lt`, a, zero(g)), one(g)),
      ),
    floor: instruction(`${shape}.floor`),
    ceil: instruction(`${shape}.ceil`),
    trunc: instruction(`${shape}.trunc`),
    round: instruction(`${shape}.nearest`),
    sqrt: instruction(`${shape}.sqrt`),
    add: instruction(`${shape}.add`),
    sub: instruction(`${shape}.sub`),
    mul: instruction(`${shape}.mul`),
    div: instruction(`${shape}.div`),
    min: extreme("pmin"),
    max: extreme("pmax"),
    eq: instruction(`${shape}.eq`),
    lt: instruction(`${shape}.lt`),
    le: instruction(`${shape}.le`),
  }
}

/** Rounding leaves integers as they are. */
const INTEGRAL = { floor: identity, ceil: identity, trunc: identity, round: identity } as const

/** A function of scalars applied lane by lane: `scalar` writes the value of the lanes' values. */
function lanewise(
  shape: "i32x4" | "i64x2",
  name: string,
  scalar: (f: FunctionBuilder, a: Local, b: Local) => Code,
): VectorFunction {
  const type = shape === "i32x4" ? "i32" : "i64"
  const lanes = shape === "i32x4" ? [0, 1, 2, 3] : [0, 1]
  return (g, x, y) => {
    const one = g.module.helper(`${name} of ${type}`, [type, type], [type], (f, a, b) => f.push(scalar(f, a, b)))
    const all = g.module.helper(`${name} of ${shape}`, ["v128", "v128"], ["v128"], (f, a, b) => {
      const at = (k: number, v: Local): Code => laneCode(`${shape}.extract_lane`, k, get(v))
      f.push(
        lanes.reduce<Code>(
          (vector, k) => laneCode(`${shape}.replace_lane`, k, vector, call(one, at(k, a), at(k, b))),
          get(a),
        ),
      )
    })
    return g.call(all, "v128", x, y)
  }
}

/** Integer powers by squaring; a negative exponent leaves only the powers of 1 and -1. */
function power(f: FunctionBuilder, base: Local, exponent: Local): Code {
  const { type } = base
  const number = type === "i32" ? i32 : i64
  const is = (local: Local, n: number): Code => op(`${type}.eq`, get(local), number(n))
  const result = f.let(type, number(1))
  f.if(
    op(`${type}.lt_s`, get(exponent), number(0)),
    () => {
      const odd = op(
        `${type}.sub`,
        number(1),
        op(`${type}.shl`, op(`${type}.and`, get(exponent), number(1)), number(1)),
      )
      f.set(result, number(0))
      f.if(is(base, 1), () => f.set(result, number(1)))
      f.if(is(base, -1), () => f.set(result, odd))
    },
    () =>
      f.while(op(`${type}.ne`, get(exponent), number(0)), () => {
        const odd = op(`${type}.ne`, op(`${type}.and`, get(exponent), number(1)), number(0))
        f.if(odd, () => f.set(result, op(`${type}.mul`, get(result), get(base))))
        f.set(base, op(`${type}.mul`, get(base), get(base)))
        f.set(exponent, op(`${type}.shr_u`, get(exponent), number(1)))
      }),
  )
  return get(result)
}

/** A shift by `limit` or more, or by a negative count, shifts everything out: only the sign is left of signed numbers. */
const shift = (type: "i32" | "i64", name: "shl" | "shr_s" | "shr_u", limit: number) => {
  const number = type === "i32" ? i32 : i64
  return (_: FunctionBuilder, a: Local, b: Local): Code => {
    const inside = op(`${type}.lt_u`, get(b), number(limit))
    const beyond = name === "shr_s" ? op(`${type}.shr_s`, get(a), number(limit)) : number(0)
    return choose(type, inside, op(`${type}.${name}`, get(a), get(b)), beyond)
  }
}

/** Rounded to a multiple of 1 and brought into 2^52 to 2^53, a double has its integer in its low bits, negative ones too. */
const MAGIC = 6755399441055744

/**
 * Slightly more than 1: an inexact reciprocal times this is never below the true one, and 2^-31 is the least by which a quotient of
 * 32-bit integers that is none itself stays below the next integer, relative to it.
 */
const ABOVE_ONE = 1 + 2 ** -50

/** The quotient towards zero, 0 where the divisor is: doubles hold it exactly. */
function divide32(g: Graph, a: Node, b: Node, unsigned: boolean): Node {
  const doubles = (x: Node): Node[] => {
    const convert = `f64x2.convert_low_i32x4_${unsigned ? "u" : "s"}`
    return [g.op(convert, x), g.op(convert, g.shuffle(4, [2, 3, 2, 3], x, x))]
  }
  const [as, bs] = [doubles(a), doubles(b)]
  const quotientOf = (x: Node, y: Node): Node => {
    // The reciprocal of what is the same in the whole launch is computed once.
    if (y.level > 0) return g.op("f64x2.div", x, y)
    return g.op("f64x2.mul", x, g.op("f64x2.mul", g.op("f64x2.div", g.f64x2(1), y), g.f64x2(ABOVE_ONE)))
  }
  const [low, high] = as.map((x, k) => g.op("f64x2.add", g.op("f64x2.trunc", quotientOf(x, bs[k])), g.f64x2(MAGIC)))
  const quotient = g.shuffle(4, [0, 2, 4, 6], low, high)
  return g.op("v128.andnot", quotient, g.op("i32x4.eq", b, g.i32x4(0)))
}

/** Integers of at most 32 bits in 32-bit lanes; the caller wraps results to narrower types. */
function rows32(bits: number, signed: boolean): Rows<Exclude<MathName, "mod" | "pow"> | "sqrt" | "mulhi"> {
  const unsigned = bits === 32 && !signed
  const sign = unsigned ? "u" : "s"
  const div: VectorFunction = (g, a, b) => divide32(g, a, b, unsigned)
  return {
    ...INTEGRAL,
    neg: instruction("i32x4.neg"),
    abs: unsigned ? identity : instruction("i32x4.abs"),
    sign: (g, a) =>
      unsigned
        ? g.op("i32x4.min_u", a, g.i32x4(1))
        : g.op("i32x4.min_s", g.op("i32x4.max_s", a, g.i32x4(-1)), g.i32x4(1)),
    add: instruction("i32x4.add"),
    sub: instruction("i32x4.sub"),
    mul: instruction("i32x4.mul"),
    div,
    mod: (g, a, b) =>
      g.op("v128.andnot", g.op("i32x4.sub", a, g.op("i32x4.mul", div(g, a, b), b)), g.op("i32x4.eq", b, g.i32x4(0))),
    pow: lanewise("i32x4", "power", power),
    min: instruction(`i32x4.min_${sign}`),
    max: instruction(`i32x4.max_${sign}`),
    eq: instruction("i32x4.eq"),
    lt: instruction(`i32x4.lt_${sign}`),
    le: instruction(`i32x4.le_${sign}`),
    and: instruction("v128.and"),
    or: instruction("v128.or"),
    xor: instruction("v128.xor"),
    not: instruction("v128.not"),
    shl: lanewise("i32x4", `shl ${bits}`, shift("i32", "shl", bits)),
    shr: unsigned
      ? lanewise("i32x4", "shr unsigned", shift("i32", "shr_u", 32))
      : lanewise("i32x4", `shr ${bits} ${signed}`, shift("i32", "shr_s", signed ? bits - 1 : bits)),
  }
}

const UINT32: Rows<Exclude<MathName, "mod" | "pow"> | "sqrt"> = {
  ...rows32(32, false),
  mulhi: (g, a, b) =>
    g.shuffle(4, [1, 3, 5, 7], g.op("i64x2.extmul_low_i32x4_u", a, b), g.op("i64x2.extmul_high_i32x4_u", a, b)),
}

/** Where the divisor is 0 the result is 0; -2^63 / -1 wraps. */
const divide64 =
  (name: "div_s" | "rem_s", byMinusOne: (a: Local) => Code) => (_: FunctionBuilder, a: Local, b: Local) =>
    choose(
      "i64",
      op("i64.eqz", get(b)),
      i64(0),
      choose("i64", op("i64.eq", get(b), i64(-1)), byMinusOne(a), op(`i64.${name}`, get(a), get(b))),
    )

const INT64: Rows<Exclude<MathName, "mod" | "pow"> | "sqrt" | "mulhi"> = {
  ...INTEGRAL,
  neg: instruction("i64x2.neg"),
  abs: instruction("i64x2.abs"),
  sign: (g, a) => g.op("i64x2.sub", g.op("i64x2.lt_s", a, g.i64x2(0n)), g.op("i64x2.gt_s", a, g.i64x2(0n))),
  add: instruction("i64x2.add"),
  sub: instruction("i64x2.sub"),
  mul: instruction("i64x2.mul"),
  div: lanewise(
    "i64x2",
    "quotient",
    divide64("div_s", (a) => op("i64.sub", i64(0), get(a))),
  ),
  mod: lanewise(
    "i64x2",
    "remainder",
    divide64("rem_s", () => i64(0)),
  ),
  pow: lanewise("i64x2", "power", power),
  min: (g, a, b) => g.op("v128.bitselect", a, b, g.op("i64x2.lt_s", a, b)),
  max: (g, a, b) => g.op("v128.bitselect", a, b, g.op("i64x2.gt_s", a, b)),
  eq: instruction("i64x2.eq"),
  lt: instruction("i64x2.lt_s"),
  le: instruction("i64x2.le_s"),
  and: instruction("v128.and"),
  or: instruction("v128.or"),
  xor: instruction("v128.xor"),
  not: instruction("v128.not"),
  shl: lanewise("i64x2", "shl", shift("i64", "shl", 64)),
  shr: lanewise("i64x2", "shr", shift("i64", "shr_s", 63)),
}

/** On bool the arithmetic that has a meaning is that of 0 and 1. */
const BOOL: Rows<MathName | ShiftPrimitive | "sqrt" | "mulhi" | "div"> = {
  ...INTEGRAL,
  neg: identity,
  abs: identity,
  sign: identity,
  add: instruction("v128.or"),
  sub: instruction("v128.xor"),
  mul: instruction("v128.and"),
  min: instruction("v128.and"),
  max: instruction("v128.or"),
  and: instruction("v128.and"),
  or: instruction("v128.or"),
  xor: instruction("v128.xor"),
  not: instruction("v128.not"),
  eq: (g, a, b) => g.op("v128.not", g.op("v128.xor", a, b)),
  lt: (g, a, b) => g.op("v128.andnot", b, a),
  le: (g, a, b) => g.op("v128.or", b, g.op("v128.not", a)),
}

const FLOAT32 = floatRows(
  "f32x4",
  (g) => g.f32x4(1),
  (g) => g.f32x4(0),
  F32_MATH,
)
const FLOAT64 = floatRows(
  "f64x2",
  (g) => g.f64x2(1),
  (g) => g.f64x2(0),
  F64_MATH,
)

const ROWS = {
  float32: FLOAT32,
  // Half types occur only under casts, where they are floats that are already rounded.
  float16: FLOAT32,
  bfloat16: FLOAT32,
  float64: FLOAT64,
  int8: rows32(8, true),
  uint8: rows32(8, false),
  int16: rows32(16, true),
  int32: rows32(32, true),
  uint32: UINT32,
  int64: INT64,
  bool: BOOL,
} satisfies Record<ScalarType, unknown> as Readonly<Record<ScalarType, AnyRows>>

/** Brings a result in 32-bit lanes into a narrower type. */
const WRAP: Readonly<Partial<Record<ScalarType, (g: Graph, x: Node) => Node>>> = {
  int8: (g, x) => g.op("i32x4.shr_s", g.op("i32x4.shl", x, g.i32(24)), g.i32(24)),
  uint8: (g, x) => g.op("v128.and", x, g.i32x4(0xff)),
  int16: (g, x) => g.op("i32x4.shr_s", g.op("i32x4.shl", x, g.i32(16)), g.i32(16)),
}

export const wrapTo = (g: Graph, dtype: ScalarType, x: Node): Node => WRAP[dtype]?.(g, x) ?? x

const COMPARISONS: ReadonlySet<string> = new Set<Comparison>(["eq", "lt", "le"])
/** What never leaves the range of a narrow integer type whose arguments are in it. */
const STAYS: ReadonlySet<string> = new Set<Primitive>(["sign", "min", "max", "and", "or", "xor", "mod", "shr"])

/**
 * A primitive on four elements. `dtype` is the type of the operands, in which the lanes may be wider (float32 in doubles, for
 * accumulators).
 *
 * @throws TypeError where the primitive has no meaning on the type.
 */
export function applyPrimitive(g: Graph, name: Primitive, dtype: ScalarType, args: readonly Value[]): Value {
  const { lane } = args[0]
  const row = ROWS[dtype === "float32" && lane === "f64" ? "float64" : dtype][name]
  if (!row)
    throw new TypeError(`wasm: the primitive ${name} has no meaning on ${dtype}; insert a cast to a floating dtype`)
  const parts = args[0].parts.map((_, k) => row(g, ...args.map((a) => a.parts[k])))
  if (COMPARISONS.has(name)) return value("mask", lane === "mask" ? parts[0] : narrowMask(g, parts))
  return value(lane, ...(STAYS.has(name) ? parts : parts.map((p) => wrapTo(g, dtype, p))))
}
