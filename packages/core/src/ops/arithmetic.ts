/** Arithmetic of two tensors, or of a tensor and a number, with broadcasting and promotion. One formula each. */
import { bind, entered, isOptions, type Signature } from "../args.ts"
import { type DType, isIntegral } from "../dtype.ts"
import { type Expr, where } from "../expr.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import { type Operandish, resultType } from "../promotion.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type { CastInto, Floated, HostNumber } from "../types/dtype.ts"
import type { Binary, BinaryInPlace, Other, Promotion } from "../types/patterns.ts"
import type { Arg, Broadcast, BroadcastInto, Ok, Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { isFloat } from "./formulas.ts"

export type RoundingMode = "trunc" | "floor" | null
export interface Alpha {
  alpha: number | bigint
}

interface Mode<M = RoundingMode> {
  roundingMode: M
}
/** Division of integers gives floats, but for the rounded ones. */
// biome-ignore lint/suspicious/noExplicitAny: a mode that only the run knows
type Divided<D, M> = [M] extends [null] ? Floated<D> : [M] extends ["trunc" | "floor"] ? D : any

interface Division<Op extends string> {
  method: DivisionMethod<Op>
  function: DivisionFunction<Op>
}
export type DivisionMethod<Op extends string> = <
  Self extends Tensor,
  S extends Shape = OwnShape<Self>,
  R extends Shape = [],
  E extends DType = never,
  V extends HostNumber = never,
  M extends RoundingMode = null,
>(
  this: Self,
  other: Arg<Broadcast<S, R, Op>, Other<R, E, V, "other", Mode<M>>>,
  options?: Partial<Mode<M>>,
) => Tensor<Ok<Broadcast<OwnShape<Self>, R, Op>>, Divided<Promotion<OwnShape<Self>, OwnDType<Self>, R, E, V>, M>>
export type DivisionFunction<Op extends string> = <
  S extends Shape = [],
  D extends DType = never,
  U extends HostNumber = never,
  R extends Shape = [],
  E extends DType = never,
  V extends HostNumber = never,
  M extends RoundingMode = null,
>(
  input: Tensor<S, D> | U,
  other: Arg<Broadcast<S, R, Op>, Other<R, E, V, "other", Mode<M>>>,
  options?: Partial<Mode<M>>,
) => Tensor<Ok<Broadcast<S, R, Op>>, Divided<Promotion<S, D, R, E, V, U>, M>>

interface DivisionInPlace {
  method: DivisionInPlaceMethod
  function: DivisionInPlaceFunction
}
export type DivisionInPlaceMethod = <
  Self extends Tensor,
  S extends Shape = OwnShape<Self>,
  D extends DType = OwnDType<Self>,
  R extends Shape = [],
  E extends DType = never,
  V extends HostNumber = never,
  M extends RoundingMode = null,
>(
  this: Self,
  other: Arg<
    CastInto<"div", Divided<Promotion<S, D, R, E, V>, M>, D, BroadcastInto<S, R, "div">>,
    Other<R, E, V, "other", Mode<M>>
  >,
  options?: Partial<Mode<M>>,
) => Tensor<OwnShape<Self>, OwnDType<Self>>
export type DivisionInPlaceFunction = <
  S extends Shape,
  D extends DType,
  R extends Shape = [],
  E extends DType = never,
  V extends HostNumber = never,
  M extends RoundingMode = null,
>(
  input: Tensor<S, D>,
  other: Arg<
    CastInto<"div", Divided<Promotion<S, D, R, E, V>, M>, D, BroadcastInto<S, R, "div">>,
    Other<R, E, V, "other", Mode<M>>
  >,
  options?: Partial<Mode<M>>,
) => Tensor<S, D>

export interface ArithmeticOps {
  /** input + alpha·other */
  add: Binary<"add", "promote", Alpha>
  add_: BinaryInPlace<"add", "promote", Alpha>
  /** input − alpha·other */
  sub: Binary<"sub", "subtracted", Alpha>
  sub_: BinaryInPlace<"sub", "subtracted", Alpha>
  /** Another name of `sub`. */
  subtract: Binary<"sub", "subtracted", Alpha>
  /** other − alpha·input */
  rsub: Binary<"rsub", "subtracted", Alpha>
  /** input · other, elementwise; dtypes are promoted and shapes broadcast. */
  mul: Binary<"mul">
  mul_: BinaryInPlace<"mul">
  /** Another name of `mul`. */
  multiply: Binary<"mul">
  /** input / other; integers give floats unless `roundingMode` is "trunc" or "floor". */
  div: Division<"div">
  div_: DivisionInPlace
  /** Another name of `div`. */
  divide: Division<"div">
  /** `div` without rounding; integers give floats. */
  trueDivide: Binary<"div", "float">
  trueDivide_: BinaryInPlace<"div", "float">
  /** ⌊input / other⌋ */
  floorDivide: Binary<"floorDivide">
  floorDivide_: BinaryInPlace<"floorDivide">
  /** The remainder with the sign of the divisor, as Python's `%`. */
  remainder: Binary<"remainder">
  remainder_: BinaryInPlace<"remainder">
  /** The remainder with the sign of the dividend, as C's `fmod`. */
  fmod: Binary<"fmod">
  fmod_: BinaryInPlace<"fmod">
}

export interface ArithmeticMethods extends MethodsOf<ArithmeticOps> {}

const noBool = (dtype: string): string | null =>
  dtype === "bool" ? "subtraction of bool tensors is not supported; use bitwiseXor or logicalXor" : null

const ADD = new Pointwise("add", (a, b) => a.add(b))
const ADD_ALPHA = new Pointwise("add", (a, b, alpha) => a.add(b.mul(alpha)))
const SUB = new Pointwise("sub", (a, b) => a.sub(b), { refuse: noBool })
const SUB_ALPHA = new Pointwise("sub", (a, b, alpha) => a.sub(b.mul(alpha)), { refuse: noBool })
const reversed = (gradName: string): readonly [Pointwise, Pointwise] => [
  new Pointwise("rsub", (a, b) => b.sub(a), { gradName, refuse: noBool }),
  new Pointwise("rsub", (a, b, alpha) => b.sub(a.mul(alpha)), { gradName, refuse: noBool }),
]
const RSUB = reversed("RsubBackward0")
const RSUB_NUMBER = reversed("RsubBackward1")
const MUL = new Pointwise("mul", (a, b) => a.mul(b))
const DIV = new Pointwise("div", (a, b) => a.div(b), { result: "float" })

/** Division of floats rounded down, exact where the quotient is, as Python's `//`. */
const floorDivision = (a: Expr, b: Expr): Expr => {
  if (!isFloat(a)) {
    const q = a.div(b)
    return where(
      a
        .mod(b)
        .eq(0)
        .not()
        .and(a.lt(0).xor(b.lt(0))),
      q.sub(1),
      q,
    )
  }
  const m = a.mod(b)
  const q = a.sub(m).div(b)
  const down = where(
    m
      .eq(0)
      .not()
      .and(b.lt(0).xor(m.lt(0))),
    q.sub(1),
    q,
  )
  const floor = down.floor()
  const rounded = where(down.sub(floor).gt(0.5), floor.add(1), floor)
  return where(b.eq(0), a.div(b), where(down.eq(0).not(), rounded, copysignZero(a.div(b))))
}

/** Zero with the sign of `x`. */
const copysignZero = (x: Expr): Expr => x.mul(0)

const zeroGradient: PointwiseOptions["gradient"] = () => [null, null]
const divByMode: PointwiseOptions = { gradName: "DivBackward2", gradient: zeroGradient }
const DIV_TRUNC = new Pointwise("div", (a, b) => (isFloat(a) ? a.div(b).trunc() : a.div(b)), divByMode)
const DIV_FLOOR = new Pointwise("div", floorDivision, divByMode)
const FLOOR_DIVIDE = new Pointwise("floorDivide", floorDivision, { gradient: zeroGradient, gradName: "NotImplemented" })

// PyTorch's nodes tell tensors from numbers.
const remainderOf = (gradName: string): Pointwise =>
  new Pointwise(
    "remainder",
    (a, b) => {
      const m = a.mod(b)
      return where(
        m
          .eq(0)
          .not()
          .and(m.lt(0).xor(b.lt(0))),
        m.add(b),
        m,
      )
    },
    { gradName, gradient: (g, [a, b]) => [g, g.neg().mul(floorDivision(a!, b!))] },
  )
const REMAINDER = remainderOf("RemainderBackward1")
const REMAINDER_NUMBER = remainderOf("RemainderBackward0")
const fmodOf = (gradName: string): Pointwise => new Pointwise("fmod", (a, b) => a.mod(b), { gradName })
const FMOD = fmodOf("FmodBackward1")
const FMOD_NUMBER = fmodOf("FmodBackward0")

const ALPHA = (name: string) => entered(`${name}(input, other, *, alpha?)`)
const OTHER = (name: string) => entered(`${name}(input, other)`)
const MODE = (name: string) => entered(`${name}(input, other, *, roundingMode?)`)

/** What to apply to `input` and `other`, and what follows them, by the argument after those. */
type Pick = (extra: unknown, input: Operandish, other: Operandish) => readonly [Pointwise, ...Operandish[]]

/** An op whose common call is `op(a, b)`: that one goes straight to the kernel of two tensors, or of a tensor and a number. */
function single<F>(s: Signature, pick: Pick, ofTensors: Pointwise, ofNumber = ofTensors): F {
  const call = (a: Tensor, b: Operandish, c?: unknown): Tensor => {
    if (c === undefined && !isOptions(b) && b !== undefined && a !== undefined)
      return (ofNumber === ofTensors || isTensor(b) ? ofTensors : ofNumber).call2(a, b)
    const [x, y, extra] = bind(s, c !== undefined ? [a, b, c] : isOptions(a) ? [a] : [a, b]) as [
      Tensor,
      Operandish,
      unknown,
    ]
    const [op, ...more] = pick(extra, x, y)
    return op.call(x, y, ...more)
  }
  return Object.defineProperty(call, "name", { value: s.name }) as F
}

function changing<F>(s: Signature, pick: Pick): F {
  const call = (...args: unknown[]): Tensor => {
    const [x, y, extra] = bind(s, args) as [Tensor, Operandish, unknown]
    const [op, ...more] = pick(extra, x, y)
    return op.callInPlace(x, y, ...more)
  }
  return Object.defineProperty(call, "name", { value: s.name }) as F
}

/** Both forms. */
const pair = <N extends "add" | "sub" | "mul" | "div" | "trueDivide" | "floorDivide" | "remainder" | "fmod">(
  name: N,
  signature: (name: string) => Signature,
  pick: Pick,
  ofTensors: Pointwise,
  ofNumber?: Pointwise,
): [FunctionOf<ArithmeticOps[N]>, FunctionOf<ArithmeticOps[`${N}_`]>] => [
  single(signature(name), pick, ofTensors, ofNumber),
  changing(signature(`${name}_`), pick),
]

const plain =
  (ofTensors: Pointwise, ofNumber = ofTensors): Pick =>
  (_, __, other) => [isTensor(other) ? ofTensors : ofNumber]

const withAlpha =
  (simple: Pointwise, scaled: Pointwise): Pick =>
  (alpha, input, other) => {
    if (alpha === undefined || alpha === 1) return [simple]
    if (typeof alpha !== "number" && typeof alpha !== "bigint")
      throw new TypeError(`${simple.name}: alpha must be a number, got ${String(alpha)}`)
    if (!Number.isInteger(Number(alpha)) && isIntegral(resultType(input, other), true))
      throw new TypeError(
        `${simple.name}: for integral input tensors, argument alpha must not be a floating point number, got ${alpha}; convert with x.to("float32")`,
      )
    return [scaled, alpha]
  }

const MODES = new Map<unknown, Pointwise>([
  [undefined, DIV],
  [null, DIV],
  ["trunc", DIV_TRUNC],
  ["floor", DIV_FLOOR],
])
const byMode: Pick = (mode) => {
  const op = MODES.get(mode)
  if (!op)
    throw new RangeError(
      `div: expected roundingMode to be one of null, "trunc", or "floor" but found ${JSON.stringify(mode)}`,
    )
  return [op]
}

export const [add, add_] = pair("add", ALPHA, withAlpha(ADD, ADD_ALPHA), ADD)
export const [sub, sub_] = pair("sub", ALPHA, withAlpha(SUB, SUB_ALPHA), SUB)
export const rsub = single<FunctionOf<ArithmeticOps["rsub"]>>(
  ALPHA("rsub"),
  (alpha, input, other) => withAlpha(...(isTensor(other) ? RSUB : RSUB_NUMBER))(alpha, input, other),
  RSUB[0],
  RSUB_NUMBER[0],
)
export const [mul, mul_] = pair("mul", OTHER, plain(MUL), MUL)
export const [div, div_] = pair("div", MODE, byMode, DIV)
export const [trueDivide, trueDivide_] = pair("trueDivide", OTHER, plain(DIV), DIV)
export const [floorDivide, floorDivide_] = pair("floorDivide", OTHER, plain(FLOOR_DIVIDE), FLOOR_DIVIDE)
export const [remainder, remainder_] = pair(
  "remainder",
  OTHER,
  plain(REMAINDER, REMAINDER_NUMBER),
  REMAINDER,
  REMAINDER_NUMBER,
)
export const [fmod, fmod_] = pair("fmod", OTHER, plain(FMOD, FMOD_NUMBER), FMOD, FMOD_NUMBER)

export const arithmeticMethods: Family = {
  add,
  add_,
  sub,
  sub_,
  subtract: sub,
  rsub,
  mul,
  mul_,
  multiply: mul,
  div,
  div_,
  divide: div,
  trueDivide,
  trueDivide_,
  floorDivide,
  floorDivide_,
  remainder,
  remainder_,
  fmod,
  fmod_,
}
