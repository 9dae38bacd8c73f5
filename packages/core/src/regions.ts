/**
 * What the library's own code makes on the way to a result, and how it is freed.
 *
 * Every op runs in a region. When it ends, the storages that were made inside and that neither the result nor a node of the
 * graph holds are freed; nobody can have seen them. What only nodes hold is freed when the last of them lets go of it.
 * Regions never enclose code of users (hooks, custom functions, scopes): `visible` leaves them for the while.
 *
 * Only devices whose memory the engine's collector does not know take part. Where there is none of them a region costs one
 * comparison.
 */
import type { Storage } from "./storage.ts"
import { isTensor } from "./tensor.ts"

/** Whether any device was opened whose memory the engine's collector does not know. */
export let watching = false

export function watch(): void {
  watching = true
}

/** Made in the open regions, the innermost last. */
let made: Storage[] = []
let depth = 0

/** Called for each new storage on a device that does not collect by itself. Whether a region holds it. */
export const noteMade = (storage: Storage): boolean => depth > 0 && !!made.push(storage)

/** Begins a region; what it returns goes to `leave`. */
export function enter(): number {
  depth++
  return made.length
}

/**
 * Ends a region: frees what was made inside, but for what `result` and the graph hold. What `result` alone holds is then the
 * next outer region's, or, where there is none, visible; `fresh` is told of it.
 */
export function leave(mark: number, result: unknown, fresh?: (storage: Storage) => void): void {
  depth--
  const end = made.length
  if (end === mark) return
  const held = storagesIn(result)
  let kept = mark
  for (let i = mark; i < end; i++) {
    const storage = made[i]!
    const returned = held === null || held === storage || (held instanceof Set && held.has(storage))
    if (!returned && storage.saves === 0) {
      storage.free()
      continue
    }
    if (returned && fresh) fresh(storage)
    // What a promise or an object of some class holds is beyond the view of outer regions.
    if (held !== null && depth > 0) made[kept++] = storage
    else {
      if (!returned) storage.internal = true
      storage.release()
    }
  }
  made.length = kept
}

/**
 * Ends a region by an error: what was made is left to the collector, since an op that failed may have told the graph of it. To the
 * region that is as with a function as its result, which may hold anything.
 */
export const abandon = (mark: number): void => leave(mark, leave)

/** The storage of a result, or those of several; null where the result may hold any. */
function storagesIn(result: unknown): Storage | Set<Storage> | null {
  if (isTensor(result)) return result.storage
  const all = new Set<Storage>()
  return addStorages([result], all) ? all : null
}

const isBare = (value: unknown): boolean =>
  value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol")

function addStorages(values: readonly unknown[], all: Set<Storage>): boolean {
  for (const value of values)
    if (isTensor(value)) all.add(value.storage)
    else if (Array.isArray(value) ? !addStorages(value, all) : !isBare(value)) return false
  return true
}

/** A function that runs in a region of its own. It must not call code of users, nor keep tensors anywhere but in its result. */
// biome-ignore lint/suspicious/noExplicitAny: any function
export function enclosed<F extends (...args: any[]) => any>(body: F): F {
  return ((...args: unknown[]) => (watching ? within(() => body(...args)) : body(...args))) as F
}

/** Runs `body`, of which the same holds, in a region. */
export function within<T>(body: () => T): T {
  const mark = enter()
  let result: T
  try {
    result = body()
  } catch (error) {
    abandon(mark)
    throw error
  }
  leave(mark, result)
  return result
}

/** Runs code whose tensors others may see: outside of all regions, until it returns. */
export function visible<T>(body: () => T): T {
  if (depth === 0) return body()
  const before = made
  const outer = depth
  made = []
  depth = 0
  try {
    return body()
  } finally {
    made = before
    depth = outer
  }
}
