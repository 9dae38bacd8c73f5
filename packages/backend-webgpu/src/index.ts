/** @taeda/backend-webgpu: WGSL for GPUs, in browsers and in Node. */
import type { Backend } from "@taeda/core"
import { createWith, type DeviceOptions, type WebGpuBackend } from "./backend.ts"
import { provideAll } from "./families.ts"
import * as kernels from "./kinds.ts"
import { mergingWhen, type When } from "./together.ts"

export type { WebGpuBackend }

export interface WebGpuOptions extends DeviceOptions {
  /**
   * When dispatches that do not depend on one another become one: "often" (the default), where they come together again and
   * again, which nobody waits for; "always", with a wait for each new shader; or "never".
   */
  readonly merging?: When | "never"
}

/**
 * Opens a WebGPU backend.
 *
 * @throws Error where there is no WebGPU or no GPU, saying what to do.
 */
export const createWebGpu = ({ merging = "often", ...options }: WebGpuOptions = {}): Promise<WebGpuBackend> => {
  provideAll()
  return createWith({ kernels, merging: merging === "never" ? undefined : mergingWhen(merging) }, options)
}

/** Opens the backend, in the form in which every backend package offers it. */
export const open = async (): Promise<Backend> => createWebGpu()
