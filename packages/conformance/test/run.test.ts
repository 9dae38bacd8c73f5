/** How a run goes: what is told of it, and how it is ended. */

import { describe, expect, it } from "vitest"
import { createMinimal, type Progress, runConformance } from "../src/index.ts"

const SELECTION = {
  ops: ["neg", "sigmoid"],
  dtypes: ["float32"],
  templates: ["forward", "method", "backward"],
} as const

describe("a run", () => {
  it("tells each group, and waits for whoever is told", async () => {
    const told: Progress[] = []
    let waiting = 0
    const report = await runConformance({
      ...SELECTION,
      backend: createMinimal(),
      async onGroup(progress) {
        expect(++waiting).toBe(1)
        await new Promise((resolve) => setTimeout(resolve))
        waiting--
        told.push(progress)
      },
    })
    expect(told.map(({ done }) => done)).toEqual(told.map((_, i) => i + 1))
    expect(told.at(-1)).toMatchObject({ done: told.length, total: told.length, failed: 0 })
    expect(report.cases.length).toBeGreaterThan(0)
    for (const { milliseconds } of report.cases) expect(milliseconds).toBeGreaterThan(0)
  })

  it("ends before its next group when it is told to, and disposes of the backend", async () => {
    const controller = new AbortController()
    const backend = createMinimal()
    let disposed = 0
    const run = runConformance({
      ...SELECTION,
      backend: {
        ...backend,
        dispose() {
          disposed++
          backend.dispose()
        },
      },
      onGroup({ done }) {
        expect(done).toBe(1)
        controller.abort(new Error("enough"))
      },
      signal: controller.signal,
    })
    await expect(run).rejects.toThrow("enough")
    expect(disposed).toBe(1)
  })
})
