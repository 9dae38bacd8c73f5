import { execFileSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { afterAll, describe, expect, test, vi } from "vitest"
import { SCENARIOS, TABLE } from "../src/scenarios.ts"
import { agree, kilobytes, readTable } from "../src/table.ts"
import { weigh } from "../src/weigh.ts"

vi.setConfig({ testTimeout: 120_000 })

// Inside of the package, so that the bundles find the package `webgpu`.
const folder = join(import.meta.dirname, "..", "node_modules", ".cache", "size-test")
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The losses that a script prints. */
const run = (script: string): number[] =>
  execFileSync(process.execPath, [script], { encoding: "utf8", timeout: 100_000 }).trim().split("\n").map(Number)

const documented = new Map(readTable(TABLE).map(({ title, numbers }) => [title, numbers]))
const WRITE = "write the table again: npx pnpm@12.21.0 build && npx pnpm@12.21.0 --filter @taeda/run-size measure"

test("the docs have every program", () => {
  expect([...documented.keys()]).toEqual(SCENARIOS.map(({ title }) => title))
})

describe("an MLP's training", () => {
  const lossesOf = new Map<string, readonly number[]>()
  for (const { program, title, budget } of SCENARIOS) {
    if (budget === null) continue
    test(`weighs no more than ${budget} KB and works with ${title}`, async () => {
      const { bytes, minified, script } = await weigh(program, join(folder, program))
      expect(bytes / 1000).toBeLessThan(budget)
      // A budget that nothing comes near would hold nothing.
      expect(bytes / 1000).toBeGreaterThan(budget - 3)
      const said = documented.get(title)!
      for (const [k, measured] of [bytes, minified].map(kilobytes).entries())
        expect(agree(said[k]!, measured), `${said[k]} KB in the docs, ${measured} here: ${WRITE}`).toBe(true)
      const losses = run(script)
      lossesOf.set(program, losses)
      expect(losses).toHaveLength(10)
      // Uniform guesses among ten classes at first; PyTorch's rule of momentum takes the loss down at every step.
      expect(losses[0]).toBeGreaterThan(2.2)
      expect(losses[0]).toBeLessThan(2.4)
      for (const [k, loss] of losses.entries()) if (k > 0) expect(loss).toBeLessThan(losses[k - 1]!)
      expect(losses[9]).toBeLessThan(1.7)
    })
  }

  test("gives the same numbers lean as whole", () => {
    const whole = lossesOf.get("taeda")!
    // The device's sums may be formed in another order.
    for (const program of ["lean", "leanest", "functions"])
      for (const [k, loss] of lossesOf.get(program)!.entries()) expect(Math.abs(loss - whole[k]!)).toBeLessThan(1e-5)
  })
})
