/** Which browser is started, and with what environment. */

import { spawnSync } from "node:child_process"
import { accessSync, constants, mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { unpack } from "./unpack.ts"

export interface Chromium {
  readonly executable: string
  /** What its environment needs besides this process's. */
  readonly env: Readonly<Record<string, string>>
}

/** No browser can be started on this machine; the message says why and what to do. */
export class NoBrowserError extends Error {
  override readonly name = "NoBrowserError"

  constructor(reason: string, options?: ErrorOptions) {
    super(`no browser can be started: ${reason}`, options)
  }
}

const SET_PATH = "set CHROME_PATH to the executable of a Chrome or Chromium"

const PACKAGE = "@sparticuz/chromium"

/** What the package is built for. */
const PLATFORM = "linux-x64"

function packageFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(PACKAGE)), "..")
  } catch (error) {
    throw new NoBrowserError(`${PACKAGE} is not installed: run \`npm test\` once, which installs it, or ${SET_PATH}`, {
      cause: error,
    })
  }
}

const ROOT = join(import.meta.dirname, "..", "..", "..")

/** A folder that outlives this process, in the checkout if that can be written to. */
function cacheFolder(): string {
  const candidates = [join(ROOT, "node_modules", ".cache", "taeda-browser"), join(tmpdir(), "taeda-browser")]
  const folder = candidates.find((each) => {
    try {
      mkdirSync(each, { recursive: true })
      accessSync(each, constants.W_OK)
      return true
    } catch {
      return false
    }
  })
  if (!folder) throw new NoBrowserError(`there is no place to unpack it: none of ${candidates.join(", ")} is writable`)
  return folder
}

/** What a command says of why it does not start; undefined when it does. */
function complaint(executable: string, env: Chromium["env"]): string | undefined {
  const { status, stderr, error } = spawnSync(executable, ["--version"], {
    env: { ...process.env, ...env },
    encoding: "utf8",
  })
  return status === 0 ? undefined : (error?.message ?? (stderr.trim() || `exit code ${status}`))
}

/** The libraries come last, so that the machine's own are preferred where LD_LIBRARY_PATH names some. */
const withLibraries = (folder: string): Chromium["env"] => ({
  LD_LIBRARY_PATH: [process.env.LD_LIBRARY_PATH, folder].filter(Boolean).join(":"),
})

async function fromPackage(): Promise<Chromium> {
  const folder = packageFolder()
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }
  const { executable, libraries } = await unpack(join(folder, "bin"), join(cacheFolder(), `chromium-${version}`))
  for (const env of [{}, withLibraries(libraries)]) if (!complaint(executable, env)) return { executable, env }
  throw new NoBrowserError(
    `that of ${PACKAGE} does not run here (${complaint(executable, withLibraries(libraries))}); ${SET_PATH}`,
  )
}

/**
 * The browser that CHROME_PATH names, else the one from the registry, unpacked.
 *
 * @throws {NoBrowserError} where there is none for the platform (`linux-x64` has one), or it does not run.
 */
export async function findChromium(
  chromePath = process.env.CHROME_PATH,
  platform = `${process.platform}-${process.arch}`,
): Promise<Chromium> {
  if (chromePath) {
    const reason = complaint(chromePath, {})
    if (reason) throw new NoBrowserError(`CHROME_PATH is ${chromePath}, which does not run (${reason})`)
    return { executable: chromePath, env: {} }
  }
  if (platform !== PLATFORM) throw new NoBrowserError(`the registry has one for ${PLATFORM} only; here, ${SET_PATH}`)
  return fromPackage()
}
