/**
 * One shader that does the work of several whose dispatches do not depend on one another: each has workgroups of its own, and
 * what a workgroup does is what it did in the shader that it comes from. Pure text.
 */
import type { BindingType, Shader } from "./program.ts"
import { shaderCode } from "./writer.ts"

/** A shader that takes part, and where each of its bindings stands among those of the whole. */
export interface Member {
  readonly shader: Shader
  readonly slots: readonly number[]
}

/** Names at the module's level; every declaration begins a line. */
const NAMES = /^(?:fn|struct|const|alias) (\w+)|^var<workgroup> (\w+)/gm
const SHARED = /^var<workgroup> \w+: array<(.+), (\d+)>;$/gm

/** Bytes of an element of an array in workgroup memory: a vector, a struct of single numbers, or a number. */
function elementBytes(type: string, text: string): number {
  if (type.startsWith("vec4<")) return 16
  const fields = new RegExp(`^struct ${type} {(.*)}`, "m").exec(text)?.[1]
  return fields === undefined ? 4 : 4 * fields.split(",").length
}

/** The workgroup memory of a shader, in bytes. */
export function sharedBytes({ parts }: Shader): number {
  const text = parts.declarations.join("\n")
  let bytes = 0
  for (const [, type, count] of text.matchAll(SHARED)) bytes += elementBytes(type, text) * Number(count)
  return bytes
}

/** Vectors of numbers before those of the members: where the workgroups of each but the last end. */
export const endVectors = (members: number): number => Math.ceil((members - 1) / 4)

const word = (k: number): string => `params[${k >> 2}].${"xyzw"[k & 3]}`

/** A member's text with names of its own, its bindings and its numbers where they are in the whole. */
function renamed(text: string, names: ReadonlySet<string>, k: number, slots: readonly number[], from: number): string {
  return text
    .replace(/\bparams\[(\d+)\]/g, (_, vector: string) => `params[${Number(vector) + from}]`)
    .replace(/[A-Za-z_]\w*/g, (name) => {
      if (names.has(name)) return `member${k}_${name}`
      const binding = /^b(\d+)$/.exec(name)?.[1]
      return binding !== undefined && Number(binding) < slots.length ? `buffer${slots[Number(binding)]}` : name
    })
}

/**
 * The members, which have workgroups of one size, as one shader with these bindings. Its numbers are the ends of their
 * workgroups (`endVectors`), then the vectors of each member.
 */
export function mergeShaders(members: readonly Member[], bindings: readonly BindingType[]): Shader {
  const declarations: string[] = []
  const main: string[] = []
  const subgroups = members.some(({ shader }) => shader.parts.subgroups)
  const [parameter, argument] = subgroups ? [", subgroupSize: u32", ", subgroupSize"] : ["", ""]
  let paramVectors = endVectors(members.length)
  for (const [k, { shader, slots }] of members.entries()) {
    const { parts } = shader
    const text = parts.declarations.join("\n")
    const names = new Set([...text.matchAll(NAMES)].map(([, name, shared]) => name ?? shared))
    const own = (part: string): string => renamed(part, names, k, slots, paramVectors)
    declarations.push(own(text), own(`fn run${k}(group: u32, lane: u32${parameter}) {\n${parts.main.join("\n")}\n}`))
    const group = k === 0 ? "group" : `group - ${word(k - 1)}`
    const call = `run${k}(${group}, lane${argument});`
    main.push(k < members.length - 1 ? `if (group < ${word(k)}) { ${call} return; }` : call)
    paramVectors += shader.paramVectors
  }
  const parts = { workgroupSize: members[0].shader.parts.workgroupSize, subgroups, declarations, main }
  const given = { bindings, paramVectors }
  return { ...given, parts, code: shaderCode(given, parts, "buffer") }
}
