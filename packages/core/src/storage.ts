/**
 * Storage: the memory behind tensors. It materialises at first use and is freed when nothing holds it any more, by the
 * engine's own collector or, for memory that the engine does not know, by a finalizer.
 */
import { inferenceEnabled } from "./autograd/mode.ts"
import type { Buffer } from "./backend.ts"
import type { Device } from "./device.ts"
import { DTYPES, type DType } from "./dtype.ts"
import { pressure } from "./pressure.ts"
import { noteMade } from "./regions.ts"

interface Scoped {
  readonly storages: Set<Storage>
  readonly outer: Scoped | null
}

/** What was made since the innermost `scope` began; null outside of one. */
let scoped: Scoped | null = null

export class Storage {
  readonly device: Device
  /** The type it was allocated for. */
  readonly dtype: DType
  /** Elements of `dtype`. */
  readonly length: number
  /** Made in inference mode. */
  readonly inference: boolean
  /** Counts in-place changes, for the check of saved tensors. */
  version = 0
  /** How often nodes of the graph hold it for their backward pass. */
  saves = 0
  /** Whether nobody outside of the library can hold it: who lets go of it last frees it. */
  internal = false
  /** Whether it has no memory yet, and scopes and regions that hold it: until all are gone the collector has nothing to tell of. */
  private holders = 1
  /** What lets the engine feel the bytes, as long as this lives. */
  declare protected ballast: object | null
  private held: Buffer | null
  private freed = false

  constructor(device: Device, dtype: DType, length: number, buffer: Buffer | null = null) {
    this.device = device
    this.dtype = dtype
    this.length = length
    this.inference = inferenceEnabled()
    this.held = null
    if (scoped) {
      scoped.storages.add(this)
      this.holders++
    }
    if (!device.collects && noteMade(this)) this.holders++
    if (buffer) this.hold(buffer)
  }

  get buffer(): Buffer {
    return this.held ?? this.materialize()
  }

  get bytes(): number {
    return this.length * DTYPES[this.dtype].bytes
  }

  private materialize(): Buffer {
    if (this.freed) throw new Error("this tensor's memory was freed: its scope ended, or it was disposed of")
    const buffer = this.device.allocate(this.bytes, this.dtype)
    this.hold(buffer)
    return buffer
  }

  private hold(buffer: Buffer): void {
    this.held = buffer
    if (this.device.collects) return
    const ballast = pressure.allocated(this.bytes)
    if (ballast) this.ballast = ballast
    this.release()
  }

  /** One of the holders is gone. */
  release(): void {
    const { device, held, bytes } = this
    // A function that knew the storage would keep it.
    if (!--this.holders && held) pressure.register(this, { finalize: () => device.release(held, bytes) })
  }

  /** Notes that a node lets go of it. */
  unsave(): void {
    if (--this.saves === 0 && this.internal) this.free()
  }

  /** The library, which alone knew of it, is done with it: freed now, or when the graph lets go of it. */
  discard(): void {
    if (this.saves === 0) this.free()
    else this.internal = true
  }

  /** Gives the memory back now; using it afterwards throws. */
  free(): void {
    if (this.freed) return
    this.freed = true
    const { device, held } = this
    if (!held) return
    this.held = null
    if (device.collects) {
      device.backend.free(held)
      return
    }
    if (this.ballast) this.ballast = null
    if (!this.holders) pressure.unregister(this)
    for (let s = scoped; s; s = s.outer) s.storages.delete(this)
    device.release(held, this.bytes)
  }
}

/** A scope leaves it to the next outer one, if there is any. */
function give(storage: Storage, outer: Scoped | null): void {
  if (outer) outer.storages.add(storage)
  else storage.release()
}

/** Says that `storage` belongs to `owner`, a gradient to its leaf: no scope that began after the owner was made frees it. */
export function outlive(storage: Storage, owner: Storage): void {
  for (let s = scoped; s && !s.storages.has(owner); s = s.outer) if (s.storages.delete(storage)) give(storage, s.outer)
}

/** Runs `body` and frees what was made inside, but for what `keep` names in the result. */
export function collectStorages<T>(body: () => T, keep: (result: Awaited<T>) => Iterable<Storage>): T {
  const outer = scoped
  const mine: Scoped = (scoped = { storages: new Set(), outer })
  const finish = (kept: Iterable<Storage>): void => {
    scoped = outer
    const all = new Set(kept)
    for (const storage of mine.storages) {
      if (all.has(storage)) give(storage, outer)
      else storage.free()
    }
  }
  const fail = (error: unknown): never => {
    finish([])
    throw error
  }
  const succeed = (result: Awaited<T>): Awaited<T> => {
    finish(keep(result))
    return result
  }
  let result: T
  try {
    result = body()
  } catch (error) {
    return fail(error)
  }
  return (result instanceof Promise ? result.then(succeed, fail) : succeed(result as Awaited<T>)) as T
}
