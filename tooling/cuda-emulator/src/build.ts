/** Builds the emulator for this machine, once for each state of its sources. */

import { createHash, randomUUID } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { cpus } from "node:os"
import { join } from "node:path"
import { CACHE, zig, zigVersion } from "@taeda/zig"

const root = join(import.meta.dirname, "..")

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
  "-fno-strict-aliasing",
  "-fomit-frame-pointer",
  "-fvisibility=hidden",
  "-Wall",
  "-Wextra",
  "-Wno-psabi",
  "-s",
]

/** Something that is built of all the C++ files of a folder. */
interface Target {
  readonly folder: string
  readonly name: string
  readonly flags: readonly string[]
}

const sourcesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /\.(cc|h|def)$/.test(name))
    .sort()

/** Stands for everything that a binary depends on. */
function fingerprint({ folder, flags }: Target): string {
  const hash = createHash("sha256").update(JSON.stringify([zigVersion, FLAGS, flags, process.arch, cpus()[0]?.model]))
  for (const name of sourcesIn(folder)) hash.update(name).update(readFileSync(join(folder, name)))
  return hash.digest("hex").slice(0, 16)
}

async function buildInto(output: string, { folder, name, flags }: Target): Promise<void> {
  await mkdir(output, { recursive: true })
  const compiled = sourcesIn(folder).filter((source) => source.endsWith(".cc"))
  await zig("c++", ...FLAGS, ...flags, ...compiled.map((source) => join(folder, source)), "-o", join(output, name))
}

/**
 * The folder that holds the target; built when the sources have changed. Of several processes that build at once the first
 * wins.
 */
async function build(target: Target): Promise<string> {
  const output = join(CACHE, `taeda-cuda-emulator-${fingerprint(target)}`)
  if (existsSync(output)) return output
  const partial = `${output}.${randomUUID()}`
  try {
    await buildInto(partial, target)
    await rename(partial, output)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (!existsSync(output)) throw error
  }
  return output
}

/**
 * The folder that holds the emulator as the driver's library: with it on LD_LIBRARY_PATH (on Windows on PATH) a program
 * that loads the driver finds the emulator. The first build takes a minute or more, as zig compiles its C++ library too.
 */
export const buildEmulator = (): Promise<string> =>
  build({ folder: join(root, "native"), name: LIBRARY, flags: ["-fPIC", "-shared"] })

/** The program that the tests drive the library with. */
export async function buildRunner(): Promise<{ readonly runner: string; readonly library: string }> {
  const name = process.platform === "win32" ? "runner.exe" : "runner"
  const folder = await build({ folder: join(root, "test", "native"), name, flags: [] })
  return { runner: join(folder, name), library: join(await buildEmulator(), LIBRARY) }
}
