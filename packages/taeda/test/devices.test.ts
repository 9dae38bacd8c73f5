import type { Backend } from "@taeda/core"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import * as torch from "../src/index.ts"

// The workspace has the package; users may not.
vi.mock("@taeda/backend-cuda", () => {
  throw new Error("not installed")
})

let before: torch.Device

beforeEach(() => {
  before = torch.getDefaultDevice()
})

afterEach(async () => {
  await torch.setDefaultDevice(before)
})

test("the first op opens cpu-js by itself", () => {
  expect(torch.ones(2).device.name).toBe("cpu")
  expect(torch.getDefaultDevice().backend.name).toBe("cpu-js")
})

test("devices() reports every backend, the fastest first, and only those that are here open", async () => {
  const reports = await torch.devices()
  const isImitated = (r: torch.DeviceReport) => r.device?.backend.capabilities.software ?? false
  const machines = reports.filter((r) => !isImitated(r))
  expect([...machines, ...reports.filter(isImitated)]).toEqual(reports)
  const fastestFirst = ["cuda", "webgpu", "wasm", "cpu"]
  expect(machines.map((r) => r.choice.device)).toEqual(
    fastestFirst.filter((name) => machines.some((r) => r.choice.device === name)),
  )
  expect(reports.map((r) => r.choice.device).toSorted()).toEqual(fastestFirst.toSorted())
  for (const { device, notes, reason, install } of reports) {
    expect(device === null).toBe(reason !== "")
    expect(notes).toEqual(device?.backend.capabilities.notes ?? [])
    expect(install).toMatch(/^npm install taeda/)
  }
  const cpu = reports.find((r) => r.choice.name === "cpu-js")!
  expect(cpu.device).toBe(torch.getDefaultDevice())
  expect(cpu.install).toBe("npm install taeda")
})

test('"auto" takes the fastest backend that works here', async () => {
  const best = (await torch.devices()).find((r) => r.device)!
  const device = await torch.setDefaultDevice("auto")
  expect(device).toBe(best.device)
  expect(torch.ones(1).device).toBe(device)
})

test("a device by name or as it is", async () => {
  const cpu = await torch.open("cpu")
  expect(await torch.setDefaultDevice("cpu")).toBe(cpu)
  expect(await torch.setDefaultDevice(cpu)).toBe(cpu)
})

const ways = {
  open: torch.open,
  setDefaultDevice: torch.setDefaultDevice,
}

test.each(Object.entries(ways))(
  "%s: an unknown device is refused with the known ones, and nothing changes",
  async (_, way) => {
    const error = await way("tpu").catch((e: unknown) => e)
    expect(error).toBeInstanceOf(RangeError)
    expect((error as Error).message).toBe('open: no device "tpu": known devices: cuda, webgpu, wasm, cpu')
    expect(torch.getDefaultDevice()).toBe(before)
  },
)

test("a device whose package is not installed says what installs it, and nothing changes", async () => {
  const message = 'no device "cuda" here: install it with: npm install taeda @taeda/backend-cuda'
  for (const device of ["cuda", "cuda:1"]) {
    for (const way of Object.values(ways)) await expect(way(device)).rejects.toThrow(message)
    expect(() => torch.ones(2).to(device)).toThrow(`await open("${device}") first`)
  }
  expect(torch.getDefaultDevice()).toBe(before)
})

test("devices of one kind are opened by their numbers", async () => {
  const { createCpuJs } = await import("@taeda/backend-cpu-js")
  const numbers: number[] = []
  torch.registerBackend("cuda", async (index) => {
    numbers.push(index)
    return createCpuJs()
  })
  const [first, second] = [await torch.open("cuda"), await torch.open("cuda:1")]
  expect(numbers).toEqual([0, 1])
  expect([first.name, second.name]).toEqual(["cuda:0", "cuda:1"])
  expect(await torch.open("cuda:0")).toBe(first)
  expect(torch.ones(1).to("cuda:1").device).toBe(second)
  for (const name of ["cpu:1", "cuda:x", "cuda:"]) await expect(torch.open(name)).rejects.toThrow(/no device/)
})

test("a backend registered by its user is opened by its name", async () => {
  const { createCpuJs } = await import("@taeda/backend-cpu-js")
  const backend = createCpuJs()
  const opened = vi.fn(async () => backend)
  torch.registerBackend("mine", opened)
  const mine = await torch.setDefaultDevice("mine")
  expect(mine.backend).toBe(backend)
  expect(await torch.open("mine")).toBe(mine)
  expect(opened).toHaveBeenCalledOnce()
  expect(torch.tensor([1, 2]).add(1).toArraySync()).toEqual([2, 3])
})

test("a device whose machine went away is opened anew, and not found without that", async () => {
  const { createCpuJs } = await import("@taeda/backend-cpu-js")
  let lost = false
  const gone = Object.defineProperty(createCpuJs(), "lost", { get: () => lost })
  const backends = [gone, createCpuJs()]
  torch.registerBackend("fragile", async () => backends.shift()!)
  const first = await torch.open("fragile")
  expect(await torch.open("fragile")).toBe(first)
  lost = true
  expect(() => torch.ones(1).to("fragile")).toThrow('await open("fragile") first')
  const second = await torch.setDefaultDevice("fragile")
  expect(second).not.toBe(first)
  expect(torch.ones(1).device).toBe(second)
})

test("devices that know each other copy without the host, others with it", async () => {
  const { createCpuJs } = await import("@taeda/backend-cpu-js")
  const { readSync: _, ...blind } = createCpuJs()
  const source: Backend = { ...blind, capabilities: { ...blind.capabilities, syncRead: false } }
  const inner = createCpuJs()
  const asked: number[][] = []
  const target: Backend = {
    ...inner,
    copyFrom(to, from, buffer, fromByte, bytes) {
      asked.push([fromByte, bytes])
      if (from !== source) return false
      // As a machine would that reaches both.
      const values = Float32Array.of(6, 7)
      inner.write(to, new Uint8Array(values.buffer))
      return buffer instanceof Object
    },
  }
  const { deviceOf } = await import("@taeda/core")
  const [one, other] = [deviceOf(source, "one"), deviceOf(target, "other")]
  const x = torch.tensor([5, 6, 7], { device: one })
  expect(await x.at(torch.slice(1)).to(other).toArray()).toEqual([6, 7])
  expect(await torch.tensor([1, 2]).to(other).toArray()).toEqual([1, 2])
  expect(asked).toEqual([
    [4, 8],
    [0, 8],
  ])
  // The way back is not known.
  expect(await torch.tensor([3], { device: other }).to(one).toArray()).toEqual([3])
  expect(() => x.to("cpu")).toThrow("to: backend cpu-js cannot read synchronously; use tensor(await x.data()")
})
