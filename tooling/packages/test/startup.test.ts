/** From nothing to a first gradient. */
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { installed } from "../src/npm.ts"
import { newPerson, type Person } from "../src/project.ts"
import { measureStartup } from "../src/startup.ts"

/**
 * It is 8.4 to 8.9 (docs/performance.md), most of it the finding and reading of some 300 modules, and up to 10.1 on a machine that
 * is busy with much else: above this something new is loaded or computed by importing alone.
 */
const AT_MOST = 12

let person: Person
beforeAll(async () => {
  person = await newPerson(inject("registry"))
})
afterAll(() => person[Symbol.asyncDispose]())

test(`a first gradient takes at most ${AT_MOST} times what a Node takes that does nothing`, async () => {
  const { nothing, gradient, ratio } = await measureStartup(await installed(person), process.execPath, 7)
  expect(ratio, `${gradient.toFixed(0)} ms beside ${nothing.toFixed(0)} ms`).toBeLessThan(AT_MOST)
  // Whatever is measured, there is a library to read.
  expect(ratio).toBeGreaterThan(1.2)
}, 120_000)
