import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as torch from "taeda"
import { describe, expect, test, vi } from "vitest"
import { counted } from "./devices.ts"

const { dispose, memoryStats, ones, scope } = torch
const G = { requiresGrad: true }

describe("scope", () => {
  test("frees everything but what it returns", () => {
    const { device, live } = counted()
    const x = ones(4, { device })
    const y = scope(() => {
      const a = x.add(1).mul(2)
      a.exp().sum()
      return a
    })
    expect(live()).toBe(2)
    expect(y.toArraySync()).toEqual([4, 4, 4, 4])
  })

  test("keeps what is inside of arrays and plain objects, and views keep their memory", () => {
    const { device, live } = counted()
    const kept = scope(() => ({
      pair: [ones(2, { device }), ones(3, { device })],
      part: ones(4, { device }).narrow(0, 1, 2),
      lost: ones(5, { device }).length,
    }))
    expect(live()).toBe(3)
    expect(kept.part.toArraySync()).toEqual([1, 1])
  })

  test("keeps what `keep` names", () => {
    const { device, live } = counted()
    let state: torch.Tensor | null = null
    scope(
      () => {
        state = ones(2, { device })
        ones(3, { device }).add(1)
      },
      () => state,
    )
    expect(live()).toBe(1)
  })

  test("a tensor freed so throws when it is used", () => {
    const { device } = counted()
    let lost: torch.Tensor = ones(1)
    scope(() => {
      lost = ones(2, { device }).add(1)
    })
    expect(() => lost.add(1)).toThrow("this tensor's memory was freed: its scope ended, or it was disposed of")
  })

  test("nested scopes hand over what they return", () => {
    const { device, live } = counted()
    const x = scope(() => {
      const inner = scope(() => ones(2, { device }).add(1))
      expect(live()).toBe(1)
      return scope(() => inner.add(1))
    })
    expect(live()).toBe(1)
    expect(x.toArraySync()).toEqual([3, 3])
  })

  test("an async scope lasts until it settles", async () => {
    const { device, live } = counted()
    const y = await scope(async () => {
      const a = ones(2, { device }).add(1)
      expect(await a.sum().item()).toBe(4)
      return a.mul(2)
    })
    expect(live()).toBe(1)
    expect(await y.toArray()).toEqual([4, 4])
  })

  test("an error frees everything", async () => {
    const { device, live } = counted()
    const fail = (): never => {
      ones(2, { device }).add(1)
      throw new Error("mine")
    }
    expect(() => scope(fail)).toThrow("mine")
    await expect(scope(async () => fail())).rejects.toThrow("mine")
    expect(live()).toBe(0)
  })

  test("a training step in a scope leaves the gradients of leaves from outside", () => {
    const { device, live } = counted()
    const w = ones(3, { device, ...G })
    for (let i = 0; i < 3; i++)
      scope(() => {
        w.grad = null
        scope(() => w.mul(w).sum().backward())
      })
    expect(w.grad!.toArraySync()).toEqual([2, 2, 2])
    // The leaf and its gradient; the two that were dropped had been seen by nobody.
    expect(live()).toBe(2)
  })

  test("a leaf made inside takes its gradient along", () => {
    const { device, live } = counted()
    scope(() => {
      const w = ones(3, { device, ...G })
      w.mul(w).sum().backward()
    })
    expect(live()).toBe(0)
    const w = scope(() => {
      const leaf = ones(3, { device, ...G })
      leaf.mul(leaf).sum().backward()
      return leaf
    })
    expect(live()).toBe(2)
    expect(w.grad!.toArraySync()).toEqual([2, 2, 2])
  })
})

describe("the collector", () => {
  test("is told of what may outlive the scope and the op that made it, and of nothing else", () => {
    const { device } = counted()
    const x = ones(4, { device, ...G })
    const register = vi.spyOn(FinalizationRegistry.prototype, "register")
    /** How many storages of the device it was told of meanwhile. */
    const told = (body: () => void): number => {
      register.mockClear()
      body()
      return register.mock.calls.filter(([owner]) => (owner as { device?: unknown }).device === device).length
    }
    try {
      expect(told(() => void x.add(1).mul(2))).toBe(2)
      expect(told(() => void scope(() => void x.add(1).mul(2).exp()))).toBe(0)
      expect(told(() => void scope(() => x.add(1).mul(2)))).toBe(1)
      expect(told(() => void scope(() => scope(() => x.add(1)).mul(2)))).toBe(1)
      expect(told(() => void scope(() => void scope(() => x.add(1))))).toBe(0)
      // It copies them on its way.
      const [values, indices] = [x.detach(), torch.tensor([1, 0, 3, 2], { device, dtype: "int32" })]
      expect(told(() => void values.cumsum(0).indexAdd(0, indices, values))).toBe(2)
    } finally {
      register.mockRestore()
    }
  })
})

describe("dispose", () => {
  test("frees a tensor and its views at once", () => {
    const { device, live } = counted()
    const [x, y] = [ones(2, { device }), ones(3, { device })]
    const v = x.view(2, 1)
    dispose(x, y)
    dispose(x)
    expect(live()).toBe(0)
    expect(() => v.add(1)).toThrow("this tensor's memory was freed")
  })
})

describe("what the graph holds", () => {
  test("a backward pass lets go of what was saved", () => {
    const { device } = counted()
    const x = ones(2, { device, ...G })
    const y = x.exp()
    const node = y.gradFn as unknown as { get(i: number): torch.Tensor }
    expect(node.get(0).storage).toBe(y.storage)
    y.sum().backward()
    expect(() => node.get(0)).toThrow("Trying to backward through the graph a second time")
  })

  test("memory is allocated at first use", () => {
    const { device, live } = counted()
    const x = torch.empty(1000, { device })
    expect(live()).toBe(0)
    x.fill_(1)
    expect(live()).toBe(1)
  })
})

test("memoryStats counts bytes and buffers of a device", () => {
  const { device } = counted()
  const before = memoryStats(device)
  const x = ones(1000, { device })
  const during = memoryStats(device)
  expect([during.liveBuffers - before.liveBuffers, during.liveBytes - before.liveBytes]).toEqual([1, 4000])
  dispose(x)
  expect(memoryStats(device).liveBytes).toBe(before.liveBytes)
  expect(memoryStats(device).peakBytes).toBeGreaterThanOrEqual(4000)
})

test("the collector frees what nobody holds", () => {
  const child = fileURLToPath(new URL("collected-child.ts", import.meta.url))
  const run = spawnSync(process.execPath, ["--expose-gc", "--conditions=@taeda/source", child], { encoding: "utf8" })
  expect(run.stderr).toBe("")
  // 100 results and 100 graphs with their gradients were made; what is held are the leaf, its gradient and one result.
  // In the books of cpu-js 100 results and their parts stood, and what is held is one tensor.
  expect(JSON.parse(run.stdout)).toEqual({
    made: true,
    live: 3,
    scoped: true,
    forgotten: 19,
    booked: true,
    struck: true,
    held: 10,
  })
})
