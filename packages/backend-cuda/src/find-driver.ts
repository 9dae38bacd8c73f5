/** Finds the driver. It is tried in a process of its own first: where it crashes, that is told in words, and this process lives. */
import { execFile } from "node:child_process"
import { addonFile, loadAddon, notLoaded } from "./addon.ts"
import type { CudaDriver } from "./driver.ts"
import { type Circumstances, driverError, type Failure } from "./driver-words.ts"
import { platformHere } from "./platform.ts"

export interface FoundDriver {
  readonly driver: CudaDriver
  readonly circumstances: Circumstances
}

/** Where the driver's library may be. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  // The system's linker knows it; where it does not, WSL and NixOS have it in these folders.
  linux: ["libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1", "/run/opengl-driver/lib/libcuda.so.1"],
  win32: ["nvcuda.dll"],
}

/** How long a driver may take to start. */
const PATIENCE_MS = 60_000

/** What the child runs: loads the addon and the driver, and says what came of it as JSON. */
const TRIAL = `
const said = (result) => process.stdout.write(JSON.stringify(result))
const [file, libraries] = process.argv.slice(-2)
let addon
try {
  addon = require(file)
} catch (error) {
  said({ step: "addon", message: String(error.message).split("\\n")[0] })
}
if (addon) {
  try {
    addon.load(JSON.parse(libraries)).devices()
    said({})
  } catch ({ code, message, version }) {
    said({ step: "driver", code, message, version })
  }
}
`

interface Verdict extends Partial<Failure> {
  readonly step?: "addon" | "driver" | "process"
}

/** Runs the trial. */
function tryInChild(file: string, libraries: readonly string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: "", ELECTRON_RUN_AS_NODE: "1" }
    const args = ["-e", TRIAL, file, JSON.stringify(libraries)]
    const options = { env, timeout: PATIENCE_MS, windowsHide: true, encoding: "utf8" } as const
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as Verdict)
        return
      } catch {
        // It did not get so far as to say something.
      }
      const { signal, code, killed } = (error ?? {}) as { signal?: string; code?: unknown; killed?: boolean }
      const last = stderr.trim().split("\n").at(-1)
      const how = killed
        ? `did not start within ${PATIENCE_MS / 1000} s`
        : `took down the process in which it was tried (${signal ?? `exit code ${String(code)}`}${last ? `: ${last}` : ""})`
      resolve({ step: "process", message: how })
    })
  })
}

/** What the trials said in this process, by what was tried. */
const verdicts = new Map<string, Promise<Verdict>>()

/** What trying the driver gives; asked for again, and unless it failed, it is not tried again. */
export function verdictOn(file: string, libraries: readonly string[]): Promise<Verdict> {
  const key = JSON.stringify([file, libraries])
  let verdict = verdicts.get(key)
  if (!verdict) {
    verdict = tryInChild(file, libraries)
    verdicts.set(key, verdict)
    // A person who repairs something may try again.
    verdict.then(({ step }) => step && verdicts.delete(key))
  }
  return verdict
}

/**
 * The driver, loaded into this process.
 *
 * @param addon the native addon's file; by default that of this platform's package.
 * @param library the driver's library; by default the system's.
 * @throws Error that says what is missing and what to do.
 */
export async function findDriver(addon?: string, library?: string): Promise<FoundDriver> {
  const { platform, libc, arch } = platformHere()
  const circumstances: Circumstances = {
    platform,
    ...(libc && { libc }),
    ...(process.env.CUDA_VISIBLE_DEVICES !== undefined && { visibleDevices: process.env.CUDA_VISIBLE_DEVICES }),
  }
  const file = addon ?? addonFile({ platform, arch, ...(libc && { libc }) })
  const libraries = library === undefined ? (LIBRARIES[platform] ?? []) : [library]
  const { step, message = "", ...rest } = await verdictOn(file, libraries)
  if (step === "addon") throw notLoaded(file, message)
  if (step === "driver") throw driverError({ message, ...rest }, circumstances)
  if (step === "process")
    throw new Error(`cuda: NVIDIA's driver ${message}. "nvidia-smi" shows whether it works at all.`)
  try {
    return { driver: loadAddon(file).load(libraries), circumstances }
  } catch (error) {
    throw driverError(error as Failure & Error, circumstances)
  }
}
