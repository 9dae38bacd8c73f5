/** Tells how devices are opened, in place of core's, which knows no platform. */
import { type Backend, registerBackend as inCore } from "@taeda/core"
import { connectHost } from "./host.ts"

/** A backend that was opened, with the platform's help for its memory, where the engine's collector does not know that. */
function attended(backend: Backend): Backend {
  if (!backend.capabilities.collectedMemory) connectHost()
  return backend
}

/** How a device is opened; `openSync` does it without waiting, where that is possible. */
export type Opening = Exclude<Parameters<typeof inCore>[1], (index: number) => unknown>

/**
 * Tells how a device is opened: for a backend of one's own, and for a package that a bundler is to bring along. `name` is
 * what `setDefaultDevice` takes; `open` is given the number of "cuda:1". A later registration of the same name replaces the former for later openings.
 */
export function registerBackend(name: string, opening: Opening | Opening["open"]): void {
  const { open, openSync }: Opening = typeof opening === "function" ? { open: opening } : opening
  inCore(name, {
    open: async (index) => attended(await open(index)),
    ...(openSync && { openSync: () => attended(openSync()) }),
  })
}
