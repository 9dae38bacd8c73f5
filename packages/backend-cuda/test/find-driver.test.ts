/** What is said where something is missing: on the emulator's settings, and on libraries that are none. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { addonFile, loadAddon } from "../src/addon.ts"
import { chooseDevice, driverError, versionText } from "../src/driver-words.ts"
import { findDriver, verdictOn } from "../src/find-driver.ts"
import { packageFor, platformHere } from "../src/platform.ts"
import { EMULATED, openEmulated, withSettings } from "./harness.ts"

const { addon, driver } = EMULATED
const onLinux = { platform: "linux", libc: "gnu" } as const

/** The message of what a driver that is found in no time, but not good, is told by. */
async function told(settings: Readonly<Record<string, string>>, device = 0): Promise<string> {
  return withSettings(settings, async () => {
    const error = await openEmulated({ device }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Error)
    return (error as Error).message
  })
}

describe("a driver", () => {
  it("is found, and tried once in a process of its own", async () => {
    const first = verdictOn(addon, [driver])
    expect(await first).toEqual({})
    expect(verdictOn(addon, [driver])).toBe(first)
    expect((await findDriver(addon, driver)).driver.version).toBe(13000)
  })

  it("that is missing: how to install it", async () => {
    await expect(findDriver(addon, "libcuda-that-is-not-there.so.1")).rejects.toThrow(
      /there is no NVIDIA driver here \(libcuda-that-is-not-there.so.1 is nowhere to be found\)\. Install it.*--gpus all.*"webgpu", "wasm" or "cpu"/,
    )
  })

  it("that is there but no good: why, without the places that have none", () => {
    const missing = (file: string) => `${file}: cannot open shared object file: No such file or directory`
    const message = [missing("libcuda.so.1"), "/lib/libcuda.so.1: file too short", missing("/x/libcuda.so.1")].join(
      "; ",
    )
    const error = driverError({ code: "ERR_CUDA_LIBRARY", message }, onLinux)
    expect(error.message).toContain("no NVIDIA driver here (/lib/libcuda.so.1: file too short). Install it")
  })

  it("that is missing on musl: glibc", () => {
    const error = driverError(
      { code: "ERR_CUDA_LIBRARY", message: "no such file" },
      { platform: "linux", libc: "musl" },
    )
    expect(error.message).toMatch(/made for glibc, and this system has musl/)
  })

  it("that is missing on Windows", () => {
    const error = driverError({ code: "ERR_CUDA_LIBRARY", message: "error 126" }, { platform: "win32" })
    expect(error.message).toMatch(/no NVIDIA driver here \(error 126\)\. Install it from nvidia.com/)
    expect(error.message).not.toContain("Ubuntu")
  })

  it("that is no driver", async () => {
    await expect(findDriver(addon, "libm.so.6")).rejects.toThrow(
      "the driver's library has no cuDriverGetVersion: it is no driver of NVIDIA's, or a damaged one",
    )
  })
})

