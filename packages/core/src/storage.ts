/**
 * Storage: the memory behind tensors. It materialises at first use and is freed when nothing holds it any more, by the
 * engine's own collector or, for memory that the engine does not know, by a finalizer.
 */
import { inferenceEnabled } from "./autograd/mode.ts"
import type { Buffer } from "./backend.ts"
import type { Device } from "./device.ts"
import { DTYPES, type DType } from "./dtype.ts"

interface Held {
  readonly device: Device
  readonly buffer: Buffer
}

let registry: FinalizationRegistry<Held> | undefined
const finalizers = (): FinalizationRegistry<Held> =>
  (registry ??= new FinalizationRegistry<Held>((held) => held.device.backend.free(held.buffer)))

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
  private held: Buffer | null
  private freed = false

  constructor(device: Device, dtype: DType, length: number, buffer: Buffer | null = null) {
    this.device = device
    this.dtype = dtype
    this.length = length
    this.inference = inferenceEnabled()
    this.held = null
    if (buffer) this.hold(buffer)
    if (scoped) scoped.storages.add(this)
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
    if (!this.device.collects) finalizers().register(this, { device: this.device, buffer }, this)
  }

  /** Gives the memory back now; using it afterwards throws. */
  free(): void {
    if (this.freed) return
    this.freed = true
    if (!this.held) return
    if (!this.device.collects) registry?.unregister(this)
    this.device.backend.free(this.held)
    this.held = null
  }
}

/** Says that `storage` belongs to `owner`, a gradient to its leaf: no scope that began after the owner was made frees it. */
export function outlive(storage: Storage, owner: Storage): void {
  for (let s = scoped; s && !s.storages.has(owner); s = s.outer)
    if (s.storages.delete(storage)) s.outer?.storages.add(storage)
}

/** Runs `body` and frees what was made inside, but for what `keep` names in the result. */
export function collectStorages<T>(body: () => T, keep: (result: Awaited<T>) => Iterable<Storage>): T {
  const outer = scoped
  const mine: Scoped = { storages: new Set(), outer }
  scoped = mine
  const finish = (kept: ReadonlySet<Storage>): void => {
    for (const storage of mine.storages) {
      if (kept.has(storage)) outer?.storages.add(storage)
      else storage.free()
    }
  }
  const fail = (error: unknown): never => {
    scoped = outer
    finish(new Set())
    throw error
  }
  const succeed = (result: Awaited<T>): Awaited<T> => {
    scoped = outer
    finish(new Set(keep(result)))
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
