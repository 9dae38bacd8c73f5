/** @taeda/backend-webgpu: WGSL for GPUs, in browsers and in Node. */
import type { Backend } from "@taeda/core"
import { createWith, type WebGpuBackend, type WebGpuOptions } from "./backend.ts"
import { provideAll } from "./families.ts"
import * as kinds from "./kinds.ts"

export type { WebGpuBackend, WebGpuOptions }

/**
 * Opens a WebGPU backend.
 *
 * @throws Error where there is no WebGPU or no GPU, saying what to do.
 */
export const createWebGpu = (options: WebGpuOptions = {}): Promise<WebGpuBackend> => {
  provideAll()
  return createWith(kinds, options)
}

/** Opens the backend, in the form in which every backend package offers it. */
export const open = async (): Promise<Backend> => createWebGpu()
