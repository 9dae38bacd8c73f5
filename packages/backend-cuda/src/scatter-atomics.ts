/** Combining into the target by atomic operations, for what gives the same in any order: integers, and extremes of floats. */
import { DTYPES, type ScatterKernel } from "@taeda/core"
import type { Place, Points } from "./scatter-points.ts"
import { fromStored, toStored } from "./views.ts"
import type { Writer } from "./writer.ts"

const isFloat = ({ dtype }: ScatterKernel): boolean => DTYPES[dtype].kind === "float"
const isExtreme = ({ combine }: ScatterKernel): boolean => combine === "min" || combine === "max"

/** Whether the order of the points does not matter. */
export const anyOrder = (kernel: ScatterKernel): boolean =>
  kernel.combine !== "set" && (!isFloat(kernel) || isExtreme(kernel))

/** The machine's own. */
const NATIVE: Readonly<Record<string, string>> = {
  "int32 add": "add.u32",
  "int32 min": "min.s32",
  "int32 max": "max.s32",
  "int64 add": "add.u64",
  "int64 min": "min.s64",
  "int64 max": "max.s64",
}

/** Writes the combination of `value` into the element of a place. */
export function combineAtomically(w: Writer, kernel: ScatterKernel, points: Points, place: Place, value: string): void {
  const { dtype } = kernel
  const native = NATIVE[`${dtype} ${kernel.combine}`]
  if (native) {
    w.line(`red.global.${native} [${place.address}], ${value}`)
    return
  }
  const { bytes } = DTYPES[dtype]
  const type = bytes === 8 ? "b64" : "b32"
  const small = bytes < 4
  const word = small ? w.op("and.b64", place.address, -4) : place.address
  const bits = 8 * bytes
  const shift = small ? w.op("shl.b32", w.op("cvt.u32.u64", w.op("and.b64", place.address, 3)), 3) : "0"
  const mask = small ? w.op("shl.b32", w.op("mov.u32", 2 ** bits - 1), shift) : "0"
  const old = w.variable(type, w.op(`ld.global.${type}`, `[${word}]`))
  const [again, done] = [w.label(), w.label()]
  w.place(again)
  const stored = small ? w.op("shr.u32", old, shift) : old
  const current = fromStored(w, dtype, stored)
  const next = isFloat(kernel) ? extreme(w, kernel, current, value) : points.combined(current, value)
  const mine = toStored(w, dtype, next)
  const whole = small ? w.op("or.b32", w.op("and.b32", old, w.op("not.b32", mask)), w.op("shl.b32", mine, shift)) : mine
  const compared = type === "b64" ? "u64" : "u32"
  w.goto(done, w.op(`setp.eq.${compared}`, whole, old))
  const seen = w.op(`atom.global.cas.${type}`, `[${word}]`, old, whole)
  w.goto(done, w.op(`setp.eq.${compared}`, seen, old))
  w.set(type, old, seen)
  w.goto(again)
  w.place(done)
}

/** By bits, for there is an order of floats that tells the zeros apart; any NaN gives the same one. */
function extreme(w: Writer, { dtype, combine }: ScatterKernel, a: string, b: string): string {
  const type = dtype === "float64" ? "f64" : "f32"
  const [bits, key, top] = type === "f64" ? (["b64", "s64", 63] as const) : (["b32", "s32", 31] as const)
  /** Signed integers in the order of the floats. */
  const ordered = (x: string): string => {
    const word = w.op(`mov.${bits}`, x)
    const sign = w.op(`shr.${key}`, word, top)
    return w.op(`xor.${bits}`, word, w.op(type === "f64" ? "shr.u64" : "shr.u32", sign, 1))
  }
  const first = w.op(`setp.${combine === "min" ? "lt" : "gt"}.${key}`, ordered(a), ordered(b))
  const nan = w.op(`setp.nan.${type}`, a, b)
  const chosen = w.op(`selp.${type}`, a, b, first)
  return w.op(`selp.${type}`, type === "f64" ? "0d7FF8000000000000" : "0f7FC00000", chosen, nan)
}
