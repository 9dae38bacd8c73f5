/** What of taeda's a project has. */
import { existsSync, realpathSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { BACKENDS } from "@taeda/choices"
import { manifestIn, outwards, type Project } from "./project.ts"

export interface InstalledPackage {
  readonly name: string
  /** "unknown" where it lies in an archive (Yarn's Plug'n'Play) that this process does not look into. */
  readonly version: string
}

/** What is looked for. */
const PACKAGES = ["taeda", ...BACKENDS.map((backend) => backend.package), "webgpu"]

/** What is used of Yarn's Plug'n'Play, which `yarn taeda` starts with: then files in archives are read like others. */
interface PlugAndPlay {
  resolveToUnqualified(name: string, issuer: string): string | null
}

function archivedFolder(name: string, folder: string): string | undefined {
  if (!process.versions.pnp) return undefined
  const inside = join(folder, "package.json")
  try {
    const { resolveToUnqualified } = createRequire(inside)("pnpapi") as PlugAndPlay
    return resolveToUnqualified(name, inside) ?? undefined
  } catch {
    // It belongs to no such project, or does not have that package.
    return undefined
  }
}

/** The folder of an installed package as a file inside `folder` finds it, or undefined. */
export function packageFolder(name: string, folder: string): string | undefined {
  const found = [...outwards(folder)].map((at) => join(at, "node_modules", name))
  return found.find((at) => existsSync(join(at, "package.json"))) ?? archivedFolder(name, folder)
}

/** Packages without folders of their own: those that the manifest names. */
function named({ folder, root = folder }: Partial<Project> & Pick<Project, "folder">): InstalledPackage[] {
  if (!existsSync(join(root, ".pnp.cjs"))) return []
  const { dependencies, devDependencies } = manifestIn(folder) ?? {}
  const names = Object.keys({ ...dependencies, ...devDependencies })
  return PACKAGES.filter((name) => names.includes(name)).map((name) => ({ name, version: "unknown" }))
}

/** What is installed there, as far as the project itself sees it. */
export function installedPackages(project: Partial<Project> & Pick<Project, "folder">): InstalledPackage[] {
  const found = PACKAGES.flatMap((name) => {
    const folder = packageFolder(name, project.folder)
    return folder ? [{ name, version: manifestIn(folder)?.version ?? "unknown" }] : []
  })
  return found.length > 0 ? found : named(project)
}

/** The folders of a package that the project's packages of taeda's see: more than one is one too many. */
export function copiesOf(name: string, folder: string): string[] {
  const users = PACKAGES.flatMap((user) => packageFolder(user, folder) ?? [])
  const seen = users.flatMap((user) => packageFolder(name, realpathSync(user)) ?? [])
  return [...new Set(seen.map((each) => realpathSync(each)))]
}
