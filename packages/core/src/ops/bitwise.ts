/** Operations on the bits of integers; on bool they are the logical ones. */
import type { Args } from "../args.ts"
import { onlyIntegral, requireDtypes } from "../checks.ts"
import { DTYPES, type DType, isIntegral } from "../dtype.ts"
import { type Expr, where } from "../expr.ts"
import { Pointwise } from "../pointwise.ts"
import type { Operandish } from "../promotion.ts"
import type { Tensor } from "../tensor.ts"
import { type Applied, withInPlace } from "./pointwise-op.ts"

type Other = ["other", Operandish]
type Binary = (...args: Args<[Other]>) => Tensor
type BinaryFn = (input: Operandish, ...args: Args<[Other]>) => Tensor

export interface BitwiseMethods {
  /** ~input; logical on bool */
  bitwiseNot(): Tensor
  bitwiseNot_(): Tensor
  bitwiseAnd: Binary
  bitwiseAnd_: Binary
  bitwiseOr: Binary
  bitwiseOr_: Binary
  bitwiseXor: Binary
  bitwiseXor_: Binary
  /** input·2^other; a shift by the width or more, or by a negative number, leaves 0. */
  bitwiseLeftShift: Binary
  bitwiseLeftShift_: Binary
  /** ⌊input/2^other⌋, keeping the sign; a shift by the width or more, or by a negative number, leaves the sign alone. */
  bitwiseRightShift: Binary
  bitwiseRightShift_: Binary
}

const onlyIntegers = (dtype: DType): string | null =>
  isIntegral(dtype) ? null : `${dtype} is not supported, only integers`

const binary = (name: string, formula: (a: Expr, b: Expr) => Expr, refuse = onlyIntegral): [BinaryFn, BinaryFn] => {
  const own = new Pointwise(name, formula, { refuse })
  return withInPlace<BinaryFn>(`${name}(self, other)`, (a: Operandish, b: Operandish): Applied => [own, a, b])
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
export const [bitwiseNot, bitwiseNot_] = withInPlace<(input: Tensor) => Tensor>(
  "bitwiseNot(input)",
  (x: Tensor): Applied => {
    requireDtypes("bitwiseNot", [x], onlyIntegral)
    return [x.dtype === "bool" ? NOT_BOOL : NOT, x]
  },
)

export const bitwiseMethods = {
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
