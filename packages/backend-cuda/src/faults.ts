/** The words in which kernels report an index outside of its operand; the first report stays until it is read. */
import { KernelFault } from "@taeda/core"
import type { Source } from "./downloads.ts"
import type { CudaContext } from "./driver.ts"
import type { Memory } from "./memory.ts"
import type { Block } from "./segments.ts"

const WORDS = 8
const BYTES = 4 * WORDS

export class Faults {
  readonly block: Block
  private readonly context: CudaContext
  private readonly nameOf: (kernel: number) => string
  /** Whether something was launched that may report. */
  expected = false

  /** `nameOf` names kernels by their numbers. */
  constructor(context: CudaContext, memory: Memory, nameOf: (kernel: number) => string) {
    this.context = context
    this.nameOf = nameOf
    this.block = memory.take(BYTES)
    this.clear()
  }

  get source(): Source {
    return { memory: this.block.segment.memory, byte: this.block.offset, bytes: BYTES }
  }

  /** Queues that the words are forgotten. */
  clear(): void {
    this.context.fill(this.block.segment.memory, this.block.offset, 0, BYTES)
    this.expected = false
  }

  /** The error that the words tell of; undefined where there is none. */
  in(bytes: Uint8Array): KernelFault | undefined {
    const [claimed, operand, dim, coordinate, size, kernel] = new Uint32Array(bytes.buffer, bytes.byteOffset, WORDS)
    if (claimed === 0) return undefined
    return new KernelFault(
      `index ${coordinate | 0} is out of bounds for dimension ${dim} with size ${size} (operand ${operand} of ${this.nameOf(kernel)})`,
    )
  }
}
