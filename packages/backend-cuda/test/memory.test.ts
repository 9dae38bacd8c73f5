/** The allocator, on the emulator's memory. */
import { OutOfMemoryError } from "@taeda/core"
import { describe, expect, it } from "vitest"
import type { CudaContext } from "../src/driver.ts"
import { bytesText, Memory } from "../src/memory.ts"
import { type Block, Pool } from "../src/segments.ts"
import { count, onContext, withSettings } from "./harness.ts"

const MIB = 2 ** 20

const withMemory = (body: (memory: Memory, context: CudaContext) => void, bytes = 256 * MIB): Promise<void> =>
  withSettings({ MEMORY: String(bytes) }, () => onContext((context) => body(new Memory(context, "cuda:0"), context)))

/** Where a block is. */
const place = ({ segment, offset, bytes }: Block): readonly unknown[] => [segment.memory, offset, bytes]

describe("blocks", () => {
  it("are multiples of 512 bytes; small ones share a segment", () =>
    withMemory((memory) => {
      const blocks = [1, 512, 513, 0].map((bytes) => memory.take(bytes))
      expect(blocks.map(({ offset, bytes }) => [offset, bytes])).toEqual([
        [0, 512],
        [512, 512],
        [1024, 1024],
        [2048, 512],
      ])
      expect(memory.stats()).toEqual({ liveBytes: 2560, liveBuffers: 4, pooledBytes: 2 * MIB - 2560, peakBytes: 2560 })
      expect(memory.cudaStats()).toMatchObject({ segments: 1, segmentAllocations: 1, reservedBytes: 2 * MIB })
    }))

  it("of more than 1 MiB share segments of 20 MiB, and of 10 MiB on have their own", () =>
    withMemory((memory) => {
      const middle = memory.take(2 * MIB)
      expect(memory.take(3 * MIB).segment).toBe(middle.segment)
      expect(middle.segment.bytes).toBe(20 * MIB)
      const large = memory.take(21 * MIB)
      expect([large.segment.bytes, large.bytes]).toEqual([22 * MIB, 22 * MIB])
      expect(memory.take(11 * MIB).segment).not.toBe(large.segment)
    }))

  it("are used again at once, the best fit first", () =>
    withMemory((memory) => {
      const blocks = [4096, 512, 2048, 512, 1024, 512].map((bytes) => memory.take(bytes))
      const places = blocks.map(place)
      for (const i of [0, 2, 4]) memory.give(blocks[i])
      expect(place(memory.take(1500))).toEqual([blocks[0].segment.memory, places[2][1], 1536])
      expect(place(memory.take(1000))).toEqual(places[4])
      expect(place(memory.take(4096))).toEqual(places[0])
    }))

  it("that are free and lie side by side become one", () =>
    withMemory((memory) => {
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [0, 2, 1],
        [1, 0, 2],
      ]) {
        const blocks = count(3).map(() => memory.take(MIB / 2))
        const end = memory.take(MIB / 2)
        for (const i of order) memory.give(blocks[i])
        const all = memory.take(MIB)
        const rest = memory.take(MIB / 2)
        expect([all.offset, rest.offset, all.segment]).toEqual([0, MIB, end.segment])
        for (const block of [all, rest, end]) memory.give(block)
        expect(memory.cudaStats()).toMatchObject({ segments: 1, allocatedBytes: 0 })
      }
    }))

  it("never overlap, whatever is taken and given back", () =>
    withMemory((memory) => {
      const live = new Set<Block>()
      let state = 1
      const random = (below: number): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        return Math.floor((state / 2 ** 32) * below)
      }
      for (const _ of count(3000)) {
        if (live.size > 40 || (live.size > 0 && random(2) === 0)) {
          const block = [...live][random(live.size)]
          live.delete(block)
          memory.give(block)
        } else live.add(memory.take(random(8) === 0 ? random(3 * MIB) : random(5000)))
      }
      const sorted = [...live].sort((a, b) => a.segment.memory.bytes - b.segment.memory.bytes || a.offset - b.offset)
      for (const a of sorted)
        for (const b of sorted)
          if (a !== b && a.segment === b.segment)
            expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true)
      const { liveBytes, liveBuffers } = memory.stats()
      expect(liveBytes).toBe(sorted.reduce((sum, { bytes }) => sum + bytes, 0))
      expect(liveBuffers).toBe(sorted.length)
      for (const block of live) memory.give(block)
      memory.emptyCache()
      expect(memory.cudaStats()).toMatchObject({ segments: 0, reservedBytes: 0, allocatedBytes: 0 })
    }))
})

describe("memory that runs out", () => {
  it("is first looked for in what is only kept", () =>
    withMemory((memory, context) => {
      memory.give(memory.take(150 * MIB))
      expect(memory.cudaStats().reservedBytes).toBe(150 * MIB)
      memory.take(200 * MIB)
      expect(memory.cudaStats()).toMatchObject({ segments: 1, retries: 1, reservedBytes: 200 * MIB })
      expect(context.memoryInfo().free).toBe(56 * MIB)
    }))

  it("says how much was asked for, held, kept, and free", () =>
    withMemory((memory) => {
      memory.take(100 * MIB)
      memory.take(3 * MIB)
      let error: unknown
      try {
        memory.take(200 * MIB)
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(OutOfMemoryError)
      expect((error as Error).message).toBe(
        "cuda: cuda:0 has no 200.00 MiB more: 103.00 MiB are in use by tensors, 17.00 MiB more are held for reuse, and 136.00 MiB of 256.00 MiB are free on the device",
      )
      memory.take(130 * MIB)
    }))

  it("is said in units that a person reads", () => {
    expect([0, 1023, 1536, 5 * MIB, 3 * 2 ** 30, 2 ** 45].map(bytesText)).toEqual([
      "0 bytes",
      "1023 bytes",
      "1.50 KiB",
      "5.00 MiB",
      "3.00 GiB",
      "32768.00 GiB",
    ])
  })
})

describe("memory of a recording", () => {
  it("is given to nobody else until it is dissolved", () =>
    withMemory((memory) => {
      const pool = new Pool()
      memory.usePool(pool)
      const inside = memory.take(1000)
      memory.give(inside)
      const again = memory.take(1000)
      expect(place(again)).toEqual([inside.segment.memory, 0, 1024])
      const kept = memory.take(512)
      memory.usePool()
      memory.give(again)
      const outside = memory.take(1000)
      expect(outside.segment).not.toBe(inside.segment)
      memory.dissolve(pool)
      memory.give(kept)
      memory.give(outside)
      memory.emptyCache()
      expect(memory.cudaStats()).toMatchObject({ segments: 0, reservedBytes: 0, allocatedBytes: 0 })
    }))

  it("that was there before is kept although it is given back", () =>
    withMemory((memory) => {
      const block = memory.take(1000)
      memory.pin(block)
      memory.pin(block)
      memory.give(block)
      expect(memory.take(1000).offset).not.toBe(block.offset)
      memory.unpin(block)
      expect(memory.take(1000).offset).not.toBe(block.offset)
      memory.unpin(block)
      expect(memory.take(1000).offset).toBe(block.offset)
    }))
})
