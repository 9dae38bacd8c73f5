/**
 * The scalar primitives, one row each, in two forms that stand side by side so that they agree: JavaScript text for
 * generated code, and a function for pages that forbid generating code.
 */
import {
  type BitwisePrimitive,
  DTYPES,
  type FloatPrimitive,
  type Primitive,
  type ScalarType,
  type ShiftPrimitive,
} from "@taeda/core"
import * as numeric from "./numeric.ts"
import * as single from "./single.ts"
import * as special from "./special.ts"

/** Every scalar is a number, except int64, which is a bigint; bool is 0 or 1. */
export type Value = number | bigint

/** A row: the text of the exact result in terms of its arguments' texts, and the same as a function. */
export interface Row<V extends Value = Value> {
  readonly text: (...args: readonly string[]) => string
  readonly run: (a: V, b: V, c: V) => Value
  /**
   * The same without a branch that depends on data, in terms of names and constants. For loops over elements, where such
   * branches cannot be predicted; a reduction's can, and there it would only lengthen the chain of dependent steps.
   */
  readonly branchless?: (...args: readonly string[]) => string
  /** Whether the text is a JavaScript condition, to be made 0 or 1 where a value is wanted. */
  readonly condition?: boolean
  /** Whether the result of representable arguments is always representable, so that it need not be rounded. */
  readonly exact?: boolean
}

/** What generated code may call, by the name after the `$`. */
export const HELPERS = { ...numeric, ...special, ...single }

type HelperName = keyof typeof HELPERS

const operator = <V extends Value>(symbol: string, run: Row<V>["run"]): Row<V> => ({
  text: (a, b) => `(${a} ${symbol} ${b})`,
  run,
})
const call = (name: string, run: (a: number, b: number) => number): Row<number> => ({
  text: (...args) => `${name}(${args.join(", ")})`,
  run,
})
const helper = <V extends Value>(
  name: HelperName,
  run: (a: V, b: V) => Value,
  ...extra: readonly number[]
): Row<V> => ({
  text: (...args) => `$${name}(${[...args, ...extra].join(", ")})`,
  run,
})
const exact = <V extends Value>(row: Row<V>): Row<V> => ({ ...row, exact: true })
const identity = <V extends Value>(): Row<V> => ({ text: (a) => a, run: (a) => a, exact: true })

type Conversion = "cast" | "bitcast"

/** One row for every primitive but those that have no meaning on the type: a missing row is a type error. */
type Table<V extends Value, Without extends Primitive> = Readonly<
  Record<Exclude<Primitive, Without | Conversion>, Row<V>>
>
type AnyTable = Partial<Readonly<Record<Primitive, Row>>>

/** Comparisons and selection read the same for every type. */
const shared = <V extends Value>() => ({
  eq: { ...operator<V>("===", (a, b) => (a === b ? 1 : 0)), condition: true, exact: true },
  lt: { ...operator<V>("<", (a, b) => (a < b ? 1 : 0)), condition: true, exact: true },
  le: { ...operator<V>("<=", (a, b) => (a <= b ? 1 : 0)), condition: true, exact: true },
})

const where = <V extends Value>(branchless?: Row<V>["branchless"]): Row<V> => ({
  text: (c, a, b) => `(${c} ? ${a} : ${b})`,
  run: (c, a, b) => (c ? a : b),
  exact: true,
  ...(branchless && { branchless }),
})

/** Chooses between two floats by a condition. */
const chooseFloat = (c: string, a: string, b: string): string =>
  `($choice[0] = ${b}, $choice[1] = ${a}, $choice[${c} | 0])`

/** Chooses between two integers of at most 32 bits by a condition: the bits that differ are masked. */
const chooseInt = (c: string, a: string, b: string): string => `(${b} ^ ((${a} ^ ${b}) & -(${c})))`

