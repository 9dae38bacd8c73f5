import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test, vi } from "vitest"
import { COMPILERS } from "../src/compilers.ts"
import { HERE } from "../src/folder.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const FOLDER = join(HERE, "programs")
const FILES = Object.fromEntries(readdirSync(FOLDER).map((file) => [file, readFileSync(join(FOLDER, file), "utf8")]))

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  test("infers every type of the programs as they say", () => {
    using program = compiler.compile(FILES)
    expect(Object.keys(FILES).flatMap((file) => program.findings(file))).toEqual([])
  })
})

test.each(Object.keys(FILES))("%s runs", async (file) => {
  await import(join(FOLDER, file))
})
