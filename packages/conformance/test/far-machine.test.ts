/**
 * A machine like a GPU in a browser: no synchronous reads, errors that come later, its own random stream and few dtypes. The
 * suite must ask of it no more than the interface does.
 */

import type { Backend, DType } from "@taeda/core"
import { expect, it } from "vitest"
import { delegate } from "../src/decorators/delegate.ts"
import { createMinimal } from "../src/minimal/backend.ts"
import { runConformance } from "../src/run.ts"

const DTYPES: readonly DType[] = ["float32", "float16", "int32", "uint8", "bool"]

function createFar(): Backend {
  const inner = createMinimal({
    name: "far",
    capabilities: { syncRead: false, random: "philox", dtypes: new Set(DTYPES) },
  })
  const { readSync: _, ...passed } = delegate(inner)
  let fault: unknown
  const settle = (): void => {
    const found = fault
    fault = undefined
    if (found) throw found
  }
  return {
    ...passed,
    launch(executable, sizes, operands, scalars) {
      try {
        inner.launch(executable, sizes, operands, scalars)
      } catch (error) {
        if (!(error instanceof Error && error.name === "KernelFault")) throw error
        fault ??= error
      }
    },
    async read(buffer, byteOffset, bytes) {
      settle()
      return inner.read(buffer, byteOffset, bytes)
    },
    async synchronize() {
      settle()
    },
  }
}

it("passes the whole suite", { timeout: 120_000 }, async () => {
  const report = await runConformance({ backend: createFar(), steps: 4 })
  expect(report.cases.filter(({ status }) => status !== "passed")).toEqual([])
  const refused = report.cases.filter(({ templates }) => templates.includes("unsupportedDtype"))
  expect(refused.filter(({ dtype }) => dtype === "float64").length).toBeGreaterThan(1000)
  expect(report.cases.some(({ templates }) => templates.includes("hostReads"))).toBe(true)
  expect(report.passed).toBeGreaterThan(10_000)
})
