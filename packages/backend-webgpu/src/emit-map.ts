/** Maps: an invocation computes one element, or all the elements of one word where the outputs' elements share words. */
import type { MapKernel } from "@taeda/core"
import { perWord } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import { countOf, isDense, type Launch } from "./launch.ts"
import { bindInputs, leafReader, WORKGROUP, writeCoordinates } from "./loops.ts"
import { NOTHING, type Planner } from "./planner.ts"
import { addressOf, bindOutput, storedBits, type View, writeElement } from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

/** Elements that an invocation of the shader by words computes: those of a word of the outputs. 1: nothing is gained by it. */
export function elementsTogether({ outputs }: MapKernel): number {
  const counts = outputs.map(({ dtype }) => perWord(dtype))
  return counts.every((count) => count === counts[0]) ? counts[0] : 1
}

/** `together`: 1, or `elementsTogether`. */
export function emitMap(kernel: MapKernel, together: number): Emitted {
  const w = new Writer()
  const first = kernel.inputs.length
  const outputs = kernel.outputs.map(({ dtype }, j) => bindOutput(w, first + j, dtype, together > 1))
  const same = new Map<number, View>()
  for (const [j, { aliases }] of kernel.outputs.entries()) if (aliases !== undefined) same.set(aliases, outputs[j])
  const inputs = bindInputs(w, kernel.inputs, same)
  const total = w.number("total", ({ sizes }) => countOf(sizes))
  const unit = w.let(`group * ${WORKGROUP}u + lane`, "u")
  /** The values of the outputs at a point; its coordinates. */
  const compute = (linear: string): { coordinates: string[]; values: string[] } => {
    const coordinates = writeCoordinates(w, linear, 0, kernel.rank)
    return { coordinates, values: writeExpressions(w, kernel.body, leafReader(w, kernel.inputs, inputs, coordinates)) }
  }
  if (together === 1) {
    w.lines.push(`if (${unit} >= ${total}) { return; }`)
    const { coordinates, values } = compute(unit)
    for (const [j, view] of outputs.entries()) {
      const address = addressOf(w, view.operand, coordinates, kernel.outputs[j].access)
      writeElement(w, view, address, values[j])
    }
    return w.finish(WORKGROUP)
  }
  const begin = w.let(`${unit} * ${together}u`, "u")
  w.lines.push(`if (${begin} >= ${total}) { return; }`)
  const end = w.let(`min(${begin} + ${together}u, ${total})`, "u")
  const names = outputs.map((_, j) => `e${j}: u32`)
  w.declare("Elements", `struct Elements { ${names.join(", ")} }`)
  const element = w.function("fn element(at: u32) -> Elements", () => {
    const { values } = compute("at")
    w.lines.push(`return Elements(${outputs.map(({ dtype }, j) => storedBits(dtype, values[j])).join(", ")});`)
  })
  w.declare("element", element)
  const bits = 32 / together
  const words = outputs.map(() => w.name("w"))
  for (const word of words) w.lines.push(`var ${word} = 0u;`)
  // Written out: in a loop, the software GPU's compiler takes exponential time for chains of choices (Euclid's algorithm).
  for (let k = 0; k < together; k++) {
    const at = `${begin} + ${k}u`
    const call = w.name("t")
    w.lines.push(`if (${at} < ${total}) {`, `let ${call} = element(${at});`)
    for (const [j, word] of words.entries()) w.lines.push(`${word} |= ${call}.e${j} << ${k * bits}u;`)
    w.lines.push("}")
  }
  for (const [j, { buffer, operand }] of outputs.entries()) {
    const word = w.let(`${w.offset(operand)} / ${together}u + ${unit}`, "a")
    // The last word may be shared with what lies behind this view; no other invocation writes it.
    w.lines.push(
      `if (${end} - ${begin} == ${together}u) { ${buffer}[${word}] = ${words[j]}; }`,
      `else { let kept = 0xffffffffu << ((${end} - ${begin}) * ${bits}u); ${buffer}[${word}] = (${buffer}[${word}] & kept) | ${words[j]}; }`,
    )
  }
  return w.finish(WORKGROUP)
}

/** Plans launches of a map. */
export function mapPlanner(kernel: MapKernel): Planner {
  const together = elementsTogether(kernel)
  const emitted = new Map<number, Emitted>()
  const variant = (n: number): Emitted => {
    let found = emitted.get(n)
    if (!found) emitted.set(n, (found = emitMap(kernel, n)))
    return found
  }
  const byWords = ({ operands }: Launch): boolean =>
    together > 1 && operands.slice(kernel.inputs.length).every((o) => isDense(o) && o.offset % together === 0)
  return {
    plan(launch) {
      const count = countOf(launch.sizes)
      if (count === 0) return NOTHING
      const n = byWords(launch) ? together : 1
      const { shader, buffers, params } = variant(n)
      const workgroups = Math.ceil(count / n / WORKGROUP)
      return { dispatches: [{ shader, buffers, params: params(launch), workgroups }], temporaries: [] }
    },
    shaders: () => [...new Set([together, 1])].map((n) => variant(n).shader),
  }
}
