/** What the native parts of backends are built for, and what they ask of a driver. */
import type { BackendChoice, SystemChoice } from "./table.ts"

export interface NativePlatform {
  readonly system: SystemChoice["name"]
  /** As Node names it: "x64", "arm64". */
  readonly arch: string
  /** Of Linux only. */
  readonly libc?: "glibc" | "musl"
}

/** Backends without an entry have no native part outside of browsers. */
export const NATIVE_PLATFORMS: Readonly<Partial<Record<BackendChoice["name"], readonly NativePlatform[]>>> = {
  cuda: [
    { system: "linux", arch: "x64", libc: "glibc" },
    { system: "linux", arch: "x64", libc: "musl" },
    { system: "linux", arch: "arm64", libc: "glibc" },
    { system: "windows", arch: "x64" },
  ],
  webgpu: [
    { system: "linux", arch: "x64", libc: "glibc" },
    { system: "linux", arch: "arm64", libc: "glibc" },
    { system: "macos", arch: "x64" },
    { system: "macos", arch: "arm64" },
    { system: "windows", arch: "x64" },
    { system: "windows", arch: "arm64" },
  ],
}

/** What the backend cuda needs of NVIDIA's driver and GPU. */
export const CUDA_NEEDS = {
  /** The oldest compute capability: Turing. */
  computeCapability: [7, 5],
  /** The oldest CUDA that the driver must be for, and the drivers that are. */
  cuda: [11, 0],
  driver: { linux: [450, 36], windows: [451, 48] },
} as const

/** Whether a version, part by part, is at least another. */
export function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  const at = least.findIndex((part, i) => (version[i] ?? 0) !== part)
  return at < 0 || (version[at] ?? 0) > least[at]
}
