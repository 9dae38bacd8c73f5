/** Buffers through which the host reads, kept by size for reuse. */
import { bytesText } from "@taeda/core"
import type { DeviceErrors } from "./errors.ts"
import { type GpuBuffer, type GpuDevice, USAGE } from "./gpu.ts"
import { capacityFor } from "./memory.ts"

/** Bytes that are kept. */
const KEPT = 64 * 2 ** 20

export interface StagingBuffer {
  readonly gpu: GpuBuffer
  readonly capacity: number
}

export class Staging {
  private readonly device: GpuDevice
  private readonly errors: DeviceErrors
  private readonly free = new Map<number, StagingBuffer[]>()
  /** Bytes of those in `free`. */
  private keptBytes = 0

  constructor(device: GpuDevice, errors: DeviceErrors) {
    this.device = device
    this.errors = errors
  }

  take(bytes: number): StagingBuffer {
    const capacity = capacityFor(bytes, Number.POSITIVE_INFINITY)
    const kept = this.free.get(capacity)?.pop()
    if (kept) {
      this.keptBytes -= capacity
      return kept
    }
    const usage = USAGE.mapRead | USAGE.copyTarget
    const gpu = this.errors.scoped(
      "out-of-memory",
      () => `a buffer to read ${bytesText(bytes)} through`,
      () => this.device.createBuffer({ size: capacity, usage, label: "staging" }),
    )
    return { gpu, capacity }
  }

  /** Takes back one that is not mapped. */
  give(buffer: StagingBuffer): void {
    const { capacity } = buffer
    if (this.keptBytes + capacity > KEPT) {
      for (const { gpu } of [...this.free.values()].flat()) gpu.destroy()
      this.free.clear()
      this.keptBytes = 0
    }
    if (capacity > KEPT) {
      buffer.gpu.destroy()
      return
    }
    this.keptBytes += capacity
    const same = this.free.get(capacity)
    if (same) same.push(buffer)
    else this.free.set(capacity, [buffer])
  }
}
