/** Builds the emulator for this machine, once for each state of its sources. */

import { createHash, randomUUID } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { cpus } from "node:os"
import { join } from "node:path"
import { cache, zig } from "./zig.ts"

const native = join(import.meta.dirname, "..", "native")

/** By its name, the driver's own, the loader finds it. */
const LIBRARY = process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1"

/**
 * Nothing may round otherwise than PTX says, so multiplications and additions stay apart. The code runs on the machine
 * that compiles it.
 */
const FLAGS = [
  "-std=c++20",
  "-O3",
  "-mcpu=native",
  "-ffp-contract=off",
  "-fno-math-errno",
  "-fomit-frame-pointer",
  "-fvisibility=hidden",
  "-Wall",
  "-Wextra",
  "-Wno-psabi",
  "-s",
]

const sourcesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /\.(cc|h|def)$/.test(name))
    .sort()

/** Stands for everything that the binaries depend on. */
function fingerprint(): string {
  const hash = createHash("sha256").update(JSON.stringify([FLAGS, process.arch, cpus()[0]?.model]))
  hash.update(readFileSync(join(import.meta.dirname, "..", "package.json")))
  for (const name of sourcesIn(native)) hash.update(name).update(readFileSync(join(native, name)))
  return hash.digest("hex").slice(0, 16)
}

const compiled = (folder: string) =>
  sourcesIn(folder)
    .filter((name) => name.endsWith(".cc"))
    .map((name) => join(folder, name))

async function buildInto(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await zig(["c++", ...FLAGS, "-fPIC", "-shared", ...compiled(native), "-o", join(folder, LIBRARY)])
}

/**
 * The folder that holds the emulator as the driver's library: with it on LD_LIBRARY_PATH (on Windows on PATH) a program
 * that loads the driver finds the emulator. Builds it when the sources have changed; of several processes that build at
 * once the first wins.
 */
export async function buildEmulator(): Promise<string> {
  const folder = join(cache, `taeda-cuda-emulator-${fingerprint()}`)
  if (existsSync(folder)) return folder
  const partial = `${folder}.${randomUUID()}`
  try {
    await buildInto(partial)
    await rename(partial, folder)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
