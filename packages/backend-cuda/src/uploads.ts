/** Bytes on their way to the device: put into pinned memory, from which the device fetches them while the program goes on. */
import type { CudaContext, DeviceMemory, DriverEvent, PinnedMemory } from "./driver.ts"

const SLOT_BYTES = 4 * 2 ** 20
const MOST_SLOTS = 4
/** Where the bytes of a write begin. */
const ALIGNMENT = 64

interface Slot {
  readonly memory: PinnedMemory
  /** When the device has fetched all of it. */
  readonly fetched: DriverEvent
  filled: number
}

/** A ring of slots, each filled by one write after the other. A slot is filled again when the device has fetched it. */
export class Uploads {
  private readonly context: CudaContext
  private readonly slots: Slot[] = []
  private current = 0
  /** Bytes that were written so far. */
  bytes = 0

  constructor(context: CudaContext) {
    this.context = context
  }

  /** Queues a write. `bytes` may be changed as soon as this returns. */
  write(to: DeviceMemory, toByte: number, bytes: Uint8Array): void {
    this.bytes += bytes.length
    for (let done = 0; done < bytes.length; ) {
      const slot = this.slot()
      const part = Math.min(bytes.length - done, SLOT_BYTES - slot.filled)
      slot.memory.bytes.set(bytes.subarray(done, done + part), slot.filled)
      this.context.upload(to, toByte + done, slot.memory, slot.filled, part)
      slot.filled = Math.min(Math.ceil((slot.filled + part) / ALIGNMENT) * ALIGNMENT, SLOT_BYTES)
      done += part
    }
  }

  /** A slot that has room. */
  private slot(): Slot {
    const { context, slots } = this
    const slot = slots[this.current]
    if (slot && slot.filled < SLOT_BYTES) return slot
    if (slot) {
      context.record(slot.fetched)
      this.current = (this.current + 1) % MOST_SLOTS
    }
    const next = slots[this.current]
    if (next) {
      context.waitFor(next.fetched)
      next.filled = 0
      return next
    }
    const memory = context.allocatePinned(SLOT_BYTES)
    return (slots[this.current] = { memory, fetched: context.createEvent(), filled: 0 })
  }

  /** To be called when all that was queued is done: the slot at hand can be filled from its start. */
  passed(): void {
    const slot = this.slots[this.current]
    if (slot) slot.filled = 0
  }
}
