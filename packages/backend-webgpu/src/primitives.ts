/** The scalar primitives, one row each. */
import type { Expr, Primitive, ScalarType } from "@taeda/core"
import { laneOf } from "./elements.ts"
import type { Writer } from "./writer.ts"

type Row = (a: string, b: string, c: string) => string
type Table = Partial<Readonly<Record<Primitive, Row>>>

const call =
  (name: string): Row =>
  (a) =>
    `${name}(${a})`
const infix =
  (symbol: string): Row =>
  (a, b) =>
    `(${a} ${symbol} ${b})`
const same: Row = (a) => a

const SHARED: Table = {
  eq: infix("=="),
  lt: infix("<"),
  le: infix("<="),
  where: (c, a, b) => `select(${b}, ${a}, ${c})`,
}

const FLOAT: Table = {
  ...SHARED,
  neg: (a) => `(-${a})`,
  abs: call("abs"),
  sign: call("sign"),
  floor: call("floor"),
  ceil: call("ceil"),
  trunc: call("trunc"),
  round: call("round"),
  sqrt: call("sqrt"),
  exp: call("exp"),
  exp2: call("exp2"),
  expm1: (a) => `(exp(${a}) - 1.0f)`,
  log: call("log"),
  log2: call("log2"),
  log10: (a) => `(log(${a}) * 0.4342944819032518f)`,
  log1p: (a) => `log(1.0f + ${a})`,
  sin: call("sin"),
  cos: call("cos"),
  tan: call("tan"),
  asin: call("asin"),
  acos: call("acos"),
  atan: call("atan"),
  sinh: call("sinh"),
  cosh: call("cosh"),
  tanh: call("tanh"),
  sigmoid: (a) => `(1.0f / (1.0f + exp(-${a})))`,
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/"),
  mod: infix("%"),
  pow: (a, b) => `pow(${a}, ${b})`,
  atan2: (a, b) => `atan2(${a}, ${b})`,
  min: (a, b) => `select(${b}, ${a}, ${a} < ${b} || ${a} != ${a})`,
  max: (a, b) => `select(${b}, ${a}, ${a} > ${b} || ${a} != ${a})`,
}

const INT: Table = {
  ...SHARED,
  neg: (a) => `(-${a})`,
  abs: call("abs"),
  sign: call("sign"),
  floor: same,
  ceil: same,
  trunc: same,
  round: same,
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: (a, b) => `select(${a} / ${b}, 0i, ${b} == 0i)`,
  mod: (a, b) => `select(${a} % ${b}, 0i, ${b} == 0i)`,
  min: (a, b) => `min(${a}, ${b})`,
  max: (a, b) => `max(${a}, ${b})`,
  and: infix("&"),
  or: infix("|"),
  xor: infix("^"),
  not: (a) => `(~${a})`,
  shl: (a, b) => `select(0i, ${a} << (u32(${b}) & 31u), ${b} >= 0i && ${b} < 32i)`,
  shr: (a, b) => `(${a} >> select(31u, u32(${b}), ${b} >= 0i && ${b} < 31i))`,
}

const TABLES = {
  f32: FLOAT,
  i32: INT,
  u32: {
    ...INT,
    neg: (a) => `(0u - ${a})`,
    abs: same,
    sign: (a) => `min(${a}, 1u)`,
    div: (a, b) => `select(${a} / ${b}, 0u, ${b} == 0u)`,
    mod: (a, b) => `select(${a} % ${b}, 0u, ${b} == 0u)`,
    shl: (a, b) => `select(0u, ${a} << (${b} & 31u), ${b} < 32u)`,
    shr: (a, b) => `select(0u, ${a} >> (${b} & 31u), ${b} < 32u)`,
  },
  bool: {
    ...SHARED,
    abs: same,
    sign: same,
    neg: same,
    floor: same,
    ceil: same,
    trunc: same,
    round: same,
    add: infix("||"),
    sub: infix("!="),
    mul: infix("&&"),
    and: infix("&&"),
    or: infix("||"),
    xor: infix("!="),
    not: (a) => `(!${a})`,
    min: infix("&&"),
    max: infix("||"),
    lt: (a, b) => `(!${a} && ${b})`,
    le: (a, b) => `(!${a} || ${b})`,
  },
} satisfies Readonly<Record<string, Table>>

const WRAPS: Partial<Readonly<Record<ScalarType, Row>>> = {
  int8: (a) => `extractBits(${a}, 0u, 8u)`,
  int16: (a) => `extractBits(${a}, 0u, 16u)`,
  uint8: (a) => `(${a} & 255i)`,
}
const wrap = (text: string, dtype: ScalarType): string => WRAPS[dtype]?.(text, "", "") ?? text

const COMPARISONS: ReadonlySet<string> = new Set(["eq", "lt", "le"])

function castText(a: string, from: ScalarType, to: ScalarType): string {
  const [x, y] = [laneOf(from), laneOf(to)]
  if (x === y) return wrap(a, to)
  if (y === "bool") return `(${a} != ${x}(0))`
  if (x === "bool" || y === "f32") return `${y}(${a})`
  if (x === "f32") return wrap(y === "i32" ? `i32(${a})` : `bitcast<u32>(i32(${a}))`, to)
  return wrap(`bitcast<${y}>(${a})`, to)
}

/** The text of a primitive's value in terms of its arguments' names. */
export function primitiveText(_w: Writer, node: Expr, [a, b = "", c = ""]: readonly string[]): string {
  const from = node.args[0].dtype
  if (node.op === "cast") return castText(a, from, node.dtype)
  if (node.op === "bitcast") return `bitcast<${laneOf(node.dtype)}>(${a})`
  const type = COMPARISONS.has(node.op) ? from : node.dtype
  const table: Table = TABLES[laneOf(type)]
  const row = table[node.op as Primitive]
  if (!row)
    throw new TypeError(
      `webgpu: the primitive ${node.op} has no meaning on ${node.dtype}; insert a cast to a floating dtype`,
    )
  return wrap(row(a, b, c), node.dtype)
}
