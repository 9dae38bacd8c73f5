import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
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

/** Every package of the workspace, by its name. */
const manifests = () => {
  const folders = ["packages", "apps", "tooling"].flatMap((group) =>
    readdirSync(join(ROOT, group)).map((name) => [group, name, "package.json"]),
  )
  const found = folders.filter((path) => existsSync(join(ROOT, ...path))).map((path) => readJson(...path))
  return new Map(found.map((manifest) => [manifest.name, manifest]))
}

/**
 * A package with those of the workspace that it depends on. pnpm's own `name...` follows peers as well: the backends for GPUs, of
 * which `taeda` says that they may be missing, would bring their tools along, a compiler of C++ among them.
 */
export const withDependencies = (name, known = manifests(), found = new Set()) => {
  const manifest = known.get(name)
  if (!manifest || found.has(name)) return found
  found.add(name)
  for (const each of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }))
    withDependencies(each, known, found)
  return found
}

/**
 * pnpm would ask the registry for the age of everything in the lockfile, five times the bytes of what the command needs. That is
 * asked where everything is installed, in CI for one; what the lockfile names is held to its checksums in any case.
 */
const UNCHECKED_AGE = "--config.minimumReleaseAge=0"

/**
 * Installs, from the lockfile, what a package and the packages it depends on need, or everything (`name` null). Skipped
 * when the lockfile is unchanged since.
 */
export const install = async (name = null) => {
  checkNode()
  const scope = isWhole() || name === null ? null : [...withDependencies(name)].sort()
  const wanted = fingerprint()
  await step(
    `Installing ${scope ? "what this needs" : "everything"} (${packageManager()}, from the lockfile)`,
    async () => {
      const stamp = readStamp()
      if (stamp?.fingerprint === wanted && (stamp.scope === null || String(stamp.scope) === String(scope)))
        return "already there"
      const parts = scope ? [UNCHECKED_AGE, ...scope.map((each) => `--filter=${each}`)] : []
      const code = await pnpm(["install", "--frozen-lockfile", ...parts], { quiet: true })
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
