/**
 * Scalar expressions: the language in which an operation is written once.
 *
 * A formula such as `x => x.mul(0.5).mul(x.mul(SQRT1_2).erf().add(1))` builds a graph of `Expr` nodes. Backends translate
 * the nodes (one table row per primitive), `differentiate` turns them into the formula of the gradient. Nodes are
 * interned: the same expression is the same object, so equality is `===` and shared parts are computed once.
 *
 * Both operands of an arithmetic node have one type; comparisons give bool; `cast` is the only conversion. float16 and
 * bfloat16 never occur in arithmetic: an op casts them to float32 and back, so it rounds once, as PyTorch does.
 */
import { DTYPES, type ScalarType } from "./dtype.ts"

/** The scalar operations that a backend translates, with their number of arguments. */
export const PRIMITIVES = {
  neg: 1,
  abs: 1,
  sign: 1,
  floor: 1,
  ceil: 1,
  trunc: 1,
  /** To the nearest, ties to even. */
  round: 1,
  sqrt: 1,
  exp: 1,
  exp2: 1,
  expm1: 1,
  log: 1,
  log2: 1,
  log10: 1,
  log1p: 1,
  sin: 1,
  cos: 1,
  tan: 1,
  asin: 1,
  acos: 1,
  atan: 1,
  sinh: 1,
  cosh: 1,
  tanh: 1,
  sigmoid: 1,
  erf: 1,
  erfc: 1,
  erfinv: 1,
  lgamma: 1,
  /** polygamma(n, x), n a constant expression of x's type: the (n+1)-th derivative of lgamma; digamma is n = 0. */
  polygamma: 2,
  add: 2,
  sub: 2,
  mul: 2,
  /** On floats IEEE division; on integers truncating division (by zero: 0). */
  div: 2,
  /** The remainder of truncating division, with the sign of the dividend (C's fmod; on integers by zero: 0). */
  mod: 2,
  pow: 2,
  atan2: 2,
  /** The smaller, NaN if either is. */
  min: 2,
  /** The larger, NaN if either is. */
  max: 2,
  eq: 2,
  lt: 2,
  le: 2,
  /** Bitwise on integers, logical on bool. */
  and: 2,
  or: 2,
  xor: 2,
  not: 1,
  shl: 2,
  /** Arithmetic on signed integers, logical on unsigned ones. */
  shr: 2,
  /** The high 32 bits of the 64-bit product of two uint32. */
  mulhi: 2,
  where: 3,
  /** Converts the value: float to integer truncates and wraps, anything to bool is `!= 0`. */
  cast: 1,
  /** Keeps the bits: float32 ↔ int32/uint32, float64 ↔ int64. */
  bitcast: 1,
} as const

export type Primitive = keyof typeof PRIMITIVES

/** The primitives that have a meaning on floats only. */
export type FloatPrimitive =
  | "sqrt"
  | "exp"
  | "exp2"
  | "expm1"
  | "log"
  | "log2"
  | "log10"
  | "log1p"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "erfc"
  | "erfinv"
  | "lgamma"
  | "polygamma"
  | "atan2"
/** On integers and bool. */
export type BitwisePrimitive = "and" | "or" | "xor" | "not"
/** On integers. */
export type ShiftPrimitive = "shl" | "shr"

/**
 * What an expression reads. `input`: the element of operand k at this iteration. `load`: the element of operand k at the
 * coordinates given as arguments. `index`: the coordinate of this iteration along dim k. `scalar`: launch argument k.
 * `left`, `right`: accumulator k of the two halves being combined. `result`: accumulator k when all is combined.
 */
export type Leaf = "const" | "input" | "load" | "index" | "scalar" | "left" | "right" | "result"

/**
 * How a load treats coordinates outside the operand. Either way nothing out of bounds is touched and the value is 0;
 * `fault` also reports it, as an index error of the op.
 */
export type Bounds = "zero" | "fault"

export type Scalar = number | bigint | boolean
export type Num = Expr | number

const interned = new Map<string, Expr>()

