/** What a run found, as data. */

import type { DType } from "@taeda/core"

export type Status = "passed" | "failed" | "gap"

export interface Failure {
  readonly template: string
  readonly problems: readonly string[]
}

/** One case of one op, over all templates. */
export interface CaseResult {
  readonly id: string
  readonly op: string
  /** null where the case is not about one. */
  readonly dtype: DType | null
  /** A gap: nothing failed but what is known to. */
  readonly status: Status
  /** Everything tried. */
  readonly templates: readonly string[]
  /** Of all templates together. */
  readonly milliseconds: number
  /** Of its tolerance, what the loosest element that passed has used: 0 to 1; left out where all are exact. */
  readonly toleranceUsed?: number
  readonly failures?: readonly Failure[]
  /** Why what failed is known to. */
  readonly gap?: string
}

export interface Report {
  readonly backend: string
  /** Cases of each status. */
  readonly passed: number
  readonly failed: number
  readonly gaps: number
  /** Known gaps that are none any more: they fail the run. */
  readonly closedGaps: readonly string[]
  readonly milliseconds: number
  readonly cases: readonly CaseResult[]
}

/** Whether a run may be called good. */
export const succeeded = ({ failed, closedGaps }: Report): boolean => failed === 0 && closedGaps.length === 0

export const toJson = (report: Report): string => JSON.stringify(report, null, 1)
