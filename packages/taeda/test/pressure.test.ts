/** When a collection is asked for: the policy by itself, with a platform that does as it is told. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { OutOfMemoryError, Pressure } from "@taeda/core"
import { CollectingByCost } from "@taeda/core/collecting"
import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { clock, collectingOf, collector } from "../src/collector.ts"
import { hostOf } from "../src/host.ts"
import { linearMemory } from "./linear-memory.ts"

const MB = 2 ** 20
/** What a loop may leave before the first collection. */
const FIRST = 32

/**
 * A host whose collections free `share` of what was allocated since the last one, and take `cost` ms. Those of the young free
 * nothing, as in older engines, or the share `young`.
 */
function platform(options: { share?: number; cost?: number; collects?: boolean; young?: number } = {}) {
  const { share = 1, cost = 5, collects = true, young = 0 } = options
  const log = { cost, collections: 0, minor: 0, tasks: 0, clock: 0, garbage: [] as number[] }
  const pressure = new Pressure()
  let freeing = 0
  const collect = (what: "all" | "young"): void => {
    if (what === "young") log.minor++
    else log.collections++
    log.clock += what === "young" ? log.cost / 10 : log.cost
    freeing = what === "young" ? young : share
  }
  pressure.install({
    ...(collects && { collecting: new CollectingByCost(collect, () => log.clock) }),
    nextTask: async () => {
      log.tasks++
      for (const bytes of log.garbage.splice(0, Math.ceil(log.garbage.length * freeing))) pressure.freed(bytes)
      freeing = 0
    },
  })
  const allocate = (bytes: number): void => {
    pressure.allocated(bytes)
    log.garbage.push(bytes)
  }
  return { pressure, log, allocate }
}

