/** Operands inside of kernels: addresses of elements, reads, and writes. */
import type { Access, DType, Expr, HalfDType } from "@taeda/core"
import { bytesOf, LANE_OF } from "./elements.ts"
import { bfloat16Bits, ofBfloat16 } from "./primitives.ts"
import type { BufferRef } from "./program.ts"
import { f32Text } from "./ptx-text.ts"
import type { PtxType, Writer } from "./writer.ts"

/** An operand that a kernel sees. */
export interface View {
  /** The operand's number, as plans count them. */
  readonly operand: number
  readonly dtype: DType
  /** The address of its element 0. */
  readonly base: string
  /** Whether nothing writes it while the kernel runs. */
  readonly constant: boolean
}

export const bindInput = (w: Writer, operand: number, dtype: DType, constant = true): View => ({
  operand,
  dtype,
  base: w.pointer({ operand }),
  constant,
})

export const bindOutput = (w: Writer, operand: number, dtype: DType, ref: BufferRef = { operand }): View => ({
  operand,
  dtype,
  base: w.pointer(ref),
  constant: false,
})

/** How an element is moved: the type of the instruction, and the conversions to and from its lane. */
interface Storage {
  readonly type: PtxType
  /** The register that is loaded is the value itself. */
  readonly direct: boolean
  readonly toLane: (w: Writer, stored: string) => string
  readonly fromLane: (w: Writer, value: string) => string
  /** The value of element k of a word, where there is a shorter way. */
  readonly pieceToLane?: (w: Writer, word: string, k: number) => string
  /** Of compute capability 8.0 and later: what makes a word of two values, the second of which is given first. */
  readonly pair?: string
}

const same = (_: Writer, x: string): string => x
const direct = (type: PtxType): Storage => ({ type, direct: true, toLane: same, fromLane: same })

const STORAGE: Readonly<Record<DType, Storage>> = {
  float32: direct("f32"),
  float64: direct("f64"),
  int32: direct("s32"),
  int64: direct("s64"),
  int16: direct("s16"),
  int8: direct("s8"),
  uint8: direct("u8"),
  bool: {
    type: "u8",
    direct: false,
    toLane: (w, x) => w.op("setp.ne.u32", x, 0),
    fromLane: (w, x) => w.op("selp.u32", 1, 0, x),
  },
  float16: {
    type: "b16",
    direct: false,
    toLane: (w, x) => w.op("cvt.f32.f16", x),
    fromLane: (w, x) => w.op("cvt.rn.f16.f32", w.beforeRounding("float16", x)),
    pair: "cvt.rn.f16x2.f32",
  },
  bfloat16: {
    type: "u16",
    direct: false,
    toLane: ofBfloat16,
    fromLane: (w, x) => bfloat16Bits(w, w.beforeRounding("bfloat16", x)),
    // The upper half of a word needs no shift.
    pieceToLane: (w, word, k) => (k === 0 ? ofBfloat16(w, word) : ofWord(w, w.op("and.b32", word, "0xffff0000"))),
    pair: "cvt.rn.bf16x2.f32",
  },
}

function ofWord(w: Writer, word: string): string {
  const value = w.register("f32")
  w.line(`mov.b32 ${value}, ${word}`)
  return value
}

/** The address of the element so many elements from the first (an index, or a difference of such). */
export function elementAddress(w: Writer, { base, dtype }: View, element: string): string {
  const bytes = bytesOf(dtype)
  return w.wide ? w.op("mad.lo.s64", element, bytes, base) : w.op("mad.wide.s32", element, bytes, base)
}

/** How far the element at some coordinates (indices) is from the first. */
export function elementAt(
  w: Writer,
  operand: number,
  coordinates: readonly string[],
  access: Access = "strided",
): string {
  const last = coordinates.length - 1
  let sum: string | undefined
  coordinates.forEach((c, d) => {
    if (d < last || access === "strided" || access === "load") {
      const stride = w.stride(operand, d)
      sum = sum === undefined ? w.ix("mul.lo", c, stride) : w.ix("mad.lo", c, stride, sum)
    } else if (access === "unit") sum = sum === undefined ? c : w.ix("add", sum, c)
  })
  return sum ?? w.op(`mov.${w.index}`, 0)
}

export const addressOf = (w: Writer, view: View, coordinates: readonly string[], access?: Access): string =>
  elementAddress(w, view, elementAt(w, view.operand, coordinates, access))

const ZEROS: Partial<Readonly<Record<PtxType, string>>> = { f32: f32Text(0), f64: "0d0000000000000000" }

/** The element at an address, in the lane of its type; where `when` is given and does not hold, 0, and nothing is read. */
export function readElement(w: Writer, { dtype, constant }: View, address: string, when?: string): string {
  const { type, toLane } = STORAGE[dtype]
  const stored = w.register(type)
  if (when) w.line(`mov.${movable(type)} ${stored}, ${ZEROS[type] ?? 0}`)
  w.line(`${when ? `@${when} ` : ""}ld.global${constant ? ".nc" : ""}.${type} ${stored}, [${address}]`)
  return toLane(w, stored)
}

