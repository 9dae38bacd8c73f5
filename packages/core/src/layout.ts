/** How results are laid out in memory. */
import { contiguousStrides, type Sizes } from "./shape.ts"

/** Strides without gaps in the order of the given ones (PyTorch's preserve_format); broadcast dims go row-major. */
export function denseStrides(shape: Sizes, strides: Sizes): number[] {
  const order = shape.map((_, d) => d)
  if (strides.some((s, d) => s === 0 && shape[d]! > 1)) return contiguousStrides(shape)
  order.sort((a, b) => strides[b]! - strides[a]! || a - b)
  const result = new Array<number>(shape.length)
  let step = 1
  for (let i = order.length - 1; i >= 0; i--) {
    result[order[i]!] = step
    step *= Math.max(shape[order[i]!]!, 1)
  }
  return result
}
