/** What reports look like, on a report with something of everything. */

import { describe, expect, it } from "vitest"
import { loosestOf, slowestOf } from "../src/report/extremes.ts"
import { toHtml } from "../src/report/html.ts"
import { toJUnit } from "../src/report/junit.ts"
import { toMarkdown } from "../src/report/markdown.ts"
import { type CaseResult, type Report, succeeded, toJson } from "../src/report/report.ts"
import { toText } from "../src/report/text.ts"

const REPORT: Report = {
  backend: "toy",
  passed: 2,
  failed: 1,
  gaps: 1,
  closedGaps: ["closed gap: neg"],
  milliseconds: 1500,
  cases: [
    {
      id: "add/0/float32",
      op: "add",
      dtype: "float32",
      status: "passed",
      templates: ["forward", "backward"],
      milliseconds: 20,
      toleranceUsed: 0.25,
    },
    { id: "add/0/float64", op: "add", dtype: "float64", status: "passed", templates: ["forward"], milliseconds: 10 },
    {
      id: "add/1/float32",
      op: "add",
      dtype: "float32",
      status: "failed",
      templates: ["forward"],
      milliseconds: 30,
      toleranceUsed: 0.5,
      failures: [{ template: "forward", problems: ['result: [0] is 1 <& "2"', "two"] }],
    },
    {
      id: "exp/0/float32",
      op: "exp",
      dtype: "float32",
      status: "gap",
      templates: ["forward"],
      milliseconds: 400,
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
    expect(xml).toContain('name="add/0/float32" time="0.02"/>')
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
    expect(lines).toContain("| exp | 1 | 0.40 s |")
    expect(lines).toContain("| float32 | add | 50 % | `add/1/float32` |")
  })

  it("is one HTML page that shows what failed", () => {
    const html = toHtml(REPORT)
    expect(html).toContain('<td class="failed">1 of 2</td><td class="passed">1</td>')
    expect(html).toContain('<td class="gap">0 of 1, 1 gap</td><td></td>')
    expect(html).toContain("result: [0] is 1 &lt;&amp; &quot;2&quot;")
    expect(html).toContain("exp/0/float32 (has no exp)")
  })

  it("is text: what failed, the table, what stands out, the totals", () => {
    expect(toText(REPORT)).toBe(`closed gap: neg
add/1/float32, forward:
  result: [0] is 1 <& "2"
  two

op         float32  float64
add         1 of 2        1
exp  0 of 1, 1 gap

Slowest:
  exp  0.40 s   1 case
  add  0.06 s  3 cases

Loosest, as a part of the tolerance:
  float32  50 %  add/1/float32

toy: 2 passed, 1 failed, 1 known gaps, 1.5 s
`)
  })

  it("is text with a line for each dtype, where there are many ops", () => {
    const cases = Array.from({ length: 30 }, (_, i) => ({ ...REPORT.cases[0], op: `op${i}` }))
    const lines = toText({ ...GOOD, passed: 30, cases: [...cases, REPORT.cases[3]] }).split("\n")
    expect(lines.slice(0, 3)).toEqual(["dtype    passed  failed  gaps", "float32      30       0     1", ""])
  })
})

describe("what stands out", () => {
  const each = (op: string, id: string, milliseconds: number, toleranceUsed?: number): CaseResult => ({
    ...REPORT.cases[0],
    op,
    id,
    milliseconds,
    toleranceUsed,
  })
  const report = {
    ...GOOD,
    cases: [each("a", "a/0", 1, 0.1), each("b", "b/0", 5), each("a", "a/1", 3, 0.75), each("c", "c/0", 3.5, 0.5)],
  }

  it("is the ops that took longest, all cases together", () => {
    expect(slowestOf(report, 2)).toEqual([
      { op: "b", cases: 1, milliseconds: 5 },
      { op: "a", cases: 2, milliseconds: 4 },
    ])
  })

  it("is the ops that came nearest to their tolerance, by their nearest case; what is exact is not among them", () => {
    expect(loosestOf(report)).toEqual([
      { dtype: "float32", op: "a", id: "a/1", toleranceUsed: 0.75 },
      { dtype: "float32", op: "c", id: "c/0", toleranceUsed: 0.5 },
    ])
    expect(loosestOf(report, 1)).toHaveLength(1)
  })
})
