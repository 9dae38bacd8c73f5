/** Maps and scatters to JavaScript source: both visit every point of the iteration space. */
import { type Expr, type MapKernel, type Primitive, type ScatterKernel, topological } from "@taeda/core"
import { type LeafText, locateExpressions, Scope } from "./emit-expression.ts"
import { decoded, type Emitter, encoded, isName, loopHead, loopOf, type Place, pointer, range } from "./emitter.ts"
import { isHalf, storedExpression } from "./expression-plan.ts"
import { primitiveRow, WRAP } from "./primitives.ts"

/**
 * The loops over the iteration space around `body`, which is given the values of `roots` at a point and how an output is
 * addressed there; level d + 1 is inside of the loop over dim d. Where nothing is left to do in the innermost loops they
 * are not there. `atZero` assumes rank 1 and that all that follows the iteration is contiguous from the start.
 */
function emitNest(
  e: Emitter,
  rank: number,
  roots: readonly Expr[],
  outputs: readonly number[],
  body: (values: readonly LeafText[], at: (k: number) => string, scope: Scope) => readonly string[],
  atZero = false,
): string[] {
  const inner = rank - 1
  const moving = [...e.moving, ...outputs]
  const accessOf = (k: number): string =>
    k < e.inputs.length ? e.inputs[k].access : e.outputs[k - e.inputs.length].access
  const strided = rank > 0 ? moving.filter((k) => accessOf(k) === "strided") : []
  const at = (k: number): string => {
    if (rank === 0 || accessOf(k) === "broadcast") return pointer(k, inner - 1)
    if (atZero) return `i${inner}`
    return accessOf(k) === "unit" ? `${pointer(k, inner - 1)} + i${inner}` : `q${k}`
  }
  const scope = new Scope(Math.max(rank, 1) + 1, e.fresh)
  const leaf = (node: Expr, coordinates: readonly LeafText[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return e.load(node, coordinates, scope)
    if (node.op === "scalar") return e.scalar(node)
    if (node.op === "index") return { text: `i${k}`, level: k + 1, simple: true }
    const level = rank > 0 && e.inputs[k].access === "broadcast" ? inner : scope.innermost
    return { text: e.element(k, at(k)), level, simple: false }
  }
  const inside = body(locateExpressions(roots, scope, { leaf }), at, scope)
  const depth = inside.length ? rank : Math.min(rank, Math.max(0, scope.deepest))
  const lines = [...e.strides(moving, range(inner)), ...e.strides(strided, [inner]), ...scope.take(0)]
  for (const d of range(Math.min(inner, depth)))
    lines.push(
      loopHead(d, moving, (k) => pointer(k, d - 1)),
      ...scope.take(d + 1),
    )
  if (depth === rank) {
    if (strided.length) lines.push(`let ${strided.map((k) => `q${k} = ${pointer(k, inner - 1)}`).join(", ")}`)
    if (rank > 0) lines.push(`for (let i${inner} = 0; i${inner} < n${inner}; i${inner}++) {`)
    lines.push(...scope.take(scope.innermost), ...inside, ...strided.map((k) => `q${k} += s${k}_${inner}`))
  }
  lines.push(...range(depth).map(() => "}"))
  return lines
}

const block = (lines: readonly string[]): string[] => ["{", ...lines, "}"]

/** The loads that report coordinates out of bounds. */
export const faultLoads = (roots: readonly Expr[]): Expr[] =>
  topological(roots).filter((n) => n.op === "load" && n.bounds === "fault")

export function emitMap(kernel: MapKernel, e: Emitter): string[] {
  const outputs = kernel.outputs.map((_, j) => e.inputs.length + j)
  const stored = kernel.body.map((body, j) => (isHalf(kernel.outputs[j].dtype) ? storedExpression(body) : body))
  const lines = e.prologue(kernel.rank, kernel.rank)
  // In place, a fault half-way would leave a changed tensor behind, so faults are looked for first.
  const faults = kernel.outputs.some((o) => o.aliases !== undefined) ? faultLoads(kernel.body) : []
  if (faults.length) lines.push(...block(emitNest(e, kernel.rank, faults, [], () => [])))
  const main = (atZero: boolean): string[] =>
    emitNest(
      e,
      kernel.rank,
      stored,
      outputs,
      (values, at, scope) => {
        // All values come before the first store: an output may be an input in place.
        const texts = values.map(({ text }) => text)
        const ready = texts.length > 1 ? texts.map((v) => (isName(v) ? v : scope.declare(scope.innermost, v))) : texts
        return ready.map((v, j) => e.store(j, at(outputs[j]), v))
      },
      atZero,
    )
  const units = [...e.moving.filter((k) => kernel.inputs[k].access !== "broadcast"), ...outputs]
  const contiguous = units.every((k) => (kernel.inputs[k] ?? kernel.outputs[k - e.inputs.length]).access === "unit")
  if (kernel.rank !== 1 || !contiguous) return [...lines, ...main(false)]
  // The usual case without offsets runs a third faster when one index serves all arrays.
  const fromStart = units.map((k) => `o${k} === 0`).join(" && ")
  return [...lines, `if (${fromStart}) {`, ...main(true), "} else {", ...main(false), "}"]
}

/** The value that a scatter leaves in an element that holds `current`. */
function combined(kernel: ScatterKernel, current: string, value: string): string {
  if (kernel.combine === "set") return value
  const dtype = isHalf(kernel.dtype) ? "float32" : kernel.dtype
  const row = primitiveRow(kernel.combine as Primitive, dtype)!
  const exact = row.text(current, value)
  return row.exact ? exact : WRAP[dtype].text(exact)
}

export function emitScatter(kernel: ScatterKernel, e: Emitter): string[] {
  const target = e.inputs.length
  const dims = range(kernel.targetRank)
  const value = isHalf(kernel.dtype) ? storedExpression(kernel.value) : kernel.value
  /** The coordinates among the values, under names. */
  const placesOf = (values: readonly LeafText[], scope: Scope): Place[] =>
    dims.map((d) => {
      const { text, level } = values[d]
      const name = values[d].simple || isName(text) ? text : scope.declare(level, text)
      return { text: name, level, simple: true, loop: loopOf(kernel.coordinates[d]) }
    })
  const lines = e.prologue(kernel.rank, kernel.rank)
  const faults = faultLoads([value, ...kernel.coordinates])
  // Nothing is written unless everything is in bounds.
  if (kernel.bounds === "fault" || faults.length)
    lines.push(
      ...block(
        emitNest(e, kernel.rank, [...kernel.coordinates, ...faults], [], (values, _at, scope) => {
          if (kernel.bounds === "fault") e.checks(target, placesOf(values, scope), scope)
          return []
        }),
      ),
    )
  const main = emitNest(e, kernel.rank, [...kernel.coordinates, value], [], (values, _at, scope) => {
    const places = placesOf(values, scope)
    const inside = kernel.bounds === "fault" ? "" : e.inside(target, places, scope)
    const { text } = values[dims.length]
    const store = [
      `const at = ${e.address(target, places, scope)}`,
      ...(kernel.combine === "set"
        ? []
        : [`const old = ${decoded(kernel.dtype, `a${target}[at]`)}`, `const add = ${text}`]),
      `a${target}[at] = ${encoded(kernel.dtype, combined(kernel, "old", kernel.combine === "set" ? text : "add"))}`,
    ]
    return inside ? [`if (${inside}) {`, ...store, "}"] : store
  })
  return [...lines, ...main]
}
