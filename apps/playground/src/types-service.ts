/** TypeScript over one program and the library's declarations, which lie in memory. */

import ts from "typescript-5.9"
import library from "./library-types.js"
import type { Completions, Known, Mistake } from "./types-messages.ts"

const PROGRAM = "/program.ts"

/** What a program of the page may use besides JavaScript. */
const PAGE = "/page.d.ts"
const files: ReadonlyMap<string, string> = new Map([
  ...Object.entries(library.files),
  [
    PAGE,
    `interface Console { log(...values: unknown[]): void }
declare const console: Console
declare const performance: { now(): number }
declare function setTimeout(work: () => void, milliseconds?: number): number
`,
  ],
])

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
  types: [],
  strict: true,
  skipLibCheck: true,
}

let program = ""
let version = 0

/** The file of an import, from the file where it stands. */
function found(name: string, from: string): string | undefined {
  if (!name.startsWith(".")) return library.entries[name]
  const { pathname } = new URL(name, `file://${from}`)
  return pathname.replace(/\.(js|ts)$/, ".d.ts")
}

const host: ts.LanguageServiceHost = {
  getCompilationSettings: () => OPTIONS,
  getScriptFileNames: () => [PROGRAM, PAGE],
  getScriptVersion: (path) => (path === PROGRAM ? String(version) : "0"),
  getScriptSnapshot(path) {
    const text = host.readFile(path)
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
  },
  getCurrentDirectory: () => "/",
  getDefaultLibFileName: () => "/lib/lib.es2023.d.ts",
  fileExists: (path) => path === PROGRAM || files.has(path),
  readFile: (path) => (path === PROGRAM ? program : files.get(path)),
  resolveModuleNameLiterals: (names, from) =>
    names.map(({ text }) => {
      const resolvedFileName = found(text, from)
      return {
        resolvedModule:
          resolvedFileName !== undefined && files.has(resolvedFileName)
            ? { resolvedFileName, extension: ts.Extension.Dts }
            : undefined,
      }
    }),
}
const service = ts.createLanguageService(host)

function put(text: string): void {
  if (text === program) return
  program = text
  version++
}

/** In the library's own words, which stand where the type is that was expected; otherwise in TypeScript's. */
function wordsOf(message: string): string {
  const [, quoted] = /'("(?:[^"\\]|\\.)*")'\.?$/.exec(message) ?? []
  return quoted === undefined ? message : (JSON.parse(quoted) as string)
}

export function mistakes(text: string): readonly Mistake[] {
  put(text)
  return [...service.getSyntacticDiagnostics(PROGRAM), ...service.getSemanticDiagnostics(PROGRAM)].map(
    ({ start = 0, length = 0, messageText }) => ({
      from: start,
      to: start + length,
      text: wordsOf(ts.flattenDiagnosticMessageText(messageText, "\n")),
    }),
  )
}

export function known(text: string, at: number): Known | null {
  put(text)
  const info = service.getQuickInfoAtPosition(PROGRAM, at)
  if (!info) return null
  const { start, length } = info.textSpan
  return {
    from: start,
    to: start + length,
    text: ts.displayPartsToString(info.displayParts),
    doc: ts.displayPartsToString(info.documentation),
  }
}

/** What CodeMirror calls the kinds of TypeScript; it has an icon for each. */
const KINDS: Readonly<Record<string, string>> = {
  method: "method",
  property: "property",
  getter: "property",
  function: "function",
  class: "class",
  const: "constant",
  let: "variable",
  var: "variable",
  keyword: "keyword",
  module: "namespace",
  alias: "namespace",
  interface: "interface",
  type: "type",
}

export function completions(text: string, at: number): Completions | null {
  put(text)
  const found = service.getCompletionsAtPosition(PROGRAM, at, {})
  if (!found) return null
  const [word] = /[\w$]*$/.exec(text.slice(0, at)) ?? [""]
  return {
    from: at - word.length,
    options: found.entries.map(({ name, kind }) => ({ label: name, type: KINDS[kind] ?? "text" })),
  }
}

/** What TypeScript adds where nothing is left of the imports. */
const NO_IMPORTS = /^export \{\};$/m

/** The program as JavaScript. */
export const plain = (text: string): string =>
  ts
    .transpileModule(text, { compilerOptions: { target: OPTIONS.target, module: OPTIONS.module } })
    .outputText.replace(NO_IMPORTS, "")
