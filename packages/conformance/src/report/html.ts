/** Reports as one HTML page, without anything loaded from elsewhere. */

import { escapeMarkup } from "./escape.ts"
import { cellText } from "./markdown.ts"
import type { CaseResult, Report } from "./report.ts"
import { type Cell, tableOf } from "./table.ts"

const STYLE = `
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif }
body { margin: 2rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .2rem .6rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); text-align: right }
th { position: sticky; top: 0; background: Canvas }
th:first-child, td:first-child, td:nth-child(2) { text-align: left }
.passed { background: color-mix(in srgb, #2a9d5c 25%, transparent) }
.failed { background: color-mix(in srgb, #d1344b 40%, transparent) }
.gap { background: color-mix(in srgb, #e0a100 35%, transparent) }
pre { white-space: pre-wrap }`

const statusOf = ({ failed, gaps }: Cell): CaseResult["status"] => (failed > 0 ? "failed" : gaps > 0 ? "gap" : "passed")

const cell = (each: Cell | undefined): string =>
  each ? `<td class="${statusOf(each)}">${cellText(each)}</td>` : "<td></td>"

const row = (cells: readonly string[], tag = "td"): string =>
  `<tr>${cells.map((text) => `<${tag}>${escapeMarkup(text)}</${tag}>`).join("")}</tr>`

function details(each: CaseResult): string {
  const text = (each.failures ?? []).map(({ template, problems }) => `${template}: ${problems.join("\n")}`).join("\n")
  const reason = each.gap === undefined ? "" : ` (${each.gap})`
  return `<details class="${each.status}"><summary>${escapeMarkup(each.id + reason)}</summary><pre>${escapeMarkup(text)}</pre></details>`
}

export function toHtml(...reports: readonly Report[]): string {
  const { columns, rows } = tableOf(reports)
  const totals = reports.map(({ backend, passed, failed, gaps, milliseconds }) =>
    row([backend, ...[passed, failed, gaps].map(String), `${(milliseconds / 1000).toFixed(1)} s`]),
  )
  const body = rows.map(
    ({ op, backend, cells }) =>
      `<tr><td>${escapeMarkup(op)}</td><td>${escapeMarkup(backend)}</td>${cells.map(cell).join("")}</tr>`,
  )
  const found = reports.flatMap((report) => [
    ...report.closedGaps.map((text) => `<p class="failed">${escapeMarkup(text)}</p>`),
    ...report.cases.filter(({ status }) => status !== "passed").map(details),
  ])
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Conformance: ${escapeMarkup(reports.map(({ backend }) => backend).join(", "))}</title>
<style>${STYLE}
</style>
<h1>Conformance</h1>
<table>
${row(["backend", "passed", "failed", "known gaps", "time"], "th")}
${totals.join("\n")}
</table>
<table>
${row(["op", "backend", ...columns.map((dtype) => dtype ?? "other")], "th")}
${body.join("\n")}
</table>
${found.join("\n")}
</html>
`
}
