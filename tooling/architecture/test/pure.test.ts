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
    [
      "const a = [b.c, Math.PI, d.e(1)]",
      "const a = [/* @__PURE__ */ (() => (b.c))(), Math.PI, /* @__PURE__ */ d.e(1)]",
    ],
    ["const [a, a_] = [b, b_]", "const a = b;\nconst a_ = b_"],
    [
      "const [a, a_] = f(1)",
      "const a$a_ = /* @__PURE__ */ f(1);\nconst a = /* @__PURE__ */ (() => (a$a_[0]))();\nconst a_ = /* @__PURE__ */ (() => (a$a_[1]))()",
    ],
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
  readonly originalSource: string
  readonly name?: string
  readonly generatedColumn: number
  readonly originalLine: number
  readonly originalColumn: number
}

test("source maps lead where they led before", () => {
  const file = "packages/core/dist/core.js"
  const code = readRoot(file)
  const payload = JSON.parse(readRoot(`${file}.map`)) as ConstructorParameters<typeof SourceMap>[0]
  const sources = new Map(payload.sources.map((name) => [name, readRoot(join(file, "..", name)).split("\n")]))
  const map = new SourceMap(payload)
  let checked = 0
  for (const [line, text] of code.split("\n").entries()) {
    // Declarations; what is taken out of a list leads to that.
    if (!/^const .*PURE/.test(text) || /\[\d+\]\)\)\(\);$/.test(text)) continue
    for (const { index, 0: word } of text.matchAll(/\b[A-Za-z_][\w$]*/g)) {
      const entry = map.findEntry(line, index) as Entry
      // What the bundler leaves together has an entry for its first word; a mark has none of its own.
      if (entry.generatedColumn !== index) continue
      const original = sources.get(entry.originalSource)![entry.originalLine]!.slice(entry.originalColumn)
      // A name that two modules have ends in a number in one of them; modifiers come before a name, or a bracket.
      const [name] = word === "void" ? ["undefined"] : (entry.name ?? word).split("$")
      expect([text, original]).toEqual([text, expect.stringMatching(new RegExp(`^([a-z]+ |\\[)*${name}\\b`))])
      checked++
    }
  }
  expect(checked).toBeGreaterThan(200)
})
