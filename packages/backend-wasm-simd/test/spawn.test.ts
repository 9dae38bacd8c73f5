import { resolveObjectURL } from "node:buffer"
import { Worker as NodeWorker } from "node:worker_threads"
import { afterEach, expect, test, vi } from "vitest"
import { findSpawn } from "../src/spawn.ts"
import type { ThreadPool } from "../src/threads.ts"
import { allReady, FRAME, makePool, markers, unitKernel } from "./pool-kernels.ts"

/** In a thread of Node, before the worker's script: what a worker of the web sees instead of Node. */
const PRELUDE = `
const { parentPort } = require("node:worker_threads")
globalThis.self = {
  set onmessage(listener) { parentPort.on("message", (data) => listener({ data })) },
  postMessage: (message) => parentPort.postMessage(message),
}
globalThis.process = undefined
{`

/** The web's Worker, made of Node's; `refuses` says how an address is refused, if it is. */
function webWorker(refuses: (url: string) => "at once" | "later" | null, opened: string[]) {
  return class {
    onmessage: (() => void) | null = null
    onerror: ((event: { message?: string }) => void) | null = null
    private inner: NodeWorker | null = null
    private waiting: unknown[] = []

    constructor(url: string) {
      opened.push(url)
      const refused = refuses(url)
      if (refused === "at once") throw new Error(`forbidden: ${url.slice(0, 5)}`)
      if (refused === "later") queueMicrotask(() => this.onerror?.({}))
      else this.start(url)
    }

    private async start(url: string): Promise<void> {
      const blob = resolveObjectURL(url)
      const text = blob ? await blob.text() : decodeURIComponent(url.slice(url.indexOf(",") + 1))
      this.inner = new NodeWorker(`${PRELUDE}${text}}`, { eval: true })
      this.inner.on("message", () => this.onmessage?.())
      this.inner.unref()
      for (const each of this.waiting) this.inner.postMessage(each)
    }

    postMessage(message: unknown): void {
      if (this.inner) this.inner.postMessage(message)
      else this.waiting.push(message)
    }

    terminate(): void {
      this.inner?.terminate()
    }
  }
}

/** Runs with `process` hidden and the web's Worker there. */
async function inABrowser<T>(worker: unknown, body: () => Promise<T>): Promise<T> {
  vi.stubGlobal("process", undefined)
  vi.stubGlobal("Worker", worker)
  try {
    return await body()
  } finally {
    vi.unstubAllGlobals()
  }
}

const pools: ThreadPool[] = []
afterEach(() => {
  for (const pool of pools.splice(0)) pool.dispose()
})

test.each([
  ["from a blob", () => null, /^blob:/],
  ["from a data: address where blobs throw", (url: string) => (url.startsWith("blob:") ? "at once" : null), /^data:/],
  [
    "from a data: address where blobs fail later",
    (url: string) => (url.startsWith("blob:") ? "later" : null),
    /^data:/,
  ],
] as const)("a page's workers start %s", async (_, refuses, address) => {
  const opened: string[] = []
  const { memory, pool } = await inABrowser(webWorker(refuses, opened), () => makePool({ threads: 2 }))
  pools.push(pool)
  await allReady(pool)
  expect(opened[opened.length - 1]).toMatch(address)
  expect(pool.note).toBe(null)
  const { counts } = markers(memory, 1000)
  expect(pool.run(unitKernel(0, memory), FRAME, 1000, 3)).toBe(0)
  expect(counts()).toEqual(new Int32Array(1000).fill(1))
  // The blob's address is given back as soon as the worker is there.
  if (opened[0].startsWith("blob:"))
    await vi.waitFor(() => expect(resolveObjectURL(opened[0])).toBe(undefined), { timeout: 20000 })
})

test.each([
  ["at once", /^a worker did not start: Error: forbidden: data:$/],
  ["later", /^a worker did not start: the page's content security policy may forbid/],
] as const)("a page that forbids both %s has the caller alone, and a note", async (how, note) => {
  const { memory, pool } = await inABrowser(
    webWorker(() => how, []),
    () => makePool({ threads: 2 }),
  )
  pools.push(pool)
  await vi.waitFor(() => expect(pool.note).toMatch(note), { timeout: 20000 })
  const { counts } = markers(memory, 100)
  expect(pool.run(unitKernel(0, memory), FRAME, 100, 3)).toBe(0)
  expect(counts()).toEqual(new Int32Array(100).fill(1))
})

test("where there are no workers at all, none are started", async () => {
  expect(await inABrowser(undefined, findSpawn)).toBe(null)
})

test("a thread that must not sleep, as a page's main thread, spins", async () => {
  const { wait } = Atomics
  let asked = 0
  Atomics.wait = () => {
    asked++
    throw new TypeError("Atomics.wait cannot be called in this context")
  }
  try {
    const { memory, pool } = await makePool()
    pools.push(pool)
    await allReady(pool)
    const { counts } = markers(memory, 1000)
    const kernel = unitKernel(0, memory)
    for (let round = 0; round < 500; round++) expect(pool.run(kernel, FRAME, 1000, 3)).toBe(0)
    expect(counts()).toEqual(new Int32Array(1000).fill(500))
    expect(asked).toBe(1)
  } finally {
    Atomics.wait = wait
  }
})
