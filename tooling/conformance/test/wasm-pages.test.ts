/** wasm-simd where a page's policy or isolation leaves it less, and on a page's own thread. */

import { join } from "node:path"
import { type Browser, openBrowser, type RunOptions } from "@taeda/browser"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { PageDevices } from "./pages/devices.ts"
import type { SharedWork } from "./pages/shared-work.ts"

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

/** Refusals are in the page's console, where they are no news. */
const run = <T>(page: string, options: RunOptions = {}): Promise<T> =>
  browser.run<T>(join(import.meta.dirname, "pages", `${page}.ts`), { ...options, onConsole: () => {} })

const devices = (options: RunOptions) => run<PageDevices>("devices", options)

const RIGHT = 90_000

describe("a page", () => {
  it("whose policy forbids WebAssembly is told what to allow, and gets cpu for auto", async () => {
    const { reason, auto, sum } = await devices({ csp: "script-src 'self'" })
    expect(reason).toMatch(/Content-Security-Policy.*add 'wasm-unsafe-eval' to its script-src, or use the device "cpu"/)
    // The engine's own words are there too: they quote the policy.
    expect(reason).toContain("script-src 'self'")
    expect([auto, sum]).toEqual(["cpu", RIGHT])
  })

  it.each([
    ["script-src 'self' 'wasm-unsafe-eval' blob:", true],
    ["script-src 'self' 'wasm-unsafe-eval' data:", true],
    ["script-src 'self' 'wasm-unsafe-eval'", false],
    ["script-src 'self' 'unsafe-eval'; worker-src 'self'", false],
    ["worker-src 'none'", false],
  ])("under the policy %s has threads: %s", async (csp, threads) => {
    const { reason, notes, auto, sum, ...rest } = await devices({ csp })
    expect([reason, auto, sum]).toEqual(["", "wasm", RIGHT])
    if (threads) expect(rest.threads).toBe(2)
    else {
      expect(rest.threads).toBe(1)
      expect(notes).toContainEqual(
        expect.stringMatching(/^one thread: a worker did not start: .*content security policy.*blob: and data:/),
      )
    }
  })

  it("without isolation has one thread, and says what headers it lacks", async () => {
    const { threads, notes, auto } = await devices({ isolated: false })
    expect([threads, auto]).toEqual([1, "wasm"])
    expect(notes).toContainEqual(expect.stringMatching(/^one thread: .*Cross-Origin-Opener-Policy: same-origin/))
  })

  it("shares work with a worker, and its own thread never asks to sleep", async () => {
    const { main, worker } = await run<{ main: SharedWork; worker: SharedWork }>("threads")
    expect(main).toEqual({ threads: 2, right: true, waits: 0 })
    expect(worker).toMatchObject({ threads: 2, right: true })
    // A worker may sleep, and finds that out by asking.
    expect(worker.waits).toBeGreaterThan(0)
  })
})
