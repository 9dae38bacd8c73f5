/** The repository's files, as the documentation speaks of them. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"

export const ROOT = join(import.meta.dirname, "..", "..", "..")

/** Whether a path from the root leads to a file or a folder. */
export const exists = (path: string): boolean => existsSync(join(ROOT, path))

export const read = (path: string): string => readFileSync(join(ROOT, path), "utf8")

export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly packageManager?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

export const manifestOf = (folder: string): Manifest => JSON.parse(read(join(folder, "package.json"))) as Manifest

/** Paths from the root, sorted, with slashes. */
const glob = (pattern: string): string[] =>
  globSync(pattern, { cwd: ROOT })
    .map((path) => relative(ROOT, join(ROOT, path)).replaceAll("\\", "/"))
    .sort()

/** The manifests of the workspace's packages. */
export const packages = (): Manifest[] =>
  glob("{packages,apps,tooling}/*/package.json").map((path) => manifestOf(path.replace(/\/package\.json$/, "")))

/** The pages whose code is run. */
export const documentationPages = (): string[] => ["README.md", "CONTRIBUTING.md", ...glob("docs/*.md")]

/** All pages that a person reads. */
export const allPages = (): string[] => [...documentationPages(), ...glob("{packages,apps,tooling}/*/README.md")]

/** All that the files of a pattern hold, one after the other. */
export const globText = (pattern: string): string => glob(pattern).map(read).join("\n")
