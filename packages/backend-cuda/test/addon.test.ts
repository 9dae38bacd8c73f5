/** The native addon's own checks: no value of JavaScript's leads to memory that is not its own. */
import { Worker } from "node:worker_threads"
import { describe, expect, it } from "vitest"
import type { CudaContext, DeviceMemory } from "../src/driver.ts"
import { addon, count, EMULATED, loadDriver, onContext, withSettings } from "./harness.ts"

const PTX = ".version 7.0\n.target sm_75\n.address_size 64\n.visible .entry nothing() { ret; }\n"

/** Bytes of the device's memory. */
function bytesOf(context: CudaContext, memory: DeviceMemory, from: number, bytes: number): number[] {
  const pinned = context.allocatePinned(bytes)
  context.download(pinned, 0, memory, from, bytes)
  context.synchronize()
  const result = [...pinned.bytes]
  context.freePinned(pinned)
  return result
}

const thrownBy = (body: () => unknown): Record<string, unknown> => {
  try {
    body()
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error("nothing was thrown")
}

describe("the driver", () => {
  it("tells its version and its devices", async () => {
    await withSettings({ DRIVER_VERSION: "12040", DEVICES: "2", CAPABILITY: "8.6", MEMORY: String(2 ** 30) }, () => {
      const driver = loadDriver()
      expect(driver.version).toBe(12040)
      const devices = driver.devices()
      expect(devices).toHaveLength(2)
      expect(devices[1]).toMatchObject({ computeCapability: [8, 6], totalBytes: 2 ** 30, sharedBytes: 99 * 1024 })
      expect(devices[0].uuid).toMatch(/^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      expect(() => driver.open(2)).toThrow("no device 2 among 2")
      expect(() => driver.open(-1)).toThrow(RangeError)
    })
  })

  it("says which file does not load", () => {
    const error = thrownBy(() => addon.load(["/nowhere/libcuda.so.1", "/nor/here.so"]))
    expect(error.code).toBe("ERR_CUDA_LIBRARY")
    expect(error.message).toMatch(/\/nowhere\/libcuda.so.1.*\/nor\/here.so/)
  })

  it("takes the first file that there is", () => {
    expect(addon.load(["/nowhere/libcuda.so.1", EMULATED.driver]).version).toBe(13000)
  })

  it("says how old it is, and what a library lacks that is no driver", async () => {
    await withSettings({ DRIVER_VERSION: "10020" }, () => {
      expect(thrownBy(loadDriver)).toMatchObject({ code: "ERR_CUDA_OLD", version: 10020 })
    })
    expect(thrownBy(() => addon.load(["libm.so.6"]))).toMatchObject({
      code: "ERR_CUDA_SYMBOL",
      message: "the driver's library has no cuDriverGetVersion",
    })
  })

  it("tells the driver's errors by name and number", async () => {
    await withSettings({ FAIL_INIT: "999" }, () => {
      expect(thrownBy(loadDriver)).toMatchObject({ name: "CudaError", code: "CUDA_ERROR_UNKNOWN", number: 999 })
    })
    await withSettings({ DEVICES: "0" }, () => {
      expect(thrownBy(loadDriver)).toMatchObject({ code: "CUDA_ERROR_NO_DEVICE", number: 100 })
    })
  })

  it("takes no other arguments", () => {
    expect(() => addon.load("libcuda.so.1" as never)).toThrow(TypeError)
    expect(() => addon.load([1] as never)).toThrow(TypeError)
    const { devices } = loadDriver()
    expect(() => devices.call({} as never)).toThrow("this is no CudaDriver")
  })
})

describe("memory", () => {
  it("is written, filled, copied and read, at any byte", () =>
    onContext((context) => {
      const [a, b] = [context.allocate(16), context.allocate(16)]
      expect(a.bytes).toBe(16)
      const pinned = context.allocatePinned(8)
      pinned.bytes.set(count(8, 1))
      context.fill(a, 0, 255, 16)
      context.upload(a, 3, pinned, 2, 5)
      expect(bytesOf(context, a, 0, 16)).toEqual([255, 255, 255, 3, 4, 5, 6, 7, ...Array(8).fill(255)])
      context.fill(b, 0, 0, 16)
      context.copy(b, 1, a, 2, 3)
      expect(bytesOf(context, b, 0, 6)).toEqual([0, 255, 3, 4, 0, 0])
    }))

  it("is never left by a copy", () =>
    onContext((context) => {
      const memory = context.allocate(16)
      const pinned = context.allocatePinned(8)
      for (const run of [
        () => context.upload(memory, 9, pinned, 0, 8),
        () => context.upload(memory, 0, pinned, 1, 8),
        () => context.download(pinned, 0, memory, 16, 1),
        () => context.copy(memory, 0, memory, 1, 16),
        () => context.fill(memory, 1, 0, 16),
        () => context.fill(memory, 0, 256, 1),
        () => context.fill(memory, -1, 0, 1),
        () => context.fill(memory, 0.5, 0, 1),
        () => context.fill(memory, Number.NaN, 0, 1),
        () => context.fill(memory, 2 ** 60, 0, 2 ** 60),
        () => context.allocate(0),
        () => context.allocate(-1),
      ])
        expect(run).toThrow(RangeError)
    }))

  it("is known by its object alone", () =>
    onContext((context) => {
      const memory = context.allocate(16)
      const pinned = context.allocatePinned(16)
      for (const other of [pinned, {}, null, undefined, 5, Object.create(memory), new Proxy(memory, {}), context])
        expect(() => context.fill(other as never, 0, 0, 1)).toThrow("this is no DeviceMemory")
      expect(() => context.fill.call({} as never, memory, 0, 0, 1)).toThrow("this is no CudaContext")
      expect(() => context.fill.call(memory as never, memory, 0, 0, 1)).toThrow("this is no CudaContext")
      expect(() => Object.assign(memory, { bytes: 1000 })).toThrow(TypeError)
    }))

  it("is of no use when it was given back, or on another context", () =>
    onContext(async (context) => {
      const memory = context.allocate(16)
      context.free(memory)
      expect(() => context.fill(memory, 0, 0, 1)).toThrow("this DeviceMemory was given back")
      expect(() => context.free(memory)).toThrow("was given back")
      const other = loadDriver().open(0)
      const its = other.allocate(16)
      expect(() => context.fill(its, 0, 0, 1)).toThrow("belongs to another context")
      other.dispose()
      expect(() => other.fill(its, 0, 0, 1)).toThrow(/given back|disposed/)
      expect(() => other.allocate(1)).toThrow("this context was disposed")
    }))

  it("runs out with the driver's error", () =>
    withSettings({ MEMORY: String(2 ** 20) }, () =>
      onContext((context) => {
        const { free, total } = context.memoryInfo()
        expect([free, total]).toEqual([2 ** 20, 2 ** 20])
        expect(thrownBy(() => context.allocate(2 ** 21))).toMatchObject({ code: "CUDA_ERROR_OUT_OF_MEMORY", number: 2 })
      }),
    ))

  it("of the host has no bytes any more when it was given back, wherever its array went", () =>
    onContext((context) => {
      const pinned = context.allocatePinned(4096)
      const { bytes } = pinned
      bytes.fill(7)
      context.freePinned(pinned)
      expect(bytes.length).toBe(0)
      expect(() => context.freePinned(pinned)).toThrow("was given back")
      const moved = context.allocatePinned(4096)
      moved.bytes.fill(7)
      const elsewhere = (moved.bytes.buffer as ArrayBuffer & { transfer(): ArrayBuffer }).transfer()
      context.freePinned(moved)
      expect(new Uint8Array(elsewhere).every((byte) => byte === 7)).toBe(true)
    }))

  it("of the host stays readable when its context is disposed", () => {
    const context = loadDriver().open(0)
    const { bytes } = context.allocatePinned(4096)
    bytes.fill(9)
    context.dispose()
    expect(bytes.every((byte) => byte === 9)).toBe(true)
  })

  it("that was forgotten is given back by the collector", () =>
    onContext(async (context) => {
      const before = context.memoryInfo().free
      const collect = await collector()
      for (const _ of count(4)) context.allocate(2 ** 20)
      expect(context.memoryInfo().free).toBe(before - 4 * 2 ** 20)
      for (let i = 0; i < 50 && context.memoryInfo().free < before; i++) {
        collect()
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(context.memoryInfo().free).toBe(before)
    }))

  it("is reported to the collector, which comes in time by itself", () =>
    withSettings({ MEMORY: String(2 ** 28) }, () =>
      onContext(async (context) => {
        // Half as much again as the device has.
        for (const _ of count(24)) {
          context.allocate(2 ** 24)
          await new Promise((resolve) => setImmediate(resolve))
        }
      }),
    ))
})

/** Node's collector, without a flag at its start. */
async function collector(): Promise<() => void> {
  const { setFlagsFromString } = await import("node:v8")
  const { runInNewContext } = await import("node:vm")
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
}

describe("waiting", () => {
  it("is over in the order of the work", () =>
    withSettings({ DEFER: "1" }, () =>
      onContext(async (context) => {
        const memory = context.allocate(1024)
        context.fill(memory, 0, 1, 1024)
        const order: string[] = []
        const all = [context.finished(), context.finished(), context.finished()].map((p, i) =>
          p.then(() => order.push(String(i))),
        )
        expect(order).toEqual([])
        await Promise.all(all)
        expect(order).toEqual(["0", "1", "2"])
      }),
    ))

  it("is over when the context is disposed", async () => {
    const context = loadDriver().open(0)
    const waiting = context.finished()
    context.dispose()
    await waiting
  })

  it("measures time between events", () =>
    onContext((context) => {
      const [from, to] = [context.createEvent(), context.createEvent()]
      context.record(from)
      context.record(to)
      context.waitFor(to)
      expect(context.isDone(from)).toBe(true)
      expect(context.elapsed(from, to)).toBeGreaterThanOrEqual(0)
      context.destroyEvent(from)
      expect(() => context.isDone(from)).toThrow("this DriverEvent was given back")
    }))

  it("ends with a worker that did not wait", async () => {
    const code = `
      const { workerData } = require("node:worker_threads")
      const context = require(workerData.addon).load([workerData.driver]).open(0)
      context.allocatePinned(4096)
      context.fill(context.allocate(1024), 0, 1, 1024)
      context.finished()
      process.exit(0)`
    for (const _ of count(3)) {
      const worker = new Worker(code, { eval: true, workerData: EMULATED })
      expect(await new Promise((resolve) => worker.on("exit", resolve))).toBe(0)
    }
  })
})

describe("modules", () => {
  it("that are no PTX are refused with the compiler's words", () =>
    onContext(async (context) => {
      const error = thrownBy(() => context.loadModule("this is no PTX"))
      expect(error).toMatchObject({ name: "CudaError", code: "CUDA_ERROR_INVALID_PTX", number: 218 })
      expect(String(error.message).split("\n").length).toBeGreaterThan(1)
      await expect(context.loadModuleAsync("nor is this", "entry")).rejects.toMatchObject({ number: 218 })
      expect(() => context.loadModule(5 as never)).toThrow(TypeError)
    }))

  it("compile on another thread, and are missed by their entries", () =>
    onContext(async (context) => {
      const module = await context.loadModuleAsync(PTX, "nothing")
      expect(() => context.function(module, "anything", 32, 0)).toThrow(/CUDA_ERROR_NOT_FOUND.*\nanything/s)
      await expect(context.loadModuleAsync(PTX, "anything")).rejects.toMatchObject({ code: "CUDA_ERROR_NOT_FOUND" })
      expect(() => context.function(module, "nothing", 2048, 0)).toThrow("a block has 1 to 1024 threads")
      context.function(module, "nothing", 1024, 0)
    }))

  it("take their kernels along when they are unloaded", () =>
    onContext((context) => {
      const module = context.loadModule(PTX)
      const kernel = context.function(module, "nothing", 32, 0)
      context.unloadModule(module)
      const launch = () => context.launch(kernel, [1, 1, 1], new Uint8Array(0), 0, [], new Float64Array(0))
      expect(launch).toThrow("this DriverFunction was given back")
    }))

  it("are given tensor maps of what is theirs alone", () =>
    onContext((context) => {
      const text = PTX.replace("nothing()", "nothing(.param .align 64 .b8 params[192])")
      const kernel = context.function(context.loadModule(text), "nothing", 1, 0, 1)
      const memory = context.allocate(2 * 64 * 8)
      const params = new Uint8Array(256)
      const launch = (map: readonly number[], begin = 0, bytes = 192) => {
        new Float64Array(params.buffer, bytes - 128, 9).set(map)
        context.launch(kernel, [1, 1, 1], params, bytes, [memory], Float64Array.of(begin, 0, 1024))
      }
      /** Pointer, type, sizes, strides, box: 8 lines of 64 halves. */
      const whole = [0, 1, 64, 8, 1, 128, 1024, 64, 8]
      launch(whole)
      launch(whole.with(3, 4), 512)
      expect(() => launch(whole, 16)).toThrow("a tensor map reaches 1024 bytes far, and its pointer 1008")
      expect(() => launch(whole.with(3, 4), 8)).toThrow("begins at no multiple of 16 bytes")
      for (const [at, value] of [
        [0, 1],
        [0, -1],
        [1, 3],
        [1, 0.5],
        [2, 0],
        [2, Number.NaN],
        [2, 65],
        [3, 9],
        [4, 2],
        [4, 2 ** 33],
        [5, 8],
        [5, 0],
        [6, 2 ** 40],
        [7, 65],
        [7, 4],
        [8, 257],
      ] as const)
        expect(() => launch(whole.with(at, value)), `${at}: ${value}`).toThrow(RangeError)
      expect(() => launch(whole, 0, 184)).toThrow("184 bytes of parameters do not end in 1 tensor maps")
      expect(() => launch(whole, 0, 128)).toThrow(RangeError)
      expect(() => context.function(context.loadModule(text), "nothing", 1, 0, -1)).toThrow(RangeError)
    }))

  it("launch on what is theirs alone", () =>
    onContext((context) => {
      const kernel = context.function(context.loadModule(PTX), "nothing", 32, 0)
      const memory = context.allocate(16)
      const launch = (range: readonly number[], blocks = [1, 1, 1], bytes = 8) =>
        context.launch(kernel, blocks as never, new Uint8Array(16), bytes, [memory], Float64Array.from(range))
      for (const range of [
        [0, 0, 17],
        [17, 0, 16],
        [0, -1, 16],
        [0, 8, 4],
        [Number.NaN, 0, 1],
        [0, 0, Number.POSITIVE_INFINITY],
        [0.5, 0, 16],
        [0, 0],
      ])
        expect(() => launch(range)).toThrow(RangeError)
      for (const blocks of [
        [0, 1, 1],
        [1, 65536, 1],
        [1, 1, 65536],
        [2 ** 31, 1, 1],
        [1, 1],
        [1.5, 1, 1],
      ])
        expect(() => launch([0, 0, 16], blocks)).toThrow(RangeError)
      expect(() => launch([0, 0, 16], undefined, 4)).toThrow("4 bytes of parameters for 1 pointers")
      expect(() => launch([0, 0, 16], undefined, 17)).toThrow(RangeError)
      const none = { length: 3 } as never
      expect(() => context.launch(kernel, [1, 1, 1], none, 0, [], new Float64Array(0))).toThrow(TypeError)
      expect(() => context.launch(kernel, [1, 1, 1], new Uint8Array(8), 8, [{}] as never, new Float64Array(3))).toThrow(
        "this is no DeviceMemory",
      )
    }))
})

describe("launches that are written down", () => {
  /** A kernel and memory of 16 bytes, and what writes a command of them with other numbers in places. */
  const commandOf = (context: CudaContext) => {
    const kernel = context.function(context.loadModule(PTX), "nothing", 32, 0)
    const memory = context.allocate(16)
    const numbers = new Float64Array(context.command, 0, 10)
    const good = [kernel.number, 1, 1, 1, 8, 1, memory.number, 0, 0, 16]
    const launch = (changed: Readonly<Record<number, number>> = {}) => {
      numbers.set(good)
      for (const [at, number] of Object.entries(changed)) numbers[Number(at)] = number
      context.launchCommand()
    }
    return { kernel, memory, launch }
  }

  it("reach what is theirs alone", () =>
    onContext((context) => {
      const { launch } = commandOf(context)
      launch()
      context.synchronize()
      const bad: Readonly<Record<number, readonly number[]>> = {
        1: [0, 1.5, 2 ** 31],
        2: [0, 65536],
        3: [-1, 65536],
        4: [7, 4097, 1.5, Number.NaN],
        5: [2, 513, 2 ** 53, -1, 0.5],
        7: [-1, 17, 0.5, Number.NaN],
        8: [-1, 17],
        9: [-1, 17, Number.POSITIVE_INFINITY],
      }
      for (const [at, values] of Object.entries(bad))
        for (const value of values) expect(() => launch({ [at]: value }), `${value} at ${at}`).toThrow(RangeError)
      for (const value of [-1, 0.5, 2 ** 32 - 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(() => launch({ 0: value }), `function ${value}`).toThrow(/Driver?Function/)
        expect(() => launch({ 6: value }), `memory ${value}`).toThrow(/DeviceMemory/)
      }
      // What was refused changed nothing.
      launch()
      context.synchronize()
    }))

  it("refuse what another context has, and what is gone, whose numbers are nobody's again", () =>
    onContext((context) =>
      onContext((other) => {
        const { memory, kernel, launch } = commandOf(context)
        const theirs = commandOf(other)
        expect(() => launch({ 6: theirs.memory.number })).toThrow("this DeviceMemory belongs to another context")
        expect(() => launch({ 0: theirs.kernel.number })).toThrow("this DriverFunction belongs to another context")
        context.free(memory)
        const next = context.allocate(16)
        expect([memory.number, theirs.memory.number]).not.toContain(next.number)
        expect(() => launch()).toThrow("this DeviceMemory was given back")
        const module = context.loadModule(PTX)
        const gone = context.function(module, "nothing", 32, 0)
        context.unloadModule(module)
        expect(() => launch({ 0: gone.number, 6: next.number })).toThrow("this DriverFunction was given back")
        launch({ 0: kernel.number, 6: next.number })
      }),
    ))

  it("whatever is in the memory, and when it was taken away", () =>
    onContext((context) => {
      const { launch } = commandOf(context)
      const bytes = new Uint8Array(context.command)
      let state = 1
      for (const _ of count(200)) {
        for (let i = 0; i < 128; i++) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0
          bytes[i] = state >>> 24
        }
        expect(() => context.launchCommand()).toThrow(/cuda: /)
      }
      launch()
      const moved = (context.command as ArrayBuffer & { transfer(): ArrayBuffer }).transfer()
      // What was written last is launched again.
      context.launchCommand()
      expect(moved.byteLength).toBeGreaterThan(0)
      expect(context.command.byteLength).toBe(0)
    }))
})

describe("a context that an error took down", () => {
  it("says so at every call, and is opened anew", async () => {
    const context = loadDriver().open(0)
    const memory = context.allocate(16)
    const kernel = context.function(context.loadModule(PTX), "nothing", 32, 0)
    const launch = () => context.launch(kernel, [1, 1, 1], new Uint8Array(0), 0, [], new Float64Array(0))
    expect(context.isLost()).toBe(false)
    await withSettings({ FAIL_LAUNCH: "719" }, async () => {
      launch()
      await expect(context.finished()).rejects.toMatchObject({ code: "CUDA_ERROR_LAUNCH_FAILED", number: 719 })
    })
    expect(context.isLost()).toBe(true)
    for (const use of [launch, () => context.synchronize(), () => context.fill(memory, 0, 0, 1)])
      expect(use).toThrow(/lost.*CUDA_ERROR_LAUNCH_FAILED/)
    const again = loadDriver().open(0)
    again.fill(again.allocate(16), 0, 0, 16)
    again.synchronize()
    expect(context.isLost()).toBe(true)
    context.dispose()
    again.synchronize()
    again.dispose()
  })

  it("is not taken down by a launch that the driver refuses", () =>
    onContext((context) =>
      withSettings({ FAIL_LAUNCH: "701!" }, () => {
        const kernel = context.function(context.loadModule(PTX), "nothing", 32, 0)
        expect(() => context.launch(kernel, [1, 1, 1], new Uint8Array(0), 0, [], new Float64Array(0))).toThrow(
          /cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES \(701\)/,
        )
        expect(context.isLost()).toBe(false)
      }),
    ))
})

describe("recordings", () => {
  it("are queued again", () =>
    onContext((context) => {
      const memory = context.allocate(4)
      context.fill(memory, 0, 0, 4)
      context.beginCapture()
      expect(() => context.beginCapture()).toThrow("while launches are recorded")
      expect(() => context.synchronize()).toThrow("to wait is not possible while launches are recorded")
      context.fill(memory, 1, 5, 2)
      const graph = context.endCapture()
      expect(() => context.endCapture()).toThrow("nothing is recorded")
      expect(bytesOf(context, memory, 0, 4)).toEqual([0, 0, 0, 0])
      context.replay(graph)
      expect(bytesOf(context, memory, 0, 4)).toEqual([0, 5, 5, 0])
      context.destroyGraph(graph)
      expect(() => context.replay(graph)).toThrow("this DriverGraph was given back")
    }))

  it("end with their context", () => {
    const context = loadDriver().open(0)
    context.beginCapture()
    context.dispose()
    onContext((other) => other.synchronize())
  })
})
