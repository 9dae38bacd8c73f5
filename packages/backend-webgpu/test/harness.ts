/** The backend that the tests share, on the software GPU. */
import { afterAll } from "vitest"
import { createWebGpu } from "../src/index.ts"

export * from "../../../tooling/testing/kernels.ts"

/** The software GPU takes seconds to compile the clearing of workgroup memory, on which no shader relies. */
export const UNCLEARED = { dawn: ["enable-dawn-features=disable_workgroup_init"] } as const

export const backend = await createWebGpu(UNCLEARED)

afterAll(() => backend.dispose())

/** `from`, `from + 1` and so on. */
export const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => i + from)
