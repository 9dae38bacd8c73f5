/** How times are written. */

/** A time in the unit that suits it. */
export const timeText = (ms: number): string => {
  if (ms < 0.01) return `${(ms * 1000).toFixed(2)} µs`
  if (ms < 10) return `${ms.toFixed(3)} ms`
  return ms < 10_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Three digits: a run gives no more. */
export const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : ratio < 100 ? 1 : 0)}×`
