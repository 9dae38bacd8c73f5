/** What an editor has to say of each name that the library publishes. */
import { join } from "node:path"
import ts from "typescript-6.0"
import { folderWith, settingsOf } from "./folder.ts"

const FILE = "names.ts"

export interface Published {
  /** `nn.functional.relu`, `Tensor.relu`. */
  readonly path: string
  readonly comment: string
}

class Reader {
  readonly checker: ts.TypeChecker
  readonly found: Published[] = []

  constructor(checker: ts.TypeChecker) {
    this.checker = checker
  }

  add(path: string, symbol: ts.Symbol): void {
    this.found.push({ path, comment: ts.displayPartsToString(symbol.getDocumentationComment(this.checker)) })
  }

  addMembers(path: string, symbol: ts.Symbol): void {
    for (const member of this.checker.getDeclaredTypeOfSymbol(symbol).getProperties())
      if (/^[A-Za-z]\w*$/.test(member.name)) this.add(`${path}.${member.name}`, member)
  }

  addNamespace(path: string, namespace: ts.Symbol): void {
    for (const each of this.checker.getExportsOfModule(namespace)) {
      // Compilers write these names into declarations; nobody else does.
      if (path === "" && each.name === "types") continue
      const symbol = each.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(each) : each
      const name = path === "" ? each.name : `${path}.${each.name}`
      if (symbol.flags & ts.SymbolFlags.ValueModule) this.addNamespace(name, symbol)
      else this.add(name, symbol)
      if (name === "Tensor") this.addMembers(name, symbol)
    }
  }
}

/** Every name of every namespace of `taeda` as it is built, and every method and property of a tensor. */
export function publishedNames(): Published[] {
  using folder = folderWith({ [FILE]: `import * as torch from "taeda"\nexport { torch }\n` })
  const { options } = ts.convertCompilerOptionsFromJson(settingsOf(), folder.path)
  const program = ts.createProgram([join(folder.path, FILE)], options)
  const checker = program.getTypeChecker()
  const [declaration] = program.getSourceFile(join(folder.path, FILE))!.statements
  const name = (declaration as ts.ImportDeclaration).moduleSpecifier
  const reader = new Reader(checker)
  reader.addNamespace("", checker.getSymbolAtLocation(name)!)
  return reader.found
}
