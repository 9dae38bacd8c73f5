/** Plans of recent launches: a program repeats its shapes, and finding a plan again is much faster than making it. */
import { setPointer } from "./frame.ts"
import type { LaunchPlan } from "./launch-plan.ts"

/** How many plans a kernel remembers. */
const REMEMBERED = 16

/** What a plan depends on besides its kernel: everything about operands but their addresses. */
interface Layout {
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

interface Entry<P> {
  readonly key: readonly number[]
  readonly plan: P
  /** The plan's slots as they stand in a frame. */
  readonly words: Int32Array
}

export class PlanCache<P extends LaunchPlan> {
  private readonly entries: Entry<P>[] = []
  private oldest = 0

  /** The plan for numbers and layouts, whose counts are the same at each call; made by `make` if it isn't known. */
  find(numbers: readonly number[], operands: readonly Layout[], make: () => P): Entry<P> {
    const known = this.entries.find(({ key }) => matches(key, numbers, operands))
    if (known) return known
    const key = [...numbers, ...operands.flatMap((o) => [...o.sizes, ...o.strides])]
    const plan = make()
    const words = new Int32Array(2 * plan.slots.length)
    plan.slots.forEach((value, k) => setPointer(words, 2 * k, value))
    const entry = { key, plan, words }
    if (this.entries.length < REMEMBERED) this.entries.push(entry)
    else {
      this.entries[this.oldest] = entry
      this.oldest = (this.oldest + 1) % REMEMBERED
    }
    return entry
  }
}

function matches(key: readonly number[], numbers: readonly number[], operands: readonly Layout[]): boolean {
  let at = 0
  for (let k = 0; k < numbers.length; k++) if (key[at++] !== numbers[k]) return false
  for (let k = 0; k < operands.length; k++) {
    const { sizes, strides } = operands[k]
    for (let d = 0; d < sizes.length; d++) if (key[at++] !== sizes[d]) return false
    for (let d = 0; d < strides.length; d++) if (key[at++] !== strides[d]) return false
  }
  return true
}
