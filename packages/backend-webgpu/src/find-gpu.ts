/** Finds WebGPU: the browser's own, or the package `webgpu` in Node. */
import type { Gpu, GpuAdapter, PowerPreference } from "./gpu.ts"
import { type Machine, missingVulkan } from "./vulkan.ts"

interface Surroundings {
  readonly navigator?: { readonly gpu?: Gpu }
  readonly isSecureContext?: boolean
  readonly window?: unknown
  readonly process?: Machine & { readonly versions?: { readonly node?: string } }
}

interface Dawn {
  create(options: readonly string[]): Gpu
}

const surroundings = globalThis as unknown as Surroundings

/** The package that has WebGPU for Node. Its name stands in a variable, so that no bundler follows it. */
const PACKAGE = "webgpu"

const INSTALL = `npm install ${PACKAGE}`

const inNode = (): boolean => surroundings.process?.versions?.node !== undefined && surroundings.window === undefined

/** Dawn's instances. They must outlive their devices, which do not keep them: collected, one takes the process down. */
const instances = new Map<string, Gpu>()

const noGpu = (why: string): Error =>
  new Error(`webgpu: there is no GPU that can be used: ${why}. Otherwise use the device "wasm" or "cpu".`)

async function fromPackage(options: readonly string[]): Promise<Gpu> {
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
  const { process } = surroundings
  // Who names a backend of Dawn's has reasons.
  const missing = process && !options.some((each) => each.startsWith("backend=")) && missingVulkan(process)
  if (missing) throw noGpu(missing)
  const instance = dawn.create(options)
  instances.set(options.join(), instance)
  return instance
}

/**
 * WebGPU at hand; `dawn` is what the package's `create` takes.
 *
 * @throws Error where there is none, saying what to do.
 */
export async function findGpu(dawn: readonly string[] = []): Promise<Gpu> {
  const { navigator } = surroundings
  if (navigator?.gpu) return navigator.gpu
  if (inNode()) return fromPackage(dawn)
  if (surroundings.isSecureContext === false)
    throw new Error("webgpu: browsers give WebGPU only to secure pages: serve this one from https:// or from localhost")
  throw new Error(
    'webgpu: this browser has no WebGPU. Chrome, Edge (113 and later), Safari (26) and Firefox (141) have it on most machines; on Linux it may need the flag --enable-unsafe-webgpu. Otherwise use the device "wasm", which every browser since 2023 has.',
  )
}

/**
 * An adapter.
 *
 * @throws Error where the machine has none, saying what to do.
 */
export async function findAdapter(gpu: Gpu, powerPreference?: PowerPreference): Promise<GpuAdapter> {
  const adapter = await gpu.requestAdapter(powerPreference && { powerPreference })
  if (adapter) return adapter
  const advice = inNode()
    ? "it needs a Vulkan, Metal or Direct3D 12 driver; on Linux, `vulkaninfo` shows what there is, and Mesa's lavapipe (package mesa-vulkan-drivers) is one without a GPU"
    : "the browser may have blocked its driver: look at chrome://gpu, update the driver, or turn on hardware acceleration"
  throw noGpu(advice)
}
