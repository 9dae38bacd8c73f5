/** Monoids in shaders: tuples of accumulators are a struct `Acc`, merged by a function `combine`. */
import type { Expr, Monoid } from "@taeda/core"
import { type Lane, laneOf } from "./elements.ts"
import { type ReadLeaf, writeExpressions } from "./expression.ts"
import { literal } from "./wgsl-primitives.ts"
import type { Writer } from "./writer.ts"

/** What the struct and the functions of a monoid are called, where a shader has several. */
export interface MonoidNames {
  readonly Acc: string
  readonly combine: string
  readonly identity: string
}

export const ONLY: MonoidNames = { Acc: "Acc", combine: "combine", identity: "identity" }

/** Declares `struct Acc`, `combine(l: Acc, r: Acc) -> Acc` and `identity() -> Acc`. */
export function declareMonoid(w: Writer, monoid: Monoid, { Acc, combine, identity }: MonoidNames = ONLY): void {
  const fields = Object.entries(tupleFields(monoid)).map(([name, lane]) => `${name}: ${lane}`)
  w.declare(Acc, `struct ${Acc} { ${fields.join(", ")} }`)
  const leaf = (node: Expr): string => {
    const k = Number(node.value)
    return node.op === "scalar" ? w.scalar(k, node.dtype) : `${node.op === "left" ? "l" : "r"}.a${k}`
  }
  const combined = w.function(`fn ${combine}(l: ${Acc}, r: ${Acc}) -> ${Acc}`, () => {
    const values = writeExpressions(w, monoid.combine, leaf)
    w.lines.push(`return ${Acc}(${values.join(", ")});`)
  })
  w.declare(combine, combined)
  const nothing = w.function(`fn ${identity}() -> ${Acc}`, () => {
    const values = monoid.identity.map((value, k) => literal(value, monoid.accumulators[k]))
    w.lines.push(`return ${Acc}(${values.join(", ")});`)
  })
  w.declare(identity, nothing)
}

/** The fields of a tuple's struct. */
export const tupleFields = ({ accumulators }: Monoid): Readonly<Record<string, Lane>> =>
  Object.fromEntries(accumulators.map((dtype, k) => [`a${k}`, laneOf(dtype)]))

/** Elements that are combined one after the other before their tuple joins the others, which keeps rounding errors small. */
const CHUNK = 32

/**
 * The statements that combine into a new variable `total` the tuples of the elements from `begin` to before `end`, `step` apart;
 * `lift` writes those of one, whose number is `r`, and gives the tuple.
 */
export function writeTotal(
  w: Writer,
  total: string,
  [begin, end, step]: readonly [begin: string, end: string, step: string],
  lift: () => string,
  { combine, identity }: MonoidNames = ONLY,
): void {
  w.lines.push(`var ${total} = ${identity}();`, "{", `var r = ${begin};`)
  w.lines.push(`while (r < ${end}) {`, `var part = ${identity}();`)
  w.lines.push(`let stop = min(${end}, r + ${CHUNK}u * ${step});`, `for (; r < stop; r += ${step}) {`)
  w.lines.push(`part = ${combine}(part, ${lift()});`)
  w.lines.push("}", `${total} = ${combine}(${total}, part);`, "}", "}")
}

/** The bits of a tuple's accumulators, for memory. */
export const tupleBits = ({ accumulators }: Monoid, tuple: string): string[] =>
  accumulators.map((dtype, k) =>
    laneOf(dtype) === "bool" ? `select(0u, 1u, ${tuple}.a${k})` : `bitcast<u32>(${tuple}.a${k})`,
  )

/** Writes `lift` of one element; the name of the tuple. */
export function writeLift(
  w: Writer,
  monoid: Monoid,
  leaf: ReadLeaf,
  { Acc }: MonoidNames = ONLY,
  known?: ReadonlyMap<Expr, string>,
): string {
  return w.let(`${Acc}(${writeExpressions(w, monoid.lift, leaf, new Map(known)).join(", ")})`, "t")
}
