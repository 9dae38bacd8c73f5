/** Buffers of the device: one per buffer of the core, kept by size for reuse. */
import { bytesText, HOW_TO_FREE, type MemoryStats, OutOfMemoryError } from "@taeda/core"
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
  /** Names the command that needed it first, for an error that comes later. */
  need: (() => string) | null
  /** Why there is no memory behind it, where the device said so later. */
  failure: Error | null
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
/** WebGPU does not tell how much memory there is: so many of the largest buffers are taken for all of it. */
const LARGEST_BUFFERS = 8

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
  /** All that buffers may take. */
  readonly budgetBytes: number
  private readonly limitName: string
  private free = new Map<number, Block[]>()
  private doomed: Block[] = []
  private ids = 0
  private liveBytes = 0
  private liveBuffers = 0
  private pooledBytes = 0
  private doomedBytes = 0
  private peakBytes = 0
  /** Told when blocks were destroyed. */
  onDestroyed: () => void = () => {}
  /** Submits what was gathered, and then calls `sweep`. */
  submit: () => void = () => this.sweep()

  /** `budget`: what all buffers together may take, in bytes. @throws RangeError for one that is no positive number. */
  constructor(device: GpuDevice, errors: DeviceErrors, budget?: number) {
    this.device = device
    this.errors = errors
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits
    if (budget !== undefined && !(budget > 0))
      throw new RangeError(`createWebGpu: memoryBytes must be a positive number of bytes, got ${budget}`)
    this.budgetBytes = budget ?? LARGEST_BUFFERS * maxBufferSize
    this.limitName = maxBufferSize < maxStorageBufferBindingSize ? "maxBufferSize" : "maxStorageBufferBindingSize"
    this.maxBytes = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 4) * 4
  }

  /**
   * A block of at least so many bytes. `need` names the command that cannot do without, where one is at hand.
   *
   * @throws OutOfMemoryError above the device's limit for one buffer, and above the budget.
   */
  take(bytes: number, need: (() => string) | null = null): Block {
    this.errors.checkPresent()
    if (bytes > this.maxBytes)
      throw this.exhausted(
        bytes,
        need,
        `a buffer of this GPU has ${bytesText(this.maxBytes)} (${this.maxBytes} bytes, ${this.limitName}) at most`,
      )
    const capacity = capacityFor(bytes, this.maxBytes)
    const pooled = this.free.get(capacity)?.pop()
    if (pooled) this.pooledBytes -= capacity
    const block = pooled ?? this.create(capacity, bytes, need)
    this.liveBytes += capacity
    this.liveBuffers++
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes)
    return block
  }

  private exceeds(capacity: number): boolean {
    return this.liveBytes + this.pooledBytes + this.doomedBytes + capacity > this.budgetBytes
  }

  private create(capacity: number, bytes: number, need: (() => string) | null): Block {
    const pooled = this.pooledBytes
    if (this.exceeds(capacity)) this.empty()
    if (this.exceeds(capacity)) {
      const given = pooled > 0 ? `, after ${bytesText(pooled)} kept for reuse were given up` : ""
      throw this.exhausted(
        bytes,
        need,
        `${bytesText(this.budgetBytes)} are all that it may have (the option memoryBytes of createWebGpu)${given}`,
      )
    }
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyTarget
    const descriptor = { size: capacity, usage, label: `${capacity} bytes` }
    const beside = `with ${this.held()}`
    const block: Block = {
      gpu: this.errors.scoped(
        "out-of-memory",
        () => `a buffer of ${bytesText(bytes)} for ${block.need?.() ?? "a tensor"}, ${beside},`,
        () => this.device.createBuffer(descriptor),
        (error) => this.failed(block, error),
      ),
      id: this.ids++,
      capacity,
      used: -1,
      need,
      failure: null,
    }
    return block
  }

  private held(): string {
    return `${bytesText(this.liveBytes)} in ${this.liveBuffers} live buffers and ${bytesText(this.pooledBytes)} kept for reuse`
  }

  private exhausted(bytes: number, need: (() => string) | null, why: string): OutOfMemoryError {
    const asker = need ? ` by ${need()}` : ""
    const message = `webgpu: out of memory: ${bytesText(bytes)} (${bytes} bytes) asked for${asker}, with ${this.held()}: ${why}`
    // Where a tensor is made, the core says what to do.
    return new OutOfMemoryError(need ? `${message}. ${HOW_TO_FREE}` : message)
  }

  /** The device had no memory for a block, as it says only now. What is kept for reuse is given up, for whoever tries again. */
  private failed(block: Block, error: Error): void {
    block.failure = error
    this.empty()
  }

  /** Destroys all that is kept for reuse. */
  private empty(): void {
    for (const blocks of this.free.values()) this.doomed.push(...blocks)
    this.free = new Map()
    this.doomedBytes += this.pooledBytes
    this.pooledBytes = 0
    // Commands that were not submitted yet may use them.
    this.submit()
  }

  /** Takes a block back; commands that were given before may still use it. */
  give(block: Block): void {
    const { capacity } = block
    this.liveBytes -= capacity
    this.liveBuffers--
    if (block.failure || this.pooledBytes + capacity > Math.max(KEPT, this.liveBytes)) {
      this.doomed.push(block)
      this.doomedBytes += capacity
      return
    }
    this.pooledBytes += capacity
    const same = this.free.get(capacity)
    if (same) same.push(block)
    else this.free.set(capacity, [block])
  }

  /** Destroys what is too much. To be called when all commands are submitted. */
  sweep(): void {
    if (this.doomed.length === 0) return
    for (const { gpu } of this.doomed) gpu.destroy()
    this.doomed = []
    this.doomedBytes = 0
    this.onDestroyed()
  }

  stats(): MemoryStats {
    const { liveBytes, liveBuffers, pooledBytes, peakBytes } = this
    return { liveBytes, liveBuffers, pooledBytes, peakBytes }
  }
}
