import { describe, expect, test, vi } from "vitest"
import { COMPILERS } from "../src/compilers.ts"
import { STRESS } from "../src/stress.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const FILES = Object.fromEntries(
  STRESS.map(({ code }, i) => [`stress-${i}.ts`, `import * as torch from "taeda"\n${code}\n`]),
)

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  test("long programs are not too deep for it", () => {
    using program = compiler.compile(FILES)
    const seen = STRESS.map(({ name }, i) => ({
      name,
      findings: program.findings(`stress-${i}.ts`),
      result: program.types(`stress-${i}.ts`).get("result"),
    }))
    expect(seen).toEqual(STRESS.map(({ name, result }) => ({ name, findings: [], result })))
  })
})
