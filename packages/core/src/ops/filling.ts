/** Filling in place. */
import { type Fn, op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { needsGrad, type Tensor } from "../tensor.ts"
import { fillWith } from "./creation.ts"

export interface FillMethods {
  /** Every element `value`. */
  fill_(value: number | bigint | boolean): Tensor
  zero_(): Tensor
}

const rule = (name: string): Rule => ({ name, backward: () => [null] })
const FILL = rule("FillBackward0")
const ZERO = rule("ZeroBackward0")

function overwrite(name: string, x: Tensor, value: number | bigint | boolean, by: Rule): Tensor {
  checkInPlace(name, x)
  const node = needsGrad([x]) ? new OpNode(by, [x], [], null) : null
  if (node) node.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
  fillWith(x, value)
  recordInPlace(x, node)
  return x
}

export const fill_: Fn<FillMethods["fill_"]> = op("fill_(input, value)", (x: Tensor, value: number) => overwrite("fill", x, value, FILL))
export const zero_: Fn<FillMethods["zero_"]> = op("zero_(input)", (x: Tensor) => overwrite("zero", x, 0, ZERO))

export const fillMethods = { fill_, zero_ }
