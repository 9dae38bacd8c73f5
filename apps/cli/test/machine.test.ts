import { describe, expect, test } from "vitest"
import { graphicsFacts } from "../src/machine/graphics.ts"
import { nvidiaFacts } from "../src/machine/nvidia.ts"
import { runtimeFacts } from "../src/machine/runtime.ts"
import type { Ran, Sources } from "../src/machine/sources.ts"
import { systemFacts } from "../src/machine/system.ts"
import { webAssemblyFacts } from "../src/machine/webassembly.ts"

const ABSENT: Ran = { stdout: "", stderr: "", failure: "absent" }
const said = (stdout: string): Ran => ({ stdout, stderr: "", failure: null })

interface Told {
  readonly platform?: string
  readonly env?: Sources["env"]
  /** By their paths; a folder has the names below it. */
  readonly files?: Readonly<Record<string, string>>
  readonly run?: (file: string, args: readonly string[]) => Ran
}

/** A machine that is only told of. */
function machine({ platform = "linux", env = {}, files = {}, run = () => ABSENT }: Told): Sources {
  return {
    platform,
    arch: "x64",
    env,
    read: async (path) => files[path] ?? null,
    list: async (folder) => [
      ...new Set(
        Object.keys(files)
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1).split("/")[0]),
      ),
    ],
    run: async (file, args) => run(file, args),
  }
}

describe("NVIDIA", () => {
  test("several GPUs, and a field that is not known", async () => {
    const asked: string[] = []
    const found = await nvidiaFacts(
      machine({
        run: (file, args) => {
          asked.push(`${file} ${args.join(" ")}`)
          return said("550.54.15, NVIDIA H100 80GB HBM3, 81559, 9.0\n550.54.15, NVIDIA GB, [N/A], [N/A]\n")
        },
      }),
    )
    expect(asked).toEqual([
      "nvidia-smi --query-gpu=driver_version,name,memory.total,compute_cap --format=csv,noheader,nounits",
    ])
    expect(found).toEqual({
      driver: "550.54.15",
      gpus: [
        { name: "NVIDIA H100 80GB HBM3", computeCapability: "9.0", memory: 81_559 * 2 ** 20 },
        { name: "NVIDIA GB", computeCapability: null, memory: null },
      ],
      source: "nvidia-smi",
      problem: null,
    })
  })

  test("a driver that does not know the compute capability", async () => {
    const run = (_: string, args: readonly string[]): Ran =>
      args[0].includes("compute_cap")
        ? { stdout: 'Field "compute_cap" is not a valid field to query.\n', stderr: "", failure: "failed" }
        : said("450.80.02, Tesla T4, 15109\n")
    expect(await nvidiaFacts(machine({ run }))).toMatchObject({
      driver: "450.80.02",
      gpus: [{ name: "Tesla T4", computeCapability: null }],
    })
  })

  test.each([
    [{ stdout: "NVIDIA-SMI has failed\nmore\n", stderr: "", failure: "failed" } as Ran, "NVIDIA-SMI has failed"],
    [{ stdout: "No devices were found\n", stderr: "", failure: null } as Ran, "No devices were found"],
    [{ stdout: "", stderr: "", failure: "slow" } as Ran, "nvidia-smi does not answer"],
    [{ stdout: "", stderr: "", failure: "failed" } as Ran, "nvidia-smi says nothing"],
  ])("%j is a problem", async (ran, problem) => {
    expect(await nvidiaFacts(machine({ run: () => ran }))).toEqual({ driver: null, gpus: [], source: null, problem })
  })

  test("under WSL, where the PATH does not know it", async () => {
    const run = (file: string): Ran =>
      file === "/usr/lib/wsl/lib/nvidia-smi" ? said("552.22, RTX 4090, 24564, 8.9") : ABSENT
    expect(await nvidiaFacts(machine({ run }))).toMatchObject({ driver: "552.22" })
  })

  test("on Windows", async () => {
    const run = (file: string): Ran =>
      file === "C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvidia-smi.exe"
        ? said("552.22, NVIDIA GeForce RTX 4090, 24564, 8.9\r\n")
        : ABSENT
    expect(await nvidiaFacts(machine({ platform: "win32", run }))).toMatchObject({
      driver: "552.22",
      gpus: [{ name: "NVIDIA GeForce RTX 4090", computeCapability: "8.9" }],
    })
  })

  test("without nvidia-smi the kernel's module tells", async () => {
    const files = {
      "/proc/driver/nvidia/version":
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build\nGCC version: 12\n",
      "/proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA L4\nIRQ: 55\n",
    }
    expect(await nvidiaFacts(machine({ files }))).toEqual({
      driver: "570.124.06",
      gpus: [{ name: "NVIDIA L4", computeCapability: null, memory: null }],
      source: "kernel",
      problem: null,
    })
  })

  test("a Mac has none", async () => {
    const run = (): Ran => {
      throw new Error("nothing is asked")
    }
    expect(await nvidiaFacts(machine({ platform: "darwin", run }))).toMatchObject({ driver: null, problem: null })
  })
})

