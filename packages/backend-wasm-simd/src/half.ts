/**
 * Half precision in vectors of four: float16 and bfloat16 as the 16 low bits of each lane of an i32x4 (the high bits are 0), from
 * and to f32x4. Narrowing rounds to nearest even; subnormals, infinities and NaN are kept.
 */
import type { ScalarType } from "@taeda/core"
import type { Graph, Node } from "./graph.ts"

export type HalfType = "float16" | "bfloat16"

export const isHalf = (dtype: ScalarType): dtype is HalfType => dtype === "float16" || dtype === "bfloat16"

/** The bits of float32's 2^-14, the least normal float16. */
const LEAST_NORMAL = 0x38800000
/** What a float32's exponent is more than a float16's, in place. */
const REBIAS = 112 << 23
const HALF_INFINITY = 0x7c00
const QUIET_NAN = { float16: 0x7e00, bfloat16: 0x7fc0 } as const

const shift = (g: Graph, direction: "shl" | "shr_u", x: Node, bits: number): Node =>
  g.op(`i32x4.${direction}`, x, g.i32(bits))

function widenFloat16(g: Graph, x: Node): Node {
  const magnitude = g.op("v128.and", x, g.i32x4(0x7fff))
  const sign = shift(g, "shl", g.op("v128.xor", x, magnitude), 16)
  // The exponent and mantissa in a float32's place make a number 2^112 too small, subnormals included.
  const scaled = g.op("f32x4.mul", shift(g, "shl", magnitude, 13), g.f32x4(2 ** 112))
  const special = g.op("i32x4.gt_s", magnitude, g.i32x4(HALF_INFINITY - 1))
  const exponent = g.op("v128.and", special, g.i32x4(0x7f800000))
  return g.op("v128.or", g.op("v128.or", scaled, exponent), sign)
}

function narrowFloat16(g: Graph, x: Node): Node {
  const magnitude = g.op("v128.and", x, g.i32x4(0x7fffffff))
  const sign = shift(g, "shr_u", g.op("v128.xor", x, magnitude), 16)
  const odd = g.op("v128.and", shift(g, "shr_u", magnitude, 13), g.i32x4(1))
  const rounded = g.op("i32x4.add", g.op("i32x4.add", magnitude, g.i32x4(0xfff - REBIAS)), odd)
  const normal = g.op("i32x4.min_u", shift(g, "shr_u", rounded, 13), g.i32x4(HALF_INFINITY))
  // One half has the same unit in the last place as a subnormal float16: adding it does the rounding.
  const half = g.f32x4(0.5)
  const subnormal = g.op("i32x4.sub", g.op("f32x4.add", magnitude, half), half)
  const finite = g.op("v128.bitselect", subnormal, normal, g.op("i32x4.lt_s", magnitude, g.i32x4(LEAST_NORMAL)))
  const nan = g.op("f32x4.ne", x, x)
  return g.op("v128.or", sign, g.op("v128.bitselect", g.i32x4(QUIET_NAN.float16), finite, nan))
}

const widenBfloat16 = (g: Graph, x: Node): Node => shift(g, "shl", x, 16)

function narrowBfloat16(g: Graph, x: Node): Node {
  const odd = g.op("v128.and", shift(g, "shr_u", x, 16), g.i32x4(1))
  const rounded = g.op("i32x4.add", g.op("i32x4.add", x, g.i32x4(0x7fff)), odd)
  const nan = g.op("f32x4.ne", x, x)
  return g.op("v128.bitselect", g.i32x4(QUIET_NAN.bfloat16), shift(g, "shr_u", rounded, 16), nan)
}

/** f32x4 of the halves in the lanes of an i32x4. */
export const widenHalf: Readonly<Record<HalfType, (g: Graph, x: Node) => Node>> = {
  float16: widenFloat16,
  bfloat16: widenBfloat16,
}

/** The halves nearest to the lanes of an f32x4, as an i32x4. */
export const narrowHalf: Readonly<Record<HalfType, (g: Graph, x: Node) => Node>> = {
  float16: narrowFloat16,
  bfloat16: narrowBfloat16,
}
