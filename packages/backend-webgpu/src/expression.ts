/** Scalar expressions as statements of WGSL: every node is a `let`, so that shared parts are computed once and nothing is folded. */
import { type Expr, type Primitive, topological } from "@taeda/core"
import { bitcastRow, castRow, literal, primitiveRow, type Row } from "./wgsl-primitives.ts"
import type { Writer } from "./writer.ts"

/** The text of what a leaf reads; a load is given the texts of its coordinates. */
export type ReadLeaf = (node: Expr, coordinates: readonly string[]) => string

const LEAVES: ReadonlySet<string> = new Set(["load", "input", "index", "scalar", "left", "right", "result"])

/** Writes the statements that compute `roots`; the names of their values. */
export function writeExpressions(w: Writer, roots: readonly Expr[], leaf: ReadLeaf): string[] {
  const values = new Map<Expr, string>()
  for (const node of topological(roots)) {
    const args = node.args.map((a) => values.get(a)!)
    const text =
      node.op === "const"
        ? literal(node.value, node.dtype)
        : LEAVES.has(node.op)
          ? leaf(node, args)
          : rowOf(node)(...(node.op === "polygamma" ? [literal(node.args[0].value, node.dtype), args[1]] : args))
    values.set(node, w.let(text, "e"))
  }
  return roots.map((root) => values.get(root)!)
}

function rowOf({ op, dtype, args }: Expr): Row {
  if (op === "cast") return castRow(args[0].dtype, dtype)
  if (op === "bitcast") return bitcastRow(args[0].dtype, dtype)
  return primitiveRow(op as Primitive, args[args.length - 1].dtype)
}
