import * as torch from "taeda"
import { describe, expect, test, vi } from "vitest"
import { COMPILERS } from "../src/compilers.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** Where functions and classes stand, by the path from `torch`. */
const PLACES = [
  "",
  ".linalg",
  ".special",
  ".nn.functional",
  ".nn",
  ".nn.init",
  ".nn.utils",
  ".optim",
  ".optim.lrScheduler",
  ".utils.data",
]

const at = (path: string): Record<string, unknown> =>
  path
    .split(".")
    .filter(Boolean)
    .reduce((holder, name) => holder[name] as Record<string, unknown>, torch as unknown as Record<string, unknown>)

/** A program that passes all of them on under names of its own, whose declarations so have to say their types. */
const NAMES = PLACES.flatMap((path) =>
  Object.entries(at(path))
    .filter(([, value]) => typeof value === "function")
    .map(([name]) => `torch${path}.${name}`),
)
const PROGRAM = `import * as torch from "taeda"\n${NAMES.map((name, i) => `export const own${i} = ${name}\n`).join("")}`

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  test("every function and class can be passed on under another name", () => {
    expect(NAMES.length).toBeGreaterThan(500)
    const { findings, texts } = compiler.declarations({ "own.ts": PROGRAM }, { taedaAlone: true })
    expect(findings.map(({ message, at }) => `${at}: ${message}`)).toEqual([])
    // What the declarations say is found by those who read them.
    using program = compiler.compile({ "own.d.ts": texts.get("own.d.ts") ?? "" }, { taedaAlone: true })
    expect(program.findings("own.d.ts")).toEqual([])
  })
})
