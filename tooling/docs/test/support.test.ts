/**
 * docs/support.md, which is written from reports, has the ops and dtypes that the suite would try now, and its runs were of the whole
 * suite. Whether the cases still pass is for the suites themselves.
 */

import { checksOf, describeGap, type KnownGap, knownGapsOf } from "@taeda/conformance"
import { DTYPE_NAMES } from "@taeda/core"
import { expect, test } from "vitest"
import { STORED_DTYPES } from "../../../packages/backend-webgpu/src/elements.ts"
import { read } from "../src/repository.ts"
import { BACKENDS, runsOf, supportTables, type Tried } from "../src/support.ts"

/** What a backend says of itself, as far as it decides what the suite tries there. */
const CAPABILITIES = {
  collectedMemory: false,
  strictNaN: true,
  random: "mt19937",
  maxOperands: 8,
  maxBufferBytes: 2 ** 31,
  threads: 1,
  notes: [],
} as const

const capabilitiesOf = (name: string) => ({
  ...CAPABILITIES,
  dtypes: new Set(name === "webgpu" ? STORED_DTYPES : DTYPE_NAMES),
  syncRead: name !== "webgpu",
})

const gapsOf = (gaps: readonly KnownGap[]): string[] => gaps.map(describeGap)

/** The cases that the suite would run, as if all passed. */
async function expectedCases(name: string): Promise<Tried[]> {
  const groups = await checksOf({ name, capabilities: capabilitiesOf(name) })
  const cases = new Map<string, Tried & { templates: string[] }>()
  for (const { id, op, dtype, template } of groups.flatMap(({ checks }) => checks)) {
    const key = `${op}\n${id}`
    const known = cases.get(key)
    if (known) known.templates.push(template)
    else cases.set(key, { op, dtype, status: "passed", templates: [template] })
  }
  return [...cases.values()]
}

const WRITE = "write it again: pnpm --filter @taeda/docs support, which runs the suite on all four backends"

const page = read("docs/support.md")

/** Of the cases that the suite has now, so many are in the page's runs: it may have grown a little since. */
const COVERED = 0.95

test("the page is what the suite's rows and the backends' dtypes give", async () => {
  // A gap would be a cell of its own: the page then has to be compared with reports.
  expect(BACKENDS.flatMap((name) => gapsOf(knownGapsOf(name)))).toEqual([])
  const now = await Promise.all(BACKENDS.map(async (backend) => ({ backend, cases: await expectedCases(backend) })))
  expect(page.slice(page.indexOf("## ")), WRITE).toBe(supportTables(now))
  const runs = runsOf(page)
  expect([...runs.keys()]).toEqual([...BACKENDS])
  for (const { backend, cases } of now) {
    const run = runs.get(backend)!
    expect(run.passed, `${backend}: all that was run passed`).toBe(run.cases)
    expect(run.cases / cases.length, `${backend}: ${WRITE}`).toBeGreaterThan(COVERED)
    expect(run.cases / cases.length, `${backend}: ${WRITE}`).toBeLessThan(2 - COVERED)
  }
})
