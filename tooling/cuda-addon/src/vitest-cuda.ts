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

/** The addon and the emulator, built where they are not yet. TAEDA_CUDA_ADDON and TAEDA_CUDA_DRIVER name others. */
export async function emulated(): Promise<Emulated> {
  const { TAEDA_CUDA_ADDON, TAEDA_CUDA_DRIVER } = process.env
  const library = process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1"
  return {
    addon: TAEDA_CUDA_ADDON ?? (await buildAddon(targetHere())),
    driver: TAEDA_CUDA_DRIVER ?? join(await buildEmulator(), library),
  }
}

export async function setup(): Promise<void> {
  const { addon, driver } = await emulated()
  Object.assign(process.env, { TAEDA_CUDA_ADDON: addon, TAEDA_CUDA_DRIVER: driver, CUDA_EMULATOR_QUIET: "1" })
}
