/** The backend as the core sees it: memory, launches, lifetime, errors. */
import {
  type Executable,
  index,
  input,
  KernelFault,
  load,
  type MapKernel,
  type Operand,
  OutOfMemoryError,
} from "@taeda/core"
import { afterAll, describe, expect, it } from "vitest"
import { type CudaBackend, DeviceLostError } from "../src/index.ts"
import { count, launched, mapKernel, openEmulated, unit, withSettings } from "./harness.ts"

const backend = await openEmulated()
afterAll(() => backend.dispose())

const MIB = 2 ** 20
function bytesOf(n: number): Uint8Array {
  const bytes = new Uint8Array(n)
  for (let i = 0; i < n; i++) bytes[i] = i * 7 + 1
  return bytes
}
const filled = (bytes: number, value: number): object => {
  const buffer = backend.allocate(bytes, "uint8")
  backend.write(buffer, new Uint8Array(bytes).fill(value))
  return buffer
}
const dense = (buffer: object, n: number, offset = 0): Operand => ({ buffer, offset, sizes: [n], strides: [1] })
const output = unit("float32") as MapKernel["outputs"][number]
const double = mapKernel(1, [unit("float32")], [output], [input(0, "float32").mul(2)])
const addTo = mapKernel(
  1,
  [unit("float32"), unit("float32")],
  [{ ...output, aliases: 0 }],
  [input(0, "float32").add(input(1, "float32"))],
)
const floats = (buffer: object, n: number, on = backend): number[] => [
  ...new Float32Array(on.readSync(buffer, 0, 4 * n).slice().buffer),
]
const holding = (values: readonly number[], on: CudaBackend = backend): object => {
  const buffer = on.allocate(4 * values.length, "float32")
  on.write(buffer, new Uint8Array(Float32Array.from(values).buffer))
  return buffer
}

