/** Allocation: small buffers come straight from the engine, large ones go through a pool so that loops reuse them. */
import type { DType, MemoryStats } from "@taeda/core"
import { ARRAY_KIND, bufferOver, type CpuBuffer, newBuffer } from "./buffer.ts"

/** From this size on a freed buffer is kept: below it the engine's young generation is cheaper than any pool. */
const POOLED_FROM = 64 * 1024
const POOL_CAP = 512 * 1024 * 1024

export class Memory {
  private readonly pool = new Map<number, ArrayBuffer[]>()
  private liveBytes = 0
  private liveBuffers = 0
  private pooledBytes = 0
  private peakBytes = 0

  allocate(bytes: number, dtype: DType): CpuBuffer {
    this.liveBuffers++
    this.liveBytes += bytes
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes
    return bytes < POOLED_FROM ? newBuffer(bytes, ARRAY_KIND[dtype]) : this.allocateLarge(bytes, dtype)
  }

  free(buffer: CpuBuffer): void {
    if (buffer.released) return
    this.liveBuffers--
    this.liveBytes -= buffer.bytes
    if (buffer.bytes >= POOLED_FROM) this.keep(buffer.data.buffer as ArrayBuffer)
    buffer.release()
  }

  stats(): MemoryStats {
    const { liveBytes, liveBuffers, pooledBytes, peakBytes } = this
    return { liveBytes, liveBuffers, pooledBytes, peakBytes }
  }

  clear(): void {
    this.pool.clear()
    this.pooledBytes = 0
    this.liveBytes = 0
    this.liveBuffers = 0
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
