/** A launch as plans see it, and the numbers that it hands to shaders. */
import type { Scalar, ScalarType } from "@taeda/core"
import { laneOf } from "./elements.ts"
import type { PlacedOperand } from "./program.ts"
import { bitsOf } from "./wgsl-text.ts"

export interface Launch {
  readonly sizes: readonly number[]
  readonly operands: readonly PlacedOperand[]
  readonly scalars: readonly Scalar[]
  /** The number by which faults name the kernel. */
  readonly kernel?: number
  /** How often a plan splits the reduced dims; numbers that only the plan knows. */
  readonly segments?: number
}

/** The 32 bits in which a shader is given a scalar. */
export function scalarBits(value: Scalar, dtype: ScalarType): number {
  const lane = laneOf(dtype)
  if (lane === "f32") return bitsOf(Number(value))
  if (lane === "bool") return value ? 1 : 0
  return typeof value === "bigint" ? Number(BigInt.asUintN(32, value)) : Number(value) >>> 0
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
