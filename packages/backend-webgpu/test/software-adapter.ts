/** The environment in which Dawn finds SwiftShader, the software GPU that comes with the Chromium of the registry. */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { findChromium } from "../../../tooling/browser/src/chromium.ts"

export async function softwareAdapter(): Promise<Record<string, string>> {
  if (process.env.VK_DRIVER_FILES) return {}
  const folder = dirname((await findChromium(undefined)).executable)
  const driver = join(folder, "vk_swiftshader_icd.json")
  if (!existsSync(driver)) throw new Error(`there is no ${driver}: set VK_DRIVER_FILES to that of a Vulkan driver`)
  const libraries = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":")
  return { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: libraries }
}
