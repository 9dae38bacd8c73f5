/** What this page brings along. */
import type { BackendChoice } from "@taeda/choices"

/** The backends that the page itself can compute on; others are there to be installed. */
export const BUNDLED_NAMES = ["webgpu", "wasm-simd", "cpu-js"] as const satisfies readonly BackendChoice["name"][]

export type BundledName = (typeof BUNDLED_NAMES)[number]

export const isBundled = ({ name }: BackendChoice): boolean => BUNDLED_NAMES.some((each) => each === name)
