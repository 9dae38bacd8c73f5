/** Gradients, and gradients of gradients: against PyTorch's, and against finite differences in float64. */

import { autograd, type Tensor } from "@taeda/core"
import { FORMS, type Prepared, prepare, tensorOf, withTensors } from "../calls.ts"
import type { Case } from "../cases.ts"
import { compareGradients, tensorsIn } from "../compare.ts"
import type { Golden, GoldenTensor } from "../golden.ts"
import { cotangent, secondCotangent } from "../inputs.ts"
import type { Template, Trial } from "./template.ts"

interface Differentiated {
  readonly prepared: Prepared
  /** One per input; null where there is none. */
  readonly gradients: readonly (Tensor | null)[]
}

/** `grad` for the inputs that require one, as a list over all inputs. */
function gradientsOf(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  gradOutputs: readonly Tensor[],
  createGraph: boolean,
): (Tensor | null)[] {
  const wanted = inputs.filter(({ requiresGrad }) => requiresGrad)
  const found = autograd.grad(outputs, wanted, { gradOutputs, createGraph, allowUnused: true })
  return inputs.map((input) => found[wanted.indexOf(input)] ?? null)
}

/** The gradients for the cotangents of every output that PyTorch differentiates. */
async function differentiate(each: Case, golden: Golden, createGraph: boolean): Promise<Differentiated> {
  const prepared = prepare(each, true)
  const outputs = tensorsIn(await FORMS.plain(prepared))
  const driven = outputs.flatMap((output, i) => (golden.outputs[i].gradFn === null && !output.requiresGrad ? [] : [i]))
  const gradients = gradientsOf(
    driven.map((i) => outputs[i]),
    prepared.tensors,
    driven.map((i) => tensorOf(cotangent(outputs[i].shape, outputs[i].dtype, i))),
    createGraph,
  )
  return { prepared, gradients }
}

const hasGradients = ({ each, golden }: Trial): boolean =>
  golden.gradients !== undefined && each.inputs.some(({ requiresGrad }) => requiresGrad)

const backward: Template = {
  name: "backward",
  applies: hasGradients,
  async run({ each, golden }) {
    const { gradients } = await differentiate(each, golden, false)
    return compareGradients(each.row, gradients, golden.gradients as (GoldenTensor | null)[], "gradient")
  },
}

const doubleBackward: Template = {
  name: "doubleBackward",
  applies: (trial) => hasGradients(trial) && trial.golden.secondGradients !== undefined,
  async run({ each, golden }) {
    const { prepared, gradients } = await differentiate(each, golden, true)
    const again = gradients.flatMap((gradient, i) => (gradient?.requiresGrad ? [{ gradient, i }] : []))
    const want = golden.secondGradients as (GoldenTensor | null)[]
    if (again.length === 0)
      return compareGradients(
        each.row,
        want.map(() => null),
        want,
        "second gradient",
      )
    const got = gradientsOf(
      again.map(({ gradient }) => gradient),
      prepared.tensors,
      again.map(({ gradient, i }) => tensorOf(secondCotangent(gradient.shape, gradient.dtype, i)).detach()),
      false,
    )
    return compareGradients(each.row, got, want, "second gradient")
  },
}

const finite = (tensors: readonly (GoldenTensor | null)[]): boolean =>
  tensors.every((tensor) => tensor === null || tensor.data.every(Number.isFinite))

/** Finite differences have something to say: float64, smooth at these inputs, finite. */
const smooth = ({ each, golden }: Trial): boolean =>
  each.noGradcheck === undefined &&
  each.inputs.some(({ requiresGrad, dtype }) => requiresGrad && dtype === "float64") &&
  each.inputs.every(({ shape }) => !shape.includes(0)) &&
  golden.outputs.some(({ gradFn }) => gradFn !== null) &&
  golden.outputs.every(({ dtype, shape }) => dtype === "float64" && !shape.includes(0)) &&
  finite(golden.outputs) &&
  finite(golden.gradients ?? [])

/** The case as a function of its float64 leaves, and those. */
function asFunction(each: Case): { fn: (...leaves: Tensor[]) => Tensor[]; leaves: Tensor[] } {
  const tensors = each.inputs.map((input) => tensorOf(input, true))
  const places = each.inputs.flatMap((input, i) => (input.requiresGrad && input.dtype === "float64" ? [i] : []))
  const fn = (...leaves: Tensor[]): Tensor[] => {
    const filled = tensors.map((tensor, i) => (places.includes(i) ? leaves[places.indexOf(i)] : tensor))
    return tensorsIn(FORMS.plain(withTensors(each, filled)))
  }
  return { fn, leaves: places.map((i) => tensors[i]) }
}

const gradcheck: Template = {
  name: "gradcheck",
  applies: (trial) => hasGradients(trial) && smooth(trial) && !trial.each.awaited,
  async run({ each }) {
    const { fn, leaves } = asFunction(each)
    await autograd.gradcheck(fn, leaves)
    return []
  },
}

const gradgradcheck: Template = {
  name: "gradgradcheck",
  applies: (trial) =>
    gradcheck.applies(trial) && trial.golden.secondGradients !== undefined && finite(trial.golden.secondGradients),
  async run({ each }) {
    const { fn, leaves } = asFunction(each)
    await autograd.gradgradcheck(fn, leaves)
    return []
  },
}

export const BACKWARD: readonly Template[] = [backward, doubleBackward, gradcheck, gradgradcheck]
