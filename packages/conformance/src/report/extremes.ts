/** What stands out among what passed: the ops that took longest, and those that came nearest to their tolerance. */

import { DTYPE_NAMES, type DType } from "@taeda/core"
import type { CaseResult, Report } from "./report.ts"

export interface Slow {
  readonly op: string
  readonly cases: number
  readonly milliseconds: number
}

export interface Loose {
  /** null for what is not about one. */
  readonly dtype: DType | null
  readonly op: string
  /** The case that came nearest. */
  readonly id: string
  /** How much of the tolerance it used: 0 to 1. */
  readonly toleranceUsed: number
}

const SLOWEST = 10
/** Of each dtype. */
const LOOSEST = 3

/** The ops that took longest, all their cases together, the slowest first. */
export function slowestOf({ cases }: Report, most = SLOWEST): Slow[] {
  const byOp = new Map<string, Slow>()
  for (const { op, milliseconds } of cases) {
    const before = byOp.get(op) ?? { op, cases: 0, milliseconds: 0 }
    byOp.set(op, { op, cases: before.cases + 1, milliseconds: before.milliseconds + milliseconds })
  }
  return [...byOp.values()].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, most)
}

/** Of each dtype the ops that came nearest to their tolerance, each by its nearest case. */
export function loosestOf({ cases }: Report, most = LOOSEST): Loose[] {
  const nearest = (dtype: DType | null): Loose[] => {
    const byOp = new Map<string, CaseResult>()
    for (const each of cases) {
      if (each.dtype !== dtype || each.toleranceUsed === undefined) continue
      const before = byOp.get(each.op)
      if (!before || each.toleranceUsed > (before.toleranceUsed ?? 0)) byOp.set(each.op, each)
    }
    return [...byOp.values()]
      .map(({ op, id, toleranceUsed = 0 }) => ({ dtype, op, id, toleranceUsed }))
      .sort((a, b) => b.toleranceUsed - a.toleranceUsed)
      .slice(0, most)
  }
  return [...DTYPE_NAMES, null].flatMap(nearest)
}

/** `85 %`; under one, with a digit more, for what is nearly exact. */
export const percentText = (share: number): string => `${(100 * share).toFixed(share < 0.01 ? 1 : 0)} %`

export const secondsText = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`
