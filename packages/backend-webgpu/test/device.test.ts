/** What an opened device says of itself. */
import { describe, expect, it } from "vitest"
import { openDevice } from "../src/device.ts"
import type { AdapterInfo, GpuAdapter, GpuDevice, SupportedLimits } from "../src/gpu.ts"
import { backend } from "./harness.ts"

const LIMITS = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 128 } as SupportedLimits

const adapter = (info: Partial<AdapterInfo>, isFallbackAdapter?: boolean): GpuAdapter => ({
  info: { vendor: "", architecture: "", device: "", description: "", ...info },
  isFallbackAdapter,
  limits: LIMITS,
  features: new Set(["subgroups"]),
  requestDevice: async ({ requiredFeatures }) =>
    ({ limits: LIMITS, features: new Set(requiredFeatures) }) as unknown as GpuDevice,
})

describe("a GPU that the processor plays", () => {
  it.each([
    ["says so", adapter({ vendor: "google", architecture: "swiftshader", isFallbackAdapter: true })],
    ["said so of the adapter", adapter({}, true)],
    ["is Chromium's", adapter({ vendor: "google", architecture: "swiftshader" })],
    ["is Mesa's", adapter({ vendor: "mesa", description: "llvmpipe (LLVM 19.1.7, 256 bits)" })],
    ["is Windows's", adapter({ vendor: "microsoft", description: "Microsoft Basic Render Driver" })],
  ])("%s", async (_, from) => {
    const { software, notes } = await openDevice(from, true)
    expect(software).toBe(true)
    expect(notes).toContain("in software: the processor computes")
  })

  it.each([
    ["has a name", adapter({ vendor: "nvidia", architecture: "ampere", description: "NVIDIA A10" })],
    ["denies it", adapter({ vendor: "apple", architecture: "metal-3", isFallbackAdapter: false }, false)],
    ["says nothing", adapter({})],
  ])("is none that %s", async (_, from) => {
    const { software, notes } = await openDevice(from, true)
    expect(software).toBe(false)
    expect(notes.join()).not.toContain("software")
  })

  it("is known by what Dawn says", () => {
    const { software, notes } = backend.capabilities
    expect(software).toBe(/swiftshader|llvmpipe/i.test(notes[0]))
  })
})

describe("a device", () => {
  it("has the features that kernels use, and the smaller limit of a workgroup's size", async () => {
    const { limits } = await openDevice(adapter({}), true)
    expect(limits).toMatchObject({ shaderF16: false, invocations: 128 })
  })

  it.each([
    [true, adapter({ vendor: "nvidia", architecture: "ampere" })],
    [true, adapter({})],
    [false, adapter({ vendor: "arm", architecture: "valhall" })],
    [false, adapter({ vendor: "google", architecture: "swiftshader" })],
  ])("stages tiles in workgroup memory: %s, unless told", async (staging, from) => {
    expect((await openDevice(from, true)).limits.staging).toBe(staging)
    expect((await openDevice(from, true, "staged")).limits.staging).toBe(true)
    expect((await openDevice(from, true, "direct")).limits.staging).toBe(false)
  })

  it.each([
    [32, "subgroups", adapter({ subgroupMaxSize: 32 }), true],
    [128, "subgroups", adapter({}), true],
    [0, "no subgroups", adapter({ subgroupMaxSize: 32 }), false],
    [0, "no subgroups", { ...adapter({ subgroupMaxSize: 32 }), features: new Set<string>() }, true],
  ])("has subgroups of up to %i, and says: %s", async (size, note, from, allowed) => {
    const { limits, notes } = await openDevice(from, allowed)
    expect(limits.subgroups).toBe(size)
    expect(notes).toContain(note)
  })
})
