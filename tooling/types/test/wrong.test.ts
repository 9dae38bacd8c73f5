import * as torch from "taeda"
import typescript from "typescript-6.0"
import { afterAll, describe, expect, test, vi } from "vitest"
import { COMPILERS } from "../src/compilers.ts"
import { sentenceIn } from "../src/sentence.ts"
import { PRELUDE, WRONG, type Wrong } from "../src/wrong.ts"
import { WRONG_LAYERS } from "../src/wrong-layers.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const ALL = [...WRONG, ...WRONG_LAYERS]

const fileOf = (each: Wrong): string => `wrong-${ALL.indexOf(each)}.ts`
const FILES = Object.fromEntries(ALL.map((each) => [fileOf(each), `${PRELUDE}{\n${each.code}\n}\n`]))

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  const program = compiler.compile(FILES)
  afterAll(() => program[Symbol.dispose]())

  test.each(ALL)("$code", (each) => {
    const found = program.findings(fileOf(each))
    expect(found.map(({ message, at }) => ({ says: sentenceIn(message) ?? message, at }))).toEqual([
      { says: each.says, at: each.at },
    ])
    expect(found[0].message).not.toContain("\n")
  })
})

/** Runs a program's statements; resolves to the error's message. */
async function failureOf({ code }: Wrong): Promise<string | null> {
  const text = typescript.transpile(`export {}\n${code}`, {
    target: typescript.ScriptTarget.ES2022,
    module: typescript.ModuleKind.ESNext,
  })
  const body = text.replace(/^export \{\};?/m, "")
  const run = new Function("torch", "nn", "F", `return (async () => {${body}})()`) as (
    ...names: unknown[]
  ) => Promise<unknown>
  try {
    await run(torch, torch.nn, torch.nn.functional)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

describe("at run time", () => {
  test.each(ALL)("$code", async (each) => {
    const message = await failureOf(each)
    if (each.runs === undefined) expect(message).toContain(each.says)
    else expect(message).toBeNull()
  })
})

test("there are at least 60 of them, all different", () => {
  expect(ALL.length).toBeGreaterThanOrEqual(60)
  expect(new Set(ALL.map(({ code }) => code)).size).toBe(ALL.length)
})
