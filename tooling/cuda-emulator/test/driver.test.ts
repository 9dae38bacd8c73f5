import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { drive, module, run, type Step } from "./run.ts"

const open: Step[] = [
  [0, "cuInit", 0],
  [0, "cuDevicePrimaryCtxRetain", "&context", 0],
  [0, "cuCtxSetCurrent", "=context"],
]
const stream: Step[] = [...open, [0, "cuStreamCreate", "&stream", 1]]
const number = (bytes: Buffer): bigint => bytes.readBigUInt64LE()
const INVALID_VALUE = 1
const NOT_READY = 600

describe("settings", () => {
  test("the driver's version, devices, capability and memory", async () => {
    const steps: Step[] = [
      [0, "cuInit", 0],
      [0, "cuDriverGetVersion", "&version"],
      [0, "cuDeviceGetCount", "&count"],
      [0, "cuDeviceGetAttribute", "&major", 75, 1],
      [0, "cuDeviceGetAttribute", "&minor", 76, 1],
      [0, "cuDeviceTotalMem_v2", "&total", 1],
      [101, "cuDeviceGet", "&device", 2],
      ["show", "version"], ["show", "count"], ["show", "major"], ["show", "minor"], ["show", "total"],
    ] // biome-ignore format: a sequence
    const env = {
      CUDA_EMULATOR_DRIVER_VERSION: "12040",
      CUDA_EMULATOR_DEVICES: "2",
      CUDA_EMULATOR_CAPABILITY: "8.6",
      CUDA_EMULATOR_MEMORY: "1000000",
    }
    expect((await drive(steps, env)).map(number)).toEqual([12040n, 2n, 8n, 6n, 1000000n])
  })

  test("no device, and an initialisation that fails", async () => {
    await drive([[100, "cuInit", 0]], { CUDA_EMULATOR_DEVICES: "0" })
    await drive([[803, "cuInit", 0]], { CUDA_EMULATOR_FAIL_INIT: "803" })
    await drive([[3, "cuDeviceGetCount", "&count"]])
  })

  test("memory ends", async () => {
    const steps: Step[] = [
      ...open,
      [0, "cuMemAlloc_v2", "&a", 600],
      [2, "cuMemAlloc_v2", "&b", 500],
      [0, "cuMemGetInfo_v2", "&free", "&total"],
      ["show", "free"],
      [0, "cuMemFree_v2", "=a"],
      [0, "cuMemAlloc_v2", "&b", 500],
    ]
    expect((await drive(steps, { CUDA_EMULATOR_MEMORY: "1000" })).map(number)).toEqual([400n])
  })

  test("launches that fail, on the device or at once", async () => {
    const job = { ptx: module(".visible .entry k() { ret; }"), launches: [{ entry: "k", params: [] }] }
    await run(job)
    await expect(run({ ...job, env: { CUDA_EMULATOR_FAIL_LAUNCH: "719" } })).rejects.toMatchObject({
      number: 719,
      message: "kernel k: the launch was to fail",
    })
    await expect(run({ ...job, env: { CUDA_EMULATOR_FAIL_LAUNCH: "701!" } })).rejects.toMatchObject({
      number: 701,
      message: "at the launch",
    })
    await run({ ...job, env: { CUDA_EMULATOR_FAIL_LAUNCH: "719:other" } })
  })

  test("the texts of modules are kept, each once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taeda-modules-"))
    const texts = ["one", "other"].map((name) => module(`.visible .entry ${name}() { ret; }`))
    try {
      for (const ptx of [...texts, ...texts]) await run({ ptx, env: { CUDA_EMULATOR_SAVE: folder } })
      const saved = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"))
      expect(saved.sort()).toEqual(texts.sort())
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe("modules", () => {
  const load = (ptx: string, env?: Record<string, string>) => run({ ptx, env })
  const kernel = (body: string) =>
    module(`.visible .entry k(.param .u64 p) {\n.reg .b32 %r<4>; .reg .b64 %rd<2>; .reg .pred %q;\n${body}\n}`)

  test.each([
    [
      "an unknown instruction",
      kernel("frobnicate.b32 %r1, %r2;"),
      /line 6; error {3}: unknown instruction 'frobnicate.b32'/,
    ],
    ["an unknown modifier", kernel("add.rq.s32 %r1, %r2, %r3;"), /line 6; .*unknown modifier '.rq'/],
    ["an unknown register", kernel("add.s32 %r1, %r2, %r9;"), /'%r9' is no register/],
    ["a register of another width", kernel("add.s32 %r1, %r2, %rd1;"), /'%rd1' has 64 bits/],
    ["an unknown label", kernel("bra NOWHERE;"), /unknown label 'NOWHERE'/],
    ["a missing semicolon", kernel("add.s32 %r1, %r2, %r3"), /line 6; .*';' is missing/],
    ["too few operands", kernel("add.s32 %r1, %r2;"), /has 2 operands/],
    ["a type that there is not", kernel("add.s8 %r1, %r2, %r3;"), /line 6/],
    ["an unknown function", kernel("call nobody, ();"), /unknown function 'nobody'/],
    ["a mistake in a function that nobody calls", module(".func f() {\n.reg .b32 %r;\nadd.s32 %r, %r;\n}"), /line 6/],
    ["no .version", ".target sm_75\n", /no .version/],
  ])("%s", async (_, ptx, message) => {
    await expect(load(ptx)).rejects.toMatchObject({ number: 218, message: expect.stringMatching(message) })
  })

  test("text for a newer driver or a newer device", async () => {
    const env = { CUDA_EMULATOR_DRIVER_VERSION: "11020", CUDA_EMULATOR_CAPABILITY: "8.0" }
    await load(module("", 80, "7.2"), env)
    await expect(load(module("", 80, "7.3"), env)).rejects.toMatchObject({ number: 222 })
    await expect(load(module("", 86), env)).rejects.toMatchObject({ number: 218 })
  })

  test("what a launch may ask for", async () => {
    const ptx = module(".visible .entry k() .reqntid 64, 1, 1 { ret; } .visible .entry m() .maxntid 128 { ret; }")
    const launch = (entry: string, threads: number, sharedBytes = 0) =>
      run({ ptx, launches: [{ entry, threads, sharedBytes, params: [] }] })
    await launch("k", 64)
    await expect(launch("k", 32)).rejects.toMatchObject({ number: INVALID_VALUE })
    await expect(launch("m", 256)).rejects.toMatchObject({ number: INVALID_VALUE })
    await launch("m", 128, 100 << 10)
    await expect(launch("m", 128, 300 << 10)).rejects.toMatchObject({ number: INVALID_VALUE })
    await expect(launch("none", 1)).rejects.toMatchObject({ number: 500 })
  })
})

describe("memory", () => {
  test("copies, fills and their bounds", async () => {
    const steps: Step[] = [
      ...stream,
      [0, "cuMemAlloc_v2", "&a", 64],
      [0, "cuMemAlloc_v2", "&b", 64],
      ["fill", "from", 7],
      [0, "cuMemcpyHtoDAsync_v2", "=a", "#from", 64, "=stream"],
      [0, "cuMemcpyDtoDAsync_v2", "=b", "=a", 64, "=stream"],
      [0, "cuMemsetD8Async", "=b", 9, 32, "=stream"],
      [0, "cuMemcpyDtoHAsync_v2", "#to", "=b", 64, "=stream"],
      [0, "cuStreamSynchronize", "=stream"],
      ["peek", "to"],
      [0, "cuMemcpyDtoHAsync_v2", "#to", "=a", 65, "=stream"],
      [700, "cuStreamSynchronize", "=stream"],
      [700, "cuMemAlloc_v2", "&c", 4],
      [0, "cuDevicePrimaryCtxRelease_v2", 0],
      [0, "cuDevicePrimaryCtxRetain", "&context", 0],
      [0, "cuMemAlloc_v2", "&c", 4],
    ]
    const [bytes] = await drive(steps)
    expect([...bytes]).toEqual([...Array(32).fill(9), ...Array(32).fill(7)])
  })

  test("new memory and freed memory hold NaN; a second free is refused", async () => {
    const steps: Step[] = [
      ...open,
      [0, "cuMemAlloc_v2", "&a", 64],
      [0, "cuMemcpyDtoH_v2", "#to", "=a", 64],
      ["peek", "to"],
      [0, "cuMemFree_v2", "=a"],
      [INVALID_VALUE, "cuMemFree_v2", "=a"],
      [700, "cuMemcpyDtoH_v2", "#to", "=a", 4],
    ]
    const [bytes] = await drive(steps)
    expect(bytes.readFloatLE(0)).toBeNaN()
  })

  test("pinned memory of the host, and one device's to another's", async () => {
    const steps: Step[] = [
      ...stream,
      [0, "cuMemHostAlloc", "&pinned", 64, 0],
      [0, "cuMemAlloc_v2", "&a", 128],
      [0, "cuMemsetD8Async", "=a", 5, 128, "=stream"],
      [0, "cuDevicePrimaryCtxRetain", "&other", 1],
      [0, "cuCtxSetCurrent", "=other"],
      [0, "cuMemAlloc_v2", "&b", 128],
      [0, "cuMemcpyPeerAsync", "=b", "=other", "=a", "=context", 128, 0],
      [0, "cuMemcpyDtoH_v2", "#to", "=b", 128],
      ["peek", "to"],
      [0, "cuCtxSetCurrent", "=context"],
      [0, "cuMemcpyDtoHAsync_v2", "=pinned", "=a", 128, "=stream"],
      [700, "cuStreamSynchronize", "=stream"],
    ]
    expect([...(await drive(steps, { CUDA_EMULATOR_DEVICES: "2" }))[0]]).toEqual(Array(64).fill(5))
  })
})

describe("two devices", () => {
  const env = { CUDA_EMULATOR_DEVICES: "2", CUDA_EMULATOR_DEFER: "1" }
  const UNSUPPORTED = 217
  const ENABLED = 704
  /** One with `a`, which is filled with 5, and the other, which is current, with `b`. */
  const both: Step[] = [
    ...stream,
    [0, "cuMemAlloc_v2", "&a", 64],
    [0, "cuEventCreate", "&event", 2],
    [0, "cuMemsetD8Async", "=a", 5, 64, "=stream"],
    [0, "cuEventRecord", "=event", "=stream"],
    [0, "cuDevicePrimaryCtxRetain", "&other", 1],
    [0, "cuCtxSetCurrent", "=other"],
    [0, "cuStreamCreate", "&theirs", 1],
    [0, "cuMemAlloc_v2", "&b", 64],
    [0, "cuMemsetD8Async", "=b", 1, 64, "=theirs"],
  ]
  const copy: Step = [0, "cuMemcpyPeerAsync", "=b", "=other", "=a", "=context", 64, "=theirs"]
  const read: Step[] = [
    [0, "cuMemcpyDtoHAsync_v2", "#to", "=b", 64, "=theirs"],
    [0, "cuStreamSynchronize", "=theirs"],
    ["peek", "to"],
  ]
  const firstOf = async (steps: readonly Step[]): Promise<number> => (await drive(steps, env))[0][0]

  test("wait for each other by events alone", async () => {
    const wait: Step = [0, "cuStreamWaitEvent", "=theirs", "=event", 0]
    expect(await firstOf([...both, wait, copy, ...read])).toBe(5)
    // Memory that was not filled yet.
    expect(await firstOf([...both, copy, ...read])).toBe(255)
  })

  test("wait for what an event stood for when they were told to", async () => {
    const steps: Step[] = [
      ...both,
      [0, "cuStreamWaitEvent", "=theirs", "=event", 0],
      copy,
      [0, "cuCtxSetCurrent", "=context"],
      [0, "cuMemsetD8Async", "=a", 6, 64, "=stream"],
      [0, "cuEventRecord", "=event", "=stream"],
      [0, "cuCtxSetCurrent", "=other"],
      ...read,
    ]
    expect(await firstOf(steps)).toBe(5)
  })

  test("have memory of their own, and streams and events of their own", async () => {
    const steps: Step[] = [
      ...both,
      [400, "cuEventRecord", "=event", "=theirs"],
      [400, "cuStreamWaitEvent", "=stream", "=event", 0],
      [201, "cuMemcpyPeerAsync", "=b", 0, "=a", "=context", 64, "=theirs"],
      [0, "cuMemcpyPeerAsync", "=b", "=other", "=a", "=other", 64, "=theirs"],
      [700, "cuStreamSynchronize", "=theirs"],
    ]
    await drive(steps, env)
    await drive([...both, [0, "cuMemcpyDtoDAsync_v2", "=b", "=a", 64, "=theirs"], [700, "cuCtxSynchronize"]], env)
  })

  test("reach each other where that is asked for once", async () => {
    const can: Step = [0, "cuDeviceCanAccessPeer", "&can", 0, 1]
    const enable = (result: number): Step => [result, "cuCtxEnablePeerAccess", "=context", 0]
    const self: Step = [201, "cuCtxEnablePeerAccess", "=other", 0]
    const one = await drive([...both, can, ["show", "can"], enable(0), enable(ENABLED), self], env)
    expect(one[0][0]).toBe(1)
    const without = { ...env, CUDA_EMULATOR_PEERS: "0" }
    expect((await drive([...both, can, ["show", "can"], enable(UNSUPPORTED)], without))[0][0]).toBe(0)
  })

  test("are not waited for in a recording", async () => {
    const steps: Step[] = [
      ...both,
      [0, "cuStreamBeginCapture_v2", "=theirs", 2],
      [905, "cuStreamWaitEvent", "=theirs", "=event", 0],
    ]
    await drive(steps, env)
  })
})

describe("streams", () => {
  const deferred = { CUDA_EMULATOR_DEFER: "1" }

  test("what is deferred happens when the host waits, and reads its memory only then", async () => {
    const steps: Step[] = [
      ...stream,
      [0, "cuMemAlloc_v2", "&a", 64],
      ["fill", "from", 1],
      [0, "cuMemcpyHtoDAsync_v2", "=a", "#from", 64, "=stream"],
      // Too early: the copy has not been made.
      ["fill", "from", 2],
      [0, "cuMemcpyDtoHAsync_v2", "#to", "=a", 64, "=stream"],
      ["fill", "to", 3],
      ["peek", "to"],
      [NOT_READY, "cuStreamQuery", "=stream"],
      [0, "cuStreamQuery", "=stream"],
      ["peek", "to"],
    ]
    expect((await drive(steps, deferred)).map((bytes) => bytes[0])).toEqual([3, 2])
    expect((await drive(steps.filter((step) => step[0] !== NOT_READY))).map((bytes) => bytes[0])).toEqual([3, 3])
  })

  test("events pass in order and measure", async () => {
    const steps: Step[] = [
      ...stream,
      [0, "cuEventCreate", "&from", 0],
      [0, "cuEventCreate", "&to", 0],
      [0, "cuEventCreate", "&untimed", 2],
      [400, "cuEventElapsedTime", "&time", "=from", "=to"],
      [0, "cuEventRecord", "=from", "=stream"],
      [0, "cuStreamWaitEvent", "=stream", "=from", 0],
      [0, "cuEventRecord", "=to", "=stream"],
      [NOT_READY, "cuEventElapsedTime", "&time", "=from", "=to"],
      [NOT_READY, "cuEventQuery", "=to"],
      [0, "cuEventQuery", "=to"],
      [0, "cuEventSynchronize", "=from"],
      [0, "cuEventElapsedTime", "&time", "=from", "=to"],
      ["show", "time"],
      [0, "cuEventRecord", "=untimed", "=stream"],
      [400, "cuEventElapsedTime", "&time", "=from", "=untimed"],
      [0, "cuEventDestroy_v2", "=from"],
      [400, "cuEventQuery", "=from"],
    ]
    const [time] = await drive(steps, deferred)
    expect(time.readFloatLE(0)).toBeGreaterThanOrEqual(0)
  })

  test("a function of the host runs in its turn", async () => {
    const steps: Step[] = [
      ...stream,
      [0, "cuLaunchHostFunc", "=stream", "@", "&ran"],
      [0, "cuLaunchHostFunc", "=stream", "@", "&ran"],
      [0, "cuStreamSynchronize", "=stream"],
      ["show", "ran"],
    ]
    expect((await drive(steps)).map(number)).toEqual([2n])
    expect((await drive(steps, deferred)).map(number)).toEqual([2n])
  })

  test("a captured graph does its work at each launch", async () => {
    const steps: Step[] = [
      ...stream,
      [0, "cuMemAlloc_v2", "&a", 64],
      [0, "cuMemsetD8Async", "=a", 0, 64, "=stream"],
      [0, "cuStreamBeginCapture_v2", "=stream", 1],
      [0, "cuMemsetD8Async", "=a", 4, 32, "=stream"],
      [0, "cuStreamEndCapture", "=stream", "&graph"],
      [0, "cuGraphInstantiateWithFlags", "&ready", "=graph", 0],
      [0, "cuGraphDestroy", "=graph"],
      [0, "cuMemcpyDtoH_v2", "#to", "=a", 64],
      ["peek", "to"],
      [0, "cuGraphLaunch", "=ready", "=stream"],
      [0, "cuMemcpyDtoH_v2", "#to", "=a", 64],
      ["peek", "to"],
      [0, "cuGraphExecDestroy", "=ready"],
      [400, "cuGraphLaunch", "=ready", "=stream"],
    ]
    const [before, after] = await drive(steps)
    expect([before[0], before[40], after[0], after[40]]).toEqual([0, 0, 4, 0])
  })

  test("a call that could wait ends a capture", async () => {
    const steps: Step[] = [
      ...stream,
      [900, "cuStreamBeginCapture_v2", 0, 0],
      [0, "cuStreamBeginCapture_v2", "=stream", 0],
      [900, "cuMemAlloc_v2", "&a", 64],
      [901, "cuStreamEndCapture", "=stream", "&graph"],
      [0, "cuMemAlloc_v2", "&a", 64],
      [401, "cuStreamEndCapture", "=stream", "&graph"],
      [0, "cuStreamBeginCapture_v2", "=stream", 2],
      [0, "cuMemAlloc_v2", "&b", 64],
      [0, "cuStreamEndCapture", "=stream", "&graph"],
    ]
    await drive(steps)
  })
})

test("functions are found by their names", async () => {
  const steps: Step[] = [
    [0, "cuGetProcAddress_v2", "$cuMemAlloc", "&function", 12000, 0, "&found"],
    [500, "cuGetProcAddress_v2", "$cuNothing", "&nothing", 12000, 0, "&missing"],
    ["show", "function"],
    ["show", "missing"],
  ]
  const [address, missing] = await drive(steps)
  expect(number(address)).not.toBe(0n)
  expect(missing.readInt32LE(0)).toBe(1)
})
