import type { CaseResult, Report } from "@taeda/conformance"
import { expect, test } from "vitest"
import { filtered, rowsOf } from "../src/outcomes.ts"

const result = (op: string, status: CaseResult["status"], n = 0): CaseResult => ({
  id: `${op}/${n}/float32`,
  op,
  dtype: "float32",
  status,
  milliseconds: 0,
  templates: ["forward"],
})

const report = (backend: string, cases: readonly CaseResult[]): Report => ({
  backend,
  passed: 0,
  failed: 0,
  gaps: 0,
  closedGaps: [],
  milliseconds: 1,
  cases,
})

const rows = rowsOf([
  report("a", [result("sub", "passed"), result("add", "passed", 0), result("add", "failed", 1)]),
  report("b", [result("sub", "gap")]),
])

test("op × backend: what passed, what did not, and nothing where nothing was run", () => {
  expect(rows.map(({ op }) => op)).toEqual(["add", "sub"])
  expect(rows[0].outcomes).toEqual([
    { passed: 1, failed: 1, gaps: 0, wrong: [expect.objectContaining({ id: "add/1/float32" })] },
    undefined,
  ])
  expect(rows[1].outcomes).toMatchObject([{ passed: 1 }, { passed: 0, gaps: 1 }])
})

test.each<[Parameters<typeof filtered>[1], string[]]>([
  [{ text: "", only: "all" }, ["add", "sub"]],
  [{ text: " SU", only: "all" }, ["sub"]],
  [{ text: "", only: "failed" }, ["add"]],
  [{ text: "", only: "gaps" }, ["sub"]],
  [{ text: "add", only: "gaps" }, []],
])("the filter %j leaves %j", (filter, ops) => {
  expect(filtered(rows, filter).map(({ op }) => op)).toEqual(ops)
})
