/**
 * The scalar primitives as WGSL text, one row each.
 *
 * Values are f32 for the floating dtypes (half types are rounded by casts), i32 for int32, int16, int8 and uint8 (the narrow
 * ones kept within their range), u32 for uint32, and WGSL's bool for bool. An argument is a name, or a literal of `literal`: a text
 * that may be repeated, and of which WGSL cannot tell the value (its constant expressions may not overflow), so each node of
 * an expression is bound by `let` (but for the order of a polygamma, which is a `literal`). The texts name helpers; `helperCode` of wgsl-math.ts gives their code.
 */
import {
  type BitwisePrimitive,
  DTYPES,
  type FloatPrimitive,
  type Primitive,
  type Scalar,
  type ScalarType,
  type ShiftPrimitive,
} from "@taeda/core"
import type { HelperName } from "./wgsl-math.ts"
import { floatText } from "./wgsl-text.ts"

export type Row = (...args: readonly string[]) => string

export type WgslType = "f32" | "i32" | "u32" | "bool"

/** The types that have a value in WGSL. */
export type GpuScalarType = Exclude<ScalarType, "float64" | "int64">

export const WGSL_TYPES: Readonly<Record<GpuScalarType, WgslType>> = {
  float32: "f32",
  float16: "f32",
  bfloat16: "f32",
  int32: "i32",
  int16: "i32",
  int8: "i32",
  uint8: "i32",
  uint32: "u32",
  bool: "bool",
}

const operator =
  (symbol: string): Row =>
  (a, b) =>
    `(${a} ${symbol} ${b})`
const prefix =
  (symbol: string): Row =>
  (a) =>
    `(${symbol}${a})`
const builtin =
  (name: string): Row =>
  (...args) =>
    `${name}(${args.join(", ")})`
const helper = (name: HelperName, ...extra: readonly string[]): Row => {
  const call = builtin(name)
  return (...args) => call(...args, ...extra)
}
const identity: Row = (a) => a

type Conversion = "cast" | "bitcast"

/** One row for every primitive but those that have no meaning on the type: a missing row is a type error. */
type Table<Without extends Primitive = never> = Readonly<Record<Exclude<Primitive, Without | Conversion>, Row>>

const NUMERAL = /^\d+(\.\d+)?f?$/

/** Both values are computed; WGSL's select has the condition last. */
const where: Row = (condition, a, b) => `select(${b}, ${a}, ${condition})`

const FLOAT: Table<BitwisePrimitive | ShiftPrimitive | "mulhi"> = {
  where,
  neg: helper("f_neg"),
  abs: helper("f_abs"),
  sign: helper("f_sign"),
  floor: helper("f_floor"),
  ceil: helper("f_ceil"),
  trunc: helper("f_trunc"),
  round: helper("f_round"),
  sqrt: helper("f_sqrt"),
  exp: helper("f_exp"),
  exp2: helper("f_exp2"),
  expm1: helper("f_expm1"),
  log: helper("f_log"),
  log2: helper("f_log2"),
  log10: helper("f_log10"),
  log1p: helper("f_log1p"),
  sin: helper("f_sin"),
  cos: helper("f_cos"),
  tan: helper("f_tan"),
  asin: helper("f_asin"),
  acos: helper("f_acos"),
  atan: helper("f_atan"),
  sinh: helper("f_sinh"),
  cosh: helper("f_cosh"),
  tanh: helper("f_tanh"),
  sigmoid: helper("f_sigmoid"),
  erf: helper("f_erf"),
  erfc: helper("f_erfc"),
  erfinv: helper("f_erfinv"),
  lgamma: helper("f_lgamma"),
  polygamma: (n, x) => {
    if (!NUMERAL.test(n)) throw new TypeError(`webgpu: the order of a polygamma is a literal in its text, not ${n}`)
    return Number.parseFloat(n) === 0 ? `f_digamma(${x})` : `f_polygamma(${n}, ${x})`
  },
  add: operator("+"),
  sub: operator("-"),
  mul: operator("*"),
  div: helper("f_div"),
  mod: helper("f_mod"),
  pow: helper("f_pow"),
  atan2: helper("f_atan2"),
  min: helper("f_min"),
  max: helper("f_max"),
  eq: helper("f_eq"),
  lt: helper("f_lt"),
  le: helper("f_le"),
}

