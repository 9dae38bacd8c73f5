/** The report as JUnit XML, which CI systems show: a suite per op, a test per case; a known gap counts as skipped. */

import { escapeMarkup } from "./escape.ts"
import type { CaseResult, Report } from "./report.ts"

const attributes = (pairs: Readonly<Record<string, string | number>>): string =>
  Object.entries(pairs)
    .map(([name, value]) => ` ${name}="${escapeMarkup(String(value))}"`)
    .join("")

const textOf = ({ failures = [] }: CaseResult): string =>
  failures.flatMap(({ template, problems }) => problems.map((problem) => `${template}: ${problem}`)).join("\n")

function testCase(each: CaseResult, backend: string): string {
  const open = `    <testcase${attributes({ classname: `${backend}.${each.op}`, name: each.id, time: each.milliseconds / 1000 })}`
  if (each.status === "passed") return `${open}/>`
  const inside =
    each.status === "gap"
      ? `<skipped${attributes({ message: each.gap ?? "" })}/>`
      : `<failure${attributes({ message: textOf(each).split("\n", 1)[0] })}>${escapeMarkup(textOf(each))}</failure>`
  return `${open}>${inside}</testcase>`
}

export function toJUnit(report: Report): string {
  const { backend, cases, closedGaps, milliseconds } = report
  const suites = [...new Set(cases.map(({ op }) => op))].map((op) => {
    const mine = cases.filter((each) => each.op === op)
    const count = (status: CaseResult["status"]): number => mine.filter((each) => each.status === status).length
    const head = attributes({ name: op, tests: mine.length, failures: count("failed"), skipped: count("gap") })
    return `  <testsuite${head}>\n${mine.map((each) => testCase(each, backend)).join("\n")}\n  </testsuite>`
  })
  const closed = closedGaps.map(
    (text) =>
      `    <testcase${attributes({ classname: `${backend}.gaps`, name: text })}><failure${attributes({ message: text })}/></testcase>`,
  )
  if (closed.length > 0)
    suites.push(
      `  <testsuite${attributes({ name: "known gaps", tests: closed.length, failures: closed.length })}>\n${closed.join("\n")}\n  </testsuite>`,
    )
  const totals = attributes({
    name: `taeda conformance: ${backend}`,
    tests: cases.length + closed.length,
    failures: report.failed + closed.length,
    skipped: report.gaps,
    time: milliseconds / 1000,
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${totals}>\n${suites.join("\n")}\n</testsuites>\n`
}
