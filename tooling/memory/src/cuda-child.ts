/** Trains on the device "cuda" that TAEDA_CUDA_DRIVER names, and prints what was held. Runs in a process of its own. */

import { join } from "node:path"
import { createCuda } from "@taeda/backend-cuda"
import { registerBackend } from "taeda"
import type { CudaHeld, CudaRun } from "./runs.ts"
import { train } from "./training.ts"

const COUNTING = join(import.meta.dirname, "counting-addon.cjs")

declare global {
  /** By the counting addon. */
  var cudaHeld: CudaHeld
}

const resident: number[] = []
const native: CudaHeld[] = []
const clock = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

registerBackend("cuda", () => createCuda({ addon: COUNTING, driver: process.env.TAEDA_CUDA_DRIVER! }))
const note = (): void => {
  resident.push(process.memoryUsage.rss())
  native.push({ ...globalThis.cudaHeld })
}
const held = await train(JSON.parse(process.argv[2]), note, clock)
const run: CudaRun = { ...held, resident, native }
process.stdout.write(JSON.stringify(run))
