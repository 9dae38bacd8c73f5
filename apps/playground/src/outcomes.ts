/** Reports as a table, op × backend, and what a filter leaves of it. */
import type { CaseResult, Report } from "@taeda/conformance"

export interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly gaps: number
  /** What did not pass. */
  readonly wrong: readonly CaseResult[]
}

export interface OpRow {
  readonly op: string
  /** By the reports' order; undefined where nothing was run. */
  readonly outcomes: readonly (Outcome | undefined)[]
}

function outcomeOf(cases: readonly CaseResult[]): Outcome {
  const count = (status: CaseResult["status"]): number => cases.filter((each) => each.status === status).length
  return {
    passed: count("passed"),
    failed: count("failed"),
    gaps: count("gap"),
    wrong: cases.filter(({ status }) => status !== "passed"),
  }
}

/** One row per op, in the order of the alphabet. */
export function rowsOf(reports: readonly Report[]): OpRow[] {
  const byOp = reports.map(({ cases }) => Map.groupBy(cases, ({ op }) => op))
  const ops = [...new Set(byOp.flatMap((cases) => [...cases.keys()]))].sort((a, b) => a.localeCompare(b, "en"))
  return ops.map((op) => ({
    op,
    outcomes: byOp.map((cases) => {
      const mine = cases.get(op)
      return mine && outcomeOf(mine)
    }),
  }))
}

export interface Filter {
  /** A part of the op's name. */
  readonly text: string
  readonly only: "all" | "failed" | "gaps"
}

export const filtered = (rows: readonly OpRow[], { text, only }: Filter): OpRow[] =>
  rows.filter(
    ({ op, outcomes }) =>
      op.toLowerCase().includes(text.trim().toLowerCase()) &&
      (only === "all" || outcomes.some((each) => each && each[only] > 0)),
  )
