/** Which backend fits where. */

import { NATIVE_PLATFORMS, type NativePlatform } from "./native.ts"
import { type BackendChoice, RUNTIMES, type RuntimeChoice, SYSTEMS, type SystemChoice } from "./table.ts"

/** Where a backend shall run; what is left out is not asked about. */
export interface Place {
  readonly runtime?: RuntimeChoice["name"]
  readonly system?: SystemChoice["name"]
  /** As Node names it: "x64", "arm64". */
  readonly arch?: string
  /** Of Linux only. */
  readonly libc?: "glibc" | "musl"
}

/** "a, b or c". */
const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`

const titles = (
  table: readonly { readonly name: string; readonly title: string }[],
  names: readonly string[],
): string => listed(names.map((name) => table.find((each) => each.name === name)?.title ?? name))

/** With a capital. */
export const titleOf = ({ title }: BackendChoice): string => `${title[0].toUpperCase()}${title.slice(1)}`

const platformText = ({ system, arch, libc }: NativePlatform): string =>
  `${titles(SYSTEMS, [system])} on ${arch}${libc ? ` (${libc})` : ""}`

const isThere = (platform: NativePlatform, { system, arch, libc }: Place): boolean =>
  (system === undefined || platform.system === system) &&
  (arch === undefined || platform.arch === arch) &&
  (libc === undefined || platform.libc === undefined || platform.libc === libc)

/** Why a backend cannot run in a place, as words that follow its title and a colon; undefined where it can. */
export function misfit(backend: BackendChoice, place: Place): string | undefined {
  const { runtimes, systems } = backend
  const { runtime, system } = place
  if (runtime && runtimes && !runtimes.includes(runtime)) return `only in ${titles(RUNTIMES, runtimes)}`
  if (system && systems && !systems.includes(system)) return `only on ${titles(SYSTEMS, systems)}`
  const platforms = runtime === "browser" ? undefined : NATIVE_PLATFORMS[backend.name]
  if (!platforms || platforms.some((platform) => isThere(platform, place))) return undefined
  return `its native part is built for ${listed(platforms.map(platformText))}`
}
