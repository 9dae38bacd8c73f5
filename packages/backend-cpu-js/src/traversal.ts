/** The order in which reductions combine: one rule for generated code and closures, so that both give the same bits. */
import type { Monoid, Operand, ReduceKernel } from "@taeda/core"

/** Innermost runs keep this many independent partial results, which hides the latency of one combination. */
const LANES = 4
/** Shorter runs are combined one by one. */
export const LANES_FROM = 8
/** Which lanes are combined in the end: the right one into the left one. */
export const LANE_MERGES: readonly (readonly [number, number])[] = [
  [0, 1],
  [2, 3],
  [0, 2],
]
/** Double accumulators are merged into a total after so many elements, which keeps the error near pairwise summation's. */
export const CHUNK = 512
/** Other runs are cut only so that their loop is called often enough to be compiled well. */
const LONG_CHUNK = 4096
/** Columns whose accumulators are kept at once when rows are combined elementwise: they stay in the first-level cache. */
export const ROW_BLOCK = 1024

export const lanesOf = (monoid: Monoid): number => (monoid.accumulators.length === 1 ? LANES : 1)

/** float32 accumulates in doubles, so only sums that need all of a double have to be chunked. */
export const isChunked = (monoid: Monoid): boolean => monoid.accumulators.includes("float64")

/** The longest run that is combined by itself before it is combined with what came before. */
export const chunkOf = (monoid: Monoid): number => (isChunked(monoid) ? CHUNK : LONG_CHUNK)

/** Whether a reduction may run row by row: it keeps a dim, and some input jumps along the innermost reduced one. */
export const mayRunByRows = (k: ReduceKernel): boolean =>
  k.rank > k.reduced && k.reduced > 0 && k.inputs.some((i) => i.access === "strided")

/** Whether neighbours in memory lie along the last kept dim rather than along the innermost reduced one. */
export function runsByRows(operands: readonly Operand[], inputs: number, kept: number, rank: number): boolean {
  let alongKept = 0
  let alongReduced = 0
  for (let k = 0; k < inputs; k++) {
    const { strides } = operands[k]
    if (strides.length !== rank) continue
    alongKept += Math.abs(strides[kept - 1])
    alongReduced += Math.abs(strides[rank - 1])
  }
  return alongKept < alongReduced
}
