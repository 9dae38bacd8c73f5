/** The namespace `cuda` where there is none. With one, it is tested in tooling/conformance. */
import { expect, test, vi } from "vitest"
import * as torch from "../src/index.ts"

// The workspace has the package; users may not.
vi.mock("@taeda/backend-cuda", () => {
  throw new Error("not installed")
})

const { cuda } = torch

test("no package, no GPU: that is no error", async () => {
  expect(await cuda.deviceCount()).toBe(0)
  expect(await cuda.isAvailable()).toBe(false)
})

test("questions about a GPU say what installs the package", async () => {
  const command = "cuda: install it with: npm install taeda @taeda/backend-cuda"
  for (const ask of [cuda.getDeviceProperties, cuda.getDeviceName, cuda.getDeviceCapability])
    await expect(ask()).rejects.toThrow(command)
})

test("a device that is not open is named, and what opens it", async () => {
  const words = 'cuda.memoryStats: device "cuda:0" is not open yet; await open("cuda:0") first'
  for (const ask of [cuda.memoryStats, cuda.memoryAllocated, cuda.maxMemoryReserved]) expect(() => ask()).toThrow(words)
  for (const ask of [cuda.libraries, () => cuda.useLibraries("none")])
    expect(() => ask()).toThrow('device "cuda:0" is not open yet')
  const { cudnn } = torch.backends
  for (const ask of [cudnn.isAvailable, cudnn.version, () => cudnn.enabled, () => (cudnn.enabled = false)])
    expect(() => ask()).toThrow(/^backends\.cudnn\.\w+: device "cuda:0" is not open yet/)
  expect(() => cuda.emptyCache(1)).toThrow('device "cuda:1" is not open yet')
  await expect(cuda.synchronize("cuda:2")).rejects.toThrow('device "cuda:2" is not open yet')
  expect(() => cuda.memoryStats("cpu")).toThrow("cuda.memoryStats: cpu is no device of cuda")
  expect(() => new cuda.Event().record()).toThrow('cuda.Event.record: device "cuda:0" is not open yet')
  expect(() => cuda.graph(new cuda.CUDAGraph(), () => {})).toThrow("is not open yet")
})

test("what was not recorded says so", () => {
  const [event, graph] = [new cuda.Event(), new cuda.CUDAGraph()]
  expect(event.query()).toBe(true)
  event.synchronize()
  expect(() => event.elapsedTime(new cuda.Event())).toThrow("cuda.Event.elapsedTime: record() was not called")
  expect(() => graph.replay()).toThrow("nothing was recorded")
  graph.reset()
})

test("backends.cuda.matmul.allowTf32 is the precision of float32 products", () => {
  const { matmul } = torch.backends.cuda
  expect(matmul.allowTf32).toBe(false)
  matmul.allowTf32 = true
  expect(torch.getFloat32MatmulPrecision()).toBe("high")
  torch.setFloat32MatmulPrecision("medium")
  expect(matmul.allowTf32).toBe(true)
  matmul.allowTf32 = false
  expect(torch.getFloat32MatmulPrecision()).toBe("highest")
})
