/** Several dims that are gone through by one stride. */

/** Whether going through all of `sizes` in row-major order is going by one and the same stride. */
export function isRun(sizes: readonly number[], strides: readonly number[]): boolean {
  let step = Number.NaN
  for (let k = sizes.length - 1; k >= 0; k--) {
    if (sizes[k] === 1) continue
    if (!Number.isNaN(step) && strides[k] !== step) return false
    step = strides[k] * sizes[k]
  }
  return true
}

/** The stride of a run: that of the innermost dim of more than one element. */
export const runStride = (sizes: readonly number[], strides: readonly number[]): number =>
  strides[sizes.findLastIndex((size) => size > 1)] ?? 0
