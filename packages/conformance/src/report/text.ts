/** The report for a terminal: what failed, then the totals. */

import type { CaseResult, Report } from "./report.ts"

const SHOWN = 50

const failureText = ({ id, failures = [] }: CaseResult): string =>
  failures.map(({ template, problems }) => `${id}, ${template}:\n  ${problems.join("\n  ")}`).join("\n")

export function toText({ backend, passed, failed, gaps, closedGaps, milliseconds, cases }: Report): string {
  const wrong = cases.filter(({ status }) => status === "failed")
  const lines = [...closedGaps, ...wrong.slice(0, SHOWN).map(failureText)]
  if (wrong.length > SHOWN) lines.push(`and ${wrong.length - SHOWN} more`)
  const totals = `${backend}: ${passed} passed, ${failed} failed, ${gaps} known gaps, ${(milliseconds / 1000).toFixed(1)} s`
  return `${[...lines, totals].join("\n")}\n`
}
