/** Choosing elementwise: where, clamp, maskedFill, ... */
import { op } from "../args.ts"
import { noBool, requireMask, requireRepresentable } from "../checks.ts"
import { type DType, getDefaultDtype } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { where as choose, type Expr } from "../expr.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import { asStored, type Operandish, resultType } from "../promotion.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type { Binary, BinaryInPlace } from "../types/patterns.ts"
import type { MaskedFill } from "../types/reading-signatures.ts"
import type { Clamp, ClampInPlace, Where } from "../types/selection-signatures.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { to } from "./conversion.ts"
import { filled } from "./creation.ts"
import { type Applied, withInPlace } from "./pointwise-op.ts"

type Bound = Operandish | null

export interface SelectionOps {
  /** This tensor where `condition` (bool), elsewhere `other`; all broadcast. */
  where: Where
  /** min(max(input, min), max); bounds are numbers or tensors, null leaves one out. The gradient passes at the bounds. */
  clamp: Clamp
  clamp_: ClampInPlace
  /** Another name of `clamp`. */
  clip: Clamp
  clip_: ClampInPlace
  /** max(input, min), elementwise; NaN stays. */
  clampMin: Binary<"clampMin", "promote", unknown, "min">
  clampMin_: BinaryInPlace<"clampMin", "promote", unknown, "min">
  /** min(input, max), elementwise; NaN stays. */
  clampMax: Binary<"clampMax", "promote", unknown, "max">
  clampMax_: BinaryInPlace<"clampMax", "promote", unknown, "max">
  /** `value`, a number or a 0-d tensor, where `mask` (bool) is true. Keeps the input's dtype. */
  maskedFill: MaskedFill<"maskedFill", Operandish>
  maskedFill_: MaskedFill<"maskedFill_", Operandish>
}

export interface SelectionMethods extends MethodsOf<SelectionOps> {}

// ---- where ----

const WHERE = new Pointwise("where", (condition, a, b) => choose(condition, a, b), {
  slots: ["bool", "value", "value"],
})

/** Numbers alone make the default float, booleans alone bool. */
function numbersDtype(a: Operandish, b: Operandish): DType {
  const kinds = [typeof a, typeof b]
  if (kinds.every((k) => k === "boolean")) return "bool"
  return kinds.every((k) => k === "bigint") ? "int64" : getDefaultDtype()
}

function select(condition: Tensor, a: Operandish, b: Operandish): Tensor {
  if (!isTensor(condition) || (condition.dtype !== "bool" && condition.dtype !== "uint8"))
    throw new TypeError(`where: expected condition to be a bool tensor, but got ${valueText(condition)}`)
  for (const value of [a, b]) requireRepresentable("where", value, resultType(a, b))
  const first = isTensor(a) || isTensor(b) ? a : filled(condition.device, [], a as number, numbersDtype(a, b))
  return WHERE.call(condition, first, b)
}

const whereMethod = op<(x: Tensor, condition: Tensor, other: Operandish) => Tensor>(
  "where(input, condition, other)",
  (x: Tensor, condition: Tensor, other: Operandish) => select(condition, x, other),
)
/**
 * `input` where `condition` is true, elsewhere `other`: tensors or numbers, broadcast together. Numbers alone make the
 * default float. `condition` is bool (or uint8, as in PyTorch).
 */
export const where: Where["function"] = op("where(condition, input, other)", select)

// ---- clamp ----

const LOW = (x: Expr, min: Expr): Expr => x.max(min)
const HIGH = (x: Expr, max: Expr): Expr => x.min(max)
const BOTH = (x: Expr, min: Expr, max: Expr): Expr => x.max(min).min(max)
const keep = (g: Expr, kept: Expr): Expr => choose(kept, g, 0)
const lowGradient: PointwiseOptions["gradient"] = (g, [x, min]) => [keep(g, x!.ge(min!)), keep(g, x!.lt(min!))]
const highGradient: PointwiseOptions["gradient"] = (g, [x, max]) => [keep(g, x!.le(max!)), keep(g, x!.gt(max!))]
const bothGradient: PointwiseOptions["gradient"] = (g, [x, min, max]) => [
  keep(g, x!.ge(min!).and(x!.le(max!))),
  keep(g, min!.lt(max!).and(x!.lt(min!))),
  keep(g, x!.gt(max!).or(max!.lt(min!))),
]

