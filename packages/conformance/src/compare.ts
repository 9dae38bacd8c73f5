/** Tensors of the library against PyTorch's values, on the host in float64. What differs is said in sentences. */

import { type DType, isTensor, type Tensor } from "@taeda/core"
import type { Case } from "./cases.ts"
import type { Golden, GoldenOutput, GoldenTensor } from "./golden.ts"
import { gradientToleranceOf, type Row, toleranceOf } from "./row.ts"

/** The elements in row-major order, int64 and bool as numbers. */
export async function numbersOf(tensor: Tensor): Promise<Float64Array> {
  return Float64Array.from(await tensor.data(), Number)
}

export interface Closeness {
  readonly rtol: number
  readonly atol: number
  /** Whether 0 and -0 differ. */
  readonly signedZeros?: boolean
}

/** Equal, NaN with NaN, infinities by sign, or near enough. */
export const isClose = (got: number, want: number, { rtol, atol, signedZeros = false }: Closeness): boolean =>
  (got === want && (got !== 0 || !signedZeros || Object.is(got, want))) ||
  (Number.isNaN(got) && Number.isNaN(want)) ||
  (got !== want && Number.isFinite(got) && Math.abs(got - want) <= atol + rtol * Math.abs(want))

/** Of the comparisons since it was last taken, the largest part of a tolerance that was used. */
let used = 0

function recordUse(got: number, want: number, { rtol, atol }: Closeness): void {
  if (got === want || Number.isNaN(got)) return
  used = Math.max(used, Math.abs(got - want) / (atol + rtol * Math.abs(want)))
}

/** How much of its tolerance the loosest element since the last call has used: 0 for exact, 1 for just near enough. */
export function takeUse(): number {
  const taken = used
  used = 0
  return taken
}

const SHOWN = 3

const text = (x: number): string => (Object.is(x, -0) ? "-0" : String(x))

/** What differs, with the places; nothing when all is well. */
export function differences(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  closeness: Closeness,
  what: string,
): string[] {
  if (got.length !== want.length) return [`${what}: ${got.length} elements, PyTorch has ${want.length}`]
  const wrong: number[] = []
  for (let i = 0; i < want.length; i++) {
    if (isClose(got[i], want[i], closeness)) recordUse(got[i], want[i], closeness)
    else wrong.push(i)
  }
  if (wrong.length === 0) return []
  const places = wrong.slice(0, SHOWN).map((i) => `[${i}] is ${text(got[i])}, PyTorch has ${text(want[i])}`)
  const more = wrong.length > SHOWN ? ` (${wrong.length} of ${want.length} differ)` : ""
  return [`${what}: ${places.join("; ")}${more}`]
}

const list = (sizes: readonly number[]): string => `[${sizes.join(", ")}]`
const sameList = (a: readonly number[], b: readonly number[]): boolean => list(a) === list(b)

/** Shape, dtype and elements. */
export async function compareTensor(
  row: Row,
  got: Tensor,
  want: GoldenTensor,
  what: string,
  closenessOf: (row: Row, dtype: DType) => Closeness = toleranceOf,
): Promise<string[]> {
  const problems: string[] = []
  if (got.dtype !== want.dtype) problems.push(`${what}: dtype ${got.dtype}, PyTorch has ${want.dtype}`)
  if (!sameList(got.shape, want.shape))
    problems.push(`${what}: shape ${list(got.shape)}, PyTorch has ${list(want.shape)}`)
  if (problems.length > 0 || row.shapeOnly) return problems
  return differences(await numbersOf(got), want.data, closenessOf(row, want.dtype), what)
}

/** The tensors of a result, whatever its form. */
export function tensorsIn(result: unknown): Tensor[] {
  if (isTensor(result)) return [result]
  return Array.isArray(result) ? result.filter(isTensor) : []
}

function compareForm(result: unknown, golden: Golden): string[] {
  const formOf = isTensor(result) ? "tensor" : Array.isArray(result) ? "list" : "host"
  const wanted = golden.form === "fields" ? "list" : golden.form
  if (formOf !== wanted) return [`the result is a ${formOf}, PyTorch gives a ${wanted}`]
  const missing = (golden.fields ?? []).filter(
    (field, i) => (result as Record<string, unknown>)[field] !== (result as readonly unknown[])[i],
  )
  return missing.map((field) => `the result has no field ${field} at PyTorch's place`)
}

