/** Several rounds of measurements, and what they say together. */
import type { TableWork } from "@taeda/examples"

/** One backend's times of one work, a round each, milliseconds; null where it had none. */
export type Times = readonly (number | null)[]

export interface Result {
  readonly work: TableWork
  readonly backend: string
  /** The median of the rounds' medians, milliseconds; null where there is none. */
  readonly ms: number | null
  /** The least and the greatest of them. */
  readonly least: number | null
  readonly greatest: number | null
  /** How many times as fast as the first backend: the median of each round's ratio. Null where either has no time. */
  readonly ratio: number | null
}

/** Of an even number, the mean of the middle two; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length === 0) return null
  return Number.isInteger(middle) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[Math.floor(middle)]
}

const known = (values: Times): number[] => values.filter((value) => value !== null)

/** What the rounds of a work say; the ratios are of the same round, in which the machine was about as busy for both. */
export function resultOf(work: TableWork, backend: string, times: Times, first: Times): Result {
  const ratios = times.flatMap((ms, round) => {
    const reference = first[round]
    return ms === null || reference === null || reference === undefined ? [] : [reference / ms]
  })
  const all = known(times)
  return {
    work,
    backend,
    ms: median(all),
    least: all.length > 0 ? Math.min(...all) : null,
    greatest: all.length > 0 ? Math.max(...all) : null,
    ratio: median(ratios),
  }
}

/** How far apart a work's rounds are, as a part of their median. */
export const spread = ({ ms, least, greatest }: Result): number =>
  ms === null || least === null || greatest === null ? 0 : (greatest - least) / ms
