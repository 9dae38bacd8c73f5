/**
 * Whether Vulkan can be had on Linux, asked before Dawn is: where there is none, that writes to stderr, and nothing keeps it
 * from doing so. Asks what Dawn and Vulkan's loader ask: the dynamic linker, and the folders in which drivers are announced.
 */

/** The parts of Node that are looked at. */
export interface Machine {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
  dlopen?(module: { exports: object }, name: string): void
  /** From Node 20.16 on. */
  getBuiltinModule?(name: "fs"): { readdirSync(folder: string): readonly string[]; existsSync(path: string): boolean }
}

const LOADER = "libvulkan.so.1"

/** How glibc and musl say that it does not load. What else is said, such as that it is no module of Node's, is said of one that does. */
const ABSENT = /cannot open shared object|Error loading shared library/

function hasLoader(machine: Machine): boolean {
  try {
    machine.dlopen?.({ exports: {} }, LOADER)
    return true
  } catch (error) {
    return !ABSENT.test((error as Error).message)
  }
}

const listed = (paths: string | undefined, otherwise = ""): string[] => (paths || otherwise).split(":").filter(Boolean)

/** The folders in which Vulkan's loader looks for drivers. The last but one is NixOS's. */
function driverFolders({ env }: Machine): string[] {
  const home = env.HOME ?? ""
  const roots = [
    env.XDG_CONFIG_HOME || `${home}/.config`,
    ...listed(env.XDG_CONFIG_DIRS, "/etc/xdg"),
    "/usr/local/etc",
    "/etc",
    env.XDG_DATA_HOME || `${home}/.local/share`,
    ...listed(env.XDG_DATA_DIRS, "/usr/local/share:/usr/share"),
    "/run/opengl-driver/share",
    "/usr/share",
  ]
  return [...new Set(roots.map((root) => `${root}/vulkan/icd.d`))]
}

/** Whether any driver is announced; yes where that cannot be found out. */
function hasDriver(machine: Machine): boolean {
  const { env } = machine
  const fs = machine.getBuiltinModule?.("fs")
  if (!fs) return true
  const named = listed(env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES)
  if (named.length > 0) return named.some((path) => fs.existsSync(path))
  const added = listed(env.VK_ADD_DRIVER_FILES)
  return (
    added.some((path) => fs.existsSync(path)) ||
    driverFolders(machine).some((folder) => {
      try {
        return fs.readdirSync(folder).some((name) => name.endsWith(".json"))
      } catch {
        return false
      }
    })
  )
}

const DRIVERS =
  "install the driver of the GPU, or Mesa's lavapipe (package mesa-vulkan-drivers), which computes without one"

/** Why Vulkan cannot be had, and what to do; undefined where nothing stands in its way. */
export function missingVulkan(machine: Machine): string | undefined {
  if (machine.platform !== "linux") return undefined
  if (!hasLoader(machine)) return `there is no Vulkan on this machine (${LOADER}): ${DRIVERS}`
  if (!hasDriver(machine))
    return `Vulkan has no driver on this machine: ${DRIVERS}, or name its file in VK_DRIVER_FILES`
  return undefined
}
