/** Several tensors changed in place by one kernel, in one pass over the memory. */
import { checkInPlace, recordInPlace } from "./autograd/inplace.ts"
import { computeType } from "./dtype.ts"
import type { Expr } from "./expr.ts"
import { runMap } from "./kernels.ts"
import { clone } from "./ops/copying.ts"
import type { Tensor } from "./tensor.ts"

/**
 * The new values of the targets, rounded when stored, from their old ones, the tensors that are only read, and the numbers;
 * all in the type that the first target is computed in.
 */
export type Update = (targets: readonly Expr[], reads: readonly Expr[], numbers: readonly Expr[]) => readonly Expr[]

/**
 * Replaces the elements of `targets` by what `update` gives of them, of `reads` and of `numbers`. All tensors have one
 * shape and device, and no two targets overlap. `key` stands for the formula. Nothing is recorded: call it where gradients
 * are off.
 */
export function updateInPlace(
  key: string,
  targets: readonly Tensor[],
  reads: readonly Tensor[],
  numbers: readonly number[],
  update: Update,
): void {
  for (const t of targets) checkInPlace(key, t)
  const type = computeType(targets[0]!.dtype)
  const own = reads.map((r) => (targets.some((t) => t.storage === r.storage) ? clone(r) : r))
  const scalars = numbers.map((value) => ({ value, dtype: type }))
  const count = targets.length
  runMap(targets, { key, inputs: [...targets, ...own], scalars, aliases: "each" }, ({ inputs, scalars: values }) => {
    const all = inputs.map((e) => e.cast(type))
    return update(all.slice(0, count), all.slice(count), values)
  })
  for (const t of targets) recordInPlace(t, null)
}
