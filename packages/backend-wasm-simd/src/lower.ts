/** Scalar expressions as graphs of vector instructions, four elements at a time. */
import type { Expr, Primitive } from "@taeda/core"
import { bitcastValue, convertValue } from "./conversions.ts"
import type { Graph } from "./graph.ts"
import { constantValue, eachPart, LANE_OF, type Lane, selectValue, type Value } from "./lanes.ts"
import { polygamma as polygamma32 } from "./math-f32.ts"
import { polygamma as polygamma64 } from "./math-f64.ts"
import { applyPrimitive } from "./primitives.ts"

/** What a leaf reads; a load is given its coordinates. */
export type ReadLeaf = (node: Expr, coordinates: readonly Value[]) => Value

export interface LowerOptions {
  readonly leaf: ReadLeaf
  /** Compute float32 in doubles: for accumulators, which may be wider than their type. */
  readonly wide?: boolean
}

/** The values of `roots`. */
export function lowerExpressions(g: Graph, roots: readonly Expr[], { leaf, wide = false }: LowerOptions): Value[] {
  const values = new Map<Expr, Value>()
  const laneOf = (dtype: Expr["dtype"]): Lane => (wide && dtype === "float32" ? "f64" : LANE_OF[dtype])
  const compute = (node: Expr): Value => {
    const args = node.args.map(of)
    switch (node.op) {
      case "const":
        return constantValue(g, laneOf(node.dtype), node.value)
      case "load":
      case "input":
      case "index":
      case "scalar":
      case "left":
      case "right":
      case "result":
        return leaf(node, args)
      case "cast":
        return convertValue(g, args[0], node.args[0].dtype, node.dtype, laneOf(node.dtype))
      case "bitcast":
        return bitcastValue(g, args[0], node.args[0].dtype, node.dtype)
      case "where":
        return selectValue(g, args[0].parts[0], args[1], args[2])
      case "polygamma": {
        const order = Number(node.args[0].value)
        const polygamma = args[1].lane === "f64" ? polygamma64 : polygamma32
        return eachPart(args[1], args[1].lane, (x) => polygamma(g, order, x))
      }
      default:
        return power(node, args) ?? applyPrimitive(g, node.op as Primitive, node.args[0].dtype, args)
    }
  }
  /** Small constant exponents are products. */
  const power = (node: Expr, [base]: readonly Value[]): Value | undefined => {
    if (node.op !== "pow" || (base.lane !== "f32" && base.lane !== "f64") || !node.args[1].is(2)) return undefined
    return applyPrimitive(g, "mul", node.dtype, [base, base])
  }
  const of = (node: Expr): Value => {
    let found = values.get(node)
    if (!found) values.set(node, (found = compute(node)))
    return found
  }
  return roots.map(of)
}
