/** What devices hold. */
import type { MemoryStats } from "./backend.ts"
import { type Device, deviceByName, getDefaultDevice } from "./device.ts"

/** Live, pooled and peak bytes of a device, by default of the default one. */
export const memoryStats = (device: string | Device = getDefaultDevice()): MemoryStats =>
  deviceByName("memoryStats", device).backend.memoryStats()
