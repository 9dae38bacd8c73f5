/** What loops load and store: four elements of any type, side by side, all the same, or anywhere, as nodes of a graph. */
import type { DType } from "@taeda/core"
import { type Code, laneAccess, store } from "./code.ts"
import { convertValue } from "./conversions.ts"
import type { Graph, Node } from "./graph.ts"
import { isHalf, narrowHalf, widenHalf } from "./half.ts"
import { LANE_OF, type Lane, type Value, value } from "./lanes.ts"
import { loadOfFour, loadOfOne, STORED, type Stored, signSuffix } from "./stored.ts"

/** Where four elements lie. Addresses count bytes. */
export type Reach =
  | { readonly kind: "unit"; readonly address: Node; readonly offset: number }
  | { readonly kind: "splat"; readonly address: Node }
  | { readonly kind: "lanes"; readonly addresses: readonly Node[] }

/** Sign-extends the low `bits` of every 32-bit lane. */
const extended = (g: Graph, x: Node, bits: number): Node =>
  g.op("i32x4.shr_s", g.op("i32x4.shl", x, g.i32(32 - bits)), g.i32(32 - bits))

type Load = (g: Graph, stored: Stored, reach: Reach) => readonly Node[]

const lanes = (g: Graph, width: 8 | 16 | 32, addresses: readonly Node[]): Node => {
  const first = width === 32 ? g.load("v128.load32_zero", addresses[0]) : undefined
  const step = 32 / width
  return addresses.reduce<Node>(
    (all, address, l) => (l === 0 && first ? first : g.loadLane(`v128.load${width}_lane`, address, all, l * step)),
    first ?? g.i32x4(0),
  )
}

const loadNarrow: Load = (g, stored, reach) => {
  if (reach.kind === "splat") return [g.op("i32x4.splat", g.load(loadOfOne(stored), reach.address))]
  if (reach.kind === "unit") {
    const { load, extensions } = loadOfFour(stored)
    return [extensions.reduce((x, extend) => g.op(extend, x), g.load(load, reach.address, reach.offset))]
  }
  const bits = stored.bytes === 1 ? 8 : 16
  const raw = lanes(g, bits, reach.addresses)
  return [stored.signed ? extended(g, raw, bits) : raw]
}

const LOADS: Readonly<Record<1 | 2 | 4 | 8, Load>> = {
  1: loadNarrow,
  2: loadNarrow,
  4: (g, _, reach) => {
    if (reach.kind === "splat") return [g.load("v128.load32_splat", reach.address)]
    if (reach.kind === "unit") return [g.load("v128.load", reach.address, reach.offset)]
    return [lanes(g, 32, reach.addresses)]
  },
  8: (g, _, reach) => {
    if (reach.kind === "splat") {
      const both = g.load("v128.load64_splat", reach.address)
      return [both, both]
    }
    if (reach.kind === "unit") return [0, 16].map((more) => g.load("v128.load", reach.address, reach.offset + more))
    const pair = (k: number): Node =>
      g.loadLane("v128.load64_lane", reach.addresses[k + 1], g.load("v128.load64_zero", reach.addresses[k]), 1)
    return [pair(0), pair(2)]
  },
}

/** Four elements, half types widened to float32, bool as a mask. */
export function loadElements(g: Graph, dtype: DType, reach: Reach): Value {
  const parts = LOADS[STORED[dtype].bytes](g, STORED[dtype], reach)
  if (isHalf(dtype)) return value("f32", widenHalf[dtype](g, parts[0]))
  if (dtype === "bool") return value("mask", g.op("i32x4.ne", parts[0], g.i32x4(0)))
  return value(LANE_OF[dtype], ...parts)
}

/** What is stored for a value: the bits of half types in 32-bit lanes, bool as 0 or 1. */
export function storable(g: Graph, dtype: DType, v: Value): readonly Node[] {
  if (isHalf(dtype)) {
    const single = v.lane === "f32" ? v : convertValue(g, v, nameOf(v.lane), "float32")
    return [narrowHalf[dtype](g, single.parts[0])]
  }
  if (dtype === "bool") return [g.op("v128.and", v.parts[0], g.i32x4(1))]
  return v.parts
}

/** The type that a lane is the natural place of. */
const NATURAL = { f32: "float32", f64: "float64", i32: "int32", i64: "int64", mask: "bool" } as const
const nameOf = (lane: Lane): (typeof NATURAL)[Lane] => NATURAL[lane]

/** Packs what is `storable` so that four elements lie side by side. */
export function packed(g: Graph, dtype: DType, parts: readonly Node[]): readonly Node[] {
  const stored = STORED[dtype]
  if (stored.bytes >= 4) return parts
  const [x] = parts
  const s = signSuffix(stored)
  if (stored.bytes === 2) return [g.op(`i16x8.narrow_i32x4_${s}`, x, x)]
  const words = g.op("i16x8.narrow_i32x4_s", x, x)
  return [g.op(`i8x16.narrow_i16x8_${s}`, words, words)]
}

/** Stores four elements that were `packed`. */
export function storeUnit(dtype: DType, address: Code, parts: readonly Code[], offset: number): Code[] {
  const { bytes } = STORED[dtype]
  if (bytes >= 4) return parts.map((part, k) => store("v128.store", address, part, offset + 16 * k))
  return [laneAccess(`v128.store${bytes * 32}_lane`, address, parts[0], 0, offset)]
}

/** Stores one of four elements that are `storable`. */
export function storeLane(dtype: DType, address: Code, parts: readonly Code[], lane: number): Code {
  const { bytes } = STORED[dtype]
  if (bytes === 8) return laneAccess("v128.store64_lane", address, parts[lane >> 1], lane & 1)
  return laneAccess(`v128.store${bytes * 8}_lane`, address, parts[0], lane * (4 / bytes))
}
