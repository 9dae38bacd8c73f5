import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Browser, openBrowser, type RunOptions, runInPage } from "../src/index.ts"
import type { Abilities } from "./pages/abilities.ts"

const page = (name: string) => join(import.meta.dirname, "pages", `${name}.ts`)

/** So many bytes a page holds. */
const HOARD = 100 * 2 ** 20

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

const habit = (way: string, options: RunOptions = {}, value?: unknown) =>
  browser.run(page("habits"), { ...options, args: { way, value } })

describe("a page", () => {
  const abilities = (options?: RunOptions) => browser.run<Abilities>(page("abilities"), options)

  it("is cross-origin isolated: it has shared memory and threads, and relaxed SIMD", async () => {
    expect(await abilities()).toEqual({
      isolated: true,
      sharedMemory: true,
      threads: "ok",
      simd: true,
      relaxedSimd: true,
      generatedCode: "ok",
      wasm: "ok",
    })
  })

  it("may be served without isolation: then memory cannot be shared", async () => {
    expect(await abilities({ isolated: false })).toEqual({
      isolated: false,
      sharedMemory: false,
      threads: "DataCloneError",
      simd: true,
      relaxedSimd: true,
      generatedCode: "ok",
      wasm: "ok",
    })
  })

  it.each([
    ["script-src 'self'", { generatedCode: "EvalError", wasm: "CompileError" }],
    ["script-src 'self' 'wasm-unsafe-eval'", { generatedCode: "EvalError", wasm: "ok" }],
    ["script-src 'self' 'unsafe-eval'", { generatedCode: "ok", wasm: "ok" }],
  ])("obeys the policy %s", async (csp, expected) => {
    expect(await abilities({ csp })).toMatchObject(expected)
  })
})

describe("a run", () => {
  it("is measured while it lasts: what its page holds is in the memory of the page's process", async () => {
    const sizes: number[] = []
    const onTold = async () => void sizes.push(await browser.pageBytes())
    await browser.run(page("hoard"), { args: HOARD, onTold })
    const [before, after] = sizes
    expect(before).toBeGreaterThan(0)
    expect(after - before).toBeGreaterThan(0.9 * HOARD)
    expect(after - before).toBeLessThan(2 * HOARD)
    await expect(browser.pageBytes()).rejects.toThrow("no page is open")
  })

  it("hands over arguments and the result", async () => {
    const value = { list: [1, Number.NaN, null], text: "ü", bytes: new Float32Array([1, 2]) }
    expect(await habit("answer", {}, value)).toEqual(value)
  })

  it("passes on what the module tells while it runs, before the result", async () => {
    const told: unknown[] = []
    await habit("tell", { onTold: (value) => told.push(value) }, { second: 2 })
    expect(told).toEqual(["first", { second: 2 }])
  })

  it("passes on what is written to the console", async () => {
    const lines: string[] = []
    await habit("talk", { onConsole: (type, text) => lines.push(`${type}: ${text}`) })
    expect(lines).toEqual(["log: quiet", "warning: a warning", "error: an error"])
  })

  it.each([
    ["refuse", /RangeError: this is too much/],
    ["forget", /uncaught in the page: RangeError: nobody catches this/],
    ["delegate", /uncaught in the page: .*thrown in a worker/],
  ])("fails with what is thrown: %s", async (way, message) => {
    await expect(habit(way)).rejects.toThrow(message)
  })

  it("fails when time is over, even where the page never pauses, and the next one is fine", async () => {
    await expect(habit("spin", { timeout: 500 })).rejects.toThrow(/did not finish within 0\.5 s \(.*habits\.ts\)/)
    expect(await habit("answer", {}, 1)).toBe(1)
  })

  it("fails for a module that has no main, or does not exist", async () => {
    await expect(browser.run(page("silent"))).rejects.toThrow(/exports no function main/)
    await expect(browser.run(page("absent"))).rejects.toThrow(/absent\.ts/)
  })

  it("fails when the browser ends", async () => {
    const other = await openBrowser()
    const run = other.run(page("habits"), { args: { way: "forget" }, timeout: 10_000 })
    await Promise.all([expect(run).rejects.toThrow(), other.close()])
  })

  it("can have a browser of its own, with flags", async () => {
    const options = { args: { way: "answer", value: 3 }, flags: ["--js-flags=--expose-gc"] }
    expect(await runInPage(page("habits"), options)).toBe(3)
  })
})
