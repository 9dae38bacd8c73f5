/**
 * How products see elements: how they are stored, and the vectors that a dtype is computed in. Half types are computed in float32,
 * narrow integers in int32, wrapped when they are stored.
 */
import type { DType } from "@taeda/core"
import { type HalfType, isHalf } from "./half.ts"
import { STORED, type Stored } from "./stored.ts"

export type ProductType = Exclude<DType, "bool">

/** The vectors that sums are kept in. */
export interface Lanes {
  readonly shape: "f32x4" | "f64x2" | "i32x4" | "i64x2"
  /** Bytes of a lane. */
  readonly bytes: 4 | 8
  readonly count: 4 | 2
}

const LANES = {
  f32x4: { shape: "f32x4", bytes: 4, count: 4 },
  f64x2: { shape: "f64x2", bytes: 8, count: 2 },
  i32x4: { shape: "i32x4", bytes: 4, count: 4 },
  i64x2: { shape: "i64x2", bytes: 8, count: 2 },
} as const satisfies Record<string, Lanes>

export interface Format extends Stored {
  readonly lanes: Lanes
  readonly half: HalfType | null
}

const format = (lanes: Lanes, dtype: ProductType): Format => ({
  ...STORED[dtype],
  lanes,
  half: isHalf(dtype) ? dtype : null,
})

export const FORMATS: Readonly<Record<ProductType, Format>> = {
  float32: format(LANES.f32x4, "float32"),
  float64: format(LANES.f64x2, "float64"),
  float16: format(LANES.f32x4, "float16"),
  bfloat16: format(LANES.f32x4, "bfloat16"),
  int8: format(LANES.i32x4, "int8"),
  uint8: format(LANES.i32x4, "uint8"),
  int16: format(LANES.i32x4, "int16"),
  int32: format(LANES.i32x4, "int32"),
  int64: format(LANES.i64x2, "int64"),
}

/** The format in which the sums of another one are kept. */
export const sumsOf = ({ lanes }: Format): Format => ({ lanes, bytes: lanes.bytes, signed: true, half: null })

/** Whether stored elements are what is computed with. */
export const isNative = (format: Format): boolean => format.bytes === format.lanes.bytes
