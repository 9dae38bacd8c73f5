/** Scalar expressions as statements of WGSL: every node is a `let`, so that shared parts are computed once and nothing is folded. */
import { type Expr, type Primitive, topological } from "@taeda/core"
import { laneOf } from "./elements.ts"
import { bitcastRow, castRow, literal, primitiveRow, type Row } from "./wgsl-primitives.ts"
import type { Writer } from "./writer.ts"

/** The text of what a leaf reads; a load is given the texts of its coordinates. */
export type ReadLeaf = (node: Expr, coordinates: readonly string[]) => string

const LEAVES: ReadonlySet<string> = new Set(["load", "input", "index", "scalar", "left", "right", "result"])

/** Writes the statements that compute `roots`; the names of their values. `values`: those known before, to which all are added. */
export function writeExpressions(
  w: Writer,
  roots: readonly Expr[],
  leaf: ReadLeaf,
  values = new Map<Expr, string>(),
): string[] {
  for (const node of topological(roots)) {
    if (values.has(node)) continue
    const args = node.args.map((a) => values.get(a)!)
    const text =
      node.op === "const"
        ? literal(node.value, node.dtype)
        : LEAVES.has(node.op)
          ? leaf(node, args)
          : rowOf(node)(...(ARGUMENTS[node.op]?.(node, args) ?? args))
    values.set(node, w.let(text, "e"))
  }
  return roots.map((root) => values.get(root)!)
}

function rowOf({ op, dtype, args }: Expr): Row {
  if (op === "cast") return castRow(args[0].dtype, dtype)
  if (op === "bitcast") return bitcastRow(args[0].dtype, dtype)
  return primitiveRow(op as Primitive, args[args.length - 1].dtype)
}

/** Arguments that are not handed on as they are. */
const ARGUMENTS: Readonly<Partial<Record<Expr["op"], (node: Expr, args: readonly string[]) => readonly string[]>>> = {
  // The order is a constant, which shortens the function.
  polygamma: ({ args: [order], dtype }, [, x]) => [literal(order.value, dtype), x],
  // Compilers take x·0 for 0, which it is not for NaN, infinities and negative numbers: they must not see such a zero.
  mul: ({ args }, texts) =>
    laneOf(args[0].dtype) === "f32"
      ? texts.map((text, k) => (args[k].isConst && Number(args[k].value) === 0 ? `f_opaque(${text})` : text))
      : texts,
}
