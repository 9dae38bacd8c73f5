/** A launch as plans see it, and what it says about extents. */
import type { Scalar } from "@taeda/core"
import type { PlacedOperand } from "./program.ts"

export interface Launch {
  readonly sizes: readonly number[]
  readonly operands: readonly PlacedOperand[]
  readonly scalars: readonly Scalar[]
  /** The number by which faults name the kernel. */
  readonly kernel?: number
}

/** A launch with the numbers that only its plan knows. */
export interface PlannedLaunch extends Launch {
  readonly own?: Readonly<Record<string, number>>
}

export const countOf = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1)

/** Whether a view's elements lie one after the other in row-major order. */
export function isDense({ sizes, strides }: PlacedOperand): boolean {
  let step = 1
  for (let d = sizes.length - 1; d >= 0; d--) {
    if (sizes[d] !== 1 && strides[d] !== step) return false
    step *= sizes[d]
  }
  return true
}

/** Numbers of elements and points stay below this where indices have 32 bits, so that sums of two do not wrap. */
const NARROW = 2 ** 31

/** How far an operand's elements reach from its first, in elements. */
function reachOf({ sizes, strides }: PlacedOperand): number {
  let reach = 0
  for (let d = 0; d < sizes.length; d++) reach += Math.max(0, sizes[d] - 1) * Math.abs(strides[d])
  return reach
}

/** Whether a launch needs indices of 64 bits. */
export const isWide = ({ sizes, operands }: Launch): boolean =>
  countOf(sizes) >= NARROW || operands.some((o) => reachOf(o) >= NARROW)
