/** Whether a built addon is what its target promises. */

import { readElf } from "./elf.ts"
import { readPe } from "./pe.ts"
import { GLIBC, type Target } from "./targets.ts"

/** What every machine of a target has. */
const LIBRARIES = {
  glibc: /^(lib(c|m|dl|rt|pthread)\.so\.\d|ld-linux-[\w-]+\.so\.\d)$/,
  musl: /^libc\.so$/,
  // Node itself, the system's, and the C library that Windows 10 has.
  win32: /^(node\.exe|kernel32\.dll|ntdll\.dll|ucrtbase\.dll|api-ms-win-crt-[\w-]+\.dll)$/i,
}

const isNewer = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((text) => text.split(".").map(Number))
  for (let i = 0; i < Math.max(x.length, y.length); i++)
    if ((x[i] ?? 0) !== (y[i] ?? 0)) return (x[i] ?? 0) > (y[i] ?? 0)
  return false
}

/** What is wrong with it; empty where nothing is. */
export function problemsOf(target: Target, bytes: Uint8Array): string[] {
  const elf = target.os === "linux" ? readElf(bytes) : undefined
  const { machine, needed } = elf ?? readPe(bytes)
  const allowed = LIBRARIES[target.libc ?? "win32"]
  const versions = (elf?.versions ?? []).flatMap((name) => /^GLIBC_([\d.]+)$/.exec(name)?.[1] ?? [])
  return [
    ...(machine === target.cpu ? [] : [`it is for ${machine}, not ${target.cpu}`]),
    ...needed.filter((name) => !allowed.test(name)).map((name) => `it needs ${name}`),
    ...versions.filter((version) => isNewer(version, GLIBC)).map((version) => `it needs glibc ${version}`),
    ...(elf && !elf.exported.some((name) => name.startsWith("napi_register_module_v")) ? ["it is no addon"] : []),
  ]
}

/** What it needs, for people. */
export function needsOf(target: Target, bytes: Uint8Array): string {
  if (target.os !== "linux") return readPe(bytes).needed.join(" ")
  const { needed, versions } = readElf(bytes)
  const glibc = versions.flatMap((name) => /^GLIBC_([\d.]+)$/.exec(name)?.[1] ?? [])
  const newest = glibc.reduce((most, version) => (isNewer(version, most) ? version : most), "0")
  return needed.join(" ") + (newest === "0" ? "" : `, glibc ${newest}`)
}