// biome-ignore format: a line per primitive reads as the table that it is
export class Expr {
  readonly op: Primitive | Leaf
  readonly dtype: ScalarType
  readonly args: readonly Expr[]
  /** const: the value. input, load, index, scalar, left, right, result: the number k. */
  readonly value: Scalar
  /** load only. */
  readonly bounds: Bounds | undefined
  /** Unique per distinct expression in this process, for cache keys. */
  readonly id: number

  private constructor(
    op: Primitive | Leaf,
    dtype: ScalarType,
    args: readonly Expr[],
    value: Scalar,
    bounds: Bounds | undefined,
    id: number,
  ) {
    this.op = op
    this.dtype = dtype
    this.args = args
    this.value = value
    this.bounds = bounds
    this.id = id
  }

  /** The one node for these parts. */
  static make(op: Primitive | Leaf, dtype: ScalarType, args: readonly Expr[], value: Scalar = 0, bounds?: Bounds): Expr {
    const key = `${op}:${dtype}:${Object.is(value, -0) ? "-0" : value}:${bounds}:${args.map((a) => a.id)}`
    let node = interned.get(key)
    if (!node) interned.set(key, (node = new Expr(op, dtype, args, value, bounds, interned.size)))
    return node
  }

  get isConst(): boolean {
    return this.op === "const"
  }

  is(value: number): boolean {
    return this.op === "const" && Number(this.value) === value && !(value === 0 && Object.is(this.value, -0))
  }

  neg(): Expr {
    const masked = maskedValue(this)
    return masked ? masked.when(masked.value.neg(), constant(0, this.dtype)) : unary("neg", this)
  }
  abs(): Expr { return unary("abs", this) }
  sign(): Expr { return unary("sign", this) }
  floor(): Expr { return unary("floor", this) }
  ceil(): Expr { return unary("ceil", this) }
  trunc(): Expr { return unary("trunc", this) }
  round(): Expr { return unary("round", this) }
  sqrt(): Expr { return unary("sqrt", this) }
  exp(): Expr { return unary("exp", this) }
  exp2(): Expr { return unary("exp2", this) }
  expm1(): Expr { return unary("expm1", this) }
  log(): Expr { return unary("log", this) }
  log2(): Expr { return unary("log2", this) }
  log10(): Expr { return unary("log10", this) }
  log1p(): Expr { return unary("log1p", this) }
  sin(): Expr { return unary("sin", this) }
  cos(): Expr { return unary("cos", this) }
  tan(): Expr { return unary("tan", this) }
  asin(): Expr { return unary("asin", this) }
  acos(): Expr { return unary("acos", this) }
  atan(): Expr { return unary("atan", this) }
  sinh(): Expr { return unary("sinh", this) }
  cosh(): Expr { return unary("cosh", this) }
  tanh(): Expr { return unary("tanh", this) }
  sigmoid(): Expr { return unary("sigmoid", this) }
  erf(): Expr { return unary("erf", this) }
  erfc(): Expr { return unary("erfc", this) }
  erfinv(): Expr { return unary("erfinv", this) }
  lgamma(): Expr { return unary("lgamma", this) }
  polygamma(n: number): Expr { return Expr.make("polygamma", this.dtype, [constant(n, this.dtype), this]) }
  add(b: Num): Expr { return binary("add", this, b) }
  sub(b: Num): Expr { return binary("sub", this, b) }
  mul(b: Num): Expr { return multiply(this, lift(b, this.dtype)) }
  div(b: Num): Expr { return divide(this, lift(b, this.dtype)) }
  mod(b: Num): Expr { return binary("mod", this, b) }
  pow(b: Num): Expr { return binary("pow", this, b) }
  atan2(b: Num): Expr { return binary("atan2", this, b) }
  min(b: Num): Expr { return binary("min", this, b) }
  max(b: Num): Expr { return binary("max", this, b) }
  eq(b: Num): Expr { return compare("eq", this, b) }
  ne(b: Num): Expr { return this.eq(b).not() }
  lt(b: Num): Expr { return compare("lt", this, b) }
  le(b: Num): Expr { return compare("le", this, b) }
  gt(b: Num): Expr { return compare("lt", lift(b, this.dtype), this) }
  ge(b: Num): Expr { return compare("le", lift(b, this.dtype), this) }
  and(b: Num): Expr { return binary("and", this, b) }
  or(b: Num): Expr { return binary("or", this, b) }
  xor(b: Num): Expr { return binary("xor", this, b) }
  not(): Expr { return this.op === "not" ? this.args[0]! : unary("not", this) }
  shl(b: Num): Expr { return binary("shl", this, b) }
  shr(b: Num): Expr { return binary("shr", this, b) }
  mulhi(b: Num): Expr { return binary("mulhi", this, b) }
  isnan(): Expr { return this.eq(this).not() }
  square(): Expr { return this.mul(this) }
  reciprocal(): Expr { return lift(1, this.dtype).div(this) }
  cast(dtype: ScalarType): Expr {
    if (dtype === this.dtype) return this
    if (this.op === "const" && typeof this.value !== "bigint" && (dtype === "bool" || isFloatType(dtype)))
      return constant(Number(this.value), dtype)
    return Expr.make("cast", dtype, [this])
  }
  bitcast(dtype: ScalarType): Expr { return dtype === this.dtype ? this : Expr.make("bitcast", dtype, [this]) }
}

