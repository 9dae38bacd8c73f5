/** Op × dtype × backend: the table that Markdown and HTML show. */

import { DTYPE_NAMES, type DType } from "@taeda/core"
import type { CaseResult, Report } from "./report.ts"

export interface Cell {
  readonly passed: number
  readonly failed: number
  readonly gaps: number
}

export interface Table {
  /** Dtypes, and null for what is not about one (errors, options, programs). */
  readonly columns: readonly (DType | null)[]
  readonly rows: readonly {
    readonly op: string
    readonly backend: string
    /** undefined: nothing was run there. */
    readonly cells: readonly (Cell | undefined)[]
  }[]
}

const cellOf = (cases: readonly CaseResult[]): Cell | undefined => {
  if (cases.length === 0) return undefined
  const count = (status: CaseResult["status"]): number => cases.filter((each) => each.status === status).length
  return { passed: count("passed"), failed: count("failed"), gaps: count("gap") }
}

function groupByOp(cases: readonly CaseResult[]): Map<string, CaseResult[]> {
  const groups = new Map<string, CaseResult[]>()
  for (const each of cases) {
    const mine = groups.get(each.op)
    if (mine) mine.push(each)
    else groups.set(each.op, [each])
  }
  return groups
}

/** One row per op and backend, ops in the order of the first report. */
export function tableOf(reports: readonly Report[]): Table {
  const ops = [...new Set(reports.flatMap(({ cases }) => cases.map(({ op }) => op)))]
  const used = new Set(reports.flatMap(({ cases }) => cases.map(({ dtype }) => dtype)))
  const columns = [...DTYPE_NAMES, null].filter((dtype) => used.has(dtype))
  const byOp = reports.map(({ backend, cases }) => ({ backend, cases: groupByOp(cases) }))
  return {
    columns,
    rows: ops.flatMap((op) =>
      byOp.map(({ backend, cases }) => ({
        op,
        backend,
        cells: columns.map((dtype) => cellOf((cases.get(op) ?? []).filter((each) => each.dtype === dtype))),
      })),
    ),
  }
}
