import { describe, expect, test, vi } from "vitest"
import type { Files } from "../src/compiler.ts"
import { COMPILERS } from "../src/compilers.ts"
import { CALLS, manyCalls } from "../src/many-calls.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const SWITCH = `import type {} from "taeda"
declare module "taeda" {
  interface TypeConfig {
    shapes: false
  }
}
`

const PROGRAM = `import * as torch from "taeda"
export const x = torch.rand(2, 3)
export const y = x.matmul(torch.rand(4, 5))
export const logits = new torch.nn.Linear(784, 10)(torch.rand(32, 784))
`

/** Of the instantiations with shapes, so much is left without. */
const SHARE = 0.5

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  test("a program without shapes has no errors of shapes", () => {
    const files: Files = { "config.d.ts": SWITCH, "program.ts": PROGRAM }
    using off = compiler.compile(files)
    expect(off.findings("program.ts")).toEqual([])
    expect(Object.fromEntries(off.types("program.ts"))).toEqual({
      x: 'Tensor<any, "float32">',
      y: 'Tensor<any, "float32">',
      logits: 'Tensor<any, "float32">',
    })
    using on = compiler.compile({ "program.ts": PROGRAM })
    expect(on.findings("program.ts")).toHaveLength(1)
  })

  test(`and ${CALLS} calls cost less`, () => {
    const on = compiler.cost({ "calls.ts": manyCalls() })
    const off = compiler.cost({ "config.d.ts": SWITCH, "calls.ts": manyCalls() })
    expect(off.instantiations).toBeLessThan(SHARE * on.instantiations)
  })
})
