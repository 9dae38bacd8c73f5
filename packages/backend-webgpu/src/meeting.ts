/**
 * Combining what the invocations of a workgroup have, so that all of them have the whole: through workgroup memory, or by
 * exchanges inside of subgroups first, and then over the few tuples that are left. Nothing is assumed of how large subgroups
 * are, nor of which invocations are together in one: where they are used, invocations are numbered subgroup by subgroup.
 */
import type { Lane } from "./elements.ts"
import type { Writer } from "./writer.ts"

/** Names in the shader: a struct of the `fields` given, a function that combines two, workgroup memory for it, a variable. */
export interface Tuples {
  readonly Acc: string
  readonly combine: string
  readonly tuples: string
  readonly total: string
  readonly fields: Readonly<Record<string, Lane>>
}

/** Texts of how many invocations share a total, and the distance between two that follow each other: powers of two. */
export interface Sharing {
  readonly lanes: string
  readonly step: string
}

/** Whether shaders with workgroups of so many invocations use subgroups: where these would not all be full, they do not. */
export const usesSubgroups = ({ subgroups }: { readonly subgroups: number }, invocations: number): boolean =>
  subgroups > 0 && subgroups <= invocations

/** `size`: the invocations of the workgroup. The shader must have called `useSubgroups` if `subgroups`. */
export function writeMeeting(w: Writer, of: Tuples, shared: Sharing, size: number, subgroups: boolean): void {
  w.declare(of.tuples, `var<workgroup> ${of.tuples}: array<${of.Acc}, ${size}>;`)
  if (subgroups) writeExchanges(w, of, shared)
  else writeShared(w, of, shared)
}

/** Tuples that every invocation combines for itself, rather than wait for one that does. */
const FEW = 16

/** Where the invocations are many, some combine those of others first. */
function writeShared(w: Writer, { combine, tuples, total }: Tuples, { lanes, step }: Sharing): void {
  const t = w.let(`(lane / ${step}) & (${lanes} - 1u)`, "t")
  const first = w.let(`lane - ${t} * ${step}`, "first")
  w.lines.push(
    `${tuples}[lane] = ${total};`,
    "workgroupBarrier();",
    `if (${lanes} > ${FEW}u) {`,
    `if (${t} < ${FEW}u) {`,
    `for (var k = ${t} + ${FEW}u; k < ${lanes}; k += ${FEW}u) { ${total} = ${combine}(${total}, ${tuples}[${first} + k * ${step}]); }`,
    `${tuples}[lane] = ${total};`,
    "}",
    "workgroupBarrier();",
    "}",
    `${total} = ${tuples}[${first}];`,
    `for (var k = 1u; k < min(${lanes}, ${FEW}u); k++) { ${total} = ${combine}(${total}, ${tuples}[${first} + k * ${step}]); }`,
    // What is read here the next meeting overwrites.
    "workgroupBarrier();",
  )
}

/** Bools are exchanged as numbers. */
const exchanged = (x: string, lane: Lane): string =>
  lane === "bool" ? `(subgroupShuffleXor(select(0u, 1u, ${x}), distance) != 0u)` : `subgroupShuffleXor(${x}, distance)`

function writeExchanges(w: Writer, { Acc, combine, tuples, total, fields }: Tuples, { lanes, step }: Sharing): void {
  const values = Object.entries(fields).map(([name, lane]) => exchanged(`mine.${name}`, lane))
  w.declare(
    `exchange_${Acc}`,
    `fn exchange_${Acc}(mine: ${Acc}, distance: u32) -> ${Acc} { return ${Acc}(${values.join(", ")}); }`,
  )
  const reach = w.let(`${lanes} * ${step}`, "reach")
  const apart = w.let(`max(${step}, subgroupSize)`, "apart")
  const first = w.let(`lane - lane % ${reach} + lane % ${apart}`, "first")
  w.lines.push(
    `for (var distance = ${step}; distance < min(${reach}, subgroupSize); distance <<= 1u) {`,
    `let other = exchange_${Acc}(${total}, distance);`,
    // In the same order on both sides, for both are to have the same.
    `if ((lane & distance) == 0u) { ${total} = ${combine}(${total}, other); }`,
    `else { ${total} = ${combine}(other, ${total}); }`,
    "}",
    `if (${reach} > ${apart}) {`,
    `${tuples}[lane] = ${total};`,
    "workgroupBarrier();",
    `${total} = ${tuples}[${first}];`,
    `for (var k = ${apart}; k < ${reach}; k += ${apart}) { ${total} = ${combine}(${total}, ${tuples}[${first} + k]); }`,
    "workgroupBarrier();",
    "}",
  )
}
