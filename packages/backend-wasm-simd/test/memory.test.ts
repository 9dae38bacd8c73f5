import { describe, expect, test } from "vitest"
import { LAYOUT, LinearMemory, type LinearMemoryOptions, SCRATCH_BYTES } from "../src/memory.ts"
import { detect } from "../src/platform.ts"
import type { WasmApi, WasmMemoryDescriptor } from "../src/webassembly.ts"

const { memory64 } = await detect()
const kinds: LinearMemoryOptions[] = [false, true].flatMap((shared) =>
  [false, ...(memory64 ? [true] : [])].map((wide) => ({ shared, memory64: wide, threads: 2 })),
)

describe.each(kinds)("a memory, shared: $shared, of 64-bit addresses: $memory64", (options) => {
  test("grows when it must, keeps what is in it, and its arrays see all of it", () => {
    const memory = new LinearMemory(options)
    const { allocator } = memory
    expect(memory.u8.buffer instanceof SharedArrayBuffer).toBe(options.shared)
    const first = allocator.allocate(64)
    expect(first).toBeGreaterThanOrEqual(memory.scratch(1) + SCRATCH_BYTES)
    expect(memory.scratch(1) % 64).toBe(0)
    memory.f32[first / 4] = 2.5
    const before = memory.u8.length
    const large = allocator.allocate(before)
    expect(memory.u8.length).toBeGreaterThanOrEqual(large + before + 64)
    expect(memory.f32[first / 4]).toBe(2.5)
    memory.f64[(large + before) / 8 - 1] = 1.5
    const arrays = [
      ...[memory.u8, memory.i8, memory.u16, memory.i16, memory.u32, memory.i32],
      ...[memory.f32, memory.f64, memory.i64],
    ]
    for (const array of arrays) expect(array.byteLength).toBe(memory.memory.buffer.byteLength)
    expect(new Float64Array(memory.memory.buffer)[(large + before) / 8 - 1]).toBe(1.5)
  })

  test("ends at its limit with a word to the person", () => {
    const memory = new LinearMemory({ ...options, maximumBytes: 64 * 2 ** 20 })
    expect(memory.maximumPages).toBe(1024)
    const blocks: number[] = []
    expect(() => {
      for (;;) blocks.push(memory.allocator.allocate(2 ** 20))
    }).toThrow(options.memory64 ? /it may have [^.]+\.$/ : /it may have .*memory64: true/)
    expect(blocks.length).toBeGreaterThan(50)
    expect(blocks[blocks.length - 1] + 2 ** 20 + 64).toBeLessThanOrEqual(memory.u8.length)
  })
})

test("the last block of the largest memory is followed by bytes of it", () => {
  const memory = new LinearMemory({ shared: false, memory64: false, threads: 1 })
  const addresses: number[] = []
  // Reserved, not touched: it costs no real memory.
  expect(() => {
    for (;;) addresses.push(memory.allocator.allocate(2 ** 28))
  }).toThrow(RangeError)
  const last = Math.max(...addresses)
  expect(addresses.length).toBe(15)
  expect(last + 2 ** 28 + 64).toBeLessThanOrEqual(memory.u8.length)
  memory.u8[last + 2 ** 28 - 1] = 7
  expect(memory.u8[last + 2 ** 28 - 1]).toBe(7)
})

test("an engine that reserves little gives a smaller memory; one that gives none is named", () => {
  const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: { Memory: WasmApi["Memory"] } }
  const { Memory } = engine
  const refuse = (most: number) => {
    engine.Memory = class extends Memory {
      constructor(descriptor: WasmMemoryDescriptor) {
        if (Number(descriptor.maximum) > most) throw new RangeError("could not allocate memory")
        super(descriptor)
      }
    }
  }
  try {
    refuse(10000)
    expect(new LinearMemory({ shared: true, memory64: false, threads: 2 }).maximumPages).toBe(8192)
    refuse(10)
    expect(() => new LinearMemory({ shared: true, memory64: false, threads: 2 })).toThrow(
      /the engine refuses a shared memory of 32-bit addresses, even of \d+ MiB: RangeError: could not allocate memory/,
    )
  } finally {
    engine.Memory = Memory
  }
})

test("the low areas lie one behind the other", () => {
  expect(LAYOUT.control + LAYOUT.controlBytes).toBeLessThanOrEqual(LAYOUT.frame)
  expect(LAYOUT.frame + LAYOUT.frameBytes).toBeLessThanOrEqual(LAYOUT.scratch)
  expect(LAYOUT.scratch % 64).toBe(0)
})
