/** Whether products come through workgroup memory, as it is asked of the whole entry and of the lean one. */
import type { Kernel } from "@taeda/core"
import { expect, it } from "vitest"
import { createWebGpu } from "../src/index.ts"
import * as lean from "../src/lean.ts"
import { grasped } from "./grasped.ts"
import { backend } from "./harness.ts"

const product: Kernel = { kind: "matmul", batch: 0, dtype: "float32", epilogue: null }
const { matmul, direct } = lean
const { software } = backend.capabilities

it.each([
  ["what suits the adapter", !software, (gpu: object) => createWebGpu({ gpu })],
  ["staged", true, (gpu: object) => createWebGpu({ gpu, tiles: "staged" })],
  ["direct", false, (gpu: object) => createWebGpu({ gpu, tiles: "direct" })],
  ["staged in the lean entry", true, (gpu: object) => lean.createWebGpu({ gpu, kernels: { matmul } })],
  [
    "what suits the adapter, in the lean entry",
    !software,
    (gpu: object) => lean.createWebGpu({ gpu, kernels: { matmul }, direct }),
  ],
])("%s", async (_, staged, open) => {
  const texts: string[] = []
  const { gpu } = await grasped({
    edit: (code) => {
      texts.push(code)
      return code
    },
  })
  const on = await open(gpu)
  await on.warm([product])
  on.dispose()
  expect(texts.length).toBeGreaterThan(4)
  expect(texts.some((code) => code.includes("tile_a"))).toBe(staged)
})
