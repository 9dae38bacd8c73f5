/**
 * Tells core how devices are opened: cpu-js is here and opens by itself at the first op, wasm-simd comes along and is loaded
 * when somebody asks for it; the others are packages that may be installed or not. Nothing is opened by importing this.
 */
import { createCpuJs } from "@taeda/backend-cpu-js"
import { BACKENDS, type BackendChoice, deviceAdvice } from "@taeda/choices"
import { type Backend, registerBackend as inCore, onUnknownDevice } from "@taeda/core"
import { connectHost } from "./host.ts"

/** Loads a backend's package, saying what installs it where it is absent. */
async function load(choice: BackendChoice): Promise<Backend> {
  let found: { open(): Promise<Backend> }
  try {
    // A variable, so that bundlers leave alone what is not installed.
    const name = choice.package
    found = (await import(/* @vite-ignore */ name)) as typeof found
  } catch (error) {
    throw new Error(`no device ${JSON.stringify(choice.device)} here: ${deviceAdvice(choice.device)}`, { cause: error })
  }
  return found.open()
}

/** A backend that was opened, with the platform's help for its memory, where the engine's collector does not know that. */
function attended(backend: Backend): Backend {
  if (!backend.capabilities.collectedMemory) connectHost()
  return backend
}

/** How a device is opened; `openSync` does it without waiting, where that is possible. */
type Opening = Exclude<Parameters<typeof inCore>[1], () => unknown>

/**
 * Tells how a device is opened: for a backend of one's own, and for a package that a bundler is to bring along. `name` is
 * what `setDefaultDevice` takes. A later registration of the same name replaces the former for later openings.
 */
export function registerBackend(name: string, opening: Opening | Opening["open"]): void {
  const { open, openSync }: Opening = typeof opening === "function" ? { open: opening } : opening
  inCore(name, {
    open: async () => attended(await open()),
    ...(openSync && { openSync: () => attended(openSync()) }),
  })
}

/** The backends that are dependencies of this package. */
const INCLUDED: Readonly<Partial<Record<BackendChoice["name"], Opening>>> = {
  "cpu-js": { openSync: () => createCpuJs(), open: async () => createCpuJs() },
  // Named outright, so that bundlers make a part of its own of it.
  "wasm-simd": { open: async () => (await import("@taeda/backend-wasm-simd")).open() },
}

for (const choice of BACKENDS) registerBackend(choice.device, INCLUDED[choice.name] ?? (() => load(choice)))

onUnknownDevice(deviceAdvice)
