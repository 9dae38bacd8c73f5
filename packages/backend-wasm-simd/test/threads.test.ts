import { execFileSync, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, test } from "vitest"
import { WORD } from "../src/control.ts"
import { LAYOUT, LinearMemory, type LinearMemoryOptions } from "../src/memory.ts"
import { detect } from "../src/platform.ts"
import { ThreadPool, type ThreadPoolOptions } from "../src/threads.ts"
import {
  allReady,
  FRAME,
  faulting,
  importing,
  makePool as makePoolOf,
  markers,
  SLOT,
  setSlot,
  trapping,
  unitKernel,
  untilShared,
} from "./pool-kernels.ts"

const EAGER: ThreadPoolOptions = { worthSharing: 0, worthWaking: 0 }

const pools: ThreadPool[] = []
afterEach(() => {
  for (const pool of pools.splice(0)) pool.dispose()
})

/** A pool that shares and wakes for the smallest job, and that the test's end disposes of. */
async function makePool(
  memory: Partial<LinearMemoryOptions> = {},
  options: ThreadPoolOptions = EAGER,
): ReturnType<typeof makePoolOf> {
  const made = await makePoolOf(memory, options)
  pools.push(made.pool)
  return made
}

/** Numbers from [0, 1), the same ones every time (Park and Miller's generator). */
function random(seed: number): () => number {
  return () => (seed = (seed * 48271) % 2147483647) / 2147483647
}

const { memory64 } = await detect()
const kinds: [string, Partial<LinearMemoryOptions>, ThreadPoolOptions][] = [
  ["every job shared", {}, EAGER],
  ["every job shared, nobody spins", {}, { ...EAGER, spin: 0 }],
  ["jobs shared when it is worth it", {}, {}],
  ["more threads than processors", { threads: 9 }, EAGER],
  ...(memory64 ? [["64-bit addresses", { memory64: true }, EAGER] as (typeof kinds)[number]] : []),
]

describe.each(kinds)("with %s", (_, ...options) => {
  test("every unit of thousands of jobs is done exactly once, before run returns", async () => {
    const { memory, pool } = await makePool(...options)
    await allReady(pool)
    const next = random(1)
    const kernels = Array.from({ length: 40 }, (_, id) => unitKernel(id, memory))
    const { counts, owners } = markers(memory, 4000)
    const expected = new Int32Array(4000)
    const seen = new Set<number>()
    for (let job = 0; job < 5000; job++) {
      const units = Math.floor(4000 * next() ** 3)
      setSlot(memory, SLOT.turns, Math.floor(100 * next() ** 4))
      expect(pool.run(kernels[Math.floor(40 * next())], FRAME, units, 1 + Math.floor(50 * next()))).toBe(0)
      for (let u = 0; u < units; u++) expected[u]++
      if (job % 100 === 0) for (const owner of owners()) seen.add(owner)
      // A sum sees a missing and a doubled unit alike, at once; the whole is compared now and then.
      if (job % 250 === 0) expect(counts()).toEqual(expected)
    }
    expect(counts()).toEqual(expected)
    const known = [-1, ...Array.from({ length: memory.threads }, (_, k) => memory.scratch(k))]
    for (const owner of seen) expect(known).toContain(owner)
    expect(memory.allocator.stats().liveBuffers).toBe(2)
  })

  test("workers have their part, with scratch memory of their own", async () => {
    const { memory, pool } = await makePool(...options)
    await allReady(pool)
    const kernel = unitKernel(0, memory)
    const { owners } = markers(memory, 1000)
    setSlot(memory, SLOT.turns, 10000)
    untilShared(memory, owners, () => pool.run(kernel, FRAME, 1000, 1))
    expect(owners().size).toBeGreaterThan(1)
  })

  test("memory may grow while workers live", async () => {
    const { memory, pool } = await makePool(...options)
    await allReady(pool)
    for (let round = 0; round < 8; round++) {
      const before = memory.u8.length
      memory.allocator.allocate(round < 5 ? before : 2 ** 28)
      expect(memory.u8.length).toBeGreaterThan(before)
      // Marks and code are where nothing was when the workers started.
      const { counts, owners } = markers(memory, 5000)
      const kernel = unitKernel(round, memory)
      setSlot(memory, SLOT.turns, 2000)
      let jobs = 0
      untilShared(memory, owners, () => {
        jobs++
        expect(pool.run(kernel, FRAME, 5000, 7)).toBe(0)
      })
      expect(owners().size).toBeGreaterThan(1)
      expect(counts()).toEqual(new Int32Array(5000).fill(jobs))
    }
  })
})

