import { BACKENDS, PACKAGE_MANAGERS, RUNTIMES, SYSTEMS } from "@taeda/choices"
import { describe, expect, test } from "vitest"
import { type Choice, FIRST, outcomeOf, withRuntime } from "../src/choice.ts"

const choose = (choice: Partial<Choice>): Choice => ({ ...FIRST, ...choice })

describe("what to install", () => {
  test("what comes along needs no package of its own", () => {
    expect(outcomeOf(FIRST)).toEqual({
      command: "npm install taeda",
      code: 'import * as torch from "taeda"\nawait torch.setDefaultDevice("wasm")',
      notes: [expect.stringContaining("SIMD"), "Node 20 or newer."],
    })
  })

  test("a GPU in a page is registered by name, so that a bundler sees it", () => {
    const { command, code } = outcomeOf(choose({ backend: "webgpu", runtime: "browser", manager: "pnpm" }))
    expect(command).toBe("pnpm add taeda @taeda/backend-webgpu")
    expect(code).toContain('registerBackend("webgpu"')
  })

  test("what a machine cannot have is said in place of a command", () => {
    expect(outcomeOf(choose({ backend: "cuda", system: "macos" }))).toEqual({
      notes: ["NVIDIA GPUs through the driver: only on Linux or Windows. The same code runs on the others."],
    })
    expect(outcomeOf(choose({ backend: "cuda", runtime: "browser" })).command).toBeUndefined()
  })

  test("a runtime brings its package manager", () => {
    expect(withRuntime(FIRST, "deno").manager).toBe("deno")
    expect(outcomeOf(withRuntime(FIRST, "deno")).command).toBe("deno add npm:taeda")
  })

  test("every choice has an outcome", () => {
    for (const { name: system } of SYSTEMS)
      for (const { name: runtime } of RUNTIMES)
        for (const { name: manager } of PACKAGE_MANAGERS)
          for (const { name: backend } of BACKENDS)
            expect(outcomeOf({ system, runtime, manager, backend }).notes.length).toBeGreaterThan(0)
  })
})
