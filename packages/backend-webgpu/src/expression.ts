/** Scalar expressions as statements of WGSL: every node is a `let`, so that shared parts are computed once and nothing is folded. */
import { type Expr, type Scalar, type ScalarType, topological } from "@taeda/core"
import { laneOf } from "./elements.ts"
import { bitsOfFloat32 } from "./launch.ts"
import { primitiveText } from "./primitives.ts"
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
        ? constantText(w, node.value, node.dtype)
        : LEAVES.has(node.op)
          ? leaf(node, args)
          : primitiveText(w, node, args)
    values.set(node, w.let(text, "e"))
  }
  return roots.map((root) => values.get(root)!)
}

/** A constant. Infinity and NaN come from outside: a compiler may take for granted that there are none. */
export function constantText(w: Writer, value: Scalar, dtype: ScalarType): string {
  const lane = laneOf(dtype)
  if (lane === "bool") return value ? "true" : "false"
  if (lane !== "f32") return `${lane}(${lane === "i32" ? Number(value) | 0 : Number(value) >>> 0})`
  const number = Math.fround(Number(value))
  const bits = bitsOfFloat32(number)
  return Number.isFinite(number) ? `bitcast<f32>(${bits}u)` : `bitcast<f32>(${w.opaque(bits)})`
}
