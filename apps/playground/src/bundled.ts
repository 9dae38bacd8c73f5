/** What this page brings along. */
import { BACKENDS, type BackendChoice } from "@taeda/choices"

/** The backends that the page itself can compute on; others are there to be installed. */
export const BUNDLED_NAMES = ["wasm-simd", "cpu-js"] as const satisfies readonly BackendChoice["name"][]

export const BUNDLED = BACKENDS.filter(({ name }) => BUNDLED_NAMES.some((each) => each === name))
