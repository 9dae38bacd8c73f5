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

/** Writes a meeting inside of subgroups first (`exchanges`). */
export type Exchanges = (w: Writer, of: Tuples, shared: Sharing) => void

let exchanges: Exchanges | null = null

/** Lets the shaders that are written from now on use subgroups. */
export function provideExchanges(write: Exchanges): void {
  exchanges = write
}

/** Whether shaders with workgroups of so many invocations use subgroups: where these would not all be full, they do not. */
export const usesSubgroups = ({ subgroups }: { readonly subgroups: number }, invocations: number): boolean =>
  exchanges !== null && subgroups > 0 && subgroups <= invocations

/** `size`: the invocations of the workgroup. The shader must have called `useSubgroups` if `subgroups`. */
export function writeMeeting(w: Writer, of: Tuples, shared: Sharing, size: number, subgroups: boolean): void {
  w.declare(of.tuples, `var<workgroup> ${of.tuples}: array<${of.Acc}, ${size}>;`)
  if (subgroups) exchanges!(w, of, shared)
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