describe("sharing", () => {
  /** A pool whose workers sleep, and a kernel of so many milliseconds, of which the caller's calls are noted. */
  async function sleeping(milliseconds: number) {
    const { memory, pool } = await makePool({}, { spin: 0 })
    await allReady(pool)
    const { bytes, id } = unitKernel(0, memory)
    markers(memory, 100)
    let calls = 0
    const run = () => {
      calls++
      for (const end = performance.now() + milliseconds; performance.now() < end; );
      return 0
    }
    const callsOf = () => {
      calls = 0
      pool.run({ id, bytes, run }, FRAME, 100, 10)
      return calls
    }
    const asleep = () => memory.i32[LAYOUT.control / 4 + WORD.sleepers] === 2
    while (!asleep()) await new Promise((resolve) => setTimeout(resolve, 2))
    const woken = () => memory.i32[LAYOUT.control / 4 + WORD.signal]
    return { callsOf, woken, rest: () => new Promise((resolve) => setTimeout(resolve, 5)) }
  }

  test("a job of a kernel that turned out to be short wakes nobody", async () => {
    const { callsOf, woken, rest } = await sleeping(0)
    callsOf()
    // The first time nobody knows; then the mean of late has to come down.
    for (let k = 0; k < 40; k++) callsOf()
    await rest()
    const before = woken()
    for (let k = 0; k < 20; k++) {
      expect(callsOf()).toBe(1)
      await rest()
    }
    expect(woken()).toBe(before)
  })

  test("a stream of short jobs does wake somebody", async () => {
    const { callsOf, woken } = await sleeping(0.01)
    for (let k = 0; k < 40; k++) callsOf()
    const before = woken()
    for (let k = 0; k < 200; k++) callsOf()
    expect(woken()).toBeGreaterThan(before)
  })

  test("long jobs wake workers each time", async () => {
    const { callsOf, woken, rest } = await sleeping(1)
    for (let k = 0; k < 5; k++) {
      const before = woken()
      callsOf()
      expect(woken()).toBe(before + 1)
      await rest()
    }
  })
})

describe("chunks", () => {
  test("begin at multiples of the grain, and are no more than needed", async () => {
    const { memory, pool } = await makePool()
    await allReady(pool)
    const { bytes, id } = unitKernel(0, memory)
    const calls: [number, number][] = []
    const run = (_frame: number, begin: number, end: number) => calls.push([begin, end]) * 0
    // Workers have the same kernel: what they do is not seen here.
    markers(memory, 100000)
    pool.run({ id, bytes, run }, FRAME, 100000, 30)
    expect(calls.length).toBeLessThanOrEqual(48)
    for (const [begin, end] of calls) {
      expect(begin % 30).toBe(0)
      expect(end === 100000 || (end - begin) % 30 === 0).toBe(true)
    }
  })

  test("what is no more than one is the caller's, in one call", async () => {
    const { memory, pool } = await makePool()
    await allReady(pool)
    const { bytes, id } = unitKernel(0, memory)
    const calls: number[][] = []
    const run = (...values: number[]) => calls.push(values) * 0 + 5
    for (const units of [0, 1, 30]) expect(pool.run({ id, bytes, run }, FRAME, units, 30)).toBe(5)
    expect(calls).toEqual([0, 1, 30].map((units) => [FRAME, 0, units, memory.scratch(0)]))
  })
})

