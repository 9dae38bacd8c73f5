/** The rows as a table: a line per work, a column per library, with the ratio to taeda's time. */
import type { Row } from "./measure.ts"

const time = (ms: number): string => (ms < 0.01 ? `${(ms * 1000).toFixed(2)} µs` : ms < 10 ? `${ms.toFixed(3)} ms` : `${ms.toFixed(1)} ms`)

/** Rows of one work are compared with the library whose name begins with `ours`. */
export function table(rows: readonly Row[], ours = "taeda"): string {
  const works = [...new Set(rows.map((r) => r.work))]
  const libraries = [...new Set(rows.map((r) => r.library))]
  const cell = (work: string, library: string): string => {
    const row = rows.find((r) => r.work === work && r.library === library)
    if (!row) return "–"
    const mine = rows.find((r) => r.work === work && r.library.startsWith(ours))
    if (!mine || row === mine) return time(row.ms)
    return `${time(row.ms)} (${(row.ms / mine.ms).toFixed(2)}×)`
  }
  const lines = [["work", ...libraries], ...works.map((w) => [w, ...libraries.map((l) => cell(w, l))])]
  const widths = lines[0].map((_, c) => Math.max(...lines.map((l) => l[c].length)))
  return lines.map((l) => l.map((text, c) => (c === 0 ? text.padEnd(widths[c]) : text.padStart(widths[c]))).join("  ")).join("\n")
}
