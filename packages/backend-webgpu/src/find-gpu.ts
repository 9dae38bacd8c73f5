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

/** What to say where there is none: a part of its own, loaded only then. */
const advice = () => import("./no-gpu.ts")

/**
 * WebGPU at hand; `dawn` is what the package's `create` takes.
 *
 * @throws Error where there is none, saying what to do.
 */
export async function findGpu(dawn: readonly string[] = []): Promise<Gpu> {
  const { navigator } = surroundings
  if (navigator?.gpu) return navigator.gpu
  // Another, which pages do not load.
  if (inNode()) return (await import("./node-gpu.ts")).fromPackage(dawn)
  throw (await advice()).noWebGpu(surroundings.isSecureContext !== false)
}

/**
 * An adapter.
 *
 * @throws Error where the machine has none, saying what to do.
 */
export async function findAdapter(gpu: Gpu, powerPreference?: PowerPreference): Promise<GpuAdapter> {
  const adapter = await gpu.requestAdapter(powerPreference && { powerPreference })
  if (adapter) return adapter
  throw (await advice()).noAdapter(inNode())
}
