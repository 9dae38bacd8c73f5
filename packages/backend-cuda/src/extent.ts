/** Which bytes of its buffer an operand's elements are. */
import { DTYPES, type Kernel } from "@taeda/core"
import type { PlacedOperand } from "./program.ts"

const INDEX_BYTES = DTYPES.int32.bytes

/** Bytes of an element of each operand of a kernel, in their order. */
export function elementBytes(kernel: Kernel): readonly number[] {
  const bytesOf = ({ dtype }: { readonly dtype: keyof typeof DTYPES }): number => DTYPES[dtype].bytes
  switch (kernel.kind) {
    case "map":
    case "reduce":
    case "rows":
    case "scan":
      return [...kernel.inputs, ...kernel.outputs].map(bytesOf)
    case "scatter":
      return [...kernel.inputs.map(bytesOf), bytesOf(kernel)]
    case "matmul":
    case "conv":
      return [bytesOf(kernel), bytesOf(kernel), ...(kernel.epilogue?.inputs.map(bytesOf) ?? []), bytesOf(kernel)]
    case "sort":
      return [bytesOf(kernel), bytesOf(kernel), INDEX_BYTES]
  }
}

/** The first element's byte, the lowest byte of all elements, and the one behind the highest. */
export interface Extent {
  begin: number
  low: number
  high: number
}

/** Finds an operand's extent in its buffer, into `extent`. A view without elements has an empty one, wherever it stands. */
export function extentOf({ offset, sizes, strides }: PlacedOperand, bytes: number, extent: Extent): void {
  let low = offset
  let high = offset
  for (let d = 0; d < sizes.length; d++) {
    if (sizes[d] === 0) {
      extent.begin = extent.low = extent.high = 0
      return
    }
    const reach = (sizes[d] - 1) * strides[d]
    if (reach < 0) low += reach
    else high += reach
  }
  extent.begin = offset * bytes
  extent.low = low * bytes
  extent.high = (high + 1) * bytes
}