describe("a driver that crashes", () => {
  it("takes down another process than this one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taeda-"))
    try {
      // In place of the addon, a module that kills whoever loads it.
      const file = join(folder, "crash.cjs")
      writeFileSync(file, `process.kill(process.pid, "SIGSEGV")`)
      await expect(findDriver(file, driver)).rejects.toThrow(
        /NVIDIA's driver took down the process in which it was tried \(SIGSEGV.*nvidia-smi/,
      )
      writeFileSync(file, `console.error("double free"); process.exit(134)`)
      await expect(findDriver(file, driver)).rejects.toThrow("(exit code 134: double free)")
      // A person who repairs something may try again.
      copyFileSync(addon, join(folder, "good.node"))
      writeFileSync(file, `module.exports = require("./good.node")`)
      expect((await findDriver(file, driver)).driver.version).toBe(13000)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe("what a driver says itself", () => {
  // The trial was passed before, so that it is this process that finds out.
  const here = withSettings({}, () => openEmulated().then((backend) => backend.dispose()))

  it.each([
    ["too old", { DRIVER_VERSION: "10020" }, /too old: it is for CUDA 10\.2, and 11\.0 is needed, which is driver 450/],
    ["without a GPU", { DEVICES: "0" }, /is there, but it has no GPU for this process/],
    ["of two versions", { FAIL_INIT: "803" }, /restart the machine/],
    ["in another way", { FAIL_INIT: "999" }, /does not start \(cuInit: CUDA_ERROR_UNKNOWN \(999\)/],
    ["with an old GPU", { CAPABILITY: "7.0" }, /cuda:0 \(.*\) has compute capability 7\.0, and 7\.5 is needed/],
  ])("%s", async (_, settings, words) => {
    await here
    expect(await told(settings)).toMatch(words)
  })

  it("is found out by the trial as well", async () => {
    const copy = join(mkdtempSync(join(tmpdir(), "taeda-")), "addon.node")
    copyFileSync(addon, copy)
    await withSettings({ DRIVER_VERSION: "10020" }, async () => {
      expect(await verdictOn(copy, [driver])).toMatchObject({ step: "driver", code: "ERR_CUDA_OLD", version: 10020 })
      await expect(findDriver(copy, driver)).rejects.toThrow("too old")
    })
  })

  it("about devices that are there", async () => {
    expect(await told({ DEVICES: "2" }, 2)).toMatch(/there is no cuda:2; there is cuda:0 \(.+\), cuda:1 \(.+\)\./)
    await withSettings({ DEVICES: "2" }, async () => {
      const second = await openEmulated({ device: 1 })
      expect(second.index).toBe(1)
      second.dispose()
    })
  })

  it("under CUDA_VISIBLE_DEVICES", () => {
    const circumstances = { ...onLinux, visibleDevices: "7" }
    const words = 'CUDA_VISIBLE_DEVICES is "7", which says which GPUs this process sees'
    expect(() => chooseDevice([], 0, circumstances)).toThrow(words)
    expect(driverError({ code: "CUDA_ERROR_NO_DEVICE", message: "" }, circumstances).message).toContain(words)
    expect(driverError({ code: "CUDA_ERROR_NO_DEVICE", message: "" }, onLinux).message).not.toContain("VISIBLE")
  })

  it("in numbers", () => {
    expect([11000, 12040, 13010].map(versionText)).toEqual(["11.0", "12.4", "13.1"])
  })
})

describe("the addon's package", () => {
  it("is this machine's", () => {
    expect(packageFor(platformHere())).toMatch(/^@taeda\/backend-cuda-\w+-\w+/)
    expect(packageFor({ platform: "linux", arch: "arm64", libc: "gnu" })).toBe("@taeda/backend-cuda-linux-arm64-gnu")
    expect(packageFor({ platform: "linux", arch: "x64", libc: "musl" })).toBe("@taeda/backend-cuda-linux-x64-musl")
    expect(packageFor({ platform: "win32", arch: "x64" })).toBe("@taeda/backend-cuda-win32-x64")
  })

  it("does not exist for each machine", () => {
    expect(() => packageFor({ platform: "darwin", arch: "arm64" })).toThrow(
      /no addon for darwin-arm64; there are Linux on x64.*Use the device "webgpu"/,
    )
    expect(() => packageFor({ platform: "linux", arch: "arm64", libc: "musl" })).toThrow(
      "no addon for linux-arm64-musl",
    )
  })

  it("that is missing: the command that repairs it", () => {
    const missing = (name: string): string => {
      throw new Error(`Cannot find module '${name}'`)
    }
    expect(() => addonFile({ platform: "win32", arch: "x64" }, missing)).toThrow(
      /optional dependency.*npm install @taeda\/backend-cuda-win32-x64$/,
    )
  })

  it("that does not load: for what it was built", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taeda-"))
    const file = join(folder, "taeda-cuda.node")
    writeFileSync(file, "no library")
    expect(() => loadAddon(file)).toThrow(/does not load on this machine \(.*taeda-cuda.node.*\).*glibc 2\.28/)
    await expect(findDriver(file, driver)).rejects.toThrow("does not load on this machine")
    rmSync(folder, { recursive: true })
  })
})
