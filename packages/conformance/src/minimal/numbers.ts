/** Numbers: what every primitive gives in every type. A backend's tables of emitted code are of this form. */

import {
  bfloat16ToNumber,
  DTYPES,
  type Expr,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
  type Primitive,
  type ScalarType,
} from "@taeda/core"
import { SPECIAL } from "./special.ts"

/** The value of a node: int64 as bigint, bool as 0 or 1, the rest as numbers. */
export type Value = number | bigint

/** To the low `bits` of an integer, of whatever size. */
const integer = (bits: number, signed: boolean) => {
  const unused = 32 - bits
  return (x: Value): number => {
    const low = typeof x === "bigint" ? Number(BigInt.asIntN(32, x)) : x | 0
    return signed ? (low << unused) >> unused : (low << unused) >>> unused
  }
}

/** The nearest value of the type: what every primitive's result goes through. Integers wrap. */
export const ROUND: Readonly<Record<ScalarType, (x: Value) => Value>> = {
  bool: (x) => Number(Boolean(x)),
  uint8: integer(8, false),
  int8: integer(8, true),
  int16: integer(16, true),
  int32: integer(32, true),
  uint32: integer(32, false),
  int64: (x) => BigInt.asIntN(64, BigInt(x)),
  float16: (x) => float16ToNumber(numberToFloat16(Number(x))),
  bfloat16: (x) => bfloat16ToNumber(numberToBfloat16(Number(x))),
  float32: (x) => Math.fround(Number(x)),
  float64: Number,
}

const isFloat = (dtype: ScalarType): boolean => dtype !== "uint32" && DTYPES[dtype].kind === "float"

/** The value in another type: towards zero and wrapped for integers, `!= 0` for bool. */
export function convert(x: Value, to: ScalarType): Value {
  if (isFloat(to) || to === "bool" || typeof x === "bigint")
    return ROUND[to](to === "bool" ? Number(x !== 0 && x !== 0n) : x)
  return ROUND[to](Number.isFinite(x) ? BigInt(Math.trunc(x)) : 0)
}

const scratch = new DataView(new ArrayBuffer(8))
type Accessors = readonly [set: (x: Value) => void, get: () => Value]
const asFloat32: Accessors = [(x) => scratch.setFloat32(0, Number(x)), () => scratch.getFloat32(0)]
const asInt32: Accessors = [(x) => scratch.setInt32(0, Number(x)), () => scratch.getInt32(0)]
const asUint32: Accessors = [(x) => scratch.setUint32(0, Number(x)), () => scratch.getUint32(0)]
const asFloat64: Accessors = [(x) => scratch.setFloat64(0, Number(x)), () => scratch.getFloat64(0)]
const asInt64: Accessors = [(x) => scratch.setBigInt64(0, BigInt(x)), () => scratch.getBigInt64(0)]
const BITS: Partial<Record<ScalarType, Accessors>> = {
  float32: asFloat32,
  int32: asInt32,
  uint32: asUint32,
  float64: asFloat64,
  int64: asInt64,
}

function roundToEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0)
  // A zero keeps the sign of what was rounded to it.
  return up ? (floor + 1 === 0 ? -0 : floor + 1) : floor === 0 ? x * 0 : floor
}

type OnAny = "cast" | "bitcast" | "where" | "eq" | "lt" | "le"
type OnFloats = Exclude<Primitive, OnAny | "and" | "or" | "xor" | "not" | "shl" | "shr" | "mulhi">
type OnIntegers =
  | "neg"
  | "abs"
  | "sign"
  | "floor"
  | "ceil"
  | "trunc"
  | "round"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "pow"
  | "min"
  | "max"
  | "and"
  | "or"
  | "xor"
  | "not"
  | "shl"
  | "shr"
  | "mulhi"

/** In double precision; the caller rounds to the node's type. */
const FLOATS: Readonly<Record<OnFloats, (a: number, b: number) => number>> = {
  ...SPECIAL,
  neg: (a) => -a,
  abs: Math.abs,
  sign: (a) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundToEven,
  sqrt: Math.sqrt,
  exp: Math.exp,
  exp2: (a) => 2 ** a,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a % b,
  // C's pow has pow(1, y) = 1 and pow(-1, ±infinity) = 1, where JavaScript has NaN.
  pow: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b),
  atan2: Math.atan2,
  min: Math.min,
  max: Math.max,
}

/** By squaring, in 64 bits; a negative exponent leaves only 1 and -1 other than 0. */
function integerPower(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n || (base === -1n && exponent % 2n === 0n) ? 1n : base === -1n ? -1n : 0n
  let product = 1n
  for (let [b, e] = [base, exponent]; e > 0n; e >>= 1n) {
    if (e & 1n) product = BigInt.asIntN(64, product * b)
    b = BigInt.asIntN(64, b * b)
  }
  return product
}

/** Exact; the caller wraps to the node's type. */
const INTEGERS: Readonly<Record<OnIntegers, (a: bigint, b: bigint) => bigint>> = {
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  floor: (a) => a,
  ceil: (a) => a,
  trunc: (a) => a,
  round: (a) => a,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b ? a / b : 0n),
  mod: (a, b) => (b ? a % b : 0n),
  pow: integerPower,
  min: (a, b) => (b < a ? b : a),
  max: (a, b) => (b > a ? b : a),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
  shl: (a, b) => a << (b & 63n),
  shr: (a, b) => a >> (b & 63n),
  mulhi: (a, b) => (a * b) >> 32n,
}

/** The common ones without the detour through bigint: exact, up to a multiple of 2^32, where the type has 32 bits or fewer. */
const NARROW: Partial<Record<string, (a: number, b: number) => number>> = {
  neg: (a) => -a,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: Math.imul,
  min: Math.min,
  max: Math.max,
}

const COMPARISONS = {
  eq: (a: Value, b: Value) => a === b,
  lt: (a: Value, b: Value) => a < b,
  le: (a: Value, b: Value) => a <= b,
}

/** What a primitive does, as a function of its arguments' values: one entry of a table, or a conversion. */
export function primitive(node: Expr): (a: Value, b: Value, c: Value) => Value {
  const { op, dtype } = node
  const from = node.args[0].dtype
  const round = ROUND[dtype]
  if (op === "where") return (a, b, c) => (a ? b : c)
  if (op === "cast") return (a) => convert(a, dtype)
  if (op === "bitcast")
    return (a) => {
      BITS[from]![0](a)
      return BITS[dtype]![1]()
    }
  if (op in COMPARISONS) {
    const compare = COMPARISONS[op as keyof typeof COMPARISONS]
    return (a, b) => Number(compare(a, b))
  }
  if (isFloat(dtype)) {
    const f = FLOATS[op as OnFloats]
    return (a, b) => round(f(a as number, b as number))
  }
  if (dtype === "bool" && op === "not") return (a) => Number(!a)
  const narrow = dtype === "int64" ? undefined : NARROW[op]
  if (narrow) return (a, b) => round(narrow(a as number, b as number))
  const f = INTEGERS[op as OnIntegers]
  return (a, b) => round(f(BigInt(a), BigInt(b ?? 0)))
}