/** Rounding leaves integers as they are. */
const INTEGRAL = { floor: identity, ceil: identity, trunc: identity, round: identity } as const
const ORDERED = { eq: operator("=="), lt: operator("<"), le: operator("<="), min: builtin("min"), max: builtin("max") }
const BITWISE = { and: operator("&"), or: operator("|"), xor: operator("^"), not: prefix("~") } as const
const RING = { add: operator("+"), sub: operator("-"), mul: operator("*") } as const

/** Brings a value of WGSL's type into the range of a narrower one. */
const NARROW: Readonly<Partial<Record<ScalarType, Row>>> = {
  int8: (a) => `((${a} << 24u) >> 24u)`,
  int16: (a) => `((${a} << 16u) >> 16u)`,
  uint8: (a) => `(${a} & 255)`,
}
const narrowTo = (dtype: ScalarType): Row => NARROW[dtype] ?? identity

/** Signed integers and those that are computed in them. */
function integerTable(dtype: "int8" | "uint8" | "int16" | "int32"): Table<FloatPrimitive | "mulhi"> {
  const bits = DTYPES[dtype].bytes * 8
  const narrow = narrowTo(dtype)
  const wrapped =
    (row: Row): Row =>
    (...args) =>
      narrow(row(...args))
  return {
    ...INTEGRAL,
    ...ORDERED,
    ...BITWISE,
    where,
    not: wrapped(BITWISE.not),
    neg: wrapped(prefix("-")),
    abs: wrapped(builtin("abs")),
    sign: builtin("sign"),
    add: wrapped(RING.add),
    sub: wrapped(RING.sub),
    mul: wrapped(RING.mul),
    div: wrapped(helper("i_div")),
    mod: helper("i_mod"),
    pow: wrapped(helper("i_pow")),
    shl: wrapped(helper("i_shl", `${bits}u`)),
    shr: helper("i_shr", `${dtype === "uint8" ? bits : bits - 1}u`),
  }
}

const UINT32: Table<FloatPrimitive> = {
  ...INTEGRAL,
  ...ORDERED,
  ...BITWISE,
  ...RING,
  where,
  neg: (a) => `(0u - ${a})`,
  abs: identity,
  sign: (a) => `min(${a}, 1u)`,
  div: helper("u_div"),
  mod: helper("u_mod"),
  pow: helper("u_pow"),
  shl: helper("u_shl"),
  shr: helper("u_shr"),
  mulhi: helper("u_mulhi"),
}

/** On bool the arithmetic that has a meaning is that of 0 and 1, and any other value counts as 1. */
const BOOL: Table<FloatPrimitive | ShiftPrimitive | "mulhi" | "div" | "mod" | "pow"> = {
  ...INTEGRAL,
  where,
  abs: identity,
  sign: identity,
  neg: identity,
  add: operator("||"),
  sub: operator("!="),
  mul: operator("&&"),
  min: operator("&&"),
  max: operator("||"),
  and: operator("&&"),
  or: operator("||"),
  xor: operator("!="),
  not: prefix("!"),
  eq: operator("=="),
  lt: (a, b) => `(!${a} && ${b})`,
  le: (a, b) => `(!${a} || ${b})`,
}

const TABLES: Readonly<Record<GpuScalarType, Readonly<Partial<Record<Primitive, Row>>>>> = {
  float32: FLOAT,
  // Half types occur only under casts, where they are floats that are already rounded.
  float16: FLOAT,
  bfloat16: FLOAT,
  int8: integerTable("int8"),
  uint8: integerTable("uint8"),
  int16: integerTable("int16"),
  int32: integerTable("int32"),
  uint32: UINT32,
  bool: BOOL,
}

/** The types that WGSL has values of. */
export const isGpuScalarType = (dtype: ScalarType): dtype is GpuScalarType => Object.hasOwn(WGSL_TYPES, dtype)

