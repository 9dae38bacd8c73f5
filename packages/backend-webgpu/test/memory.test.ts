/** Memory that runs out: at once where a budget says so, late where the GPU does. */
import "@taeda/core/methods"
import {
  type Buffer,
  type DType,
  deviceOf,
  HOW_TO_FREE,
  input,
  type MapKernel,
  OutOfMemoryError,
  ones,
  type SortKernel,
} from "@taeda/core"
import { describe, expect, it } from "vitest"
import { createWebGpu, type WebGpuBackend } from "../src/index.ts"
import { grasped } from "./grasped.ts"
import { backend, mapKernel, UNCLEARED, unit } from "./harness.ts"

const MB = 2 ** 20
const double = mapKernel(
  1,
  [unit("float32")],
  [unit("float32") as MapKernel["outputs"][number]],
  [input(0, "float32").mul(2)],
)

const view = (buffer: Buffer, n: number) => ({ buffer, offset: 0, sizes: [n], strides: [1] })
const launchDouble = (on: WebGpuBackend, from: Buffer, to: Buffer, n: number): void =>
  on.launch(on.compile(double), [n], [view(from, n), view(to, n)], [])

/** Runs `use` on a backend of its own. */
async function opened(options: object, use: (on: WebGpuBackend) => unknown): Promise<void> {
  const on = await createWebGpu({ ...UNCLEARED, ...options })
  try {
    await use(on)
  } finally {
    on.dispose()
  }
}

const caught = (body: () => unknown): Error => {
  try {
    body()
  } catch (error) {
    return error as Error
  }
  throw new Error("nothing was thrown")
}

describe("a budget", () => {
  it("is kept, and the error says what was asked for, what is held, and why there is no more", () =>
    opened({ memoryBytes: 8 * MB }, (on) => {
      const held = on.allocate(5 * MB, "float32")
      const before = on.memoryStats()
      const error = caught(() => on.allocate(4 * MB, "float32"))
      expect(error).toBeInstanceOf(OutOfMemoryError)
      expect(error.message).toBe(
        "webgpu: out of memory: 4 MiB (4194304 bytes) asked for, with 5 MiB in 1 live buffers and 0 bytes kept for reuse: 8 MiB are all that it may have (the option memoryBytes of createWebGpu)",
      )
      expect(on.memoryStats()).toEqual(before)
      on.free(held)
      on.allocate(4 * MB, "float32")
    }))

  it("gives up what is kept for reuse before it fails", () =>
    opened({ memoryBytes: 8 * MB }, async (on) => {
      const [a, b] = [on.allocate(3 * MB, "float32"), on.allocate(3 * MB, "float32")]
      on.write(a, new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer))
      const out = on.allocate(16, "float32")
      launchDouble(on, a, out, 4)
      on.free(a)
      on.free(b)
      expect(on.memoryStats().pooledBytes).toBe(6 * MB)
      const large = on.allocate(7 * MB, "float32")
      expect(on.memoryStats()).toMatchObject({ pooledBytes: 0, liveBytes: 7 * MB + 256 })
      // What was queued before still had its memory.
      expect([...new Float32Array((await on.read(out, 0, 16)).slice().buffer)]).toEqual([2, 4, 6, 8])
      on.free(large)
      expect(caught(() => on.allocate(8 * MB, "float32")).message).toMatch(
        /, after 7 MiB kept for reuse were given up$/,
      )
    }))

  it("holds for memory that a kernel needs, which the error names; nothing of the launch is done", () =>
    opened({ memoryBytes: MB }, async (on) => {
      const n = 60_000
      const sort: SortKernel = { kind: "sort", rank: 1, dtype: "float32", descending: false }
      const [x, values, places] = ["float32", "float32", "int32"].map((dtype) => on.allocate(4 * n, dtype as DType))
      on.write(values, new Uint8Array(4 * n).fill(7))
      const before = on.memoryStats()
      const counts = on.commandCounts()
      const operands = [view(x, n), view(values, n), view(places, n)]
      const error = caught(() => on.launch(on.compile(sort), [n], operands, []))
      expect(error).toBeInstanceOf(OutOfMemoryError)
      expect(error.message).toMatch(/^webgpu: out of memory: [\d.]+ KiB \(\d+ bytes\) asked for by sort float32, with /)
      expect(error.message).toContain(HOW_TO_FREE)
      expect(on.memoryStats().liveBytes).toBe(before.liveBytes)
      expect(on.commandCounts().dispatches).toBe(counts.dispatches)
      expect(await on.read(values, 4 * n - 2, 2)).toEqual(new Uint8Array([7, 7]))
    }))

  it("reaches the user with what to do, and leaves tensors as they were", () =>
    opened({ memoryBytes: MB }, async (on) => {
      const device = deviceOf(on)
      const x = ones([150_000], { device })
      expect(caught(() => x.add(1)).message).toMatch(/^webgpu: out of memory: .*\. Tensors that nobody holds any more/)
      expect((await x.data()).at(-1)).toBe(1)
    }))

  it("is eight of the largest buffers where none is given, and must be a positive number", async () => {
    const { memoryBytes } = backend.capabilities
    expect(memoryBytes! / backend.capabilities.maxBufferBytes).toBeGreaterThanOrEqual(8)
    for (const wrong of [0, -1, Number.NaN])
      await expect(createWebGpu({ ...UNCLEARED, memoryBytes: wrong })).rejects.toThrow(
        `memoryBytes must be a positive number of bytes, got ${wrong}`,
      )
  })
})

