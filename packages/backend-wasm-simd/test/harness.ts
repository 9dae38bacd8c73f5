/** Runs kernels on plain arrays, on every kind of code that the backend writes. */
import type { Backend } from "@taeda/core"
import { afterAll } from "vitest"
import { createWasmSimd, type WasmSimdOptions } from "../src/index.ts"

export * from "../../../tooling/testing/kernels.ts"

const OPTIONS: Readonly<Record<string, WasmSimdOptions>> = {
  relaxed: { relaxed: true, threads: 1 },
  plain: { relaxed: false, threads: 1 },
  "64-bit addresses": { memory64: true, threads: 1 },
  "two threads": { threads: 2 },
}

/** Tests of results run on each of these. */
export const backends: readonly (readonly [string, Backend])[] = await Promise.all(
  Object.entries(OPTIONS).map(
    async ([name, options]) => [name, await createWasmSimd({ maximumBytes: 2 ** 28, ...options })] as const,
  ),
)

afterAll(() => {
  for (const [, backend] of backends) backend.dispose()
})

/** `from`, `from + 1` and so on. */
export const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => i + from)