/** NaN if either is; of equal ones (the two zeros) the second, as PyTorch's vector code does. */
const FLOAT_MIN: Row<number> = {
  text: (a, b) => `(${a} < ${b} || ${a} !== ${a} ? ${a} : ${b})`,
  run: (a, b) => (a < b || a !== a ? a : b),
  branchless: (a, b) => chooseFloat(`((${a} < ${b}) | (${a} !== ${a}))`, a, b),
  exact: true,
}
const FLOAT_MAX: Row<number> = {
  text: (a, b) => `(${a} > ${b} || ${a} !== ${a} ? ${a} : ${b})`,
  run: (a, b) => (a > b || a !== a ? a : b),
  branchless: (a, b) => chooseFloat(`((${a} > ${b}) | (${a} !== ${a}))`, a, b),
  exact: true,
}

/** Bit operations have no meaning on floats; every other primitive has its row. */
const FLOAT: Table<number, BitwisePrimitive | ShiftPrimitive | "mulhi"> = {
  ...shared(),
  where: where(chooseFloat),
  neg: exact({ text: (a) => `(-${a})`, run: (a) => -a }),
  abs: exact(call("Math.abs", Math.abs)),
  sign: exact(helper("signFloat", numeric.signFloat)),
  floor: exact(call("Math.floor", Math.floor)),
  ceil: exact(call("Math.ceil", Math.ceil)),
  trunc: exact(call("Math.trunc", Math.trunc)),
  round: exact(helper("roundEven", numeric.roundEven)),
  sqrt: call("Math.sqrt", Math.sqrt),
  exp: call("Math.exp", Math.exp),
  exp2: helper("exp2", numeric.exp2),
  expm1: call("Math.expm1", Math.expm1),
  log: call("Math.log", Math.log),
  log2: call("Math.log2", Math.log2),
  log10: call("Math.log10", Math.log10),
  log1p: call("Math.log1p", Math.log1p),
  sin: call("Math.sin", Math.sin),
  cos: call("Math.cos", Math.cos),
  tan: call("Math.tan", Math.tan),
  asin: call("Math.asin", Math.asin),
  acos: call("Math.acos", Math.acos),
  atan: call("Math.atan", Math.atan),
  sinh: call("Math.sinh", Math.sinh),
  cosh: call("Math.cosh", Math.cosh),
  tanh: call("Math.tanh", Math.tanh),
  sigmoid: helper("sigmoid", special.sigmoid),
  erf: helper("erf", special.erf),
  erfc: helper("erfc", special.erfc),
  erfinv: helper("erfinv", special.erfinv),
  lgamma: helper("lgamma", special.lgamma),
  polygamma: helper("polygamma", special.polygamma),
  add: operator("+", (a, b) => a + b),
  sub: operator("-", (a, b) => a - b),
  mul: operator("*", (a, b) => a * b),
  div: operator("/", (a, b) => a / b),
  mod: exact(operator("%", (a, b) => a % b)),
  pow: helper("powFloat", numeric.powFloat),
  atan2: call("Math.atan2", Math.atan2),
  min: FLOAT_MIN,
  max: FLOAT_MAX,
}

/**
 * What float32 has of its own: functions that compute no more digits than it keeps, and max(x, 0), the usual rectifier: half
 * of x + |x|, exact in doubles once -infinity is made finite, and several times as fast as any choice.
 */
const FLOAT32: typeof FLOAT = {
  ...FLOAT,
  exp: helper("exp32", single.exp32),
  log: helper("log32", single.log32),
  tanh: helper("tanh32", single.tanh32),
  sigmoid: helper("sigmoid32", single.sigmoid32),
  erf: helper("erf32", single.erf32),
  max: {
    ...FLOAT_MAX,
    branchless: (a, b) => (b === "0" ? `$positivePart(${a})` : FLOAT_MAX.branchless!(a, b)),
  },
}

