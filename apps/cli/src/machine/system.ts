/** The operating system, its C library, and what this process runs inside of. */
import { release, version } from "node:os"
import type { SystemChoice } from "@taeda/choices"
import type { Sources } from "./sources.ts"

export type Libc = "glibc" | "musl"

export interface SystemFacts {
  readonly name: SystemChoice["name"]
  /** What it calls itself: "Debian GNU/Linux 12 (bookworm)". */
  readonly title: string
  /** Of the kernel. */
  readonly release: string
  /** As Node names it: "x64", "arm64". */
  readonly arch: string
  /** Of Linux only. */
  readonly libc: Libc | null
  /** Of glibc. */
  readonly libcVersion: string | null
  /** Windows Subsystem for Linux. */
  readonly wsl: boolean
  readonly container: boolean
}

const NAMES: Readonly<Record<string, SystemChoice["name"]>> = { linux: "linux", darwin: "macos", win32: "windows" }

export const systemNamed = (platform: string): SystemChoice["name"] => NAMES[platform] ?? "other"

interface Report {
  readonly header?: { readonly glibcVersionRuntime?: string }
}

/** The version of the glibc that this process runs on; null where it runs on none, false where the runtime does not tell. */
type Glibc = string | null | false

function glibcVersion(): Glibc {
  const { report } = process as { report?: { excludeNetwork?: boolean; getReport?(): object } }
  if (!report?.getReport) return false
  // Addresses would be looked up by name, which takes time.
  report.excludeNetwork = true
  return (report.getReport() as Report).header?.glibcVersionRuntime ?? null
}

async function libcOf({ platform, list }: Sources, glibc: Glibc): Promise<Libc | null> {
  if (platform !== "linux") return null
  if (glibc !== false) return glibc === null ? "musl" : "glibc"
  return (await list("/lib")).some((name) => name.startsWith("ld-musl-")) ? "musl" : "glibc"
}

/** PRETTY_NAME of /etc/os-release. */
const prettyName = (text: string | null): string | undefined => /^PRETTY_NAME="?(.*?)"?$/m.exec(text ?? "")?.[1]

const TITLES: Readonly<Record<string, (sources: Sources) => Promise<string | undefined>>> = {
  linux: async ({ read }) => prettyName(await read("/etc/os-release")),
  darwin: async ({ run }) => {
    const { stdout, failure } = await run("sw_vers", ["-productVersion"])
    return failure ? undefined : `macOS ${stdout.trim()}`
  },
  win32: async () => version(),
}

/** Files that runtimes of containers leave. */
const CONTAINER_FILES = ["/.dockerenv", "/run/.containerenv"]

export async function systemFacts(sources: Sources, glibc: Glibc = glibcVersion()): Promise<SystemFacts> {
  const { platform, arch, read } = sources
  const linux = platform === "linux"
  const [title, libc, kernel, ...containers] = await Promise.all([
    TITLES[platform]?.(sources),
    libcOf(sources, glibc),
    linux ? read("/proc/version") : null,
    ...(linux ? CONTAINER_FILES.map(read) : []),
  ])
  return {
    name: systemNamed(platform),
    title: title ?? platform,
    release: release(),
    arch,
    libc,
    libcVersion: (libc === "glibc" && glibc) || null,
    wsl: /microsoft/i.test(kernel ?? ""),
    container: containers.some((text) => text !== null),
  }
}
