/** Functions over `Pointwise` objects: an op and its in-place form from one definition. */
import { op, parseSignature } from "../args.ts"
import type { Pointwise } from "../pointwise.ts"
import type { Operandish } from "../promotion.ts"
import type { Tensor } from "../tensor.ts"

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
export function withInPlace<F extends TensorFn, G extends TensorFn = F>(
  signature: string,
  pick: Body<Applied>,
): [F, G] {
  const inPlace = op<G>(
    signature.replace(/\(\w+/, "_(input"),
    (...args) => applyInPlace(pick(...args)) as ReturnType<G>,
  )
  return [applied<F>(signature, pick), inPlace]
}

/** `name` with a last parameter `inplace`, as many functions of nn.functional have. */
export function inplaceOption<F extends TensorFn>(signature: string, pick: Body<Applied>): F {
  const s = parseSignature(signature)
  return op<F>(signature.replace(")", ", inplace?)"), (...args) => {
    const at = s.names.length
    const chosen = pick(...args.slice(0, at))
    return (args[at] ? applyInPlace(chosen) : apply(chosen)) as ReturnType<F>
  })
}

/** The same, and `name_`. */
export function withInplaceOption<F extends TensorFn, G extends TensorFn>(
  signature: string,
  pick: Body<Applied>,
): [F, G] {
  return [
    inplaceOption<F>(signature, pick),
    op<G>(signature.replace("(", "_("), (...args) => applyInPlace(pick(...args)) as ReturnType<G>),
  ]
}
