/** Finds WebGPU: the browser's own, or the package `webgpu` in Node. */
import type { Gpu, GpuAdapter, PowerPreference } from "./gpu.ts"

interface Surroundings {
  readonly navigator?: { readonly gpu?: Gpu }
  readonly isSecureContext?: boolean
  readonly window?: unknown
  readonly process?: { readonly versions?: { readonly node?: string } }
}

const surroundings = globalThis as unknown as Surroundings

const inNode = (): boolean => surroundings.process?.versions?.node !== undefined && surroundings.window === undefined

const noGpu = (why: string): Error =>
  new Error(`webgpu: there is no GPU that can be used: ${why}. Otherwise use the device "wasm" or "cpu".`)

/**
 * WebGPU at hand; `dawn` is what the package's `create` takes.
 *
 * @throws Error where there is none, saying what to do.
 */
export async function findGpu(dawn: readonly string[] = []): Promise<Gpu> {
  const { navigator } = surroundings
  if (navigator?.gpu) return navigator.gpu
  // A part of its own, which pages do not load.
  if (inNode()) return (await import("./node-gpu.ts")).fromPackage(dawn, noGpu)
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
    ? (await import("./node-gpu.ts")).NO_ADAPTER
    : "the browser may have blocked its driver: look at chrome://gpu, update the driver, or turn on hardware acceleration"
  throw noGpu(advice)
}
