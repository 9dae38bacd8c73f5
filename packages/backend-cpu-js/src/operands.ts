/** Strided operands outside of generated code: walking over them, and making contiguous copies. */
import {
  bfloat16ToNumber,
  computeType,
  DTYPES,
  type DType,
  float16ToNumber,
  type Operand,
  type TypedArray,
} from "@taeda/core"
import { ARRAY_KIND, type CpuBuffer, newBuffer } from "./buffer.ts"
import { isHalf } from "./expression-plan.ts"

/** The memory of an operand as the array of its type. */
export const arrayOf = (operand: Operand, dtype: DType): TypedArray =>
  (operand.buffer as unknown as CpuBuffer).view(ARRAY_KIND[dtype])

/** The number of elements of a shape. */
export const countOf = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1)

/** Row-major strides. */
export function contiguousStrides(sizes: readonly number[]): number[] {
  const strides: number[] = []
  for (let d = sizes.length - 1, step = 1; d >= 0; step *= sizes[d--]) strides[d] = step
  return strides
}

/** Whether the elements stand one after another; dims of one element may have any stride. */
export function isContiguous({ sizes, strides }: Operand): boolean {
  const wanted = contiguousStrides(sizes)
  return sizes.every((size, d) => size === 1 || strides[d] === wanted[d])
}

/** Calls `body` with the offset of every operand at each point of the first `dims` of `sizes`. */
export function forEachOffset(
  sizes: readonly number[],
  dims: number,
  operands: readonly Operand[],
  body: (at: readonly number[]) => void,
): void {
  const at = operands.map((o) => o.offset)
  const visit = (d: number): void => {
    if (d === dims) {
      body(at)
      return
    }
    for (let i = 0; i < sizes[d]; i++) {
      visit(d + 1)
      for (let k = 0; k < at.length; k++) at[k] += operands[k].strides[d]
    }
    for (let k = 0; k < at.length; k++) at[k] -= sizes[d] * operands[k].strides[d]
  }
  visit(0)
}

/** Fresh contiguous memory. */
export function temporary(sizes: readonly number[], dtype: DType): Operand {
  const buffer = newBuffer(countOf(sizes) * DTYPES[dtype].bytes, ARRAY_KIND[dtype]) as unknown as Operand["buffer"]
  return { buffer, offset: 0, sizes, strides: contiguousStrides(sizes) }
}

const DECODE = { float16: float16ToNumber, bfloat16: bfloat16ToNumber }

/** A contiguous copy of a floating operand in the type it is computed in. */
export function computable(operand: Operand, dtype: DType): Operand {
  const { sizes, strides } = operand
  const copy = temporary(sizes, computeType(dtype))
  const from = arrayOf(operand, dtype) as Float32Array
  const to = arrayOf(copy, computeType(dtype)) as Float32Array
  const decode = isHalf(dtype) ? DECODE[dtype] : undefined
  const last = sizes.length - 1
  const [n, stride] = last < 0 ? [1, 1] : [sizes[last], strides[last]]
  forEachOffset(sizes, Math.max(0, last), [operand, copy], ([source, target]) => {
    for (let i = 0, p = source; i < n; i++, p += stride) to[target + i] = decode ? decode(from[p]) : from[p]
  })
  return copy
}
