import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { run } from "./process.mjs"
import { StepFailed, step } from "./steps.mjs"

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..")

/** That which the bundler of the builds runs under; what is built runs on Node 20. */
const OLDEST_NODE = [20, 19]

export const readJson = (...path) => JSON.parse(readFileSync(join(ROOT, ...path), "utf8"))

const packageManager = () => readJson("package.json").packageManager

/** pnpm, in the version pinned in package.json, through the npm that comes with Node. */
export const pnpm = (args, options) =>
  run("npx", ["--yes", packageManager(), ...args], { cwd: ROOT, shell: true, ...options })

const STAMP = join(ROOT, "node_modules", ".taeda-install.json")

/** What an install depends on: a stamp that says otherwise is out of date. */
const fingerprint = () => {
  const hash = createHash("sha256")
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".pnpmfile.cjs"])
    hash.update(readFileSync(join(ROOT, file)))
  return hash.update(`${process.platform}-${process.arch}`).digest("hex")
}

const readStamp = () => {
  try {
    return JSON.parse(readFileSync(STAMP, "utf8"))
  } catch {
    return null
  }
}

/** True when everything was installed before, by whichever command: a partial install would then unlink the tools. */
const isWhole = () => existsSync(join(ROOT, "tooling", "node", "node_modules"))

const checkNode = () => {
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  throw new StepFailed(
    `building taeda needs Node ${OLDEST_NODE.join(".")} or newer, and this is ${process.version}: get one from nodejs.org.`,
  )
}

/**
 * Installs, from the lockfile, what a package and the packages it depends on need, or everything (`filter` null). Skipped
 * when the lockfile is unchanged since.
 */
export const install = async (filter = null) => {
  checkNode()
  const scope = isWhole() ? null : filter
  const wanted = fingerprint()
  await step(
    `Installing ${scope ? "what this needs" : "everything"} (${packageManager()}, from the lockfile)`,
    async () => {
      const stamp = readStamp()
      if (stamp?.fingerprint === wanted && (stamp.scope === null || stamp.scope === scope)) return "already there"
      const code = await pnpm(["install", "--frozen-lockfile", ...(scope ? [`--filter=${scope}`] : [])], {
        quiet: true,
      })
      if (code === 0) writeFileSync(STAMP, JSON.stringify({ fingerprint: wanted, scope }))
      return code
    },
    "The lines above say why; without any, check the connection to the npm registry.",
  )
}

/** Runs turbo's tasks for every package, or for one and what it depends on, and resolves to the exit code. */
export const turbo = (tasks, { filter, flags = [], ...options } = {}) =>
  pnpm(["exec", "turbo", "run", ...tasks, ...(filter ? [`--filter=${filter}`] : []), ...flags], {
    env: {
      DO_NOT_TRACK: "1",
      TURBO_TELEMETRY_DISABLED: "1",
      // The Node that the person's npm runs under, where this script may run under the one in node_modules already.
      TAEDA_HOST_NODE: process.env.npm_node_execpath ?? process.execPath,
    },
    ...options,
  })

/** Builds a package with what it depends on, or everything. Unchanged packages come from turbo's cache. */
export const build = (filter) =>
  step("Building", () => turbo(["build"], { filter, quiet: true }), "The compiler's lines above name the files.")