/** The type by which a register of a stored type is moved. */
const movable = (type: PtxType): string => (/^[su](8|16)$/.test(type) ? "b32" : type)

/** Writes one element, where `when` holds if it is given. */
export function writeElement(w: Writer, { dtype }: View, address: string, value: string, when?: string): void {
  const { type, fromLane } = STORAGE[dtype]
  w.line(`${when ? `@${when} ` : ""}st.global.${type} [${address}], ${fromLane(w, value)}`)
}

/** Bytes that one instruction moves at most. */
export const VECTOR_BYTES = 16

const registersText = (registers: readonly string[]): string =>
  registers.length === 1 ? registers[0] : `{${registers.join(", ")}}`
const vectorSuffix = (count: number): string => (count === 1 ? "" : `.v${count}`)

/** `count` elements that lie one after the other at an aligned address; where `when` does not hold, zeros. */
export function readVector(w: Writer, view: View, address: string, count: number, when?: string): string[] {
  const { dtype, constant } = view
  if (count === 1) return [readElement(w, view, address, when)]
  const { type, direct, toLane, pieceToLane } = STORAGE[dtype]
  const bytes = bytesOf(dtype)
  if (count * bytes > VECTOR_BYTES)
    return [0, 1].flatMap((half) => {
      const at = half ? w.op("add.u64", address, (count * bytes) / 2) : address
      return readVector(w, view, at, count / 2, when)
    })
  const load = `${when ? `@${when} ` : ""}ld.global${constant ? ".nc" : ""}`
  const cleared = (registers: readonly string[], of: PtxType): void => {
    if (when) for (const register of registers) w.line(`mov.${movable(of)} ${register}, ${ZEROS[of] ?? 0}`)
  }
  if (bytes >= 4) {
    const registers = Array.from({ length: count }, () => w.register(type))
    cleared(registers, type)
    w.line(`${load}${vectorSuffix(count)}.${type} ${registersText(registers)}, [${address}]`)
    return direct ? registers : registers.map((x) => toLane(w, x))
  }
  const words = Math.max(1, (count * bytes) / 4)
  const registers = Array.from({ length: words }, () => w.register("b32"))
  cleared(registers, "b32")
  // Two bytes are less than a word.
  const word = count * bytes < 4 ? "u16" : "b32"
  w.line(`${load}${vectorSuffix(words)}.${word} ${registersText(registers)}, [${address}]`)
  const inWord = Math.min(count, 4 / bytes)
  return registers.flatMap((register) =>
    Array.from({ length: inWord }, (_, k) =>
      pieceToLane ? pieceToLane(w, register, k) : toLane(w, piece(w, type, register, k, 8 * bytes)),
    ),
  )
}

/** `words` words of whatever lies at an aligned address; where `when` does not hold, zeros. */
export function readWords(w: Writer, { constant }: View, address: string, words: 2 | 4, when: string): string[] {
  const registers = Array.from({ length: words }, () => w.variable("b32", 0))
  w.line(`@${when} ld.global${constant ? ".nc" : ""}.v${words}.b32 ${registersText(registers)}, [${address}]`)
  return registers
}

/** The bits of a 16-bit element in the low half of a word, whose high half does not matter; else 0. */
export function readHalf(w: Writer, { constant }: View, address: string, when: string): string {
  const bits = w.variable("b32", 0)
  w.line(`@${when} ld.global${constant ? ".nc" : ""}.u16 ${bits}, [${address}]`)
  return bits
}

/** The element number k of a word. */
function piece(w: Writer, type: PtxType, word: string, k: number, bits: number): string {
  if (type !== "b16") return w.op(`bfe.${type[0]}32`, word, k * bits, bits)
  const half = w.register("b16")
  const other = w.register("b16")
  w.line(`mov.b32 {${k === 0 ? `${half}, ${other}` : `${other}, ${half}`}}, ${word}`)
  return half
}

/** Writes elements that lie one after the other, at an aligned address, where `when` holds if it is given. */
export function writeVector(w: Writer, view: View, address: string, values: readonly string[], when?: string): void {
  const { dtype } = view
  const count = values.length
  if (count === 1) {
    writeElement(w, view, address, values[0], when)
    return
  }
  if (count * bytesOf(dtype) > VECTOR_BYTES) {
    const half = count / 2
    writeVector(w, view, address, values.slice(0, half), when)
    writeVector(w, view, w.op("add.u64", address, half * bytesOf(dtype)), values.slice(half), when)
    return
  }
  const { type, fromLane, pair } = STORAGE[dtype]
  const bytes = bytesOf(dtype)
  const paired = pair !== undefined && w.has(80)
  const stored = paired ? [] : values.map((value) => fromLane(w, value))
  const store = `${when ? `@${when} ` : ""}st.global`
  if (bytes >= 4) {
    w.line(`${store}${vectorSuffix(count)}.${type} [${address}], ${registersText(stored)}`)
    return
  }
  const inWord = Math.min(count, 4 / bytes)
  const words: string[] = []
  for (let first = 0; first < count; first += inWord)
    if (paired) words.push(pairOf(w, dtype as HalfDType, pair, values[first], values[first + 1]))
    else words.push(joined(w, type, stored.slice(first, first + inWord), 8 * bytes))
  const word = count * bytes < 4 ? "u16" : "b32"
  w.line(`${store}${vectorSuffix(words.length)}.${word} [${address}], ${registersText(words)}`)
}

