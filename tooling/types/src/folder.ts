/** Folders for programs, on the disk: there every compiler finds the library as in a user's project. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Files, Options } from "./compiler.ts"

/** This package, whose dependencies the programs see. */
export const HERE = dirname(import.meta.dirname)

const CACHE = join(HERE, "node_modules", ".cache", "programs")

/** The options of `tsconfig.json`, as a user would have them. */
export const settingsOf = ({ library = "declarations", strictLibrary = false }: Options = {}) => ({
  target: "es2022",
  module: "nodenext",
  moduleResolution: "nodenext",
  lib: ["es2023", "esnext.disposable"],
  types: [],
  strict: true,
  declaration: true,
  skipLibCheck: !strictLibrary,
  rewriteRelativeImportExtensions: true,
  ...(library === "sources" && { customConditions: ["@taeda/source"] }),
})

export interface Folder extends Disposable {
  readonly path: string
  readonly config: string
}

/** A new folder, from which `taeda` is found. */
function newFolder({ taedaAlone = false }: Options = {}): string {
  if (!taedaAlone) {
    mkdirSync(CACHE, { recursive: true })
    return mkdtempSync(join(CACHE, "program-"))
  }
  const path = mkdtempSync(join(realpathSync(tmpdir()), "taeda-program-"))
  mkdirSync(join(path, "node_modules"))
  symlinkSync(realpathSync(join(HERE, "node_modules", "taeda")), join(path, "node_modules", "taeda"), "junction")
  return path
}

/** A folder with these files and a `tsconfig.json`, removed when it is disposed of. */
export function folderWith(files: Files, options?: Options): Folder {
  const path = newFolder(options)
  const config = join(path, "tsconfig.json")
  writeFileSync(config, JSON.stringify({ compilerOptions: settingsOf(options), files: Object.keys(files) }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return { path, config, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
