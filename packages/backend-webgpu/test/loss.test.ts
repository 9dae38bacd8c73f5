/** Devices that go away while they are in use: real ones, destroyed behind the backend's back. */
import "@taeda/core/methods"
import {
  add,
  deviceOf,
  dispose,
  getDefaultDevice,
  ones,
  open,
  registerBackend,
  setDefaultDevice,
  tensor,
} from "@taeda/core"
import { afterAll, describe, expect, it } from "vitest"
import { WebGpuError } from "../src/errors.ts"
import { createWebGpu, type WebGpuBackend } from "../src/index.ts"
import { grasped } from "./grasped.ts"

const { gpu, devices } = await grasped()
const backends: WebGpuBackend[] = []
const create = async (): Promise<WebGpuBackend> => {
  const backend = await createWebGpu({ gpu })
  backends.push(backend)
  return backend
}
afterAll(() => {
  for (const backend of backends) backend.dispose()
})

/** Takes the device of the backend that was opened last away. */
async function lose(): Promise<void> {
  const device = devices[devices.length - 1]
  device.destroy()
  await device.lost
}

const LOST =
  /^webgpu: the device was lost \(.+\), and with it the values of all tensors on it\. Open a new one \(await setDefaultDevice\("webgpu"\)\)/

describe("a device that goes away", () => {
  it("takes its tensors with it, which say so at every use; opening it again makes a new one", async () => {
    registerBackend("webgpu", create)
    const first = await setDefaultDevice("webgpu")
    const old = tensor([1, 2, 3])
    expect(await old.add(1).toArray()).toEqual([2, 3, 4])
    await lose()
    expect(first.backend.lost).toBe(true)
    for (const _ of [1, 2]) {
      expect(() => old.add(1)).toThrow(LOST)
      expect(() => ones([2])).toThrow(LOST)
      await expect(old.data()).rejects.toThrow(LOST)
      await expect(first.backend.synchronize()).rejects.toThrow(LOST)
    }
    const second = await setDefaultDevice("webgpu")
    expect(second).not.toBe(first)
    expect(await open("webgpu")).toBe(second)
    expect(getDefaultDevice()).toBe(second)
    const fresh = tensor([1, 2, 3])
    expect(await fresh.add(1).toArray()).toEqual([2, 3, 4])
    expect(() => old.add(1)).toThrow(LOST)
    expect(() => add(fresh, old)).toThrow("found float32[3] on webgpu and float32[3] on webgpu (lost)")
    expect(await fresh.sum().item()).toBe(6)
  })

  it.each([
    ["reads", (b: WebGpuBackend, buffer: object) => b.read(buffer, 0, 64)],
    ["waits", (b: WebGpuBackend) => b.synchronize()],
  ] as const)("rejects the %s that are pending", async (_, pending) => {
    const backend = await create()
    const buffer = backend.allocate(64, "float32")
    backend.write(buffer, new Uint8Array(64))
    const waiting = [1, 2, 3].map(() => pending(backend, buffer).catch((e: unknown) => e as Error))
    const lost = lose()
    for (const error of await Promise.all(waiting)) {
      expect(error).toBeInstanceOf(WebGpuError)
      expect((error as Error).message).toMatch(LOST)
    }
    await lost
  })

  it("rejects what is pending when the backend is disposed, in other words", async () => {
    const backend = await create()
    const buffer = backend.allocate(64, "float32")
    const waiting = backend.read(buffer, 0, 64)
    backend.dispose()
    await expect(waiting).rejects.toThrow("webgpu: the backend was disposed before this was done")
    expect(backend.lost).toBe(false)
    await expect(backend.read(buffer, 0, 64)).rejects.toThrow("the backend was disposed; open a new one")
  })

  it("lets tensors be freed that it had, and backends be disposed", async () => {
    const backend = await create()
    const device = deviceOf(backend)
    const x = ones([4], { device })
    await lose()
    dispose(x)
    backend.dispose()
    backend.dispose()
  })

  it("leaves nothing waiting that warms kernels", async () => {
    const backend = await create()
    const device = devices[devices.length - 1]
    device.destroy()
    await device.lost
    await expect(backend.warm([])).rejects.toThrow(LOST)
  })
})
