/** Formulas that ops of several families are made of. */
import type { Expr } from "../expr.ts"
import { Pointwise } from "../pointwise.ts"

/** Whether an expression is computed in a floating type; kernels see half types widened. */
export const isFloat = (e: Expr): boolean => e.dtype === "float32" || e.dtype === "float64"

/** Less than zero by its sign bit; in float64, which no backend has without IEEE's divisions, by 1/−0. */
export const signBit = (x: Expr): Expr => {
  if (x.dtype === "float32") return x.bitcast("int32").lt(0)
  return isFloat(x) ? x.lt(0).or(x.eq(0).and(x.reciprocal().lt(0))) : x.lt(0)
}

/** log sigmoid(x), without overflow. */
export const logSigmoid = (x: Expr): Expr => x.min(0).sub(x.abs().neg().exp().log1p())

/** At least `least`, with the gradient of what is not bounded: PyTorch's `clamp_` of a clone without recording. */
export const BOUNDED = new Pointwise("clone", (x, least) => x.max(least), { gradient: (g) => [g, null] })
