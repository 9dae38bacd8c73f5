import { execFileSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { packagesIn, ROOT, readRoot } from "../src/workspace.ts"

const published = packagesIn("packages").filter(({ manifest }) => !manifest.private)

describe("changesets", () => {
  const config = JSON.parse(readRoot(".changeset", "config.json")) as { fixed: string[][] }

  test("release every published package together", () => {
    expect(config.fixed).toHaveLength(1)
    expect([...(config.fixed[0] ?? [])].sort()).toEqual(published.map(({ manifest }) => manifest.name).sort())
  })
})

describe.each(published)("$manifest.name", ({ folder, manifest }) => {
  test("has the version of the others, the licence, and nothing but the built files", () => {
    expect(manifest).toMatchObject({ version: published[0]?.manifest.version, license: "Apache-2.0" })
    expect(manifest.files).toContain("dist")
    expect(manifest.files).not.toContain("src")
  })

  test("has built types that do not lead to the sources", () => {
    const dist = join(ROOT, folder, "dist")
    const types = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".d.ts"))
    expect(types).toContain("index.d.ts")
    const leading = types.filter((file) => /["'][^"']*(\/src\/|@taeda\/source)/.test(readRoot(folder, "dist", file)))
    expect(leading).toEqual([])
  })
})

test("the built umbrella loads and computes under the Node that started the tests", () => {
  const host = process.env.TAEDA_HOST_NODE ?? process.execPath
  const code = `import("taeda").then((t) => t.ones(2).add(1).data()).then((data) => console.log(String(data)))`
  const output = execFileSync(host, ["--input-type=module", "--eval", code], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  })
  expect(output.trim()).toBe("2,2")
})

describe("the lockfile", () => {
  const lock = readRoot("pnpm-lock.yaml")

  test("names no registry's host", () => {
    expect(lock).not.toMatch(/https?:\/\//)
  })

  test("has the platform of every package that carries a Node, so that a machine downloads only its own", () => {
    const entries = [...lock.matchAll(/^ {2}(node-(?:bin-)?\w+-\w+)@[\d.]+:\n {4}resolution: .*\n((?: {4}.*\n)+)/gm)]
    expect(entries.length).toBeGreaterThan(3)
    for (const [, name, rest] of entries)
      expect([name, rest]).toEqual([name, expect.stringMatching(/cpu: \[\w+\]\n {4}os: \[\w+\]/)])
  })
})

test("the licence is at the root", () => {
  expect(existsSync(join(ROOT, "LICENSE"))).toBe(true)
})