describe("with a collector", () => {
  test("nothing happens before the budget is spent", async () => {
    const { pressure, log, allocate } = platform()
    allocate(MB)
    expect(pressure.waits).toBe(false)
    await pressure.relieve()
    expect([log.collections, log.tasks]).toEqual([0, 0])
  })

  test("an await point collects and waits for the finalizers", async () => {
    const { pressure, log, allocate } = platform()
    for (let i = 0; i <= FIRST; i++) allocate(MB)
    expect(pressure.waits).toBe(true)
    await pressure.relieve()
    expect(log.collections).toBe(1)
    expect(log.tasks).toBeGreaterThan(0)
    expect([pressure.liveBytes, pressure.waits]).toEqual([0, false])
  })

  test("a loop of steps stays under its budget, and collections stay cheap", async () => {
    const { pressure, log, allocate } = platform({ cost: 6 })
    let most = 0
    while (log.clock < 100_000) {
      log.clock += 1
      for (let i = 0; i < 4; i++) allocate(MB / 4)
      most = Math.max(most, pressure.liveBytes)
      await pressure.relieve()
    }
    expect(most).toBeLessThan(300 * MB)
    expect((log.collections * 6) / log.clock).toBeLessThan(0.05)
    expect(log.collections).toBeGreaterThan(100)
  })

  test("slow steps get a small budget", async () => {
    const { pressure, log, allocate } = platform()
    for (let i = 0; i < 200; i++) {
      log.clock += 1000
      allocate(4 * MB)
      await pressure.relieve()
    }
    expect(pressure.budgetBytes).toBe(4 * MB)
  })

  test("a collection that was held up raises nothing; dear ones raise the budget, by no more than is needed", async () => {
    const { pressure, log, allocate } = platform({ cost: 1 })
    const collection = async (ms: number, cost: number) => {
      log.cost = cost
      log.clock += ms
      for (let i = 0; i <= FIRST; i++) allocate(MB)
      await pressure.relieve()
    }
    for (let i = 0; i < 20; i++) await collection(100, i % 3 ? 3 : 300)
    expect(pressure.budgetBytes).toBe(FIRST * MB)
    for (let i = 0; i < 12; i++) await collection(100, 6)
    const { budgetBytes } = pressure
    expect(budgetBytes).toBeGreaterThan(1.1 * FIRST * MB)
    expect(budgetBytes).toBeLessThan(1.5 * FIRST * MB)
  })

  test("registrations taken back are collected once in a while, as rarely as it is dear", () => {
    const { pressure, log } = platform({ cost: 5 })
    const turn = (ms: number) => {
      log.clock += ms
      for (let i = 0; i < 70_000; i++) pressure.unregister({})
    }
    for (let i = 0; i < 10; i++) turn(1000)
    expect(log.collections).toBe(10)
    for (let i = 0; i < 100; i++) turn(10)
    expect(log.collections).toBeLessThanOrEqual(12)
  })

  test("what is in use does not count as growth", async () => {
    const { pressure, log, allocate } = platform({ share: 0 })
    for (let i = 0; i < 100; i++) allocate(MB)
    await pressure.relieve()
    const { collections } = log
    allocate(MB / 2)
    expect(pressure.waits).toBe(false)
    for (let i = 0; i < 3; i++) allocate(MB)
    await pressure.relieve()
    expect(log.collections).toBe(collections)
  })

  test("a loop that awaits other things has its collections from allocations, a budget apart", () => {
    const { log, allocate } = platform()
    for (let i = 0; i < 2 * FIRST; i++) allocate(MB - 1024)
    expect(log.collections).toBe(0)
    allocate(MB)
    expect(log.collections).toBe(1)
    for (let i = 0; i < FIRST - 1; i++) allocate(MB)
    expect(log.collections).toBe(1)
    for (let i = 0; i < 3; i++) allocate(MB)
    expect(log.collections).toBe(2)
  })

  test("a loop that needs much at a time and frees it itself is not collected at every turn", () => {
    const { pressure, log } = platform({ share: 0 })
    for (let turn = 0; turn < 1000; turn++) {
      log.clock += 1
      for (let i = 0; i < 3 * FIRST; i++) pressure.allocated(MB)
      for (let i = 0; i < 3 * FIRST; i++) pressure.freed(MB)
    }
    expect(log.collections).toBeLessThan(10)
  })

  test("a small device has a small budget", async () => {
    const { pressure, allocate } = platform()
    pressure.atMost(8 * MB)
    expect(pressure.budgetBytes).toBe(2 * MB)
    for (let i = 0; i < 3; i++) allocate(MB)
    await pressure.relieve()
    expect(pressure.budgetBytes).toBe(2 * MB)
  })

  test("where the young are enough, only they are collected", async () => {
    const { pressure, log, allocate } = platform({ young: 0.9 })
    for (let i = 0; i < 800; i++) {
      allocate(MB)
      await pressure.relieve()
    }
    expect(log.minor).toBeGreaterThan(0)
    expect(log.minor).toBeGreaterThan(2 * log.collections)
  })

  test("what the young leave behind does not pile up", async () => {
    const { pressure, log, allocate } = platform({ young: 0.2 })
    let most = 0
    for (let i = 0; i < 2000; i++) {
      log.clock += 10
      allocate(MB)
      most = Math.max(most, pressure.liveBytes)
      await pressure.relieve()
    }
    expect(most).toBeLessThan(64 * MB)
  })

  test("two who await at once collect once", async () => {
    const { pressure, log, allocate } = platform()
    for (let i = 0; i <= FIRST; i++) allocate(MB)
    await Promise.all([pressure.relieve(), pressure.relieve()])
    expect(log.collections).toBe(1)
  })
})

describe("without one", () => {
  test("ballast grows with what is held, and what is freed at once needs none", () => {
    const { pressure } = platform({ collects: false })
    const lots = new Set<object | null>()
    for (let i = 0; i < 64; i++) lots.add(pressure.allocated(MB))
    const bytes = [...lots].reduce((n, lot) => n + (lot as ArrayBuffer).byteLength, 0)
    expect(bytes / MB).toBeGreaterThanOrEqual(24)
    expect(bytes / MB).toBeLessThanOrEqual(48)
    const before = lots.size
    for (let i = 0; i < 1000; i++) {
      lots.add(pressure.allocated(MB))
      pressure.freed(MB)
    }
    expect(lots.size - before).toBeLessThanOrEqual(1)
  })

  test("await points give finalizers a task when there may be something to finalize", async () => {
    const { pressure, log, allocate } = platform({ collects: false })
    allocate(MB)
    await pressure.relieve()
    expect(log.tasks).toBe(0)
    for (let i = 0; i < 8; i++) allocate(MB)
    await pressure.relieve()
    expect(log.tasks).toBe(1)
  })
})

