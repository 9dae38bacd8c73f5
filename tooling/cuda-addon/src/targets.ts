/** The platforms that the addon is built for, by the names of their packages. */

export interface Target {
  /** The package is `@taeda/backend-cuda-NAME`. */
  readonly name: string
  /** The compiler's name for it. */
  readonly triple: string
  readonly os: "linux" | "win32"
  readonly cpu: "x64" | "arm64"
  readonly libc?: "glibc" | "musl"
}

/** The oldest glibc that binaries run with: that of RHEL 8, Debian 10 and Ubuntu 20.04. Node 20 asks for the same. */
export const GLIBC = "2.28"

export const TARGETS: readonly Target[] = [
  { name: "linux-x64-gnu", triple: `x86_64-linux-gnu.${GLIBC}`, os: "linux", cpu: "x64", libc: "glibc" },
  { name: "linux-x64-musl", triple: "x86_64-linux-musl", os: "linux", cpu: "x64", libc: "musl" },
  { name: "linux-arm64-gnu", triple: `aarch64-linux-gnu.${GLIBC}`, os: "linux", cpu: "arm64", libc: "glibc" },
  { name: "win32-x64", triple: "x86_64-windows-gnu", os: "win32", cpu: "x64" },
]

export function targetNamed(name: string): Target {
  const target = TARGETS.find((t) => t.name === name)
  if (!target) throw new RangeError(`there is no target ${name}; there are ${TARGETS.map((t) => t.name).join(", ")}`)
  return target
}

interface Report {
  readonly header: { readonly glibcVersionRuntime?: string }
}

/** Whether the C library of this machine's Node is glibc. */
const hasGlibc = (): boolean => Boolean((process.report.getReport() as unknown as Report).header.glibcVersionRuntime)

/** The target of a machine; undefined where the addon is not built for it. */
export const targetOf = (platform: string, cpu: string, libc: string | undefined): Target | undefined =>
  TARGETS.find((t) => t.os === platform && t.cpu === cpu && t.libc === libc)

const libcOf = (platform: string): "glibc" | "musl" | undefined =>
  platform === "linux" ? (hasGlibc() ? "glibc" : "musl") : undefined

/** Why there is no addon for this machine; undefined where there is one. */
export function absence(platform: string = process.platform, cpu: string = process.arch): string | undefined {
  const libc = libcOf(platform)
  if (targetOf(platform, cpu, libc)) return undefined
  return `the addon is not built for ${platform} on ${cpu}${libc ? ` with ${libc}` : ""}`
}

/** The target of this machine. @throws Error where the addon is not built for it. */
export function targetHere(): Target {
  const target = targetOf(process.platform, process.arch, libcOf(process.platform))
  if (!target) throw new Error(absence())
  return target
}
