/**
 * float16 and bfloat16 between their 16 bits, one in each 32-bit lane, and float32. Widening is exact; narrowing rounds to
 * nearest, ties to even, and gives every NaN the canonical bits (0x7e00, 0x7fc0), as the core does.
 */
import type { Graph, Node } from "./graph.ts"

/** The value of bfloat16 bits: the upper half of a float32. */
export const bfloat16ToFloat32 = (g: Graph, bits: Node): Node => g.op("i32x4.shl", bits, g.i32(16))

/** The value of float16 bits: scaled by 2^112, the difference of the exponents' biases, which is right for subnormals too. */
export function float16ToFloat32(g: Graph, bits: Node): Node {
  const sign = g.op("i32x4.shl", g.op("v128.and", bits, g.i32x4(0x8000)), g.i32(16))
  const shifted = g.op("i32x4.shl", g.op("v128.and", bits, g.i32x4(0x7fff)), g.i32(13))
  const scaled = g.op("f32x4.mul", shifted, g.f32x4(2 ** 112))
  const special = g.op("i32x4.gt_s", shifted, g.i32x4(0x0f7fffff))
  const magnitude = g.op("v128.or", scaled, g.op("v128.and", special, g.i32x4(0x7f800000)))
  return g.op("v128.or", magnitude, sign)
}

/** 1 in the lanes whose `bit` is set. */
const bitOf = (g: Graph, bits: Node, bit: number): Node =>
  g.op("v128.and", g.op("i32x4.shr_u", bits, g.i32(bit)), g.i32x4(1))

export function float32ToBfloat16(g: Graph, x: Node): Node {
  const carried = g.op("i32x4.add", g.op("i32x4.add", x, g.i32x4(0x7fff)), bitOf(g, x, 16))
  const rounded = g.op("i32x4.shr_u", carried, g.i32(16))
  return g.op("v128.bitselect", g.i32x4(0x7fc0), rounded, g.op("f32x4.ne", x, x))
}

export function float32ToFloat16(g: Graph, x: Node): Node {
  const magnitude = g.op("v128.and", x, g.i32x4(0x7fffffff))
  const sign = g.op("v128.and", g.op("i32x4.shr_u", x, g.i32(16)), g.i32x4(0x8000))
  // Below 2^-14 the step is 2^-24, which is the step of float32 at 0.5: the addition does the rounding.
  const small = g.op("i32x4.sub", g.op("f32x4.add", magnitude, g.f32x4(0.5)), g.i32x4(0x3f000000))
  const carried = g.op("i32x4.add", g.op("i32x4.sub", magnitude, g.i32x4(0x38000000 - 0xfff)), bitOf(g, magnitude, 13))
  const usual = g.op("i32x4.shr_u", carried, g.i32(13))
  const finite = g.op("v128.bitselect", small, usual, g.op("i32x4.lt_s", magnitude, g.i32x4(0x38800000)))
  const bounded = g.op("v128.bitselect", finite, g.i32x4(0x7c00), g.op("i32x4.lt_s", magnitude, g.i32x4(0x47800000)))
  const signed = g.op("v128.or", bounded, sign)
  return g.op("v128.bitselect", g.i32x4(0x7e00), signed, g.op("f32x4.ne", x, x))
}
