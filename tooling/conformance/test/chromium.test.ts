/** The suite in a page. */

import { type Browser, openBrowser } from "@taeda/browser"
import { knownGapsOf, type Report } from "@taeda/conformance"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { conformanceIn } from "../src/chromium.ts"
import type { PageTask } from "../src/page.ts"
import { runVariant, strays, VARIANTS } from "../src/variants.ts"

const SHOWN = 5

/** A few cases of each op, with each of its dtypes among them, are about 5000; the whole suite has nearly 12,000. */
const AT_LEAST = { few: 4000, full: 10_000 } as const

const IN_PAGES = VARIANTS.filter(({ place }) => place !== "node")

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

const failuresOf = ({ cases }: Report) => cases.filter(({ status }) => status === "failed").slice(0, SHOWN)

describe("the suite in Chromium", () => {
  it.each(IN_PAGES)("$backend: $title", { timeout: 600_000 }, async (variant) => {
    const { backend, full } = variant
    const report = await runVariant(variant, { full }, async () => browser)
    expect(failuresOf(report)).toEqual([])
    expect(report).toMatchObject({ backend, failed: 0, gaps: knownGapsOf(backend).length, closedGaps: [] })
    expect(report.passed).toBeGreaterThan(AT_LEAST[full ? "full" : "few"])
    expect(strays(variant, report)).toBe(undefined)
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