const isFloatType = (dtype: ScalarType): boolean => dtype !== "uint32" && DTYPES[dtype].kind === "float"

/** A constant of a type; a bool constant is 0 or 1, an int64 one a bigint. */
export function constant(value: Scalar, dtype: ScalarType): Expr {
  if (dtype === "bool") return Expr.make("const", dtype, [], value ? 1 : 0)
  if (dtype === "int64") return Expr.make("const", dtype, [], BigInt(value))
  if (dtype === "float32") return Expr.make("const", dtype, [], Math.fround(Number(value)))
  return Expr.make("const", dtype, [], isFloatType(dtype) ? Number(value) : Math.trunc(Number(value)))
}

export const input = (k: number, dtype: ScalarType): Expr => Expr.make("input", dtype, [], k)
export const scalar = (k: number, dtype: ScalarType): Expr => Expr.make("scalar", dtype, [], k)
/** The coordinate along dim k of the iteration space, int32. */
export const index = (k: number): Expr => Expr.make("index", "int32", [], k)
/** Operand k at the int32 coordinates given, one per dim of that operand. */
export const load = (k: number, dtype: ScalarType, coordinates: readonly Expr[], bounds: Bounds): Expr =>
  Expr.make("load", dtype, coordinates, k, bounds)
export const left = (k: number, dtype: ScalarType): Expr => Expr.make("left", dtype, [], k)
export const right = (k: number, dtype: ScalarType): Expr => Expr.make("right", dtype, [], k)
export const result = (k: number, dtype: ScalarType): Expr => Expr.make("result", dtype, [], k)

/** `a` where `condition`, else `b`; both are evaluated as if they had no effects. */
export function where(condition: Expr, a: Num, b: Num): Expr {
  const dtype = a instanceof Expr ? a.dtype : b instanceof Expr ? b.dtype : "float32"
  const x = lift(a, dtype)
  const y = lift(b, dtype)
  check("where", condition.dtype === "bool" && x.dtype === y.dtype, [condition, x, y])
  if (x === y) return x
  if (condition.op === "const") return condition.value ? x : y
  return Expr.make("where", dtype, [condition, x, y])
}

const lift = (value: Num, dtype: ScalarType): Expr => (value instanceof Expr ? value : constant(value, dtype))

function check(op: string, ok: boolean, args: readonly Expr[]): void {
  if (!ok)
    throw new TypeError(`expression ${op}: types do not fit (${args.map((a) => a.dtype).join(", ")}); insert a cast`)
}

const unary = (op: Primitive, a: Expr): Expr => Expr.make(op, a.dtype, [a])

