/** What an expression costs, roughly: for deciding how to write loops and what is worth sharing among threads. */
import { type Expr, type Primitive, topological } from "@taeda/core"

/** Instructions of the primitives that take many. */
const COSTLY: Readonly<Partial<Record<Expr["op"], number>>> = {
  load: 8,
  div: 3,
  sqrt: 3,
  exp: 15,
  exp2: 15,
  expm1: 20,
  log: 20,
  log2: 20,
  log10: 20,
  log1p: 25,
  sin: 25,
  cos: 25,
  tan: 50,
  asin: 40,
  acos: 40,
  atan: 40,
  sinh: 40,
  cosh: 40,
  tanh: 25,
  sigmoid: 20,
  erf: 30,
  erfc: 80,
  erfinv: 300,
  lgamma: 200,
  polygamma: 300,
  pow: 60,
  atan2: 60,
  mod: 30,
} satisfies Partial<Record<Primitive | "load", number>>

/** Instructions for four elements. */
export const weigh = (roots: readonly Expr[]): number =>
  topological(roots).reduce((sum, node) => sum + (COSTLY[node.op] ?? 1), 0)
