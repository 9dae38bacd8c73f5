/** What executables run on: the memory, the threads, and modules made into functions. */
import { KernelFault } from "@taeda/core"
import { FAULT } from "./frame.ts"
import { instantiate, type KernelRun } from "./instantiate.ts"
import { LAYOUT, type LinearMemory } from "./memory.ts"
import type { Target } from "./target.ts"
import type { PooledKernel, ThreadPool } from "./threads.ts"

/** Where the arguments of the launch that is running stand. */
export const FRAME = LAYOUT.frame

/** Instructions (of four elements each) that are worth waking another thread for, and those of the least chunk. */
const WORTH_SHARING = 60_000
const CHUNK = 12_000

/** A module's functions. */
export interface Code extends PooledKernel {
  readonly exports: Readonly<Record<string, KernelRun>>
}

export class Machine {
  readonly memory: LinearMemory
  readonly target: Target
  private readonly pool: ThreadPool
  private codes = 0

  constructor(memory: LinearMemory, pool: ThreadPool, target: Target) {
    this.memory = memory
    this.pool = pool
    this.target = target
  }

  get threads(): number {
    return this.pool.threads
  }

  load(bytes: Uint8Array): Code {
    const exports = instantiate(bytes, this.memory.memory)
    return { id: this.codes++, bytes, run: exports.run, exports }
  }

  /** Runs units of `cost` instructions each, shared among threads where that is worth it, in multiples of `grain` units. */
  share(code: Code, units: number, cost: number, grain = 1): void {
    if (units * cost < WORTH_SHARING) this.alone(code.run, units)
    else {
      const chunk = Math.max(1, Math.ceil(CHUNK / (cost * grain))) * grain
      this.settle(this.pool.run(code, FRAME, units, chunk))
    }
  }

  /** Runs units, of which a thread claims `grain` at a time. */
  shareChunks(code: Code, units: number, grain: number): void {
    if (units <= grain) this.alone(code.run, units)
    else this.settle(this.pool.run(code, FRAME, units, grain))
  }

  /** Runs units on the caller's thread. */
  alone(run: KernelRun, units: number): void {
    this.settle(run(FRAME, 0, units, this.memory.scratch(0)))
  }

  /** @throws KernelFault for a result that says so, in the words of the fault's report in the frame. */
  private settle(result: number): void {
    if (result === 0) return
    const { i32 } = this.memory
    const at = FRAME >> 2
    const word = (offset: number): number => i32[at + (offset >> 2)]
    const [operand, dim, size] = [word(FAULT.operand), word(FAULT.dim), word(FAULT.size)]
    const lane = [0, 1, 2, 3].find((l) => word(FAULT.inside + 4 * l) === 0) ?? 0
    const coordinate = word(FAULT.coordinates + 4 * lane)
    throw new KernelFault(
      `index ${coordinate} is out of bounds for dimension ${dim} with size ${size} (operand ${operand})`,
    )
  }

  /** Runs `body` with memory that is given back afterwards; the address is a multiple of 64. */
  withTemporary<T>(bytes: number, body: (address: number) => T): T {
    const { allocator } = this.memory
    const address = allocator.allocate(Math.max(64, bytes))
    try {
      return body(address)
    } finally {
      allocator.free(address)
    }
  }
}