describe("the platform", () => {
  test("Node collects without a flag, and nobody else gets to see how", () => {
    const collect = collector()
    expect(typeof hostOf().nextTask).toBe("function")
    expect(collect).toBeDefined()
    collect!("young")
    collect!("all")
    expect(Reflect.get(globalThis, "gc")).toBeUndefined()
  })

  test("browsers have messages, else timers", async () => {
    const { MessageChannel } = globalThis
    const page = hostOf({ MessageChannel: MessageChannel as never })
    expect(collectingOf({})).toBeUndefined()
    let microtasks = 0
    void Promise.resolve().then(() => microtasks++)
    await Promise.all([page.nextTask!(), page.nextTask!()])
    expect(microtasks).toBe(1)
    const bare = hostOf({ setTimeout: (task) => setTimeout(task) })
    await bare.nextTask!()
    expect(hostOf({})).toEqual({})
  })

  test("time is what the processor worked: for the thread where Node can tell, else for the process", () => {
    const usage = (ms: number) => () => ({ user: ms * 1000, system: 500 })
    expect(clock({ process: { cpuUsage: usage(7) } })!()).toBe(7.5)
    expect(clock({ process: { cpuUsage: usage(7), threadCpuUsage: usage(3) } })!()).toBe(3.5)
    const now = clock()!
    const start = now()
    while (now() - start < 5);
    expect(now() - start).toBeGreaterThanOrEqual(5)
  })

  test("an engine that refuses flags has no collector", () => {
    const refusing = {
      process: {
        getBuiltinModule: () => ({
          setFlagsFromString: () => {
            throw new Error("no")
          },
        }),
      },
    }
    expect(collectingOf(refusing)).toBeUndefined()
  })
})

test("out of memory: says what is held and what to do", () => {
  const { device } = linearMemory(10_000)
  const kept = torch.ones(2000, { device })
  let error: unknown
  try {
    kept.add(1)
  } catch (e) {
    error = e
  }
  expect(error).toBeInstanceOf(OutOfMemoryError)
  const { message } = error as Error
  for (const part of [
    "linear: no room for 8000 bytes beside 8000 in 1 buffers. ",
    "await loss.item()",
    "scope(",
    "dispose(",
  ])
    expect(message).toContain(part)
  expect(kept.sum().itemSync()).toBe(2000)
})

interface Sample {
  readonly live: number
  readonly grown: number
  readonly heap: number
}

interface Report {
  readonly at100: Sample
  readonly end: Sample
  readonly share: number
  readonly collections: number
}

function train(...args: string[]): Report {
  const child = fileURLToPath(new URL("training-child.ts", import.meta.url))
  const run = spawnSync(process.execPath, ["--conditions=@taeda/source", child, ...args], { encoding: "utf8" })
  expect(run.stderr).toBe("")
  return JSON.parse(run.stdout) as Report
}

/** What the heap may grow by in 900 steps: 1 MB of it is what the engine learns of the code; tensors that stay are 4 MB. */
const LEARNT = 3 * MB

// 1000 steps that each leave 200 KB to the collector, were they left.
describe("a training loop that disposes of nothing", () => {
  for (const host of ["full", "tasks"])
    test(`and awaits once a step, host: ${host}`, { timeout: 120_000 }, () => {
      const { at100, end } = train("1000", "await", host)
      expect(end.grown).toBeLessThan(64 * MB)
      expect(end.heap).toBeLessThan(at100.heap + LEARNT)
    })

  test("grows without end where nothing collects", { timeout: 120_000 }, () => {
    expect(train("500", "sync", "none").end.live).toBeGreaterThan(64 * MB)
  })

  test("and is synchronous inside of scope", { timeout: 120_000 }, () => {
    const { at100, end } = train("1000", "scope", "none")
    expect(end.grown).toBe(at100.grown)
    expect(end.heap).toBeLessThan(at100.heap + LEARNT)
  })
})
