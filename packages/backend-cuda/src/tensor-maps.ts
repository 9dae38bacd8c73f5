/** Tensor maps: what copies of the tensor memory accelerator know of a matrix, or of a batch of such. */
import type { DType } from "@taeda/core"
import { bytesOf } from "./elements.ts"
import type { PlacedOperand } from "./program.ts"

/** Bytes of one, at the end of a block of parameters, and what they begin at a multiple of. */
export const MAP_BYTES = 128
export const MAP_ALIGNMENT = 64

/** Where the maps of a block of parameters begin, behind its numbers, and where they end. */
export const beforeMaps = (at: number): number => Math.ceil(at / MAP_ALIGNMENT) * MAP_ALIGNMENT
export const behindMaps = (at: number, maps: number): number => (maps === 0 ? at : beforeMaps(at) + maps * MAP_BYTES)

/** Elements of a dtype in lines that lie side by side, from the operand's first element on. */
export interface MatrixLayout {
  readonly dtype: MappedType
  /** Elements in a line, lines, and matrices. */
  readonly sizes: readonly [inner: number, lines: number, matrices: number]
  /** From a line to the next, and from a matrix to the next, in bytes. */
  readonly strides: readonly [line: number, matrix: number]
  /** Whether the matrices are one, which every batch reads. */
  readonly shared: boolean
}

export type MappedType = "float16" | "bfloat16" | "float32"
const TYPES: readonly MappedType[] = ["float16", "bfloat16", "float32"]
const isMapped = (dtype: DType): dtype is MappedType => TYPES.includes(dtype as MappedType)

/** Coordinates have 32 bits and a sign; strides fewer than 2^40 bytes, in pieces. */
const MOST_SIZE = 2 ** 31 - 1
const MOST_STRIDE = 2 ** 40 - 16
const PIECE = 16

/** The numbers of a map by which the addon makes it: of pointer `pointer` of a launch, whose boxes are `box` elements of so many lines. */
export const mapNumbers = (
  pointer: number,
  { dtype, sizes, strides }: MatrixLayout,
  box: readonly [inner: number, lines: number],
): Float64Array => Float64Array.of(pointer, TYPES.indexOf(dtype), ...sizes, ...strides, ...box)

/**
 * The layout of an operand of which dim `inner` lies side by side; of its other dims `line` counts lines, and the first `batch` ones matrices.
 * Null where there is no such map.
 */
export function layoutOf(
  { offset, sizes, strides }: PlacedOperand,
  dtype: DType,
  batch: number,
  inner: number,
  line: number,
): MatrixLayout | null {
  if (!isMapped(dtype)) return null
  const bytes = bytesOf(dtype)
  const isStride = (elements: number): boolean =>
    elements > 0 && (elements * bytes) % PIECE === 0 && elements * bytes <= MOST_STRIDE
  if (strides[inner] !== 1 || (offset * bytes) % PIECE !== 0) return null
  // A line that is the only one has a stride of no meaning.
  const lineStride = sizes[line] === 1 ? Math.ceil((sizes[inner] * bytes) / PIECE) * (PIECE / bytes) : strides[line]
  const dims = Array.from({ length: batch }, (_, d) => d).filter((d) => sizes[d] !== 1)
  const matrices = dims.reduce((count, d) => count * sizes[d], 1)
  const shared = dims.every((d) => strides[d] === 0)
  const joined = dims.every((d, i) => i === 0 || strides[dims[i - 1]] === strides[d] * sizes[d])
  const matrixStride = shared ? lineStride * sizes[line] : strides[dims[dims.length - 1]]
  const all = [sizes[inner], sizes[line], matrices]
  if (all.some((size) => size < 1 || size > MOST_SIZE) || (!shared && !joined)) return null
  if (!isStride(lineStride) || lineStride < sizes[inner] || !isStride(matrixStride)) return null
  return {
    dtype,
    sizes: [sizes[inner], sizes[line], shared ? 1 : matrices],
    strides: [lineStride * bytes, matrixStride * bytes],
    shared,
  }
}
