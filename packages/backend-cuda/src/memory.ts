/**
 * A device's memory. The driver gives and takes memory slowly, and waits for the device when it takes; so it is asked for
 * segments, which are kept, and buffers are blocks of them. All work is queued on one stream: a block that is given back may be used again
 * at once, by what is queued later.
 */
import { type MemoryStats, OutOfMemoryError } from "@taeda/core"
import type { CudaContext } from "./driver.ts"
import { isOutOfMemory } from "./errors.ts"
import { Block, blockBytes, isSmall, join, Pool, type Segment, segmentBytes, split, splits } from "./segments.ts"

/** What a device's allocator holds, in bytes; the names are those of PyTorch's `torch.cuda.memory_stats`. */
export interface CudaMemoryStats {
  /** In blocks that are used. */
  readonly allocatedBytes: number
  readonly peakAllocatedBytes: number
  /** In segments that the driver gave. */
  readonly reservedBytes: number
  readonly peakReservedBytes: number
  readonly segments: number
  /** How often the driver was asked for a segment, and gave one. */
  readonly segmentAllocations: number
  /** How often everything cached was given back because the driver had no more. */
  readonly retries: number
}

/** Bytes as a person reads them. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB"]
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(2)} ${units[unit]}`
}

export class Memory {
  private readonly context: CudaContext
  private readonly device: string
  private readonly common = new Pool()
  private pool = this.common
  private liveBytes = 0
  private liveBuffers = 0
  private peakBytes = 0
  private reserved = 0
  private peakReserved = 0
  private segments = 0
  private allocations = 0
  private retries = 0

  /** `device` is what errors call it: "cuda:0". */
  constructor(context: CudaContext, device: string) {
    this.context = context
    this.device = device
  }

  /** A block of at least so many bytes, contents undefined. @throws OutOfMemoryError */
  take(bytes: number): Block {
    const wanted = blockBytes(bytes)
    const free = this.pool.free(isSmall(wanted))
    const block = free.take(wanted) ?? this.grow(wanted)
    if (splits(block, wanted)) free.add(split(block, wanted))
    block.used = true
    this.liveBytes += block.bytes
    this.liveBuffers++
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes
    return block
  }

  /** Takes a block back. What was queued before may still use it. */
  give(block: Block): void {
    if (block.pins > 0) {
      block.waiting = true
      return
    }
    this.liveBytes -= block.bytes
    this.liveBuffers--
    block.used = false
    const { segment } = block
    const free = segment.pool.free(segment.small)
    let whole = block
    const { before, after } = block
    if (after && !after.used) {
      free.remove(after)
      whole = join(whole, after)
    }
    if (before && !before.used) {
      free.remove(before)
      whole = join(before, whole)
    }
    free.add(whole)
  }

  /** A segment of the driver's, as a block. */
  private grow(wanted: number): Block {
    const bytes = segmentBytes(wanted)
    const memory = this.ask(bytes) ?? (this.pool === this.common ? this.askAgain(bytes) : undefined)
    if (!memory) throw this.outOfMemory(wanted)
    const segment: Segment = { memory, number: memory.number, bytes, small: isSmall(wanted), pool: this.pool }
    this.pool.segments.add(segment)
    this.reserved += bytes
    this.peakReserved = Math.max(this.peakReserved, this.reserved)
    this.segments++
    this.allocations++
    return new Block(segment, 0, bytes, null)
  }

  private ask(bytes: number): ReturnType<CudaContext["allocate"]> | undefined {
    try {
      return this.context.allocate(bytes)
    } catch (error) {
      if (isOutOfMemory(error)) return undefined
      throw error
    }
  }

  /** The same after everything that is only kept was given back. */
  private askAgain(bytes: number): ReturnType<CudaContext["allocate"]> | undefined {
    this.retries++
    this.emptyCache()
    return this.ask(bytes)
  }

  private outOfMemory(bytes: number): OutOfMemoryError {
    const { free, total } = this.context.memoryInfo()
    const cached = this.reserved - this.liveBytes
    return new OutOfMemoryError(
      `cuda: ${this.device} has no ${bytesText(bytes)} more: ${bytesText(this.liveBytes)} are in use by tensors, ${bytesText(cached)} more are held for reuse, and ${bytesText(free)} of ${bytesText(total)} are free on the device`,
    )
  }

  /** Gives the driver all segments that nobody uses. Waits for the device. */
  emptyCache(): void {
    for (const free of [this.common.small, this.common.large])
      for (const { segment } of free.takeWhole()) {
        segment.pool.segments.delete(segment)
        this.context.free(segment.memory)
        this.reserved -= segment.bytes
        this.segments--
      }
  }

  /** Until `usePool` is called again blocks are taken from this pool alone; without one, from the common one. */
  usePool(pool: Pool = this.common): void {
    this.pool = pool
  }

  /** Makes a pool's memory common. */
  dissolve(pool: Pool): void {
    for (const segment of pool.segments) {
      segment.pool = this.common
      this.common.segments.add(segment)
    }
    pool.segments.clear()
    this.common.small.adopt(pool.small)
    this.common.large.adopt(pool.large)
  }

  /** Keeps a block from being used by others, even when it is given back, until it is unpinned. */
  pin(block: Block): void {
    block.pins++
  }

  unpin(block: Block): void {
    block.pins--
    if (block.pins > 0 || !block.waiting) return
    block.waiting = false
    this.give(block)
  }

  resetPeaks(): void {
    this.peakBytes = this.liveBytes
    this.peakReserved = this.reserved
  }

  stats(): MemoryStats {
    const { liveBytes, liveBuffers, peakBytes, reserved } = this
    return { liveBytes, liveBuffers, pooledBytes: reserved - liveBytes, peakBytes }
  }

  cudaStats(): CudaMemoryStats {
    return {
      allocatedBytes: this.liveBytes,
      peakAllocatedBytes: this.peakBytes,
      reservedBytes: this.reserved,
      peakReservedBytes: this.peakReserved,
      segments: this.segments,
      segmentAllocations: this.allocations,
      retries: this.retries,
    }
  }
}