describe("memory", () => {
  it.each([1, 2, 3, 15, 4097, 5 * MIB + 3])("reads what was written, at any byte: %i bytes", async (bytes) => {
    const buffer = backend.allocate(bytes, "uint8")
    const content = bytesOf(bytes)
    backend.write(buffer, content)
    content[bytes - 1] = 200
    backend.write(buffer, new Uint8Array([200]), bytes - 1)
    expect(Buffer.compare(await backend.read(buffer, 0, bytes), content)).toBe(0)
    const half = bytes >> 1
    expect(Buffer.compare(backend.readSync(buffer, half, bytes - half), content.subarray(half))).toBe(0)
    backend.free(buffer)
  })

  it("reads and writes more than is staged at once", async () => {
    const bytes = 35 * MIB + 5
    const buffer = backend.allocate(bytes, "uint8")
    const content = bytesOf(bytes)
    backend.write(buffer, content)
    expect(Buffer.compare(backend.readSync(buffer, 0, bytes), content)).toBe(0)
    expect(Buffer.compare(await backend.read(buffer, 1, bytes - 1), content.subarray(1))).toBe(0)
    backend.free(buffer)
    backend.emptyCache()
  })

  it("lets others run while it reads much, and reads what was there when it was asked", async () => {
    const bytes = 70 * MIB + 5
    const buffer = backend.allocate(bytes, "uint8")
    const content = bytesOf(bytes)
    await withSettings({ DEFER: "1" }, async () => {
      backend.write(buffer, content)
      await backend.synchronize()
      const { liveBytes } = backend.memoryStats()
      const reading = backend.read(buffer, 0, bytes)
      let ran = 0
      const turn = (): void => {
        ran++
        timer = setImmediate(turn)
      }
      let timer = setImmediate(turn)
      backend.write(buffer, new Uint8Array(bytes))
      expect(Buffer.compare(await reading, content)).toBe(0)
      clearImmediate(timer)
      // Between its three parts.
      expect(ran).toBeGreaterThanOrEqual(2)
      expect(backend.memoryStats().liveBytes).toBe(liveBytes)
    })
    expect(backend.readSync(buffer, bytes - 9, 9)).toEqual(new Uint8Array(9))
    backend.free(buffer)
    backend.emptyCache()
  })

  it("reads much at once where there is no room for a copy", async () => {
    const bytes = 40 * MIB
    await withSettings({ MEMORY: String(70 * MIB) }, async () => {
      const buffer = backend.allocate(bytes, "uint8")
      const content = bytesOf(bytes)
      backend.write(buffer, content)
      expect(Buffer.compare(await backend.read(buffer, 0, bytes), content)).toBe(0)
      expect(backend.cudaMemoryStats().retries).toBeGreaterThan(0)
      backend.free(buffer)
      backend.emptyCache()
    })
  })

  it("reads what was there when it was asked, whatever is written meanwhile", async () => {
    const buffer = filled(64, 1)
    const reading = backend.read(buffer, 0, 64)
    backend.write(buffer, new Uint8Array(64).fill(2))
    const after = backend.read(buffer, 0, 64)
    expect(await reading).toEqual(new Uint8Array(64).fill(1))
    expect(await after).toEqual(new Uint8Array(64).fill(2))
  })

  it("keeps what was written although the caller's array and the staging are used again", () => {
    const n = 300
    const buffers = count(n).map(() => backend.allocate(100_000, "uint8"))
    const bytes = new Uint8Array(100_000)
    for (const [i, buffer] of buffers.entries()) backend.write(buffer, bytes.fill(i))
    for (const [i, buffer] of buffers.entries()) {
      const [first, last] = [backend.readSync(buffer, 0, 1)[0], backend.readSync(buffer, 99_999, 1)[0]]
      expect([first, last]).toEqual([i & 255, i & 255])
      backend.free(buffer)
    }
  })

  it("copies between buffers and inside one, at any byte", () => {
    const a = backend.allocate(8, "uint8")
    const b = filled(12, 0)
    backend.write(a, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
    backend.copy(a, 2, b, 5, 4)
    expect([...backend.readSync(b, 0, 12)]).toEqual([0, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0])
    backend.copy(a, 0, a, 2, 5)
    expect([...backend.readSync(a, 0, 8)]).toEqual([1, 2, 1, 2, 3, 4, 5, 8])
    backend.copy(a, 2, a, 0, 5)
    expect([...backend.readSync(a, 0, 8)]).toEqual([1, 2, 3, 4, 5, 4, 5, 8])
  })

  it("names bytes outside of a buffer, and a buffer that was freed", async () => {
    const buffer = backend.allocate(8, "float32")
    await expect(backend.read(buffer, 4, 8)).rejects.toThrow("bytes 4 to 12 lie outside a buffer of 8 bytes")
    expect(() => backend.readSync(buffer, 9, 0)).toThrow("lie outside")
    expect(() => backend.write(buffer, new Uint8Array(4), 5)).toThrow("bytes 5 to 9 lie outside")
    expect(() => backend.copy(buffer, -1, buffer, 0, 2)).toThrow(RangeError)
    backend.free(buffer)
    expect(() => backend.readSync(buffer, 0, 4)).toThrow("was freed")
  })

  it("has buffers of no bytes", async () => {
    const buffer = backend.allocate(0, "float32")
    backend.write(buffer, new Uint8Array(0))
    expect(await backend.read(buffer, 0, 0)).toEqual(new Uint8Array(0))
    expect(backend.readSync(buffer, 0, 0)).toEqual(new Uint8Array(0))
    backend.free(buffer)
  })

  it("says how much there was when there is no more", () => {
    expect(() => backend.allocate(2 ** 40, "float32")).toThrow(OutOfMemoryError)
    expect(() => backend.allocate(2 ** 40, "float32")).toThrow(/cuda:0 has no 1024\.00 GiB more: .* in use by tensors/)
  })

  it("uses again what was freed, while the launches before still need it", () => {
    const a = holding([1, 2, 3, 4])
    const b = backend.allocate(16, "float32")
    backend.launch(backend.compile(double), [4], [dense(a, 4), dense(b, 4)], [])
    const { reservedBytes } = backend.cudaMemoryStats()
    backend.free(a)
    const c = holding([5, 6, 7, 8])
    expect(backend.cudaMemoryStats().reservedBytes).toBe(reservedBytes)
    expect(floats(b, 4)).toEqual([2, 4, 6, 8])
    expect(floats(c, 4)).toEqual([5, 6, 7, 8])
  })
})

describe("launches", () => {
  it("read views of the buffer that they write", () => {
    const buffer = holding([1, 2, 3, 4])
    const target = dense(buffer, 2)
    backend.launch(backend.compile(addTo), [2], [target, dense(buffer, 2, 2), target], [])
    expect(floats(buffer, 4)).toEqual([4, 6, 3, 4])
  })

  it("outside of a buffer are refused", () => {
    const buffer = holding([1, 2])
    const launch = (view: Operand) => backend.launch(backend.compile(double), [2], [view, dense(buffer, 2)], [])
    expect(() => launch(dense(buffer, 2, 1))).toThrow("operand 0 of a launch has bytes 4 to 12 of a buffer of 8")
    expect(() => launch({ ...dense(buffer, 2), strides: [-1] })).toThrow("has bytes -4 to 4")
    expect(floats(buffer, 2)).toEqual([1, 2])
    const out = backend.allocate(8, "float32")
    const backwards = { ...dense(buffer, 2), offset: 1, strides: [-1] }
    const strided = { ...double, inputs: [{ dtype: "float32", access: "strided" }] } as const
    backend.launch(backend.compile(strided), [2], [backwards, dense(out, 2)], [])
    expect(floats(out, 2)).toEqual([4, 2])
  })

  it("are counted", () => {
    const before = backend.counts()
    const a = holding([1, 2])
    for (const _ of count(3)) backend.launch(backend.compile(double), [2], [dense(a, 2), dense(a, 2)], [])
    expect(floats(a, 2)).toEqual([8, 16])
    const after = backend.counts()
    expect([after.launches - before.launches, after.writtenBytes - before.writtenBytes]).toEqual([3, 8])
  })

  it("that the driver refuses name the kernel, and leave the device as it was", () =>
    withSettings({ FAIL_LAUNCH: "701!" }, () => {
      const a = holding([1, 2])
      expect(() => backend.launch(backend.compile(double), [2], [dense(a, 2), dense(a, 2)], [])).toThrow(
        /^cuda: map of rank 1: \(float32\) -> float32 was refused: cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES/,
      )
      expect(floats(a, 2)).toEqual([1, 2])
      expect(backend.lost).toBe(false)
    }))

  it("take time that is measured", () => {
    const [start, end] = [backend.event(), backend.event()]
    const out = backend.allocate(4 * MIB, "int32")
    const kernel = mapKernel(1, [], [unit("int32") as MapKernel["outputs"][number]], [index(0)])
    start.record()
    backend.launch(backend.compile(kernel), [MIB], [dense(out, MIB)], [])
    end.record()
    end.synchronize()
    expect(end.query()).toBe(true)
    expect(start.elapsedTime(end)).toBeGreaterThan(0)
    backend.free(out)
  })
})

const pick: MapKernel = mapKernel(
  1,
  [unit("int32"), { dtype: "float32", access: "load", rank: 1 }],
  [output],
  [load(1, "float32", [input(0, "int32")], "fault")],
)
const PICK = "map of rank 1: (int32, float32) -> float32"

describe("faults", () => {
  const launchPick = (indices: readonly number[]): object => {
    const at = backend.allocate(4 * indices.length, "int32")
    backend.write(at, new Uint8Array(Int32Array.from(indices).buffer))
    const out = backend.allocate(4 * indices.length, "float32")
    const views = [dense(at, indices.length), dense(holding([5, 6, 7]), 3), dense(out, indices.length)]
    backend.launch(backend.compile(pick), [indices.length], views, [])
    return out
  }
  const words = `index -1 is out of bounds for dimension 0 with size 3 (operand 1 of ${PICK})`

  it("reject the next read, once, and what was inside is right", async () => {
    const out = launchPick([2, -1, 0])
    const fault = await backend.read(out, 0, 12).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(KernelFault)
    expect((fault as Error).message).toBe(words)
    expect(floats(out, 3)).toEqual([7, 0, 5])
  })

  it("are thrown by a synchronous read", () => {
    const out = launchPick([-1])
    expect(() => backend.readSync(out, 0, 4)).toThrow(words)
    expect(floats(out, 1)).toEqual([0])
  })

  it("reject synchronize", async () => {
    launchPick([3])
    await expect(backend.synchronize()).rejects.toThrow("index 3 is out of bounds for dimension 0 with size 3")
    await backend.synchronize()
    launchPick([3])
    expect(() => backend.synchronizeSync()).toThrow(KernelFault)
    backend.synchronizeSync()
  })

  it("do not come of indices that are inside", () => {
    expect(floats(launchPick([0, 1, 2]), 3)).toEqual([5, 6, 7])
  })
})

describe("recordings", () => {
  const add = (a: object, b: object, n: number): void => {
    const target = dense(a, n)
    backend.launch(backend.compile(addTo), [n], [target, dense(b, n), target], [])
  }

  it("compute when they are replayed, on what is there then", () => {
    const [a, b] = [holding([1, 2]), holding([10, 20])]
    const { replay, dispose } = backend.capture(() => {
      add(a, b, 2)
      add(a, b, 2)
    })
    expect(floats(a, 2)).toEqual([1, 2])
    replay()
    expect(floats(a, 2)).toEqual([21, 42])
    backend.write(b, new Uint8Array(Float32Array.of(1, 1).buffer))
    replay()
    expect(floats(a, 2)).toEqual([23, 44])
    dispose()
    expect(replay).toThrow("this recording was disposed")
  })

  it("keep what they made, used and wrote, although all of it is freed", () => {
    const [a, b] = [holding([0, 0]), holding([1, 2])]
    const { replay, dispose } = backend.capture(() => {
      const c = holding([100, 200])
      add(c, b, 2)
      add(a, c, 2)
      backend.free(c)
    })
    backend.free(b)
    // Others that would take its place.
    const others = count(50).map(() => holding([-1, -1]))
    replay()
    replay()
    expect(floats(a, 2)).toEqual([202, 404])
    dispose()
    for (const other of others) backend.free(other)
  })

  it("give their memory back", () => {
    backend.emptyCache()
    const before = backend.memoryStats()
    const a = holding([1])
    const { dispose } = backend.capture(() => {
      const c = backend.allocate(4, "float32")
      backend.launch(backend.compile(double), [1], [dense(a, 1), dense(c, 1)], [])
      backend.free(c)
    })
    backend.free(a)
    expect(backend.memoryStats().liveBuffers).toBe(before.liveBuffers + 1)
    dispose()
    dispose()
    expect(backend.memoryStats().liveBuffers).toBe(before.liveBuffers)
    backend.emptyCache()
    expect(backend.memoryStats().pooledBytes).toBe(before.pooledBytes)
  })

  it("refuse to read, and leave everything as it was", async () => {
    const a = holding([3])
    expect(() =>
      backend.capture(() => {
        backend.launch(backend.compile(double), [1], [dense(a, 1), dense(a, 1)], [])
        backend.readSync(a, 0, 4)
      }),
    ).toThrow("a read while launches are recorded")
    expect(() => backend.capture(() => backend.capture(() => {}))).toThrow("another recording while")
    expect(floats(a, 1)).toEqual([3])
    await backend.synchronize()
  })

  it("report their faults after each replay", () => {
    const at = backend.allocate(4, "int32")
    backend.write(at, new Uint8Array(Int32Array.of(5).buffer))
    const out = backend.allocate(4, "float32")
    const views = [dense(at, 1), dense(holding([5, 6, 7]), 3), dense(out, 1)]
    const { replay, dispose } = backend.capture(() => backend.launch(backend.compile(pick), [1], views, []))
    backend.synchronizeSync()
    for (const _ of count(2)) {
      replay()
      expect(() => backend.readSync(out, 0, 4)).toThrow("index 5 is out of bounds")
    }
    dispose()
  })
})

describe("lifetime", () => {
  it("warms kernels", async () => {
    const other = await openEmulated()
    await other.warm([double, double])
    const executable: Executable = other.compile(double)
    expect(other.compile(double)).toBe(executable)
    const views = [
      { dtype: "float32", values: [1, 2] },
      { dtype: "float32", values: [0, 0] },
    ] as const
    expect(await launched(other, double, [2], views)).toEqual([
      [1, 2],
      [2, 4],
    ])
    other.dispose()
    other.dispose()
    expect(() => other.allocate(4, "float32")).toThrow("the backend was disposed")
    await expect(other.synchronize()).rejects.toThrow("the backend was disposed")
  })

  it("works beside another on the same GPU", async () => {
    const other = await openEmulated()
    const [a, b] = [holding([1]), holding([2], other)]
    backend.launch(backend.compile(double), [1], [dense(a, 1), dense(a, 1)], [])
    other.launch(other.compile(double), [1], [dense(b, 1), dense(b, 1)], [])
    expect([floats(a, 1), floats(b, 1, other)]).toEqual([[2], [4]])
    other.dispose()
    expect(floats(a, 1)).toEqual([2])
  })

  it("tells a lost device at every use, with the kernel before it, and opens it anew", async () => {
    const lost = await openEmulated({ device: 0 })
    const a = holding([1], lost)
    const reading = await withSettings({ FAIL_LAUNCH: "700" }, async () => {
      lost.launch(lost.compile(double), [1], [dense(a, 1), dense(a, 1)], [])
      return lost.read(a, 0, 4).catch((error: unknown) => error)
    })
    expect(reading).toBeInstanceOf(DeviceLostError)
    expect((reading as Error).message).toMatch(
      /^cuda: cuda:0 was lost: .*CUDA_ERROR_ILLEGAL_ADDRESS \(700\).*noticed in a read; .*the last was map of rank 1: \(float32\) -> float32\. The values of all tensors on it are gone.*await open\("cuda:0"\) opens it anew/,
    )
    expect(lost.lost).toBe(true)
    for (const use of [
      () => lost.allocate(4, "float32"),
      () => lost.write(a, new Uint8Array(4)),
      () => lost.readSync(a, 0, 4),
      () => lost.launch(lost.compile(double), [1], [dense(a, 1), dense(a, 1)], []),
    ])
      expect(use).toThrow(DeviceLostError)
    await expect(lost.synchronize()).rejects.toThrow("cuda:0 was lost")
    lost.free(a)
    const again = await openEmulated()
    expect(again.lost).toBe(false)
    const b = holding([3], again)
    again.launch(again.compile(double), [1], [dense(b, 1), dense(b, 1)], [])
    expect(floats(b, 1, again)).toEqual([6])
    // The one that was lost says nothing about the new one.
    const third = await openEmulated({ device: 0 })
    expect(floats(holding([5], third), 1, third)).toEqual([5])
    expect(floats(holding([6], again), 1, again)).toEqual([6])
    third.dispose()
    again.dispose()
    lost.dispose()
  })
})
