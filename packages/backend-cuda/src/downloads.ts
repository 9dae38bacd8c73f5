/** Bytes on their way from the device, through pinned memory. */
import { setImmediate } from "node:timers/promises"
import type { CudaContext, DeviceMemory, DriverEvent, PinnedMemory } from "./driver.ts"

const LEAST = 4096
/** Larger reads go through buffers of this size, two in turn. */
const MOST = 32 * 2 ** 20
/** Bytes of buffers that are kept. */
const KEPT = 2 * MOST
/** How often it is asked whether bytes have come before waiting is left to another thread, which takes longer to say so. */
const QUESTIONS = 64

const NO_BYTES = new Uint8Array()

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

  /** Reads any number of bytes, and waits for them. */
  readNow(memory: DeviceMemory, byte: number, bytes: number): Uint8Array {
    const parts = this.parts(memory, byte, bytes)
    try {
      for (;;) {
        const { done, value } = parts.next()
        if (done) return value
        value.wait()
      }
    } finally {
      parts.return(NO_BYTES)
    }
  }

  /** The same without blocking; the memory must hold its bytes until they have come. */
  async readLater(memory: DeviceMemory, byte: number, bytes: number): Promise<Uint8Array> {
    const parts = this.parts(memory, byte, bytes)
    try {
      for (;;) {
        const { done, value } = parts.next()
        if (done) return value
        // The loop of events has its turn after each part.
        await (value.cameSoon() ? setImmediate() : this.context.finished())
      }
    } finally {
      parts.return(NO_BYTES)
    }
  }

  /** Reads in parts: while one is copied out, the next is on its way. Each that is yielded must have come when it goes on. */
  private *parts(memory: DeviceMemory, byte: number, bytes: number): Generator<Download, Uint8Array, void> {
    const result = new Uint8Array(bytes)
    const queued: { readonly from: number; readonly download: Download }[] = []
    try {
      for (let from = 0; from < bytes || queued.length > 0; from += MOST) {
        if (from < bytes) {
          const part = { memory, byte: byte + from, bytes: Math.min(MOST, bytes - from) }
          queued.push({ from, download: this.queue([part]) })
          if (queued.length < 2 && from + MOST < bytes) continue
        }
        const [first] = queued
        yield first.download
        queued.shift()
        result.set(first.download.take()[0], first.from)
      }
    } finally {
      for (const { download } of queued) download.drop()
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
