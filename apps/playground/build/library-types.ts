/**
 * The declarations that the page's TypeScript needs, as a module of text: those of taeda, made of its sources, and those of
 * JavaScript itself. They are 1.5 MB (0.3 MB compressed): only the worker of the editor imports them.
 */
import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative, sep } from "node:path"
import ts from "typescript-5.9"
import type { Plugin } from "vite"

/** The module that is made; its declaration is a file. */
const MODULE = join(import.meta.dirname, "..", "src", "library-types.js")

const PACKAGES = join(import.meta.dirname, "..", "..", "..", "packages")
const LIBRARY = join(PACKAGES, "taeda", "src", "index.ts")
const JAVASCRIPT = dirname(createRequire(import.meta.url).resolve("typescript-5.9"))

const CONDITION = "@taeda/source"

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
  types: [],
  strict: true,
  declaration: true,
  emitDeclarationOnly: true,
  // What is wrong with them is told by the type check.
  noCheck: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  rewriteRelativeImportExtensions: true,
  customConditions: [CONDITION],
}

/** `/core/src/index.d.ts` of a source file of a package. */
const placeOf = (path: string): string =>
  `/${relative(PACKAGES, path)
    .split(sep)
    .join("/")
    .replace(/(\.d)?\.ts$/, ".d.ts")}`

/** The packages' source files by what one imports: their names, with the subpaths that they export. */
function sources(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const folder of readdirSync(PACKAGES)) {
    const { name, exports } = JSON.parse(readFileSync(join(PACKAGES, folder, "package.json"), "utf8")) as {
      readonly name: string
      readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
    }
    for (const [subpath, targets] of Object.entries(exports))
      if (targets[CONDITION]) found.set(name + subpath.slice(1), join(PACKAGES, folder, targets[CONDITION]))
  }
  return found
}

/** The declarations that a file of TypeScript's own refers to, itself among them. */
function javascript(name: string, found: Record<string, string> = {}): Record<string, string> {
  const path = `/lib/${name}`
  if (path in found) return found
  const text = readFileSync(join(JAVASCRIPT, name), "utf8")
  found[path] = text
  for (const [, lib] of text.matchAll(/^\/\/\/ <reference lib="(.+)" \/>/gm)) javascript(`lib.${lib}.d.ts`, found)
  return found
}

/** What the editor's compiler has for a disk: files by their paths, and the files of what one imports by name. */
interface Library {
  readonly files: Record<string, string>
  readonly entries: Record<string, string>
}

function library(): Library {
  const files: Record<string, string> = {}
  const entries = sources()
  // By their paths: what is found in a folder of dependencies gets no declarations.
  const paths = Object.fromEntries(Array.from(entries, ([name, path]) => [name, [path]]))
  const program = ts.createProgram([LIBRARY], { ...OPTIONS, paths })
  const { diagnostics } = program.emit(undefined, (path, text) => {
    files[placeOf(path)] = text
  })
  if (diagnostics.length > 0)
    throw new Error(diagnostics.map((each) => ts.flattenDiagnosticMessageText(each.messageText, "\n")).join("\n"))
  return {
    files: { ...files, ...javascript("lib.es2023.d.ts"), ...javascript("lib.esnext.disposable.d.ts") },
    entries: Object.fromEntries(
      Array.from(entries, ([name, path]) => [name, placeOf(path)] as const).filter(([, place]) => place in files),
    ),
  }
}

export const libraryTypes = (): Plugin => ({
  name: "library-types",
  resolveId: (id, importer) => (importer && join(dirname(importer), id) === MODULE ? MODULE : null),
  load: (id) => (id === MODULE ? `export default JSON.parse(${JSON.stringify(JSON.stringify(library()))})` : null),
})
