import { execFileSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { basename, join } from "node:path"
import { CORE } from "@taeda/core"
import { TARGETS, targetNamed } from "@taeda/cuda-addon"
import { describe, expect, test } from "vitest"
import { packagesIn, ROOT, readRoot } from "../src/workspace.ts"

const published = packagesIn("packages").filter(({ manifest }) => !manifest.private)
/** Packages that hold a native addon and nothing else; it is built when they are packed. */
const natives = packagesIn("packages/backend-cuda/platforms")

describe("changesets", () => {
  const config = JSON.parse(readRoot(".changeset", "config.json")) as { fixed: string[][] }

  test("release every published package together", () => {
    expect(config.fixed).toHaveLength(1)
    const names = [...published, ...natives].map(({ manifest }) => manifest.name)
    expect([...(config.fixed[0] ?? [])].sort()).toEqual(names.sort())
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

describe.each(natives)("$manifest.name", ({ folder, manifest }) => {
  test("has the version of the others, the licence, and the addon alone, built for its platform when it is packed", () => {
    const target = basename(folder)
    expect(manifest).toMatchObject({
      name: `@taeda/backend-cuda-${target}`,
      version: published[0]?.manifest.version,
      license: "Apache-2.0",
      main: "taeda-cuda.node",
      files: ["taeda-cuda.node"],
      scripts: { prepack: `node ../../../../tooling/cuda-addon/build.mjs ${target} .` },
    })
    const { os, cpu, libc } = targetNamed(target)
    // Here, and not outside of it: in the workspace all of them are linked, on every platform.
    expect(manifest.publishConfig).toEqual({ access: "public", os: [os], cpu: [cpu], ...(libc && { libc: [libc] }) })
    expect(manifest).not.toHaveProperty("os")
  })
})

test("the backend cuda has a package for each target that the addon is built for, and can do without", () => {
  const names = TARGETS.map(({ name }) => [`@taeda/backend-cuda-${name}`, "workspace:*"])
  const cuda = published.find(({ manifest }) => manifest.name === "@taeda/backend-cuda")
  expect(cuda?.manifest.optionalDependencies).toEqual(Object.fromEntries(names))
  expect(natives.map(({ manifest }) => manifest.name).sort()).toEqual(names.map(([name]) => name).sort())
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
    const entries = [
      ...lock.matchAll(/^ {2}(node-(?:bin-)?(?:linux|darwin|win)-\w+)@[\d.]+:\n {4}resolution: .*\n((?: {4}.*\n)+)/gm),
    ]
    expect(entries.length).toBeGreaterThan(3)
    for (const [, name, rest] of entries)
      expect([name, rest]).toEqual([name, expect.stringMatching(/cpu: \[\w+\]\n {4}os: \[\w+\]/)])
  })
})

test("core knows its version", () => {
  const core = published.find(({ manifest }) => manifest.name === "@taeda/core")
  expect(CORE.version).toBe(core?.manifest.version)
})

test("the licence is at the root", () => {
  expect(existsSync(join(ROOT, "LICENSE"))).toBe(true)
})
