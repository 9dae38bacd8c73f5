/** What generated code and closures agree on about an expression: which row computes a node, and which is evaluated once. */
import { type Expr, type Primitive, type ScalarType, topological } from "@taeda/core"
import { bitcastConversion, castConversion, primitiveRow, type Row, type Value, WRAP } from "./primitives.ts"

/** How a node is computed from its arguments: a row, and the type that its exact result is rounded or wrapped to. */
export interface Step {
  readonly row: Row
  /** Undefined where the row's result needs no rounding. */
  readonly wrap: ScalarType | undefined
}

const COMPARISONS: ReadonlySet<string> = new Set(["eq", "lt", "le"])

/** `wide` computes float32 in doubles and rounds nowhere: for accumulators, which may be wider than their type. */
export function stepOf(node: Expr, wide: boolean): Step {
  const widen = (t: ScalarType): ScalarType => (wide && t === "float32" ? "float64" : t)
  const to = widen(node.dtype)
  if (node.op === "cast") return { row: castConversion(widen(node.args[0].dtype), to), wrap: undefined }
  // The bits of a float32 are those of the rounded value, even inside wide arithmetic.
  if (node.op === "bitcast") return { row: bitcastConversion(node.args[0].dtype, node.dtype), wrap: undefined }
  const row = primitiveRow(node.op as Primitive, COMPARISONS.has(node.op) ? node.args[0].dtype : to)
  if (!row)
    throw new TypeError(
      `cpu: the primitive ${node.op} has no meaning on ${node.dtype}; insert a cast to a floating dtype`,
    )
  return { row, wrap: row.exact || to === "float64" ? undefined : to }
}

export const isLeaf = (node: Expr): boolean => node.args.length === 0

/** The value of a constant node as its type holds it. */
export function constantValue(value: Expr["value"], dtype: ScalarType): Value {
  return dtype === "int64" ? BigInt.asIntN(64, BigInt(value)) : WRAP[dtype].run(Number(value) as never)
}

/** The nodes of `roots` in order of evaluation, and those that are evaluated once and kept: used twice, or a load. */
export function planExpressions(roots: readonly Expr[]): { order: Expr[]; kept: ReadonlySet<Expr> } {
  const order = topological(roots)
  const uses = new Map<Expr, number>()
  for (const node of [...order.flatMap((n) => n.args), ...roots]) uses.set(node, (uses.get(node) ?? 0) + 1)
  return { order, kept: new Set(order.filter((n) => n.op === "load" || uses.get(n)! > 1)) }
}

export const isHalf = (dtype: ScalarType): dtype is "float16" | "bfloat16" =>
  dtype === "float16" || dtype === "bfloat16"

/**
 * The expression whose value is encoded into a half output: storing rounds, so a cast to the half type does nothing more,
 * except that a BigInt must become a number.
 */
export const storedExpression = (body: Expr): Expr =>
  isHalf(body.dtype) && body.op === "cast" && body.args[0].dtype !== "int64" ? body.args[0] : body
