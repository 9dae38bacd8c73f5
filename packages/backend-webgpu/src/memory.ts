/** Buffers of the device: one per buffer of the core, kept by size for reuse. */
import { type MemoryStats, OutOfMemoryError } from "@taeda/core"
import type { DeviceErrors } from "./errors.ts"
import { type GpuBuffer, type GpuDevice, USAGE } from "./gpu.ts"

/** A device's buffer with a number of its own. */
export interface Block {
  readonly gpu: GpuBuffer
  readonly id: number
  /** Bytes that it has. */
  readonly capacity: number
  /** The number of the submission that uses it last. */
  used: number
}

/** A buffer of the core. */
export class WebGpuBuffer {
  /** Null once it was freed. */
  block: Block | null
  readonly bytes: number

  constructor(block: Block, bytes: number) {
    this.block = block
    this.bytes = bytes
  }
}

const LEAST = 256
/** Always kept for reuse; above it no more than there is in use. */
const KEPT = 256 * 2 ** 20
/** From this size on it is asked whether the device had the memory. */
const LARGE = 2 ** 20

/** Four sizes per doubling. */
export function capacityFor(bytes: number, most: number): number {
  if (bytes <= LEAST) return LEAST
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3)
  return Math.min(Math.ceil(bytes / step) * step, most)
}

export class Memory {
  private readonly device: GpuDevice
  private readonly errors: DeviceErrors
  /** The largest buffer, a multiple of 4. */
  readonly maxBytes: number
  private readonly limitName: string
  private readonly free = new Map<number, Block[]>()
  private doomed: Block[] = []
  private ids = 0
  private liveBytes = 0
  private liveBuffers = 0
  private pooledBytes = 0
  private peakBytes = 0
  /** Told when a block is destroyed. */
  onDestroyed: (id: number) => void = () => {}

  constructor(device: GpuDevice, errors: DeviceErrors) {
    this.device = device
    this.errors = errors
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits
    this.limitName = maxBufferSize < maxStorageBufferBindingSize ? "maxBufferSize" : "maxStorageBufferBindingSize"
    this.maxBytes = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 4) * 4
  }

  /** A block of at least so many bytes. @throws OutOfMemoryError above the device's limit. */
  take(bytes: number): Block {
    this.errors.checkPresent()
    if (bytes > this.maxBytes)
      throw new OutOfMemoryError(
        `webgpu: a buffer of ${bytes} bytes is larger than this GPU's limit of ${this.maxBytes} (${this.limitName}); ${this.liveBytes} bytes are in use`,
      )
    const capacity = capacityFor(bytes, this.maxBytes)
    const pooled = this.free.get(capacity)?.pop()
    if (pooled) this.pooledBytes -= capacity
    const block = pooled ?? this.create(capacity)
    this.liveBytes += capacity
    this.liveBuffers++
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes)
    return block
  }

  private create(capacity: number): Block {
    const make = () =>
      this.device.createBuffer({
        size: capacity,
        usage: USAGE.storage | USAGE.copySource | USAGE.copyTarget,
        label: `${capacity} bytes`,
      })
    const doing = () => `a buffer of ${capacity} bytes beside ${this.liveBytes} in use`
    const gpu = capacity < LARGE ? make() : this.errors.scoped("out-of-memory", doing, make)
    return { gpu, id: this.ids++, capacity, used: -1 }
  }

  /** Takes a block back; commands that were given before may still use it. */
  give(block: Block): void {
    const { capacity } = block
    this.liveBytes -= capacity
    this.liveBuffers--
    if (this.pooledBytes + capacity > Math.max(KEPT, this.liveBytes)) {
      this.doomed.push(block)
      return
    }
    this.pooledBytes += capacity
    const same = this.free.get(capacity)
    if (same) same.push(block)
    else this.free.set(capacity, [block])
  }

  /** Destroys what is too much. To be called when all commands are submitted. */
  sweep(): void {
    for (const { gpu, id } of this.doomed) {
      gpu.destroy()
      this.onDestroyed(id)
    }
    this.doomed = []
  }

  stats(): MemoryStats {
    const { liveBytes, liveBuffers, pooledBytes, peakBytes } = this
    return { liveBytes, liveBuffers, pooledBytes, peakBytes }
  }
}
