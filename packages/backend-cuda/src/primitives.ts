/**
 * The scalar primitives as PTX, one row each. A row writes instructions and gives the register of its value, whose type is
 * the lane of the dtype; narrow integers are kept within their range. Sums and products say `.rn`, without which the
 * driver's compiler may fuse them.
 */
import type { BitwisePrimitive, FloatPrimitive, HalfDType, Primitive, ScalarType, ShiftPrimitive } from "@taeda/core"
import { LANE_OF, type Lane } from "./elements.ts"
import type { MathName } from "./math.ts"
import { f32Text, f64Text } from "./ptx-text.ts"
import type { Writer } from "./writer.ts"

export type Row = (w: Writer, ...args: readonly string[]) => string

type Conversion = "cast" | "bitcast"

/** One row for every primitive but those that have no meaning on the type: a missing row is a type error. */
type Table<Without extends Primitive = never> = Readonly<Record<Exclude<Primitive, Without | Conversion>, Row>>

/** A single instruction. */
const op =
  (opcode: string, ...last: readonly (string | number)[]): Row =>
  (w, ...args) =>
    w.op(opcode, ...args, ...last)
const identity: Row = (_, a) => a

const select =
  (type: string): Row =>
  (w, condition, a, b) =>
    w.op(`selp.${type}`, a, b, condition)

type Float = "f32" | "f64"
type FloatTable = Table<BitwisePrimitive | ShiftPrimitive | "mulhi">

function floatTable(type: Float): FloatTable {
  const text = type === "f32" ? f32Text : f64Text
  const function1 =
    (name: MathName): Row =>
    (w, a) =>
      w.call(name, [type], type, a)
  const function2 =
    (name: MathName): Row =>
    (w, a, b) =>
      w.call(name, [type, type], type, a, b)
  /** NaN if either is; of equal ones (the two zeros) the second, as PyTorch's vector code does. */
  const extreme =
    (before: "lt" | "gt"): Row =>
    (w, a, b) => {
      const first = w.op("or.pred", w.op(`setp.${before}.${type}`, a, b), w.op(`setp.nan.${type}`, a, a))
      return w.op(`selp.${type}`, a, b, first)
    }
  return {
    where: select(type),
    neg: op(`neg.${type}`),
    abs: op(`abs.${type}`),
    // NaN has sign 0, as in PyTorch.
    sign: (w, a) => {
      const positive = w.op(`selp.${type}`, text(1), text(0), w.op(`setp.gt.${type}`, a, text(0)))
      return w.op(`selp.${type}`, text(-1), positive, w.op(`setp.lt.${type}`, a, text(0)))
    },
    floor: op(`cvt.rmi.${type}.${type}`),
    ceil: op(`cvt.rpi.${type}.${type}`),
    trunc: op(`cvt.rzi.${type}.${type}`),
    round: op(`cvt.rni.${type}.${type}`),
    sqrt: op(`sqrt.rn.${type}`),
    exp: function1(`${type}_exp`),
    exp2: function1(`${type}_exp2`),
    expm1: function1(`${type}_expm1`),
    log: function1(`${type}_log`),
    log2: function1(`${type}_log2`),
    log10: function1(`${type}_log10`),
    log1p: function1(`${type}_log1p`),
    sin: function1(`${type}_sin`),
    cos: function1(`${type}_cos`),
    tan: function1(`${type}_tan`),
    asin: function1(`${type}_asin`),
    acos: function1(`${type}_acos`),
    atan: function1(`${type}_atan`),
    sinh: function1(`${type}_sinh`),
    cosh: function1(`${type}_cosh`),
    tanh: function1(`${type}_tanh`),
    sigmoid: function1(`${type}_sigmoid`),
    erf: function1(`${type}_erf`),
    erfc: function1(`${type}_erfc`),
    erfinv: function1(`${type}_erfinv`),
    lgamma: function1(`${type}_lgamma`),
    polygamma: function2(`${type}_polygamma`),
    add: op(`add.rn.${type}`),
    sub: op(`sub.rn.${type}`),
    mul: op(`mul.rn.${type}`),
    div: op(`div.rn.${type}`),
    mod: function2(`${type}_mod`),
    pow: function2(`${type}_pow`),
    atan2: function2(`${type}_atan2`),
    min: extreme("lt"),
    max: extreme("gt"),
    eq: op(`setp.eq.${type}`),
    lt: op(`setp.lt.${type}`),
    le: op(`setp.le.${type}`),
  }
}

