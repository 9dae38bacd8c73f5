/** Choosing a device by what the machine has. */
import { BACKENDS, type BackendChoice, deviceAdvice, installCommand } from "@taeda/choices"
import { type Device, open, setDefaultDevice as setDevice } from "@taeda/core"

/** What a backend's trial gave: it works here, or the reason why not. */
export interface DeviceReport {
  readonly choice: BackendChoice
  readonly device: Device | null
  /** Why there is none; empty where there is. */
  readonly reason: string
  /** The command that installs it; empty where that would not help. */
  readonly install: string
}

/** Tries every backend, the fastest first. Nothing is thrown for those that this machine lacks. */
export async function devices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = []
  for (const choice of [...BACKENDS].sort((a, b) => b.rank - a.rank)) {
    const install = choice.published ? installCommand(choice) : ""
    try {
      reports.push({ choice, device: await open(choice.device), reason: "", install })
    } catch (error) {
      reports.push({ choice, device: null, reason: choice.published ? (error as Error).message : "not released yet", install })
    }
  }
  return reports
}

/**
 * Opens a device and makes it the default: "cpu", "wasm", "webgpu", "cuda", "cuda:1", or "auto" for the fastest that works
 * here. Rejects, changing nothing, where the machine or the package is missing, with what to do.
 */
export async function setDefaultDevice(name: string | Device): Promise<Device> {
  if (name !== "auto") return setDevice(name)
  const best = (await devices()).find((r) => r.device)
  if (!best?.device) throw new Error(`setDefaultDevice: no backend works here; ${deviceAdvice("cpu")}`)
  return setDevice(best.device)
}
