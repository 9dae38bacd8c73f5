/** The namespace `cuda` where there are GPUs: those of the emulator. */
import { emulated } from "@taeda/cuda-addon"
import * as torch from "taeda"
import { expect, test, vi } from "vitest"

vi.mock("@taeda/backend-cuda", async (importOriginal) => {
  const original = await importOriginal<typeof import("@taeda/backend-cuda")>()
  return { ...original, devices: () => emulated().then(original.devices) }
})

const { cuda } = torch

test("GPUs are found, counted and described", async () => {
  process.env.CUDA_EMULATOR_DEVICES = "2"
  process.env.CUDA_EMULATOR_CAPABILITY = "8.6"
  expect(await cuda.isAvailable()).toBe(true)
  expect(await cuda.deviceCount()).toBe(2)
  expect(await cuda.getDeviceCapability(1)).toEqual([8, 6])
  expect(await cuda.getDeviceName()).toMatch(/^Emulated /)
  const { totalMemory, multiProcessorCount, uuid } = await cuda.getDeviceProperties(1)
  expect(totalMemory).toBe(8 * 2 ** 30)
  expect(multiProcessorCount).toBeGreaterThan(0)
  expect(uuid).toMatch(/^GPU-[0-9a-f-]{36}$/)
  await expect(cuda.getDeviceProperties(2)).rejects.toThrow("cuda.getDeviceProperties: no device 2; there are 2")
})
