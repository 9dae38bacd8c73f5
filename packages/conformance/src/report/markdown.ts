/** Reports as Markdown: totals, the table op × dtype × backend, and what failed. */

import { loosestOf, percentText, secondsText, slowestOf } from "./extremes.ts"
import type { CaseResult, Report } from "./report.ts"
import { type Cell, tableOf } from "./table.ts"

const SHOWN = 100

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`

/** `12`, or `10 of 12, 1 gap`. */
export function cellText(cell: Cell | undefined): string {
  if (!cell) return ""
  const { passed, failed, gaps } = cell
  const total = passed + failed + gaps
  if (passed === total) return String(total)
  return `${passed} of ${total}${gaps > 0 ? `, ${gaps} ${gaps === 1 ? "gap" : "gaps"}` : ""}`
}

const failureLines = ({ id, failures = [] }: CaseResult): string[] =>
  failures.map(({ template, problems }) => `- \`${id}\`, ${template}: ${problems.join("; ").replaceAll("\n", " ")}`)

function extremes(report: Report): string[] {
  const loose = loosestOf(report)
  return [
    "",
    `## Slowest on ${report.backend}`,
    "",
    line(["op", "cases", "time"]),
    line(["---", "---:", "---:"]),
    ...slowestOf(report).map(({ op, cases, milliseconds }) => line([op, String(cases), secondsText(milliseconds)])),
    ...(loose.length > 0
      ? [
          "",
          `## Loosest on ${report.backend}`,
          "",
          "How much of its tolerance the op's nearest case has used.",
          "",
          line(["dtype", "op", "used", "case"]),
          line(["---", "---", "---:", "---"]),
          ...loose.map(({ dtype, op, id, toleranceUsed }) =>
            line([dtype ?? "other", op, percentText(toleranceUsed), `\`${id}\``]),
          ),
        ]
      : []),
  ]
}

export function toMarkdown(...reports: readonly Report[]): string {
  const { columns, rows } = tableOf(reports)
  const totals = reports.map((report) =>
    line([
      report.backend,
      ...[report.passed, report.failed, report.gaps].map(String),
      `${(report.milliseconds / 1000).toFixed(1)} s`,
    ]),
  )
  const parts = [
    "# Conformance",
    "",
    line(["backend", "passed", "failed", "known gaps", "time"]),
    line(["---", "---:", "---:", "---:", "---:"]),
    ...totals,
    "",
    "## Cases by op and dtype",
    "",
    line(["op", "backend", ...columns.map((dtype) => dtype ?? "other")]),
    line(["---", "---", ...columns.map(() => "---:")]),
    ...rows.map(({ op, backend, cells }) => line([op, backend, ...cells.map(cellText)])),
  ]
  for (const report of reports) {
    const failed = report.cases.filter(({ status }) => status === "failed").flatMap(failureLines)
    const lines = [...report.closedGaps.map((text) => `- ${text}`), ...failed]
    if (lines.length === 0) continue
    parts.push("", `## What failed on ${report.backend}`, "", ...lines.slice(0, SHOWN))
    if (lines.length > SHOWN) parts.push(`- and ${lines.length - SHOWN} more`)
  }
  for (const report of reports) parts.push(...extremes(report))
  return `${parts.join("\n")}\n`
}
