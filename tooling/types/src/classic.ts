/** TypeScript up to 6, in this process. Source files that are not the program's own are parsed once. */
import { basename, join } from "node:path"
import type typescript from "typescript-6.0"
import type { Compiler, Files, Finding, Options, Program } from "./compiler.ts"
import { folderWith, settingsOf } from "./folder.ts"

type TypeScript = typeof typescript

/** TypeScript's compiler as the tests use it. */
export function classic(name: string, ts: TypeScript): Compiler {
  const parsed = new Map<string, typescript.SourceFile | undefined>()

  function open(folder: string, files: Files, options?: Options): typescript.Program {
    const { options: settings } = ts.convertCompilerOptionsFromJson(settingsOf(options), folder)
    const host = ts.createCompilerHost(settings, true)
    const read = host.getSourceFile.bind(host)
    host.getSourceFile = (path, language, ...rest) => {
      if (path.startsWith(folder)) return read(path, language, ...rest)
      if (!parsed.has(path)) parsed.set(path, read(path, language, ...rest))
      return parsed.get(path)
    }
    return ts.createProgram(
      Object.keys(files).map((file) => join(folder, file)),
      settings,
      host,
    )
  }

  const toFinding = ({ file, start = 0, length = 0, code, messageText }: typescript.Diagnostic): Finding => ({
    file: file ? basename(file.fileName) : "",
    line: file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0,
    code,
    message: ts.flattenDiagnosticMessageText(messageText, "\n"),
    at: file ? file.text.slice(start, start + length) : "",
  })

  const FLAGS = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias

  return {
    name,
    compile(files, options): Program {
      const folder = folderWith(files, options)
      const program = open(folder.path, files, options)
      const source = (file: string) => {
        const found = program.getSourceFile(join(folder.path, file))
        if (!found) throw new Error(`TypeScript ${name} has no file ${file}`)
        return found
      }
      return {
        findings: (file) =>
          (file === undefined
            ? ts.getPreEmitDiagnostics(program)
            : [...program.getSyntacticDiagnostics(source(file)), ...program.getSemanticDiagnostics(source(file))]
          ).map(toFinding),
        types(file) {
          const checker = program.getTypeChecker()
          const module = checker.getSymbolAtLocation(source(file))
          const exported = module ? checker.getExportsOfModule(module) : []
          return new Map(
            exported.map((symbol) => {
              const type =
                symbol.flags & ts.SymbolFlags.TypeAlias
                  ? checker.getDeclaredTypeOfSymbol(symbol)
                  : checker.getTypeOfSymbol(symbol)
              return [symbol.name, checker.typeToString(type, undefined, FLAGS)]
            }),
          )
        },
        instantiations: () => program.getInstantiationCount(),
        [Symbol.dispose]: () => folder[Symbol.dispose](),
      }
    },
    declarations(files, options) {
      using folder = folderWith(files, options)
      const program = open(folder.path, files, options)
      const texts = new Map<string, string>()
      const findings: Finding[] = []
      for (const file of Object.keys(files)) {
        const source = program.getSourceFile(join(folder.path, file))
        const { diagnostics } = program.emit(source, (path, text) => texts.set(basename(path), text), undefined, true)
        findings.push(...[...program.getSemanticDiagnostics(source), ...diagnostics].map(toFinding))
      }
      return { findings, texts }
    },
    cost(files, options) {
      using folder = folderWith(files, options)
      const program = open(folder.path, files, options)
      const start = performance.now()
      for (const file of Object.keys(files))
        program.getSemanticDiagnostics(program.getSourceFile(join(folder.path, file)))
      return { instantiations: program.getInstantiationCount(), seconds: (performance.now() - start) / 1000 }
    },
  }
}
