/** A project's manifest and lockfile as they were, to be put back when an installation fails or is stopped. */
import { chmodSync, existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PACKAGE_MANAGERS } from "@taeda/choices"

/** Files that package managers write beside their lockfile. */
const FILES = [
  "package.json",
  ...PACKAGE_MANAGERS.flatMap(({ lockfiles }) => lockfiles),
  "npm-shrinkwrap.json",
  "pnpm-workspace.yaml",
  ".pnp.cjs",
  ".pnp.loader.mjs",
  ".yarnrc.yml",
  "deno.json",
  "deno.jsonc",
]

/** Folders that go where they were not there before. What is in one that was, its manager puts right. */
const FOLDERS = ["node_modules", ".yarn"]

/** The bytes of a file, or null where there is none. */
const bytesOf = (path: string): Buffer | null => (existsSync(path) ? readFileSync(path) : null)

/** Writes beside the file and then renames, so that it is never half-written; the mode stays, and so does a link. */
function replace(path: string, bytes: Buffer, mode: number): void {
  const target = existsSync(path) ? realpathSync(path) : path
  const beside = `${target}.taeda-${process.pid}`
  writeFileSync(beside, bytes)
  chmodSync(beside, mode)
  renameSync(beside, target)
}

interface Kept {
  readonly path: string
  readonly bytes: Buffer | null
  readonly mode: number
}

const keep = (path: string): Kept => {
  const bytes = bytesOf(path)
  return { path, bytes, mode: bytes ? statSync(path).mode : 0 }
}

export interface Snapshot {
  /** Whether the manager's folder of packages was there. */
  readonly hadPackages: boolean
  /** Puts everything back as it was. Synchronous, so that nothing comes between. */
  restore(): void
}

/** Of these folders: a project's own, and its workspace's. */
export function snapshot(folders: readonly string[]): Snapshot {
  const all = (names: readonly string[]): string[] =>
    [...new Set(folders)].flatMap((folder) => names.map((name) => join(folder, name)))
  const files = all(FILES).map(keep)
  const absent = all(FOLDERS).filter((path) => !existsSync(path))
  return {
    hadPackages: folders.some((folder) => existsSync(join(folder, "node_modules"))),
    restore() {
      for (const { path, bytes, mode } of files) {
        const now = bytesOf(path)
        if (bytes === null) rmSync(path, { force: true })
        else if (!now?.equals(bytes)) replace(path, bytes, mode)
      }
      for (const path of absent) rmSync(path, { recursive: true, force: true })
    },
  }
}
