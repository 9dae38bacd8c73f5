/** The software GPU (SwiftShader) that comes with the Chromium of the registry, for Vulkan programs outside of the browser. */

import { existsSync } from "node:fs"
import { constants } from "node:os"
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

/** glibc's flag for a library that stays loaded when it is closed. */
const STAYS_LOADED = 0x1000

/**
 * Makes Vulkan find the software GPU in this process, which is running already: its driver is named in the environment, and its
 * loader is loaded here, since LD_LIBRARY_PATH is read at the start only; who asks for it by name is given that one.
 */
export async function useSoftwareGpu(): Promise<void> {
  const { VK_DRIVER_FILES } = await softwareGpu()
  if (VK_DRIVER_FILES === undefined) return
  process.env.VK_DRIVER_FILES = VK_DRIVER_FILES
  try {
    const loader = join(dirname(VK_DRIVER_FILES), "libvulkan.so.1")
    process.dlopen({ exports: {} }, loader, constants.dlopen.RTLD_NOW | STAYS_LOADED)
  } catch (error) {
    // It is no module of Node's, which is said after it was loaded.
    if (!String(error).includes("self-register")) throw error
  }
}
