/** The rows as tables: a line per work, a column per library, with the ratio to taeda's time. */
import { times, timeText } from "@taeda/cli/times"
import type { Row } from "./contestants.ts"
import { GROWTH_OPS, GROWTH_POWERS } from "./works.ts"

/** Lines of cells, the first of which is the heading. */
export type Grid = readonly (readonly string[])[]

/** What stands where a library has nothing. */
const NOTHING = "–"

/** A row's time, or how long it took without an end. */
export const rowText = ({ ms, gaveUp }: Row): string => `${gaveUp ? "> " : ""}${timeText(ms)}`

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)]

export interface GridOptions {
  /** Libraries are compared with the one whose name begins so. */
  readonly ours?: string
  /** The others' ratios stand alone. */
  readonly ratiosOnly?: boolean
}

/** A column with the shares of the limit follows the first library, where there are any. */
export function grid(rows: readonly Row[], { ours = "taeda", ratiosOnly = false }: GridOptions = {}): Grid {
  const find = (work: string, library: string): Row | undefined =>
    rows.find((r) => r.work === work && r.library === library)
  const ratioText = (row: Row, mine: Row): string => {
    const ratio = times(row.ms / mine.ms)
    if (ratiosOnly) return row.gaveUp ? `> ${ratio}` : ratio
    return `${rowText(row)} (${ratio})`
  }
  const cell = (work: string, library: string): string => {
    const row = find(work, library)
    if (!row) return NOTHING
    const mine = rows.find((r) => r.work === work && r.library.startsWith(ours))
    return !mine || row === mine ? rowText(row) : ratioText(row, mine)
  }
  const shares = new Map<string, string>(
    rows.flatMap((r) => (r.share === undefined ? [] : [[r.work, percent(r.share)] as const])),
  )
  const [first, ...others] = unique(rows.map((r) => r.library))
  const line = (work: string): string[] => [
    work,
    cell(work, first),
    ...(shares.size > 0 ? [shares.get(work) ?? NOTHING] : []),
    ...others.map((l) => cell(work, l)),
  ]
  const heading = ["work", first, ...(shares.size > 0 ? ["of the limit"] : []), ...others]
  return [heading, ...unique(rows.map((r) => r.work)).map(line)]
}

/** Nanoseconds per element: a line per size, a column per operation and library. */
export function growthGrid(rows: readonly Row[]): Grid {
  const libraries = unique(rows.map((r) => r.library))
  const columns = GROWTH_OPS.filter((op) => rows.some((r) => r.work.startsWith(`${op} `))).flatMap((op) =>
    libraries.map((library) => ({ op, library })),
  )
  const powers = GROWTH_POWERS.filter((power) => rows.some((r) => r.work.endsWith(` 2^${power}`)))
  const cell = (op: string, library: string, power: number): string => {
    const row = rows.find((r) => r.library === library && r.work === `${op} 2^${power}`)
    return row ? `${row.gaveUp ? "> " : ""}${((row.ms * 1e6) / 2 ** power).toPrecision(3)}` : NOTHING
  }
  return [
    ["ns per element", ...columns.map(({ op, library }) => `${op}, ${library}`)],
    ...powers.map((power) => [`2^${power}`, ...columns.map(({ op, library }) => cell(op, library, power))]),
  ]
}

/** Aligned: the first column to the left, the others to the right. */
export function asText(lines: Grid): string {
  const widths = lines[0].map((_, c) => Math.max(...lines.map((l) => l[c].length)))
  const padded = (text: string, c: number): string => (c === 0 ? text.padEnd(widths[c]) : text.padStart(widths[c]))
  return lines.map((l) => l.map(padded).join("  ")).join("\n")
}

export function asMarkdown([heading, ...lines]: Grid): string {
  const rule = heading.map((_, c) => (c === 0 ? "---" : "---:"))
  return [heading, rule, ...lines].map((l) => `| ${l.join(" | ")} |`).join("\n")
}