/** digamma, the polygamma of order 0. */
export const digammaRow =
  (type: Float): Row =>
  (w, x) =>
    w.call(`${type}_digamma`, [type], type, x)

type IntegerType = "s32" | "u32" | "s64"

/** Division with a divisor that the machine need not fear: where it is 0 or -1, another result is chosen. */
function division(type: IntegerType): { readonly div: Row; readonly mod: Row } {
  const signed = type !== "u32"
  const safe = (w: Writer, b: string): { zero: string; minusOne?: string; divisor: string } => {
    const zero = w.op(`setp.eq.${type}`, b, 0)
    if (!signed) return { zero, divisor: w.op(`selp.${type}`, 1, b, zero) }
    const minusOne = w.op(`setp.eq.${type}`, b, -1)
    return { zero, minusOne, divisor: w.op(`selp.${type}`, 1, b, w.op("or.pred", zero, minusOne)) }
  }
  return {
    div(w, a, b) {
      const { zero, minusOne, divisor } = safe(w, b)
      const quotient = w.op(`div.${type}`, a, divisor)
      const signedQuotient = minusOne ? w.op(`selp.${type}`, w.op(`neg.${type}`, a), quotient, minusOne) : quotient
      return w.op(`selp.${type}`, 0, signedQuotient, zero)
    },
    // The remainder by 1 is 0, as it is by -1 and is to be by 0.
    mod: (w, a, b) => w.op(`rem.${type}`, a, safe(w, b).divisor),
  }
}

/** A count of bits that is more than any for those that are negative or too large. */
const shiftCount = (w: Writer, type: IntegerType, count: string): string =>
  type === "s64" ? w.op("cvt.u32.u64", w.op("min.u64", count, 64)) : count

function integerTable(type: IntegerType, narrow: Row = identity): Table<FloatPrimitive | "mulhi"> {
  const bits = type === "s64" ? "b64" : "b32"
  const wrapped =
    (row: Row): Row =>
    (w, ...args) =>
      narrow(w, row(w, ...args))
  const { div, mod } = division(type)
  return {
    where: select(type),
    floor: identity,
    ceil: identity,
    trunc: identity,
    round: identity,
    neg: wrapped(type === "u32" ? (w, a) => w.op("sub.u32", 0, a) : op(`neg.${type}`)),
    abs: type === "u32" ? identity : wrapped(op(`abs.${type}`)),
    sign: type === "u32" ? op("min.u32", 1) : (w, a) => w.op(`max.${type}`, w.op(`min.${type}`, a, 1), -1),
    add: wrapped(op(`add.${type}`)),
    sub: wrapped(op(`sub.${type}`)),
    mul: wrapped(op(`mul.lo.${type}`)),
    div: wrapped(div),
    mod,
    pow: wrapped((w, a, b) => w.call(`${type}_pow`, [type, type], type, a, b)),
    min: op(`min.${type}`),
    max: op(`max.${type}`),
    eq: op(`setp.eq.${type}`),
    lt: op(`setp.lt.${type}`),
    le: op(`setp.le.${type}`),
    and: op(`and.${bits}`),
    or: op(`or.${bits}`),
    xor: op(`xor.${bits}`),
    not: wrapped(op(`not.${bits}`)),
    // The machine shifts everything out where the count is the width or more.
    shl: wrapped((w, a, b) => w.op(`shl.${bits}`, a, shiftCount(w, type, b))),
    shr: (w, a, b) => w.op(`shr.${type}`, a, shiftCount(w, type, b)),
  }
}

