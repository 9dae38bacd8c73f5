/** WebGPU in Node, through the package `webgpu`. */
import type { Gpu } from "./gpu.ts"
import { noGpu } from "./no-gpu.ts"
import { type Machine, missingVulkan } from "./vulkan.ts"

interface Dawn {
  create(options: readonly string[]): Gpu
}

/** Its name stands in a variable, so that no bundler follows it. */
const PACKAGE = "webgpu"

const INSTALL = `npm install ${PACKAGE}`

/** Dawn's instances. They must outlive their devices, which do not keep them: collected, one takes the process down. */
const instances = new Map<string, Gpu>()

/** What its `create` gives for these options; rejects with what to do. */
export async function fromPackage(options: readonly string[]): Promise<Gpu> {
  const known = instances.get(options.join())
  if (known) return known
  let dawn: Dawn
  try {
    dawn = (await import(/* webpackIgnore: true */ /* @vite-ignore */ PACKAGE)) as Dawn
  } catch (error) {
    const missing = (error as { code?: string }).code === "ERR_MODULE_NOT_FOUND"
    throw new Error(
      missing
        ? `webgpu: in Node the device "webgpu" needs the package ${PACKAGE}: ${INSTALL}`
        : `webgpu: the package ${PACKAGE} does not load on this machine (${(error as Error).message}); it has binaries for Linux, macOS and Windows on x64 and arm64. Use the device "wasm" or "cpu" here.`,
      { cause: error },
    )
  }
  const { process } = globalThis as { readonly process?: Machine }
  // Who names a backend of Dawn's has reasons.
  const missing = process && !options.some((each) => each.startsWith("backend=")) && missingVulkan(process)
  if (missing) throw noGpu(missing)
  const instance = dawn.create(options)
  instances.set(options.join(), instance)
  return instance
}
