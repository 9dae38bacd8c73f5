/** Builds the addon for a target, once for each state of its sources. */

import { execFile, spawnSync } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, isAbsolute, join } from "node:path"
import { promisify } from "node:util"
import { CACHE, zig, zigVersion } from "@taeda/zig"
import type { Target } from "./targets.ts"

const NATIVE = join(import.meta.dirname, "..", "..", "..", "packages", "backend-cuda", "native")

const require = createRequire(import.meta.url)

/** The folder of a package. */
const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`))

/** Node-API's version 8 is in every Node from 16 on. */
const FLAGS = [
  "-std=c++20",
  "-O2",
  "-fPIC",
  "-shared",
  "-fvisibility=hidden",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-DNAPI_VERSION=8",
  "-DNAPI_CPP_EXCEPTIONS",
  "-DNODE_ADDON_API_DISABLE_DEPRECATED",
]

/**
 * What is compiled besides the plain addon: with checks that end the process, for undefined behaviour, or for addresses as well. The
 * latter needs the system's g++, since zig has no runtime for it, and a process that loads that runtime first.
 */
export type Checks = "none" | "undefined" | "address"

const CHECKS: Readonly<Record<Checks, readonly string[]>> = {
  none: ["-fno-sanitize=all", "-s", "-Wl,--gc-sections"],
  undefined: ["-fsanitize=undefined", "-fno-sanitize-recover=all", "-g"],
  address: ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"],
}

/** What a process must load first (LD_PRELOAD) for an addon with checks of addresses; undefined where there is no g++ that has it. */
export function addressRuntime(): string | undefined {
  const files = ["libasan.so", "libubsan.so"].map((name) =>
    (spawnSync("g++", [`-print-file-name=${name}`], { encoding: "utf8" }).stdout ?? "").trim(),
  )
  // Where it has none, g++ gives the bare name.
  return files.every(isAbsolute) ? files.join(" ") : undefined
}

const sources = (): string[] => readdirSync(NATIVE).sort()

function fingerprint(target: Target, checks: Checks): string {
  const hash = createHash("sha256").update(JSON.stringify([zigVersion, target, FLAGS, CHECKS[checks]]))
  for (const name of ["node-addon-api", "node-api-headers"])
    hash.update(readFileSync(join(folderOf(name), "package.json")))
  for (const file of sources()) hash.update(file).update(readFileSync(join(NATIVE, file)))
  return hash.digest("hex").slice(0, 16)
}

/** Windows' linker wants to know where Node's functions come from: a library that names them. */
async function importLibrary(folder: string): Promise<string> {
  const library = join(folder, "node.lib")
  const definitions = join(folderOf("node-api-headers"), "def", "node_api.def")
  await zig("dlltool", "-d", definitions, "-l", library, "-m", "i386:x86-64")
  return library
}

async function compile(target: Target, checks: Checks, folder: string, to: string): Promise<void> {
  const includes = [folderOf("node-addon-api"), join(folderOf("node-api-headers"), "include")]
  const files = sources().filter((file) => file.endsWith(".cc"))
  const isSystems = checks === "address"
  const compiler = isSystems
    ? (...args: string[]) => promisify(execFile)("g++", args)
    : (...args: string[]) => zig("c++", "-target", target.triple, ...args)
  await compiler(
    ...FLAGS,
    ...CHECKS[checks],
    // As the system's headers, which may give warnings.
    ...includes.flatMap((include) => ["-isystem", include]),
    ...files.map((file) => join(NATIVE, file)),
    ...(target.os === "win32"
      ? [await importLibrary(folder)]
      : [`-Wl,--version-script=${join(NATIVE, "exports.map")}`]),
    "-o",
    to,
  )
}

/**
 * The path of the addon for a target: built now, or before from the same sources. The first build for a target takes a
 * minute or two, since the compiler's C++ library is built for it; others take seconds.
 */
export async function buildAddon(target: Target, checks: Checks = "none"): Promise<string> {
  const folder = join(CACHE, "taeda-cuda")
  const variant = checks === "none" ? "" : `-${checks}`
  const file = join(folder, `${target.name}${variant}-${fingerprint(target, checks)}.node`)
  if (existsSync(file)) return file
  // It appears under its name only when it is whole.
  const partial = join(folder, randomUUID())
  await mkdir(partial, { recursive: true })
  try {
    const built = join(partial, "addon.node")
    await compile(target, checks, partial, built)
    await rename(built, file)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return file
}
