/** The backend as the core sees it: memory, lifetime, errors. */
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
import { describe, expect, it } from "vitest"
import { createWebGpu } from "../src/index.ts"
import { backend, count, launched, mapKernel, unit } from "./harness.ts"

const bytesOf = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i * 7 + 1)
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
const floats = async (buffer: object, n: number): Promise<number[]> => [
  ...new Float32Array((await backend.read(buffer, 0, 4 * n)).slice().buffer),
]
const holding = (values: readonly number[]): object => {
  const buffer = backend.allocate(4 * values.length, "float32")
  backend.write(buffer, new Uint8Array(Float32Array.from(values).buffer))
  return buffer
}

describe("memory", () => {
  it.each([1, 2, 3, 4, 5, 15, 17, 4097])("reads what was written, at any byte: %i bytes", async (bytes) => {
    const buffer = backend.allocate(bytes, "uint8")
    const content = bytesOf(bytes)
    backend.write(buffer, content)
    content[bytes - 1] = 200
    backend.write(buffer, new Uint8Array([200]), bytes - 1)
    expect(await backend.read(buffer, 0, bytes)).toEqual(content)
    expect(await backend.read(buffer, bytes >> 1, bytes - (bytes >> 1))).toEqual(content.slice(bytes >> 1))
    backend.free(buffer)
  })

  it("writes bytes in the middle of words and leaves the others", async () => {
    for (const from of count(5))
      for (const bytes of count(7, 1)) {
        const buffer = filled(16, 9)
        backend.write(buffer, bytesOf(bytes), from)
        const expected = new Uint8Array(16).fill(9)
        expected.set(bytesOf(bytes), from)
        expect(await backend.read(buffer, 0, 16)).toEqual(expected)
        backend.free(buffer)
      }
  })

  it("copies between buffers and inside one, at any byte", async () => {
    const a = backend.allocate(8, "uint8")
    const b = filled(12, 0)
    backend.write(a, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
    backend.copy(a, 2, b, 5, 4)
    expect([...(await backend.read(b, 0, 12))]).toEqual([0, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0])
    backend.copy(a, 4, b, 0, 4)
    expect([...(await backend.read(b, 0, 12))]).toEqual([5, 6, 7, 8, 0, 3, 4, 5, 6, 0, 0, 0])
    backend.copy(a, 0, a, 2, 5)
    expect([...(await backend.read(a, 0, 8))]).toEqual([1, 2, 1, 2, 3, 4, 5, 8])
  })

  it("names bytes outside of a buffer, and a buffer that was freed", async () => {
    const buffer = backend.allocate(8, "float32")
    await expect(backend.read(buffer, 4, 8)).rejects.toThrow("bytes 4 to 12 lie outside a buffer of 8 bytes")
    expect(() => backend.write(buffer, new Uint8Array(4), 5)).toThrow("bytes 5 to 9 lie outside")
    expect(() => backend.copy(buffer, -1, buffer, 0, 2)).toThrow(RangeError)
    backend.free(buffer)
    await expect(backend.read(buffer, 0, 4)).rejects.toThrow("was freed")
  })

  it("has buffers of no bytes", async () => {
    const buffer = backend.allocate(0, "float32")
    backend.write(buffer, new Uint8Array(0))
    expect(await backend.read(buffer, 0, 0)).toEqual(new Uint8Array(0))
    backend.free(buffer)
  })

  it("names the limit that a buffer is too large for", () => {
    const most = backend.capabilities.maxBufferBytes
    expect(() => backend.allocate(most + 4, "float32")).toThrow(OutOfMemoryError)
    expect(() => backend.allocate(most + 4, "float32")).toThrow(
      /a buffer of this GPU has [\d.]+ [KMG]iB \(\d+ bytes, max\w+\) at most$/,
    )
  })

  it("uses again what was freed, while the commands before still need it", async () => {
    const a = holding([1, 2, 3, 4])
    const b = backend.allocate(16, "float32")
    backend.launch(backend.compile(double), [4], [dense(a, 4), dense(b, 4)], [])
    backend.free(a)
    const before = backend.memoryStats()
    const c = holding([5, 6, 7, 8])
    expect(backend.memoryStats()).toMatchObject({
      liveBuffers: before.liveBuffers + 1,
      pooledBytes: before.pooledBytes - 256,
    })
    expect(await floats(b, 4)).toEqual([2, 4, 6, 8])
    expect(await floats(c, 4)).toEqual([5, 6, 7, 8])
  })
})

describe("launches", () => {
  it("read views of the buffer that they write", async () => {
    const buffer = holding([1, 2, 3, 4])
    const target = dense(buffer, 2)
    backend.launch(backend.compile(addTo), [2], [target, dense(buffer, 2, 2), target], [])
    expect(await floats(buffer, 4)).toEqual([4, 6, 3, 4])
  })

  it("write two views of one buffer", async () => {
    const buffer = holding([0, 0, 0, 0, 9])
    const two = mapKernel(
      1,
      [unit("float32")],
      [output, output],
      [input(0, "float32").add(1), input(0, "float32").add(2)],
    )
    const source = holding([10, 20])
    backend.launch(backend.compile(two), [2], [dense(source, 2), dense(buffer, 2), dense(buffer, 2, 2)], [])
    expect(await floats(buffer, 5)).toEqual([11, 21, 12, 22, 9])
  })

  it("of more workgroups than a dim may have", async () => {
    const n = 65_535 * 256 + 1000
    const out = backend.allocate(n, "uint8")
    const kernel = mapKernel(1, [], [{ dtype: "uint8", access: "strided" }], [index(0).and(255).cast("uint8")])
    // Every other element, so that each is an invocation's own.
    const last = n - 1
    backend.launch(backend.compile(kernel), [n], [{ buffer: out, offset: last, sizes: [n], strides: [-1] }], [])
    expect([...(await backend.read(out, 0, 2))]).toEqual([last & 255, (last - 1) & 255])
    expect([...(await backend.read(out, n - 2, 2))]).toEqual([1, 0])
    backend.free(out)
  })

  it("of more operands than the GPU takes name its limit", () => {
    const most = backend.capabilities.maxOperands + 1
    const sum = count(most).reduce((all, k) => all.add(input(k, "float32")), input(0, "float32"))
    const kernel = mapKernel(
      1,
      count(most).map(() => unit("float32")),
      [output],
      [sum],
    )
    const operands = count(most + 1).map(() => dense(holding([1]), 1))
    expect(() => backend.launch(backend.compile(kernel), [1], operands, [])).toThrow(
      `takes ${most + 1} buffers at once, and this GPU has a limit of ${most} (maxStorageBuffersPerShaderStage)`,
    )
  })

  it("are gathered: many launches and one read are one submission", async () => {
    const a = holding([1, 2])
    await backend.synchronize()
    const before = backend.commandCounts()
    const target = dense(a, 2)
    for (const _ of count(20))
      backend.launch(backend.compile(addTo), [2], [target, dense(holding([1, 1]), 2), target], [])
    expect(await floats(a, 2)).toEqual([21, 22])
    const after = backend.commandCounts()
    expect([after.dispatches - before.dispatches, after.submissions - before.submissions]).toEqual([20, 1])
  })
})

describe("faults", () => {
  const pick: MapKernel = mapKernel(
    1,
    [unit("int32"), { dtype: "float32", access: "load", rank: 1 }],
    [output],
    [load(1, "float32", [input(0, "int32")], "fault")],
  )
  const launchPick = (indices: readonly number[]): object => {
    const at = backend.allocate(4 * indices.length, "int32")
    backend.write(at, new Uint8Array(Int32Array.from(indices).buffer))
    const out = backend.allocate(4 * indices.length, "float32")
    backend.launch(
      backend.compile(pick),
      [indices.length],
      [dense(at, indices.length), dense(holding([5, 6, 7]), 3), dense(out, indices.length)],
      [],
    )
    return out
  }

  it("reject the next read, once, and what was inside is right", async () => {
    const out = launchPick([2, -1, 0])
    const fault = await backend.read(out, 0, 12).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(KernelFault)
    expect((fault as Error).message).toBe(
      "index -1 is out of bounds for dimension 0 with size 3 (operand 1 of map of rank 1: (int32, float32) -> float32)",
    )
    expect(await floats(out, 3)).toEqual([7, 0, 5])
  })

  it("reject synchronize", async () => {
    launchPick([3])
    await expect(backend.synchronize()).rejects.toThrow("index 3 is out of bounds for dimension 0 with size 3")
    await backend.synchronize()
  })

  it("do not come of indices that are inside", async () => {
    expect(await floats(launchPick([0, 1, 2]), 3)).toEqual([5, 6, 7])
  })
})

describe("lifetime", () => {
  it("warms kernels", async () => {
    const other = await createWebGpu()
    await other.warm([double])
    const executable: Executable = other.compile(double)
    expect(other.compile(double)).toBe(executable)
    expect(
      await launched(
        other,
        double,
        [2],
        [
          { dtype: "float32", values: [1, 2] },
          { dtype: "float32", values: [0, 0] },
        ],
      ),
    ).toEqual([
      [1, 2],
      [2, 4],
    ])
    other.dispose()
    expect(() => other.allocate(4, "float32")).toThrow("the backend was disposed")
  })

  it("refuses dtypes that it lacks with a reason", () => {
    const kernel = mapKernel(1, [unit("float64")], [{ dtype: "float64", access: "unit" }], [input(0, "float64")])
    expect(() => backend.compile(kernel)).toThrow(/float64/)
  })
})
