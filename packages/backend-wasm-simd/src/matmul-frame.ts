/** The frame of a matrix product: the numbers of its slots, by which the plan writes them and the kernel reads them. */
import type { MatmulKernel } from "@taeda/core"
import { FORMATS, type Format, type ProductType } from "./formats.ts"

/** How a product may be computed; the number stands in the frame. */
export const WAYS = { packed: 0, direct: 1, dots: 2 } as const
export type Way = keyof typeof WAYS

/** The slots before those of the operands. */
export const HEAD = [
  "way",
  "inPlace",
  "rows",
  "columns",
  "depth",
  "depthBlock",
  "blockRows",
  "blockColumns",
  "rowBlocks",
  "columnBlocks",
] as const
export type Head = (typeof HEAD)[number]

/** Each operand then has its address, its stride along rows, its stride along columns. */
const OPERAND = ["address", "row", "column"] as const

/** Operands a, b, the result, the epilogue's inputs. */
export const operandCount = (kernel: MatmulKernel): number => 3 + (kernel.epilogue?.inputs.length ?? 0)

export const operandSlot = (operand: number, name: (typeof OPERAND)[number]): number =>
  HEAD.length + operand * OPERAND.length + OPERAND.indexOf(name)

/** Each batch dim then has its size and the stride of each operand: the slot of the size. */
export const batchSlot = (kernel: MatmulKernel, dim: number): number =>
  operandSlot(operandCount(kernel), "address") + dim * (1 + operandCount(kernel))

/** The first slot of the frame that the kernel itself has no use for. */
export const matmulSlots = (kernel: MatmulKernel): number => batchSlot(kernel, kernel.batch)

export const matmulFormat = (kernel: MatmulKernel): Format => {
  if (kernel.dtype === "bool") throw new TypeError("matmul: bool has no products here; core does them by other kernels")
  return FORMATS[kernel.dtype as ProductType]
}
