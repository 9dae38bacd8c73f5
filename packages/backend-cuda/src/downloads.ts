/** Bytes on their way from the device, through pinned memory. */
import type { CudaContext, DeviceMemory, DriverEvent, PinnedMemory } from "./driver.ts"

const LEAST = 4096
/** Larger reads go through buffers of this size, two in turn, and wait for them. */
const MOST = 32 * 2 ** 20
/** Bytes of buffers that are kept. */
const KEPT = 2 * MOST
/** How often it is asked whether bytes have come before waiting is left to another thread, which takes longer to say so. */
const QUESTIONS = 64

interface Staging {
  readonly memory: PinnedMemory
  readonly capacity: number
  /** When the device has written all of it. */
  readonly written: DriverEvent
}

/** Bytes of the device's memory. */
export interface Source {
  readonly memory: DeviceMemory
  readonly byte: number
  readonly bytes: number
}

/** A read that is queued; it is over when `take` is called, or `drop`. */
export class Download {
  private readonly owner: Downloads
  private readonly staging: Staging | null
  private readonly places: readonly (readonly [from: number, to: number])[]

  constructor(owner: Downloads, staging: Staging | null, places: Download["places"]) {
    this.owner = owner
    this.staging = staging
    this.places = places
  }

  /** Waits, blocking. */
  wait(): void {
    if (this.staging) this.owner.context.waitFor(this.staging.written)
  }

  /** Whether the bytes came soon. */
  cameSoon(): boolean {
    if (!this.staging) return true
    for (let i = 0; i < QUESTIONS; i++) if (this.owner.context.isDone(this.staging.written)) return true
    return false
  }

  /** The bytes of each source, when they have come. */
  take(): Uint8Array[] {
    const all = this.places.map(([from, to]) => this.staging!.memory.bytes.slice(from, to))
    this.drop()
    return all
  }

  drop(): void {
    if (this.staging) this.owner.release(this.staging)
  }
}

export class Downloads {
  readonly context: CudaContext
  /** By their capacity. */
  private readonly kept = new Map<number, Staging[]>()
  private keptBytes = 0
  /** Bytes that were read so far. */
  bytes = 0

  constructor(context: CudaContext) {
    this.context = context
  }

  /** Whether so many bytes can be queued, without waiting for them. */
  static fits(bytes: number): boolean {
    return bytes <= MOST
  }

  /** Queues a read of several places at once. */
  queue(sources: readonly Source[]): Download {
    const places: (readonly [number, number])[] = []
    let end = 0
    for (const { bytes } of sources) {
      places.push([end, end + bytes])
      end = Math.ceil((end + bytes) / 8) * 8
    }
    const staging = this.staging(Math.max(end, 1))
    try {
      for (const [i, { memory, byte, bytes }] of sources.entries())
        if (bytes > 0) this.context.download(staging.memory, places[i][0], memory, byte, bytes)
      this.context.record(staging.written)
    } catch (error) {
      this.release(staging)
      throw error
    }
    this.bytes += end
    return new Download(this, staging, places)
  }

  /** Reads any number of bytes, and waits for them: while one part is copied out, the next is on its way. */
  readNow(memory: DeviceMemory, byte: number, bytes: number): Uint8Array {
    const result = new Uint8Array(bytes)
    const parts: { readonly from: number; readonly download: Download }[] = []
    const finish = (): void => {
      const { from, download } = parts.shift()!
      download.wait()
      result.set(download.take()[0], from)
    }
    try {
      for (let from = 0; from < bytes; from += MOST) {
        if (parts.length === 2) finish()
        const part = { memory, byte: byte + from, bytes: Math.min(MOST, bytes - from) }
        parts.push({ from, download: this.queue([part]) })
      }
      while (parts.length > 0) finish()
    } finally {
      for (const { download } of parts) download.drop()
    }
    return result
  }

  private staging(bytes: number): Staging {
    const capacity = Math.max(LEAST, 2 ** Math.ceil(Math.log2(bytes)))
    const staging = this.kept.get(capacity)?.pop()
    if (staging) {
      this.keptBytes -= capacity
      return staging
    }
    return { memory: this.context.allocatePinned(capacity), capacity, written: this.context.createEvent() }
  }

  release(staging: Staging): void {
    const { capacity, memory, written } = staging
    if (this.keptBytes + capacity > KEPT) {
      this.context.freePinned(memory)
      this.context.destroyEvent(written)
      return
    }
    this.keptBytes += capacity
    const same = this.kept.get(capacity)
    if (same) same.push(staging)
    else this.kept.set(capacity, [staging])
  }
}
