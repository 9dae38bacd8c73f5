/** What planners know of NVIDIA's libraries, and what they need for each of them. */
import type { ConvKernel, MatmulKernel } from "@taeda/core"
import type { ConvolutionSpec, PreparedConvolution, PreparedProduct, ProductSpec } from "./driver.ts"
import type { DeviceLimits, PlacedOperand } from "./program.ts"

export const LIBRARY_NAMES = ["cublasLt", "cudnn"] as const
export type LibraryName = (typeof LIBRARY_NAMES)[number]

export interface NativeLibraries {
  readonly isThere: (name: LibraryName) => boolean
  /** Whether it is wanted for all that it can do, and not only where it is likely to be faster. */
  readonly isInsisted: (name: LibraryName) => boolean
  /** Null where the library has none of this kind. @throws LibraryError */
  readonly prepareProduct: (spec: ProductSpec) => PreparedProduct | null
  readonly prepareConvolution: (spec: ConvolutionSpec) => PreparedConvolution | null
}

/** What a product may take at most: as much as NVIDIA recommends for its newest GPUs. */
export const WORKSPACE_BYTES = 32 * 2 ** 20

/** The least compute capability with TF32. */
const TF32_TARGET = 80

/** Whether factors of float32 may be rounded to TF32. */
export const mayRound = ({ precision }: MatmulKernel | ConvKernel, { target }: DeviceLimits): boolean =>
  precision !== undefined && target >= TF32_TARGET

/** Libraries are told of alignments up to this. */
const MOST_ALIGNED = 256

/** The largest power of two, up to 256, that an operand's first byte is a multiple of. */
export function alignmentOf({ offset }: PlacedOperand, bytes: number): number {
  let alignment = MOST_ALIGNED
  while ((offset * bytes) % alignment !== 0) alignment /= 2
  return alignment
}

/** A row-major view from the beginning of its buffer on. */
export function denseOf(sizes: readonly number[]): PlacedOperand {
  const strides = new Array<number>(sizes.length)
  for (let d = sizes.length - 1, step = 1; d >= 0; step *= sizes[d--]) strides[d] = step
  return { offset: 0, sizes, strides }
}

/** Keeps so many things. */
const REMEMBERED = 1024

/** What was made for a key; made anew where it was long ago. */
export class Remembered<T> {
  private readonly known = new Map<string, T>()

  get(key: string, make: () => T): T {
    const { known } = this
    const before = known.get(key)
    if (before !== undefined) return before
    if (known.size >= REMEMBERED) known.clear()
    const made = make()
    known.set(key, made)
    return made
  }
}