describe("GPUs", () => {
  test("on the bus, without what is no GPU, and Vulkan's drivers", async () => {
    const files = {
      "/sys/bus/pci/devices/0000:00:02.0/class": "0x030000\n",
      "/sys/bus/pci/devices/0000:00:02.0/vendor": "0x8086\n",
      "/sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
      "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
      "/sys/bus/pci/devices/0000:02:00.0/class": "0x020000\n",
      "/sys/bus/pci/devices/0000:02:00.0/vendor": "0x8086\n",
      // A virtual machine's screen.
      "/sys/bus/pci/devices/0000:03:00.0/class": "0x030000\n",
      "/sys/bus/pci/devices/0000:03:00.0/vendor": "0x1234\n",
      "/usr/share/vulkan/icd.d/intel_icd.x86_64.json": "{}",
      "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json": "{}",
      "/home/ada/.local/share/vulkan/icd.d/own.json": "{}",
      "/etc/vulkan/icd.d/README": "",
    }
    expect(await graphicsFacts(machine({ files, env: { HOME: "/home/ada" } }))).toEqual({
      gpus: [
        { vendor: "Intel", name: null },
        { vendor: "NVIDIA", name: null },
      ],
      vulkanDrivers: ["intel_icd.x86_64.json", "lvp_icd.x86_64.json", "own.json"],
    })
  })

  test("of a board without a bus, by its driver", async () => {
    const files = {
      "/sys/class/drm/card0/device/uevent": "DRIVER=vc4-drm\n",
      "/sys/class/drm/renderD128/device/uevent": "OF_NAME=v3d\nDRIVER=v3d\n",
    }
    expect(await graphicsFacts(machine({ files }))).toEqual({
      gpus: [{ vendor: "unknown", name: "v3d" }],
      vulkanDrivers: [],
    })
  })

  test("Vulkan's drivers where the environment names them", async () => {
    const env = { VK_DRIVER_FILES: "/opt/a/vk_swiftshader_icd.json:/opt/b/radeon.json" }
    expect((await graphicsFacts(machine({ env }))).vulkanDrivers).toEqual(["radeon.json", "vk_swiftshader_icd.json"])
  })

  test("macOS and Windows tell their names", async () => {
    const mac = machine({
      platform: "darwin",
      run: (file) =>
        file === "system_profiler"
          ? said('{"SPDisplaysDataType":[{"_name":"kHW","sppci_model":"Apple M3 Pro"}]}')
          : ABSENT,
    })
    expect(await graphicsFacts(mac)).toEqual({ gpus: [{ vendor: "Apple", name: "Apple M3 Pro" }], vulkanDrivers: null })
    const windows = machine({
      platform: "win32",
      run: (file) =>
        file === "powershell.exe"
          ? said('[{"Name":"AMD Radeon RX 7800 XT"},{"Name":"Intel(R) UHD Graphics 770"}]')
          : ABSENT,
    })
    expect((await graphicsFacts(windows)).gpus?.map(({ vendor }) => vendor)).toEqual(["AMD", "Intel"])
    for (const run of [() => ABSENT, () => said("no JSON")])
      expect(await graphicsFacts(machine({ platform: "win32", run }))).toEqual({ gpus: null, vulkanDrivers: null })
  })

  test("a system that nobody knows", async () => {
    expect(await graphicsFacts(machine({ platform: "freebsd" }))).toEqual({ gpus: null, vulkanDrivers: null })
  })
})

describe("the system", () => {
  test("Linux with glibc, in a container under WSL", async () => {
    const files = {
      "/etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n',
      "/proc/version": "Linux version 5.15.153.1-microsoft-standard-WSL2",
      "/.dockerenv": "",
    }
    expect(await systemFacts(machine({ files }), "2.39")).toMatchObject({
      name: "linux",
      title: "Ubuntu 24.04.1 LTS",
      arch: "x64",
      libc: "glibc",
      libcVersion: "2.39",
      wsl: true,
      container: true,
    })
  })

  test("musl, by the runtime's report and, where that is silent, by the linker", async () => {
    expect(await systemFacts(machine({}), null)).toMatchObject({ title: "linux", libc: "musl", libcVersion: null })
    const files = { "/lib/ld-musl-x86_64.so.1": "" }
    expect((await systemFacts(machine({ files }), false)).libc).toBe("musl")
    expect((await systemFacts(machine({}), false)).libc).toBe("glibc")
    expect(["glibc", "musl"]).toContain((await systemFacts(machine({}))).libc)
  })

  test("macOS, Windows and others have no libc", async () => {
    const mac = machine({ platform: "darwin", run: () => said("15.3\n") })
    expect(await systemFacts(mac)).toMatchObject({ name: "macos", title: "macOS 15.3", libc: null, container: false })
    expect(await systemFacts(machine({ platform: "win32" }))).toMatchObject({ name: "windows", libc: null })
    expect(await systemFacts(machine({ platform: "freebsd" }))).toMatchObject({ name: "other", title: "freebsd" })
  })
})

test.each([
  [{ node: "20.0.0" }, { name: "node", version: "20.0.0", supported: true }],
  [{ node: "18.20.8" }, { name: "node", version: "18.20.8", supported: false }],
  [
    { node: "24.3.0", bun: "1.3.0" },
    { name: "bun", version: "1.3.0", supported: true },
  ],
  [
    { node: "24.2.0", deno: "2.5.0" },
    { name: "deno", version: "2.5.0", supported: true },
  ],
])("the runtime %j", (versions, expected) => {
  expect(runtimeFacts(versions)).toEqual(expected)
})

test("WebAssembly of this Node", async () => {
  // The tests' own, which has more than the oldest that is supported.
  expect(await webAssemblyFacts()).toEqual({ simd: true, relaxedSimd: true, threads: true })
})
