import { BACKENDS } from "@taeda/choices"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import * as torch from "../src/index.ts"

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
  for (const { choice, device, notes, reason, install } of reports) {
    expect(device === null).toBe(reason !== "")
    expect(notes).toEqual(device?.backend.capabilities.notes ?? [])
    // A command is never shown for a package that nobody can install.
    expect(install === "").toBe(!choice.published)
    if (!choice.published) expect([device, reason]).toEqual([null, "not released yet"])
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

const unreleased = BACKENDS.filter((b) => !b.published)

test.each(unreleased)(
  "$device: a backend that is not released says so, without a command",
  async ({ device, name }) => {
    const message = `no device "${device}" here: its backend, ${name}, is not released yet; use "cpu"`
    for (const way of Object.values(ways)) await expect(way(device)).rejects.toThrow(message)
    expect(() => torch.ones(2).to(device)).toThrow(`await open("${device}") first`)
    expect(torch.getDefaultDevice()).toBe(before)
  },
)

test("a numbered device belongs to its backend", async () => {
  await expect(torch.open("cuda:1")).rejects.toThrow(/cuda:1.*cuda, is not released yet/)
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
