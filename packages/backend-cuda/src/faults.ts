/**
 * The words in which kernels report an index outside of its operand; the first report stays until it is read. What was
 * computed with such an index may have been copied from another device: its words come along, so that a read here tells.
 */
import { KernelFault } from "@taeda/core"
import type { Source } from "./downloads.ts"
import type { CudaContext } from "./driver.ts"
import type { Memory } from "./memory.ts"
import type { Block } from "./segments.ts"

const WORDS = 8
const BYTES = 4 * WORDS

/** A device's words, or a copy of another's. */
interface Words {
  readonly of: Faults
  readonly block: Block
}

/** Words that are read. */
export interface Question {
  readonly sources: readonly Source[]
  /** The error that they tell of, in the order of `sources`; undefined where there is none. */
  answer(words: readonly Uint8Array[]): KernelFault | undefined
}

export class Faults {
  readonly block: Block
  private readonly context: CudaContext
  private readonly memory: Memory
  /** Copies of other devices' words, by where they were copied from. */
  private readonly brought = new Map<Block, Words>()
  private readonly nameOf: (kernel: number) => string
  /** Whether something was launched that may report. */
  expected = false

  /** `nameOf` names kernels by their numbers. */
  constructor(context: CudaContext, memory: Memory, nameOf: (kernel: number) => string) {
    this.context = context
    this.memory = memory
    this.nameOf = nameOf
    this.block = memory.take(BYTES)
    this.clear()
  }

  private words(): readonly Words[] {
    return [{ of: this, block: this.block }, ...this.brought.values()]
  }

  /** What asks for the words as they are now. */
  question(): Question {
    const words = this.words()
    return {
      sources: words.map(({ block: { segment, offset } }) => ({ memory: segment.memory, byte: offset, bytes: BYTES })),
      answer(read) {
        for (const [i, bytes] of read.entries()) {
          const fault = words[i].of.in(bytes)
          if (fault) return fault
        }
        return undefined
      },
    }
  }

  /** Brings what another device may have reported, or been brought, by `copy`. */
  bring(other: Faults, copy: (from: Block, to: Block, bytes: number) => void): void {
    if (!other.expected) return
    for (const { of, block: from } of other.words()) {
      const block = this.brought.get(from)?.block ?? this.memory.take(BYTES)
      this.brought.set(from, { of, block })
      this.expected = true
      this.context.fill(block.segment.memory, block.offset, 0, BYTES)
      copy(from, block, BYTES)
    }
  }

  /** Queues that the words are forgotten. */
  clear(): void {
    this.context.fill(this.block.segment.memory, this.block.offset, 0, BYTES)
    for (const { block } of this.brought.values()) this.memory.give(block)
    this.brought.clear()
    this.expected = false
  }

  private in(bytes: Uint8Array): KernelFault | undefined {
    const [claimed, operand, dim, coordinate, size, kernel] = new Uint32Array(bytes.buffer, bytes.byteOffset, WORDS)
    if (claimed === 0) return undefined
    return new KernelFault(
      `index ${coordinate | 0} is out of bounds for dimension ${dim} with size ${size} (operand ${operand} of ${this.nameOf(kernel)})`,
    )
  }
}
