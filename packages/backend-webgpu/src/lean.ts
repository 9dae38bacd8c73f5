/**
 * @taeda/backend-webgpu/lean: for pages that count bytes. The backend has the kernels it is given; core composes the other
 * kinds of maps and reductions, which gives the same results and takes longer.
 */
import { createWith, type WebGpuBackend, type WebGpuOptions } from "./backend.ts"
import type { Extras } from "./executables.ts"

export * from "./kinds.ts"
export type { WebGpuBackend, WebGpuOptions }

export interface LeanOptions extends WebGpuOptions {
  /**
   * What is brought along: `{ matmul }` for linear layers and attention, `rows` for softmax and normalisations, `conv` for convolutions, `scatter` for embeddings'
   * gradients and the like, `scan` for running sums, `sort`.
   */
  readonly kernels?: Partial<Extras>
}

/**
 * Opens a WebGPU backend: `registerBackend("webgpu", () => createWebGpu({ kernels: { matmul } }))`.
 *
 * @throws Error where there is no WebGPU or no GPU, saying what to do.
 */
export const createWebGpu = ({ kernels = {}, ...options }: LeanOptions = {}): Promise<WebGpuBackend> =>
  createWith(kernels, options)
