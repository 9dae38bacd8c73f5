import { describe, expect, test } from "vitest"
import { Allocator, type AllocatorOptions } from "../src/allocator.ts"

const MIB = 2 ** 20

/** An allocator over a range that grows as it likes, up to `limit`. */
function make(limit: number, options: Partial<AllocatorOptions> = {}): { allocator: Allocator; end: () => number } {
  let end = options.end ?? 0
  const allocator = new Allocator({
    start: 1024,
    end,
    limit,
    grow: (_minimum, preferred) => {
      if (preferred <= limit) end = preferred
      return end
    },
    advice: "Free something.",
    ...options,
  })
  return { allocator, end: () => end }
}

/** Numbers from [0, 1), the same ones every time (Park and Miller's generator). */
function random(seed: number): () => number {
  return () => (seed = (seed * 48271) % 2147483647) / 2147483647
}

test("blocks are aligned, large enough and apart from each other", () => {
  const { allocator, end } = make(512 * MIB)
  const blocks: [number, number][] = []
  for (let bytes = 0; bytes < 20000; bytes += bytes < 300 ? 1 : 97) {
    const address = allocator.allocate(bytes)
    expect(address % (bytes < 64 ? 16 : 64)).toBe(0)
    expect(allocator.sizeAt(address)).toBeGreaterThanOrEqual(Math.max(bytes, 1))
    expect(allocator.sizeAt(address + 8)).toBe(0)
    blocks.push([address, allocator.sizeAt(address)])
  }
  blocks.sort((a, b) => a[0] - b[0])
  blocks.forEach(([address, bytes], k) => {
    expect(address + bytes).toBeLessThanOrEqual(k + 1 < blocks.length ? blocks[k + 1][0] : end())
  })
  expect(blocks[0][0]).toBeGreaterThanOrEqual(1024)
})

test("a freed block is what the next one of its size gets", () => {
  const { allocator } = make(64 * MIB)
  for (const bytes of [1, 16, 100, 4096, 5000, 3 * MIB]) {
    const others = [allocator.allocate(bytes), allocator.allocate(bytes)]
    const address = allocator.allocate(bytes)
    others.push(allocator.allocate(bytes))
    allocator.free(address)
    expect(allocator.allocate(bytes)).toBe(address)
    for (const each of [...others, address]) allocator.free(each)
  }
})

test("neighbours that are free become one block again", () => {
  const { allocator } = make(16 * MIB)
  const parts = Array.from({ length: 15 }, () => allocator.allocate(MIB))
  expect(() => allocator.allocate(2 * MIB)).toThrow(RangeError)
  // Freed in an order that joins with the left, the right and both neighbours.
  for (const k of [3, 1, 2, 7, 8, 9, 14, 13, 0, 6, 5, 4, 10, 12, 11]) allocator.free(parts[k])
  const whole = allocator.allocate(15 * MIB)
  allocator.free(whole)
  expect(allocator.stats()).toMatchObject({ liveBytes: 0, liveBuffers: 0, peakBytes: 15 * MIB })
})

test("slabs give their memory back when they are empty", () => {
  const { allocator } = make(4 * MIB)
  const small = Array.from({ length: 30000 }, () => allocator.allocate(100))
  expect(() => allocator.allocate(3 * MIB)).toThrow(/out of memory/)
  for (const each of small) allocator.free(each)
  // Even the last one, which is otherwise kept.
  const all = allocator.allocate(4 * MIB - 2048)
  expect(allocator.stats().liveBuffers).toBe(1)
  allocator.free(all)
  allocator.free(allocator.allocate(100))
})

test("statistics count live blocks, and what is held for reuse", () => {
  const { allocator } = make(64 * MIB)
  expect(allocator.stats()).toEqual({ liveBytes: 0, liveBuffers: 0, pooledBytes: 0, peakBytes: 0 })
  const code = allocator.reserve(MIB)
  const a = allocator.allocate(MIB)
  const b = allocator.allocate(2 * MIB)
  expect(allocator.stats()).toEqual({ liveBytes: 3 * MIB, liveBuffers: 2, pooledBytes: 0, peakBytes: 3 * MIB })
  allocator.free(a)
  expect(allocator.stats()).toEqual({ liveBytes: 2 * MIB, liveBuffers: 1, pooledBytes: MIB, peakBytes: 3 * MIB })
  allocator.free(b)
  expect(allocator.stats()).toEqual({ liveBytes: 0, liveBuffers: 0, pooledBytes: 3 * MIB, peakBytes: 3 * MIB })
  expect(allocator.allocate(MIB)).not.toBe(code)
})

