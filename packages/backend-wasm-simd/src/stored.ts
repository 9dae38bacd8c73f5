/**
 * How elements of each type lie in memory, and the instructions by which narrow ones become 32-bit lanes. All code that loads and
 * stores elements goes by this: that of loops (`elements.ts`) and that of products (`product-elements.ts`).
 */
import type { DType } from "@taeda/core"

export interface Stored {
  readonly bytes: 1 | 2 | 4 | 8
  /** Of types of one or two bytes: whether widening keeps a sign. */
  readonly signed: boolean
}

export const STORED: Readonly<Record<DType, Stored>> = {
  float32: { bytes: 4, signed: true },
  float64: { bytes: 8, signed: true },
  float16: { bytes: 2, signed: false },
  bfloat16: { bytes: 2, signed: false },
  int8: { bytes: 1, signed: true },
  uint8: { bytes: 1, signed: false },
  bool: { bytes: 1, signed: false },
  int16: { bytes: 2, signed: true },
  int32: { bytes: 4, signed: true },
  int64: { bytes: 8, signed: true },
}

/** How the names of instructions that widen end. */
export const signSuffix = ({ signed }: Stored): "s" | "u" => (signed ? "s" : "u")

/** The load of one element of one or two bytes as an i32. */
export const loadOfOne = (stored: Stored): string => `i32.load${stored.bytes * 8}_${signSuffix(stored)}`

/** The load of four elements of one or two bytes, side by side, and what makes 32-bit lanes of the loaded vector. */
export function loadOfFour(stored: Stored): { readonly load: string; readonly extensions: readonly string[] } {
  const s = signSuffix(stored)
  if (stored.bytes === 2) return { load: `v128.load16x4_${s}`, extensions: [] }
  return { load: "v128.load32_zero", extensions: [`i16x8.extend_low_i8x16_${s}`, `i32x4.extend_low_i16x8_${s}`] }
}
