/** Devices that the processor imitates: a GPU of which everything is there but the machine. */
import { createCpuJs } from "@taeda/backend-cpu-js"
import type { Backend } from "@taeda/core"
import { expect, test } from "vitest"
import * as torch from "../src/index.ts"

const NAME = "gpu in software"

function imitated(): Backend {
  const backend = createCpuJs()
  return { ...backend, name: NAME, capabilities: { ...backend.capabilities, software: true, notes: ["in software"] } }
}

// Before anybody opens one in this process: each is opened once.
torch.registerBackend("webgpu", async () => imitated())

test('"auto" takes one where nothing else works', async () => {
  const gone = async () => {
    throw new Error("not on this machine")
  }
  torch.registerBackend("wasm", gone)
  torch.registerBackend("cpu", gone)
  expect((await torch.setDefaultDevice("auto")).backend.name).toBe(NAME)
})

test('"auto" passes over them for anything that works', async () => {
  torch.registerBackend("cpu", async () => createCpuJs())
  expect((await torch.setDefaultDevice("auto")).name).toBe("cpu")
})

test("devices() has them last, and they work", async () => {
  const reports = await torch.devices()
  expect(reports.map(({ choice }) => choice.device)).toEqual(["cuda", "wasm", "cpu", "webgpu"])
  const { device, notes } = reports[3]
  expect(device?.backend.name).toBe(NAME)
  expect(notes).toEqual(["in software"])
})

test("by its name such a device is taken", async () => {
  const device = await torch.setDefaultDevice("webgpu")
  expect(device.backend.name).toBe(NAME)
  expect(torch.ones(1).device).toBe(device)
})
