/** The backends by name, as packages that are loaded when they are asked for, in Node and in a page alike. */

import { createMinimal } from "@taeda/conformance"
import type { Backend } from "@taeda/core"

/** Opens a backend; `options` is what its package's create function takes. */
export type Open = (options?: Readonly<Record<string, unknown>>) => Promise<Backend>

/** In a variable, so that no bundler of pages follows it: it is for Node alone. */
const CUDA = "./cuda.ts"

export const BACKENDS: Readonly<Record<string, Open>> = {
  "cpu-js": async (options) => (await import("@taeda/backend-cpu-js")).createCpuJs(options),
  "wasm-simd": async (options) => (await import("@taeda/backend-wasm-simd")).createWasmSimd(options),
  webgpu: async (options) => (await import("@taeda/backend-webgpu")).createWebGpu(options),
  // With no kernels but those of maps and reductions, of which the core composes the others.
  "webgpu-lean": async (options) => {
    const { createWebGpu, error, gamma, half, powers, trigonometric } = await import("@taeda/backend-webgpu/lean")
    return createWebGpu({ ...options, functions: [error, gamma, half, powers, trigonometric] })
  },
  cuda: async (options) => ((await import(/* @vite-ignore */ CUDA)) as typeof import("./cuda.ts")).openCuda(options),
  minimal: async (options) => createMinimal(options),
}
