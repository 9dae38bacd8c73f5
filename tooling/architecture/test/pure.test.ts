/** What builds tell bundlers of a module's top level. */
import { SourceMap } from "node:module"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { readRoot } from "../src/workspace.ts"

/** Written for the Node that builds, which may know no types. */
const { marked } = (await import(new URL("../../scripts/pure.mjs", import.meta.url).href)) as {
  marked(code: string, map: object): { readonly code: string }
}
/** A map that leads nowhere. */
const NO_MAP = { version: 3, sources: [], names: [], mappings: "" }

describe("marks", () => {
  test.each([
    ["const a = f()", "const a = /* @__PURE__ */ f()"],
    ["export const a = new F(g(1))", "export const a = /* @__PURE__ */ new F(/* @__PURE__ */ g(1))"],
    ["export class A extends layer(1) {}", "export class A extends /* @__PURE__ */ layer(1) {}"],
    ["const a = { ...b, c: 1 }", "const a = /* @__PURE__ */ (() => ({ ...b, c: 1 }))()"],
    ["const a = f(`a$" + "{b}`)", "const a = /* @__PURE__ */ f(/* @__PURE__ */ (() => (`a$" + "{b}`))())"],
    ["class A { static b = A.c }", "class A { static b = /* @__PURE__ */ (() => (A.c))() }"],
  ])("%s", (code, result) => {
    expect(marked(code, NO_MAP).code).toBe(result)
  })

  test.each([
    // Meant for their effects.
    "install(family)",
    "for (const a of b()) install(a)",
    // Not run while the module loads.
    "const f = () => g()",
    "function f(a = g()) { return h(a) }",
    "class A { b = f(); c() { return d() } }",
    // A minifier would make a comment of the slash and the mark.
    "const a = 2 / f()",
  ])("not in %s", (code) => {
    expect(marked(code, NO_MAP).code).toBe(code)
  })
})

interface Entry {
  readonly generatedColumn: number
  readonly originalLine: number
  readonly originalColumn: number
}

test("source maps lead where they led before", () => {
  const file = "packages/core/dist/ops/activation.js"
  const code = readRoot(file)
  const payload = JSON.parse(readRoot(`${file}.map`)) as ConstructorParameters<typeof SourceMap>[0]
  const source = readRoot(join(file, "..", payload.sources[0]!)).split("\n")
  const map = new SourceMap(payload)
  let checked = 0
  for (const [line, text] of code.split("\n").entries()) {
    if (!text.includes("PURE")) continue
    for (const { index, 0: word } of text.matchAll(/\w+/g)) {
      const entry = map.findEntry(line, index) as Entry
      // What the compiler leaves together, as `export const`, has an entry for its first word; a mark has none of its own.
      if (entry.generatedColumn !== index) continue
      expect(source[entry.originalLine]!.slice(entry.originalColumn)).toMatch(new RegExp(`^(new )?${word}\\b`))
      checked++
    }
  }
  expect(checked).toBeGreaterThan(200)
})
