/** Known gaps: run, expected to fail, and told when they are none any more. */

import type { Backend } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { delegate } from "../src/decorators/delegate.ts"
import type { KnownGap } from "../src/gaps.ts"
import { createMinimal } from "../src/minimal/backend.ts"
import { succeeded } from "../src/report/report.ts"
import { type RunOptions, runConformance } from "../src/run.ts"
import { conformance } from "../src/vitest.ts"

/** Has no exp. */
function gapped(): Backend {
  const inner = createMinimal()
  return {
    ...delegate(inner),
    name: "gapped",
    compile(kernel) {
      if (kernel.kind === "map" && kernel.body.some((root) => root.op === "exp")) throw new Error("no exp here")
      return inner.compile(kernel)
    },
  }
}

const run = (knownGaps: readonly KnownGap[], more: Partial<RunOptions> = {}) =>
  runConformance({
    backend: gapped(),
    knownGaps,
    ops: ["exp", "neg"],
    dtypes: ["float32"],
    templates: ["forward", "backward"],
    ...more,
  })

const GAP: KnownGap = { op: "exp", reason: "has no exp" }

describe("a known gap", () => {
  it("fails as expected, with its reason in the report", async () => {
    const all = { dtypes: undefined }
    const without = await run([], all)
    expect([succeeded(without), without.gaps]).toEqual([false, 0])
    const report = await run([GAP], all)
    expect([succeeded(report), report.failed]).toEqual([true, 0])
    expect(report.gaps).toBe(without.failed)
    expect(report.cases.find(({ id }) => id === "exp/0/float32")).toMatchObject({ status: "gap", gap: "has no exp" })
  })

  it("covers only what it says", async () => {
    const report = await run([{ ...GAP, template: "backward" }])
    expect(report.failed).toBeGreaterThan(0)
  })

  it("that is closed fails the run, and says what to do", async () => {
    const report = await run([GAP, { op: "ne*", reason: "long ago" }], { dtypes: undefined })
    expect(report.failed).toBe(0)
    expect(succeeded(report)).toBe(false)
    expect(report.closedGaps).toEqual([
      "closed gap: neg passes all that is covered by op ne* (long ago): remove or narrow it",
    ])
  })

  it("is not judged by a part of its cases", async () => {
    const report = await run([GAP, { op: "neg", reason: "elsewhere" }])
    expect(report.closedGaps).toEqual([])
  })

  it("must say what it covers, and why", async () => {
    await expect(run([{ reason: "everything is hard" }])).rejects.toThrow(/must say what it covers/)
    await expect(run([{ op: "exp", reason: "" }])).rejects.toThrow(/needs a reason/)
  })
})

/** A framework that runs its tests when asked. */
function framework() {
  const tests: { name: string; body: () => Promise<void> | void }[] = []
  return {
    tests,
    describe: (_: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void> | void) => tests.push({ name, body }),
  }
}

const outcomes = async (knownGaps: readonly KnownGap[]): Promise<string[]> => {
  const { tests, ...rest } = framework()
  await conformance({ backend: gapped, knownGaps, rows: ["exp"] }, rest)
  const failures: string[] = []
  for (const { name, body } of tests)
    try {
      await body()
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`)
    }
  expect(tests.length).toBeGreaterThan(5)
  return failures
}

describe("tests", () => {
  it("fail with the cases and the reasons where a backend is wrong", async () => {
    const failures = await outcomes([])
    expect(failures.length).toBeGreaterThan(2)
    expect(failures[0]).toMatch(/forward \(\d+\): \d+ of \d+ cases failed\n {2}exp\/0\/float32: Error: no exp here/)
  })

  it("pass where it is known, and not where a gap is closed", async () => {
    expect(await outcomes([GAP])).toEqual([])
    const [closed] = await outcomes([GAP, { op: "exp", template: "errors", reason: "x" }])
    expect(closed ?? "").toBe("")
  })
})
