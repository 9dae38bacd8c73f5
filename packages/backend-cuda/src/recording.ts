/** Launches recorded into a graph, and the memory that they were recorded with, which stays theirs while the graph lives. */
import type { CudaContext, DeviceMemory, DriverGraph, PinnedMemory } from "./driver.ts"
import type { Memory } from "./memory.ts"
import { type Block, Pool } from "./segments.ts"

export class Recording {
  private readonly context: CudaContext
  private readonly memory: Memory
  /** What is allocated while it records. */
  private readonly pool = new Pool()
  /** What was there before and is mentioned. */
  private readonly pinned = new Set<Block>()
  /** What is written while it records: a replay writes the same. */
  private readonly written: PinnedMemory[] = []
  private graph: DriverGraph | null = null
  /** Whether one of its kernels may report a fault. */
  mayFault = false

  constructor(context: CudaContext, memory: Memory) {
    this.context = context
    this.memory = memory
  }

  /** Records what `body` launches. Where it throws, everything is as it was before. */
  record(body: () => void): void {
    const { context, memory } = this
    context.beginCapture()
    memory.usePool(this.pool)
    try {
      body()
    } catch (error) {
      memory.usePool()
      try {
        context.destroyGraph(context.endCapture())
      } catch {
        // What `body` threw says more.
      }
      this.release()
      throw error
    }
    memory.usePool()
    try {
      this.graph = context.endCapture()
    } catch (error) {
      this.release()
      throw error
    }
  }

  /** Keeps a block that a recorded launch mentions. */
  mention(block: Block): void {
    if (block.segment.pool === this.pool || this.pinned.has(block)) return
    this.pinned.add(block)
    this.memory.pin(block)
  }

  write(to: DeviceMemory, toByte: number, bytes: Uint8Array): void {
    const copy = this.context.allocatePinned(bytes.length)
    copy.bytes.set(bytes)
    this.written.push(copy)
    this.context.upload(to, toByte, copy, 0, bytes.length)
  }

  replay(): void {
    if (!this.graph) throw new Error("cuda: this recording was disposed")
    this.context.replay(this.graph)
  }

  dispose(): void {
    if (!this.graph) return
    this.context.destroyGraph(this.graph)
    this.graph = null
    this.release()
  }

  private release(): void {
    for (const block of this.pinned) this.memory.unpin(block)
    this.pinned.clear()
    for (const copy of this.written) this.context.freePinned(copy)
    this.written.length = 0
    this.memory.dissolve(this.pool)
  }
}
