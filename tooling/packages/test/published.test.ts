/** The packages as they are published, file by file. */
import { dirname, join } from "node:path/posix"
import { checkPackage, createPackageFromTarballData, type Package } from "@arethetypeswrong/core"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { beforeAll, describe, expect, inject, test } from "vitest"
import { LIBRARIES, NATIVES, type Published, packageOf, publishedAt } from "../src/published.ts"

/** Resolutions of CommonJS, which the packages do not offer. */
const COMMON_JS: ReadonlySet<string> = new Set(["node10", "node16-cjs"])

interface SourceMap {
  readonly sources: readonly string[]
  readonly sourcesContent?: readonly (string | null)[]
}

/** What declarations may lead to besides their own package and its dependencies. */
const REFERENCE = /\/\/\/\s*<reference\s+(\w+)="([^"]+)"/g
const IMPORT = /(?:from|import|import\()\s*["']([\w@][\w@/:.-]*)["']/g

/** The language's own, which every compiler has and which is not the platform's. */
const ALLOWED_REFERENCES: ReadonlySet<string> = new Set(["lib=esnext.disposable"])

/** Declarations that are meant for a platform, with what they may import of it. */
const PLATFORM: Readonly<Record<string, readonly string[]>> = {
  "@taeda/conformance/dist/vitest.d.ts": ["vitest"],
}

describe.each(LIBRARIES)("%s", (name) => {
  let published: Published
  let files: Package
  beforeAll(async () => {
    published = await publishedAt(inject("registry"), name)
    files = createPackageFromTarballData(published.tarball)
  })
  const root = `/node_modules/${name}/`
  const named = (end: string): string[] => files.listFiles().filter((file) => file.endsWith(end))

  test("is as publint wants it, to its last suggestion", async () => {
    const { messages, pkg } = await publint({ pack: { tarball: published.tarball.buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  test("has types that resolve, for Node's own resolution and for bundlers'", async () => {
    const analysis = await checkPackage(files)
    if (!analysis.types) throw new Error("there are no types")
    const entries = Object.values(analysis.entrypoints)
    expect(entries.map(({ subpath }) => subpath).sort()).toEqual(Object.keys(published.manifest.exports ?? {}).sort())
    for (const { resolutions } of entries)
      for (const kind of ["node16-esm", "bundler"] as const) expect(resolutions[kind].resolution).toBeDefined()
    const problems = analysis.problems.filter(
      (problem) => !("resolutionKind" in problem && COMMON_JS.has(problem.resolutionKind)),
    )
    expect(problems).toEqual([])
  })

  test("has a licence, a description, and a page to read", () => {
    for (const file of ["LICENSE", "README.md"]) expect(files.fileExists(root + file)).toBe(true)
    expect(published.manifest).toMatchObject({ license: "Apache-2.0", description: expect.stringMatching(/\w.*\.$/) })
  })

  test("has a source map for every script, with the sources in it", () => {
    const scripts = named(".js")
    expect(scripts).not.toEqual([])
    for (const script of scripts) {
      const [, address] = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(files.readFile(script)) ?? []
      expect([script, address]).toEqual([script, expect.stringMatching(/^[\w.-]+\.map$/)])
      const { sources, sourcesContent } = JSON.parse(files.readFile(join(dirname(script), address!))) as SourceMap
      expect([script, sources.filter((_, k) => typeof sourcesContent?.[k] !== "string")]).toEqual([script, []])
      expect([script, sources.filter((source) => /^(?:\/|\w+:)/.test(source))]).toEqual([script, []])
    }
  })

  test("has declarations that lead to no platform and to no package that is not installed with it", () => {
    const { dependencies, peerDependencies } = published.manifest
    const reachable = new Set([name, ...Object.keys({ ...dependencies, ...peerDependencies })])
    for (const file of named(".d.ts")) {
      const text = files.readFile(file)
      const references = [...text.matchAll(REFERENCE)].map(([, kind, what]) => `${kind}=${what}`)
      expect([file, references.filter((each) => !ALLOWED_REFERENCES.has(each))]).toEqual([file, []])
      const imports = [...text.matchAll(IMPORT)].map(([, specifier]) => specifier)
      const more = PLATFORM[file.replace("/node_modules/", "")] ?? []
      const strange = imports.filter((each) => !reachable.has(packageOf(each)) && !more.includes(each))
      expect([file, strange]).toEqual([file, []])
    }
  })
})

test.each([...LIBRARIES, ...NATIVES])("the manifest of %s leads to nothing that is not published", async (name) => {
  const { manifest } = await publishedAt(inject("registry"), name)
  const text = JSON.stringify(manifest)
  for (const inside of ["workspace:", "@taeda/source", "./src/", "tooling"]) expect(text).not.toContain(inside)
  expect(manifest).not.toHaveProperty("scripts")
  expect(manifest).not.toHaveProperty("devDependencies")
})
