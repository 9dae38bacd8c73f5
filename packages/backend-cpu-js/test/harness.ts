/** Runs kernels on plain arrays, in both ways that the backend has. */
import type { Backend } from "@taeda/core"
import { createCpuJs } from "../src/index.ts"

export * from "../../../tooling/testing/kernels.ts"

/** Every test of results runs on both. */
export const backends: readonly (readonly [string, Backend])[] = [
  ["generated", createCpuJs()],
  ["closures", createCpuJs({ codeGeneration: false })],
]
