/** Copies between two GPUs of this process, each with memory and a stream of its own. */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { Worker } from "node:worker_threads"
import { index, input, KernelFault, load, type MapKernel, type Operand } from "@taeda/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type CudaBackend, DeviceLostError } from "../src/index.ts"
import { EMULATED, loadDriver, mapKernel, openEmulated, unit, withSettings } from "./harness.ts"

const before = process.env.CUDA_EMULATOR_DEVICES
let [first, second]: CudaBackend[] = []
beforeAll(async () => {
  process.env.CUDA_EMULATOR_DEVICES = "3"
  ;[first, second] = [await openEmulated(), await openEmulated({ device: 1 })]
})
afterAll(() => {
  for (const backend of [first, second]) backend.dispose()
  if (before === undefined) delete process.env.CUDA_EMULATOR_DEVICES
  else process.env.CUDA_EMULATOR_DEVICES = before
})

const output = unit("float32") as MapKernel["outputs"][number]
const double = mapKernel(1, [unit("float32")], [output], [input(0, "float32").mul(2)])
const iota = mapKernel(1, [], [unit("int32") as MapKernel["outputs"][number]], [index(0)])
const pick = mapKernel(
  1,
  [unit("int32"), { dtype: "float32", access: "load", rank: 1 }],
  [output],
  [load(1, "float32", [input(0, "int32")], "fault")],
)

