/** Monoids in shaders: tuples of accumulators are a struct `Acc`, merged by a function `combine`. */
import type { Expr, Monoid } from "@taeda/core"
import { laneOf } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import { literal } from "./wgsl-primitives.ts"
import type { Writer } from "./writer.ts"

/** Declares `struct Acc`, `combine(l: Acc, r: Acc) -> Acc` and `identity() -> Acc`. */
export function declareMonoid(w: Writer, monoid: Monoid): void {
  const fields = monoid.accumulators.map((t, k) => `a${k}: ${laneOf(t)}`)
  w.declare("Acc", `struct Acc { ${fields.join(", ")} }`)
  const leaf = (node: Expr): string => {
    const k = Number(node.value)
    return node.op === "scalar" ? w.scalar(k, node.dtype) : `${node.op === "left" ? "l" : "r"}.a${k}`
  }
  const combined = w.function("fn combine(l: Acc, r: Acc) -> Acc", () => {
    const values = writeExpressions(w, monoid.combine, leaf)
    w.lines.push(`return Acc(${values.join(", ")});`)
  })
  w.declare("combine", combined)
  const identity = w.function("fn identity() -> Acc", () => {
    const values = monoid.identity.map((value, k) => literal(value, monoid.accumulators[k]))
    w.lines.push(`return Acc(${values.join(", ")});`)
  })
  w.declare("identity", identity)
}

/** Writes `lift` of one element; the name of the tuple. */
export function writeLift(
  w: Writer,
  monoid: Monoid,
  leaf: (node: Expr, coordinates: readonly string[]) => string,
): string {
  return w.let(`Acc(${writeExpressions(w, monoid.lift, leaf).join(", ")})`, "t")
}
