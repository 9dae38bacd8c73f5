/** The mathematical functions of floats that backends must have beyond the machine's own instructions. */
import type { Graph, Node } from "./graph.ts"

export type MathName =
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

/** A function on the lanes of one or two vectors. */
export type VectorMath = (g: Graph, ...args: Node[]) => Node
export type MathTable = Readonly<Record<MathName, VectorMath>>
