/** docs/support.md has the ops and dtypes that the suite would try now. Whether they pass is for the suites themselves. */

import { checksOf, describeGap, type KnownGap, knownGapsOf } from "@taeda/conformance"
import { DTYPE_NAMES } from "@taeda/core"
import { expect, test } from "vitest"
import { STORED_DTYPES } from "../../../packages/backend-webgpu/src/elements.ts"
import { read } from "../src/repository.ts"
import { BACKENDS, supportPage, type Tried } from "../src/support.ts"

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

const WRITE = "write it again: node --conditions=@taeda/source src/write-support.ts, in tooling/docs"

test("the page is what the suite's rows and the backends' dtypes give", async () => {
  // A gap would be a cell of its own: the page then has to be compared with reports.
  expect(BACKENDS.flatMap((name) => gapsOf(knownGapsOf(name)))).toEqual([])
  const reports = await Promise.all(BACKENDS.map(async (backend) => ({ backend, cases: await expectedCases(backend) })))
  expect(read("docs/support.md"), WRITE).toBe(supportPage(reports))
}, 60_000)
