import { DTYPE_NAMES, DTYPES, type DType, input } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { createCpuJs, open } from "../src/index.ts"
import { mapKernel, unit } from "./harness.ts"

const LARGE = 256 * 1024

describe("memory", () => {
  it.each(DTYPE_NAMES)("reads what was written, at any byte: %s", (dtype) => {
    const backend = createCpuJs()
    const { bytes } = DTYPES[dtype]
    const buffer = backend.allocate(3 * bytes, dtype)
    const content = Uint8Array.from({ length: 3 * bytes }, (_, i) => i + 1)
    backend.write(buffer, content)
    backend.write(buffer, new Uint8Array([200]), bytes)
    content[bytes] = 200
    const copy = backend.readSync!(buffer, 0, 3 * bytes)
    expect(copy).toEqual(content)
    expect(backend.readSync!(buffer, bytes, bytes)).toEqual(content.slice(bytes, 2 * bytes))
    // A copy: changing it changes nothing.
    copy.fill(0)
    expect(backend.readSync!(buffer, 0, 3 * bytes)).toEqual(content)
  })

  it("copies between buffers of different types, and inside one", async () => {
    const backend = await open()
    const a = backend.allocate(8, "float32")
    const b = backend.allocate(12, "int32")
    backend.write(a, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
    backend.write(b, new Uint8Array(12))
    backend.copy(a, 2, b, 5, 4)
    expect([...(await backend.read(b, 0, 12))]).toEqual([0, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0])
    backend.copy(a, 0, a, 2, 5)
    expect([...(await backend.read(a, 0, 8))]).toEqual([1, 2, 1, 2, 3, 4, 5, 8])
  })

  it("names bytes that lie outside a buffer", () => {
    const backend = createCpuJs()
    const buffer = backend.allocate(8, "float32")
    expect(() => backend.readSync!(buffer, 4, 8)).toThrow("bytes 4 to 12 lie outside a buffer of 8 bytes")
    expect(() => backend.write(buffer, new Uint8Array(4), 5)).toThrow(RangeError)
    expect(() => backend.copy(buffer, -1, buffer, 0, 2)).toThrow(RangeError)
  })

  it("counts exactly, and keeps large buffers for reuse", () => {
    const backend = createCpuJs()
    const small = backend.allocate(100, "float32")
    const large = backend.allocate(LARGE, "float32")
    expect(backend.memoryStats()).toEqual({
      liveBytes: LARGE + 100,
      liveBuffers: 2,
      pooledBytes: 0,
      peakBytes: LARGE + 100,
    })
    backend.write(large, new Uint8Array([7]))
    backend.free(large)
    backend.free(large)
    backend.free(small)
    expect(backend.memoryStats()).toEqual({ liveBytes: 0, liveBuffers: 0, pooledBytes: LARGE, peakBytes: LARGE + 100 })
    const again = backend.allocate(LARGE - 8, "float64")
    expect(backend.memoryStats()).toMatchObject({ liveBytes: LARGE - 8, liveBuffers: 1, pooledBytes: 0 })
    expect(backend.readSync!(again, 0, LARGE - 8)[0]).toBe(7)
    expect(backend.readSync!(again, 0, LARGE - 8).length).toBe(LARGE - 8)
  })

  it("rounds a type's last partial element up for itself and down for its views", () => {
    const backend = createCpuJs()
    const buffer = backend.allocate(6, "int16")
    backend.write(buffer, new Uint8Array([0, 0, 128, 63, 1, 1]))
    const out = backend.allocate(4, "float32")
    const kernel = mapKernel(1, [unit("float32")], [{ dtype: "float32", access: "unit" }], [input(0, "float32")])
    const view = { offset: 0, sizes: [1], strides: [1] }
    backend.launch(
      backend.compile(kernel),
      [1],
      [
        { ...view, buffer },
        { ...view, buffer: out },
      ],
      [],
    )
    expect([...new Float32Array(backend.readSync!(out, 0, 4).buffer)]).toEqual([1])
  })
})

describe("lifetime", () => {
  it("refuses a freed buffer", () => {
    const backend = createCpuJs()
    const kernel = backend.compile(
      mapKernel(1, [unit("float32")], [{ dtype: "float32", access: "unit" }], [input(0, "float32").neg()]),
    )
    for (const bytes of [16, LARGE]) {
      const buffer = backend.allocate(bytes, "float32")
      const view = { buffer, offset: 0, sizes: [4], strides: [1] }
      const run = (): void => backend.launch(kernel, [4], [view, { ...view, buffer: out }], [])
      const out = backend.allocate(bytes, "float32")
      run()
      backend.free(buffer)
      expect(run).toThrow("this buffer was freed")
      expect(() => backend.readSync!(buffer, 0, 4)).toThrow("this buffer was freed")
    }
  })

  it("refuses everything after dispose", async () => {
    const backend = createCpuJs()
    const buffer = backend.allocate(16, "float32")
    const kernel = mapKernel(0, [], [{ dtype: "float32", access: "unit" }], [input(0, "float32").neg()])
    backend.dispose()
    backend.free(buffer)
    for (const use of [
      () => backend.allocate(4, "float32"),
      () => backend.readSync!(buffer, 0, 4),
      () => backend.write(buffer, new Uint8Array(4)),
      () => backend.compile(kernel),
      () => backend.launch({}, [], [], []),
    ])
      expect(use).toThrow("the backend was disposed")
    await expect(backend.read(buffer, 0, 4)).rejects.toThrow("the backend was disposed")
    expect(backend.memoryStats()).toMatchObject({ liveBytes: 0, liveBuffers: 0, pooledBytes: 0 })
  })

  it("says what it can do", async () => {
    const backend = createCpuJs()
    expect(backend.name).toBe("cpu-js")
    expect(backend.capabilities).toMatchObject({
      syncRead: true,
      collectedMemory: true,
      strictNaN: true,
      random: "mt19937",
      threads: 1,
    })
    expect([...backend.capabilities.dtypes].sort()).toEqual(([...DTYPE_NAMES] as DType[]).sort())
    expect(backend.supports(mapKernel(0, [], [], []))).toBe(true)
    await backend.warm([mapKernel(0, [], [{ dtype: "float32", access: "unit" }], [input(0, "float32")])])
    await backend.synchronize()
    expect(createCpuJs({ codeGeneration: false }).capabilities.notes[0]).toContain("closures")
  })
})
