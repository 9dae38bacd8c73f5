/** The backend as the core sees it: memory, lifetime, what it says of itself. */
import {
  type Backend,
  DTYPE_NAMES,
  type DType,
  type Executable,
  index,
  input,
  type Kernel,
  type Operand,
  result,
} from "@taeda/core"
import { afterEach, describe, expect, it } from "vitest"
import { createWasmSimd, open, type WasmSimdOptions } from "../src/index.ts"
import { count, launch, mapKernel, reduceKernel, unit, type View } from "./harness.ts"
import { sum } from "./monoids.ts"

const opened: Backend[] = []
async function make(options: WasmSimdOptions = {}): Promise<Backend> {
  const backend = await createWasmSimd({ threads: 1, maximumBytes: 64 * 2 ** 20, ...options })
  opened.push(backend)
  return backend
}
afterEach(() => {
  for (const backend of opened.splice(0)) backend.dispose()
})

const negate = mapKernel(1, [unit("float32")], [{ dtype: "float32", access: "unit" }], [input(0, "float32").neg()])
const filled = (backend: Backend, bytes: number, value: number): object => {
  const buffer = backend.allocate(bytes, "uint8")
  backend.write(buffer, new Uint8Array(bytes).fill(value))
  return buffer
}

describe.each<[string, WasmSimdOptions]>([
  ["one thread", {}],
  ["two threads", { threads: 2 }],
  ["64-bit addresses", { memory64: true }],
])("memory, %s", (_, options) => {
  it("reads what was written, at any byte", async () => {
    const backend = await make(options)
    for (const bytes of [1, 2, 3, 15, 16, 17, 63, 64, 65, 4096, 4097, 100000]) {
      const buffer = backend.allocate(bytes, "uint8")
      const content = Uint8Array.from({ length: bytes }, (_, i) => i * 7)
      backend.write(buffer, content)
      backend.write(buffer, new Uint8Array([200]), bytes - 1)
      content[bytes - 1] = 200
      const copy = backend.readSync!(buffer, 0, bytes)
      expect(copy).toEqual(content)
      expect(await backend.read(buffer, bytes >> 1, bytes - (bytes >> 1))).toEqual(content.slice(bytes >> 1))
      // A copy: changing it changes nothing.
      copy.fill(0)
      expect(backend.readSync!(buffer, 0, bytes)).toEqual(content)
      expect(copy.buffer).toBeInstanceOf(ArrayBuffer)
    }
  })

  it("copies between buffers, and inside one", async () => {
    const backend = await make(options)
    const [a, b] = [backend.allocate(8, "float32"), filled(backend, 12, 0)]
    backend.write(a, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
    backend.copy(a, 2, b, 5, 4)
    expect([...backend.readSync!(b, 0, 12)]).toEqual([0, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0])
    backend.copy(a, 0, a, 2, 5)
    expect([...backend.readSync!(a, 0, 8)]).toEqual([1, 2, 1, 2, 3, 4, 5, 8])
  })

  it("names bytes that lie outside of a buffer", async () => {
    const backend = await make(options)
    const buffer = backend.allocate(8, "float32")
    expect(() => backend.readSync!(buffer, 4, 8)).toThrow("bytes 4 to 12 lie outside a buffer of 8 bytes")
    expect(() => backend.readSync!(buffer, -1, 2)).toThrow("bytes -1 to 1 lie outside a buffer of 8 bytes")
    expect(() => backend.write(buffer, new Uint8Array(4), 5)).toThrow("bytes 5 to 9 lie outside")
    expect(() => backend.copy(buffer, -1, buffer, 0, 2)).toThrow(RangeError)
    expect(() => backend.copy(buffer, 0, buffer, 7, 2)).toThrow(RangeError)
    await expect(backend.read(buffer, 0, 9)).rejects.toThrow("bytes 0 to 9 lie outside a buffer of 8 bytes")
  })

  it("gives buffers of no bytes", async () => {
    const backend = await make(options)
    const [a, b] = [backend.allocate(0, "float32"), backend.allocate(0, "float32")]
    expect(backend.readSync!(a, 0, 0)).toEqual(new Uint8Array(0))
    backend.write(b, new Uint8Array(0))
    backend.copy(a, 0, b, 0, 0)
    expect(() => backend.readSync!(a, 0, 1)).toThrow(RangeError)
    expect(backend.memoryStats().liveBuffers).toBe(2)
    backend.free(a)
    backend.free(b)
    expect(backend.memoryStats()).toMatchObject({ liveBytes: 0, liveBuffers: 0 })
  })

  it("counts what is live, and uses again what was freed", async () => {
    const backend = await make(options)
    const sizes = [1, 100, 5000, 2 ** 20]
    const buffers = sizes.map((bytes) => backend.allocate(bytes, "uint8"))
    const { liveBytes, liveBuffers, peakBytes } = backend.memoryStats()
    expect(liveBuffers).toBe(4)
    expect(liveBytes).toBeGreaterThanOrEqual(sizes.reduce((a, b) => a + b))
    expect(liveBytes).toBeLessThan(1.25 * sizes.reduce((a, b) => a + b))
    expect(peakBytes).toBe(liveBytes)
    for (const buffer of buffers) backend.free(buffer)
    // Freeing twice is no harm.
    for (const buffer of buffers) backend.free(buffer)
    expect(backend.memoryStats()).toMatchObject({ liveBytes: 0, liveBuffers: 0, peakBytes })
    const pooled = backend.memoryStats().pooledBytes
    expect(pooled).toBeGreaterThanOrEqual(liveBytes)
    for (const _ of count(200)) backend.free(backend.allocate(2 ** 20, "uint8"))
    expect(backend.memoryStats().pooledBytes).toBe(pooled)
  })

  it("says so when memory runs out, and stays usable", async () => {
    const backend = await make({ ...options, maximumBytes: 40 * 2 ** 20 })
    const kept = [filled(backend, 2 ** 20, 1)]
    expect(() => {
      for (;;) kept.push(filled(backend, 2 ** 20, kept.length + 1))
    }).toThrow(/^wasm: out of memory: 1 MiB asked for, with \d+ MiB in \d+ live buffers .* it may have 40 MiB\./)
    expect(kept.length).toBeGreaterThan(20)
    kept.forEach((buffer, i) => {
      expect(backend.readSync!(buffer, 0, 2 ** 20).every((b) => b === i + 1)).toBe(true)
    })
    expect(() => backend.allocate(2 ** 40, "uint8")).toThrow("wasm: out of memory: 1 TiB asked for")
    const { liveBuffers } = backend.memoryStats()
    expect(liveBuffers).toBe(kept.length)
    backend.free(kept.pop()!)
    const again = filled(backend, 2 ** 20, 77)
    expect(backend.readSync!(again, 2 ** 20 - 1, 1)).toEqual(new Uint8Array([77]))
    const [half] = launch(
      backend,
      negate,
      [3],
      [
        { dtype: "float32", values: [1, 2, 3] },
        { dtype: "float32", values: [0, 0, 0] },
      ],
    ).slice(1)
    expect(half).toEqual([-1, -2, -3])
  })

  it("lets a kernel fail that needs memory of its own, and stays usable", async () => {
    const backend = await make({ ...options, maximumBytes: 40 * 2 ** 20 })
    // As much as there is, down to the last kilobytes.
    const kept: object[] = []
    for (let bytes = 2 ** 24; bytes >= 16; bytes /= 2)
      try {
        for (;;) kept.push(backend.allocate(bytes, "uint8"))
      } catch (error) {
        expect((error as Error).message).toContain("out of memory")
      }
    const [x] = kept
    backend.write(x, new Uint8Array(Float32Array.from({ length: 200000 }, () => 1).buffer))
    const kernel = reduceKernel({
      rank: 1,
      reduced: 1,
      inputs: [unit("float32")],
      outputs: [{ dtype: "float32", access: "unit" }],
      ...sum("float32"),
      finish: [result(0, "float32")],
    })
    const executable = backend.compile(kernel)
    const out = kept[kept.length - 1]
    const operands: Operand[] = [
      { buffer: x, offset: 0, sizes: [200000], strides: [1] },
      { buffer: out, offset: 0, sizes: [], strides: [] },
    ]
    const before = backend.memoryStats()
    expect(() => backend.launch(executable, [200000], operands, [])).toThrow("out of memory")
    expect(backend.memoryStats()).toEqual(before)
    backend.free(kept[1])
    backend.launch(executable, [200000], operands, [])
    expect(new Float32Array(backend.readSync!(out, 0, 4).buffer)[0]).toBe(200000)
  })

  it("runs products and convolutions", async () => {
    const backend = await make(options)
    const [x, y] = [count(6, 1), count(6, -2)]
    const product: Kernel = { kind: "matmul", batch: 0, dtype: "float32", epilogue: null }
    const views: View[] = [
      { dtype: "float32", values: x, sizes: [2, 3] },
      { dtype: "float32", values: y, sizes: [3, 2] },
      { dtype: "float32", values: count(6), offset: 1, sizes: [2, 2] },
    ]
    expect(launch(backend, product, [2, 2, 3], views)[2]).toEqual([0, 4, 10, 4, 19, 5])
    const convolution: Kernel = { kind: "conv", pass: "forward", spatial: 1, dtype: "float32", epilogue: null }
    const signals: View[] = [
      { dtype: "float32", values: x, sizes: [1, 1, 6] },
      { dtype: "float32", values: [1, -10], sizes: [1, 1, 2] },
      { dtype: "float32", values: count(7), offset: 1, sizes: [1, 1, 5] },
    ]
    const got = launch(backend, convolution, [1, 1, 5], signals, [1, 0, 1, 1])[2]
    expect(got).toEqual([0, -19, -28, -37, -46, -55, 6])
  })

  it("grows under a kernel that is compiled already", async () => {
    const backend = await make({ ...options, maximumBytes: 128 * 2 ** 20 })
    const executable = backend.compile(negate)
    const buffers = count(6).map(() => backend.allocate(16 * 2 ** 20, "float32"))
    const n = 2 ** 22
    const last = buffers[5]
    backend.write(last, new Uint8Array(Float32Array.from([5, 6]).buffer), 4 * (n - 2))
    const view = { offset: 0, sizes: [n], strides: [1] }
    backend.launch(
      executable,
      [n],
      [
        { ...view, buffer: last },
        { ...view, buffer: buffers[0] },
      ],
      [],
    )
    expect([...new Float32Array(backend.readSync!(buffers[0], 4 * (n - 2), 8).buffer)]).toEqual([-5, -6])
  })
})

describe("lifetime", () => {
  it("refuses a freed buffer", async () => {
    const backend = await make()
    const kernel = backend.compile(negate)
    for (const bytes of [16, 2 ** 18]) {
      const [buffer, out] = [backend.allocate(bytes, "float32"), backend.allocate(bytes, "float32")]
      const view = { offset: 0, sizes: [4], strides: [1] }
      const run = (): void =>
        backend.launch(
          kernel,
          [4],
          [
            { ...view, buffer },
            { ...view, buffer: out },
          ],
          [],
        )
      run()
      backend.free(buffer)
      for (const use of [
        run,
        () => backend.readSync!(buffer, 0, 4),
        () => backend.write(buffer, new Uint8Array(4)),
        () => backend.copy(buffer, 0, out, 0, 4),
        () => backend.copy(out, 0, buffer, 0, 4),
      ])
        expect(use).toThrow("wasm: this buffer was freed; its tensor cannot be used any more")
      await expect(backend.read(buffer, 0, 4)).rejects.toThrow("this buffer was freed")
    }
  })

  it.each([1, 2])("refuses everything after dispose, %i threads", async (threads) => {
    const backend = await make({ threads })
    const buffer = backend.allocate(16, "float32")
    const kernel = backend.compile(negate)
    backend.dispose()
    backend.dispose()
    backend.free(buffer)
    backend.free(buffer)
    for (const use of [
      () => backend.allocate(4, "float32"),
      () => backend.readSync!(buffer, 0, 4),
      () => backend.write(buffer, new Uint8Array(4)),
      () => backend.copy(buffer, 0, buffer, 0, 4),
      () => backend.compile(negate),
      () => backend.launch(kernel, [], [], []),
    ])
      expect(use).toThrow("wasm: the backend was disposed; open a new one with createWasmSimd()")
    await expect(backend.read(buffer, 0, 4)).rejects.toThrow("the backend was disposed")
  })
})

describe("what it says of itself", () => {
  it("names what it can do, with one thread and with two", async () => {
    const [one, two] = [await make(), await make({ threads: 2 })]
    for (const [backend, threads] of [
      [one, 1],
      [two, 2],
    ] as const) {
      expect(backend.name).toBe("wasm-simd")
      expect(backend.capabilities).toMatchObject({
        syncRead: true,
        collectedMemory: false,
        strictNaN: true,
        random: "mt19937",
        maxBufferBytes: 64 * 2 ** 20,
        threads,
      })
      expect([...backend.capabilities.dtypes].sort()).toEqual(([...DTYPE_NAMES] as DType[]).sort())
      await backend.warm([negate])
      await backend.synchronize()
    }
    expect(one.capabilities.notes).toContain("one thread")
    expect(two.capabilities.notes).toContain("2 threads")
  })

  it("notes what options chose", async () => {
    expect((await make({ relaxed: true })).capabilities.notes).toContain("relaxed SIMD (fused multiply-add)")
    expect((await make({ relaxed: false })).capabilities.notes).toContain("SIMD without fused multiply-add")
    expect((await make({ memory64: true })).capabilities.notes).toContain("64-bit addresses")
    expect((await make()).capabilities.notes).not.toContain("64-bit addresses")
  })

  it("opens with as many threads as there are", async () => {
    const backend = await open()
    opened.push(backend)
    expect(backend.capabilities.threads).toBeGreaterThanOrEqual(1)
    expect(backend.capabilities.maxBufferBytes).toBeGreaterThan(2 ** 24)
  })

  it("says which kernels it leaves to the core, and does not compile those", async () => {
    const backend = await make()
    const products: Kernel = { kind: "matmul", batch: 0, dtype: "bool", epilogue: null }
    expect(backend.supports(products)).toBe("a sum of bool products is not a sum of numbers")
    expect((): Executable => backend.compile(products)).toThrow(
      "wasm: cannot compile matmul bool, 0 batch dims: a sum of bool products is not a sum of numbers",
    )
    const kernels: Kernel[] = [
      negate,
      { kind: "matmul", batch: 1, dtype: "int64", epilogue: null },
      { kind: "sort", rank: 1, dtype: "float16", descending: true },
      {
        kind: "scatter",
        rank: 1,
        inputs: [],
        scalars: [],
        value: index(0),
        coordinates: [index(0)],
        combine: "add",
        dtype: "int32",
        targetRank: 1,
        bounds: "fault",
      },
    ]
    for (const kernel of kernels) {
      expect(backend.supports(kernel)).toBe(true)
      expect(backend.compile(kernel)).toBeTypeOf("object")
    }
  })
})
