/** Tells how devices are opened, in place of core's, which knows no platform. */
import type { Backend } from "@taeda/core"
import * as core from "@taeda/core"
import { connectHost } from "./host.ts"

/** Has the platform help with the memory of a backend, where the engine's collector does not know that. */
async function attend(backend: Backend): Promise<void> {
  if (!backend.capabilities.collectedMemory) await connectHost()
}

async function openAttended(open: Opening["open"], index: number): Promise<Backend> {
  const backend = await open(index)
  await attend(backend)
  return backend
}

function openAttendedSync(open: () => Backend): Backend {
  const backend = open()
  void attend(backend)
  return backend
}

/** How a device is opened; `openSync` does it without waiting, where that is possible. */
export type Opening = Exclude<Parameters<typeof core.registerBackend>[1], (index: number) => unknown>

/**
 * Tells how a device is opened: for a backend of one's own, and for a package that a bundler is to bring along. `name` is
 * what `setDefaultDevice` takes; `open` is given the number of "cuda:1". A later registration of the same name replaces
 * the former for later openings.
 */
export function registerBackend(name: string, opening: Opening | Opening["open"]): void {
  const { open, openSync }: Opening = typeof opening === "function" ? { open: opening } : opening
  core.registerBackend(name, {
    open: (index) => openAttended(open, index),
    ...(openSync && { openSync: () => openAttendedSync(openSync) }),
  })
}