/** Whether the output shares memory as PyTorch's does. */
function compareAlias(got: Tensor, want: GoldenOutput, inputs: readonly Tensor[], what: string): string[] {
  const { alias } = want
  const shared = inputs.findIndex(({ storage }) => storage === got.storage)
  if (!alias) return shared < 0 ? [] : [`${what}: shares the memory of input ${shared}, in PyTorch it does not`]
  const source = inputs[alias.input]
  if (alias.same)
    return got === source ? [] : [`${what}: is not the very tensor that was given as input ${alias.input}`]
  if (got.storage !== source.storage) return [`${what}: is not a view of input ${alias.input}`]
  const problems: string[] = []
  if (!sameList(got.strides, alias.strides))
    problems.push(`${what}: strides ${list(got.strides)}, PyTorch has ${list(alias.strides)}`)
  if (got.offset !== alias.offset) problems.push(`${what}: offset ${got.offset}, PyTorch has ${alias.offset}`)
  return problems
}

function compareNode(got: Tensor, want: GoldenOutput, what: string): string[] {
  const name = got.gradFn?.name() ?? null
  return name === want.gradFn ? [] : [`${what}: gradFn ${name}, PyTorch has ${want.gradFn}`]
}

/** What a result must be compared in besides its values. */
export interface Aspects {
  /** The case's tensors: memory shared with them is compared. */
  readonly inputs?: readonly Tensor[]
  /** The inputs require gradients: the names of the nodes are compared. */
  readonly nodes?: boolean
  /** 0 and -0 differ. */
  readonly signedZeros?: boolean
}

/** A result of a case against PyTorch's. */
export async function compareResult(
  { row }: Pick<Case, "row">,
  result: unknown,
  golden: Golden,
  { inputs, nodes = false, signedZeros = false }: Aspects = {},
): Promise<string[]> {
  const form = compareForm(result, golden)
  if (form.length > 0) return form
  if (golden.form === "host") {
    const close = toleranceOf(row, "float64")
    const same =
      typeof result === "number" && typeof golden.host === "number"
        ? isClose(result, golden.host, close)
        : result === golden.host
    return same ? [] : [`the result is ${String(result)}, PyTorch gives ${golden.host}`]
  }
  const got = tensorsIn(result)
  if (got.length !== golden.outputs.length) return [`${got.length} results, PyTorch has ${golden.outputs.length}`]
  const problems: string[] = []
  for (const [i, want] of golden.outputs.entries()) {
    const what = got.length === 1 ? "result" : `result ${i}`
    const closenessOf = (each: Row, dtype: DType): Closeness => ({
      ...toleranceOf(each, dtype),
      signedZeros: signedZeros && row.anyZero === undefined,
    })
    problems.push(...(await compareTensor(row, got[i], want, what, closenessOf)))
    if (inputs) problems.push(...compareAlias(got[i], want, inputs, what))
    if (nodes) problems.push(...compareNode(got[i], want, what))
  }
  return problems
}

/** Gradients of the inputs; null and PyTorch's absence of one are the same. */
export async function compareGradients(
  row: Row,
  got: readonly (Tensor | null)[],
  want: readonly (GoldenTensor | null)[],
  what: string,
): Promise<string[]> {
  const problems: string[] = []
  for (const [i, golden] of want.entries()) {
    const gradient = got[i] ?? null
    const name = want.length === 1 ? what : `${what} of input ${i}`
    if (golden && gradient) problems.push(...(await compareTensor(row, gradient, golden, name, gradientToleranceOf)))
    else if (golden?.data.some((x) => x !== 0)) problems.push(`${name}: there is none, PyTorch has one`)
    else if (gradient && !golden && (await numbersOf(gradient)).some((x) => x !== 0))
      problems.push(`${name}: there is one, PyTorch has none`)
  }
  return problems
}

export const isFloatDtype = (dtype: DType): boolean => dtype.includes("float")
