/** Devices around cpu-js that lack something or count. */

import { createCpuJs } from "@taeda/backend-cpu-js"
import { type Backend, type Buffer, type Device, deviceOf } from "@taeda/core"

/** A device that only reads asynchronously, as a GPU's does. */
export function nonReading(): Device {
  const { readSync: _, ...backend } = createCpuJs()
  return deviceOf({ ...backend, name: "blind", capabilities: { ...backend.capabilities, syncRead: false } })
}

export interface Counted {
  readonly device: Device
  /** Buffers that are allocated and not freed. */
  live(): number
}

/** A device whose memory the engine's collector does not free. */
export function counted(): Counted {
  const backend: Backend = createCpuJs()
  const alive = new Set<Buffer>()
  const device = deviceOf({
    ...backend,
    name: "counted",
    capabilities: { ...backend.capabilities, collectedMemory: false },
    allocate(bytes, dtype) {
      const buffer = backend.allocate(bytes, dtype)
      alive.add(buffer)
      return buffer
    },
    free(buffer) {
      if (!alive.delete(buffer)) throw new Error("a buffer was freed twice")
      backend.free(buffer)
    },
  })
  return { device, live: () => alive.size }
}