test("functions of Math and the remainder are the workers' too", async () => {
  const { memory, pool } = await makePool()
  await allReady(pool)
  const kernel = unitKernel(0, memory, importing)
  const units = 5000
  const { owners } = markers(memory, units)
  const results = memory.allocator.allocate(8 * units)
  setSlot(memory, SLOT.special, results)
  setSlot(memory, SLOT.turns, 2000)
  untilShared(memory, owners, () => pool.run(kernel, FRAME, units, 10))
  expect(owners().size).toBeGreaterThan(1)
  const expected = Float64Array.from({ length: units }, (_, k) => Math.sin(k) + (k % 3))
  expect(memory.f64.slice(results / 8, results / 8 + units)).toEqual(expected)
})

describe("what goes wrong", () => {
  test("a fault is the result, whoever met it", async () => {
    const { memory, pool } = await makePool()
    await allReady(pool)
    const kernel = unitKernel(0, memory, faulting)
    markers(memory, 2000)
    for (let unit = 0; unit < 2000; unit += 13) {
      setSlot(memory, SLOT.special, unit)
      expect(pool.run(kernel, FRAME, 2000, 5)).toBe(unit + 1000)
    }
    setSlot(memory, SLOT.special, -1)
    expect(pool.run(kernel, FRAME, 2000, 5)).toBe(0)
  })

  test("a trap is thrown, whoever met it, and the pool lives on", async () => {
    const { memory, pool } = await makePool()
    await allReady(pool)
    const kernel = unitKernel(0, memory, trapping)
    const fine = unitKernel(1, memory)
    const { counts } = markers(memory, 2000)
    for (let round = 0; round < 100; round++) {
      setSlot(memory, SLOT.special, round * 20)
      expect(() => pool.run(kernel, FRAME, 2000, 5)).toThrow(/unreachable/)
      counts().fill(0)
      expect(pool.run(fine, FRAME, 2000, 5)).toBe(0)
      expect(counts()).toEqual(new Int32Array(2000).fill(1))
    }
  })

  test("a trap that only a worker meets is told with its message", async () => {
    const { memory, pool } = await makePool()
    await allReady(pool)
    const { id, bytes } = unitKernel(0, memory, trapping)
    markers(memory, 3000)
    setSlot(memory, SLOT.special, 0)
    const until = performance.now() + 20000
    const job = () => {
      // The caller's part takes its time and is fine.
      const run = () => {
        for (const end = performance.now() + 0.2; performance.now() < end; );
        return 0
      }
      while (performance.now() < until) pool.run({ id, bytes, run }, FRAME, 3000, 10)
    }
    expect(job).toThrow(/^wasm: a kernel failed in a worker: RuntimeError: .*unreachable/)
  })

  test("what the caller's own part throws comes out when all are done", async () => {
    const { memory, pool } = await makePool()
    await allReady(pool)
    const kernel = unitKernel(0, memory)
    const { counts } = markers(memory, 1000)
    const failing = {
      ...kernel,
      run: () => {
        throw new Error("here")
      },
    }
    for (let round = 0; round < 200; round++) {
      const jobs = () => {
        for (;;) pool.run(failing, FRAME, 1000, 1)
      }
      expect(jobs).toThrow("here")
      counts().fill(0)
      pool.run(kernel, FRAME, 1000, 1)
      expect(counts()).toEqual(new Int32Array(1000).fill(1))
    }
  })

  test("a kernel that workers cannot make is the caller's", async () => {
    const { pool } = await makePool()
    await allReady(pool)
    let done = 0
    const run = (_frame: number, begin: number, end: number) => {
      done += end - begin
      return 0
    }
    for (let round = 0; round < 20; round++) {
      done = 0
      expect(pool.run({ id: 0, bytes: Uint8Array.of(1, 2, 3), run }, FRAME, 100, 10)).toBe(0)
      expect(done).toBe(100)
    }
  })

  test("where there is no memory left for the code, the caller does it alone", async () => {
    const { memory, pool } = await makePool({ maximumBytes: 32 * 2 ** 20 })
    await allReady(pool)
    const { counts } = markers(memory, 100)
    const fill = (bytes: number) => {
      try {
        for (;;) memory.allocator.allocate(bytes)
      } catch {
        // Full.
      }
    }
    for (const bytes of [2 ** 20, 1024, 512, 320, 256, 384, 448, 640, 768]) fill(bytes)
    expect(pool.run(unitKernel(0, memory), FRAME, 100, 1)).toBe(0)
    expect(counts()).toEqual(new Int32Array(100).fill(1))
  })

  test("nobody waits for workers of which nothing is heard", async () => {
    const memory = new LinearMemory({ shared: true, memory64: false, threads: 2 })
    const pool = new ThreadPool(memory, () => () => {})
    await pool.started
    expect([pool.note, pool.ready, pool.threads]).toEqual([null, 0, 2])
    const { counts } = markers(memory, 100)
    expect(pool.run(unitKernel(0, memory), FRAME, 100, 1)).toBe(0)
    expect(counts()).toEqual(new Int32Array(100).fill(1))
  })

  test("workers that do not start are noted", async () => {
    const memory = new LinearMemory({ shared: true, memory64: false, threads: 3 })
    const pool = new ThreadPool(memory, (_start, { onFailure }) => {
      onFailure("no workers today")
      return () => {}
    })
    await pool.started
    expect(pool.note).toBe("a worker did not start: no workers today")
    expect([pool.ready, pool.threads]).toEqual([0, 1])
    const { counts } = markers(memory, 100)
    expect(pool.run(unitKernel(0, memory), FRAME, 100, 1)).toBe(0)
    expect(counts()).toEqual(new Int32Array(100).fill(1))
  })
})

