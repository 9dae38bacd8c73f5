/** What long training loops hold, in Node, there on the emulated cuda as well, and in a page. `pnpm measure` runs longer ones. */
import { type Browser, openBrowser } from "@taeda/browser"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { growth, inNode, inPage, mostHeld, onCuda } from "../src/runs.ts"
import type { Task } from "../src/training.ts"

const MB = 2 ** 20
const TIMEOUT = 300_000
const TASK: Task = { device: "wasm", steps: 2000, ending: "await", inputs: 784, hidden: 256, batch: 64 }
/** What 2000 steps leave to the collector, were it never to run: without it the processes would grow four times as large. */
const LEFT = 2000 * 0.18 * MB

/** On the software GPU a step of a larger one takes too long. */
const ON_GPU: Task = { device: "webgpu", steps: 1500, ending: "await", inputs: 64, hidden: 32, batch: 16 }
/** What these leave to the collector: eight buffers of a step and more. */
const LEFT_ON_GPU = 1500 * 8 * 1024
/** In Node the software GPU itself takes some 100 MB in its first hundreds of steps, for the stacks of its threads. */
const SETTLED = 900

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

  it("a loop on a GPU that awaits once a step", { timeout: TIMEOUT }, async () => {
    const run = await inNode(ON_GPU)
    expect(mostHeld(run)).toBeLessThan(LEFT_ON_GPU / 4)
    expect(growth(run, SETTLED)).toBeLessThan(1.25)
  })

  it("a loop on a GPU without a pause, in scopes", { timeout: TIMEOUT }, async () => {
    const run = await inNode({ ...ON_GPU, ending: "scope" })
    expect(mostHeld(run)).toBe(run.samples[0].held)
    expect(growth(run)).toBeLessThan(1.5)
  })
})

/** The driver gives memory in segments of 2 MiB, all of which are kept. */
const SEGMENT = 2 * MB
const ON_CUDA: Task = { ...ON_GPU, device: "cuda" }
/** What was compiled, and pinned for reads, by the first sample serves all later ones. */
const once = <T>(values: readonly T[]): T[] => values.map(() => values[0])

describe("on cuda, emulated", () => {
  it("a loop that awaits once a step", { timeout: TIMEOUT }, async () => {
    const run = await onCuda(ON_CUDA)
    expect(mostHeld(run)).toBeLessThan(LEFT_ON_GPU / 4 + SEGMENT)
    expect(run.native[0].pinnedBytes).toBeGreaterThan(0)
    expect(run.native[0].modules).toBeGreaterThan(0)
    expect(run.native).toEqual(once(run.native))
    expect(growth(run)).toBeLessThan(1.5)
  })

  it("a loop without a pause, in scopes", { timeout: TIMEOUT }, async () => {
    const run = await onCuda({ ...ON_CUDA, ending: "scope" })
    expect(run.samples.map(({ held, live }) => [held, live])).toEqual(
      once(run.samples.map(({ held, live }) => [held, live])),
    )
    expect(run.native).toEqual(once(run.native))
    expect(growth(run)).toBeLessThan(1.5)
  })
})

describe("in Chromium", () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
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

  it("a loop on a GPU that awaits once a step", { timeout: TIMEOUT }, async () => {
    const run = await inPage(ON_GPU, browser)
    expect(mostHeld(run)).toBeLessThan(LEFT_ON_GPU / 4)
    expect(growth(run)).toBeLessThan(1.5)
  })

  it("a loop on a GPU without a pause, in scopes", { timeout: TIMEOUT }, async () => {
    const run = await inPage({ ...ON_GPU, ending: "scope" }, browser)
    expect(mostHeld(run)).toBe(run.samples[0].held)
    expect(growth(run)).toBeLessThan(1.5)
  })
})
