/** What a page of Markdown holds: its blocks of code, its tables, its links and the places that links lead to. */
import GithubSlugger from "github-slugger"
import MarkdownIt, { type Token } from "markdown-it"
import { read } from "./repository.ts"

export interface Fence {
  /** The line of the page on which its first line of code stands, counted from 1. */
  readonly line: number
  readonly language: string
  /** What follows the language: `name` or `name="value"`. */
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
}

export interface TableRow {
  readonly line: number
  /** The code spans of each cell. */
  readonly cells: readonly (readonly string[])[]
}

export interface Table {
  /** The headings of its columns. */
  readonly columns: readonly string[]
  readonly rows: readonly TableRow[]
}

export interface Link {
  readonly line: number
  readonly target: string
}

export interface Span {
  readonly line: number
  readonly text: string
}

export interface Page {
  /** From the root. */
  readonly path: string
  readonly lines: readonly string[]
  readonly fences: readonly Fence[]
  readonly tables: readonly Table[]
  readonly links: readonly Link[]
  /** Code in the midst of text. */
  readonly spans: readonly Span[]
  readonly anchors: ReadonlySet<string>
}

const parser = new MarkdownIt({ html: true })

function fenceOf({ info, content, map }: Token): Fence {
  const [language = "", ...rest] = info.trim().split(/\s+/)
  const attributes = [...rest.join(" ").matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [
    name,
    value ?? "",
  ])
  return { line: map![0] + 2, language, attributes: Object.fromEntries(attributes), text: content }
}

const plainText = ({ children }: Token): string =>
  (children ?? [])
    .filter(({ type }) => type === "text" || type === "code_inline")
    .map(({ content }) => content)
    .join("")

/** The tokens between `name_open` and `name_close`, for each such pair. */
function within(tokens: readonly Token[], name: string): Token[][] {
  const found: Token[][] = []
  tokens.forEach(({ type }, start) => {
    if (type !== `${name}_open`) return
    const length = tokens.slice(start).findIndex((token) => token.type === `${name}_close`)
    found.push(tokens.slice(start, start + length))
  })
  return found
}

const codeSpans = (cell: readonly Token[]): string[] =>
  cell
    .flatMap(({ children }) => children ?? [])
    .filter(({ type }) => type === "code_inline")
    .map(({ content }) => content)

function tableOf(tokens: readonly Token[]): Table {
  const [head, ...rows] = within(tokens, "tr")
  return {
    columns: within(head!, "th").map((cell) =>
      cell
        .filter(({ type }) => type === "inline")
        .map(plainText)
        .join(""),
    ),
    rows: rows.map((row) => ({ line: row[0]!.map![0] + 1, cells: within(row, "td").map(codeSpans) })),
  }
}

/** What stands in the text, each with its line: inside of tables only rows know theirs. */
function inlineOf(tokens: readonly Token[]): { readonly line: number; readonly token: Token }[] {
  let line = 0
  return tokens.flatMap(({ map, children }) => {
    if (map) line = map[0] + 1
    return (children ?? []).map((token) => ({ line, token }))
  })
}

const linksOf = (tokens: readonly Token[]): Link[] =>
  inlineOf(tokens).flatMap(({ line, token }) => {
    const target = token.attrGet("href") ?? token.attrGet("src")
    return target === null ? [] : [{ line, target: String(target) }]
  })

const spansOf = (tokens: readonly Token[]): Span[] =>
  inlineOf(tokens)
    .filter(({ token }) => token.type === "code_inline")
    .map(({ line, token }) => ({ line, text: token.content }))

function anchorsOf(tokens: readonly Token[]): Set<string> {
  const slugger = new GithubSlugger()
  return new Set(within(tokens, "heading").map((heading) => slugger.slug(plainText(heading[1]!))))
}

export function parsePage(path: string, text: string): Page {
  const tokens = parser.parse(text, {})
  return {
    path,
    lines: text.split("\n"),
    fences: tokens.filter(({ type }) => type === "fence").map(fenceOf),
    tables: within(tokens, "table").map(tableOf),
    links: linksOf(tokens),
    spans: spansOf(tokens),
    anchors: anchorsOf(tokens),
  }
}

export const readPage = (path: string): Page => parsePage(path, read(path))
