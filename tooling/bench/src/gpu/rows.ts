/** What was measured of each work of each library. */
import { COUNT_NAMES, type GpuCounts } from "./counts.ts"
import type { GpuSample } from "./page.ts"

/** A work of a library: medians over the rounds. */
export interface GpuRow extends GpuSample {
  readonly library: string
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

export function rowOf(library: string, samples: readonly GpuSample[]): GpuRow {
  const [{ work, values, latencyMs }] = samples
  const counts = COUNT_NAMES.map((name) => [name, median(samples.map((s) => s.counts[name]))])
  return {
    work,
    library,
    ms: median(samples.map(({ ms }) => ms)),
    ...(latencyMs !== undefined && { latencyMs: median(samples.map((s) => s.latencyMs!)) }),
    counts: Object.fromEntries(counts) as unknown as GpuCounts,
    values,
  }
}

/** How far results may lie apart, of the largest one. */
const TOLERANCE = 1e-4

/** Works whose results are not those of the library called `ours`. */
export function disagreements(rows: readonly GpuRow[], ours: string): string[] {
  return rows.flatMap(({ work, library, values }) => {
    const right = rows.find((r) => r.work === work && r.library === ours)?.values ?? values
    const scale = Math.max(...right.map(Math.abs))
    const apart = Math.max(...right.map((v, i) => Math.abs(v - values[i])))
    return right.length === values.length && apart <= TOLERANCE * scale ? [] : [`${work} of ${library}`]
  })
}
