/** Convolution kernels: contiguous operands for `convolution.ts`, half types by way of float32, epilogues as a map. */
import { type ConvKernel, computeType, type Operand, type Scalar } from "@taeda/core"
import type { Launch } from "./compile.ts"
import { type ConvGeometry, convForward, convInputGrad, convWeightGrad, type Triple } from "./convolution.ts"
import { type CompileMap, finishing } from "./epilogue.ts"
import { isHalf } from "./expression-plan.ts"
import { arrayOf, computable, countOf, isContiguous, temporary } from "./operands.ts"

type Pass = ConvKernel["pass"]

/** The operands of a pass as the x, w and y of the convolution whose pass it is. */
const ROLES: Readonly<
  Record<Pass, (first: Operand, second: Operand, out: Operand) => readonly [Operand, Operand, Operand]>
> = {
  forward: (x, w, y) => [x, w, y],
  input: (gy, w, gx) => [gx, w, gy],
  weight: (x, gy, gw) => [x, gw, gy],
}

const RUN: Readonly<Record<Pass, typeof convInputGrad<Float32Array>>> = {
  forward: (geometry, x, xo, w, wo, y, yo) => convForward(geometry, x, xo, w, wo, y, yo),
  input: convInputGrad,
  weight: convWeightGrad,
}

/** Sizes or steps of fewer dims, with `fill` for those that are not there. */
const triple = (list: readonly number[], fill: number): Triple => {
  const all = [...Array<number>(3 - list.length).fill(fill), ...list]
  return [all[0], all[1], all[2]]
}

function geometryOf(
  { pass, spatial }: ConvKernel,
  operands: readonly [Operand, Operand, Operand],
  scalars: readonly Scalar[],
): ConvGeometry {
  const [x, w, y] = ROLES[pass](...operands)
  const steps = (part: number): number[] => scalars.slice(part * spatial, (part + 1) * spatial).map(Number)
  return {
    batch: x.sizes[0],
    groups: Number(scalars[3 * spatial]),
    inChannels: x.sizes[1],
    outChannels: y.sizes[1],
    inSize: triple(x.sizes.slice(2), 1),
    kernel: triple(w.sizes.slice(2), 1),
    outSize: triple(y.sizes.slice(2), 1),
    stride: triple(steps(0), 1),
    padding: triple(steps(1), 0),
    dilation: triple(steps(2), 1),
  }
}

/** Runs a conv kernel: two operands, the epilogue's inputs, out. */
export function convLaunch(kernel: ConvKernel, compileMap: CompileMap): Launch {
  const { pass, spatial, dtype, epilogue } = kernel
  const half = isHalf(dtype)
  const raw = computeType(dtype)
  const rank = spatial + 2
  const finishInPlace = epilogue && !half ? finishing(epilogue, rank, raw, dtype, true, compileMap) : undefined
  const finishCopy = finishing(epilogue, rank, raw, dtype, false, compileMap)
  return (_sizes, operands, scalars) => {
    const out = operands[operands.length - 1]
    if (countOf(out.sizes) === 0) return
    const ready = (o: Operand): Operand => (half || !isContiguous(o) ? computable(o, dtype) : o)
    const [first, second] = operands.slice(0, 2).map(ready)
    const direct = !half && isContiguous(out)
    const sums = direct ? out : temporary(out.sizes, raw)
    const [a, b, c] = [first, second, sums].map((o) => arrayOf(o, raw)) as [Float32Array, Float32Array, Float32Array]
    RUN[pass](geometryOf(kernel, [first, second, sums], scalars), a, first.offset, b, second.offset, c, sums.offset)
    const finish = direct ? finishInPlace : finishCopy
    finish?.(out.sizes, [sums, ...operands.slice(2)], scalars.slice(3 * spatial + 1))
  }
}
