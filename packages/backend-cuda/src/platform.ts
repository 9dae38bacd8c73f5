/** Which of the addon's packages is this machine's. */

/** The packages are called so, and then by their platform. */
const PREFIX = "@taeda/backend-cuda-"

/** Those that there are, as titles. */
const PLATFORMS: Readonly<Record<string, string>> = {
  "linux-x64-gnu": "Linux on x64 (glibc 2.28 and newer)",
  "linux-x64-musl": "Linux on x64 (musl)",
  "linux-arm64-gnu": "Linux on arm64 (glibc 2.28 and newer)",
  "win32-x64": "Windows on x64",
}

export interface Platform {
  readonly platform: string
  readonly arch: string
  /** Of Linux only. */
  readonly libc?: "gnu" | "musl"
}

interface Report {
  readonly header?: { readonly glibcVersionRuntime?: string }
}

/** What this process runs on. */
export function platformHere(): Platform {
  const { platform, arch, report } = process
  if (platform !== "linux") return { platform, arch }
  const { header } = report.getReport() as unknown as Report
  return { platform, arch, libc: header?.glibcVersionRuntime ? "gnu" : "musl" }
}

/**
 * The package that has the addon for a platform.
 *
 * @throws Error where there is none, naming those that there are.
 */
export function packageFor({ platform, arch, libc }: Platform): string {
  const name = [platform, arch, libc].filter(Boolean).join("-")
  if (Object.hasOwn(PLATFORMS, name)) return PREFIX + name
  throw new Error(
    `cuda: there is no addon for ${name}; there are ${Object.values(PLATFORMS).join(", ")}. Use the device "webgpu", "wasm" or "cpu" here.`,
  )
}