/** On bool the arithmetic that has a meaning is that of 0 and 1, and any other value counts as 1. */
const BOOL: Table<FloatPrimitive | ShiftPrimitive | "mulhi" | "div" | "mod" | "pow"> = {
  where: (w, c, a, b) => w.op("or.pred", w.op("and.pred", c, a), w.op("and.pred", w.op("not.pred", c), b)),
  floor: identity,
  ceil: identity,
  trunc: identity,
  round: identity,
  abs: identity,
  sign: identity,
  neg: identity,
  add: op("or.pred"),
  sub: op("xor.pred"),
  mul: op("and.pred"),
  min: op("and.pred"),
  max: op("or.pred"),
  and: op("and.pred"),
  or: op("or.pred"),
  xor: op("xor.pred"),
  not: op("not.pred"),
  eq: (w, a, b) => w.op("not.pred", w.op("xor.pred", a, b)),
  lt: (w, a, b) => w.op("and.pred", w.op("not.pred", a), b),
  le: (w, a, b) => w.op("or.pred", w.op("not.pred", a), b),
}

/** Brings a 32-bit integer into the range of a narrower one. */
const NARROW: Readonly<Partial<Record<ScalarType, Row>>> = {
  int8: op("bfe.s32", 0, 8),
  int16: op("bfe.s32", 0, 16),
  uint8: op("and.b32", 255),
}

const FLOAT = floatTable("f32")

const TABLES: Readonly<Record<ScalarType, Readonly<Partial<Record<Primitive, Row>>>>> = {
  float32: FLOAT,
  // Half types occur only under casts, where they are floats that are already rounded.
  float16: FLOAT,
  bfloat16: FLOAT,
  float64: floatTable("f64"),
  int8: integerTable("s32", NARROW.int8),
  uint8: integerTable("s32", NARROW.uint8),
  int16: integerTable("s32", NARROW.int16),
  int32: integerTable("s32"),
  int64: integerTable("s64"),
  uint32: { ...integerTable("u32"), mulhi: op("mul.hi.u32") } satisfies Table<FloatPrimitive>,
  bool: BOOL,
}

/**
 * The row of a primitive whose (last) operands have a type; `cast` and `bitcast` have their own functions.
 *
 * @throws TypeError where the primitive has no meaning on the type.
 */
export function primitiveRow(op: Primitive, dtype: ScalarType): Row {
  const row = TABLES[dtype][op]
  if (!row)
    throw new TypeError(`cuda: the primitive ${op} has no meaning on ${dtype}; insert a cast to a floating dtype`)
  return row
}

const chain =
  (...rows: readonly Row[]): Row =>
  (w, a) =>
    rows.reduce((value, row) => row(w, value), a)

/** Towards zero and modulo 2^64, by way of doubles; what has no integer is 0. */
const integerOf: Row = (w, a) => w.call("f64_integer", ["f64"], "s64", a)
const low = op("cvt.u32.u64")
/** Beyond 2^63 the low words of all float32 are 0. */
const wordOf: Row = (w, a) => {
  const inside = w.op("setp.lt.f32", w.op("abs.f32", a), f32Text(2 ** 63))
  return w.op("selp.b32", low(w, w.op("cvt.rzi.s64.f32", a)), 0, inside)
}
const oneOrZero =
  (type: string, one: string | number, zero: string | number): Row =>
  (w, a) =>
    w.op(`selp.${type}`, one, zero, a)

