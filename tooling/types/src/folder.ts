/** Folders for programs, on the disk: there every compiler finds the library as in a user's project. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
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

/** A folder with these files and a `tsconfig.json`, removed when it is disposed of. */
export function folderWith(files: Files, options?: Options): Folder {
  mkdirSync(CACHE, { recursive: true })
  const path = mkdtempSync(join(CACHE, "program-"))
  const config = join(path, "tsconfig.json")
  writeFileSync(config, JSON.stringify({ compilerOptions: settingsOf(options), files: Object.keys(files) }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return { path, config, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
