/** How elements lie in buffers: 8- and 16-bit ones several to a u32, as in host memory; and how a shader reads and writes them. */
import { DTYPES, type DType, type ScalarType } from "@taeda/core"
import type { Element } from "./program.ts"

/** WGSL's type for a scalar in arithmetic: integers narrower than 32 bits are i32, wrapped after each primitive. */
export type Lane = "f32" | "i32" | "u32" | "bool"

export const LANE_OF: Readonly<Record<ScalarType, Lane | undefined>> = {
  float32: "f32",
  float16: "f32",
  bfloat16: "f32",
  int32: "i32",
  int16: "i32",
  int8: "i32",
  uint8: "i32",
  uint32: "u32",
  bool: "bool",
  float64: undefined,
  int64: undefined,
}

/** @throws TypeError for the types that WGSL lacks. */
export function laneOf(dtype: ScalarType): Lane {
  const lane = LANE_OF[dtype]
  if (!lane) throw new TypeError(`webgpu: there is no ${dtype} in shaders`)
  return lane
}

/** The dtypes that buffers hold. */
export const STORED_DTYPES: readonly DType[] = (Object.keys(DTYPES) as DType[]).filter((t) => LANE_OF[t] !== undefined)

/** Elements in a word of 32 bits. */
export const perWord = (dtype: DType): 1 | 2 | 4 => (4 / DTYPES[dtype].bytes) as 1 | 2 | 4

/** The element type of a binding that is only read, or written in whole words. */
export const elementOf = (dtype: DType): Element => (perWord(dtype) > 1 ? "u32" : (laneOf(dtype) as Element))

/** WGSL text from the bits of a packed element, in the low bits of a word, to its value, and back. */
interface Packing {
  readonly unpack: (bits: string) => string
  readonly pack: (value: string) => string
}

const integer = (bits: number, signed: boolean): Packing => ({
  unpack: (x) => (signed ? `extractBits(bitcast<i32>(${x}), 0u, ${bits}u)` : `bitcast<i32>(${x} & ${2 ** bits - 1}u)`),
  pack: (x) => `(bitcast<u32>(${x}) & ${2 ** bits - 1}u)`,
})

const PACKINGS: Readonly<Partial<Record<DType, Packing>>> = {
  bool: { unpack: (x) => `((${x} & 255u) != 0u)`, pack: (x) => `select(0u, 1u, ${x})` },
  uint8: integer(8, false),
  int8: integer(8, true),
  int16: integer(16, true),
  float16: { unpack: (x) => `h_decode(${x} & 0xffffu)`, pack: (x) => `h_encode(${x})` },
  bfloat16: { unpack: (x) => `b_decode(${x} & 0xffffu)`, pack: (x) => `b_encode(${x})` },
}

/** The packing of a dtype whose elements share words; undefined for the others. */
export const packingOf = (dtype: DType): Packing | undefined => PACKINGS[dtype]
