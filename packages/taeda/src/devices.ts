/** Choosing a device by what the machine has. */
import { BACKENDS, type BackendChoice, deviceAdvice, installCommand } from "@taeda/choices"
import type { Device } from "@taeda/core"
import * as core from "@taeda/core"

/** What a backend's trial gave: it works here, or the reason why not. */
export interface DeviceReport {
  readonly choice: BackendChoice
  readonly device: Device | null
  /** What it is here: which SIMD, how many threads, and why no more; empty where there is none. */
  readonly notes: readonly string[]
  /** Why there is none; empty where there is. */
  readonly reason: string
  /** The command that installs it. */
  readonly install: string
}

const FASTEST_FIRST = [...BACKENDS].sort((a, b) => b.rank - a.rank)

async function trial(choice: BackendChoice): Promise<DeviceReport> {
  const install = installCommand(choice)
  try {
    const device = await core.open(choice.device)
    return { choice, device, notes: device.backend.capabilities.notes, reason: "", install }
  } catch (error) {
    return { choice, device: null, notes: [], reason: (error as Error).message, install }
  }
}

/** Whether a device works that the processor only imitates, slower than it computes by itself. */
const isImitated = (device: Device | null): boolean => device?.backend.capabilities.software ?? false

/** Tries every backend, the fastest first, those that are imitated last. Nothing is thrown for those that this machine lacks. */
export async function devices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  // One after the other: two that share a GPU would get in each other's way.
  for (const choice of FASTEST_FIRST) reports.push(await trial(choice))
  return reports.sort((a, b) => Number(isImitated(a.device)) - Number(isImitated(b.device)))
}

/**
 * Opens a device and makes it the default: "cpu", "wasm", "webgpu", "cuda", "cuda:1", or "auto" for the fastest that works
 * here; a GPU that the processor imitates only where nothing else does. Rejects, changing nothing, where the machine or the
 * package is missing, with what to do.
 */
export async function setDefaultDevice(name: string | Device): Promise<Device> {
  if (name !== "auto") return core.setDefaultDevice(name)
  let imitated: Device | null = null
  for (const choice of FASTEST_FIRST) {
    const { device } = await trial(choice)
    if (device && !isImitated(device)) return core.setDefaultDevice(device)
    imitated ??= device
  }
  if (imitated) return core.setDefaultDevice(imitated)
  throw new Error(`setDefaultDevice: no backend works here; ${deviceAdvice("cpu")}`)
}
