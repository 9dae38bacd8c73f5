import { type Launched, launch } from "@taeda/browser"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { cli } from "../src/cli.ts"
import { npm } from "../src/npm.ts"
import { newPerson, type Person } from "../src/project.ts"
import type { Run } from "../src/scenario.ts"
import { TYPESCRIPT } from "../src/typescript.ts"
import { vite } from "../src/vite.ts"

// The compilers, on a busy machine.
const PATIENCE = 300_000

let person: Person
let browser: Promise<Launched> | undefined
let run: Run

beforeAll(async () => {
  const registry = inject("registry")
  person = await newPerson(registry)
  run = { person, registry, browser: () => (browser ??= launch()) }
})

afterAll(async () => {
  await (await browser)?.close()
  await person[Symbol.asyncDispose]()
})

test.each([npm, cli, vite, ...TYPESCRIPT])(
  "$name",
  async (scenario) => {
    await expect(scenario.run(run)).resolves.toBeUndefined()
  },
  PATIENCE,
)
