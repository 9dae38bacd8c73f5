/** What functions and classes are called once they are bundled: modules and optimisers print the names of their classes. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { expect, test } from "vitest"
import { packagesIn, ROOT } from "../src/workspace.ts"

/** Prints how many functions and classes a module exports, itself and in namespaces, and which the bundler called otherwise. */
const NAMES = `
const seen = new Set()
const visit = (value, key) => {
  if (seen.has(value)) return
  seen.add(value)
  if (typeof value === "function") found.push([key, value.name])
  else if (value?.[Symbol.toStringTag] === "Module") for (const [name, each] of Object.entries(value)) visit(each, name)
}
const found = []
visit(await import(process.argv[1]), "")
console.log(JSON.stringify({ count: found.length, strange: found.filter(([key, name]) => name.startsWith(key + "$")) }))
`

// Of the suite nothing is bundled.
const libraries = packagesIn("packages").filter(({ manifest }) => manifest.name !== "@taeda/conformance")

test.each(libraries.map(({ folder, manifest }) => [manifest.name, folder]))(
  "those of %s are their own",
  (_, folder) => {
    const entry = pathToFileURL(join(ROOT, folder, "dist", "index.js")).href
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", NAMES, entry], { encoding: "utf8" })
    const { count, strange } = JSON.parse(output) as { count: number; strange: unknown[] }
    expect(strange).toEqual([])
    expect(count).toBeGreaterThan(0)
  },
)
