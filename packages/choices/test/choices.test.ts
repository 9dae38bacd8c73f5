import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { describe, expect, test } from "vitest"
import { driverError, OLDEST_CAPABILITY } from "../../backend-cuda/src/driver-words.ts"
import {
  BACKENDS,
  backendOfDevice,
  CUDA_NEEDS,
  deviceAdvice,
  importLines,
  installCommand,
  isAtLeast,
  misfit,
  NATIVE_PLATFORMS,
  type NativePlatform,
  PACKAGE_MANAGERS,
  packagesFor,
  RUNTIMES,
  SYSTEMS,
  titleOf,
} from "../src/index.ts"

const manifest = (name: string) => new URL(`../../${name}/package.json`, import.meta.url)
const read = (name: string) => JSON.parse(readFileSync(manifest(name), "utf8"))

describe("the table agrees with the packages", () => {
  for (const backend of BACKENDS)
    test(backend.name, () => {
      const folder = backend.package.replace("@taeda/", "")
      expect(read(folder).name).toBe(backend.package)
      const { dependencies, peerDependencies, peerDependenciesMeta } = read("taeda")
      expect(dependencies[backend.package] !== undefined).toBe(backend.included)
      // What stands beside it is a peer that may be missing: package managers that are strict link no other to it.
      expect(peerDependencies[backend.package] !== undefined).toBe(!backend.included)
      expect(peerDependenciesMeta[backend.package]).toEqual(backend.included ? undefined : { optional: true })
    })
})

/** As npm names them. */
const SYSTEM_NAMES: Readonly<Record<string, string>> = { linux: "linux", macos: "darwin", windows: "win32" }
const LIBC_NAMES: Readonly<Record<string, string>> = { glibc: "gnu", musl: "musl" }

const npmName = ({ system, arch, libc }: NativePlatform): string =>
  [SYSTEM_NAMES[system], arch, ...(libc ? [LIBC_NAMES[libc]] : [])].join("-")

describe("the native parts agree with the packages", () => {
  test("cuda has a package for each platform, and the driver and the GPU that it asks for", () => {
    const names = NATIVE_PLATFORMS.cuda!.map((platform) => `@taeda/backend-cuda-${npmName(platform)}`)
    expect(Object.keys(read("backend-cuda").optionalDependencies).sort()).toEqual(names.sort())
    expect(CUDA_NEEDS.computeCapability).toEqual(OLDEST_CAPABILITY)
    for (const [system, driver] of Object.entries(CUDA_NEEDS.driver)) {
      const { message } = driverError({ code: "ERR_CUDA_OLD", message: "" }, { platform: SYSTEM_NAMES[system] })
      expect(message).toContain(`${CUDA_NEEDS.cuda.join(".")} is needed, which is driver ${driver.join(".")} or newer`)
    }
  })

  test("webgpu has one in the package webgpu, whose parts for Linux are made for glibc", () => {
    const fromWebgpu = createRequire(new URL("src/index.ts", manifest("backend-webgpu")))
    const there = readdirSync(join(dirname(fromWebgpu.resolve("webgpu/package.json")), "dist"))
    const names = NATIVE_PLATFORMS.webgpu!.map(({ system, arch }) =>
      npmName({ system, arch: system === "macos" ? "universal" : arch }),
    )
    expect(there.sort()).toEqual([...new Set(names)].sort())
    const linux = NATIVE_PLATFORMS.webgpu!.filter(({ system }) => system === "linux")
    expect(linux.map(({ libc }) => libc)).toEqual(linux.map(() => "glibc"))
  })
})

test("the documentation has the rows of the table", () => {
  const page = readFileSync(new URL("../../../docs/install.md", import.meta.url), "utf8")
  for (const backend of BACKENDS) {
    const { name, device, title, needs } = backend
    const command = installCommand(backend, "npm", "node")
    expect(page).toContain(`\n| \`${name}\` | \`"${device}"\` | ${title} | ${needs} | \`${command}\` |\n`)
  }
  for (const [name, platforms] of Object.entries(NATIVE_PLATFORMS)) {
    const texts = platforms.map(({ system, arch, libc }) => {
      const { title } = SYSTEMS.find((each) => each.name === system)!
      return `${title} on ${arch}${libc ? ` (${libc})` : ""}`
    })
    expect(page).toContain(`\n| \`${name}\` | ${texts.join(", ")} |\n`)
  }
  for (const { name } of [...PACKAGE_MANAGERS, ...RUNTIMES]) expect(page).toContain(`\`${name}\``)
})

