/** Queues plans: finds the kernels, packs their numbers, and says what memory they may touch. */
import type { Operand } from "@taeda/core"
import { Command } from "./command.ts"
import type { CudaContext, DeviceMemory } from "./driver.ts"
import { type Extent, extentOf } from "./extent.ts"
import type { Faults } from "./faults.ts"
import type { Libraries } from "./libraries.ts"
import type { Memory } from "./memory.ts"
import type { Modules } from "./modules.ts"
import { MOST_PARAM_BYTES } from "./pack.ts"
import type { ReadyLaunch, ReadyPlan } from "./plans.ts"
import type { BufferRef, ConvolutionLaunch, KernelLaunch, Plan, ProductLaunch } from "./program.ts"
import type { Block } from "./segments.ts"

/** Operands of a launch; their addresses take a quarter of the block of parameters. */
export const MOST_OPERANDS = 64

const NO_BLOCKS: Block[] = []

/** A buffer of the core. */
export class CudaBuffer {
  /** Null once it was freed. */
  block: Block | null
  readonly bytes: number

  constructor(block: Block, bytes: number) {
    this.block = block
    this.bytes = bytes
  }
}

export function blockOf(buffer: object): Block {
  const { block } = buffer as CudaBuffer
  if (!block) throw new Error("cuda: this buffer was freed; its tensor cannot be used any more")
  return block
}

export class Launcher {
  private readonly context: CudaContext
  private readonly memory: Memory
  private readonly modules: Modules
  private readonly faults: Faults
  private readonly libraries: Libraries
  /** Kernels that were queued so far. */
  launches = 0
  // All of these serve every launch: nothing is allocated for one.
  private readonly command: Command
  private readonly params = new Uint32Array(MOST_PARAM_BYTES / 4)
  private readonly view = new DataView(this.params.buffer)
  private readonly extent: Extent = { begin: 0, low: 0, high: 0 }
  private readonly blocks: Block[] = []
  /** Three numbers of each operand, from the start of its segment: where it begins, its lowest byte, the one behind its highest. */
  private readonly spans = new Float64Array(3 * MOST_OPERANDS)
  private readonly parts: (DeviceMemory | null)[] = []
  private readonly begins = new Float64Array(6)

  constructor(context: CudaContext, memory: Memory, modules: Modules, faults: Faults, libraries: Libraries) {
    this.libraries = libraries
    this.context = context
    this.command = new Command(context)
    this.memory = memory
    this.modules = modules
    this.faults = faults
  }

  /**
   * Says which operands the next `run` is about; `bytes` are those of an element of each.
   *
   * @throws RangeError where elements lie outside of their buffer.
   */
  place(operands: readonly Operand[], bytes: readonly number[], mention?: (block: Block) => void): void {
    const { extent, spans } = this
    if (operands.length > MOST_OPERANDS)
      throw new RangeError(`cuda: a launch of ${operands.length} operands; there can be ${MOST_OPERANDS}`)
    this.blocks.length = operands.length
    for (let k = 0; k < operands.length; k++) {
      const operand = operands[k]
      const block = blockOf(operand.buffer)
      const { bytes: all } = operand.buffer as CudaBuffer
      extentOf(operand, bytes[k], extent)
      if (extent.low < 0 || extent.high > all)
        throw new RangeError(
          `cuda: operand ${k} of a launch has bytes ${extent.low} to ${extent.high} of a buffer of ${all}`,
        )
      this.blocks[k] = block
      spans[3 * k] = block.offset + extent.begin
      spans[3 * k + 1] = block.offset + extent.low
      spans[3 * k + 2] = block.offset + extent.high
      mention?.(block)
    }
  }

  /** Compiles a plan's kernels, and packs their numbers. */
  ready({ launches, temporaries }: Plan): ReadyPlan {
    return {
      launches: launches.map((launch) => ("module" in launch ? this.readyLaunch(launch) : launch)),
      temporaries,
    }
  }

  private readyLaunch({ module, buffers, numbers, blocks, maps }: KernelLaunch): ReadyLaunch {
    const loaded = this.modules.get(module)
    // What no number fills stays 0.
    this.params.fill(0)
    loaded.pack(this.view, numbers, maps)
    const words = this.params.slice(2 * module.pointers, Math.ceil(loaded.bytes / 4))
    return { function: loaded.function, number: loaded.function.number, buffers, blocks, words }
  }

  /** Queues a plan for the operands that were placed. */
  run({ launches, temporaries }: ReadyPlan): void {
    const taken: Block[] = temporaries.length === 0 ? NO_BLOCKS : []
    try {
      for (let i = 0; i < temporaries.length; i++) taken.push(this.memory.take(temporaries[i]))
      for (let i = 0; i < launches.length; i++) {
        const launch = launches[i]
        if ("words" in launch) this.launch(launch, taken, temporaries)
        else this.call(launch, taken)
      }
    } finally {
      // What is queued later comes after the kernels that use them.
      for (const block of taken) this.memory.give(block)
    }
  }

  private launch(
    { number, buffers, blocks, words }: ReadyLaunch,
    taken: readonly Block[],
    sizes: readonly number[],
  ): void {
    const { command } = this
    command.kernel(number, blocks, buffers.length, words)
    for (let i = 0; i < buffers.length; i++) this.point(i, buffers[i], taken, sizes)
    command.launch()
    this.launches++
  }

  /** Queues what one of NVIDIA's libraries computes. */
  private call(launch: ProductLaunch | ConvolutionLaunch, taken: readonly Block[]): void {
    const { context, parts, begins } = this
    for (const [i, ref] of launch.buffers.entries()) {
      parts[i] = null
      if (!ref || "faults" in ref) continue
      const block = "operand" in ref ? this.blocks[ref.operand] : taken[ref.temporary]
      parts[i] = block.segment.memory
      begins[i] = "operand" in ref ? this.spans[3 * ref.operand] : block.offset
      if ("product" in launch) begins[i] += launch.starts?.[i] ?? 0
    }
    if ("product" in launch) context.multiply(launch.product, launch.alpha, launch.beta, parts, begins)
    else context.convolve(launch.convolution, parts, begins)
    this.libraries.counted("product" in launch ? "cublasLt" : "cudnn")
    this.launches++
  }

  /** Says what the kernel's pointer `i` is. */
  private point(i: number, ref: BufferRef, taken: readonly Block[], sizes: readonly number[]): void {
    const { command, spans } = this
    if ("operand" in ref) {
      const k = ref.operand
      command.pointer(i, this.blocks[k].segment.number, spans[3 * k], spans[3 * k + 1], spans[3 * k + 2])
      return
    }
    const isTemporary = "temporary" in ref
    const { segment, offset, bytes } = isTemporary ? taken[ref.temporary] : this.faults.block
    if (!isTemporary) this.faults.expected = true
    command.pointer(i, segment.number, offset, offset, offset + (isTemporary ? sizes[ref.temporary] : bytes))
  }
}
