/** Allocation: small buffers come straight from the engine, large ones go through a pool so that loops reuse them. */
import type { DType, MemoryStats } from "@taeda/core"
import { ARRAY_KIND, bufferOver, type CpuBuffer, newBuffer } from "./buffer.ts"

/** From this size on a freed buffer is kept: below it the engine's young generation is cheaper than any pool. */
const POOLED_FROM = 64 * 1024
const POOL_CAP = 512 * 1024 * 1024

/** So many small buffers are in one lot: the engine tells of a lot's collection, which costs as much as the buffers. */
const LOT = 256

/** What is still alive of a lot. */
interface Tally {
  bytes: number
  buffers: number
}

/** Buffers that go out of the books together when the last of them was collected; freed ones at once. */
class Lot {
  readonly tally: Tally = { bytes: 0, buffers: 0 }
  left = LOT - 1
}

function enter(buffer: CpuBuffer, lot: Lot): CpuBuffer {
  const { tally } = lot
  tally.buffers++
  tally.bytes += buffer.bytes
  buffer.lot = lot
  return buffer
}

export class Memory {
  /** Told of lots that the engine collected; what is freed by hand has left their tallies before. */
  private readonly collected = new FinalizationRegistry<Tally>((tally) => this.strike(tally))
  private lot = this.newLot()
  private readonly pool = new Map<number, ArrayBuffer[]>()
  private liveBytes = 0
  private liveBuffers = 0
  private pooledBytes = 0
  private peakBytes = 0
  private cleared = false

  allocate(bytes: number, dtype: DType): CpuBuffer {
    this.liveBuffers++
    this.liveBytes += bytes
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes
    if (bytes >= POOLED_FROM) return enter(this.allocateLarge(bytes, dtype), this.newLot())
    if (this.lot.left-- === 0) this.lot = this.newLot()
    return enter(newBuffer(bytes, ARRAY_KIND[dtype]), this.lot)
  }

  free(buffer: CpuBuffer): void {
    if (buffer.released) return
    const { tally } = buffer.lot as Lot
    tally.buffers--
    tally.bytes -= buffer.bytes
    this.liveBuffers--
    this.liveBytes -= buffer.bytes
    if (buffer.bytes >= POOLED_FROM) this.keep(buffer.data.buffer as ArrayBuffer)
    buffer.release()
  }

  /** Of buffers that nobody holds the engine tells some time after it collected them: never within one task. */
  stats(): MemoryStats {
    const { liveBytes, liveBuffers, pooledBytes, peakBytes } = this
    return { liveBytes, liveBuffers, pooledBytes, peakBytes }
  }

  clear(): void {
    this.cleared = true
    this.pool.clear()
    this.pooledBytes = 0
    this.liveBytes = 0
    this.liveBuffers = 0
  }

  private newLot(): Lot {
    const lot = new Lot()
    this.collected.register(lot, lot.tally)
    return lot
  }

  private strike(tally: Tally): void {
    if (this.cleared) return
    this.liveBuffers -= tally.buffers
    this.liveBytes -= tally.bytes
  }

  private allocateLarge(bytes: number, dtype: DType): CpuBuffer {
    const size = sizeClass(bytes)
    const memory = this.pool.get(size)?.pop()
    if (memory) this.pooledBytes -= size
    return bufferOver(memory ?? new ArrayBuffer(size), bytes, ARRAY_KIND[dtype])
  }

  private keep(memory: ArrayBuffer): void {
    const size = memory.byteLength
    if (this.pooledBytes + size > POOL_CAP) return
    const list = this.pool.get(size)
    if (list) list.push(memory)
    else this.pool.set(size, [memory])
    this.pooledBytes += size
  }
}

/** Four classes per doubling, so that nearby sizes share memory and at most a fifth of a buffer goes unused. */
function sizeClass(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2)
  return Math.ceil(bytes / step) * step
}
