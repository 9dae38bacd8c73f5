/** What a selection picks. */

import { DTYPE_NAMES } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { casesOf } from "../src/cases.ts"
import { checksOf, matches, type Selection, stratified } from "../src/checks.ts"
import { createMinimal } from "../src/minimal/backend.ts"
import { ROWS } from "../src/rows/index.ts"

describe("patterns", () => {
  it.each([
    [undefined, "add", true],
    [["add"], "add", true],
    [["add"], "addmm", false],
    [["add*"], "addmm", true],
    [["nn.functional.*"], "nn.functional.relu", true],
    [["nn.functional.*"], "nnxfunctional.relu", false],
    [["x", "add (promotion)"], "add (promotion)", true],
    [[], "add", false],
  ])("%j on %s: %s", (patterns, name, expected) => {
    expect(matches(patterns, name)).toBe(expected)
  })
})

describe("a few cases of each row", () => {
  it("have every dtype, tag and layout of the row among them, and are far fewer", () => {
    let all = 0
    let few = 0
    for (const row of ROWS) {
      const cases = casesOf(row)
      const chosen = stratified(cases)
      const traits = (list: typeof cases) =>
        new Set(
          list.flatMap(({ dtype, sample, inputs }) => [dtype, ...sample.tags, ...inputs.map((each) => each.layout)]),
        )
      expect(traits(chosen), row.name).toEqual(traits(cases))
      all += cases.length
      few += chosen.length
    }
    expect(few).toBeLessThan(all / 2)
  })
})

describe("checks", () => {
  const minimal = createMinimal()

  it("are of the ops, dtypes and templates asked for, and know when that is not all of an op", async () => {
    const groups = await checksOf(minimal, { ops: ["exp", "printing"], dtypes: ["float64"], templates: ["forward"] })
    expect(groups.map(({ op, template, partial }) => [op, template, partial])).toEqual([["exp", "forward", true]])
    expect(groups[0].checks.every(({ dtype }) => dtype === "float64")).toBe(true)
    const whole = await checksOf(minimal, { ops: ["exp"] })
    expect(whole.every(({ partial }) => !partial)).toBe(true)
  })

  it("train as far as they are asked to, and know when that is not all", async () => {
    const partial = async (selection: Selection) =>
      (await checksOf(minimal, { ops: ["training"], ...selection })).map((group) => group.partial)
    expect(await partial({})).toEqual([false])
    expect(await partial({ full: false })).toEqual([true])
    expect(await partial({ steps: 199 })).toEqual([true])
    await expect(checksOf(minimal, { steps: 201 })).rejects.toThrow("steps: a training program takes 1 to 200, got 201")
  })

  it("ask for a refusal where the backend lacks a dtype, and for nothing else there", async () => {
    const dtypes = new Set(DTYPE_NAMES.filter((dtype) => dtype !== "float64"))
    const capabilities = { ...minimal.capabilities, dtypes }
    const groups = await checksOf({ name: "minimal", capabilities }, { ops: ["exp"] })
    const of64 = groups.filter(({ checks }) => checks.some(({ dtype }) => dtype === "float64"))
    expect(of64.map(({ template }) => template)).toEqual(["unsupportedDtype"])
  })
})
