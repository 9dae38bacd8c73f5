/** The functions of real numbers, by the names of their primitives. */
import type { FloatPrimitive } from "@taeda/core"
import type { Graph, Node } from "./graph.ts"

/** Square roots are an instruction, and polygamma takes an order. */
export type MathName = Exclude<FloatPrimitive, "sqrt" | "polygamma"> | "pow" | "mod"

/** A function on one vector, or two. */
export type VectorFunction = (g: Graph, ...args: Node[]) => Node
