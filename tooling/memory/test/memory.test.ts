/** What long training loops hold on wasm-simd, in Node and in a page. `pnpm measure` runs longer ones. */
import { type Browser, openBrowser } from "@taeda/browser"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { growth, inNode, inPage, mostHeld } from "../src/runs.ts"
import type { Task } from "../src/training.ts"

const MB = 2 ** 20
const TIMEOUT = 300_000
const TASK: Task = { steps: 2000, ending: "await", inputs: 784, hidden: 256, batch: 64 }
/** What 2000 steps leave to the collector, were it never to run: without it the processes would grow four times as large. */
const LEFT = 2000 * 0.18 * MB

describe("in Node", () => {
  it("a loop that awaits once a step", { timeout: TIMEOUT }, async () => {
    const run = await inNode(TASK)
    expect(mostHeld(run)).toBeLessThan(LEFT / 4)
    expect(growth(run)).toBeLessThan(1.5)
  })

  it("a loop without a pause, in scopes", { timeout: TIMEOUT }, async () => {
    const run = await inNode({ ...TASK, ending: "scope" })
    expect(mostHeld(run)).toBe(run.samples[0].held)
    expect(growth(run)).toBeLessThan(1.5)
  })
})

describe("in Chromium", () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  }, 60_000)
  afterAll(() => browser?.close())

  it("a loop that awaits once a step", { timeout: TIMEOUT }, async () => {
    const run = await inPage(TASK, browser)
    expect(mostHeld(run)).toBeLessThan(LEFT / 4)
    expect(growth(run)).toBeLessThan(1.5)
  })

  it("a loop without a pause, in scopes", { timeout: TIMEOUT }, async () => {
    const run = await inPage({ ...TASK, ending: "scope" }, browser)
    expect(mostHeld(run)).toBe(run.samples[0].held)
    expect(growth(run)).toBeLessThan(1.5)
  })
})
