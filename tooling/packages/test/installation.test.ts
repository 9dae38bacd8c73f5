/** What an installation brings: nobody else's packages, and no script that would run. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { manifestIn } from "../src/places.ts"
import { newPerson, type Person, Project } from "../src/project.ts"
import { LIBRARIES, NATIVES } from "../src/published.ts"

/** What npm runs when it installs a package. */
const SCRIPTS = ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"]

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean; readonly resolved?: string }>>
}

let person: Person
beforeAll(async () => {
  person = await newPerson(inject("registry"))
})
afterAll(() => person[Symbol.asyncDispose]())

/** What people install, by what they want. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  "taeda alone": ["taeda"],
  "a GPU in a page": ["taeda", "@taeda/backend-webgpu"],
  "a GPU of NVIDIA's": ["taeda", "@taeda/backend-cuda"],
  everything: LIBRARIES,
}

// The registry has our packages and no others, so that anybody else's would be missed.
test.each(Object.entries(CHOICES))("%s: no script, and nothing but our own packages", async (_, packages) => {
  const project = await Project.create(person)
  await project.install(...packages)
  const { packages: locked } = JSON.parse(readFileSync(join(project.folder, "package-lock.json"), "utf8")) as Lockfile
  const entries = Object.entries(locked).filter(([path]) => path !== "")
  expect(entries.length).toBeGreaterThanOrEqual(packages.length)
  const ours = new Set([...LIBRARIES, ...NATIVES])
  for (const [path, { hasInstallScript }] of entries) {
    // None is nested: there is one copy of each.
    expect(ours).toContain(path.replace(/^node_modules\//, ""))
    expect([path, hasInstallScript]).toEqual([path, undefined])
  }
  for (const name of [
    "taeda",
    ...readdirSync(join(project.folder, "node_modules", "@taeda")).map((each) => `@taeda/${each}`),
  ]) {
    const folder = join(project.folder, "node_modules", name)
    const scripts = Object.keys(manifestIn(folder).scripts ?? {})
    expect([name, scripts.filter((script) => SCRIPTS.includes(script))]).toEqual([name, []])
    // npm would compile where there is one.
    expect(readdirSync(folder)).not.toContain("binding.gyp")
  }
})
