/** Reports as one HTML page, without anything loaded from elsewhere. */

import { escapeMarkup } from "./escape.ts"
import { loosestOf, percentText, secondsText, slowestOf } from "./extremes.ts"
import { cellText } from "./markdown.ts"
import { type CaseResult, type Report, succeeded } from "./report.ts"
import { type Cell, tableOf } from "./table.ts"

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; --line: color-mix(in srgb, currentColor 18%, transparent) }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 80rem }
h1, h2 { line-height: 1.2; font-weight: 600 } h1 { margin: 0 0 1rem } h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem } h3 { font-size: 1rem; margin: .5rem 0 }
p { max-width: 46rem } nav a { margin-right: 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
thead th { position: sticky; top: 0; background: Canvas; border-bottom-width: 2px }
th:first-child, td:first-child, .text { text-align: left }
.matrix tbody tr:hover { background: color-mix(in srgb, currentColor 7%, transparent) }
.columns { display: flex; flex-wrap: wrap; gap: 0 4rem }
.verdict { font-weight: 600; padding: .1rem .6rem; border-radius: 1rem }
.passed { background: color-mix(in srgb, #2a9d5c 18%, transparent) }
.failed { background: color-mix(in srgb, #d1344b 38%, transparent); font-weight: 600 }
.gap { background: color-mix(in srgb, #e0a100 32%, transparent) }
.key span { padding: .1rem .6rem; margin-right: .5rem }
details { margin: .35rem 0; border-left: .3rem solid transparent; padding: .1rem .6rem }
details.failed { border-color: #d1344b; background: none; font-weight: inherit } details.gap { border-color: #e0a100; background: none }
summary { cursor: pointer } code, pre { font: 13px/1.5 ui-monospace, monospace }
details p { margin: .5rem 0 0 } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 .6rem 1rem; opacity: .85 }
small { opacity: .75; margin-left: .5rem; overflow-wrap: anywhere }
meter { width: 7rem; vertical-align: middle }`

/** What a case's status is called, and so what a cell's colour means. */
const KEY: Readonly<Record<CaseResult["status"], string>> = {
  passed: "all cases agree with PyTorch",
  failed: "some do not",
  gap: "only what is known to fail does",
}

const statusOf = ({ failed, gaps }: Cell): CaseResult["status"] => (failed > 0 ? "failed" : gaps > 0 ? "gap" : "passed")

const cell = (each: Cell | undefined): string =>
  each ? `<td class="${statusOf(each)}">${cellText(each)}</td>` : "<td></td>"

/** Cells of markup in a row. */
const row = (cells: readonly string[], tag = "td"): string =>
  `<tr>${cells.map((text) => `<${tag}>${text}</${tag}>`).join("")}</tr>`

const table = (head: readonly string[], rows: readonly string[], kind = ""): string =>
  `<table${kind && ` class="${kind}"`}>\n<thead>${row(head, "th")}</thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table>`

const section = (id: string, title: string, ...parts: readonly string[]): string =>
  `<section id="${id}">\n<h2>${title}</h2>\n${parts.join("\n")}\n</section>`

function problemsOf({ failures = [] }: CaseResult): string {
  return failures.map(({ template, problems }) => `${template}: ${problems.join("\n")}`).join("\n")
}

function caseText(each: CaseResult): string {
  const reason = each.gap === undefined ? "" : ` (${each.gap})`
  return `<p><code>${escapeMarkup(each.id + reason)}</code></p>\n<pre>${escapeMarkup(problemsOf(each))}</pre>`
}

/** Of a problem so much that a line holds it. */
const SUMMARY = 110

const shortened = (text: string): string => (text.length > SUMMARY ? `${text.slice(0, SUMMARY - 1)}…` : text)

/** An op's cases under its name; the first problem stands beside it, as it often is that of all. */
function opDetails(op: string, cases: readonly CaseResult[], open: boolean): string {
  const worst = cases.find((each) => each.status === "failed") ?? cases[0]
  const count = cases.length === 1 ? "1 case" : `${cases.length} cases`
  const first = worst.gap ?? problemsOf(worst).split("\n", 1)[0]
  const summary = `<b>${escapeMarkup(op)}</b> ${count} <small>${escapeMarkup(shortened(first))}</small>`
  return `<details class="${worst.status}"${open ? " open" : ""}><summary>${summary}</summary>\n${cases.map(caseText).join("\n")}\n</details>`
}

/** With no more ops than this their cases are shown at once. */
const OPEN = 3

/** What did not pass, by op, what failed before what is known to. */
function found({ closedGaps, cases }: Report): string[] {
  const byOp = new Map<string, CaseResult[]>()
  for (const each of cases) if (each.status !== "passed") byOp.set(each.op, [...(byOp.get(each.op) ?? []), each])
  const hasFailed = (all: readonly CaseResult[]): boolean => all.some(({ status }) => status === "failed")
  const ops = [...byOp].sort(([, a], [, b]) => Number(hasFailed(b)) - Number(hasFailed(a)))
  return [
    ...closedGaps.map((text) => `<p><span class="failed">${escapeMarkup(text)}</span></p>`),
    ...ops.map(([op, all]) => opDetails(op, all, ops.length <= OPEN)),
  ]
}

function slowest(report: Report): string {
  const rows = slowestOf(report).map(({ op, cases, milliseconds }) =>
    row([`<code>${escapeMarkup(op)}</code>`, String(cases), secondsText(milliseconds)]),
  )
  return `<div>\n<h3>Slowest</h3>\n${table(["op", "cases", "time"], rows)}\n</div>`
}

function loosest(report: Report): string {
  const rows = loosestOf(report).map(({ dtype, id, toleranceUsed }) =>
    row([
      dtype ?? "other",
      `<code>${escapeMarkup(id)}</code>`,
      `<meter value="${toleranceUsed}" title="${percentText(toleranceUsed)}"></meter>`,
      percentText(toleranceUsed),
    ]).replace("<td><code>", '<td class="text"><code>'),
  )
  if (rows.length === 0) return ""
  return `<div>\n<h3>Loosest: how much of its tolerance a case uses</h3>\n${table(["dtype", "case", "", "used"], rows)}\n</div>`
}

const verdict = (report: Report): string =>
  succeeded(report)
    ? '<span class="verdict passed">agrees with PyTorch</span>'
    : '<span class="verdict failed">differs from PyTorch</span>'

export function toHtml(...reports: readonly Report[]): string {
  const { columns, rows } = tableOf(reports)
  const names = escapeMarkup(reports.map(({ backend }) => backend).join(", "))
  const totals = reports.map((report) => {
    const { backend, passed, failed, gaps, milliseconds } = report
    const counts = [passed, failed, gaps].map(String)
    return row([escapeMarkup(backend), ...counts, `${(milliseconds / 1000).toFixed(1)} s`, verdict(report)])
  })
  const several = reports.length > 1
  const body = rows.map(({ op, backend, cells }) => {
    const head = [op, ...(several ? [backend] : [])].map((text) => `<td class="text">${escapeMarkup(text)}</td>`)
    return `<tr>${head.join("")}${cells.map(cell).join("")}</tr>`
  })
  const head = ["op", ...(several ? ["backend"] : []), ...columns.map((dtype) => dtype ?? "other")]
  const key = Object.entries(KEY).map(([status, meaning]) => `<span class="${status}">${meaning}</span>`)
  const of = ({ backend }: Report): string => (several ? ` on ${escapeMarkup(backend)}` : "")
  const wrong = reports
    .map((report, i) => ({ parts: found(report), report, id: `found-${i}` }))
    .filter(({ parts }) => parts.length > 0)
  const links = [
    ...wrong.map(({ report, id }) => `<a href="#${id}">What did not pass${of(report)}</a>`),
    '<a href="#extremes-0">What stands out</a>',
    '<a href="#ops">Every op</a>',
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Conformance: ${names}</title>
<style>${STYLE}
</style>
<h1>Conformance: ${names}</h1>
${table(["backend", "passed", "failed", "known gaps", "time", ""], totals)}
<p>A case is one call of an op: its results, and where it has one its gradient, against PyTorch's own numbers.</p>
<nav>${links.join("")}</nav>
${[
  ...wrong.map(({ parts, report, id }) => section(id, `What did not pass${of(report)}`, ...parts)),
  ...reports.map((report, i) =>
    section(
      `extremes-${i}`,
      `What stands out${of(report)}`,
      `<div class="columns">${slowest(report)}${loosest(report)}</div>`,
    ),
  ),
  section("ops", "Cases by op and dtype", `<p class="key">${key.join("")}</p>`, table(head, body, "matrix")),
].join("\n")}
</html>
`
}
