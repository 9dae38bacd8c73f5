/** What the library exports, with its docstrings: read from the sources by TypeScript's own compiler. */
import { join, relative } from "node:path"
import ts from "typescript-6"
import { ROOT } from "../repository.ts"

export type Kind = "function" | "class" | "type" | "value" | "namespace"

export interface Source {
  /** From the root. */
  readonly file: string
  readonly line: number
}

export interface Member {
  readonly name: string
  readonly kind: "method" | "property"
  readonly doc: string
  readonly source: Source
}

export interface Declaration {
  readonly name: string
  readonly kind: Kind
  readonly doc: string
  readonly source: Source
  /** Of classes and interfaces, those that it declares itself. */
  readonly members: readonly Member[]
}

export interface Namespace {
  /** `nn.functional`; "" for the top. */
  readonly path: string
  readonly doc: string
  readonly declarations: readonly Declaration[]
}

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
  types: [],
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  customConditions: ["@taeda/source"],
}

const ENTRY = join(ROOT, "packages/taeda/src/index.ts")

/** The flags of the kinds, the first that holds. */
const KINDS: readonly (readonly [ts.SymbolFlags, Kind])[] = [
  [ts.SymbolFlags.ValueModule | ts.SymbolFlags.NamespaceModule, "namespace"],
  [ts.SymbolFlags.Class, "class"],
  [ts.SymbolFlags.Function, "function"],
  [ts.SymbolFlags.Variable, "value"],
  [ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias, "type"],
]

class Reader {
  readonly checker: ts.TypeChecker
  readonly top: ts.Symbol
  private readonly methods: ReadonlyMap<string, ts.Symbol>

  constructor() {
    const program = ts.createProgram([ENTRY], OPTIONS)
    this.checker = program.getTypeChecker()
    this.top = this.checker.getSymbolAtLocation(program.getSourceFile(ENTRY)!)!
    const tensor = this.checker.tryGetMemberInModuleExports("Tensor", this.top)!
    const type = this.checker.getDeclaredTypeOfSymbol(this.resolved(tensor))
    this.methods = new Map(this.checker.getPropertiesOfType(type).map((symbol) => [symbol.name, symbol]))
  }

  resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol
  }

  private ownDoc(symbol: ts.Symbol): string {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(this.checker)) || docOfList(symbol)
    const tags = symbol
      .getJsDocTags(this.checker)
      .filter(({ name }) => name !== "ts-expect-error")
      .map(({ name, text }) => `@${name} ${ts.displayPartsToString(text)}`)
    return [text, ...tags].join("\n\n").trim()
  }

  /** A function's docstring, or else that of the method of its name. */
  docOf(name: string, symbol: ts.Symbol): string {
    const own = this.ownDoc(symbol)
    if (own !== "") return own
    const method = this.methods.get(name) ?? this.methods.get(symbol.name)
    return method && method !== symbol ? this.ownDoc(method) : ""
  }

  private sourceOf(symbol: ts.Symbol): Source {
    const node = symbol.valueDeclaration ?? symbol.declarations![0]!
    const file = node.getSourceFile()
    const { line } = file.getLineAndCharacterOfPosition(node.getStart())
    return { file: relative(ROOT, file.fileName).replaceAll("\\", "/"), line: line + 1 }
  }

  private kindOf(symbol: ts.Symbol): Kind {
    const kind = KINDS.find(([flags]) => symbol.flags & flags)?.[1] ?? "value"
    if (kind !== "value") return kind
    const type = this.checker.getTypeOfSymbol(symbol)
    if (type.getConstructSignatures().length > 0) return "class"
    return type.getCallSignatures().length > 0 ? "function" : "value"
  }

  private isCalled(member: ts.Symbol): boolean {
    return this.checker.getTypeOfSymbol(member).getCallSignatures().length > 0
  }

  private membersOf(symbol: ts.Symbol): Member[] {
    if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) return []
    const isTold = (node: ts.Declaration): boolean => ts.getJSDocCommentsAndTags(node).length > 0
    const isShown = (member: ts.Symbol): boolean =>
      /^[A-Za-z]\w*$/.test(member.name) &&
      !member.declarations?.some(
        (node) => ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected),
      )
    const type = this.checker.getDeclaredTypeOfSymbol(symbol)
    const own = new Set(symbol.members ? [...symbol.members.values()] : [])
    // What the methods' interface gives a tensor stands beside what its class declares.
    const members = symbol.name === "Tensor" ? type.getProperties() : type.getProperties().filter((m) => own.has(m))
    return members.filter(isShown).map((member) => ({
      name: member.name,
      kind: this.isCalled(member) ? "method" : "property",
      // What a class only overrides is told where it was declared first.
      doc: member.declarations?.some(isTold) ? this.ownDoc(member) : "",
      source: this.sourceOf(member),
    }))
  }

  private declarationOf(name: string, symbol: ts.Symbol): Declaration {
    return {
      name,
      kind: this.kindOf(symbol),
      doc: this.docOf(name, symbol),
      source: this.sourceOf(symbol),
      members: this.membersOf(symbol),
    }
  }

  namespaces(path = "", module: ts.Symbol = this.top): Namespace[] {
    const exports = this.checker
      .getExportsOfModule(module)
      // Compilers write the names of `types` into declarations; nobody else does.
      .filter(({ name }) => path !== "" || name !== "types")
      .map((symbol) => [symbol.name, this.resolved(symbol)] as const)
    const isNamespace = ([, symbol]: (typeof exports)[number]): boolean => this.kindOf(symbol) === "namespace"
    const declarations = exports
      .filter((each) => !isNamespace(each))
      .map(([name, symbol]) => this.declarationOf(name, symbol))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const inner = exports
      .filter(isNamespace)
      .flatMap(([name, symbol]) => this.namespaces(path === "" ? name : `${path}.${name}`, symbol))
    return [{ path, doc: fileDoc(module), declarations }, ...inner]
  }
}

/** Of the first of `export const [a, b] = …` the comment before it, which the compiler takes for nobody's. */
function docOfList({ valueDeclaration: element }: ts.Symbol): string {
  if (!element || !ts.isBindingElement(element) || element.parent.elements[0] !== element) return ""
  const statement = ts.findAncestor(element, ts.isVariableStatement)
  const [comment] = statement ? ts.getJSDocCommentsAndTags(statement) : []
  return ts.getTextOfJSDocComment(comment?.comment) ?? ""
}

/** The comment at a module's top. */
function fileDoc(module: ts.Symbol): string {
  const file = module.declarations?.[0]?.getSourceFile()
  const comment = /^(?:\/\/.*\n|\/\/\/.*\n|\s)*\/\*\*([\s\S]*?)\*\//.exec(file?.text ?? "")?.[1] ?? ""
  return comment
    .split("\n")
    .map((each) => each.replace(/^\s*\*? ?/, ""))
    .join("\n")
    .trim()
}

/** Everything that `taeda` exports, by namespace. */
export const readNamespaces = (): Namespace[] => new Reader().namespaces()
