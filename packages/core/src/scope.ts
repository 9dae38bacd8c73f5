/** Exact lifetimes, for who wants them: nothing in ordinary code needs this. */
import { collectStorages, outlive as outliveStorage, type Storage } from "./storage.ts"
import { isTensor, type Tensor } from "./tensor.ts"

/** The storages of every tensor in a value: tensors, arrays and plain objects of them, and their gradients. */
function* storagesOf(value: unknown, seen = new Set<unknown>()): Generator<Storage> {
  if (typeof value !== "object" || value === null || seen.has(value)) return
  seen.add(value)
  if (isTensor(value)) {
    yield value.storage
    if (value.grad_) yield* storagesOf(value.grad_, seen)
  } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
    for (const inner of Object.values(value)) yield* storagesOf(inner, seen)
}

/**
 * Runs `body` and frees, as soon as it has returned (or, if asynchronous, settled), the memory of every tensor made inside,
 * except those that it returns (alone, or in arrays and plain objects), those that `keep` names, and the gradients that
 * leaves from outside collected. A tensor freed so throws when it is used.
 */
export function scope<T>(body: () => T, keep: () => unknown = () => undefined): T {
  return collectStorages(body, function* (result) {
    yield* storagesOf(result)
    yield* storagesOf(keep())
  })
}

/** Says that `t` belongs to `owner`: a scope that began after the owner was made leaves it alone. */
export const outlive = (t: Tensor, owner: Tensor): void => outliveStorage(t.storage, owner.storage)

/** Frees a tensor's memory now, with that of all its views; using them afterwards throws. */
export function dispose(...tensors: readonly Tensor[]): void {
  for (const t of tensors) t.storage.free()
}
