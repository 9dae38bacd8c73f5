/** Comparisons and logic: bool results. */
import { type Args, op } from "../args.ts"
import { requireOneDtype, requireTensor } from "../checks.ts"
import { type DType, getDefaultDtype, isFloating } from "../dtype.ts"
import { valueText } from "../errors.ts"
import type { Expr } from "../expr.ts"
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from "../half.ts"
import { Pointwise } from "../pointwise.ts"
import { type Operandish, resultType } from "../promotion.ts"
import { broadcastSizes, sameSizes } from "../shape.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type { OneDType } from "../types/dtype.ts"
import type { Binary, BinaryInPlace, Elementwise } from "../types/patterns.ts"
import type { Arg, Broadcast, Ok, Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { to } from "./conversion.ts"
import { item, itemSync } from "./host.ts"
import { type Applied, withInPlace } from "./pointwise-op.ts"
import { all } from "./reduction.ts"

interface Tolerance {
  rtol: number
  atol: number
  equalNan: boolean
}
type ToleranceArgs = Args<[["rtol", number], ["atol", number], ["equalNan", boolean]]>

/** Two tensors of one dtype that broadcast; `Out` is the result where it is not a tensor. */
interface Closeness<Op extends string = "isclose", Out = never> {
  method: ClosenessMethod<Op, Out>
  function: ClosenessFunction<Op, Out>
}
export type ClosenessMethod<Op extends string = "isclose", Out = never> = <
  Self extends Tensor,
  S extends Shape = OwnShape<Self>,
  D extends DType = OwnDType<Self>,
  R extends Shape = Shape,
  E extends DType = DType,
>(
  this: Self,
  other: Arg<
    OneDType<Op, S, D, R, E, Broadcast<S, R, Op>>,
    Tensor<R, E> | ({ other: Tensor<R, E> } & Partial<Tolerance>)
  >,
  ...tolerance: ToleranceArgs
) => [Out] extends [never] ? Tensor<Ok<Broadcast<OwnShape<Self>, R, Op>>, "bool"> : Out
export type ClosenessFunction<Op extends string = "isclose", Out = never> = <
  S extends Shape,
  D extends DType,
  R extends Shape,
  E extends DType,
>(
  input: Tensor<S, D>,
  other: Arg<
    OneDType<Op, S, D, R, E, Broadcast<S, R, Op>>,
    Tensor<R, E> | ({ other: Tensor<R, E> } & Partial<Tolerance>)
  >,
  ...tolerance: ToleranceArgs
) => [Out] extends [never] ? Tensor<Ok<Broadcast<S, R, Op>>, "bool"> : Out

interface Equality<Out> {
  method: EqualityMethod<Out>
  function: EqualityFunction<Out>
}
export type EqualityMethod<Out> = (this: Tensor, other: Tensor | { other: Tensor }) => Out
export type EqualityFunction<Out> = (input: Tensor, other: Tensor | { other: Tensor }) => Out

export interface ComparisonOps {
  /** input = other, elementwise, as bool; integers against a number that is none compare as floats. */
  eq: Binary<"eq", "bool">
  eq_: BinaryInPlace<"eq", "bool">
  /** input ≠ other, elementwise, as bool; NaN differs from everything. */
  ne: Binary<"ne", "bool">
  ne_: BinaryInPlace<"ne", "bool">
  /** Another name of `ne`. */
  notEqual: Binary<"ne", "bool">
  notEqual_: BinaryInPlace<"ne", "bool">
  /** input < other, elementwise, as bool; shapes are broadcast. */
  lt: Binary<"lt", "bool">
  lt_: BinaryInPlace<"lt", "bool">
  /** Another name of `lt`. */
  less: Binary<"lt", "bool">
  less_: BinaryInPlace<"lt", "bool">
  /** input ≤ other, elementwise, as bool; shapes are broadcast. */
  le: Binary<"le", "bool">
  le_: BinaryInPlace<"le", "bool">
  /** Another name of `le`. */
  lessEqual: Binary<"le", "bool">
  lessEqual_: BinaryInPlace<"le", "bool">
  /** input > other, elementwise, as bool; shapes are broadcast. */
  gt: Binary<"gt", "bool">
  gt_: BinaryInPlace<"gt", "bool">
  /** Another name of `gt`. */
  greater: Binary<"gt", "bool">
  greater_: BinaryInPlace<"gt", "bool">
  /** input ≥ other, elementwise, as bool; shapes are broadcast. */
  ge: Binary<"ge", "bool">
  ge_: BinaryInPlace<"ge", "bool">
  /** Another name of `ge`. */
  greaterEqual: Binary<"ge", "bool">
  greaterEqual_: BinaryInPlace<"ge", "bool">
  /** Of any dtypes; what is not 0, NaN included, counts as true. */
  logicalAnd: Binary<"logicalAnd", "bool">
  logicalAnd_: BinaryInPlace<"logicalAnd", "bool">
  /** Whether either is not 0, as bool. */
  logicalOr: Binary<"logicalOr", "bool">
  logicalOr_: BinaryInPlace<"logicalOr", "bool">
  /** Whether one of both is not 0, as bool. */
  logicalXor: Binary<"logicalXor", "bool">
  logicalXor_: BinaryInPlace<"logicalXor", "bool">
  /** Whether an element is 0, as bool. */
  logicalNot: Elementwise<"bool">
  logicalNot_: Elementwise
  /** |input − other| ≤ atol + rtol·|other|, elementwise; NaNs are close when `equalNan`. Both of one dtype. */
  isclose: Closeness
  /** Whether all elements are close. */
  allclose: Closeness<"allclose", Promise<boolean>>
  allcloseSync: Closeness<"allcloseSync", boolean>
  /** Whether both have one shape and equal elements; NaN equals nothing. */
  equal: Equality<Promise<boolean>>
  equalSync: Equality<boolean>
}

export interface ComparisonMethods extends MethodsOf<ComparisonOps> {}

const ROUNDED: Partial<Record<DType, (x: number) => number>> = {
  float16: (x) => float16ToNumber(numberToFloat16(x)),
  bfloat16: (x) => bfloat16ToNumber(numberToBfloat16(x)),
}

/** Operands as the common dtype holds them: half types compute in float32, where 0.1 is another number. */
function settled(a: Operandish, b: Operandish): [Operandish, Operandish] {
  const dtype = resultType(a, b)
  const round = ROUNDED[dtype]
  if (!round) return [a, b]
  const settle = (x: Operandish): Operandish =>
    isTensor(x) ? (x.dtype === dtype || !isFloating(x.dtype) ? x : to(x, dtype)) : round(Number(x))
  return [settle(a), settle(b)]
}

type Two<N extends keyof ComparisonOps & string> = [
  FunctionOf<ComparisonOps[N]>,
  `${N}_` extends keyof ComparisonOps ? FunctionOf<ComparisonOps[`${N}_`]> : never,
]

function comparison<N extends "eq" | "ne" | "lt" | "le" | "gt" | "ge">(
  name: N,
  formula: (a: Expr, b: Expr) => Expr,
): Two<N> {
  const own = new Pointwise(name, formula, { result: "bool" })
  return withInPlace(
    `${name}(input, other)`,
    (a: Operandish, b: Operandish): Applied => [own, ...settled(a, b)],
  ) as unknown as Two<N>
}

export const [eq, eq_] = comparison("eq", (a, b) => a.eq(b))
export const [ne, ne_] = comparison("ne", (a, b) => a.ne(b))
export const [lt, lt_] = comparison("lt", (a, b) => a.lt(b))
export const [le, le_] = comparison("le", (a, b) => a.le(b))
export const [gt, gt_] = comparison("gt", (a, b) => a.gt(b))
export const [ge, ge_] = comparison("ge", (a, b) => a.ge(b))
export const [notEqual, notEqual_, less, less_, lessEqual, lessEqual_] = [ne, ne_, lt, lt_, le, le_]
export const [greater, greater_, greaterEqual, greaterEqual_] = [gt, gt_, ge, ge_]

function logical<N extends "logicalAnd" | "logicalOr" | "logicalXor">(
  name: N,
  formula: (a: Expr, b: Expr) => Expr,
): Two<N> {
  const own = new Pointwise(name, formula, { result: "bool", slots: ["bool", "bool"] })
  return withInPlace(
    `${name}(input, other)`,
    (a: Operandish, b: Operandish): Applied => [own, a, b],
  ) as unknown as Two<N>
}

export const [logicalAnd, logicalAnd_] = logical("logicalAnd", (a, b) => a.and(b))
export const [logicalOr, logicalOr_] = logical("logicalOr", (a, b) => a.or(b))
export const [logicalXor, logicalXor_] = logical("logicalXor", (a, b) => a.xor(b))

const NOT = new Pointwise("logicalNot", (x) => x.not(), { result: "bool", slots: ["bool"] })
export const [logicalNot, logicalNot_] = withInPlace<
  FunctionOf<ComparisonOps["logicalNot"]>,
  FunctionOf<ComparisonOps["logicalNot_"]>
>("logicalNot(input)", (x: Tensor): Applied => [NOT, x])

const close = (a: Expr, b: Expr, rtol: Expr, atol: Expr): Expr => {
  const distance = a.sub(b).abs()
  // An infinite distance is never small enough, even where what is allowed is infinite too.
  const near = distance.lt(Number.POSITIVE_INFINITY).and(distance.le(atol.add(rtol.mul(b).abs())))
  return a.eq(b).or(near)
}
const CLOSE = new Pointwise("isclose", close, { result: "bool" })
const CLOSE_NAN = new Pointwise("isclose", (a, b, rtol, atol) => close(a, b, rtol, atol).or(a.isnan().and(b.isnan())), {
  result: "bool",
})

/** Integers and bool are compared as floats, as in PyTorch. */
const floating = (x: Tensor): Tensor => (isFloating(x.dtype) ? x : to(x, getDefaultDtype()))

type CloseArguments = [a: Tensor, b: Tensor, rtol?: number, atol?: number, equalNan?: boolean]

/** `isclose` for the op of that name, which its errors mention. */
function closeness(name: string, [a, b, rtol = 1e-5, atol = 1e-8, equalNan = false]: CloseArguments): Tensor {
  requireTensor(name, "other", b)
  requireOneDtype(name, a, b)
  broadcastSizes(name, a.shape, b.shape)
  for (const [option, value] of Object.entries({ rtol, atol }))
    if (!(value >= 0))
      throw new RangeError(`${name}: ${option} must be greater than or equal to zero, but got ${valueText(value)}`)
  return (equalNan ? CLOSE_NAN : CLOSE).call(floating(a), floating(b), rtol, atol)
}

const read = async (x: Tensor): Promise<boolean> => (await item<boolean>(x)) === true
const readSync = (x: Tensor): boolean => itemSync<boolean>(x) === true

const CLOSE_ARGS = "(input, other, rtol?, atol?, equalNan?)"
export const isclose: FunctionOf<ComparisonOps["isclose"]> = op(`isclose${CLOSE_ARGS}`, (...args: CloseArguments) =>
  closeness("isclose", args),
)
export const allclose: FunctionOf<ComparisonOps["allclose"]> = op(
  `allclose${CLOSE_ARGS}`,
  async (...args: CloseArguments) => read(all(closeness("allclose", args))),
)
export const allcloseSync: FunctionOf<ComparisonOps["allcloseSync"]> = op(
  `allcloseSync${CLOSE_ARGS}`,
  (...args: CloseArguments) => readSync(all(closeness("allcloseSync", args))),
)

const allEqual = (a: Tensor, b: Tensor): Tensor => all(eq(a, b))
export const equal: FunctionOf<ComparisonOps["equal"]> = op(
  "equal(input, other)",
  async (a: Tensor, b: Tensor) => sameSizes(a.shape, b.shape) && read(allEqual(a, b)),
)
export const equalSync: FunctionOf<ComparisonOps["equalSync"]> = op(
  "equalSync(input, other)",
  (a: Tensor, b: Tensor) => sameSizes(a.shape, b.shape) && readSync(allEqual(a, b)),
)

export const comparisonMethods: Family = {
  eq,
  eq_,
  ne,
  ne_,
  notEqual,
  notEqual_,
  lt,
  lt_,
  less,
  less_,
  le,
  le_,
  lessEqual,
  lessEqual_,
  gt,
  gt_,
  greater,
  greater_,
  ge,
  ge_,
  greaterEqual,
  greaterEqual_,
  logicalAnd,
  logicalAnd_,
  logicalOr,
  logicalOr_,
  logicalXor,
  logicalXor_,
  logicalNot,
  logicalNot_,
  isclose,
  allclose,
  allcloseSync,
  equal,
  equalSync,
}
