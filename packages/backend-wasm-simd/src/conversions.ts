/** Conversions between types: by value (`cast`) and by bits (`bitcast`). */
import type { ScalarType } from "@taeda/core"
import { get } from "./assembler.ts"
import { f64, lane as laneCode, op } from "./code.ts"
import type { Graph, Node } from "./graph.ts"
import { isHalf, narrowHalf, widenHalf } from "./half.ts"
import { eachPart, LANE_OF, type Lane, maskParts, narrowMask, type Value, value } from "./lanes.ts"
import { wrapTo } from "./primitives.ts"

type Convert = (g: Graph, v: Value) => Value

/** The two halves of a vector of four 32-bit lanes, each in the lower half of a vector. */
const halves = (g: Graph, x: Node): readonly [Node, Node] => [x, g.shuffle(4, [2, 3, 2, 3], x, x)]

const widen =
  (lane: "f64" | "i64", low: string, high?: string): Convert =>
  (g, { parts: [x] }) =>
    high ? value(lane, g.op(low, x), g.op(high, x)) : value(lane, ...halves(g, x).map((half) => g.op(low, half)))

/** Any value but zero is true, NaN too. */
const truth =
  (ne: string, zero: (g: Graph) => Node): Convert =>
  (g, v) =>
    value(
      "mask",
      narrowMask(
        g,
        v.parts.map((p) => g.op(ne, p, zero(g))),
      ),
    )

/** One or zero, in lanes of any kind: the bits of one under the mask. */
const one =
  (lane: Lane, bits: (g: Graph) => Node): Convert =>
  (g, { parts: [mask] }) =>
    value(lane, ...maskParts(g, mask, lane).map((m) => g.op("v128.and", m, bits(g))))

const negateWhere = (g: Graph, x: Node, negative: Node): Node =>
  g.op("i32x4.sub", g.op("v128.xor", x, negative), negative)

/** Towards zero, modulo 2^32; what has no integer is 0. */
const float32ToInt32: Convert = (g, { parts: [x] }) => {
  const whole = g.op("f32x4.trunc", x)
  const cycles = g.op("f32x4.trunc", g.op("f32x4.mul", whole, g.f32x4(2 ** -32)))
  // Exact: what is taken away has no bits below those of the value.
  const rest = g.op("f32x4.sub", whole, g.op("f32x4.mul", cycles, g.f32x4(2 ** 32)))
  const magnitude = g.op("i32x4.trunc_sat_f32x4_u", g.op("f32x4.abs", rest))
  return value("i32", negateWhere(g, magnitude, g.op("f32x4.lt", rest, g.f32x4(0))))
}

const float64ToInt32: Convert = (g, { parts }) => {
  const [low, high] = parts.map((x) => {
    const whole = g.op("f64x2.trunc", x)
    const cycles = g.op("f64x2.floor", g.op("f64x2.mul", whole, g.f64x2(2 ** -32)))
    const rest = g.op("f64x2.sub", whole, g.op("f64x2.mul", cycles, g.f64x2(2 ** 32)))
    return g.op("i32x4.trunc_sat_f64x2_u_zero", rest)
  })
  return value("i32", g.shuffle(4, [0, 1, 4, 5], low, high))
}

/** Towards zero, modulo 2^64; what has no integer is 0. */
const float64ToInt64: Convert = (g, v) => {
  const convert = g.module.helper("int64 of f64x2", ["v128"], ["v128"], (f, x) => {
    const at = (k: number, from: typeof x) => laneCode("f64x2.extract_lane", k, get(from))
    const whole = f.let("v128", op("f64x2.trunc", get(x)))
    const splat = (n: number) => op("f64x2.splat", f64(n))
    const cycles = op("f64x2.trunc", op("f64x2.mul", get(whole), splat(2 ** -64)))
    const rest = f.let("v128", op("f64x2.sub", get(whole), op("f64x2.mul", cycles, splat(2 ** 64))))
    const magnitude = f.let("v128", op("f64x2.abs", get(rest)))
    const integer = (k: number) => op("i64.trunc_sat_f64_u", at(k, magnitude))
    const integers = f.let("v128", laneCode("i64x2.replace_lane", 1, op("i64x2.splat", integer(0)), integer(1)))
    const negative = f.let("v128", op("f64x2.lt", get(rest), splat(0)))
    f.push(op("i64x2.sub", op("v128.xor", get(integers), get(negative)), get(negative)))
  })
  return eachPart(v, "i64", (part) => g.call(convert, "v128", part))
}

const demote: Convert = (g, { parts: [a, b] }) =>
  value("f32", g.shuffle(4, [0, 1, 4, 5], g.op("f32x4.demote_f64x2_zero", a), g.op("f32x4.demote_f64x2_zero", b)))

