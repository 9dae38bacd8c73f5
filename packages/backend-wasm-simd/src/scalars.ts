/** Launch arguments in vectors. */
import type { ScalarType } from "@taeda/core"
import type { Graph, Node } from "./graph.ts"
import { isHalf, narrowHalf, widenHalf } from "./half.ts"
import { LANE_OF, type Value, value } from "./lanes.ts"

/** A scalar of type `stored` that stands in the frame, in all lanes, for a leaf of type `dtype`. */
export function scalarValue(g: Graph, frame: Node, offset: number, stored: ScalarType, dtype: ScalarType): Value {
  const lane = LANE_OF[dtype]
  if (lane === "i64" || stored === "float64") {
    const both = g.load("v128.load64_splat", frame, offset)
    return value(lane, both, both)
  }
  const word = g.load("v128.load32_splat", frame, offset)
  if (lane === "mask") return value(lane, g.op("i32x4.ne", word, g.i32x4(0)))
  if (isHalf(stored)) return value(lane, widenHalf[stored](g, narrowHalf[stored](g, word)))
  return value(lane, word)
}
