/** Two copies of core in one program: harmless side by side, and refused in words where they meet. */
import { cp, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { installed, PROGRAM } from "../src/npm.ts"
import { manifestIn, ROOT } from "../src/places.ts"
import { newPerson, type Person, type Project } from "../src/project.ts"
import { checkReport } from "../src/report.ts"

const OTHER = "0.0.0-other"

/** A dependency with a taeda of its own, of another version, and a program that uses both. */
const LIBRARY = "node_modules/library"

const BEGIN = `
import * as torch from "taeda"
import { torch as other, openWasm } from "library"
const x = torch.ones(2, 2)
const strange = other.ones(2, 2)
`

const MEETINGS: Readonly<Record<string, string>> = {
  "an operand": "x.add(strange)",
  "an input": "torch.relu(strange)",
  "one of many": "torch.cat([x, strange])",
  "a target": "new torch.nn.MSELoss()(x, strange)",
  "what a module is called with": "new torch.nn.Linear(2, 2)(strange)",
  "a new parameter": "new torch.nn.Parameter(strange)",
  "what is optimised": "new torch.optim.SGD([strange], { lr: 0.1 })",
  "what is assigned": "x.setAt([0], strange)",
  "a gradient": "x.grad = strange",
  "a backend": `torch.registerBackend("wasm", openWasm)\nawait torch.setDefaultDevice("wasm")`,
}

let person: Person
let project: Project
beforeAll(async () => {
  person = await newPerson(inject("registry"))
  project = await installed(person)
  const modules = join(project.folder, "node_modules")
  const nested = join(project.folder, LIBRARY, "node_modules")
  for (const name of ["taeda", "@taeda"]) await cp(join(modules, name), join(nested, name), { recursive: true })
  const core = join(nested, "@taeda", "core", "dist", "core.js")
  const source = await readFile(core, "utf8")
  await writeFile(core, source.replace(/(CORE = \{ version: ")[^"]*/, `$1${OTHER}`))
  await project.write({
    ...PROGRAM,
    [`${LIBRARY}/package.json`]: JSON.stringify({ name: "library", type: "module", exports: "./index.js" }),
    [`${LIBRARY}/index.js`]: `export * as torch from "taeda"\nexport { open as openWasm } from "@taeda/backend-wasm-simd"\n`,
  })
})
afterAll(() => person[Symbol.asyncDispose]())

describe("two copies of core", () => {
  let said: Readonly<Record<string, string>>
  beforeAll(async () => {
    const attempts = Object.entries(MEETINGS).map(
      ([name, code]) =>
        `try {\n${code}\nsaid[${JSON.stringify(name)}] = "no error"\n} catch (error) { said[${JSON.stringify(name)}] = error.message }`,
    )
    const code = [BEGIN, "const said = {}", ...attempts, "console.log(JSON.stringify(said))"].join("\n")
    said = JSON.parse(await project.run("node", ["--input-type=module", "--eval", code]))
  })

  test.each(Object.keys(MEETINGS))("are told apart where the other's is %s", (name) => {
    const { version } = manifestIn(ROOT, "packages", "core")
    expect(said[name]).toContain(
      `of another copy of @taeda/core (${OTHER}, beside ${version}: \`npm ls @taeda/core\` shows both, \`npm dedupe\` leaves one)`,
    )
  })

  test("do no harm side by side", async () => {
    const code = `${BEGIN}\nconsole.log(x.add(x).sum().itemSync(), strange.add(strange).sum().itemSync())`
    expect(await project.run("node", ["--input-type=module", "--eval", code])).toBe("8 8\n")
    checkReport(await project.run("node", ["print.mjs"]))
  })
})
