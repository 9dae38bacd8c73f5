/** Choosing a device by what the machine has. */
import { BACKENDS, type BackendChoice, deviceAdvice, installCommand } from "@taeda/choices"
import { type Device, open, setDefaultDevice as setDevice } from "@taeda/core"

/** What a backend's trial gave: it works here, or the reason why not. */
export interface DeviceReport {
  readonly choice: BackendChoice
  readonly device: Device | null
  /** What it is here: which SIMD, how many threads, and why no more; empty where there is none. */
  readonly notes: readonly string[]
  /** Why there is none; empty where there is. */
  readonly reason: string
  /** The command that installs it; empty where nobody can. */
  readonly install: string
}

const FASTEST_FIRST = [...BACKENDS].sort((a, b) => b.rank - a.rank)

async function trial(choice: BackendChoice): Promise<DeviceReport> {
  const install = choice.published ? installCommand(choice) : ""
  try {
    const device = await open(choice.device)
    return { choice, device, notes: device.backend.capabilities.notes, reason: "", install }
  } catch (error) {
    const reason = choice.published ? (error as Error).message : "not released yet"
    return { choice, device: null, notes: [], reason, install }
  }
}

/** Tries every backend, the fastest first. Nothing is thrown for those that this machine lacks. */
export async function devices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  // One after the other: two that share a GPU would get in each other's way.
  for (const choice of FASTEST_FIRST) reports.push(await trial(choice))
  return reports
}

/**
 * Opens a device and makes it the default: "cpu", "wasm", "webgpu", "cuda", "cuda:1", or "auto" for the fastest that works
 * here. Rejects, changing nothing, where the machine or the package is missing, with what to do.
 */
export async function setDefaultDevice(name: string | Device): Promise<Device> {
  if (name !== "auto") return setDevice(name)
  for (const choice of FASTEST_FIRST) {
    const { device } = await trial(choice)
    if (device) return setDevice(device)
  }
  throw new Error(`setDefaultDevice: no backend works here; ${deviceAdvice("cpu")}`)
}
