/** One table: lines are measures of works, columns are libraries. */
import { timeText } from "@taeda/cli/times"
import type { Grid } from "../table.ts"
import type { GpuRow } from "./rows.ts"

/** What stands where a library has nothing. */
const NOTHING = "–"

interface Measure {
  readonly label: string
  /** Undefined where the row has none. */
  readonly of: (row: GpuRow) => number | undefined
  /** Times are compared: the peers' are ratios to taeda's. */
  readonly isTime?: boolean
}

const isTiny = ({ latencyMs }: GpuRow): boolean => latencyMs !== undefined
const ofModels =
  (of: (row: GpuRow) => number) =>
  (row: GpuRow): number | undefined =>
    isTiny(row) ? undefined : of(row)

const MEASURES: readonly Measure[] = [
  { label: "dispatches", of: ({ counts }) => counts.dispatches },
  { label: "submissions", of: ofModels(({ counts }) => counts.submissions) },
  { label: "bytes written", of: ofModels(({ counts }) => counts.writtenBytes) },
  { label: "bytes read", of: ofModels(({ counts }) => counts.readBytes) },
  { label: "time", of: ofModels(({ ms }) => ms), isTime: true },
  { label: "time of many", of: (row) => (isTiny(row) ? row.ms : undefined), isTime: true },
  { label: "time of one and a read", of: ({ latencyMs }) => latencyMs, isTime: true },
]

const ratioText = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : ratio < 100 ? 1 : 0)}×`
const countText = (count: number): string =>
  Number.isInteger(count) ? count.toLocaleString("en-US") : count.toPrecision(3)

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)]

/** The first library's times stand as they are, the others' as multiples of them. */
export function gpuGrid(rows: readonly GpuRow[]): Grid {
  const libraries = unique(rows.map((r) => r.library))
  const lines = unique(rows.map((r) => r.work)).flatMap((work) =>
    MEASURES.flatMap(({ label, of, isTime }) => {
      const [first, ...others] = libraries.map((library) => {
        const row = rows.find((r) => r.library === library && r.work === work)
        return row && of(row)
      })
      if (first === undefined) return []
      const text = (value: number | undefined): string => {
        if (value === undefined) return NOTHING
        return isTime ? ratioText(value / first) : countText(value)
      }
      return [[`${work}: ${label}`, isTime ? timeText(first) : countText(first), ...others.map(text)]]
    }),
  )
  return [["", ...libraries], ...lines]
}
