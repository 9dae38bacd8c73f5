/**
 * Four elements at a time: how values of every type lie in vectors. A type of at most 32 bits takes one vector of four 32-bit
 * lanes, a type of 64 bits two vectors of two; bool is a mask (all bits of a lane, or none).
 */
import type { ScalarType } from "@taeda/core"
import type { Graph, Node } from "./graph.ts"

export type Lane = "f32" | "f64" | "i32" | "i64" | "mask"

/** Four elements. */
export interface Value {
  readonly lane: Lane
  /** One vector, or two of which the first holds elements 0 and 1. */
  readonly parts: readonly Node[]
}

/** The lanes in which a type is computed: half types in float32, small integers in 32 bits. */
export const LANE_OF: Readonly<Record<ScalarType, Lane>> = {
  float32: "f32",
  float16: "f32",
  bfloat16: "f32",
  float64: "f64",
  int8: "i32",
  uint8: "i32",
  int16: "i32",
  int32: "i32",
  uint32: "i32",
  int64: "i64",
  bool: "mask",
}

export const isWide = (lane: Lane): boolean => lane === "f64" || lane === "i64"

export const value = (lane: Lane, ...parts: readonly Node[]): Value => ({ lane, parts })

/** The same vector operation on every part. */
export const eachPart = (v: Value, lane: Lane, apply: (part: Node, k: number) => Node): Value => ({
  lane,
  parts: v.parts.map(apply),
})

/** Masks of 64-bit lanes as one mask of 32-bit lanes. */
export const narrowMask = (g: Graph, parts: readonly Node[]): Node =>
  parts.length === 1 ? parts[0] : g.shuffle(4, [0, 2, 4, 6], parts[0], parts[1])

/** A mask of 32-bit lanes for the parts of a value of `lane`. */
export const maskParts = (g: Graph, mask: Node, lane: Lane): readonly Node[] =>
  isWide(lane) ? [g.op("i64x2.extend_low_i32x4_s", mask), g.op("i64x2.extend_high_i32x4_s", mask)] : [mask]

/** `a` where the mask is set, else `b`. */
export function selectValue(g: Graph, mask: Node, a: Value, b: Value): Value {
  const masks = maskParts(g, mask, a.lane)
  return eachPart(a, a.lane, (part, k) => g.op("v128.bitselect", part, b.parts[k], masks[k]))
}

/** A constant in every lane; a bigint or integer for i64, 0 or 1 for masks. */
export function constantValue(g: Graph, lane: Lane, constant: number | bigint | boolean): Value {
  switch (lane) {
    case "f32":
      return value(lane, g.f32x4(Number(constant)))
    case "f64":
      return value(lane, g.f64x2(Number(constant)), g.f64x2(Number(constant)))
    case "i32":
      return value(lane, g.i32x4(Number(BigInt.asIntN(32, BigInt(constant)))))
    case "i64":
      return value(lane, g.i64x2(BigInt(constant)), g.i64x2(BigInt(constant)))
    case "mask":
      return value(lane, g.i32x4(Number(constant) !== 0 ? -1 : 0))
  }
}

/** The four lanes in another order; for 64-bit lanes the parts are mixed accordingly. */
export function permuteValue(g: Graph, v: Value, order: readonly [number, number, number, number]): Value {
  if (!isWide(v.lane)) return value(v.lane, g.shuffle(4, order, v.parts[0], v.parts[0]))
  const [a, b] = v.parts
  const half = (x: number, y: number): Node => g.shuffle(8, [x, y], a, b)
  return value(v.lane, half(order[0], order[1]), half(order[2], order[3]))
}