function known(dtype: ScalarType): GpuScalarType {
  if (!isGpuScalarType(dtype)) throw new TypeError(`webgpu: WGSL has no ${dtype}; use float32 or int32`)
  return dtype
}

/** WGSL's type for the values of a dtype. */
export const wgslType = (dtype: ScalarType): WgslType => WGSL_TYPES[known(dtype)]

/**
 * The row of a primitive whose (last) operands have a type; `cast` and `bitcast` have their own functions.
 *
 * @throws TypeError where the primitive has no meaning on the type.
 */
export function primitiveRow(op: Primitive, dtype: ScalarType): Row {
  const row = TABLES[known(dtype)][op]
  if (!row)
    throw new TypeError(`webgpu: the primitive ${op} has no meaning on ${dtype}; insert a cast to a floating dtype`)
  return row
}

const toFloat: Readonly<Record<WgslType, Row>> = {
  f32: identity,
  i32: helper("i_float"),
  u32: helper("u_float"),
  bool: (a) => `select(0f, 1f, ${a})`,
}
const toInt: Readonly<Record<WgslType, Row>> = {
  f32: helper("f_int"),
  i32: identity,
  u32: (a) => `bitcast<i32>(${a})`,
  bool: (a) => `select(0, 1, ${a})`,
}
const toUint: Readonly<Record<WgslType, Row>> = {
  f32: (a) => `bitcast<u32>(f_int(${a}))`,
  i32: (a) => `bitcast<u32>(${a})`,
  u32: identity,
  bool: (a) => `select(0u, 1u, ${a})`,
}
/** Anything but the zeros, so that NaN is true. */
const toBool: Readonly<Record<WgslType, Row>> = {
  f32: (a) => `(f_magnitude(${a}) != 0u)`,
  i32: (a) => `(${a} != 0)`,
  u32: (a) => `(${a} != 0u)`,
  bool: identity,
}
const CONVERSIONS: Readonly<Record<WgslType, Readonly<Record<WgslType, Row>>>> = {
  f32: toFloat,
  i32: toInt,
  u32: toUint,
  bool: toBool,
}

/** Rounds a float32 to a half type. */
const ROUND: Readonly<Partial<Record<ScalarType, Row>>> = {
  float16: (a) => `h_decode(h_encode(${a}))`,
  bfloat16: (a) => `b_decode(b_encode(${a}))`,
}

/** Whether the float32 values of integers of a type are values of a half type already. */
const SMALL: ReadonlySet<string> = new Set([
  "bool>float16",
  "bool>bfloat16",
  "uint8>bfloat16",
  "uint8>float16",
  "int8>float16",
  "int8>bfloat16",
])
const NARROW_CONTAINED: ReadonlySet<string> = new Set([
  "bool>int8",
  "bool>uint8",
  "bool>int16",
  "int8>int16",
  "uint8>int16",
])

/** Conversion by value: to integers truncating and wrapping, to bool `!= 0`, to half types rounding to the nearest, ties to even. */
export function castRow(from: ScalarType, to: ScalarType): Row {
  if (from === to) return identity
  const convert = CONVERSIONS[wgslType(to)][wgslType(from)]
  const key = `${from}>${to}`
  if (SMALL.has(key) || NARROW_CONTAINED.has(key)) return convert
  const finish = ROUND[to] ?? narrowTo(to)
  return (a) => finish(convert(a))
}

/** Conversion by bits, between types of 32 bits. */
export function bitcastRow(from: ScalarType, to: ScalarType): Row {
  if (from === to) return identity
  const wide: readonly ScalarType[] = ["float32", "int32", "uint32"]
  if (!wide.includes(from) || !wide.includes(to)) throw new TypeError(`webgpu: no bitcast from ${from} to ${to}`)
  return (a) => `bitcast<${wgslType(to)}>(${a})`
}

/** A constant of a type, as text that may stand for a name. */
export function literal(value: Scalar, dtype: ScalarType): string {
  const type = wgslType(dtype)
  if (type === "bool") return value ? "true" : "false"
  if (type === "f32") return floatText(Number(value))
  if (type === "u32") return `${Number(value) >>> 0}u`
  return `i32(${Number(value) | 0})`
}
