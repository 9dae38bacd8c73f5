/** Scalar expressions as instructions: every node is computed once. */
import { type Expr, type Primitive, topological } from "@taeda/core"
import { LANE_OF } from "./elements.ts"
import { bitcastRow, castRow, digammaRow, primitiveRow } from "./primitives.ts"
import { literal } from "./ptx-text.ts"
import type { Writer } from "./writer.ts"

/** The register of what a leaf reads; a load is given the registers of its coordinates. */
export type ReadLeaf = (node: Expr, coordinates: readonly string[]) => string

const LEAVES: ReadonlySet<string> = new Set(["load", "input", "index", "scalar", "left", "right", "result"])

/** Writes the instructions that compute `roots`; the registers of their values. `values`: those known before, to which all are added. */
export function writeExpressions(
  w: Writer,
  roots: readonly Expr[],
  leaf: ReadLeaf,
  values = new Map<Expr, string>(),
): string[] {
  for (const node of topological(roots)) {
    if (values.has(node)) continue
    const args = node.args.map((a) => values.get(a)!)
    values.set(
      node,
      node.op === "const" ? constant(w, node) : LEAVES.has(node.op) ? leaf(node, args) : primitive(w, node, args),
    )
  }
  return roots.map((root) => values.get(root)!)
}

function constant(w: Writer, { value, dtype }: Expr): string {
  const lane = LANE_OF[dtype]
  return lane === "pred" ? w.truth(Boolean(value)) : w.op(`mov.${lane}`, literal(value, dtype))
}

function primitive(w: Writer, { op, dtype, args }: Expr, values: readonly string[]): string {
  if (op === "cast") return castRow(args[0].dtype, dtype)(w, ...values)
  if (op === "bitcast") return bitcastRow(args[0].dtype, dtype)(w, ...values)
  if (op === "polygamma" && args[0].is(0)) return digammaRow(dtype === "float64" ? "f64" : "f32")(w, values[1])
  return primitiveRow(op as Primitive, args[args.length - 1].dtype)(w, ...values)
}
