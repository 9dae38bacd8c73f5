/** Builds the emulator for this machine, once for each state of its sources. */

import { createHash, randomUUID } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { link, mkdir, rename, rm } from "node:fs/promises"
import { cpus } from "node:os"
import { join } from "node:path"
import { CACHE, zig, zigVersion } from "@taeda/zig"

const root = join(import.meta.dirname, "..")

const isWindows = process.platform === "win32"
/** By its name, the driver's own, the loader finds it. */
const LIBRARY = isWindows ? "nvcuda.dll" : "libcuda.so.1"
const NATIVE = join(root, "native")
const SHARED = ["-fPIC", "-shared"]

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

/** Something that is built of all the C++ files of some folders. */
interface Target {
  readonly folders: readonly string[]
  readonly name: string
  readonly flags: readonly string[]
  /** Folders of headers of others. */
  readonly includes?: readonly string[]
}

const sourcesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /\.(cc|h|def)$/.test(name))
    .sort()

/** Stands for everything that a binary depends on. */
function fingerprint({ folders, flags, includes = [] }: Target): string {
  const hash = createHash("sha256").update(JSON.stringify([zigVersion, FLAGS, flags, process.arch, cpus()[0]?.model]))
  for (const folder of folders)
    for (const name of sourcesIn(folder)) hash.update(name).update(readFileSync(join(folder, name)))
  for (const folder of includes)
    for (const name of sourcesIn(folder)) if (name.endsWith(".h")) hash.update(readFileSync(join(folder, name)))
  return hash.digest("hex").slice(0, 16)
}

async function buildInto(output: string, { folders, name, flags, includes = [] }: Target): Promise<void> {
  await mkdir(output, { recursive: true })
  const compiled = folders.flatMap((folder) =>
    sourcesIn(folder)
      .filter((source) => source.endsWith(".cc"))
      .map((source) => join(folder, source)),
  )
  const headers = includes.flatMap((folder) => ["-I", folder])
  await zig("c++", ...FLAGS, ...flags, ...headers, ...compiled, "-o", join(output, name))
}

/**
 * The folder that holds a target; built when the sources have changed. Of several processes that build at once the first
 * wins.
 */
const build = (target: Target): Promise<string> =>
  appearing(`taeda-cuda-emulator-${fingerprint(target)}`, (folder) => buildInto(folder, target))

/** A folder in the cache that is there only when it is whole. */
async function appearing(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const output = join(CACHE, name)
  if (existsSync(output)) return output
  const partial = `${output}.${randomUUID()}`
  try {
    await make(partial)
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
export const buildEmulator = (): Promise<string> => build({ folders: [NATIVE], name: LIBRARY, flags: SHARED })

/** Under a name that no program looks for: who uses it means to. */
const IDLE = isWindows ? "taeda-idle-driver.dll" : "libtaeda-idle-driver.so"

/**
 * The file of a driver that does nothing: every call succeeds at once, no kernel runs, and what is read is zeros. It is for
 * measuring what launches cost the host, and for nothing else; its GPU is called "idle driver: nothing is computed".
 */
export const buildIdleDriver = async (): Promise<string> =>
  join(await build({ folders: [join(root, "idle")], name: IDLE, flags: SHARED, includes: [NATIVE] }), IDLE)

/** Stand-ins of NVIDIA's libraries, by the names under which a program finds them. */
const GUESTS = isWindows
  ? { cublaslt: "cublasLt64_13.dll", cudnn: "cudnn64_9.dll" }
  : { cublaslt: "libcublasLt.so.13", cudnn: "libcudnn.so.9" }

/**
 * The folder with stand-ins of NVIDIA's cuBLASLt and cuDNN, which compute on the emulator's memory, and with the emulator
 * itself: they belong to it.
 */
export async function buildLibraries(): Promise<string> {
  const emulator = join(await buildEmulator(), LIBRARY)
  const built = await Promise.all(
    Object.entries(GUESTS).map(async ([folder, name]) => {
      const common = join(root, "libraries", "common")
      const folders = [common, join(root, "libraries", folder)]
      return { name, file: join(await build({ folders, name, flags: SHARED, includes: [common, NATIVE] }), name) }
    }),
  )
  const files = [{ name: LIBRARY, file: emulator }, ...built]
  const hash = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16)
  return appearing(`taeda-cuda-libraries-${hash}`, async (folder) => {
    await mkdir(folder, { recursive: true })
    // Linked, since the stand-ins must meet the very emulator that the program has loaded.
    for (const { name, file } of files) await link(file, join(folder, name))
  })
}

/** The program that the tests drive the library with. */
export async function buildRunner(): Promise<{ readonly runner: string; readonly library: string }> {
  const name = process.platform === "win32" ? "runner.exe" : "runner"
  const folder = await build({ folders: [join(root, "test", "native")], name, flags: [] })
  return { runner: join(folder, name), library: join(await buildEmulator(), LIBRARY) }
}
