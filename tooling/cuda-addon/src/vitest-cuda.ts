/** vitest's global setup of packages whose tests need CUDA: the addon for this machine, and the driver that stands in for NVIDIA's. */

import { join } from "node:path"
import { buildEmulator } from "@taeda/cuda-emulator"
import { buildAddon } from "./build.ts"
import { targetHere } from "./targets.ts"

/** What `createCuda` is told, so that it finds both. */
export interface Emulated {
  readonly addon: string
  readonly driver: string
}

/** The addon and the emulator, built where they are not yet. */
export async function emulated(): Promise<Emulated> {
  const addon = await buildAddon(targetHere())
  const library = process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1"
  return { addon, driver: join(await buildEmulator(), library) }
}

export async function setup(): Promise<void> {
  const { addon, driver } = await emulated()
  Object.assign(process.env, { TAEDA_CUDA_ADDON: addon, TAEDA_CUDA_DRIVER: driver, CUDA_EMULATOR_QUIET: "1" })
}
