/** The plan of a matrix product's launch: the way it is computed, and how C is cut into blocks, the units of work. */
import { DTYPES, type MatmulKernel } from "@taeda/core"
import { equalParts } from "./blocks.ts"
import { DOT_ROWS } from "./dots.ts"
import type { Lanes } from "./formats.ts"
import { depthBlock, MAX_COLUMNS, MAX_ROWS, panelColumns } from "./gemm.ts"
import { grainOf, type LaunchPlan, type PlacedOperand } from "./launch-plan.ts"
import { HEAD, type Head, matmulFormat, operandSlot, WAYS, type Way } from "./matmul-frame.ts"
import { type Choice, chooseWay, type Matrix, suited, transposed } from "./matmul-ways.ts"
import { WIDEST } from "./tile.ts"

/** Blocks have a multiple of so many rows: those of panels of any kind. */
const BLOCK_ROWS = 12

/** Multiplications from which on a product is cut up for all threads. */
const SHARED = 1 << 17

/**
 * The plan of a launch.
 * @param sizes [batch.., M, N, K]
 * @param operands a, c, the epilogue's inputs, out
 * @param threads how many threads may share the work; the results don't depend on it
 */
export function planMatmul(
  kernel: MatmulKernel,
  sizes: readonly number[],
  operands: readonly PlacedOperand[],
  threads: number,
): LaunchPlan {
  const { batch } = kernel
  const format = matmulFormat(kernel)
  const [m, n, depth] = sizes.slice(batch)
  const count = sizes.slice(0, batch).reduce((x, y) => x * y, 1)
  if (count === 0 || m === 0 || n === 0) return { slots: [], addresses: [], units: 0, grain: 1 }
  const matrices = orderedMatrices(kernel, sizes, operands)
  const [a, b, out] = matrices.map(({ matrix }) => matrix)
  const choice = chooseWay(format, [m, n, depth], [a, b, out])
  const { rows, columns } = choice.orientation
  const work = m * n * Math.max(1, depth)
  const wanted = work * count >= SHARED && threads > 1 ? Math.ceil((threads * 2) / count) : 1
  const { blockRows, blockColumns } = blocksOf(rows, columns, choice.way, format.lanes, wanted)
  const [rowBlocks, columnBlocks] = [Math.ceil(rows / blockRows), Math.ceil(columns / blockColumns)]
  const head: Readonly<Record<Head, number>> = {
    way: WAYS[choice.way],
    inPlace: Number(choice.inPlace),
    rows,
    columns,
    depth,
    depthBlock: depthBlock(format.lanes, depth),
    blockRows,
    blockColumns,
    rowBlocks,
    columnBlocks,
  }
  const { slots, order } = operandSlots(choice, sizes.slice(0, batch), matrices)
  const last = operands.length - 1
  const places = operands.map((_, k) => order.indexOf(k === last ? 2 : k < 2 ? k : k + 1))
  return {
    slots: [...HEAD.map((name) => head[name]), ...slots],
    addresses: places.map((place) => operandSlot(place, "address")),
    units: count * rowBlocks * columnBlocks,
    grain: grainOf(work / rowBlocks / columnBlocks),
  }
}

interface OperandMatrix {
  readonly operand: PlacedOperand
  readonly matrix: Matrix
  /** Bytes of an element. */
  readonly bytes: number
}

/** The matrices of a, b, the result and the epilogue's inputs. */
function orderedMatrices(
  kernel: MatmulKernel,
  sizes: readonly number[],
  operands: readonly PlacedOperand[],
): readonly OperandMatrix[] {
  const { batch, epilogue } = kernel
  const { bytes } = matmulFormat(kernel)
  const [m, n, depth] = sizes.slice(batch)
  const shapes = [
    [m, depth],
    [depth, n],
    [m, n],
  ]
  const ordered = [operands[0], operands[1], operands[operands.length - 1], ...operands.slice(2, -1)]
  return ordered.map((operand, k) => {
    const matrix = { row: operand.strides[batch], column: operand.strides[batch + 1] }
    if (k >= 3) return { operand, matrix, bytes: DTYPES[epilogue!.inputs[k - 3].dtype].bytes }
    return { operand, matrix: suited(matrix, shapes[k][0], shapes[k][1]), bytes }
  })
}

/** The slots of the operands and of the batch dims, and the order in which the operands stand there. */
function operandSlots(
  { orientation: { swapped } }: Choice,
  batchSizes: readonly number[],
  matrices: readonly OperandMatrix[],
): { readonly slots: readonly number[]; readonly order: readonly number[] } {
  const order = [...matrices.keys()]
  if (swapped) order.splice(0, 2, 1, 0)
  const used = order.map((k) => {
    const { operand, matrix, bytes } = matrices[k]
    return { operand, bytes, matrix: swapped ? transposed(matrix) : matrix }
  })
  const slots = [
    ...used.flatMap(({ operand, matrix, bytes }) => [operand.address, matrix.row * bytes, matrix.column * bytes]),
    ...batchSizes.flatMap((size, dim) => [size, ...used.map(({ operand, bytes }) => operand.strides[dim] * bytes)]),
  ]
  return { slots, order }
}

/** The blocks of C: large enough to make packing cheap, small enough that all threads have some. */
function blocksOf(
  rows: number,
  columns: number,
  way: Way,
  lanes: Lanes,
  wanted: number,
): { blockRows: number; blockColumns: number } {
  const rowMultiple = way === "dots" ? DOT_ROWS : BLOCK_ROWS
  const columnMultiple = way === "direct" ? WIDEST[1] * lanes.count : panelColumns(lanes)
  let rowBlocks = Math.ceil(rows / MAX_ROWS)
  let columnBlocks = way === "dots" ? 1 : Math.ceil(columns / MAX_COLUMNS)
  for (;;) {
    const blockRows = equalParts(rows, rowBlocks, rowMultiple)
    const blockColumns = way === "dots" ? columns : equalParts(columns, columnBlocks, columnMultiple)
    const splitRows = blockRows >= 4 * rowMultiple
    const splitColumns = way !== "dots" && blockColumns >= 4 * columnMultiple
    if (Math.ceil(rows / blockRows) * Math.ceil(columns / blockColumns) >= wanted || !(splitRows || splitColumns))
      return { blockRows, blockColumns }
    if (splitColumns && (blockColumns >= blockRows || !splitRows)) columnBlocks *= 2
    else rowBlocks *= 2
  }
}