const widen = op("cvt.f64.f32")
const FROM: Readonly<Record<Lane, Readonly<Record<Lane, Row>>>> = {
  f32: {
    f32: identity,
    f64: widen,
    s32: wordOf,
    u32: wordOf,
    s64: chain(widen, integerOf),
    // NaN is true.
    pred: op("setp.neu.f32", f32Text(0)),
  },
  f64: {
    f32: op("cvt.rn.f32.f64"),
    f64: identity,
    s32: chain(integerOf, low),
    u32: chain(integerOf, low),
    s64: integerOf,
    pred: op("setp.neu.f64", f64Text(0)),
  },
  s32: {
    f32: op("cvt.rn.f32.s32"),
    f64: op("cvt.rn.f64.s32"),
    s32: identity,
    u32: identity,
    s64: op("cvt.s64.s32"),
    pred: op("setp.ne.s32", 0),
  },
  u32: {
    f32: op("cvt.rn.f32.u32"),
    f64: op("cvt.rn.f64.u32"),
    s32: identity,
    u32: identity,
    s64: op("cvt.u64.u32"),
    pred: op("setp.ne.u32", 0),
  },
  s64: {
    f32: op("cvt.rn.f32.s64"),
    f64: op("cvt.rn.f64.s64"),
    s32: low,
    u32: low,
    s64: identity,
    pred: op("setp.ne.s64", 0),
  },
  pred: {
    f32: oneOrZero("f32", f32Text(1), f32Text(0)),
    f64: oneOrZero("f64", f64Text(1), f64Text(0)),
    s32: oneOrZero("s32", 1, 0),
    u32: oneOrZero("u32", 1, 0),
    s64: oneOrZero("s64", 1, 0),
    pred: identity,
  },
}

/** The bits of the nearest bfloat16 in the low half of a word, ties to even. */
export const bfloat16Bits: Row = (w, a) => {
  if (w.has(80)) {
    const half = w.register("b16")
    w.line(`cvt.rn.bf16.f32 ${half}, ${a}`)
    return w.op("cvt.u32.u16", half)
  }
  const bits = w.op("mov.b32", a)
  const odd = w.op("bfe.u32", bits, 16, 1)
  const rounded = w.op("shr.u32", w.op("add.u32", w.op("add.u32", bits, 0x7fff), odd), 16)
  return w.op("selp.b32", 0x7fc0, rounded, w.op("setp.nan.f32", a, a))
}
/** The value of a bfloat16 whose bits are in the low half of a word. */
export const ofBfloat16: Row = (w, bits) => asFloat(w, w.op("shl.b32", bits, 16))

const asFloat = (w: Writer, bits: string): string => {
  const value = w.register("f32")
  w.line(`mov.b32 ${value}, ${bits}`)
  return value
}

/** So that what is stored as such is not rounded twice. */
function remembered(dtype: HalfDType, round: Row): Row {
  return (w, a) => {
    // Registers may be assigned to again.
    const source = w.op("mov.f32", a)
    const value = round(w, source)
    w.rounded(dtype, value, source)
    return value
  }
}

/** Rounds a float32 to a half type. */
const ROUND: Readonly<Partial<Record<ScalarType, Row>>> = {
  float16: remembered("float16", chain(op("cvt.rn.f16.f32"), op("cvt.f32.f16"))),
  bfloat16: remembered("bfloat16", chain(bfloat16Bits, ofBfloat16)),
}

/** Conversion by value: to integers truncating and wrapping, to bool `!= 0`, to half types rounding to the nearest, ties to even. */
export function castRow(from: ScalarType, to: ScalarType): Row {
  if (from === to) return identity
  const convert = FROM[LANE_OF[from]][LANE_OF[to]]
  const finish = contains(to, from) ? undefined : (ROUND[to] ?? NARROW[to])
  return finish ? chain(convert, finish) : convert
}

/** Whether every value of a small type is one of another. */
const contains = (to: ScalarType, from: ScalarType): boolean =>
  from === "bool" || ((from === "uint8" || from === "int8") && to !== "int8" && to !== "uint8")

/**
 * Conversion by bits, between types of the same width.
 *
 * @throws TypeError where the widths differ.
 */
export function bitcastRow(from: ScalarType, to: ScalarType): Row {
  if (from === to) return identity
  const words: readonly ScalarType[] = ["float32", "int32", "uint32"]
  const doubles: readonly ScalarType[] = ["float64", "int64"]
  const bits =
    words.includes(from) && words.includes(to) ? "b32" : doubles.includes(from) && doubles.includes(to) ? "b64" : ""
  if (!bits) throw new TypeError(`cuda: no bitcast from ${from} to ${to}`)
  return (w, a) => {
    const value = w.register(LANE_OF[to])
    w.line(`mov.${bits} ${value}, ${a}`)
    return value
  }
}
