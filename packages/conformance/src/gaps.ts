/** Known gaps: what a backend is known to fail, with the reason. They run, and must fail. */

import type { DType } from "@taeda/core"
import { type Check, type CheckGroup, matches } from "./checks.ts"
import type { Tag } from "./row.ts"

/** Describes checks by what they have in common; every field that is given must hold. */
export interface KnownGap {
  /** An op's id, or a pattern with `*`. */
  readonly op?: string
  readonly dtype?: DType
  readonly template?: string
  readonly tag?: Tag
  /** One case's id (`add/3/float32`). */
  readonly case?: string
  /** Why, for the person who reads the report. */
  readonly reason: string
}

export const describeGap = ({ reason, ...fields }: KnownGap): string =>
  `${Object.entries(fields)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")} (${reason})`

const covers = (gap: KnownGap, { id, op, dtype, template, tags }: Check): boolean =>
  (gap.op === undefined || matches([gap.op], op)) &&
  (gap.dtype === undefined || gap.dtype === dtype) &&
  (gap.template === undefined || gap.template === template) &&
  (gap.tag === undefined || tags.includes(gap.tag)) &&
  (gap.case === undefined || gap.case === id)

/** A gap and an op that it covers: open as long as some check of that op fails for it. */
interface Entry {
  readonly gap: KnownGap
  readonly op: string
  failures: number
}

/** Follows which gaps are still open while checks run. */
export class GapLedger {
  readonly #gaps: readonly KnownGap[]
  readonly #entries = new Map<KnownGap, Map<string, Entry>>()
  readonly #partial = new Set<string>()

  /** Throws a TypeError for a gap that says nothing of what it covers, or not why. */
  constructor(gaps: readonly KnownGap[]) {
    for (const gap of gaps) {
      if (!gap.reason) throw new TypeError(`a known gap needs a reason: ${describeGap(gap)}`)
      if (Object.keys(gap).length < 2) throw new TypeError(`a known gap must say what it covers: ${gap.reason}`)
    }
    this.#gaps = gaps
  }

  /** Told of every group that runs: a gap is judged only where all that it covers has run. */
  begin({ op, partial }: CheckGroup): void {
    if (partial) this.#partial.add(op)
  }

  /** The gap that covers a check; undefined when there is none. Counts its outcome. */
  settle(check: Check, failed: boolean): KnownGap | undefined {
    const gap = this.#gaps.find((each) => covers(each, check))
    if (!gap) return undefined
    let entries = this.#entries.get(gap)
    if (!entries) this.#entries.set(gap, (entries = new Map()))
    const entry = entries.get(check.op) ?? { gap, op: check.op, failures: 0 }
    entries.set(check.op, entry)
    if (failed) entry.failures++
    return gap
  }

  /** Gaps of which nothing fails any more, one sentence for each op. */
  closed(): string[] {
    return [...this.#entries.values()]
      .flatMap((entries) => [...entries.values()])
      .filter(({ op, failures }) => failures === 0 && !this.#partial.has(op))
      .map(({ gap, op }) => `closed gap: ${op} passes all that is covered by ${describeGap(gap)}: remove or narrow it`)
  }
}
