/** Operations on the bits of integers; on bool they are the logical ones. */
import { onlyIntegral, requireDtypes } from "../checks.ts"
import { DTYPES, type DType, isIntegral } from "../dtype.ts"
import { type Expr, where } from "../expr.ts"
import { Pointwise } from "../pointwise.ts"
import type { Operandish } from "../promotion.ts"
import type { Tensor } from "../tensor.ts"
import type { Binary, BinaryInPlace, Elementwise } from "../types/patterns.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { type Applied, withInPlace } from "./pointwise-op.ts"

export interface BitwiseOps {
  /** ~input; logical on bool */
  bitwiseNot: Elementwise<"integers", [], "bitwiseNot">
  bitwiseNot_: Elementwise
  /** The bits that both have; integers and bool only. */
  bitwiseAnd: Binary<"bitwiseAnd", "integers">
  bitwiseAnd_: BinaryInPlace<"bitwiseAnd">
  /** The bits that either has; integers and bool only. */
  bitwiseOr: Binary<"bitwiseOr", "integers">
  bitwiseOr_: BinaryInPlace<"bitwiseOr">
  /** The bits that one of both has; integers and bool only. */
  bitwiseXor: Binary<"bitwiseXor", "integers">
  bitwiseXor_: BinaryInPlace<"bitwiseXor">
  /** input·2^other; a shift by the width or more, or by a negative number, leaves 0. */
  bitwiseLeftShift: Binary<"bitwiseLeftShift", "integers">
  bitwiseLeftShift_: BinaryInPlace<"bitwiseLeftShift">
  /** ⌊input/2^other⌋, keeping the sign; a shift by the width or more, or by a negative number, leaves the sign alone. */
  bitwiseRightShift: Binary<"bitwiseRightShift", "integers">
  bitwiseRightShift_: BinaryInPlace<"bitwiseRightShift">
}

export interface BitwiseMethods extends MethodsOf<BitwiseOps> {}

const onlyIntegers = (dtype: DType): string | null =>
  isIntegral(dtype) ? null : `${dtype} is not supported, only integers`

type Name = "bitwiseAnd" | "bitwiseOr" | "bitwiseXor" | "bitwiseLeftShift" | "bitwiseRightShift"
const binary = <N extends Name>(
  name: N,
  formula: (a: Expr, b: Expr) => Expr,
  refuse = onlyIntegral,
): [FunctionOf<BitwiseOps[N]>, FunctionOf<BitwiseOps[`${N}_`]>] => {
  const own = new Pointwise(name, formula, { refuse })
  return withInPlace(`${name}(self, other)`, (a: Operandish, b: Operandish): Applied => [own, a, b])
}

const width = (a: Expr): number => 8 * DTYPES[a.dtype as DType].bytes
const outside = (a: Expr, b: Expr): Expr => b.lt(0).or(b.ge(width(a)))

export const [bitwiseAnd, bitwiseAnd_] = binary("bitwiseAnd", (a, b) => a.and(b))
export const [bitwiseOr, bitwiseOr_] = binary("bitwiseOr", (a, b) => a.or(b))
export const [bitwiseXor, bitwiseXor_] = binary("bitwiseXor", (a, b) => a.xor(b))
export const [bitwiseLeftShift, bitwiseLeftShift_] = binary(
  "bitwiseLeftShift",
  (a, b) => where(outside(a, b), 0, a.shl(where(outside(a, b), 0, b))),
  onlyIntegers,
)
export const [bitwiseRightShift, bitwiseRightShift_] = binary(
  "bitwiseRightShift",
  (a, b) =>
    DTYPES[a.dtype as DType].signed
      ? a.shr(where(outside(a, b), width(a) - 1, b))
      : where(outside(a, b), 0, a.shr(where(outside(a, b), 0, b))),
  onlyIntegers,
)

const NOT = new Pointwise("bitwiseNot", (x) => x.not())
/** bool computes in integers, where the complement of 1 is not 0. */
const NOT_BOOL = new Pointwise("bitwiseNot", (x) => x.not(), { slots: ["bool"], result: "bool" })
export const [bitwiseNot, bitwiseNot_] = withInPlace<
  FunctionOf<BitwiseOps["bitwiseNot"]>,
  FunctionOf<BitwiseOps["bitwiseNot_"]>
>("bitwiseNot(input)", (x: Tensor): Applied => {
  requireDtypes("bitwiseNot", [x], onlyIntegral)
  return [x.dtype === "bool" ? NOT_BOOL : NOT, x]
})

export const bitwiseMethods: Family = {
  bitwiseNot,
  bitwiseNot_,
  bitwiseAnd,
  bitwiseAnd_,
  bitwiseOr,
  bitwiseOr_,
  bitwiseXor,
  bitwiseXor_,
  bitwiseLeftShift,
  bitwiseLeftShift_,
  bitwiseRightShift,
  bitwiseRightShift_,
}
