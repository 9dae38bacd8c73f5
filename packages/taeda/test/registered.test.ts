/** Devices that a user registers. */
import { createCpuJs } from "@taeda/backend-cpu-js"
import type { Backend } from "@taeda/core"
import { expect, test, vi } from "vitest"
import { connectHost } from "../src/host.ts"
import * as torch from "../src/index.ts"

vi.mock("../src/host.ts", () => ({ connectHost: vi.fn() }))

function backend(collectedMemory: boolean): Backend {
  const cpu = createCpuJs()
  return { ...cpu, capabilities: { ...cpu.capabilities, collectedMemory } }
}

test("the platform helps with memory that the engine's collector does not know, and only then", async () => {
  torch.registerBackend("collected", async () => backend(true))
  await torch.open("collected")
  expect(connectHost).not.toHaveBeenCalled()
  torch.registerBackend("far", async () => backend(false))
  await torch.open("far")
  expect(connectHost).toHaveBeenCalledOnce()
})

test("one that opens without waiting does so at the first op", () => {
  torch.registerBackend("cpu", { openSync: () => backend(false), open: async () => backend(false) })
  vi.mocked(connectHost).mockClear()
  expect(torch.ones(2).device.name).toBe("cpu")
  expect(connectHost).toHaveBeenCalledOnce()
})
