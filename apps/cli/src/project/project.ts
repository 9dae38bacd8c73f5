/** The project that a person stands in: its folder, its package manager, and what of taeda's is installed. */
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { PACKAGE_MANAGERS, type PackageManagerChoice, RUNTIMES, type RuntimeChoice } from "@taeda/choices"
import { detect, getUserAgent } from "package-manager-detector/detect"

export type ManagerName = PackageManagerChoice["name"]

export interface Project {
  /** The folder with the manifest, or where it will be. */
  readonly folder: string
  /** Whether there is a package.json, or a deno.json. */
  readonly hasManifest: boolean
  /** What the manifest says about the project's .js files. */
  readonly type: "module" | "commonjs"
  readonly manager: ManagerName
  /** How that is known, for a person: "package-lock.json", "the command's own". */
  readonly managerFrom: string
  /** The folder of the workspace that this one is part of, which has the lockfile; else the project's own. */
  readonly root: string
  /** Whether the project is the root of a workspace of others. */
  readonly isRoot: boolean
}

const MANIFESTS = ["package.json", "deno.json", "deno.jsonc"]

const hasManifest = (folder: string): boolean => MANIFESTS.some((name) => existsSync(join(folder, name)))

/** The folder itself and those around it, from the inside. */
export function* outwards(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at
    if (dirname(at) === at) return
  }
}

export interface Manifest {
  readonly version?: string
  readonly type?: string
  readonly workspaces?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A manifest, or undefined where there is none. @throws Error where it is no JSON. */
export function manifestIn(folder: string): Manifest | undefined {
  const file = join(folder, "package.json")
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, "utf8").replace(/^\uFEFF/, "")) as Manifest
  } catch (error) {
    throw new Error(`${file} is no JSON (${(error as Error).message}): repair it first`)
  }
}

const isManager = (name: string | null | undefined): name is ManagerName =>
  PACKAGE_MANAGERS.some((manager) => manager.name === name)

/** pnpm's file may hold settings alone. */
function namesPackages(folder: string): boolean {
  const file = join(folder, "pnpm-workspace.yaml")
  return existsSync(file) && /^packages\s*:/m.test(readFileSync(file, "utf8"))
}

const isWorkspaceRoot = (folder: string): boolean =>
  namesPackages(folder) || manifestIn(folder)?.workspaces !== undefined

function lockfileIn(folder: string, manager: ManagerName): string | undefined {
  const { lockfiles } = PACKAGE_MANAGERS.find(({ name }) => name === manager)!
  return lockfiles.find((name) => existsSync(join(folder, name)))
}

/** @throws Error where the manifest is no JSON. */
export async function findProject(from: string, runtime: RuntimeChoice["name"] = "node"): Promise<Project> {
  // As npm does: the next folder outwards that has a manifest, and where there is none, this one.
  const folder = [...outwards(from)].find(hasManifest) ?? from
  const manifest = manifestIn(folder)
  const root = [...outwards(folder)].find(isWorkspaceRoot) ?? folder
  const found = hasManifest(folder) ? await detect({ cwd: folder, stopDir: root }) : null
  const shared = { folder, root, hasManifest: hasManifest(folder), isRoot: isWorkspaceRoot(folder) }
  const type = manifest?.type === "module" || !manifest ? "module" : "commonjs"
  if (isManager(found?.name)) {
    const lockfile = lockfileIn(folder, found.name) ?? lockfileIn(root, found.name)
    return { ...shared, type, manager: found.name, managerFrom: lockfile ?? "package.json" }
  }
  const agent = getUserAgent()
  if (isManager(agent)) return { ...shared, type, manager: agent, managerFrom: "how this command was started" }
  const { manager } = RUNTIMES.find(({ name }) => name === runtime)!
  return { ...shared, type, manager, managerFrom: "what comes with the runtime" }
}
