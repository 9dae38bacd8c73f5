/** Numbers as PTX text. */
import type { Scalar, ScalarType } from "@taeda/core"
import { LANE_OF, type Lane } from "./elements.ts"

const view = new DataView(new ArrayBuffer(8))
const hex = (bits: bigint | number, digits: number): string => bits.toString(16).toUpperCase().padStart(digits, "0")

/** A float32 by its bits. */
export function f32Text(value: number): string {
  view.setFloat32(0, value)
  return `0f${hex(view.getUint32(0), 8)}`
}

/** A float64 by its bits. */
export function f64Text(value: number): string {
  view.setFloat64(0, value)
  return `0d${hex(view.getBigUint64(0), 16)}`
}

const TEXTS: Readonly<Record<Lane, (value: Scalar) => string>> = {
  f32: (value) => f32Text(Number(value)),
  f64: (value) => f64Text(Number(value)),
  s32: (value) => String(Number(value) | 0),
  u32: (value) => String(Number(value) >>> 0),
  // The least number has no literal of its own in decimal.
  s64: (value) => `0x${hex(BigInt.asUintN(64, BigInt(value)), 16)}`,
  pred: (value) => (value ? "1" : "0"),
}

/** A constant of a type as an immediate. */
export const literal = (value: Scalar, dtype: ScalarType): string => TEXTS[LANE_OF[dtype]](value)
