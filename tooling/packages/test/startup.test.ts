/** From nothing to a first gradient. */
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { installed } from "../src/npm.ts"
import { newPerson, type Person } from "../src/project.ts"
import { measureStartup, NOTHING, TAEDA } from "../src/startup.ts"

/**
 * What the processor works is 4.0 to 4.6 times as much (docs/performance.md), and more on a machine that is busy with much else: above
 * this something new is loaded or computed by importing alone.
 */
const AT_MOST = 6

let person: Person
beforeAll(async () => {
  person = await newPerson(inject("registry"))
})
afterAll(() => person[Symbol.asyncDispose]())

test(`a first gradient takes at most ${AT_MOST} times what a Node takes that does nothing`, async () => {
  const project = await installed(person)
  const [nothing, gradient] = await measureStartup(project, process.execPath, [NOTHING, TAEDA], 7)
  const ratio = gradient!.worked / nothing!.worked
  expect(ratio, `${gradient!.worked.toFixed(0)} ms beside ${nothing!.worked.toFixed(0)} ms`).toBeLessThan(AT_MOST)
  // Whatever is measured, there is a library to read.
  expect(ratio).toBeGreaterThan(1.2)
}, 120_000)