/** Rounding and the like leave integers as they are. */
const integral = <V extends Value>() => ({
  floor: identity<V>(),
  ceil: identity<V>(),
  trunc: identity<V>(),
  round: identity<V>(),
  min: exact<V>({ text: (a, b) => `(${a} < ${b} ? ${a} : ${b})`, run: (a, b) => (a < b ? a : b) }),
  max: exact<V>({ text: (a, b) => `(${a} > ${b} ? ${a} : ${b})`, run: (a, b) => (a > b ? a : b) }),
})

/** min and max of integers of at most 32 bits. */
const orders = (unsigned: boolean): Record<"min" | "max", Row<number>> => {
  const choose =
    (symbol: string): Row<number>["branchless"] =>
    (a, b) => {
      const text = chooseInt(`(${a} ${symbol} ${b})`, a, b)
      return unsigned ? `(${text} >>> 0)` : text
    }
  const { min, max } = integral<number>()
  return { min: { ...min, branchless: choose("<") }, max: { ...max, branchless: choose(">") } }
}

const isSmallConstant = (text: string, below: number): boolean => /^\d+$/.test(text) && Number(text) < below

/** Integers of at most 32 bits: exact in doubles or by Math.imul, then wrapped to their width. */
function integerTable(bits: number, signed: boolean): Table<number, FloatPrimitive | "mulhi"> {
  const top = signed ? bits - 1 : bits
  const shl = helper<number>("shiftLeft", (a, b) => numeric.shiftLeft(a, b, bits), bits)
  const shr =
    bits === 32 && !signed
      ? helper<number>("shiftRightUint32", numeric.shiftRightUint32)
      : helper<number>("shiftRight", (a, b) => numeric.shiftRight(a, b, top), top)
  const constantShift = (row: Row<number>, symbol: string, below: number): Row<number> => ({
    ...row,
    text: (a, b) => (isSmallConstant(b, below) ? `(${a} ${symbol} ${b})` : row.text(a, b)),
  })
  return {
    ...shared(),
    ...integral(),
    where: where((c, a, b) => (bits === 32 && !signed ? `(${chooseInt(c, a, b)} >>> 0)` : chooseInt(c, a, b))),
    ...orders(bits === 32 && !signed),
    neg: { text: (a) => `(-${a})`, run: (a) => -a },
    abs: call("Math.abs", Math.abs),
    sign: exact(helper("signFloat", numeric.signFloat)),
    add: operator("+", (a, b) => a + b),
    sub: operator("-", (a, b) => a - b),
    mul: call("Math.imul", Math.imul),
    div: { text: (a, b) => `(${b} === 0 ? 0 : ${a} / ${b})`, run: (a, b) => (b === 0 ? 0 : a / b) },
    mod: { text: (a, b) => `(${b} === 0 ? 0 : ${a} % ${b})`, run: (a, b) => (b === 0 ? 0 : a % b) },
    pow: helper("powInt", numeric.powInt),
    and: operator("&", (a, b) => a & b),
    or: operator("|", (a, b) => a | b),
    xor: operator("^", (a, b) => a ^ b),
    not: { text: (a) => `(~${a})`, run: (a) => ~a },
    shl: constantShift(shl, "<<", bits),
    shr: constantShift(shr, bits === 32 && !signed ? ">>>" : ">>", top),
  }
}

