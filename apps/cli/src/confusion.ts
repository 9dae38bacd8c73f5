/** A confusion table that a person can read: rows are the truth, columns what the network said. */

/** Counts [truth][said]. */
export function confusionCounts(truth: ArrayLike<number>, said: ArrayLike<number>, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < truth.length; i++) counts[truth[i]][said[i]]++
  return counts
}

/** The table as lines, with the share of each row that was right; zeros are dots so that errors stand out. */
export function confusionTable(counts: readonly (readonly number[])[], highlight: (text: string) => string = (s) => s): string[] {
  const cell = (value: number | string): string => String(value === 0 ? "·" : value).padStart(5)
  const header = `${"".padStart(7)}${counts.map((_, c) => cell(c === 0 ? "0" : c)).join("")}   right`
  const rows = counts.map((row, truth) => {
    const total = row.reduce((a, b) => a + b, 0)
    const cells = row.map((n, said) => (said === truth ? highlight(cell(n)) : cell(n))).join("")
    const right = total === 0 ? "–" : `${((100 * row[truth]) / total).toFixed(1)} %`
    return `is ${truth}  │${cells}  ${right.padStart(6)}`
  })
  return ["said →".padStart(7), header, ...rows]
}
