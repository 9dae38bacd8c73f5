/** Tables of a page of docs: written anew with what was measured, and read to be compared with it. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

export const PAGE = join(import.meta.dirname, "..", "..", "..", "docs", "performance.md")

/** What a row says: its title, and its numbers from left to right. */
export interface TableRow {
  readonly title: string
  readonly numbers: readonly number[]
}

/** How far a number in the docs may be from what is measured now: a change of 2 %, or what rounding to one digit takes. */
const TOLERANCE = { part: 0.02, absolute: 0.051 }

/** Bytes as the tables give them. */
export const kilobytes = (bytes: number): number => bytes / 1000

export const agree = (documented: number, measured: number): boolean =>
  Math.abs(documented - measured) <= Math.max(TOLERANCE.absolute, TOLERANCE.part * measured)

/** The lines of the table with this first column, from its heads to its last row. */
function place(lines: readonly string[], head: string): { readonly start: number; readonly end: number } {
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`))
  if (start < 0) throw new Error(`${PAGE} has no table of "${head}"`)
  const end = lines.findIndex((line, at) => at > start && !line.startsWith("|"))
  return { start, end: end < 0 ? lines.length : end }
}

/** The rows of a table of the page. */
export function readTable(head: string, page: string = readFileSync(PAGE, "utf8")): TableRow[] {
  const lines = page.split("\n")
  const { start, end } = place(lines, head)
  return lines.slice(start + 2, end).map((line) => {
    const [title, ...cells] = line.split("|").slice(1, -1)
    return { title: title!.trim(), numbers: cells.map(Number) }
  })
}

/** A page in which the table has these rows. */
export function withTable(page: string, head: string, rows: readonly TableRow[]): string {
  const lines = page.split("\n")
  const { start, end } = place(lines, head)
  const written = rows.map(({ title, numbers }) => `| ${[title, ...numbers.map((n) => n.toFixed(1))].join(" | ")} |`)
  return [...lines.slice(0, start + 2), ...written, ...lines.slice(end)].join("\n")
}

export function writeTable(head: string, rows: readonly TableRow[]): void {
  writeFileSync(PAGE, withTable(readFileSync(PAGE, "utf8"), head, rows))
}
