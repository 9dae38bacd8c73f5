/** What the operands of a launch are, for every kind of kernel: their dtypes, and which of them are written. */

import { DTYPES, type DType, type Epilogue, type Kernel, type Operand } from "@taeda/core"

export interface OperandType {
  readonly dtype: DType
  readonly written: boolean
}

const reads = (dtype: DType): OperandType => ({ dtype, written: false })
const writes = (dtype: DType): OperandType => ({ dtype, written: true })
const ofEpilogue = (epilogue: Epilogue | null): OperandType[] => epilogue?.inputs.map(({ dtype }) => reads(dtype)) ?? []

/** In the order of the launch. */
export function operandTypes(kernel: Kernel): OperandType[] {
  switch (kernel.kind) {
    case "map":
    case "reduce":
    case "rows":
    case "scan":
      return [...kernel.inputs.map(({ dtype }) => reads(dtype)), ...kernel.outputs.map(({ dtype }) => writes(dtype))]
    case "matmul":
    case "conv":
      return [reads(kernel.dtype), reads(kernel.dtype), ...ofEpilogue(kernel.epilogue), writes(kernel.dtype)]
    case "scatter":
      return [...kernel.inputs.map(({ dtype }) => reads(dtype)), writes(kernel.dtype)]
    case "sort":
      return [reads(kernel.dtype), writes(kernel.dtype), writes("int32")]
  }
}

/** The address of every element of an operand. */
export function* addressesOf({ offset, sizes, strides }: Operand): Generator<number> {
  if (sizes.includes(0)) return
  const at = sizes.map(() => 0)
  let address = offset
  for (;;) {
    yield address
    let d = sizes.length - 1
    for (; d >= 0; d--) {
      address += strides[d]
      if (++at[d] < sizes[d]) break
      address -= strides[d] * sizes[d]
      at[d] = 0
    }
    if (d < 0) return
  }
}

/** The number of elements. */
export const countOf = ({ sizes }: Operand): number => sizes.reduce((n, size) => n * size, 1)

/** Whether the elements lie one after another, in row-major order. */
export function isDense({ sizes, strides }: Operand): boolean {
  let step = 1
  for (let d = sizes.length - 1; d >= 0; d--) {
    if (sizes[d] !== 1 && strides[d] !== step) return false
    step *= sizes[d]
  }
  return true
}

export const widthOf = (dtype: DType): number => DTYPES[dtype].bytes
