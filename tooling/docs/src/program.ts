/**
 * The programs of a page: each block of TypeScript and each row of a table of spellings is one, a module of its own. Its
 * lines stand on the lines that they have in the page, so that whatever names a line names the page's.
 *
 * What follows a block's language says how it is meant:
 *
 * - `continues`: it goes on where the block before it ended.
 * - `not-run="reason"`: it cannot be run here, and its types are checked.
 * - `from="path"`: it is a part of that file, word for word.
 * - `for-rows`: the rows of the tables below are run after it.
 */
import type { Fence, Page, Table, TableRow } from "./page.ts"

export interface Program {
  /** The page, from the root. */
  readonly page: string
  /** Where it begins there. */
  readonly line: number
  readonly text: string
  /** The first line that is its own: what comes before belongs to the block that it continues. */
  readonly own: number
  /** Why it is not run. */
  readonly notRun?: string
}

const LANGUAGES: ReadonlySet<string> = new Set(["ts", "js"])

export const isCode = ({ language }: Fence): boolean => LANGUAGES.has(language)

/** Blocks that stand by themselves, and are neither quoted nor part of another. */
export const isProgram = (fence: Fence): boolean => isCode(fence) && !("from" in fence.attributes)

/** A module with these texts, each beginning on its line. */
function place(parts: readonly { readonly line: number; readonly text: string }[]): string {
  const lines: string[] = []
  for (const { line, text } of parts) {
    while (lines.length < line - 1) lines.push("")
    lines.push(...text.trimEnd().split("\n"))
  }
  return `${lines.join("\n")}\n`
}

/** A block with the blocks that it continues. */
function chainOf(fences: readonly Fence[], at: number): Fence[] {
  const fence = fences[at]!
  if (!("continues" in fence.attributes)) return [fence]
  if (at === 0) throw new Error(`line ${fence.line}: continues, and no block comes before it`)
  return [...chainOf(fences, at - 1), fence]
}

export function programsOf({ path, fences }: Page): Program[] {
  const programs = fences.filter(isProgram)
  return programs.map((fence, at) => ({
    page: path,
    line: fence.line,
    own: fence.line,
    // The page's modules have no other exports, and a module without an import is a script.
    text: `${place(chainOf(programs, at))}export {}\n`,
    notRun: chainOf(programs, at).find(({ attributes }) => "not-run" in attributes)?.attributes["not-run"],
  }))
}

/** Statements, of which the last gives its value where it is an expression. */
function body(spans: readonly string[]): string {
  const isStatement = (span: string): boolean =>
    /^(const|let|using|await using|for|while|if|class|function|import|throw|return)\b/.test(span)
  const last = spans.at(-1) ?? ""
  return [...spans.slice(0, -1), isStatement(last) ? last : `return (${last})`].join("; ")
}

export interface RowProgram extends Program {
  /** The code of the row's cells, by the heading of the column. */
  readonly cells: Readonly<Record<string, string>>
}

/** The columns of tables whose rows are run, in the languages that are run. */
const RUN_COLUMNS = ["taeda", "TensorFlow.js"]

const cellOf = ({ columns }: Table, row: TableRow, column: string): readonly string[] =>
  row.cells[columns.indexOf(column)] ?? []

/** Tables with a column `taeda` on a page with a block `for-rows`: a program for each row, which exports a function for each cell. */
export function rowProgramsOf({ path, fences, tables }: Page): RowProgram[] {
  const scopes = fences.filter(({ attributes }) => "for-rows" in attributes)
  return tables
    .filter(({ columns }) => columns.includes("taeda"))
    .flatMap((table) =>
      table.rows.flatMap((row) => {
        const scope = scopes.findLast(({ line }) => line < row.line)
        if (!scope) return []
        const cells = table.columns
          .map((column) => [column, cellOf(table, row, column)] as const)
          .filter(([, spans]) => spans.length > 0)
        const functions = cells
          .filter(([column]) => RUN_COLUMNS.includes(column))
          .map(([column, spans]) => `${JSON.stringify(column)}: async () => { ${body(spans)} }`)
        const text = place([scope, { line: row.line, text: `export const cells = { ${functions.join(", ")} }` }])
        const texts = Object.fromEntries(cells.map(([column, spans]) => [column, spans.join("; ")]))
        return [{ page: path, line: row.line, own: row.line, text, cells: texts }]
      }),
    )
}
