/** What an editor shows, by the compilers' language services. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type typescript from "typescript-6.0"
import type { Files, Options } from "./compiler.ts"
import { folderWith, settingsOf } from "./folder.ts"
import { LanguageServer } from "./lsp.ts"

type TypeScript = typeof typescript

/** One file being edited. */
export interface Editor extends AsyncDisposable {
  /** The text that is shown for the first occurrence of `name` in the file: its type, and what it says of itself. */
  hover(name: string): Promise<string>
  /** The file has another text now. */
  edit(text: string): Promise<void>
  /** The names that are offered behind the first occurrence of `text`. */
  completions(behind: string): Promise<string[]>
}

const FILE = "edited.ts"

/** An editor over TypeScript up to 6. */
export function classicEditor(ts: TypeScript, source: string, options?: Options, others: Files = {}): Editor {
  const folder = folderWith({ ...others, [FILE]: source }, options)
  const { options: settings } = ts.convertCompilerOptionsFromJson(settingsOf(options), folder.path)
  const path = join(folder.path, FILE)
  let text = source
  let version = 0
  const host: typescript.LanguageServiceHost = {
    getCompilationSettings: () => settings,
    getScriptFileNames: () => [...Object.keys(others).map((file) => join(folder.path, file)), path],
    getScriptVersion: (file) => (file === path ? String(version) : "0"),
    getScriptSnapshot: (file) =>
      ts.sys.fileExists(file)
        ? ts.ScriptSnapshot.fromString(file === path ? text : readFileSync(file, "utf8"))
        : undefined,
    getCurrentDirectory: () => folder.path,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  }
  const service = ts.createLanguageService(host)
  return {
    async hover(name) {
      const info = service.getQuickInfoAtPosition(path, text.indexOf(name))
      return [info?.displayParts, info?.documentation].map(ts.displayPartsToString).join("\n")
    },
    async edit(to) {
      text = to
      version++
    },
    async completions(behind) {
      const found = service.getCompletionsAtPosition(path, text.indexOf(behind) + behind.length, {})
      return found?.entries.map(({ name }) => name) ?? []
    },
    async [Symbol.asyncDispose]() {
      service.dispose()
      folder[Symbol.dispose]()
    },
  }
}

/** A place in a text as the protocol counts it. */
function positionOf(text: string, offset: number): { line: number; character: number } {
  const before = text.slice(0, offset).split("\n")
  return { line: before.length - 1, character: before[before.length - 1].length }
}

/** An editor over TypeScript 7. */
export async function nativeEditor(source: string, options?: Options, others: Files = {}): Promise<Editor> {
  const folder = folderWith({ ...others, [FILE]: source }, options)
  const server = new LanguageServer(folder.path)
  await server.open(folder.path)
  const uri = pathToFileURL(join(folder.path, FILE)).href
  let text = source
  let version = 1
  server.tell("textDocument/didOpen", { textDocument: { uri, languageId: "typescript", version, text } })
  const at = (offset: number) => ({ textDocument: { uri }, position: positionOf(text, offset) })
  return {
    async hover(name) {
      const answer = (await server.ask("textDocument/hover", at(text.indexOf(name)))) as {
        readonly contents: { readonly value: string }
      } | null
      return answer?.contents.value ?? ""
    },
    async edit(to) {
      text = to
      server.tell("textDocument/didChange", { textDocument: { uri, version: ++version }, contentChanges: [{ text }] })
    },
    async completions(behind) {
      const answer = (await server.ask("textDocument/completion", at(text.indexOf(behind) + behind.length))) as
        | { readonly items: readonly { readonly label: string }[] }
        | readonly { readonly label: string }[]
        | null
      const items = answer === null ? [] : "items" in answer ? answer.items : answer
      return items.map(({ label }) => label)
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      folder[Symbol.dispose]()
    },
  }
}
