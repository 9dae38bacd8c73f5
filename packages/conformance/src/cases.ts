/** Cases: a row's sample in one dtype, with every tensor settled. */

import type { DType } from "@taeda/core"
import { settle, type TensorInput } from "./inputs.ts"
import {
  type Arg,
  type DTypeSlot,
  type ErrorSample,
  idOf,
  isTensorSpec,
  type Options,
  type Row,
  type Sample,
  type SliceSpec,
  tensorsOf,
} from "./row.ts"

export type CaseArg =
  | TensorInput
  | SliceSpec
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | readonly CaseArg[]

/** One call to make: the arguments are as in the sample, tensors settled and dtype slots filled. */
export interface Case {
  /** `row/sample/dtype`: the key of the golden value. */
  readonly id: string
  readonly row: Row
  readonly sample: Sample
  readonly dtype: DType
  readonly args: readonly CaseArg[]
  readonly options: { readonly [name: string]: CaseArg }
  /** Every tensor of the call: positional ones first, lists flattened, then named ones. */
  readonly inputs: readonly TensorInput[]
  /** The result is awaited (and `nameSync` exists). */
  readonly awaited: boolean
  /**
   * Why finite differences say nothing here. Absent: they must agree with the gradient, as they do in PyTorch
   * (tooling/golden/audit.py), wherever the golden outputs and gradients are finite.
   */
  readonly noGradcheck?: string
  /** Second-order gradients are stored too, where PyTorch has them. */
  readonly second: boolean
}

/** So many samples, the first ones, run in every dtype of the row; the rest in its principal ones. */
const SAMPLES_IN_EVERY_DTYPE = 2

/** The dtypes that every sample runs in: float32 and float64, or else the row's first. */
function principal(row: Row): readonly DType[] {
  const wide = row.dtypes.filter((dtype) => dtype === "float32" || dtype === "float64")
  return wide.length > 0 ? wide : row.dtypes.slice(0, 1)
}

const usesCaseDtype = ({ args, options }: Sample): boolean => {
  const uses = (arg: Arg): boolean =>
    Array.isArray(arg)
      ? arg.some(uses)
      : isTensorSpec(arg)
        ? arg.dtype === undefined && (arg.kind ?? "value") === "value"
        : typeof arg === "object" && arg !== null && (arg as DTypeSlot).spec === "dtype"
  return [...args, ...Object.values(options)].some(uses)
}

/** The dtypes a sample runs in. A sample that says every dtype itself runs once, under the name of its first. */
function dtypesOf(row: Row, sample: Sample, position: number): readonly DType[] {
  if (sample.only) return sample.only
  if (!usesCaseDtype(sample)) return [tensorsOf(sample.args).find((tensor) => tensor.dtype)?.dtype ?? "float32"]
  return position < SAMPLES_IN_EVERY_DTYPE ? row.dtypes : principal(row)
}

function settleCall(
  args: readonly Arg[],
  options: Options,
  dtype: DType,
  grad: boolean,
): Pick<Case, "args" | "options" | "inputs"> {
  const inputs: TensorInput[] = []
  const visit = (arg: Arg): CaseArg => {
    if (Array.isArray(arg)) return arg.map(visit)
    if (isTensorSpec(arg)) {
      const input = settle(arg, dtype, inputs.length, grad)
      inputs.push(input)
      return input
    }
    if (typeof arg === "object" && arg !== null && (arg as DTypeSlot).spec === "dtype") return dtype
    return arg as CaseArg
  }
  const settledArgs = args.map(visit)
  const settledOptions = Object.fromEntries(Object.entries(options).map(([name, arg]) => [name, visit(arg)]))
  return { args: settledArgs, options: settledOptions, inputs }
}

const isExtreme = (sample: Sample): boolean => sample.tags.includes("extreme")

/** The cases of a row: all, or those of one dtype. */
export function casesOf(row: Row, dtype?: DType): Case[] {
  return row.samples.flatMap((sample, position) =>
    dtypesOf(row, sample, position)
      .filter((each) => dtype === undefined || each === dtype)
      .map((each) => ({
        id: `${idOf(row)}/${position}/${each}`,
        row,
        sample,
        dtype: each,
        ...settleCall(sample.args, sample.options, each, row.grad),
        awaited: sample.awaited ?? row.awaited,
        noGradcheck: sample.noGradcheck ?? row.noGradcheck ?? (isExtreme(sample) ? "extreme values" : undefined),
        second: row.grad && each === "float64" && !isExtreme(sample) && !sample.noSecond,
      })),
  )
}

/** A call that must throw. */
export interface ErrorCase extends Pick<Case, "id" | "row" | "args" | "options" | "inputs"> {
  readonly error: ErrorSample
}

/** The calls of a row that must throw, in float32 where the sample leaves the dtype open. */
export const errorCasesOf = (row: Row): ErrorCase[] =>
  row.errors.map((error, position) => ({
    id: `${idOf(row)}/error ${position}`,
    row,
    error,
    ...settleCall(error.args, error.options, "float32", false),
  }))
