/** Arithmetic of two tensors, or of a tensor and a number, with broadcasting and promotion. One formula each. */
import { type Args, bind, CATALOGUE, isOptions, parseSignature, type Signature } from "../args.ts"
import { isIntegral } from "../dtype.ts"
import { type Expr, where } from "../expr.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import { type Operandish, resultType } from "../promotion.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import { isFloat } from "./formulas.ts"

type Other = ["other", Operandish]
type Binary = (...args: Args<[Other]>) => Tensor
type WithAlpha = (...args: Args<[Other], { alpha: number }>) => Tensor
export type RoundingMode = "trunc" | "floor" | null
type Division = (...args: Args<[Other], { roundingMode: RoundingMode }>) => Tensor

export interface ArithmeticMethods {
  /** input + alpha·other */
  add: WithAlpha
  add_: WithAlpha
  /** input − alpha·other */
  sub: WithAlpha
  sub_: WithAlpha
  subtract: WithAlpha
  /** other − alpha·input */
  rsub: WithAlpha
  mul: Binary
  mul_: Binary
  multiply: Binary
  /** input / other; integers give floats unless `roundingMode` is "trunc" or "floor". */
  div: Division
  div_: Division
  divide: Division
  trueDivide: Binary
  trueDivide_: Binary
  /** ⌊input / other⌋ */
  floorDivide: Binary
  floorDivide_: Binary
  /** The remainder with the sign of the divisor, as Python's `%`. */
  remainder: Binary
  remainder_: Binary
  /** The remainder with the sign of the dividend, as C's `fmod`. */
  fmod: Binary
  fmod_: Binary
}

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

const ALPHA = (name: string) => parseSignature(`${name}(input, other, *, alpha?)`)
const OTHER = (name: string) => parseSignature(`${name}(input, other)`)
const MODE = (name: string) => parseSignature(`${name}(input, other, *, roundingMode?)`)

type InPlace = (input: Tensor, ...args: unknown[]) => Tensor

/** What to apply to `input` and `other`, and what follows them, by the argument after those. */
type Pick = (extra: unknown, input: Operandish, other: Operandish) => readonly [Pointwise, ...Operandish[]]

/** An op whose common call is `op(a, b)`: that one goes straight to the kernel of two tensors, or of a tensor and a number. */
function single<F>(name: string, s: Signature, pick: Pick, ofTensors: Pointwise, ofNumber = ofTensors): F {
  CATALOGUE.set(name, s)
  const call = (a: Tensor, b: Operandish, c?: unknown): Tensor => {
    if (c === undefined && !isOptions(b) && b !== undefined && a !== undefined)
      return (ofNumber === ofTensors || isTensor(b) ? ofTensors : ofNumber).call2(a, b)
    const [x, y, extra] = bind(s, c === undefined ? [a, b] : [a, b, c]) as [Tensor, Operandish, unknown]
    const [op, ...more] = pick(extra, x, y)
    return op.call(x, y, ...more)
  }
  return Object.defineProperty(call, "name", { value: name }) as F
}

function changing(name: string, s: Signature, pick: Pick): InPlace {
  CATALOGUE.set(name, s)
  const call: InPlace = (...args) => {
    const [x, y, extra] = bind(s, args) as [Tensor, Operandish, unknown]
    const [op, ...more] = pick(extra, x, y)
    return op.callInPlace(x, y, ...more)
  }
  return Object.defineProperty(call, "name", { value: name })
}

/** Both forms. */
const pair = <F>(
  name: string,
  signature: (name: string) => Signature,
  pick: Pick,
  ofTensors: Pointwise,
  ofNumber?: Pointwise,
): [F, InPlace] => [
  single<F>(name, signature(name), pick, ofTensors, ofNumber),
  changing(`${name}_`, signature(`${name}_`), pick),
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

type BinaryFn = (input: Operandish, ...args: Args<[Other]>) => Tensor
type AlphaFn = (input: Operandish, ...args: Args<[Other], { alpha: number }>) => Tensor

type DivisionFn = (input: Operandish, ...args: Args<[Other], { roundingMode: RoundingMode }>) => Tensor

export const [add, add_] = pair<AlphaFn>("add", ALPHA, withAlpha(ADD, ADD_ALPHA), ADD)
export const [sub, sub_] = pair<AlphaFn>("sub", ALPHA, withAlpha(SUB, SUB_ALPHA), SUB)
export const rsub = single<AlphaFn>(
  "rsub",
  ALPHA("rsub"),
  (alpha, input, other) => withAlpha(...(isTensor(other) ? RSUB : RSUB_NUMBER))(alpha, input, other),
  RSUB[0],
  RSUB_NUMBER[0],
)
export const [mul, mul_] = pair<BinaryFn>("mul", OTHER, plain(MUL), MUL)
export const [div, div_] = pair<DivisionFn>("div", MODE, byMode, DIV)
export const [trueDivide, trueDivide_] = pair<BinaryFn>("trueDivide", OTHER, plain(DIV), DIV)
export const [floorDivide, floorDivide_] = pair<BinaryFn>("floorDivide", OTHER, plain(FLOOR_DIVIDE), FLOOR_DIVIDE)
export const [remainder, remainder_] = pair<BinaryFn>(
  "remainder",
  OTHER,
  plain(REMAINDER, REMAINDER_NUMBER),
  REMAINDER,
  REMAINDER_NUMBER,
)
export const [fmod, fmod_] = pair<BinaryFn>("fmod", OTHER, plain(FMOD, FMOD_NUMBER), FMOD, FMOD_NUMBER)

export const arithmeticMethods = {
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
