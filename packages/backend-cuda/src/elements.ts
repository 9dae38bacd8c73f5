/** Types: what a scalar is computed in, and how elements lie in memory. */
import { DTYPES, type DType, type ScalarType } from "@taeda/core"
import type { NumberType } from "./program.ts"

/** PTX's type for a scalar in arithmetic: integers narrower than 32 bits are s32, wrapped after each primitive; bool is a predicate. */
export type Lane = "f32" | "f64" | "s32" | "u32" | "s64" | "pred"

export const LANE_OF: Readonly<Record<ScalarType, Lane>> = {
  float32: "f32",
  float16: "f32",
  bfloat16: "f32",
  float64: "f64",
  int32: "s32",
  int16: "s32",
  int8: "s32",
  uint8: "s32",
  uint32: "u32",
  int64: "s64",
  bool: "pred",
}

/** How a launch hands over a scalar of the lane. */
export const NUMBER_OF: Readonly<Record<Lane, NumberType>> = {
  f32: "f32",
  f64: "f64",
  s32: "s32",
  u32: "u32",
  s64: "s64",
  pred: "u32",
}

/** Bytes of a lane's value where it is kept in memory: of a predicate a word that is 0 or 1. */
export const laneBytes = (lane: Lane): 4 | 8 => (lane === "f64" || lane === "s64" ? 8 : 4)

export const bytesOf = (dtype: DType): number => DTYPES[dtype].bytes

/** Types that NVIDIA's libraries have products of. */
const FLOAT_TYPES = ["float32", "float64", "float16", "bfloat16"] as const
export type FloatType = (typeof FLOAT_TYPES)[number]
export const isFloatType = (dtype: DType): dtype is FloatType => (FLOAT_TYPES as readonly DType[]).includes(dtype)
