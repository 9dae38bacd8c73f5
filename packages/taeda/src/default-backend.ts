/**
 * Tells core how devices are opened: cpu-js is here and opens by itself at the first op, wasm-simd comes along and is loaded
 * when somebody asks for it; the others are packages that may be installed or not. Nothing is opened by importing this.
 */
import { createCpuJs } from "@taeda/backend-cpu-js"
import { BACKENDS, type BackendChoice, deviceAdvice } from "@taeda/choices"
import { type Backend, onUnknownDevice } from "@taeda/core"
import { type Opening, registerBackend } from "./register.ts"

/** Loads a backend's package, saying what installs it where it is absent, and opens the device of that number. */
async function load(choice: BackendChoice, index: number): Promise<Backend> {
  let found: { open(index: number): Promise<Backend> }
  try {
    // A variable, so that bundlers leave alone what is not installed.
    const name = choice.package
    found = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as typeof found
  } catch (error) {
    throw new Error(`no device ${JSON.stringify(choice.device)} here: ${deviceAdvice(choice.device)}`, { cause: error })
  }
  return found.open(index)
}

/** The backends that are dependencies of this package. */
const INCLUDED: Readonly<Partial<Record<BackendChoice["name"], Opening>>> = {
  "cpu-js": { openSync: () => createCpuJs(), open: async () => createCpuJs() },
  // Named outright, so that bundlers make a part of its own of it.
  "wasm-simd": { open: async () => (await import("@taeda/backend-wasm-simd")).open() },
}

for (const choice of BACKENDS)
  registerBackend(choice.device, INCLUDED[choice.name] ?? { open: (index) => load(choice, index) })

onUnknownDevice(deviceAdvice)