const INT64: Table<bigint, FloatPrimitive | "mulhi"> = {
  ...shared(),
  ...integral(),
  where: where(),
  neg: { text: (a) => `(-${a})`, run: (a) => -a },
  abs: { text: (a) => `(${a} < 0n ? -${a} : ${a})`, run: (a) => (a < 0n ? -a : a) },
  sign: {
    text: (a) => `(${a} > 0n ? 1n : ${a} < 0n ? -1n : 0n)`,
    run: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
    exact: true,
  },
  add: operator("+", (a, b) => a + b),
  sub: operator("-", (a, b) => a - b),
  mul: operator("*", (a, b) => a * b),
  div: { text: (a, b) => `(${b} === 0n ? 0n : ${a} / ${b})`, run: (a, b) => (b === 0n ? 0n : a / b) },
  mod: { text: (a, b) => `(${b} === 0n ? 0n : ${a} % ${b})`, run: (a, b) => (b === 0n ? 0n : a % b) },
  pow: helper("powInt64", numeric.powInt64),
  and: exact(operator("&", (a, b) => a & b)),
  or: exact(operator("|", (a, b) => a | b)),
  xor: exact(operator("^", (a, b) => a ^ b)),
  not: exact({ text: (a) => `(~${a})`, run: (a) => ~a }),
  shl: helper("shiftLeftInt64", numeric.shiftLeftInt64),
  shr: exact(helper("shiftRightInt64", numeric.shiftRightInt64)),
}

/** On bool the arithmetic that has a meaning is that of 0 and 1, and any other value counts as 1. */
const BOOL: Table<number, FloatPrimitive | ShiftPrimitive | "mulhi" | "div" | "mod" | "pow"> = {
  ...shared(),
  ...integral(),
  where: where(chooseInt),
  abs: identity(),
  sign: identity(),
  neg: identity(),
  add: operator("|", (a, b) => a | b),
  sub: operator("^", (a, b) => a ^ b),
  mul: operator("&", (a, b) => a & b),
  and: exact(operator("&", (a, b) => a & b)),
  or: exact(operator("|", (a, b) => a | b)),
  xor: exact(operator("^", (a, b) => a ^ b)),
  not: { text: (a) => `(!${a})`, run: (a) => (a ? 0 : 1), condition: true, exact: true },
}

const UINT32: Table<number, FloatPrimitive> = {
  ...integerTable(32, false),
  mulhi: exact(helper("mulhi", numeric.mulhi)),
}

const TABLES = {
  float32: FLOAT32,
  float64: FLOAT,
  // Half types occur only under casts, where they are floats that are already rounded.
  float16: FLOAT,
  bfloat16: FLOAT,
  int8: integerTable(8, true),
  uint8: integerTable(8, false),
  int16: integerTable(16, true),
  int32: integerTable(32, true),
  uint32: UINT32,
  int64: INT64,
  bool: BOOL,
} satisfies Record<ScalarType, unknown> as unknown as Readonly<Record<ScalarType, AnyTable>>

/** The row of a primitive whose (last) operands have a type; undefined where it has no meaning there. */
export const primitiveRow = (op: Primitive, dtype: ScalarType): Row | undefined => TABLES[dtype][op]

/** What brings an exact result into a type: rounding for floats, wrapping for integers. */
interface Wrap {
  readonly text: (x: string) => string
  readonly run: (x: never) => Value
}

const number = (text: Wrap["text"], run: (x: number) => Value): Wrap => ({ text, run: run as Wrap["run"] })

export const WRAP: Readonly<Record<ScalarType, Wrap>> = {
  float64: number(
    (x) => x,
    (x) => x,
  ),
  float32: number((x) => `Math.fround(${x})`, Math.fround),
  float16: number((x) => `$roundFloat16(${x})`, numeric.roundFloat16),
  bfloat16: number((x) => `$roundBfloat16(${x})`, numeric.roundBfloat16),
  int8: number(
    (x) => `(${x} << 24 >> 24)`,
    (x) => (x << 24) >> 24,
  ),
  uint8: number(
    (x) => `(${x} & 255)`,
    (x) => x & 255,
  ),
  int16: number(
    (x) => `(${x} << 16 >> 16)`,
    (x) => (x << 16) >> 16,
  ),
  int32: number(
    (x) => `(${x} | 0)`,
    (x) => x | 0,
  ),
  uint32: number(
    (x) => `(${x} >>> 0)`,
    (x) => x >>> 0,
  ),
  bool: number(
    (x) => `(${x} !== 0 ? 1 : 0)`,
    (x) => (x !== 0 ? 1 : 0),
  ),
  int64: { text: (x) => `BigInt.asIntN(64, ${x})`, run: ((x: bigint) => BigInt.asIntN(64, x)) as Wrap["run"] },
}

