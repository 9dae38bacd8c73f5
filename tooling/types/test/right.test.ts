import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { COMPILERS } from "../src/compilers.ts"
import { HERE } from "../src/folder.ts"

const FOLDER = join(HERE, "programs")
const FILES = Object.fromEntries(
  readdirSync(FOLDER).map((file) => [file, readFileSync(join(FOLDER, file), "utf8")]),
)

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  test("infers every type of the programs as they say", () => {
    using program = compiler.compile(FILES)
    expect(Object.keys(FILES).flatMap((file) => program.findings(file))).toEqual([])
  })
})

test.each(Object.keys(FILES))("%s runs", async (file) => {
  await import(join(FOLDER, file))
})
