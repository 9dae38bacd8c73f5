/** The functions of real numbers, by the names of their primitives. */
import type { Primitive } from "@taeda/core"
import type { Graph, Node } from "./graph.ts"

export type MathName = Extract<
  Primitive,
  | "exp"
  | "exp2"
  | "expm1"
  | "log"
  | "log2"
  | "log10"
  | "log1p"
  | "sin"
  | "cos"
  | "tan"
  | "asin"
  | "acos"
  | "atan"
  | "sinh"
  | "cosh"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "erfc"
  | "erfinv"
  | "lgamma"
  | "pow"
  | "atan2"
  | "mod"
>

/** A function on one vector, or two. */
export type VectorFunction = (g: Graph, ...args: Node[]) => Node
