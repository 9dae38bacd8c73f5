import { expect, test } from "vitest"
import { LIBRARY, prepare } from "../src/prepare.ts"

const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (library: object) => Promise<{ readonly value?: unknown }>

const library = { ones: () => "ones", zeros: () => "zeros" }

/** Runs lines one after another, as the worker does; gives what the last is worth, in an object that keeps promises. */
async function evaluated(...lines: string[]): Promise<{ readonly value: unknown }> {
  let value: unknown
  for (const line of lines) {
    const prepared = prepare(line)
    if (prepared.kind === "incomplete") throw new Error(`incomplete: ${line}`)
    ;({ value } = await new AsyncFunction(LIBRARY, prepared.body)(library))
  }
  return { value }
}

const worth = async (...lines: string[]): Promise<unknown> => (await evaluated(...lines)).value

test.each<[string[], unknown]>([
  [["1 + 1"], 2],
  [["1; 2;"], 2],
  [["a1 = 3", "a1 * 2"], 6],
  [["const b1 = 3"], 3],
  [["const b2 = 3", "const b2 = 4", "b2"], 4],
  [["let c1, c2 = 5", "[c1, c2].join()"], ",5"],
  [["const { d1, e: [d2] } = { d1: 1, e: [2] }", "d1 + d2"], 3],
  [["g1 = 1; k1 = f1(2); function f1(x) { return x + g1 }", "k1"], 3],
  [["function f2() { return 7 }", "f2()"], 7],
  [["class A1 { x = 1 }", "new A1().x"], 1],
  [["await Promise.resolve(8)"], 8],
  [["const h1 = await Promise.resolve(9)", "h1"], 9],
  [["for (let i = 0; i < 3; i++) s1 = i", "s1"], 2],
  [["if (true) { const inner = 1; t1 = inner }", "t1"], 1],
  [["({ u: 1 }).u"], 1],
  [['import * as all from "taeda"', "all.ones()"], "ones"],
  [['import { zeros as z } from "taeda"', "z()"], "zeros"],
  [["1 // with a note"], 1],
  [["// only a note"], undefined],
])("%j is worth %j", async (lines, value) => {
  expect(await worth(...lines)).toEqual(value)
})

test("a line in braces is an object where it can be one, and a block elsewhere", async () => {
  expect(await worth("{ a: 1, b: 2 }")).toEqual({ a: 1, b: 2 })
  expect(await worth("{ v1 = 1; v1++ }", "v1")).toBe(2)
})

test("what is not awaited stays a promise", async () => {
  expect((await evaluated("Promise.resolve(1)")).value).toBeInstanceOf(Promise)
})

test("an expression is evaluated once", async () => {
  expect(await worth("n1 = 0", "n1 += 1", "n1")).toBe(1)
})

test.each(["ones(2,", "function f() {", "`a", "/* a", "[1,\n2"])("%j waits for more", (line) => {
  expect(prepare(line)).toEqual({ kind: "incomplete" })
})

test.each([
  ["1 +* 2", /^Unexpected token \(1:3\)$/],
  ["'abc", /^Unterminated string constant/],
  ["ones(2))", /^Unexpected token/],
  ['import fs from "node:fs"', /can only import "taeda", got "node:fs"/],
  ['import taeda from "taeda"', /no default export/],
])("%j is no code", (line, message) => {
  expect(() => prepare(line)).toThrow(message)
})
