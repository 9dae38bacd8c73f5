/** Functions over `Pointwise` objects: an op and its in-place form from one definition. */
import { op } from "../args.ts"
import { DTYPES, type DType, isFloating, isIntegral } from "../dtype.ts"
import { tensorText } from "../errors.ts"
import type { Pointwise } from "../pointwise.ts"
import type { Operandish } from "../promotion.ts"
import { isTensor, type Tensor } from "../tensor.ts"

/** What to apply, and to what: the input first, which the in-place form overwrites. */
export type Applied = readonly [op: Pointwise, input: Operandish, ...others: Operandish[]]

// biome-ignore lint/suspicious/noExplicitAny: the parameters are checked against the signature at run time
type Body<R> = (...args: any[]) => R
// biome-ignore lint/suspicious/noExplicitAny: any function that gives a tensor
type TensorFn = (...args: any[]) => Tensor

export const apply = ([f, ...slots]: Applied): Tensor => f.call(...slots)

/** Overwrites the input, which must be a tensor. */
export const applyInPlace = ([f, input, ...others]: Applied): Tensor => f.callInPlace(input as Tensor, ...others)

/** The op of a signature; `pick` turns its arguments into what is applied. */
export const applied = <F extends TensorFn>(signature: string, pick: Body<Applied>): F =>
  op<F>(signature, (...args) => apply(pick(...args)) as ReturnType<F>)

/** `name` and `name_` from the signature of the first. */
export function withInPlace<F extends TensorFn>(signature: string, pick: Body<Applied>): [F, F] {
  const inPlace = op<F>(
    signature.replace(/\(\w+/, "_(input"),
    (...args) => applyInPlace(pick(...args)) as ReturnType<F>,
  )
  return [applied<F>(signature, pick), inPlace]
}

/** `name` with a last parameter `inplace`, as many functions of nn.functional have. */
export const inplaceOption = <F extends TensorFn>(signature: string, pick: Body<Applied>): F =>
  op<F>(signature.replace(")", ", inplace?)"), (...args) => {
    const chosen = pick(...args.slice(0, -1))
    return (args.at(-1) ? applyInPlace(chosen) : apply(chosen)) as ReturnType<F>
  })

/** The same, and `name_`. */
export function withInplaceOption<F extends TensorFn, G extends TensorFn>(
  signature: string,
  pick: Body<Applied>,
): [F, G] {
  return [inplaceOption<F>(signature, pick), op<G>(signature.replace("(", "_("), (...args) => applyInPlace(pick(...args)) as ReturnType<G>)]
}

// Reasons to refuse a dtype, for `PointwiseOptions.refuse`.

export const noBool = (dtype: DType): string | null =>
  dtype === "bool" ? 'bool tensors are not supported; convert with x.to("int32")' : null

export const onlyFloats = (dtype: DType): string | null =>
  isFloating(dtype) ? null : `${dtype} is not supported, only floating dtypes; convert with x.to("float32")`

export const onlyIntegral = (dtype: DType): string | null =>
  isIntegral(dtype, true) ? null : `${dtype} is not supported, only integers and bool`

/** Throws a TypeError where `refuse` gives a reason for the dtype of one of the tensors. */
export function requireTensors(
  name: string,
  tensors: readonly Operandish[],
  refuse: (dtype: DType) => string | null,
): void {
  for (const t of tensors) {
    const reason = isTensor(t) ? refuse(t.dtype) : null
    if (reason)
      throw new TypeError(
        `${name}: ${reason} (${tensors.map((x) => (isTensor(x) ? tensorText(x) : String(x))).join(", ")})`,
      )
  }
}

/** Throws a TypeError unless all tensors have the dtype of the first. */
export function requireOneDtype(name: string, ...operands: readonly Operandish[]): void {
  const tensors = operands.filter(isTensor)
  if (tensors.some((t) => t.dtype !== tensors[0]!.dtype))
    throw new TypeError(
      `${name}: expected tensors of one dtype, but got ${tensors.map(tensorText).join(" and ")}; convert with x.to(dtype)`,
    )
}

/** Throws a RangeError where an integer dtype cannot hold the number, not even wrapped from below zero. */
export function requireRepresentable(name: string, value: Operandish | null | undefined, dtype: DType): void {
  if (isTensor(value) || value === null || value === undefined || typeof value === "boolean" || !isIntegral(dtype))
    return
  const { bytes, signed } = DTYPES[dtype]
  const bits = 8 * bytes
  const low = signed ? -(2 ** (bits - 1)) : -(2 ** bits) + 1
  const high = 2 ** (signed ? bits - 1 : bits) - 1
  if (!(Number(value) >= low && Number(value) <= high))
    throw new RangeError(`${name}: value ${value} cannot be converted to type ${dtype} without overflow`)
}
