/** @taeda/backend-webgpu: WGSL for GPUs, in browsers and in Node. */
import type { Backend } from "@taeda/core"
import { createWith, type WebGpuBackend, type WebGpuOptions } from "./backend.ts"
import { convPlanner } from "./conv.ts"
import type { Extras } from "./executables.ts"
import { matmulPlanner } from "./matmul.ts"
import { scanPlanner } from "./scan.ts"
import { scatterPlanner } from "./scatter.ts"
import { sortPlanner } from "./sort.ts"

export type { WebGpuBackend, WebGpuOptions }

const ALL: Extras = {
  conv: convPlanner,
  matmul: matmulPlanner,
  scan: scanPlanner,
  scatter: scatterPlanner,
  sort: sortPlanner,
}

/**
 * Opens a WebGPU backend.
 *
 * @throws Error where there is no WebGPU or no GPU, saying what to do.
 */
export const createWebGpu = (options: WebGpuOptions = {}): Promise<WebGpuBackend> => createWith(ALL, options)

/** Opens the backend, in the form in which every backend package offers it. */
export const open = async (): Promise<Backend> => createWebGpu()
