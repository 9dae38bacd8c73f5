/** A confusion table that a person can read: rows are the truth, columns what the network said. */

/** Counts [truth][said]. */
export function confusionCounts(truth: ArrayLike<number>, said: ArrayLike<number>, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < truth.length; i++) counts[truth[i]][said[i]]++
  return counts
}

/** Columns of a cell. */
const WIDTH = 6

const cell = (text: string | number): string => String(text).padStart(WIDTH)

/** The table as lines, with the share of each row that was right; no error is a dot, so that errors stand out. */
export function confusionTable(
  counts: readonly (readonly number[])[],
  highlight: (text: string) => string = (s) => s,
): string[] {
  const margin = " ".repeat(WIDTH + 2)
  const rows = counts.map((row, truth) => {
    const total = row.reduce((a, b) => a + b, 0)
    const cells = row.map((n, said) => (said === truth ? highlight(cell(n)) : cell(n === 0 ? "·" : n)))
    const right = total === 0 ? "–" : `${((100 * row[truth]) / total).toFixed(1)} %`
    return `${`is ${truth}`.padStart(WIDTH)} │${cells.join("")}${right.padStart(10)}`
  })
  return [
    `${margin} the network said`,
    `${margin}${counts.map((_, said) => cell(said)).join("")}${"right".padStart(10)}`,
    `${" ".repeat(WIDTH + 1)}┌${"─".repeat(WIDTH * counts.length)}`,
    ...rows,
  ]
}
