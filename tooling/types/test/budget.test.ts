import { describe, expect, test, vi } from "vitest"
import { COMPILERS } from "../src/compilers.ts"
import { CALLS, manyCalls } from "../src/many-calls.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/**
 * Types instantiated for 500 calls. Each is a piece of the compiler's work, and unlike its time the same on every machine;
 * `docs/types.md` has the figures.
 */
const BUDGET = 260_000

const FILES = { "calls.ts": manyCalls() }

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  test(`${CALLS} calls stay within the budget`, () => {
    const { instantiations } = compiler.cost(FILES)
    expect(instantiations).toBeLessThanOrEqual(BUDGET)
    // Were the types not looked at, there would be next to none.
    expect(instantiations).toBeGreaterThan(10_000)
  })
})
