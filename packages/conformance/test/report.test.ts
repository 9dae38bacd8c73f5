/** What reports look like, on a report with something of everything. */

import { describe, expect, it } from "vitest"
import { toHtml } from "../src/report/html.ts"
import { toJUnit } from "../src/report/junit.ts"
import { toMarkdown } from "../src/report/markdown.ts"
import { type Report, succeeded, toJson } from "../src/report/report.ts"
import { toText } from "../src/report/text.ts"

const REPORT: Report = {
  backend: "toy",
  passed: 2,
  failed: 1,
  gaps: 1,
  closedGaps: ["closed gap: neg"],
  milliseconds: 1500,
  cases: [
    { id: "add/0/float32", op: "add", dtype: "float32", status: "passed", templates: ["forward", "backward"] },
    { id: "add/0/float64", op: "add", dtype: "float64", status: "passed", templates: ["forward"] },
    {
      id: "add/1/float32",
      op: "add",
      dtype: "float32",
      status: "failed",
      templates: ["forward"],
      failures: [{ template: "forward", problems: ['result: [0] is 1 <& "2"', "two"] }],
    },
    {
      id: "exp/0/float32",
      op: "exp",
      dtype: "float32",
      status: "gap",
      templates: ["forward"],
      failures: [{ template: "forward", problems: ["no exp"] }],
      gap: "has no exp",
    },
  ],
}
const GOOD: Report = { ...REPORT, backend: "good", failed: 0, gaps: 0, closedGaps: [], cases: REPORT.cases.slice(0, 2) }

describe("a report", () => {
  it("is good only without failures and closed gaps", () => {
    expect(succeeded(GOOD)).toBe(true)
    expect(succeeded(REPORT)).toBe(false)
    expect(succeeded({ ...GOOD, closedGaps: ["x"] })).toBe(false)
  })

  it("is JSON with the fields that tools read", () => {
    const read = JSON.parse(toJson(REPORT)) as Record<string, unknown>
    expect(Object.keys(read)).toEqual(["backend", "passed", "failed", "gaps", "closedGaps", "milliseconds", "cases"])
    expect(read).toEqual(REPORT)
  })

  it("is JUnit XML with a suite per op, text escaped", () => {
    const xml = toJUnit(REPORT)
    expect(xml).toContain('<testsuites name="taeda conformance: toy" tests="5" failures="2" skipped="1" time="1.5">')
    expect(xml).toContain('<testsuite name="add" tests="3" failures="1" skipped="0">')
    expect(xml).toContain('message="forward: result: [0] is 1 &lt;&amp; &quot;2&quot;"')
    expect(xml).toContain('<skipped message="has no exp"/>')
    expect(xml).toContain('name="closed gap: neg"')
    expect(xml.match(/<testcase /g)?.length).toBe(5)
    expect(xml.match(/<testsuite /g)?.length).toBe(xml.match(/<\/testsuite>/g)?.length)
  })

  it("is a Markdown table of op, backend and dtype, over several backends", () => {
    const lines = toMarkdown(REPORT, GOOD).split("\n")
    expect(lines).toContain("| op | backend | float32 | float64 |")
    expect(lines).toContain("| add | toy | 1 of 2 | 1 |")
    expect(lines).toContain("| add | good | 1 | 1 |")
    expect(lines).toContain("| exp | toy | 0 of 1, 1 gap |  |")
    expect(lines).toContain('- `add/1/float32`, forward: result: [0] is 1 <& "2"; two')
    expect(lines).toContain("- closed gap: neg")
  })

  it("is one HTML page that shows what failed", () => {
    const html = toHtml(REPORT)
    expect(html).toContain('<td class="failed">1 of 2</td><td class="passed">1</td>')
    expect(html).toContain('<td class="gap">0 of 1, 1 gap</td><td></td>')
    expect(html).toContain("result: [0] is 1 &lt;&amp; &quot;2&quot;")
    expect(html).toContain("exp/0/float32 (has no exp)")
  })

  it("is text that ends with the totals", () => {
    expect(toText(REPORT).trimEnd().split("\n")).toEqual([
      "closed gap: neg",
      "add/1/float32, forward:",
      '  result: [0] is 1 <& "2"',
      "  two",
      "toy: 2 passed, 1 failed, 1 known gaps, 1.5 s",
    ])
  })
})
