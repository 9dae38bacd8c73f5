/** The rows as a table: a line per work, a column per library, with the ratio to taeda's time. */
import type { Row } from "./contestants.ts"

/** A time in the unit that suits it. */
export const timeText = (ms: number): string => {
  if (ms < 0.01) return `${(ms * 1000).toFixed(2)} µs`
  if (ms < 10) return `${ms.toFixed(3)} ms`
  return ms < 10_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** A row's time, or how long it took without an end. */
export const rowText = ({ ms, gaveUp }: Row): string => `${gaveUp ? "> " : ""}${timeText(ms)}`

/** Rows of one work are compared with the library whose name begins with `ours`. */
export function table(rows: readonly Row[], ours = "taeda"): string {
  const works = [...new Set(rows.map((r) => r.work))]
  const libraries = [...new Set(rows.map((r) => r.library))]
  const cell = (work: string, library: string): string => {
    const row = rows.find((r) => r.work === work && r.library === library)
    if (!row) return "–"
    const mine = rows.find((r) => r.work === work && r.library.startsWith(ours))
    return !mine || row === mine ? rowText(row) : `${rowText(row)} (${(row.ms / mine.ms).toFixed(2)}×)`
  }
  const lines = [["work", ...libraries], ...works.map((w) => [w, ...libraries.map((l) => cell(w, l))])]
  const widths = lines[0].map((_, c) => Math.max(...lines.map((l) => l[c].length)))
  const padded = (text: string, c: number): string => (c === 0 ? text.padEnd(widths[c]) : text.padStart(widths[c]))
  return lines.map((l) => l.map(padded).join("  ")).join("\n")
}
