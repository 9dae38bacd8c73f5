/** Which way of computing a matrix product is the fastest. */
import { roundUp } from "./blocks.ts"
import { DOT_ROWS } from "./dots.ts"
import { type Format, isNative } from "./formats.ts"
import { panelColumns } from "./gemm.ts"
import { WAYS, type Way } from "./matmul-frame.ts"
import { PANEL_ROWS, WIDEST } from "./tile.ts"

/** A matrix of an operand: strides in elements; those along a dim of size 1 are as it suits. */
export interface Matrix {
  readonly row: number
  readonly column: number
}

export const transposed = ({ row, column }: Matrix): Matrix => ({ row: column, column: row })

/** The strides of a matrix that has so many rows and columns: along a dim of size 1, what makes it contiguous. */
export const suited = (x: Matrix, rows: number, columns: number): Matrix => ({
  row: rows === 1 ? (x.column === 1 ? columns : 1) : x.row,
  column: columns === 1 ? (x.row === 1 && rows !== 1 ? rows : 1) : x.column,
})

/** One of the two products that give the same result: A·B, or Bᵀ·Aᵀ with the result transposed. */
interface Orientation {
  readonly swapped: boolean
  readonly rows: number
  readonly columns: number
  readonly a: Matrix
  readonly b: Matrix
  readonly out: Matrix
}

/** A way of computing a product. */
export interface Choice {
  readonly way: Way
  readonly orientation: Orientation
  /** Whether sums are computed where the result stands. */
  readonly inPlace: boolean
}

/** The fastest way for a product of `rows` × `depth` times `depth` × `columns`, whose matrices are `suited`. */
export function chooseWay(
  format: Format,
  [rows, columns, depth]: readonly [number, number, number],
  [a, b, out]: readonly [Matrix, Matrix, Matrix],
): Choice {
  const orientations: readonly Orientation[] = [
    { swapped: false, rows, columns, a, b, out },
    { swapped: true, rows: columns, columns: rows, a: transposed(b), b: transposed(a), out: transposed(out) },
  ]
  let best: (Choice & { readonly cycles: number }) | undefined
  for (const orientation of orientations) {
    for (const way of Object.keys(WAYS) as Way[]) {
      const inPlace = isNative(format) && (way === "dots" || orientation.out.column === 1)
      const storing = inPlace ? 0 : CYCLES.store * rows * columns
      const cycles = CYCLES_OF[way](orientation, depth, format, storing)
      if (!best || cycles < best.cycles) best = { way, orientation, cycles, inPlace }
    }
  }
  return best!
}

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

/** So many rows, those of the last panel at least `least`: a tile of few rows takes as long as one of that many. */
const tileRows = (rows: number, least: number): number => {
  const rest = rows % PANEL_ROWS
  return rows - rest + (rest && Math.max(rest, least))
}

const panels = (rows: number): number => Math.ceil(rows / PANEL_ROWS)

/** The cycles of a product in each way, `storing` being those that the result takes; infinite where the way doesn't go. */
const CYCLES_OF: Readonly<Record<Way, (o: Orientation, depth: number, format: Format, storing: number) => number>> = {
  packed: ({ rows, columns }, depth, { lanes }, storing) => {
    const wide = panelColumns(lanes)
    const sums = (tileRows(rows, 4) * roundUp(columns, wide) * depth) / lanes.count / 2
    const tiles = panels(rows) * Math.ceil(columns / wide)
    return sums + CYCLES.pack * depth * (rows + columns) + CYCLES.tile * tiles + storing
  },
  direct: ({ rows, columns, b }, depth, { lanes, bytes }, storing) => {
    if (b.column !== 1) return Number.POSITIVE_INFINITY
    const wide = WIDEST[Math.min(rows, PANEL_ROWS)] * lanes.count
    const tiles = panels(rows) * (Math.floor(columns / wide) + Math.ceil((columns % wide) / lanes.count))
    const sums = (rows * roundUp(columns, lanes.count) * depth) / lanes.count / 2
    const isFar = depth * columns * bytes > INNER_CACHE_BYTES
    const far = isFar ? (CYCLES.farVector * columns * depth * panels(rows)) / lanes.count : 0
    const converting = bytes < lanes.bytes ? CYCLES.pack * columns * depth * panels(rows) : 0
    return sums + far + converting + CYCLES.pack * depth * rows + CYCLES.tile * tiles + storing
  },
  dots: ({ rows, columns, a, b }, depth, { lanes }) => {
    if (a.column !== 1 || b.row !== 1 || columns > DOT_ROWS) return Number.POSITIVE_INFINITY
    return (rows * columns * depth) / lanes.count + CYCLES.dot * rows * columns + CYCLES.tile
  },
}
