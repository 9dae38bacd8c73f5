/** Filling in place. */
import { op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import type { DType } from "../dtype.ts"
import { tensorText, valueText } from "../errors.ts"
import { isTensor, needsGrad, type Tensor } from "../tensor.ts"
import type { HostNumber } from "../types/dtype.ts"
import type { Elementwise } from "../types/patterns.ts"
import type { Arg, Shape, ShowTensor } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { to } from "./conversion.ts"
import { writeInto } from "./copying.ts"
import { fillWith, zerosLike } from "./creation.ts"
import { sum } from "./reduction.ts"

export interface FillOps {
  /** Every element `value`, a number or a 0-d tensor. */
  fill_: Fill
  /** Sets every element to 0. */
  zero_: Elementwise
}

interface Fill {
  method: <Self extends Tensor, R extends Shape = [], E extends DType = never>(
    this: Self,
    value: Arg<ZeroD<R, E>, HostNumber | Tensor<R, E> | { value: HostNumber | Tensor<R, E> }>,
  ) => Tensor<OwnShape<Self>, OwnDType<Self>>
  function: <S extends Shape, D extends DType, R extends Shape = [], E extends DType = never>(
    input: Tensor<S, D>,
    value: Arg<ZeroD<R, E>, HostNumber | Tensor<R, E> | { value: HostNumber | Tensor<R, E> }>,
  ) => Tensor<S, D>
}
type ZeroD<R extends Shape, E> = number extends R["length"]
  ? R
  : R extends readonly []
    ? R
    : `fill_: only supports 0-dimension value tensor but got tensor with ${R["length"]} dimensions: ${ShowTensor<R, E>}`

export interface FillMethods extends MethodsOf<FillOps> {}

/** What was there has no influence any more; a value that is a tensor has it everywhere. */
const rule = (name: string): Rule => ({
  name,
  backward: (node, g) => [
    node.needs(0) ? zerosLike(g) : null,
    node.next.length > 1 && node.needs(1) ? to(sum(g), node.context as DType) : null,
  ],
})
const FILL = rule("FillBackward2")
const FILL_TENSOR = rule("FillBackward3")
const ZERO = rule("ZeroBackward0")

function overwrite(name: string, x: Tensor, value: number | bigint | boolean | Tensor, by: Rule): Tensor {
  const inputs = isTensor(value) ? [x, value] : [x]
  checkInPlace(name, x, inputs)
  const node =
    x.isFloatingPoint() && needsGrad(inputs) ? new OpNode(by, inputs, [], isTensor(value) ? value.dtype : null) : null
  if (node) node.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
  if (isTensor(value)) writeInto(x, value)
  else fillWith(x, value)
  recordInPlace(x, node)
  return x
}

export const fill_: FunctionOf<FillOps["fill_"]> = op("fill_(input, value)", (x: Tensor, value: number | Tensor) => {
  if (isTensor(value) && value.ndim > 0)
    throw new RangeError(
      `fill_: only supports 0-dimension value tensor but got tensor with ${value.ndim} dimensions: ${tensorText(value)}`,
    )
  if (!isTensor(value) && typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean")
    throw new TypeError(`fill_: value must be a number or a 0-d tensor, got ${valueText(value)}`)
  return overwrite("fill", x, value, isTensor(value) ? FILL_TENSOR : FILL)
})
export const zero_: FunctionOf<FillOps["zero_"]> = op("zero_(input)", (x: Tensor) => overwrite("zero", x, 0, ZERO))

export const fillMethods: Family = { fill_, zero_ }
