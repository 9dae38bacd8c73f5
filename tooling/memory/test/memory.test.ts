/** What long training loops hold on wasm-simd, in Node and in a page. `pnpm measure` runs the longer ones. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { type Browser, openBrowser } from "@taeda/browser"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Held, Task } from "../src/training.ts"

const SRC = join(import.meta.dirname, "..", "src")
const MB = 2 ** 20
const TIMEOUT = 300_000
const TASK: Task = { steps: 2000, ending: "await", inputs: 256, hidden: 256, batch: 64 }
/** What 2000 steps leave to the collector, were it never to run. */
const LEFT = 2000 * 0.13 * MB

/** A process of its own: other tests' garbage would count. */
function inNode(task: Task): Held & { readonly rss: readonly number[] } {
  const code = `
    import { train } from ${JSON.stringify(join(SRC, "training.ts"))}
    const rss = []
    const held = await train(${JSON.stringify(task)}, () => rss.push(process.memoryUsage.rss()))
    console.log(JSON.stringify({ ...held, rss }))
    process.exit(0)`
  const args = ["--conditions=@taeda/source", "--input-type=module", "--eval", code]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }))
}

const most = ({ samples }: Held): number => Math.max(...samples.map(({ held }) => held))
const at100 = ({ samples }: Held): number => samples.find(({ step }) => step === 100)!.held

describe("in Node", () => {
  it("a loop that awaits once a step", { timeout: TIMEOUT }, () => {
    const held = inNode(TASK)
    expect(most(held)).toBeLessThan(LEFT / 4)
    expect(Math.max(...held.rss)).toBeLessThan(1.5 * held.rss[0])
  })

  it("a loop without a pause, in scopes", { timeout: TIMEOUT }, () => {
    const held = inNode({ ...TASK, ending: "scope" })
    expect(most(held)).toBe(at100(held))
    expect(Math.max(...held.rss)).toBeLessThan(1.5 * held.rss[0])
  })
})

describe("in Chromium", () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  }, 60_000)
  afterAll(() => browser?.close())
  const inPage = (task: Task): Promise<Held> =>
    browser.run<Held>(join(SRC, "training.ts"), { args: task, timeout: TIMEOUT })

  it("a loop that awaits once a step", { timeout: TIMEOUT }, async () => {
    expect(most(await inPage(TASK))).toBeLessThan(LEFT / 4)
  })

  it("a loop without a pause, in scopes", { timeout: TIMEOUT }, async () => {
    const held = await inPage({ ...TASK, ending: "scope" })
    expect(most(held)).toBe(at100(held))
  })
})