function binary(op: Primitive, a: Expr, b: Num): Expr {
  const y = lift(b, a.dtype)
  check(op, a.dtype === y.dtype, [a, y])
  return Expr.make(op, a.dtype, [a, y])
}

function compare(op: "eq" | "lt" | "le", a: Expr, b: Num): Expr {
  const y = lift(b, a.dtype)
  check(op, a.dtype === y.dtype, [a, y])
  return Expr.make(op, "bool", [a, y])
}

/** The condition and value of `where(p, a, 0)` or, negated, of `where(p, 0, a)`. */
const maskedValue = (e: Expr): { when: (value: Expr, zero: Expr) => Expr; value: Expr } | undefined => {
  if (e.op !== "where") return undefined
  const [p, a, b] = e.args as [Expr, Expr, Expr]
  if (b.is(0)) return { when: (value, zero) => where(p, value, zero), value: a }
  if (a.is(0)) return { when: (value, zero) => where(p, zero, value), value: b }
  return undefined
}

/**
 * Multiplication with what derivatives need: by one is nothing, and a masked zero stays zero whatever it is multiplied
 * with (`where(x > 0, g, 0)·e` at an infinite `e` would otherwise be NaN where PyTorch has 0).
 */
function multiply(a: Expr, b: Expr): Expr {
  check("mul", a.dtype === b.dtype, [a, b])
  if (b.is(1)) return a
  if (a.is(1)) return b
  const zero = constant(0, a.dtype)
  const x = maskedValue(a)
  if (x) return x.when(multiply(x.value, b), zero)
  const y = maskedValue(b)
  if (y) return y.when(multiply(a, y.value), zero)
  return Expr.make("mul", a.dtype, [a, b])
}

function divide(a: Expr, b: Expr): Expr {
  check("div", a.dtype === b.dtype, [a, b])
  if (b.is(1)) return a
  const x = maskedValue(a)
  return x ? x.when(divide(x.value, b), constant(0, a.dtype)) : Expr.make("div", a.dtype, [a, b])
}

/** The nodes reachable from `roots`, each after everything it uses. */
export function topological(roots: readonly Expr[]): Expr[] {
  const seen = new Set<Expr>()
  const order: Expr[] = []
  const stack: [Expr, number][] = roots.map((r): [Expr, number] => [r, 0]).reverse()
  while (stack.length) {
    const top = stack[stack.length - 1]!
    const [node, next] = top
    if (next === 0 && seen.has(node)) {
      stack.pop()
      continue
    }
    seen.add(node)
    if (next < node.args.length) {
      top[1]++
      const child = node.args[next]!
      if (!seen.has(child)) stack.push([child, 0])
    } else {
      stack.pop()
      order.push(node)
    }
  }
  return order
}

/** `root` with every node for which `replace` gives another expression replaced by it. */
export function substitute(roots: readonly Expr[], replace: (node: Expr) => Expr | undefined): Expr[] {
  const done = new Map<Expr, Expr>()
  for (const node of substitutionOrder(roots, replace)) {
    const by = replace(node)
    done.set(
      node,
      by ??
        rebuild(
          node,
          node.args.map((a) => done.get(a)!),
        ),
    )
  }
  return roots.map((r) => done.get(r)!)
}

/** Like `topological`, but not looking inside what will be replaced. */
function substitutionOrder(roots: readonly Expr[], replace: (node: Expr) => Expr | undefined): Expr[] {
  const needed = new Set<Expr>()
  const stack = [...roots]
  while (stack.length) {
    const node = stack.pop()!
    if (needed.has(node)) continue
    needed.add(node)
    if (!replace(node)) stack.push(...node.args)
  }
  return topological(roots).filter((n) => needed.has(n))
}

function rebuild(node: Expr, args: readonly Expr[]): Expr {
  if (args.every((a, i) => a === node.args[i])) return node
  if (node.op === "where") return where(args[0]!, args[1]!, args[2]!)
  return Expr.make(node.op, node.dtype, args, node.value, node.bounds)
}
