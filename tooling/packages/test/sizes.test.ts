/** What each package weighs: within its budget, and as the docs say. */
import { agree, kilobytes, readTable } from "@taeda/run-size/table"
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { newPerson, type Person } from "../src/project.ts"
import { LIBRARIES } from "../src/published.ts"
import { BUDGETS, type Budget, rowsOf, TABLE, type Weight, weighAll } from "../src/weights.ts"

const WRITE = "write the table again: npx pnpm@12.21.0 build && npx pnpm@12.21.0 --filter @taeda/run-packages sizes"

let person: Person
let weights: ReadonlyMap<string, Weight>
beforeAll(async () => {
  person = await newPerson(inject("registry"))
  weights = await weighAll(person, inject("registry"))
})
afterAll(() => person[Symbol.asyncDispose]())

describe.each(LIBRARIES)("%s", (name) => {
  test.each(["code", "download"] as const satisfies (keyof Budget)[])("stays within its budget of %s", (what) => {
    const budget = BUDGETS[name]![what]
    const measured = kilobytes(weights.get(name)![what])
    expect(measured).toBeLessThan(budget)
    // A budget that nothing comes near would hold nothing.
    expect(measured).toBeGreaterThan(0.9 * budget - 1)
  })
})

test("the docs say what is measured", () => {
  const documented = readTable(TABLE)
  const rows = rowsOf(weights)
  expect(documented.map(({ title }) => title)).toEqual(rows.map(({ title }) => title))
  for (const [k, { title, numbers }] of rows.entries())
    for (const [column, measured] of numbers.entries()) {
      const said = documented[k]!.numbers[column]!
      expect(agree(said, measured), `${title}: ${said} KB in the docs, ${measured} here; ${WRITE}`).toBe(true)
    }
})
