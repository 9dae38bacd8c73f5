/** Blocks that nobody uses, in the order of their size, so that the best fit is found by halving. */
import type { Block } from "./segments.ts"

export class FreeBlocks {
  private readonly sorted: Block[] = []

  /** The place of the first block that does not come before one of this size and number. */
  private place(bytes: number, id: number): number {
    let [low, high] = [0, this.sorted.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const block = this.sorted[middle]
      if (block.bytes < bytes || (block.bytes === bytes && block.id < id)) low = middle + 1
      else high = middle
    }
    return low
  }

  add(block: Block): void {
    this.sorted.splice(this.place(block.bytes, block.id), 0, block)
  }

  remove(block: Block): void {
    this.sorted.splice(this.place(block.bytes, block.id), 1)
  }

  /** Takes the smallest that has so many bytes; of equal ones the oldest. */
  take(bytes: number): Block | undefined {
    const at = this.place(bytes, -1)
    const block = this.sorted[at]
    if (block) this.sorted.splice(at, 1)
    return block
  }

  /** Takes all that are whole segments. */
  takeWhole(): Block[] {
    const whole = this.sorted.filter(({ before, after }) => !before && !after)
    const rest = this.sorted.filter(({ before, after }) => before || after)
    this.sorted.splice(0, this.sorted.length, ...rest)
    return whole
  }

  /** Moves all of another's here. */
  adopt(other: FreeBlocks): void {
    for (const block of other.sorted) this.add(block)
    other.sorted.length = 0
  }
}
