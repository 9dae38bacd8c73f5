/** Which launches share a plan. */
import { describe, expect, it } from "vitest"
import type { Launch } from "../src/launch.ts"
import { Plans, type ReadyPlan } from "../src/plans.ts"
import { count } from "./harness.ts"

const launch = (changed: Partial<Launch> = {}, operand: Partial<Launch["operands"][number]> = {}): Launch => {
  const sizes = changed.sizes ?? [4, 8]
  return {
    sizes,
    operands: [
      { offset: 16, sizes, strides: [8, 1], ...operand },
      { offset: 0, sizes: [3], strides: [1] },
    ],
    scalars: [2, 0, 5n, true],
    ...changed,
  }
}

describe("plans", () => {
  /** The plan of a launch, and whether it was made for it. */
  const planning = () => {
    const plans = new Plans()
    return (given: Launch, version = 0, keeps = true): boolean => {
      let made = false
      plans.get(given, version, keeps, (): ReadyPlan => {
        made = true
        return { launches: [], temporaries: [] }
      })
      return made
    }
  }

  it("are made once for launches that are alike", () => {
    const isMade = planning()
    expect(isMade(launch())).toBe(true)
    for (const _ of count(3)) expect(isMade(launch())).toBe(false)
    // Addresses say where operands begin; plans ask how they are aligned.
    expect(isMade(launch({}, { offset: 16 + 3 * 256 }))).toBe(false)
  })

  it.each<[string, Launch]>([
    ["sizes", launch({ sizes: [8, 4] })],
    ["fewer dims", launch({ sizes: [4] })],
    ["strides", launch({}, { strides: [1, 4] })],
    ["an operand's sizes", launch({}, { sizes: [4, 1] })],
    ["an alignment", launch({}, { offset: 17 })],
    ["a number", launch({ scalars: [3, 0, 5n, true] })],
    ["the sign of 0", launch({ scalars: [2, -0, 5n, true] })],
    ["a BigInt", launch({ scalars: [2, 0, 6n, true] })],
    ["a type of number", launch({ scalars: [2, 0, 5, true] })],
    ["a boolean", launch({ scalars: [2, 0, 5n, false] })],
    ["no number", launch({ scalars: [] })],
    ["no operands", launch({ operands: [] })],
  ])("are made anew for other %s, and back", (_, other) => {
    const isMade = planning()
    expect([isMade(launch()), isMade(other), isMade(other)]).toEqual([true, true, false])
  })

  it("are made anew when libraries have changed, and not kept where they may not be", () => {
    const isMade = planning()
    expect([isMade(launch(), 0, false), isMade(launch()), isMade(launch())]).toEqual([true, true, false])
    expect([isMade(launch(), 1), isMade(launch(), 1), isMade(launch())]).toEqual([true, false, true])
  })

  it("do not pile up, and keep what they were made for", () => {
    const plans = new Plans()
    const sizes = [0]
    const made = count(2000, 1).map((n) => {
      sizes[0] = n
      return plans.get(launch({ sizes }), 0, true, () => ({ launches: [], temporaries: [n] })).temporaries[0]
    })
    expect(made).toEqual(count(2000, 1))
    const { kept } = plans as unknown as { kept: Map<number, unknown> }
    expect(kept.size).toBeLessThanOrEqual(256)
  })
})
