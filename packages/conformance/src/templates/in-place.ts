/** `op_`: the value goes where the receiver lies, and nowhere else. */

import { autograd, type Tensor } from "@taeda/core"
import { FORMS, prepare, tensorOf, withTensors } from "../calls.ts"
import { compareGradients, compareTensor, numbersOf } from "../compare.ts"
import type { GoldenTensor } from "../golden.ts"
import { cotangent, type TensorInput } from "../inputs.ts"
import { isTensorSpec } from "../row.ts"
import type { Template, Trial } from "./template.ts"

/** The receiver has the result's shape and dtype, and each of its elements is memory of its own. */
function fits({ each: { row, args }, golden }: Trial): boolean {
  if (!row.inPlace || !isTensorSpec(args[0]) || golden.outputs.length !== 1) return false
  const receiver = args[0] as unknown as TensorInput
  const [output] = golden.outputs
  return (
    receiver.layout !== "expanded" && receiver.dtype === output.dtype && receiver.shape.join() === output.shape.join()
  )
}

/** Storage positions of the elements of a tensor, in row-major order. */
function positions({ shape, strides, offset }: TensorInput): number[] {
  return shape.reduce<number[]>(
    (all, size, dim) => all.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[dim])),
    [offset],
  )
}

const value: Template = {
  name: "inPlace",
  applies: fits,
  async run({ each, golden }) {
    const prepared = prepare(each)
    const [receiver] = prepared.tensors
    const input = each.inputs[0]
    const whole = receiver.asStrided([input.length], [1], 0)
    const before = await numbersOf(whole)
    const { version } = receiver
    const problems: string[] = []
    if (FORMS.inPlace(prepared) !== receiver) problems.push("it does not return the receiver")
    if (receiver.version <= version && receiver.numel() > 0) problems.push("the version counter did not go up")
    problems.push(...(await compareTensor(each.row, receiver, golden.outputs[0], "receiver")))
    const mine = new Set(positions(input))
    const after = await numbersOf(whole)
    const stray = before.findIndex((x, i) => !mine.has(i) && !Object.is(x, after[i]))
    if (stray >= 0) problems.push(`element ${stray} of the storage changed, outside of the receiver`)
    return problems
  },
}

/** Gradients through a changed copy are those of the op. */
const gradient: Template = {
  name: "inPlaceBackward",
  applies: (trial) => fits(trial) && trial.golden.gradients !== undefined && trial.golden.outputs[0].gradFn !== null,
  async run({ each, golden }) {
    const leaves = each.inputs.map((input) => tensorOf(input, true))
    const copy = leaves[0].clone()
    const result = FORMS.inPlace(withTensors(each, [copy, ...leaves.slice(1)])) as Tensor
    const wanted = leaves.filter(({ requiresGrad }) => requiresGrad)
    const gradients = autograd.grad(result, wanted, {
      gradOutputs: tensorOf(cotangent(result.shape, result.dtype)),
      allowUnused: true,
    })
    const got = leaves.map((leaf) => gradients[wanted.indexOf(leaf)] ?? null)
    return compareGradients(each.row, got, golden.gradients as (GoldenTensor | null)[], "gradient")
  },
}

export const IN_PLACE: readonly Template[] = [value, gradient]
