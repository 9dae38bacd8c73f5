import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export const ROOT = join(import.meta.dirname, "..", "..", "..")

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly private?: boolean
  readonly license?: string
  readonly files?: readonly string[]
  readonly publishConfig?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface Package {
  readonly folder: string
  readonly manifest: Manifest
}

/** What a package needs of others, to run or to be built and tested. */
export const dependenciesOf = ({ dependencies, devDependencies }: Manifest): string[] =>
  Object.keys({ ...dependencies, ...devDependencies })

export const readRoot = (...path: string[]): string => readFileSync(join(ROOT, ...path), "utf8")

/** The packages of the named workspace folders. */
export const packagesIn = (...groups: string[]): Package[] =>
  groups
    .flatMap((group) => readdirSync(join(ROOT, group)).map((name) => join(group, name)))
    .filter((folder) => existsSync(join(ROOT, folder, "package.json")))
    .map((folder) => ({ folder, manifest: JSON.parse(readRoot(folder, "package.json")) as Manifest }))

/** The TypeScript files below a package's folder `sub`, by their paths from the root. */
export const sourcesOf = ({ folder }: Package, sub = "src"): string[] => {
  const base = join(ROOT, folder, sub)
  if (!existsSync(base)) return []
  return readdirSync(base, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(folder, sub, path))
}