const int64ToFloat64: Convert = (g, v) => {
  const convert = g.module.helper("f64x2 of int64", ["v128"], ["v128"], (f, x) => {
    const at = (k: number) => op("f64.convert_i64_s", laneCode("i64x2.extract_lane", k, get(x)))
    f.push(laneCode("f64x2.replace_lane", 1, op("f64x2.splat", at(0)), at(1)))
  })
  return eachPart(v, "f64", (part) => g.call(convert, "v128", part))
}

/** Rounds once: by way of doubles it would be twice. */
const int64ToFloat32: Convert = (g, { parts: [a, b] }) => {
  const convert = g.module.helper("f32x4 of int64", ["v128", "v128"], ["v128"], (f, x, y) => {
    const at = (v: typeof x, k: number) => op("f32.convert_i64_s", laneCode("i64x2.extract_lane", k, get(v)))
    const places = [at(x, 1), at(y, 0), at(y, 1)]
    f.push(
      places.reduce((all, code, k) => laneCode("f32x4.replace_lane", k + 1, all, code), op("f32x4.splat", at(x, 0))),
    )
  })
  return value("f32", g.call(convert, "v128", a, b))
}

const lowWords: Convert = (g, { parts: [a, b] }) => value("i32", g.shuffle(4, [0, 2, 4, 6], a, b))

const chain =
  (...steps: readonly Convert[]): Convert =>
  (g, v) =>
    steps.reduce((each, step) => step(g, each), v)

const promote = widen("f64", "f64x2.promote_low_f32x4")
const same: Convert = (_, v) => v

/** From lane to lane, integers being signed. */
const CONVERSIONS: Readonly<Record<Lane, Readonly<Record<Lane, Convert>>>> = {
  f32: {
    f32: same,
    f64: promote,
    i32: float32ToInt32,
    i64: chain(promote, float64ToInt64),
    mask: truth("f32x4.ne", (g) => g.f32x4(0)),
  },
  f64: {
    f32: demote,
    f64: same,
    i32: float64ToInt32,
    i64: float64ToInt64,
    mask: truth("f64x2.ne", (g) => g.f64x2(0)),
  },
  i32: {
    f32: (g, { parts: [x] }) => value("f32", g.op("f32x4.convert_i32x4_s", x)),
    f64: widen("f64", "f64x2.convert_low_i32x4_s"),
    i32: same,
    i64: widen("i64", "i64x2.extend_low_i32x4_s", "i64x2.extend_high_i32x4_s"),
    mask: truth("i32x4.ne", (g) => g.i32x4(0)),
  },
  i64: {
    f32: int64ToFloat32,
    f64: int64ToFloat64,
    i32: lowWords,
    i64: same,
    mask: truth("i64x2.ne", (g) => g.i64x2(0n)),
  },
  mask: {
    f32: one("f32", (g) => g.f32x4(1)),
    f64: one("f64", (g) => g.f64x2(1)),
    i32: one("i32", (g) => g.i32x4(1)),
    i64: one("i64", (g) => g.i64x2(1n)),
    mask: same,
  },
}

/** From uint32, where it differs. */
const FROM_UNSIGNED: Readonly<Partial<Record<Lane, Convert>>> = {
  f32: (g, { parts: [x] }) => value("f32", g.op("f32x4.convert_i32x4_u", x)),
  f64: widen("f64", "f64x2.convert_low_i32x4_u"),
  i64: widen("i64", "i64x2.extend_low_i32x4_u", "i64x2.extend_high_i32x4_u"),
}

/**
 * Conversion by value: to integers truncating and wrapping, to bool `!= 0`. `lane` is where the result goes, which for float32
 * may be doubles.
 */
export function convertValue(g: Graph, v: Value, from: ScalarType, to: ScalarType, lane: Lane = LANE_OF[to]): Value {
  const steps = (from === "uint32" && FROM_UNSIGNED[lane]) || CONVERSIONS[v.lane][lane]
  // PyTorch converts doubles and integers to half types through float32.
  if (isHalf(to)) {
    const single = ((from === "uint32" && FROM_UNSIGNED.f32) || CONVERSIONS[v.lane].f32)(g, v)
    if (from === to) return single
    return value("f32", widenHalf[to](g, narrowHalf[to](g, single.parts[0])))
  }
  const result = steps(g, v)
  return lane === "i32" ? eachPart(result, "i32", (p) => wrapTo(g, to, p)) : result
}

/** The same bits seen as another type of the same width. @throws TypeError for types of different widths. */
export function bitcastValue(g: Graph, v: Value, from: ScalarType, to: ScalarType): Value {
  // The bits of a float32 are those of the rounded value, even inside wide arithmetic.
  const exact = from === "float32" && v.lane === "f64" ? demote(g, v) : v
  const lane = LANE_OF[to]
  const wide = (l: Lane): boolean => l === "f64" || l === "i64"
  if (from !== to && (wide(exact.lane) !== wide(lane) || isHalf(from) || isHalf(to)))
    throw new TypeError(`wasm: no bitcast from ${from} to ${to}`)
  return value(lane, ...exact.parts)
}