describe("a GPU that runs out of memory", () => {
  const n = (2 * MB) / 4

  /** A backend whose GPU has so many bytes. */
  const small = async (bytes: number, use: (on: WebGpuBackend) => unknown): Promise<void> =>
    opened({ gpu: (await grasped({ memoryBytes: bytes })).gpu }, use)

  it.each(["read", "synchronize"] as const)("says so at the next %s, and names the kernel", (how) =>
    small(5 * MB, async (on) => {
      const a = on.allocate(4 * n, "float32")
      on.write(a, new Uint8Array(4 * n))
      const [b, c] = [on.allocate(4 * n, "float32"), on.allocate(4 * n, "float32")]
      launchDouble(on, a, b, n)
      launchDouble(on, b, c, n)
      const waited = how === "read" ? on.read(c, 0, 4) : on.synchronize()
      const error = await waited.catch((e: unknown) => e as Error)
      expect(error).toBeInstanceOf(OutOfMemoryError)
      expect((error as Error).message).toBe(
        `webgpu: a buffer of 2 MiB for map of rank 1: (float32) -> float32, with 4 MiB in 2 live buffers and 0 bytes kept for reuse, found no memory: no room for 2097152 bytes. ${HOW_TO_FREE}`,
      )
      // What has memory works on, what has none says why.
      await on.synchronize()
      expect(await on.read(b, 0, 4)).toEqual(new Uint8Array(4))
      expect(caught(() => launchDouble(on, c, b, n)).message).toContain("a buffer of 2 MiB for map of rank 1")
      await expect(on.read(c, 0, 4)).rejects.toThrow("found no memory")
    }),
  )

  it("has given up what it kept for reuse, so that another try finds room", () =>
    small(5 * MB, async (on) => {
      const kept = on.allocate(3 * MB, "float32")
      on.free(kept)
      const a = on.allocate(4 * MB, "float32")
      await expect(on.synchronize()).rejects.toThrow(
        "with 0 bytes in 0 live buffers and 3 MiB kept for reuse, found no",
      )
      expect(on.memoryStats().pooledBytes).toBe(0)
      on.free(a)
      const again = on.allocate(4 * MB, "float32")
      on.write(again, new Uint8Array([1, 2, 3, 4]))
      expect(await on.read(again, 0, 4)).toEqual(new Uint8Array([1, 2, 3, 4]))
    }))
})
