/** TypeScript 7: its server of programs, and its command where that has no question for what is asked. */
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { API, type Checker, type Diagnostic, type Project, SymbolFlags } from "typescript-7.0/unstable/sync"
import type { Compiler, Finding, Program } from "./compiler.ts"
import { type Folder, folderWith } from "./folder.ts"

/** The executable. */
export const EXECUTABLE = join(import.meta.dirname, "..", "node_modules", "typescript-7.0", "bin", "tsc")

const lines = ({ text, messageChain = [] }: Diagnostic): string[] => [
  text,
  ...messageChain.flatMap(lines).map((line) => `  ${line}`),
]

function toFinding(diagnostic: Diagnostic): Finding {
  const { fileName, pos, end, code } = diagnostic
  const text = fileName === undefined ? "" : readFileSync(fileName, "utf8")
  return {
    file: fileName === undefined ? "" : basename(fileName),
    line: fileName === undefined ? 0 : text.slice(0, pos).split("\n").length,
    code,
    message: lines(diagnostic).join("\n"),
    at: text.slice(pos, end),
  }
}

/** `NodeBuilderFlags.NoTruncation` and `InTypeAlias`. */
const FLAGS = 1 | (1 << 23)

function typesOf(checker: Checker, project: Project, path: string): Map<string, string> {
  const source = project.program.getSourceFile(path)
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) return new Map()
  return new Map(
    checker.getExportsOfModule(module).map((symbol) => {
      const type =
        symbol.flags & SymbolFlags.TypeAlias ? checker.getDeclaredTypeOfSymbol(symbol) : checker.getTypeOfSymbol(symbol)
      return [symbol.name, type ? checker.typeToString(type, undefined, FLAGS) : "?"]
    }),
  )
}

/** What the command says, in the folder. */
function run(folder: Folder, ...args: string[]): string {
  const { stdout, stderr, error } = spawnSync(process.execPath, [EXECUTABLE, "-p", folder.config, ...args], {
    cwd: folder.path,
    encoding: "utf8",
  })
  if (error) throw error
  if (stderr) throw new Error(stderr)
  return stdout
}

/** The findings in the command's text: `file.ts(3,14): error TS2345: ...`, and the indented lines behind. */
function findingsIn(text: string): Finding[] {
  const found: Finding[] = []
  for (const line of text.split("\n")) {
    const [, file, row, code, message] = /^(.*)\((\d+),\d+\): error TS(\d+): (.*)$/.exec(line) ?? []
    if (file !== undefined) found.push({ file: basename(file), line: Number(row), code: Number(code), message, at: "" })
    else if (found.length > 0 && /^\s+\S/.test(line)) {
      const last = found[found.length - 1]
      found[found.length - 1] = { ...last, message: `${last.message}\n${line}` }
    }
  }
  return found
}

const numberAfter = (label: string, text: string): number => {
  const [, digits] = new RegExp(`^${label}:\\s*([\\d.]+)`, "m").exec(text) ?? []
  if (digits === undefined) throw new Error(`no ${label} in: ${text}`)
  return Number(digits)
}

export const native = (name: string): Compiler => ({
  name,
  compile(files, options): Program {
    const folder = folderWith(files, options)
    const api = new API({ cwd: folder.path })
    const snapshot = api.updateSnapshot({ openProjects: [folder.config] })
    const project = snapshot.getProject(folder.config)
    if (!project) throw new Error(`TypeScript ${name} did not open ${folder.config}`)
    const { program, checker } = project
    return {
      findings(file) {
        const path = file === undefined ? undefined : join(folder.path, file)
        return [
          ...program.getSyntacticDiagnostics(path),
          ...program.getSemanticDiagnostics(path),
          ...(path === undefined ? [...program.getProgramDiagnostics(), ...program.getGlobalDiagnostics()] : []),
        ].map(toFinding)
      },
      types: (file) => typesOf(checker, project, join(folder.path, file)),
      instantiations: () => undefined,
      [Symbol.dispose]() {
        snapshot.dispose()
        api.close()
        folder[Symbol.dispose]()
      },
    }
  },
  declarations(files, options) {
    using folder = folderWith(files, options)
    const findings = findingsIn(run(folder, "--pretty", "false", "--emitDeclarationOnly", "--outDir", "out"))
    const texts = new Map<string, string>()
    const out = readdirSync(join(folder.path, "out"), { recursive: true, encoding: "utf8" })
    for (const file of out.filter((each) => each.endsWith(".d.ts")))
      texts.set(basename(file), readFileSync(join(folder.path, "out", file), "utf8"))
    return { findings, texts }
  },
  cost(files, options) {
    using folder = folderWith(files, options)
    const text = run(folder, "--pretty", "false", "--noEmit", "--extendedDiagnostics", "--singleThreaded")
    return { instantiations: numberAfter("Instantiations", text), seconds: numberAfter("Check time", text) }
  },
})
