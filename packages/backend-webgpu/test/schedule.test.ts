import { describe, expect, it } from "vitest"
import { schedule, type Task } from "../src/schedule.ts"
import { someNumbers } from "./gpu.ts"

interface Named extends Task {
  readonly name: string
}

const memory = new Map<string, object>()
const cell = (name: string): object => {
  let found = memory.get(name)
  if (!found) memory.set(name, (found = { name }))
  return found
}
/** "a b > c" reads a and b and writes c. */
const task = (name: string, touches: string, kind = 0): Named => {
  const [reads, writes] = touches.split(">").map((side) => side.trim().split(" ").filter(Boolean).map(cell))
  return { name, reads, writes, kind }
}
const anyFits = (): boolean => true
const names = (groups: readonly (readonly Named[])[]): string[] =>
  groups.map((group) =>
    group
      .map((t) => t.name)
      .sort()
      .join(""),
  )

describe("schedule", () => {
  it("keeps what depends on one another in its order", () => {
    expect(names(schedule([task("A", "x > y"), task("B", "y > z"), task("C", "z > x")], anyFits))).toEqual([
      "A",
      "B",
      "C",
    ])
  })

  it.each([
    ["written, then read", "> x", "x > y"],
    ["read, then written", "x > y", "> x"],
    ["written twice", "> x", "> x"],
    ["changed in place twice", "g > x", "h > x"],
  ])("does not run together what shares memory: %s", (_, first, second) => {
    expect(names(schedule([task("A", first), task("B", second)], anyFits))).toEqual(["A", "B"])
  })

  it("runs together what only reads the same", () => {
    expect(names(schedule([task("A", "x > y"), task("B", "x > z")], anyFits))).toEqual(["AB"])
  })

  it("runs together what is of one kind alone, and what fits", () => {
    const tasks = [task("A", "> a"), task("B", "> b", 1), task("C", "> c"), task("D", "> d")]
    expect(names(schedule(tasks, anyFits))).toEqual(["ACD", "B"])
    expect(names(schedule(tasks, (group) => group.length < 2))).toEqual(["AC", "B", "D"])
  })

  it("puts first what most others wait for, so that what can wait finds company", () => {
    // The chain A, B, C is of alternating kinds; S may run at any time.
    const tasks = [task("S", "> s", 1), task("A", "> a"), task("B", "a > b", 1), task("C", "b > c")]
    expect(names(schedule(tasks, anyFits))).toEqual(["A", "BS", "C"])
  })

  it("comes to the same memory as the order given", () => {
    const random = someNumbers(20_000, 1_000_000)
    let at = 0
    const next = (n: number): number => random[at++ % random.length] % n
    for (let run = 0; run < 200; run++) {
      const tasks = Array.from({ length: 1 + next(30) }, (_, i) => {
        const writes = [`m${next(8)}`]
        const reads = Array.from({ length: next(4) }, () => `m${next(8)}`).filter((m) => !writes.includes(m))
        return task(`${i}`, `${reads.join(" ")} > ${writes.join(" ")}`, next(2))
      })
      const groups = schedule(tasks, (group) => group.length < 3)
      const after = (order: readonly (readonly Named[])[]): Map<object, string> => {
        const values = new Map<object, string>()
        for (const group of order) {
          // Those of a group see what was there before all of them.
          const results = group.map(({ name, reads, writes }) => ({
            writes,
            value: `${name}(${reads.map((m) => values.get(m)).join()};${writes.map((m) => values.get(m)).join()})`,
          }))
          for (const { writes, value } of results) for (const m of writes) values.set(m, value)
        }
        return values
      }
      expect(groups.flat().length).toBe(tasks.length)
      expect(after(groups)).toEqual(after(tasks.map((t) => [t])))
    }
  })
})