/** A word of two values, each rounded to a half type. */
function pairOf(w: Writer, dtype: HalfDType, opcode: string, low: string, high: string): string {
  const word = w.register("b32")
  w.line(`${opcode} ${word}, ${w.beforeRounding(dtype, high)}, ${w.beforeRounding(dtype, low)}`)
  return word
}

/** A word of the elements, the first in the low bits. */
function joined(w: Writer, type: PtxType, pieces: readonly string[], bits: number): string {
  if (type === "b16") return w.op("mov.b32", registersText(pieces))
  return pieces.reduceRight((word, next, k) =>
    k === pieces.length - 1 ? next : w.op("bfi.b32", word, next, bits, 32 - bits),
  )
}

/** The value of an element whose bits are in the low part of a register of 32 or 64 bits; what is above does not matter. */
export function fromStored(w: Writer, dtype: DType, bits: string): string {
  const { type, direct, toLane } = STORAGE[dtype]
  const size = 8 * bytesOf(dtype)
  if (size < 32) return toLane(w, piece(w, type, bits, 0, size))
  if (type !== "f32" && type !== "f64") return direct ? bits : toLane(w, bits)
  const value = w.register(type)
  w.line(`mov.b${size} ${value}, ${bits}`)
  return value
}

/** The bits of an element in the low part of a register of 32 or 64 bits, the others 0. */
export function toStored(w: Writer, dtype: DType, value: string): string {
  const { type, fromLane } = STORAGE[dtype]
  const size = 8 * bytesOf(dtype)
  const stored = fromLane(w, value)
  if (type === "f32" || type === "f64") return w.op(`mov.b${size}`, stored)
  if (type === "b16") return w.op("cvt.u32.u16", stored)
  return size < 32 ? w.op("and.b32", stored, 2 ** size - 1) : stored
}

/** Reports a coordinate outside of its operand; the first report stays. */
function writeFault(w: Writer, operand: number, dim: number, coordinate: string, size: string): void {
  const words = w.pointer({ faults: true })
  const claimed = w.op("atom.global.or.b32", `[${words}]`, 1)
  w.if(w.op("setp.eq.u32", claimed, 0), () => {
    const report = [operand, dim, coordinate, w.wide ? w.op("cvt.u32.u64", size) : size, kernelNumber(w)]
    for (const [k, value] of report.entries()) {
      const word = typeof value === "number" ? w.op("mov.u32", value) : value
      w.line(`st.global.u32 [${words}+${4 * (k + 1)}], ${word}`)
    }
  })
}

const kernelNumber = (w: Writer): string => w.number("kernel", "u32", ({ kernel }) => kernel ?? 0)

/** Coordinates (s32) of an operand as indices, and whether all are inside; with `fault` one that is not is reported. */
export function checkedCoordinates(
  w: Writer,
  operand: number,
  coordinates: readonly string[],
  dims: readonly number[],
  fault: boolean,
): { at: string[]; inside: string | undefined } {
  const at = coordinates.map((c) => (w.wide ? w.op("cvt.s64.s32", c) : c))
  // Negative ones are large.
  const each = at.map((c, k) => w.op(`setp.lt.${w.index}`, c, w.operandSize(operand, dims[k])))
  const inside = each.length ? each.reduce((all, one) => w.op("and.pred", all, one)) : undefined
  if (fault && inside)
    w.if(w.op("not.pred", inside), () => {
      const done = w.label()
      for (const [k, one] of each.entries()) {
        const next = w.label()
        w.goto(next, one)
        writeFault(w, operand, dims[k], coordinates[k], w.operandSize(operand, dims[k]))
        w.goto(done)
        w.place(next)
      }
      w.place(done)
    })
  return { at, inside }
}

/** The value of a `load` node, 0 outside of the operand; `fault` also reports it. `coordinates` are s32. */
export function readLoad(w: Writer, view: View, node: Expr, coordinates: readonly string[]): string {
  const dims = coordinates.map((_, d) => d)
  const { at, inside } = checkedCoordinates(w, view.operand, coordinates, dims, node.bounds === "fault")
  const value = readElement(w, view, addressOf(w, view, at), inside)
  return LANE_OF[node.dtype] === LANE_OF[view.dtype] ? value : unreachableLane(node)
}

function unreachableLane(node: Expr): never {
  throw new TypeError(`cuda: a load of ${node.dtype} from an operand of another type`)
}