test("what fits where", () => {
  const [cuda, webgpu, wasm] = ["cuda", "webgpu", "wasm"].map((device) => backendOfDevice(device)!)
  expect(misfit(cuda, {})).toBeUndefined()
  expect(misfit(cuda, { runtime: "bun" })).toBe("only in Node")
  expect(misfit(cuda, { runtime: "node", system: "macos" })).toBe("only on Linux or Windows")
  expect(misfit(cuda, { system: "linux", arch: "x64", libc: "musl" })).toBeUndefined()
  expect(misfit(cuda, { system: "linux", arch: "arm64", libc: "musl" })).toBe(
    "its native part is built for Linux on x64 (glibc), Linux on x64 (musl), Linux on arm64 (glibc) or Windows on x64",
  )
  expect(misfit(webgpu, { system: "windows", arch: "arm64" })).toBeUndefined()
  expect(misfit(webgpu, { runtime: "node", system: "linux", libc: "musl" })).toMatch(/^its native part is built for /)
  expect(misfit(webgpu, { runtime: "browser", system: "other" })).toBeUndefined()
  expect(misfit(wasm, { runtime: "deno", system: "other", arch: "riscv64" })).toBeUndefined()
  expect(titleOf(wasm)).toBe("WebAssembly with SIMD and threads")
  expect(titleOf(backendOfDevice("cpu")!)).toBe("Pure JavaScript, runs everywhere")
})

test.each([
  [[450, 36], [450, 36], true],
  [[450, 36, 6], [450, 36], true],
  [[535], [450, 36], true],
  [[450, 35], [450, 36], false],
  [[418, 87], [450, 36], false],
  [[450], [450, 36], false],
])("%j is at least %j: %s", (version, least, expected) => {
  expect(isAtLeast(version, least)).toBe(expected)
})

test("ranks are all different and what is included needs no other package or driver", () => {
  expect(new Set(BACKENDS.map((b) => b.rank)).size).toBe(BACKENDS.length)
  expect(BACKENDS.filter((b) => b.included).map((b) => b.name)).toEqual(["wasm-simd", "cpu-js"])
})

test("commands", () => {
  const cpu = backendOfDevice("cpu")!
  const cuda = backendOfDevice("cuda:1")!
  expect(cuda.name).toBe("cuda")
  expect(PACKAGE_MANAGERS.map((m) => installCommand(cpu, m.name))).toEqual([
    "npm install taeda",
    "pnpm add taeda",
    "yarn add taeda",
    "bun add taeda",
    "deno add npm:taeda",
  ])
  expect(packagesFor(cuda, "node")).toEqual(["taeda", "@taeda/backend-cuda"])
  expect(installCommand(cuda, "pnpm")).toBe("pnpm add taeda @taeda/backend-cuda")
  expect(installCommand(backendOfDevice("webgpu")!, "npm", "node")).toBe(
    "npm install taeda @taeda/backend-webgpu webgpu",
  )
  expect(installCommand(backendOfDevice("webgpu")!, "npm", "browser")).toBe("npm install taeda @taeda/backend-webgpu")
  expect(importLines(cpu)).toBe('import * as torch from "taeda"')
  expect(importLines(cuda)).toContain('setDefaultDevice("cuda")')
  const webgpu = backendOfDevice("webgpu")!
  const [first, last] = ['import * as torch from "taeda"', 'await torch.setDefaultDevice("webgpu")']
  expect(importLines(webgpu, "node")).toBe(`${first}\n${last}`)
  expect(importLines(webgpu, "browser")).toBe(
    `${first}\ntorch.registerBackend("webgpu", async () => (await import("@taeda/backend-webgpu")).open())\n${last}`,
  )
  expect(importLines(backendOfDevice("wasm")!, "browser")).toBe(`${first}\nawait torch.setDefaultDevice("wasm")`)
})

test("advice for a device that is not there", () => {
  expect(deviceAdvice("cuda:1")).toBe("install it with: npm install taeda @taeda/backend-cuda")
  expect(deviceAdvice("tpu")).toBe("known devices: cuda, webgpu, wasm, cpu")
})
