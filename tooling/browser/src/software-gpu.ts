/** The software GPU (SwiftShader) that comes with the Chromium of the registry, for Vulkan programs outside of the browser. */

import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { findChromium, NoBrowserError } from "./chromium.ts"

/**
 * What the environment of a process must hold from its start, for the loader of Vulkan to find the software GPU. Empty where
 * VK_DRIVER_FILES already names another driver.
 *
 * @throws {NoBrowserError} where there is no such driver.
 */
export async function softwareGpu(): Promise<Readonly<Record<string, string>>> {
  if (process.env.VK_DRIVER_FILES) return {}
  const { executable } = await findChromium("")
  const folder = dirname(executable)
  const driver = join(folder, "vk_swiftshader_icd.json")
  if (!existsSync(driver))
    throw new NoBrowserError(`there is no ${driver}; set VK_DRIVER_FILES to that of a Vulkan driver`)
  return {
    VK_DRIVER_FILES: driver,
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
  }
}