/** A clamp by numbers and a clamp by tensors, which PyTorch's nodes tell apart. */
interface Pair {
  readonly numbers: Pointwise
  readonly tensors: Pointwise
}
const pair = (
  name: string,
  formula: (...args: Expr[]) => Expr,
  gradient: PointwiseOptions["gradient"],
  numbers: string,
  tensors: string,
): Pair => ({
  numbers: new Pointwise(name, formula, { gradient, gradName: numbers, refuse: noBool }),
  tensors: new Pointwise(name, formula, { gradient, gradName: tensors, ...(formula === BOTH && { refuse: noBool }) }),
})
const clampPair = (formula: (...args: Expr[]) => Expr, gradient: PointwiseOptions["gradient"]): Pair =>
  pair("clamp", formula, gradient, "ClampBackward1", "ClampBackward0")
const CLAMP_LOW = clampPair(LOW, lowGradient)
const CLAMP_HIGH = clampPair(HIGH, highGradient)
const CLAMP = clampPair(BOTH, bothGradient)
const CLAMP_MIN = pair("clampMin", LOW, lowGradient, "ClampMinBackward0", "ClampMinBackward1")
const CLAMP_MAX = pair("clampMax", HIGH, highGradient, "ClampMaxBackward0", "ClampMaxBackward1")

function pickClamp(by: Pair, x: Tensor, ...bounds: Operandish[]): Applied {
  for (const bound of bounds) requireRepresentable(by.numbers.name, bound, resultType(x, ...bounds))
  return [bounds.some(isTensor) ? by.tensors : by.numbers, x, ...bounds]
}

export const [clamp, clamp_] = withInPlace<FunctionOf<SelectionOps["clamp"]>, FunctionOf<SelectionOps["clamp_"]>>(
  "clamp(input, min?, max?)",
  (x: Tensor, min: Bound = null, max: Bound = null): Applied => {
    if (min === null && max === null)
      throw new TypeError(`clamp: at least one of min or max must be given (${tensorText(x)})`)
    if (min === null) return pickClamp(CLAMP_HIGH, x, max!)
    return max === null ? pickClamp(CLAMP_LOW, x, min) : pickClamp(CLAMP, x, min, max)
  },
)
export const [clip, clip_] = [clamp, clamp_]
export const [clampMin, clampMin_] = withInPlace<
  FunctionOf<SelectionOps["clampMin"]>,
  FunctionOf<SelectionOps["clampMin_"]>
>("clampMin(input, min)", (x: Tensor, min: Operandish): Applied => pickClamp(CLAMP_MIN, x, min))
export const [clampMax, clampMax_] = withInPlace<
  FunctionOf<SelectionOps["clampMax"]>,
  FunctionOf<SelectionOps["clampMax_"]>
>("clampMax(input, max)", (x: Tensor, max: Operandish): Applied => pickClamp(CLAMP_MAX, x, max))

// ---- maskedFill ----

const FILL: PointwiseOptions = { slots: ["value", "bool", "value"] }
const fill = (x: Expr, mask: Expr, value: Expr): Expr => choose(mask, value, x)
const FILL_NUMBER = new Pointwise("maskedFill", fill, { ...FILL, gradName: "MaskedFillBackward0" })
const FILL_TENSOR = new Pointwise("maskedFill", fill, { ...FILL, gradName: "MaskedFillBackward1" })

export const [maskedFill, maskedFill_] = withInPlace<
  FunctionOf<SelectionOps["maskedFill"]>,
  FunctionOf<SelectionOps["maskedFill_"]>
>("maskedFill(input, mask, value)", (x: Tensor, mask: Tensor, value: Operandish): Applied => {
  requireMask("maskedFill", x, mask)
  if (isTensor(value)) {
    if (value.ndim > 0)
      throw new RangeError(
        `maskedFill: only supports a 0-dimensional value tensor, but got shape ${shapeText(value.shape)}; use where(mask, value, input)`,
      )
    return [FILL_TENSOR, x, mask, to(value, x.dtype)]
  }
  if (!["number", "bigint", "boolean"].includes(typeof value))
    throw new TypeError(`maskedFill: expected value to be a number or a 0-d tensor, but got ${valueText(value)}`)
  requireRepresentable("maskedFill", value, x.dtype)
  return [FILL_NUMBER, x, mask, asStored(value, x.dtype)]
})

export const selectionMethods: Family = {
  where: whereMethod,
  clamp,
  clamp_,
  clip,
  clip_,
  clampMin,
  clampMin_,
  clampMax,
  clampMax_,
  maskedFill,
  maskedFill_,
}
