import { describe, expect, test } from "vitest"
import { type Place, wrongImports } from "../src/arrows.ts"
import { importsOf } from "../src/imports.ts"
import { LAYERS } from "../src/layers.ts"
import { dependenciesOf, packagesIn, readRoot, sourcesOf } from "../src/workspace.ts"

const packages = packagesIn("packages", "apps")
const tools = packagesIn("tooling")
const names = new Set([...packages, ...tools].map(({ manifest }) => manifest.name))

test("every package has its place in the table of layers", () => {
  expect(Object.keys(LAYERS).sort()).toEqual(packages.map(({ manifest }) => manifest.name).sort())
})

test("every package is told of in the docs, in the words of its manifest", () => {
  const told = [...readRoot("docs/architecture.md").matchAll(/^\| \[`(.+)`\]\(\.\.\/\1\) \| `(.+)` \| (.+) \|$/gm)]
  const rows = [...packages, ...tools].map(({ folder, manifest: { name, description } }) => [folder, name, description])
  expect(told.map(([, ...cells]) => cells).sort()).toEqual(rows.sort())
})

test("tools depend on each other without going in circles", () => {
  const needs = new Map(tools.map(({ manifest }) => [manifest.name, dependenciesOf(manifest)]))
  const circles: string[] = []
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) circles.push([...path, name].join(" → "))
    else for (const each of needs.get(name) ?? []) visit(each, [...path, name])
  }
  for (const name of needs.keys()) visit(name, [])
  expect(circles).toEqual([])
})

describe.each(packages)("$manifest.name", (each) => {
  test("imports only what its layer may", () => {
    const layer = LAYERS[each.manifest.name] ?? { imports: [] }
    const place: Place = { manifest: each.manifest, layer, src: `${each.folder}/src` }
    const sources = sourcesOf(each)
    expect(sources).not.toEqual([])
    expect(sources.flatMap((file) => wrongImports(file, readRoot(file), place, names))).toEqual([])
  })
})

test("core is compiled without the types of any platform", () => {
  const options = (path: string) =>
    (JSON.parse(readRoot(path)) as { compilerOptions: Record<string, unknown> }).compilerOptions
  expect(options("tooling/tsconfig/base.json").types).toEqual([])
  expect(options("tooling/tsconfig/base.json").lib).not.toContainEqual(expect.stringMatching(/dom|worker/i))
  expect(JSON.parse(readRoot("packages/core/tsconfig.build.json"))).toEqual({
    extends: "../../tooling/tsconfig/build.json",
  })
})

describe("the rules themselves", () => {
  const place: Place = {
    manifest: { name: "@taeda/core", version: "0.0.0", dependencies: { "@taeda/nn": "workspace:*" } },
    layer: { imports: ["@taeda/nn"], loads: ["taeda"] },
    src: "packages/core/src",
  }
  const check = (source: string) => wrongImports("packages/core/src/a.ts", source, place, names)

  test.each([
    [`import { x } from "./b.ts"`],
    [`import { x } from "@taeda/nn"`],
    [`const name = "x"; export const load = () => import(name)`],
  ])("%s is fine", (source) => {
    expect(check(source)).toEqual([])
  })

  test.each([
    [`import { x } from "../../nn/src/b.ts"`, "leaves packages/core/src"],
    [`import { readFileSync } from "node:fs"`, "Node's own"],
    [`import fs from "fs"`, "Node's own"],
    [`export * from "@taeda/backend-cpu-js"`, "points the wrong way"],
    [`import type { X } from "@taeda/conformance"`, "points the wrong way"],
    [`const x = await import("@taeda/optim")`, "points the wrong way"],
    [`import { x } from "taeda"`, "must be loaded by import()"],
    [`import type { X } from "taeda"`, "not in the package's dependencies"],
    [`import { x } from "left-pad"`, "not in the package's dependencies"],
  ])("%s is not", (source, reason) => {
    expect(check(source)).toEqual([expect.stringContaining(reason)])
  })

  test("a file's imports are read in every form", () => {
    const source = `
      import a, { type B } from "one"
      import type { C } from "two"
      import "three"
      export { d } from "four"
      export type { E } from "five"
      const f = await import("six")
      // import g from "seven"
    `
    expect(importsOf("a.ts", source)).toEqual([
      { from: "one", kind: "static" },
      { from: "two", kind: "type" },
      { from: "three", kind: "static" },
      { from: "four", kind: "static" },
      { from: "five", kind: "type" },
      { from: "six", kind: "dynamic" },
    ])
  })

  test("a file that does not parse is named", () => {
    expect(() => importsOf("a.ts", "import from from")).toThrow(/^a\.ts: /)
  })
})
