/** vitest's global setup of packages whose tests need CUDA: the addon for this machine, and the driver that stands in for NVIDIA's. */

import { dirname, join } from "node:path"
import { buildEmulator, buildLibraries } from "@taeda/cuda-emulator"
import { buildAddon } from "./build.ts"
import { absence, targetHere } from "./targets.ts"

/** What `createCuda` is told, so that it finds both, and none of NVIDIA's libraries that this machine may have. */
export interface Emulated {
  readonly addon: string
  readonly driver: string
  readonly libraryFolder: string
}

/** The addon and the emulator, built where they are not yet. TAEDA_CUDA_ADDON and TAEDA_CUDA_DRIVER name others. */
export async function emulated(): Promise<Emulated> {
  const { TAEDA_CUDA_ADDON, TAEDA_CUDA_DRIVER } = process.env
  const library = process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1"
  const driver = TAEDA_CUDA_DRIVER ?? join(await buildEmulator(), library)
  return {
    addon: TAEDA_CUDA_ADDON ?? (await buildAddon(targetHere())),
    driver,
    libraryFolder: dirname(driver),
  }
}

/** The same with the stand-ins of NVIDIA's libraries. TAEDA_CUDA_STAND_INS names the folder of others. */
export const emulatedWithLibraries = async (): Promise<Emulated> => ({
  ...(await emulated()),
  libraryFolder: process.env.TAEDA_CUDA_STAND_INS ?? (await buildLibraries()),
})

export async function setup(): Promise<void> {
  const reason = process.env.TAEDA_CUDA_ADDON ? undefined : absence()
  if (reason) {
    // Tests that need none run all the same; those that do say so.
    process.env.TAEDA_CUDA_ABSENCE = reason
    return
  }
  const { addon, driver, libraryFolder } = await emulated()
  Object.assign(process.env, {
    TAEDA_CUDA_ADDON: addon,
    TAEDA_CUDA_DRIVER: driver,
    TAEDA_CUDA_LIBRARIES: libraryFolder,
    TAEDA_CUDA_STAND_INS: (await emulatedWithLibraries()).libraryFolder,
    CUDA_EMULATOR_QUIET: "1",
  })
}