describe("what is wrong is said", () => {
  test("memory that has run out", () => {
    const { allocator } = make(8 * MIB)
    const a = allocator.allocate(3 * MIB)
    allocator.allocate(3 * MIB)
    allocator.free(a)
    expect(() => allocator.allocate(5 * MIB)).toThrow(
      /^wasm: out of memory: 5 MiB asked for, with 3 MiB in 1 live buffers and 3 MiB free in smaller pieces, of 8 MiB, and it may have 8 MiB\. Free something\.$/,
    )
    // A refusal changes nothing.
    expect(allocator.stats().liveBuffers).toBe(1)
    expect(allocator.allocate(3 * MIB)).toBe(a)
  })

  test("an engine that refuses to grow", () => {
    const { allocator } = make(64 * MIB, { end: 2 * MIB, grow: () => 2 * MIB })
    allocator.allocate(MIB)
    expect(() => allocator.allocate(MIB)).toThrow(/of 2 MiB, and the engine gives no more\./)
  })

  test("more than there are addresses", () => {
    const { allocator } = make(64 * MIB)
    expect(() => allocator.allocate(2 ** 53)).toThrow(/out of memory: 8190 TiB asked for/)
    expect(() => allocator.allocate(-100)).toThrow(/-100 is no number of bytes/)
  })

  test("what is freed twice or was never allocated", () => {
    const { allocator } = make(64 * MIB)
    for (const bytes of [16, 4096, 4097, MIB]) {
      const neighbour = allocator.allocate(bytes)
      const address = allocator.allocate(bytes)
      expect(() => allocator.free(address + 16)).toThrow(/no live block begins at/)
      expect(() => allocator.free(address + 1024)).toThrow(/no live block begins at/)
      allocator.free(address)
      expect(() => allocator.free(address)).toThrow(/freed before, or never allocated/)
      allocator.free(neighbour)
      expect(() => allocator.free(neighbour)).toThrow(/no live block begins at/)
      expect(() => allocator.free(address)).toThrow(/no live block begins at/)
    }
    for (const address of [0, -16, 1, 2 ** 40, Number.NaN]) expect(() => allocator.free(address)).toThrow(RangeError)
  })
})

test("addresses go beyond 4 GiB", () => {
  const { allocator } = make(2 ** 36)
  const addresses = Array.from({ length: 40 }, () => allocator.allocate(2 ** 29))
  expect(Math.max(...addresses)).toBeGreaterThan(2 ** 34)
  const small = Array.from({ length: 1000 }, () => allocator.allocate(4000))
  for (const each of [...addresses, ...small]) allocator.free(each)
  expect(allocator.stats()).toMatchObject({ liveBytes: 0, liveBuffers: 0 })
})

describe("a random trace", () => {
  /** Sizes as a training loop has them: many scalars and rows, some activations, a few large ones. */
  const draw = (next: () => number): number => Math.floor(2 ** (next() * next() * 22))

  test.each([1, 2, 3])("keeps blocks apart and fragmentation bounded (seed %i)", (seed) => {
    const next = random(seed)
    const { allocator, end } = make(2 ** 32)
    const live: { address: number; bytes: number }[] = []
    let liveBytes = 0
    let mostLive = 0
    for (let step = 0; step < 30000; step++) {
      // Phases of growing and of shrinking, so that holes of every age arise.
      const growing = Math.floor(step / 3000) % 2 === 0
      if (live.length === 0 || next() < (growing ? 0.6 : 0.45)) {
        const bytes = draw(next)
        live.push({ address: allocator.allocate(bytes), bytes })
        liveBytes += bytes
        mostLive = Math.max(mostLive, liveBytes)
      } else {
        const k = Math.floor(next() * live.length)
        const { address, bytes } = live[k]
        live[k] = live[live.length - 1]
        live.pop()
        allocator.free(address)
        liveBytes -= bytes
      }
      if (step % 1000 !== 0) continue
      const sorted = live.map(({ address, bytes }) => {
        const size = allocator.sizeAt(address)
        if (size < bytes) throw new Error(`${bytes} bytes got ${size}`)
        return { address, size }
      })
      sorted.sort((a, b) => a.address - b.address)
      for (let k = 1; k < sorted.length; k++) {
        const { address, size } = sorted[k - 1]
        if (address + size > sorted[k].address) throw new Error(`${address} + ${size} reaches ${sorted[k].address}`)
      }
    }
    const { pooledBytes, liveBytes: counted, liveBuffers } = allocator.stats()
    expect(liveBuffers).toBe(live.length)
    expect(counted).toBeGreaterThanOrEqual(liveBytes)
    // All that was ever handed out reaches little further than what was needed at once, whatever came and went.
    const used = pooledBytes + counted
    expect(used / mostLive).toBeLessThan(1.5)
    expect(used).toBeLessThanOrEqual(end())
    for (const { address } of live) allocator.free(address)
    expect(allocator.stats()).toMatchObject({ liveBytes: 0, liveBuffers: 0 })
    // And it is one piece again.
    const before = end()
    allocator.allocate(used)
    expect(end()).toBe(before)
  })

  test("the sizes of a training step repeat in the same memory", () => {
    const next = random(7)
    const { allocator } = make(2 ** 32)
    const sizes = Array.from({ length: 200 }, () => draw(next))
    const step = () => {
      for (const address of sizes.map((bytes) => allocator.allocate(bytes))) allocator.free(address)
    }
    // The first steps, where blocks are freed that were taken in another order, move them around.
    for (let k = 0; k < 5; k++) step()
    const { pooledBytes } = allocator.stats()
    for (let k = 0; k < 500; k++) step()
    expect(allocator.stats().pooledBytes).toBe(pooledBytes)
  })
})
