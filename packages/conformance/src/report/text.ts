/** The report for a terminal: what failed, a table, what stands out, then the totals. */

import type { DType } from "@taeda/core"
import { loosestOf, percentText, secondsText, slowestOf } from "./extremes.ts"
import { cellText } from "./markdown.ts"
import type { CaseResult, Report } from "./report.ts"
import { type Cell, tableOf } from "./table.ts"

const SHOWN = 50

/** With more ops than this the table has a line for each dtype, and not for each op. */
const OPS_SHOWN = 20

const failureText = ({ id, failures = [] }: CaseResult): string =>
  failures.map(({ template, problems }) => `${id}, ${template}:\n  ${problems.join("\n  ")}`).join("\n")

/** Cells under each other: the first column and those of `left` to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[], ...left: readonly number[]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))
  const cell = (text: string, i: number): string =>
    i === 0 || left.includes(i) ? text.padEnd(widths[i]) : text.padStart(widths[i])
  return rows.map((row) => row.map(cell).join("  ").trimEnd())
}

const dtypeText = (dtype: DType | null): string => dtype ?? "other"

function dtypeTable({ cases }: Report, columns: readonly (DType | null)[]): string[][] {
  const count = (dtype: DType | null, status: CaseResult["status"]): string =>
    String(cases.filter((each) => each.dtype === dtype && each.status === status).length)
  return [
    ["dtype", "passed", "failed", "gaps"],
    ...columns.map((dtype) => [
      dtypeText(dtype),
      ...(["passed", "failed", "gap"] as const).map((status) => count(dtype, status)),
    ]),
  ]
}

function table(report: Report): string[] {
  const { columns, rows } = tableOf([report])
  if (rows.length > OPS_SHOWN) return aligned(dtypeTable(report, columns))
  const line = (op: string, cells: readonly (Cell | undefined)[]): string[] => [op, ...cells.map(cellText)]
  return aligned([["op", ...columns.map(dtypeText)], ...rows.map(({ op, cells }) => line(op, cells))])
}

function extremes(report: Report): string[] {
  const slow = slowestOf(report, 5).map(({ op, cases, milliseconds }) => [
    `  ${op}`,
    secondsText(milliseconds),
    `${cases} ${cases === 1 ? "case" : "cases"}`,
  ])
  const loose = loosestOf(report, 1).map(({ dtype, id, toleranceUsed }) => [
    `  ${dtypeText(dtype)}`,
    percentText(toleranceUsed),
    id,
  ])
  return [
    ...(slow.length > 0 ? ["", "Slowest:", ...aligned(slow)] : []),
    ...(loose.length > 0 ? ["", "Loosest, as a part of the tolerance:", ...aligned(loose, 2)] : []),
  ]
}

export function toText(report: Report): string {
  const { backend, passed, failed, gaps, closedGaps, milliseconds, cases } = report
  const wrong = cases.filter(({ status }) => status === "failed")
  const lines = [...closedGaps, ...wrong.slice(0, SHOWN).map(failureText)]
  if (wrong.length > SHOWN) lines.push(`and ${wrong.length - SHOWN} more`)
  if (lines.length > 0) lines.push("")
  const totals = `${backend}: ${passed} passed, ${failed} failed, ${gaps} known gaps, ${(milliseconds / 1000).toFixed(1)} s`
  return `${[...lines, ...table(report), ...extremes(report), "", totals].join("\n")}\n`
}