const isFloatType = (t: ScalarType): boolean => t !== "uint32" && DTYPES[t].kind === "float"

/** Whether every value of `from` is a value of `to`, so that a cast between two number types does nothing. */
function contains(to: ScalarType, from: ScalarType): boolean {
  if (to === from || from === "bool" || to === "float64") return true
  if (isFloatType(from)) return to === "float32" && from !== "float64"
  if (to === "float32") return from !== "int32" && from !== "uint32"
  if (to === "bool" || isFloatType(to)) return false
  const [a, b] = [rangeOf(from), rangeOf(to)]
  return b[0] <= a[0] && a[1] <= b[1]
}

function rangeOf(t: ScalarType): readonly [number, number] {
  const bits = t === "uint32" ? 32 : DTYPES[t].bytes * 8
  const signed = t !== "uint32" && DTYPES[t].signed
  return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
}

const castRow = (text: (x: string) => string, run: (x: never) => Value): Row => ({
  text: (x) => text(x),
  run: run as unknown as Row["run"],
})

/** Conversion by value: to integers truncating and wrapping, to bool `!= 0` (so that NaN is true). */
export function castConversion(from: ScalarType, to: ScalarType): Row {
  if (from === to) return identity()
  if (from === "int64") {
    if (to === "bool")
      return castRow(
        (x) => `(${x} !== 0n ? 1 : 0)`,
        (x: bigint) => (x !== 0n ? 1 : 0),
      )
    if (to === "float32") return castRow((x) => `$int64ToFloat32(${x})`, numeric.int64ToFloat32)
    if (isFloatType(to))
      return castRow(
        (x) => WRAP[to].text(`Number(${x})`),
        (x: bigint) => WRAP[to].run(Number(x) as never),
      )
    return castRow(
      (x) => WRAP[to].text(`Number(BigInt.asIntN(32, ${x}))`),
      (x: bigint) => WRAP[to].run(Number(BigInt.asIntN(32, x)) as never),
    )
  }
  if (to === "int64")
    return isFloatType(from)
      ? castRow((x) => `$float64ToInt64(${x})`, numeric.float64ToInt64)
      : castRow(
          (x) => `BigInt(${x})`,
          (x: number) => BigInt(x),
        )
  if (contains(to, from)) return identity()
  return castRow(WRAP[to].text, WRAP[to].run)
}

const bits = (name: HelperName, run: (x: never) => Value, wrap = (x: string): string => x): Row =>
  castRow((x) => wrap(`$${name}(${x})`), run)

const BITCASTS: Readonly<Record<string, Row>> = {
  "float32>int32": bits("bitsOfFloat32", numeric.bitsOfFloat32),
  "float32>uint32": bits(
    "bitsOfFloat32",
    (x: number) => numeric.bitsOfFloat32(x) >>> 0,
    (x) => `(${x} >>> 0)`,
  ),
  "int32>float32": bits("float32OfBits", numeric.float32OfBits),
  "uint32>float32": bits("float32OfBits", numeric.float32OfBits),
  "float64>int64": bits("bitsOfFloat64", numeric.bitsOfFloat64),
  "int64>float64": bits("float64OfBits", numeric.float64OfBits),
  "int32>uint32": castRow(WRAP.uint32.text, WRAP.uint32.run),
  "uint32>int32": castRow(WRAP.int32.text, WRAP.int32.run),
}

/** Conversion by bits. */
export function bitcastConversion(from: ScalarType, to: ScalarType): Row {
  const row = from === to ? identity() : BITCASTS[`${from}>${to}`]
  if (!row) throw new TypeError(`cpu: no bitcast from ${from} to ${to}`)
  return row
}
