/** Whether there is Vulkan, on machines that only say what they have. */
import { describe, expect, it } from "vitest"
import { createWebGpu } from "../src/index.ts"
import { type Machine, missingVulkan } from "../src/vulkan.ts"

const NO_MODULE = "Module did not self-register: 'libvulkan.so.1'."
const GLIBC = "libvulkan.so.1: cannot open shared object file: No such file or directory"
const MUSL = "Error loading shared library libvulkan.so.1: No such file or directory"

interface Has {
  readonly platform?: string
  /** What is said when the loader is loaded as a module. */
  readonly loader?: string
  readonly files?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const machine = ({ platform = "linux", loader = NO_MODULE, files = [], env = { HOME: "/home/me" } }: Has): Machine => ({
  platform,
  env,
  dlopen() {
    throw new Error(loader)
  },
  getBuiltinModule: () => ({
    existsSync: (path) => files.includes(path),
    readdirSync(folder) {
      const names = files.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1))
      if (names.length === 0) throw new Error(`ENOENT: ${folder}`)
      return names
    },
  }),
})

const DRIVER = "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json"

describe("Vulkan", () => {
  it.each([GLIBC, MUSL])("is missing without its loader: %s", (loader) => {
    expect(missingVulkan(machine({ loader, files: [DRIVER] }))).toMatch(
      /^there is no Vulkan.*libvulkan\.so\.1.*install/,
    )
  })

  it("is missing without a driver", () => {
    const files = ["/usr/share/vulkan/icd.d/README", "/usr/share/vulkan/explicit_layer.d/layer.json"]
    expect(missingVulkan(machine({ files }))).toMatch(/^Vulkan has no driver.*install.*VK_DRIVER_FILES/)
  })

  it.each([
    DRIVER,
    "/etc/vulkan/icd.d/nvidia_icd.json",
    "/home/me/.local/share/vulkan/icd.d/mine.json",
    "/run/opengl-driver/share/vulkan/icd.d/intel_icd.x86_64.json",
  ])("is there with its loader and %s", (path) => {
    expect(missingVulkan(machine({ files: [path] }))).toBe(undefined)
  })

  it("is where the environment says", () => {
    const files = [DRIVER, "/opt/share/vulkan/icd.d/a.json", "/opt/b.json"]
    const has = (env: Readonly<Record<string, string>>) => missingVulkan(machine({ files, env })) === undefined
    expect(has({ VK_DRIVER_FILES: "/nowhere.json" })).toBe(false)
    expect(has({ VK_ICD_FILENAMES: "/nowhere.json" })).toBe(false)
    expect(has({ VK_DRIVER_FILES: "/nowhere.json:/opt/b.json" })).toBe(true)
    const elsewhere = files.slice(1)
    const hasElsewhere = (env: Readonly<Record<string, string>>) =>
      missingVulkan(machine({ files: elsewhere, env })) === undefined
    expect(hasElsewhere({})).toBe(false)
    expect(hasElsewhere({ XDG_DATA_DIRS: "/usr/share:/opt/share" })).toBe(true)
    expect(hasElsewhere({ VK_ADD_DRIVER_FILES: "/opt/b.json" })).toBe(true)
  })

  it("is not asked for on other systems, and where nothing can be found out", () => {
    expect(missingVulkan(machine({ platform: "darwin", loader: GLIBC }))).toBe(undefined)
    expect(missingVulkan({ platform: "linux", env: {} })).toBe(undefined)
  })
})

it("a backend of Dawn's by its name is opened without Vulkan", async () => {
  const backend = await createWebGpu({ dawn: ["backend=null"] })
  expect(backend.capabilities.notes[0]).toContain("null")
  backend.dispose()
})
