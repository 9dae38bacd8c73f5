/** Operands inside of shaders: addresses of elements, reads, and writes. */
import type { Access, DType, Expr } from "@taeda/core"
import { elementOf, laneOf, packingOf, perWord } from "./elements.ts"
import type { BufferRef } from "./program.ts"
import type { Writer } from "./writer.ts"

/** An operand that a shader sees. */
export interface View {
  /** The operand's number, as plans count them. */
  readonly operand: number
  readonly dtype: DType
  /** The name of its binding. */
  readonly buffer: string
  /** Whether its words are atomic: other invocations write other parts of them. */
  readonly atomic: boolean
}

/** Binds an operand that is only read. */
export function bindInput(w: Writer, operand: number, dtype: DType): View {
  return { operand, dtype, buffer: w.bind({ operand }, elementOf(dtype), "read"), atomic: false }
}

/** Binds an operand that is written: element by element, or (`words`) a whole word at a time. */
export function bindOutput(
  w: Writer,
  operand: number,
  dtype: DType,
  words = false,
  ref: BufferRef = { operand },
): View {
  const atomic = perWord(dtype) > 1 && !words
  return { operand, dtype, buffer: w.bind(ref, atomic ? "atomic<u32>" : elementOf(dtype), "write"), atomic }
}

/** The number of the element at some coordinates (u32 texts), counted in elements from the buffer's start. */
export function addressOf(
  w: Writer,
  operand: number,
  coordinates: readonly string[],
  access: Access = "strided",
): string {
  const last = coordinates.length - 1
  const terms = coordinates.map((c, d) => {
    if (d < last || access === "strided" || access === "load") return ` + ${c} * ${w.stride(operand, d)}`
    return access === "unit" ? ` + ${c}` : ""
  })
  return w.offset(operand) + terms.join("")
}

const BIT = { 1: "", 2: "1u", 4: "3u" } as const
const LOG = { 1: 0, 2: 1, 4: 2 } as const

/** The element at an address (a u32 text without side effects), in the lane of its type. */
export function readElement(w: Writer, { dtype, buffer, atomic }: View, address: string): string {
  const packing = packingOf(dtype)
  if (!packing) return `${buffer}[${address}]`
  const count = perWord(dtype)
  const at = w.let(address, "a")
  const word = `${buffer}[${at} >> ${LOG[count]}u]`
  return packing.unpack(`(${atomic ? `atomicLoad(&${word})` : word} >> ((${at} & ${BIT[count]}) * ${32 / count}u))`)
}

/** The bits of a value as its dtype stores it: of a packed one in the low bits, the others 0. */
export function storedBits(dtype: DType, value: string): string {
  const packing = packingOf(dtype)
  if (!packing) return laneOf(dtype) === "u32" ? value : `bitcast<u32>(${value})`
  return packing.pack(value)
}

/** Writes one element; of a word that others share only its own bits. */
export function writeElement(w: Writer, view: View, address: string, value: string): void {
  const { dtype, buffer } = view
  if (!packingOf(dtype)) {
    w.lines.push(`${buffer}[${address}] = ${value};`)
    return
  }
  const count = perWord(dtype)
  const at = w.let(address, "a")
  const shift = w.let(`(${at} & ${BIT[count]}) * ${32 / count}u`, "s")
  const bits = w.let(storedBits(dtype, value), "x")
  const word = `&${buffer}[${at} >> ${LOG[count]}u]`
  const mask = count === 4 ? "255u" : "65535u"
  w.lines.push(`atomicAnd(${word}, ~(${mask} << ${shift}));`, `atomicOr(${word}, ${bits} << ${shift});`)
}

/** The value of a `load` node, 0 outside of the operand; `fault` also reports it. `coordinates` are i32 texts. */
export function readLoad(w: Writer, view: View, node: Expr, coordinates: readonly string[]): string {
  const lane = laneOf(node.dtype)
  const name = w.name("l")
  w.lines.push(`var ${name} = ${lane === "bool" ? "false" : `${lane}(0)`};`)
  const at = coordinates.map((c) => w.let(`bitcast<u32>(${c})`, "c"))
  const sizes = at.map((_, d) => w.operandSize(view.operand, d))
  const inside = at.map((c, d) => `${c} < ${sizes[d]}`)
  w.lines.push(`if (${inside.length ? inside.join(" && ") : "true"}) {`)
  const value = readElement(w, view, addressOf(w, view.operand, at))
  w.lines.push(`${name} = ${value};`, "}")
  if (node.bounds === "fault" && at.length) {
    w.useFaults()
    const reports = at.map(
      (c, d) => `if (${c} >= ${sizes[d]}) { fault(${view.operand}u, ${d}u, bitcast<i32>(${c}), ${sizes[d]}); }`,
    )
    w.lines.push(reports.join(" else "))
  }
  return name
}
