/** What importing does by itself, which manifests say is nothing: asked of a bundler, and of Node. */
import { join } from "node:path"
import { rolldown } from "rolldown"
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { installed } from "../src/npm.ts"
import { newPerson, type Person, type Project } from "../src/project.ts"
import { ENTRIES, LIBRARIES } from "../src/published.ts"

/** The entries that do something: they put methods on tensors, and tell how devices are opened. */
const WITH_EFFECTS: ReadonlySet<string> = new Set(["taeda", "@taeda/core", "@taeda/core/torch", "@taeda/core/methods"])

/** They need what is not installed. */
const SET_ASIDE: ReadonlySet<string> = new Set(["@taeda/conformance/vitest"])

let person: Person
let project: Project
beforeAll(async () => {
  person = await newPerson(inject("registry"))
  project = await installed(person, ...LIBRARIES)
})
afterAll(() => person[Symbol.asyncDispose]())

const all = ENTRIES.filter((entry) => !SET_ASIDE.has(entry))
const pure = all.filter((entry) => !WITH_EFFECTS.has(entry))

/** What a bundler leaves of a program. */
async function leftOf(code: string): Promise<string> {
  await project.write({ "entry.mjs": code })
  const bundle = await rolldown({ input: join(project.folder, "entry.mjs"), logLevel: "silent", external: /^node:/ })
  const { output } = await bundle.generate({ format: "es", comments: false })
  return output[0].code.trim()
}

describe("a bundler", () => {
  test.each(pure)("leaves nothing of an import of %s alone", async (entry) => {
    expect(await leftOf(`import "${entry}"`)).toBe("")
  })

  test.each([...WITH_EFFECTS])("leaves what %s does", async (entry) => {
    expect(await leftOf(`import "${entry}"`)).toContain("prototype")
  })

  test.each([
    ["taeda/lean", "ones", "einsum"],
    ["@taeda/core/functions", "view", "unfold"],
    ["@taeda/nn", "ReLU", "Conv2d"],
    ["@taeda/optim", "SGD", "Adam"],
    ["@taeda/data", "TensorDataset", "DataLoader"],
    ["@taeda/choices", "installCommand", "importLines"],
  ])("keeps of %s what is used: %s without %s", async (entry, used, unused) => {
    const [one, both] = [`export { ${used} } from "${entry}"`, `export { ${used}, ${unused} } from "${entry}"`]
    const defined = (name: string) => new RegExp(`\\b(?:const|var|let|class|function) ${name}\\b`)
    const [small, large] = [await leftOf(one), await leftOf(both)]
    expect(small).toMatch(defined(used))
    expect(small).not.toMatch(defined(unused))
    expect(large).toMatch(defined(unused))
  })
})

/** Prints what importing a module changed: names on the global object and on what everybody shares, and what is still running. */
const OBSERVED = `
const shared = [globalThis, Object, Object.prototype, Array.prototype, Function.prototype, Number.prototype, Promise.prototype, process]
const names = () => shared.map((each) => Reflect.ownKeys(each).map(String).sort().join())
const before = names()
// Less the process's own streams, which some of Node's modules open.
const resources = () => process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap").length
const listeners = process.eventNames().map(String).join()
await import(process.argv[1])
// Reading the modules ends some time after it; what they started would not.
for (const end = Date.now() + 5000; resources() > 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 20))
const changed = names().some((each, k) => each !== before[k]) || process.eventNames().map(String).join() !== listeners
console.log(JSON.stringify({ changed, running: resources() }))
`

test.each(all)("importing %s changes nothing that others see, starts nothing and says nothing", async (entry) => {
  const output = await project.run("node", ["--input-type=module", "--eval", OBSERVED, entry])
  expect(output).toBe('{"changed":false,"running":0}\n')
})
