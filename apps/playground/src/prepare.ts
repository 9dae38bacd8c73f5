/**
 * From a typed line to the body of an async function: names that are declared at the top become global, so that the next line
 * sees them (and may declare them again, as in a browser's console), and what the last statement is worth is returned.
 */
import { type ImportDeclaration, type Node, parse, type Statement, type VariableDeclaration } from "acorn"

export type Prepared = { readonly kind: "ready"; readonly body: string } | { readonly kind: "incomplete" }

/** The one package that a page can import by name; the body refers to it so. */
export const LIBRARY = "$taeda"

interface Piece {
  readonly code: string
  /** What it is worth, as an expression; absent for statements that are worth nothing. */
  readonly value?: string
  /** Functions come before what calls them. */
  readonly hoisted?: true
}

type Top = Statement | ImportDeclaration | { readonly type: "other"; readonly start: number; readonly end: number }

const declared = (declaration: VariableDeclaration, slice: (node: Node) => string): Piece => {
  const parts = declaration.declarations.map(({ id, init }) => `(${slice(id)} = ${init ? slice(init) : "undefined"});`)
  const last = declaration.declarations.at(-1)
  return { code: parts.join(" "), ...(last?.id.type === "Identifier" && { value: last.id.name }) }
}

const imported = ({ source, specifiers }: ImportDeclaration, slice: (node: Node) => string): Piece => {
  if (source.value !== "taeda")
    throw new SyntaxError(`this page can only import "taeda", got ${JSON.stringify(source.value)}`)
  const parts = specifiers.map((each) => {
    if (each.type === "ImportDefaultSpecifier")
      throw new SyntaxError('taeda has no default export: write import * as torch from "taeda"')
    const from = each.type === "ImportSpecifier" ? `${LIBRARY}.${slice(each.imported)}` : LIBRARY
    return `${each.local.name} = ${from};`
  })
  return { code: parts.join(" ") }
}

/** One piece of code per statement. */
function pieceOf(node: Top, slice: (node: Node) => string): Piece {
  switch (node.type) {
    case "VariableDeclaration":
      return declared(node, slice)
    case "FunctionDeclaration":
      return { code: `${node.id.name} = ${slice(node)};`, hoisted: true }
    case "ClassDeclaration":
      return { code: `${node.id.name} = ${slice(node)};` }
    case "ImportDeclaration":
      return imported(node, slice)
    case "ExpressionStatement":
      return { code: `${slice(node.expression)};`, value: `(${slice(node.expression)})` }
    default:
      return { code: slice(node as Node) }
  }
}

const program = (code: string): readonly Top[] =>
  parse(code, {
    ecmaVersion: "latest",
    sourceType: "script",
    allowAwaitOutsideFunction: true,
    allowImportExportEverywhere: true,
  }).body as readonly Top[]

/** A line that begins with a brace is an object where it can be one. */
function asTyped(code: string): { readonly code: string; readonly body: readonly Top[] } {
  if (code.startsWith("{")) {
    const wrapped = `(${code.replace(/;\s*$/, "")})`
    try {
      return { code: wrapped, body: program(wrapped) }
    } catch {
      // A block.
    }
  }
  return { code, body: program(code) }
}

interface Position {
  readonly pos?: number
}

/** Whether more lines could make it right. */
const goesOn = (error: SyntaxError & Position, code: string): boolean =>
  (error.pos ?? 0) >= code.length || /^Unterminated (template|comment)/.test(error.message)

/**
 * @throws {SyntaxError} where no further line could make code of it; the message has line and column.
 */
export function prepare(typed: string): Prepared {
  const trimmed = typed.trim()
  let found: ReturnType<typeof asTyped>
  try {
    found = asTyped(trimmed)
  } catch (error) {
    if (error instanceof SyntaxError && goesOn(error, trimmed)) return { kind: "incomplete" }
    throw error
  }
  const { code, body } = found
  const pieces = body.map((node) => pieceOf(node, (each) => code.slice(each.start, each.end)))
  const last = pieces.at(-1)
  // An expression is evaluated where it is returned; of a declaration the name is read after it.
  const before = pieces.map((piece) => (piece === last && piece.value?.startsWith("(") ? "" : piece.code))
  const ordered = [...before.filter((_, i) => pieces[i].hoisted), ...before.filter((_, i) => !pieces[i].hoisted)]
  // In an object: returned by itself, a promise would be awaited, which only the person may ask for.
  const worth = last?.value ? `return { value: ${last.value} };` : "return {};"
  return { kind: "ready", body: [...ordered, worth].filter(Boolean).join("\n") }
}
