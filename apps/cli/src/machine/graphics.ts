/** GPUs of all makers, and what WebGPU would reach them by, as the system tells of them. */
import type { Sources } from "./sources.ts"

export interface Gpu {
  /** "NVIDIA", "AMD", "Intel", "Apple"; "unknown". */
  readonly vendor: string
  /** Where the system tells it. */
  readonly name: string | null
}

export interface GraphicsFacts {
  /** Null where the system cannot be asked. */
  readonly gpus: readonly Gpu[] | null
  /** The files of Vulkan's drivers, by their names; null where there is no Vulkan (macOS, Windows). */
  readonly vulkanDrivers: readonly string[] | null
}

/** By the numbers under which the bus knows them. */
const VENDORS: Readonly<Record<string, string>> = {
  "0x10de": "NVIDIA",
  "0x1002": "AMD",
  "0x8086": "Intel",
  "0x13b5": "Arm",
  "0x5143": "Qualcomm",
  "0x14e4": "Broadcom",
  "0x106b": "Apple",
}

/** Words of names, where a system tells only those. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/nvidia|geforce|quadro|tesla/i, "NVIDIA"],
  [/\bamd\b|radeon/i, "AMD"],
  [/intel/i, "Intel"],
  [/apple/i, "Apple"],
  [/qualcomm|adreno/i, "Qualcomm"],
]

const named = (name: string): Gpu => ({ vendor: WORDS.find(([word]) => word.test(name))?.[1] ?? "unknown", name })

const PCI = "/sys/bus/pci/devices"
/** What the bus calls displays and 3D controllers. */
const DISPLAY = /^0x03/
const DRM = "/sys/class/drm"

/** GPUs on the bus; those of other vendors are imitations, such as a virtual machine's screen. */
async function onBus({ read, list }: Sources): Promise<Gpu[]> {
  const devices = await Promise.all(
    (await list(PCI)).map(async (device) => {
      const kind = (await read(`${PCI}/${device}/class`))?.trim() ?? ""
      const vendor = DISPLAY.test(kind) ? (await read(`${PCI}/${device}/vendor`))?.trim() : undefined
      return vendor === undefined ? undefined : VENDORS[vendor]
    }),
  )
  return devices.filter((vendor) => vendor !== undefined).map((vendor) => ({ vendor, name: null }))
}

/** GPUs of boards without such a bus, by the driver that renders on them. */
async function onBoard({ read, list }: Sources): Promise<Gpu[]> {
  const nodes = (await list(DRM)).filter((name) => name.startsWith("renderD"))
  const drivers = await Promise.all(
    nodes.map(async (node) => /^DRIVER=(.+)$/m.exec((await read(`${DRM}/${node}/device/uevent`)) ?? "")?.[1]),
  )
  return drivers.filter((driver) => driver !== undefined).map((driver) => ({ vendor: "unknown", name: driver }))
}

/** The folders in which drivers are announced to Vulkan's loader, of which the last but one is NixOS's. */
function driverFolders({ env }: Sources): string[] {
  const roots = (paths: string | undefined, otherwise: string): string[] => (paths || otherwise).split(":")
  const home = env.HOME ?? ""
  const all = [
    env.XDG_CONFIG_HOME || `${home}/.config`,
    ...roots(env.XDG_CONFIG_DIRS, "/etc/xdg"),
    "/etc",
    env.XDG_DATA_HOME || `${home}/.local/share`,
    ...roots(env.XDG_DATA_DIRS, "/usr/local/share:/usr/share"),
    "/run/opengl-driver/share",
    "/usr/share",
  ]
  return [...new Set(all.map((root) => `${root}/vulkan/icd.d`))]
}

const fileName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

async function vulkanDrivers(sources: Sources): Promise<string[]> {
  const { env, list } = sources
  const only = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES
  const paths = only ? only.split(":") : (await Promise.all(driverFolders(sources).map(list))).flat()
  return [...new Set(paths.map(fileName).filter((name) => name.endsWith(".json")))].sort()
}

const SOFTWARE = /lvp|lavapipe|llvmpipe|swiftshader/i

/** Those that the processor does not play. */
export const hardwareDrivers = (drivers: readonly string[]): string[] => drivers.filter((name) => !SOFTWARE.test(name))

async function linux(sources: Sources): Promise<GraphicsFacts> {
  const [bus, board, drivers] = await Promise.all([onBus(sources), onBoard(sources), vulkanDrivers(sources)])
  return { gpus: bus.length > 0 ? bus : board, vulkanDrivers: drivers }
}

/** The strings under a key, wherever they stand. */
function valuesOf(json: unknown, key: string): string[] {
  if (typeof json !== "object" || json === null) return []
  return Object.entries(json).flatMap(([name, value]) =>
    name === key && typeof value === "string" ? [value] : valuesOf(value, key),
  )
}

/** A command that tells of GPUs as JSON, with their names under a key. */
const told =
  (file: string, args: readonly string[], key: string) =>
  async ({ run }: Sources): Promise<GraphicsFacts> => {
    const { stdout, failure } = await run(file, args)
    try {
      return { gpus: failure ? null : valuesOf(JSON.parse(stdout), key).map(named), vulkanDrivers: null }
    } catch {
      return { gpus: null, vulkanDrivers: null }
    }
  }

const POWERSHELL = "ConvertTo-Json @(Get-CimInstance Win32_VideoController | Select-Object Name)"

const ASKED: Readonly<Record<string, (sources: Sources) => Promise<GraphicsFacts>>> = {
  linux,
  darwin: told("system_profiler", ["SPDisplaysDataType", "-json"], "sppci_model"),
  win32: told("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", POWERSHELL], "Name"),
}

export const graphicsFacts = async (sources: Sources): Promise<GraphicsFacts> =>
  (await ASKED[sources.platform]?.(sources)) ?? { gpus: null, vulkanDrivers: null }