test.each([
  ["memory that is not shared", { shared: false }],
  ["one thread", { threads: 1 }],
])("with %s there is the caller alone", async (_, options) => {
  const { memory, pool } = await makePool(options)
  expect(pool.threads).toBe(1)
  const { counts } = markers(memory, 100)
  expect(pool.run(unitKernel(0, memory), FRAME, 100, 1)).toBe(0)
  expect(counts()).toEqual(new Int32Array(100).fill(1))
})

test("two pools at once do not meet", async () => {
  const both = [await makePool(), await makePool()]
  for (const { pool } of both) await allReady(pool)
  const jobs = both.map(({ memory, pool }) => ({ pool, kernel: unitKernel(0, memory), ...markers(memory, 3000) }))
  for (let round = 0; round < 300; round++)
    for (const { pool, kernel } of jobs) expect(pool.run(kernel, FRAME, 3000, 3)).toBe(0)
  for (const { counts } of jobs) expect(counts()).toEqual(new Int32Array(3000).fill(300))
})

test("after dispose the caller goes on alone, and the workers are gone", async () => {
  const { memory, pool } = await makePool({}, { ...EAGER, spin: 0 })
  await allReady(pool)
  const { counts, owners } = markers(memory, 1000)
  const kernel = unitKernel(0, memory)
  pool.run(kernel, FRAME, 1000, 1)
  pool.dispose()
  pool.dispose()
  expect(pool.ready).toBe(0)
  pool.run(kernel, FRAME, 1000, 1)
  expect(counts()).toEqual(new Int32Array(1000).fill(2))
  expect([...owners()]).toEqual([memory.scratch(0)])
  expect(memory.i32[LAYOUT.control / 4 + WORD.stop]).toBe(1)
})

describe("a process", () => {
  const child = fileURLToPath(new URL("./threads-child.ts", import.meta.url))
  const flags = ["--conditions=@taeda/source", "--disallow-code-generation-from-strings"]

  test.each(["computing", "idle", "starting"])("that ends while its workers are %s ends by itself", (what) => {
    const output = execFileSync(process.execPath, [...flags, child, what], { encoding: "utf8", timeout: 60000 })
    expect(output).toBe(what === "starting" ? "200\n" : "200 with workers\n")
  })

  test("that fails ends with its error", () => {
    const { status, stderr } = spawnSync(process.execPath, [...flags, child, "throwing"], {
      encoding: "utf8",
      timeout: 60000,
    })
    expect(status).toBe(1)
    expect(stderr).toContain("Error: on purpose")
  })

  test("does not run its preloaded modules in the workers", () => {
    const preload = "data:text/javascript,process.stdout.write('loaded ')"
    const env = { ...process.env, NODE_OPTIONS: `--import "${preload}"` }
    const output = execFileSync(process.execPath, [...flags, child, "idle"], { encoding: "utf8", timeout: 60000, env })
    expect(output).toBe("loaded 200 with workers\n")
  })
})
