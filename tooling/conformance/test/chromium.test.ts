/** The suite in a page. */

import { type Browser, openBrowser } from "@taeda/browser"
import type { Report } from "@taeda/conformance"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { conformanceIn, type PageOptions } from "../src/chromium.ts"
import type { PageTask } from "../src/page.ts"

const SHOWN = 5

interface Variant extends PageOptions {
  readonly title: string
  /** A few cases of each op unless it says `full: true`. */
  readonly task: PageTask
}

const VARIANTS: readonly Variant[] = [
  { title: "cpu-js", task: { backend: "cpu-js" } },
  {
    title: "cpu-js where the page forbids generated code",
    task: { backend: "cpu-js" },
    csp: "script-src 'self'",
  },
]

/** A few cases of each op, with each of its dtypes among them, are about 5000. */
const AT_LEAST = 4000

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
}, 60_000)
afterAll(() => browser?.close())

const failuresOf = ({ cases }: Report) => cases.filter(({ status }) => status !== "passed").slice(0, SHOWN)

describe("the suite in Chromium", () => {
  it.each(VARIANTS)("$title", { timeout: 300_000 }, async ({ task, title: _, ...options }) => {
    const report = await conformanceIn(browser, { full: false, ...task }, options)
    expect(failuresOf(report)).toEqual([])
    expect(report).toMatchObject({ backend: task.backend, failed: 0, gaps: 0, closedGaps: [] })
    expect(report.passed).toBeGreaterThan(AT_LEAST)
  })

  it("takes options for the backend and known gaps, and tells how far it is", async () => {
    const reason = "neg works, so that this gap is closed"
    const task: PageTask = {
      backend: "minimal",
      options: { name: "tiny" },
      ops: ["neg"],
      knownGaps: [{ op: "neg", reason }],
    }
    const groups: string[] = []
    const report = await conformanceIn(browser, task, {
      onGroup: ({ op, template }) => groups.push(`${op} ${template}`),
    })
    expect(report).toMatchObject({ backend: "tiny", failed: 0, closedGaps: [expect.stringContaining(reason)] })
    expect(groups).toContain("neg forward")
  })
})