const dense = (buffer: object, n: number): Operand => ({ buffer, offset: 0, sizes: [n], strides: [1] })
const bytesOf = (values: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
const holding = (values: readonly number[], on: CudaBackend): object => {
  const buffer = on.allocate(4 * values.length, "float32")
  on.write(buffer, bytesOf(values))
  return buffer
}
const twice = (buffer: object, n: number, on: CudaBackend): void =>
  on.launch(on.compile(double), [n], [dense(buffer, n), dense(buffer, n)], [])
const floats = (buffer: object, n: number, on: CudaBackend): number[] => [
  ...new Float32Array(on.readSync(buffer, 0, 4 * n).slice().buffer),
]
/** A copy on another device. */
const copied = (buffer: object, n: number, from: CudaBackend, to: CudaBackend): object => {
  const copy = to.allocate(4 * n, "float32")
  expect(to.copyFrom(copy, from, buffer, 0, 4 * n)).toBe(true)
  return copy
}

describe.each([
  ["that reach each other", "1"],
  ["that do not", "0"],
])("between devices %s", (_, PEERS) => {
  it.each(["0", "1"])("bytes arrive, from any byte on (deferred: %s)", (DEFER) =>
    withSettings({ PEERS, DEFER }, () => {
      const a = first.allocate(11, "uint8")
      first.write(
        a,
        Uint8Array.from({ length: 11 }, (_, i) => i + 1),
      )
      const b = second.allocate(8, "uint8")
      second.write(b, new Uint8Array(8).fill(99))
      const counts = [first.counts(), second.counts()]
      expect(second.copyFrom(b, first, a, 3, 5)).toBe(true)
      expect(second.copyFrom(b, first, a, 3, 0)).toBe(true)
      expect([...second.readSync(b, 0, 8)]).toEqual([4, 5, 6, 7, 8, 99, 99, 99])
      // Nothing went by the host.
      expect(first.counts().readBytes).toBe(counts[0].readBytes)
      expect(second.counts().writtenBytes).toBe(counts[1].writtenBytes)
      for (const [buffer, on] of [
        [a, first],
        [b, second],
      ] as const)
        on.free(buffer)
    }),
  )
})

describe("the order of a copy", () => {
  const deferred = (body: () => void | Promise<void>) => () => withSettings({ DEFER: "1" }, body)

  it(
    "comes after what was launched on its source, and before what is launched later",
    deferred(() => {
      const a = holding([1, 2, 3], first)
      twice(a, 3, first)
      const b = copied(a, 3, first, second)
      twice(a, 3, first)
      expect(floats(a, 3, first)).toEqual([4, 8, 12])
      expect(floats(b, 3, second)).toEqual([2, 4, 6])
    }),
  )

  it(
    "comes before what is launched on its target later, and after what was launched before",
    deferred(() => {
      const [a, b] = [holding([5, 6], first), holding([1, 1], second)]
      twice(b, 2, second)
      const old = second.allocate(8, "float32")
      second.copy(b, 0, old, 0, 8)
      second.copyFrom(b, first, a, 0, 8)
      twice(b, 2, second)
      expect(floats(b, 2, second)).toEqual([10, 12])
      expect(floats(old, 2, second)).toEqual([2, 2])
    }),
  )

  it(
    "holds from one to the next and back",
    deferred(async () => {
      const third = await openEmulated({ device: 2 })
      const a = holding([1], first)
      let at: object = a
      const path = [first, second, third, first, third, second]
      for (let i = 1; i < path.length; i++) {
        at = copied(at, 1, path[i - 1], path[i])
        twice(at, 1, path[i])
      }
      expect(floats(at, 1, second)).toEqual([32])
      third.dispose()
    }),
  )

  it(
    "is kept where memory is used again, on both",
    deferred(() => {
      const n = 1000
      const expected = Array.from({ length: n }, (_, i) => i)
      const a = holding(expected, first)
      const b = copied(a, n, first, second)
      first.free(a)
      const others = [first, second].map((on) => holding(new Array(n).fill(-1), on))
      // Its block was another's, which is being filled.
      second.free(others[1])
      const c = copied(others[0], n, first, second)
      expect(floats(b, n, second)).toEqual(expected)
      expect(floats(c, n, second)).toEqual(new Array(n).fill(-1))
      const { liveBuffers } = second.memoryStats()
      for (const buffer of [b, c]) second.free(buffer)
      expect(second.memoryStats().liveBuffers).toBe(liveBuffers - 2)
      first.free(others[0])
      for (const on of [first, second]) on.emptyCache()
    }),
  )

  it(
    "lets the host go on",
    deferred(async () => {
      const n = 100_000
      const a = first.allocate(4 * n, "int32")
      first.launch(first.compile(iota), [n], [dense(a, n)], [])
      const b = second.allocate(4 * n, "int32")
      second.copyFrom(b, first, a, 0, 4 * n)
      const reading = second.read(b, 0, 4 * n)
      first.write(a, new Uint8Array(4 * n))
      expect([...new Int32Array((await reading).slice().buffer).subarray(-2)]).toEqual([n - 2, n - 1])
    }),
  )

  it(
    "holds between two that were opened on one GPU",
    deferred(async () => {
      const other = await openEmulated()
      const a = holding([3], first)
      twice(a, 1, first)
      expect(floats(copied(a, 1, first, other), 1, other)).toEqual([6])
      other.dispose()
    }),
  )
})

describe("an index outside of its tensor", () => {
  const picked = (at: number, on: CudaBackend): object => {
    const where = on.allocate(4, "int32")
    on.write(where, new Uint8Array(Int32Array.of(at).buffer))
    const out = on.allocate(4, "float32")
    on.launch(on.compile(pick), [1], [dense(where, 1), dense(holding([5, 6, 7], on), 3), dense(out, 1)], [])
    return out
  }
  const words =
    "index 7 is out of bounds for dimension 0 with size 3 (operand 1 of map of rank 1: (int32, float32) -> float32)"

  it("is told where what was computed with it is read, also further on, and where it was", async () => {
    const third = await openEmulated({ device: 2 })
    const { liveBuffers } = third.memoryStats()
    const a = picked(7, first)
    const b = copied(a, 1, first, second)
    const c = copied(b, 1, second, third)
    expect(() => floats(c, 1, third)).toThrow(words)
    expect(floats(c, 1, third)).toEqual([0])
    const fault = await second.synchronize().catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(KernelFault)
    await second.synchronize()
    expect(() => floats(a, 1, first)).toThrow(words)
    expect(floats(a, 1, first)).toEqual([0])
    third.free(c)
    expect(third.memoryStats().liveBuffers).toBe(liveBuffers)
    third.dispose()
  })

  it("hides none of another device", () => {
    const [a, b] = [picked(1, first), picked(7, second)]
    const c = copied(a, 1, first, second)
    expect(() => floats(c, 1, second)).toThrow(words)
    expect(floats(c, 1, second)).toEqual([6])
    expect(floats(b, 1, second)).toEqual([0])
    expect(floats(a, 1, first)).toEqual([6])
  })
})

describe("a copy is refused", () => {
  it("outside of a buffer, and of one that was freed, and nothing is written", () => {
    const [a, b] = [holding([1, 2], first), holding([3], second)]
    expect(() => second.copyFrom(b, first, a, 0, 8)).toThrow("bytes 0 to 8 lie outside a buffer of 4 bytes")
    expect(() => second.copyFrom(b, first, a, 5, 4)).toThrow("bytes 5 to 9 lie outside a buffer of 8 bytes")
    first.free(a)
    expect(() => second.copyFrom(b, first, a, 0, 4)).toThrow("was freed")
    expect(floats(b, 1, second)).toEqual([3])
  })

  it("while either device records", () => {
    const [a, b] = [holding([1], first), holding([2], second)]
    const copy = (): boolean => second.copyFrom(b, first, a, 0, 4)
    for (const on of [first, second])
      expect(() => on.capture(copy)).toThrow("a copy from one device to another while launches are recorded")
    expect(floats(b, 1, second)).toEqual([2])
    copy()
    expect(floats(b, 1, second)).toEqual([1])
  })

  it("where the driver refuses it", () => {
    const [a, b] = [holding([1], first), holding([2], second)]
    return withSettings({ FAIL_PEER: "1" }, () => {
      expect(() => second.copyFrom(b, first, a, 0, 4)).toThrow(
        /^cuda: a copy from one device to another was refused: cuMemcpyPeerAsync: CUDA_ERROR_INVALID_VALUE/,
      )
      expect([first.lost, second.lost]).toEqual([false, false])
      expect(floats(b, 1, second)).toEqual([2])
    })
  })

  it("of a backend that is no device of this driver: it goes by the host", async () => {
    const a = holding([1], first)
    const b = second.allocate(4, "float32")
    expect(second.copyFrom(b, { ...first }, a, 0, 4)).toBe(false)
    const folder = mkdtempSync(join(tmpdir(), "taeda-cuda-"))
    // Another driver, and another instance of the addon: what one has means nothing to the other.
    for (const part of ["driver", "addon"] as const) {
      const file = join(folder, basename(EMULATED[part]))
      copyFileSync(EMULATED[part], file)
      const other = await openEmulated({ [part]: file })
      expect(other.copyFrom(other.allocate(4, "float32"), first, a, 0, 4)).toBe(false)
      expect(first.copyFrom(first.allocate(4, "float32"), other, other.allocate(4, "float32"), 0, 4)).toBe(false)
      other.dispose()
    }
    rmSync(folder, { recursive: true })
  })

  it("from one that was disposed", async () => {
    const other = await openEmulated()
    const a = holding([1], other)
    const b = copied(a, 1, other, second)
    other.dispose()
    expect(() => second.copyFrom(b, other, a, 0, 4)).toThrow("the backend was disposed")
    expect(floats(b, 1, second)).toEqual([1])
  })
})

describe("a device that was lost", () => {
  const losing = (on: CudaBackend): Promise<void> =>
    withSettings({ FAIL_LAUNCH: "700", QUIET: "1" }, () => {
      twice(on.allocate(4, "float32"), 1, on)
    })
  const kept = [0, 1].map((device) => ({ device, name: `cuda:${device}` }))

  it.each(kept)("is told as $name by a copy from it and to it, and the other one goes on", async ({ device, name }) => {
    const pair = [await openEmulated(), await openEmulated({ device: 1 })]
    const [a, b] = pair.map((on) => holding([4], on))
    await losing(pair[device])
    expect(() => pair[1].copyFrom(b, pair[0], a, 0, 4)).toThrow(DeviceLostError)
    expect(() => pair[1].copyFrom(b, pair[0], a, 0, 4)).toThrow(`cuda: ${name} was lost`)
    expect(pair.map((on) => on.lost)).toEqual([0, 1].map((k) => k === device))
    expect(floats([a, b][1 - device], 1, pair[1 - device])).toEqual([4])
    const again = await openEmulated({ device })
    const c = holding([8], again)
    if (device === 0) expect(floats(copied(c, 1, again, pair[1]), 1, pair[1])).toEqual([8])
    else expect(floats(copied(a, 1, pair[0], again), 1, again)).toEqual([4])
    for (const on of [...pair, again])
      on.dispose()
      // Whoever had the same GPU lost it too.
    ;[first, second] = [await openEmulated(), await openEmulated({ device: 1 })]
  })

  it("before the copy was made is told by a read of it, once", () =>
    withSettings({ DEFER: "1", QUIET: "1" }, async () => {
      const third = await openEmulated({ device: 2 })
      const a = holding([1], third)
      process.env.CUDA_EMULATOR_FAIL_LAUNCH = "719"
      twice(a, 1, third)
      const b = copied(a, 1, third, second)
      const error = await second.read(b, 0, 4).catch((thrown: unknown) => thrown)
      delete process.env.CUDA_EMULATOR_FAIL_LAUNCH
      expect(error).toBeInstanceOf(DeviceLostError)
      expect((error as Error).message).toMatch(
        /^cuda: cuda:2 was lost: .*LAUNCH_FAILED.*noticed in a copy to another device/,
      )
      expect([third.lost, second.lost]).toEqual([true, false])
      await second.synchronize()
      third.dispose()
    }))
})

describe("the addon", () => {
  it("copies only between memories that are alive and its own, and inside of them", () => {
    return withSettings({ DEVICES: "2" }, () => {
      const [one, other] = [loadDriver().open(0), loadDriver().open(1)]
      const [a, b] = [one.allocate(16), other.allocate(16)]
      expect([one.isPeer(other), one.isPeer(one), one.isPeer(a as never), one.isPeer(null as never)]).toEqual([
        true,
        true,
        false,
        false,
      ])
      one.copyToPeer(b, 0, a, 0, 16)
      expect(() => one.copyToPeer(b, 1, a, 0, 16)).toThrow(RangeError)
      expect(() => one.copyToPeer(b, 0, a, 9, 8)).toThrow(RangeError)
      expect(() => one.copyToPeer(b, 0, b, 0, 8)).toThrow("this DeviceMemory belongs to another context")
      expect(() => one.copyToPeer({} as never, 0, a, 0, 8)).toThrow("this is no DeviceMemory")
      expect(() => one.copyToPeer(b, 0.5, a, 0, 8)).toThrow(RangeError)
      for (const context of [one, other]) {
        context.beginCapture()
        expect(() => one.copyToPeer(b, 0, a, 0, 8)).toThrow(
          "another device is not possible while launches are recorded",
        )
        context.destroyGraph(context.endCapture())
      }
      other.free(b)
      expect(() => one.copyToPeer(b, 0, a, 0, 8)).toThrow("this DeviceMemory was given back")
      const c = other.allocate(16)
      other.dispose()
      expect(() => one.copyToPeer(c, 0, a, 0, 8)).toThrow(/given back|disposed/)
      one.probe()
      one.dispose()
      one.probe()
    })
  })

  it("copies on several threads at once, each with contexts of its own", async () => {
    const code = `
      const { workerData, parentPort } = require("node:worker_threads")
      const driver = require(workerData.addon).load([workerData.driver])
      const [a, b] = [driver.open(0), driver.open(1)]
      const [x, y] = [a.allocate(64), b.allocate(64)]
      const pinned = b.allocatePinned(64)
      for (let i = 0; i < 200; i++) {
        a.fill(x, 0, i, 64)
        a.copyToPeer(y, 0, x, 0, 64)
        b.download(pinned, 0, y, 0, 64)
        b.synchronize()
        if (pinned.bytes[63] !== i) throw new Error("round " + i + ": " + pinned.bytes[63])
      }
      for (const context of [a, b]) context.dispose()
      parentPort.postMessage("done")`
    const workers = [0, 1].map(() => new Worker(code, { eval: true, workerData: EMULATED }))
    const ends = workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.on("message", resolve)
          worker.on("error", reject)
        }),
    )
    expect(await Promise.all(ends)).toEqual(["done", "done"])
  })
})
