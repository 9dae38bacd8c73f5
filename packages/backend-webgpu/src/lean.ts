/**
 * @taeda/backend-webgpu/lean: for pages that count bytes. The backend has the kernels and functions it is given; core composes the other
 * kinds of maps and reductions, which gives the same results and takes longer.
 */
import { createWith, type DeviceOptions, type WebGpuBackend } from "./backend.ts"
import { provideDirect, type TileForm } from "./contraction.ts"
import type { Extras } from "./executables.ts"
import { type Exchanges, provideExchanges } from "./meeting.ts"
import { type Merging, mergingWhen } from "./together.ts"
import { type Functions, provide } from "./wgsl-math.ts"

export { directLoop as direct } from "./direct.ts"
export { exchanges as subgroups } from "./exchanges.ts"
export { error, gamma, half, powers, trigonometric } from "./families.ts"
export * from "./kinds.ts"
export type { WebGpuBackend }

/** Makes dispatches that do not depend on one another one, where they come together again and again. */
export const merging: Merging = mergingWhen("often")

export interface LeanOptions extends Omit<DeviceOptions, "subgroups" | "tiles"> {
  /**
   * What is brought along: `{ matmul }` for linear layers and attention, `rows` for softmax and normalisations, `conv` for convolutions, `scatter` for embeddings'
   * gradients and the like, `scan` for running sums, `sort`.
   */
  readonly kernels?: Partial<Extras>
  /**
   * The functions brought along besides arithmetic, comparisons, sqrt, exp, log, tanh and sigmoid: `[trigonometric]` (also for
   * normal random numbers), `error`, `powers`, `gamma`, and `half` for float16 and bfloat16. An op that needs another throws a TypeError that says so.
   */
  readonly functions?: readonly Functions[]
  /** `merging`: training steps take about half the dispatches. Default: they run one by one. */
  readonly merging?: Merging
  /** `subgroups`: kernels whose invocations share a result exchange values directly, where the GPU has that. Default: they do not. */
  readonly subgroups?: Exchanges
  /**
   * `direct`: products and convolutions read their operands directly where workgroup memory is ordinary memory (software, Arm's GPUs), which is faster
   * there. Default: they are staged in workgroup memory everywhere.
   */
  readonly direct?: TileForm
}

/**
 * Opens a WebGPU backend: `registerBackend("webgpu", () => createWebGpu({ kernels: { matmul } }))`.
 *
 * @throws Error where there is no WebGPU or no GPU, saying what to do.
 */
export const createWebGpu = ({
  kernels = {},
  functions = [],
  merging,
  subgroups,
  direct,
  ...options
}: LeanOptions = {}): Promise<WebGpuBackend> => {
  for (const family of functions) provide(family)
  if (subgroups) provideExchanges(subgroups)
  if (direct) provideDirect(direct)
  const tiles = direct ? undefined : "staged"
  return createWith({ kernels, merging }, { ...options, subgroups: subgroups !== undefined, tiles })
}
