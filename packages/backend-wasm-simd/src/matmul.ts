/**
 * Matrix products: a module for a kernel, and the plan of a launch. A unit of work is a block of C of one batch element over the
 * whole inner dimension; its epilogue follows while it is in the cache.
 */
import { DTYPES, type MatmulKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, ModuleBuilder, select } from "./assembler.ts"
import { type Code, call, i32, op } from "./code.ts"
import { DOT_ROWS, dotsProduct } from "./dots.ts"
import { FORMATS, type Format, isNative, type Lanes, type ProductType } from "./formats.ts"
import {
  depthBlock,
  directProduct,
  MAX_COLUMNS,
  MAX_ROWS,
  packedProduct,
  panelColumns,
  productArguments,
  SCRATCH,
} from "./gemm.ts"
import {
  type EmitEpilogue,
  grainOf,
  type LaunchPlan,
  newPlace,
  type Place,
  type PlacedOperand,
  storeBlock,
} from "./product-block.ts"
import type { Target } from "./target.ts"
import { PANEL_ROWS, WIDEST } from "./tile.ts"

/** How a product may be computed; the number stands in the frame. */
const WAYS = { packed: 0, direct: 1, dots: 2 } as const
type Way = keyof typeof WAYS

/** The frame's slots before those of the operands. */
const HEAD = [
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
type Head = (typeof HEAD)[number]

/** Each operand then has its address, its stride along rows, its stride along columns. */
const PER_OPERAND = 3

/** Each batch dim then has its size and the stride of each operand. */
const operandCount = (kernel: MatmulKernel): number => 3 + (kernel.epilogue?.inputs.length ?? 0)

const formatOf = (kernel: MatmulKernel): Format => {
  if (kernel.dtype === "bool") throw new TypeError("matmul: bool has no products here; core does them by other kernels")
  return FORMATS[kernel.dtype as ProductType]
}

/** The first slot of the frame that the kernel itself has no use for. */
export const matmulSlots = (kernel: MatmulKernel): number =>
  HEAD.length + operandCount(kernel) * PER_OPERAND + kernel.batch * (1 + operandCount(kernel))

/**
 * A module that exports `run(frame, begin, end, scratch)`.
 * @param epilogue writes the code of the kernel's epilogue
 */
export function emitMatmul(kernel: MatmulKernel, target: Target, epilogue?: EmitEpilogue): Uint8Array<ArrayBuffer> {
  if (kernel.epilogue && !epilogue) throw new TypeError("matmul: the kernel has an epilogue, and nothing writes it")
  const module = new ModuleBuilder(target)
  const format = formatOf(kernel)
  module.function(
    "run",
    ["ptr", "i32", "i32", "ptr"],
    ["i32"],
    (f, frame, begin, end, scratch) => {
      emitUnits(f, module, kernel, format, { frame, begin, end, scratch }, epilogue)
      f.push(i32(0))
    },
    true,
  )
  return module.encode()
}

interface RunParameters {
  readonly frame: Local
  readonly begin: Local
  readonly end: Local
  readonly scratch: Local
}

function emitUnits(
  f: FunctionBuilder,
  module: ModuleBuilder,
  kernel: MatmulKernel,
  format: Format,
  { frame, begin, end, scratch }: RunParameters,
  epilogue: EmitEpilogue | undefined,
): void {
  const { lanes } = format
  const slot = (k: number): Code => f.load("ptr.load", get(frame), k * 8)
  const head = Object.fromEntries(HEAD.map((name, k) => [name, f.let("ptr", slot(k))])) as Record<Head, Local>
  const count = operandCount(kernel)
  const operandSlot = (operand: number, part: number): Code => slot(HEAD.length + operand * PER_OPERAND + part)
  const places: Place[] = Array.from({ length: count }, (_, operand) => ({
    address: f.local("ptr"),
    row: f.let("ptr", operandSlot(operand, 1)),
    column: f.let("ptr", operandSlot(operand, 2)),
  }))
  const [a, b, out, ...inputs] = places
  const [rest, quotient, index, row, column, rows, columns] = Array.from({ length: 7 }, () => f.local("ptr"))
  const result = newPlace(f)
  const plusProduct = (to: Local, x: Code, y: Code): void => f.set(to, f.op("ptr.add", get(to), f.op("ptr.mul", x, y)))
  /** Splits the lowest digit off `rest`. */
  const digit = (size: Code): void => {
    f.set(quotient, f.op("ptr.div_u", get(rest), size))
    f.set(index, f.op("ptr.sub", get(rest), f.op("ptr.mul", get(quotient), size)))
    f.set(rest, get(quotient))
  }
  const least = (x: Code, y: Code): Code => select(f.op("ptr.lt_s", x, y), x, y)

  const unit = f.local("i32")
  f.for(unit, get(begin), get(end), i32(1), () => {
    f.set(rest, f.toPointer(get(unit)))
    digit(get(head.rowBlocks))
    f.set(row, f.op("ptr.mul", get(index), get(head.blockRows)))
    digit(get(head.columnBlocks))
    f.set(column, f.op("ptr.mul", get(index), get(head.blockColumns)))
    places.forEach((place, operand) => {
      f.set(place.address, operandSlot(operand, 0))
      if (operand !== 1) plusProduct(place.address, get(row), get(place.row))
      if (operand !== 0) plusProduct(place.address, get(column), get(place.column))
    })
    for (let dim = kernel.batch - 1; dim >= 0; dim--) {
      const first = HEAD.length + count * PER_OPERAND + dim * (1 + count)
      digit(slot(first))
      places.forEach((place, operand) => {
        plusProduct(place.address, get(index), slot(first + 1 + operand))
      })
    }
    f.set(rows, least(f.op("ptr.sub", get(head.rows), get(row)), get(head.blockRows)))
    f.set(columns, least(f.op("ptr.sub", get(head.columns), get(column)), get(head.blockColumns)))
    f.if(
      get32(f, head.inPlace),
      () => {
        f.set(result.address, get(out.address))
        f.set(result.row, get(out.row))
        f.set(result.column, get(out.column))
      },
      () => {
        const perRow = f.op(
          "ptr.and",
          f.op("ptr.add", get(head.blockColumns), f.ptr(lanes.count - 1)),
          f.ptr(-lanes.count),
        )
        f.set(result.address, f.op("ptr.add", get(scratch), f.ptr(SCRATCH.c)))
        f.set(result.row, f.op("ptr.mul", perRow, f.ptr(lanes.bytes)))
        f.set(result.column, f.ptr(lanes.bytes))
      },
    )
    const args = productArguments({
      rows: get(rows),
      columns: get(columns),
      depth: get(head.depth),
      depthBlock: get(head.depthBlock),
      a: get(a.address),
      aRow: get(a.row),
      aDepth: get(a.column),
      b: get(b.address),
      bDepth: get(b.row),
      bColumn: get(b.column),
      c: get(result.address),
      cRow: get(result.row),
      scratch: get(scratch),
    })
    const way = (name: Way): Code => f.op("ptr.eq", get(head.way), f.ptr(WAYS[name]))
    f.if(
      way("packed"),
      () => f.push(call(packedProduct(module, format), ...args)),
      () =>
        f.if(
          way("direct"),
          () => f.push(call(directProduct(module, format), ...args)),
          () => {
            const operands = [rows, columns, head.depth, a.address, a.row, b.address, b.column]
            const all = [...operands, result.address, result.row, result.column].map(get)
            f.push(call(dotsProduct(module, format), ...all))
          },
        ),
    )
    const block = { rows, columns, result, out, inputs, frame }
    if (epilogue) epilogue(f, module, block)
    else f.if(op("i32.eqz", get32(f, head.inPlace)), () => storeBlock(f, module, format, block))
  })
}

const get32 = (f: FunctionBuilder, local: Local): Code => f.toI32(get(local))

/** A matrix of an operand: strides in elements; those along a dim of size 1 are as it suits. */
interface Matrix {
  readonly row: number
  readonly column: number
}

/** One of the two products that give the same result: A·B, or Bᵀ·Aᵀ with the result transposed. */
interface Orientation {
  readonly swapped: boolean
  readonly rows: number
  readonly columns: number
  readonly a: Matrix
  readonly b: Matrix
  readonly out: Matrix
}

const transposed = ({ row, column }: Matrix): Matrix => ({ row: column, column: row })

/** Times of the parts of a product in cycles: about, but enough to choose by. */
const CYCLES = {
  /** Per element packed. */
  pack: 0.4,
  /** Per call of a tile. */
  tile: 25,
  /** Per dot product. */
  dot: 8,
  /** Per element that goes from a block in scratch memory to the result. */
  store: 0.8,
  /** Per vector of B that isn't in the innermost cache. */
  farVector: 1.5,
} as const
const INNER_CACHE_BYTES = 24 << 10

/** The time of the sums of a product, when `rows` rows go through tiles of so many vectors. */
const tileRows = (rows: number, least: number): number => {
  const rest = rows % PANEL_ROWS
  return rows - rest + (rest && Math.max(rest, least))
}
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to

function cyclesOf(way: Way, o: Orientation, depth: number, { lanes, bytes }: Format, storeCycles: number): number {
  const { rows, columns } = o
  const panels = Math.ceil(rows / PANEL_ROWS)
  if (way === "packed") {
    const wide = panelColumns(lanes)
    const sums = (tileRows(rows, 4) * roundUp(columns, wide) * depth) / lanes.count / 2
    const tiles = panels * Math.ceil(columns / wide)
    return sums + CYCLES.pack * depth * (rows + columns) + CYCLES.tile * tiles + storeCycles
  }
  if (way === "direct") {
    if (o.b.column !== 1) return Number.POSITIVE_INFINITY
    const most = Math.min(rows, PANEL_ROWS)
    const wide = WIDEST[most] * lanes.count
    const tiles = panels * (Math.floor(columns / wide) + Math.ceil((columns % wide) / lanes.count))
    const sums = (rows * roundUp(columns, lanes.count) * depth) / lanes.count / 2
    const far =
      depth * columns * bytes > INNER_CACHE_BYTES ? (CYCLES.farVector * columns * depth * panels) / lanes.count : 0
    const converting = bytes < lanes.bytes ? (CYCLES.pack * columns * depth * panels) / 1 : 0
    return sums + far + converting + CYCLES.pack * depth * rows + CYCLES.tile * tiles + storeCycles
  }
  if (o.a.column !== 1 || o.b.row !== 1 || columns > DOT_ROWS) return Number.POSITIVE_INFINITY
  return (rows * columns * depth) / lanes.count + CYCLES.dot * rows * columns + CYCLES.tile
}

/** Cuts `size` into at most as many equal blocks as it takes, each a multiple of `multiple`. */
const equalBlocks = (size: number, blocks: number, multiple: number): number =>
  roundUp(Math.ceil(size / blocks), multiple)

/** The blocks of C: large enough to make packing cheap, small enough that all threads have some. */
function blocksOf(
  rows: number,
  columns: number,
  way: Way,
  lanes: Lanes,
  wanted: number,
): { blockRows: number; blockColumns: number } {
  const rowMultiple = way === "dots" ? DOT_ROWS : PANEL_ROWS
  const columnMultiple = way === "direct" ? WIDEST[1] * lanes.count : panelColumns(lanes)
  let rowBlocks = Math.ceil(rows / MAX_ROWS)
  let columnBlocks = way === "dots" ? 1 : Math.ceil(columns / MAX_COLUMNS)
  for (;;) {
    const blockRows = equalBlocks(rows, rowBlocks, rowMultiple)
    const blockColumns = way === "dots" ? columns : equalBlocks(columns, columnBlocks, columnMultiple)
    const splitRows = blockRows >= 4 * rowMultiple
    const splitColumns = way !== "dots" && blockColumns >= 4 * columnMultiple
    if (Math.ceil(rows / blockRows) * Math.ceil(columns / blockColumns) >= wanted || !(splitRows || splitColumns))
      return { blockRows, blockColumns }
    if (splitColumns && (blockColumns >= blockRows || !splitRows)) columnBlocks *= 2
    else rowBlocks *= 2
  }
}

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
  const format = formatOf(kernel)
  const { lanes, bytes } = format
  const [m, n, depth] = sizes.slice(batch)
  const count = sizes.slice(0, batch).reduce((x, y) => x * y, 1)
  if (count === 0 || m === 0 || n === 0) return { slots: [], addresses: [], units: 0, grain: 1 }
  const ordered = [operands[0], operands[1], operands[operands.length - 1], ...operands.slice(2, -1)]
  const elementBytes = [bytes, bytes, bytes, ...(kernel.epilogue?.inputs ?? []).map((i) => DTYPES[i.dtype].bytes)]
  const matrices = ordered.map(({ strides }): Matrix => ({ row: strides[batch], column: strides[batch + 1] }))
  const suit = (x: Matrix, rows: number, columns: number): Matrix => ({
    row: rows === 1 ? (x.column === 1 ? columns : 1) : x.row,
    column: columns === 1 ? (x.row === 1 && rows !== 1 ? rows : 1) : x.column,
  })
  const [a, b, out] = [suit(matrices[0], m, depth), suit(matrices[1], depth, n), suit(matrices[2], m, n)]
  const orientations: readonly Orientation[] = [
    { swapped: false, rows: m, columns: n, a, b, out },
    { swapped: true, rows: n, columns: m, a: transposed(b), b: transposed(a), out: transposed(out) },
  ]
  let best: { way: Way; orientation: Orientation; cycles: number; inPlace: boolean } | undefined
  for (const orientation of orientations) {
    for (const way of Object.keys(WAYS) as Way[]) {
      const inPlace = isNative(format) && (way === "dots" || orientation.out.column === 1)
      const cycles = cyclesOf(way, orientation, depth, format, inPlace ? 0 : CYCLES.store * m * n)
      if (!best || cycles < best.cycles) best = { way, orientation, cycles, inPlace }
    }
  }
  const { way, orientation, inPlace } = best!
  const { swapped, rows, columns } = orientation
  const work = m * n * Math.max(1, depth)
  const wanted = work * count >= SHARED && threads > 1 ? Math.ceil((threads * 2) / count) : 1
  const { blockRows, blockColumns } = blocksOf(rows, columns, way, lanes, wanted)
  const [rowBlocks, columnBlocks] = [Math.ceil(rows / blockRows), Math.ceil(columns / blockColumns)]
  const head: Readonly<Record<Head, number>> = {
    way: WAYS[way],
    inPlace: Number(inPlace),
    rows,
    columns,
    depth,
    depthBlock: depthBlock(lanes, depth),
    blockRows,
    blockColumns,
    rowBlocks,
    columnBlocks,
  }
  const used = [a, b, out, ...matrices.slice(3)].map((x) => (swapped ? transposed(x) : x))
  const order = swapped ? [1, 0, ...ordered.keys()].filter((k, i) => i < 2 || k >= 2) : [...ordered.keys()]
  const slots = [
    ...HEAD.map((name) => head[name]),
    ...order.flatMap((k) => [ordered[k].address, used[k].row * elementBytes[k], used[k].column * elementBytes[k]]),
    ...sizes
      .slice(0, batch)
      .flatMap((size, dim) => [size, ...order.map((k) => ordered[k].strides[dim] * elementBytes[k])]),
  ]
  const last = operands.length - 1
  const places = operands.map((_, k) => order.indexOf(k === last ? 2 : k < 2 ? k : k + 1))
  const addresses = places.map((place) => HEAD.length + place * PER_OPERAND)
  return { slots, addresses, units: count * rowBlocks * columnBlocks, grain: grainOf(work / rowBlocks / columnBlocks) }
}
