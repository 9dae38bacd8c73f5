/**
 * When the gradient of an input is computed by folding: all taps' contributions are one product, and are then added up in the image.
 * It is for small images with much padding, where correlations would mostly multiply zeros.
 */
import { roundUp } from "./blocks.ts"
import type { ConvGeometry, Triple } from "./conv-geometry.ts"
import {
  BAND_BYTES,
  MAX_DEPTH_BYTES,
  MAX_VECTORS,
  OTHER_BYTES,
  PANEL_BYTES,
  SLACK,
  SUMS_BYTES,
} from "./conv-scratch.ts"
import { isRun, runStride } from "./runs.ts"
import { PANEL_ROWS } from "./tile.ts"

export interface Folding {
  /** Channels of the result at once. */
  readonly rowBlock: number
  /** How far apart, in elements, the weights of neighbouring taps are, and those of the last tap of a channel and the next one's first. */
  readonly weightStride: number
  /** Coordinates of the image with its padding, as far as anything is added. */
  readonly image: Triple
}

/** Cycles of folding: per row of numbers, per vector, per number where they aren't side by side. */
const FOLD_CYCLES = { row: 8, vector: 2, single: 3 } as const
/** Folding must be faster by so much, for these cycles are estimates. */
const FASTER = 0.85

/** The positions of one tap: how many rows of them there are, and vectors in a row. */
interface Positions {
  readonly lines: number
  readonly vectors: number
}

/** How to fold, where that is possible and faster. */
export function planFolding(g: ConvGeometry): Folding | null {
  const { pass, dims, format, channels, rows, weights } = g
  const { lanes } = format
  if (pass !== "input") return null
  const positions = {
    lines: dims[0].output * dims[1].output,
    vectors: Math.ceil(dims[2].output / lanes.count),
  }
  if (channels === 0 || positions.lines * positions.vectors === 0 || channels * lanes.bytes > MAX_DEPTH_BYTES)
    return null
  const weightSizes = [rows, ...weights.sizes]
  const weightStrides = [weights.second.stride, ...weights.strides]
  if (!isRun(weightSizes, weightStrides)) return null
  const image = dims.map((d) =>
    Math.max((d.output - 1) * d.stride + (d.kernel - 1) * d.dilation + 1, d.padding + d.input),
  ) as unknown as Triple
  const rowBlock = mostRows(g, positions, image)
  if (rowBlock < 1 || foldingCycles(g, positions) >= FASTER * correlatingCycles(g)) return null
  return { rowBlock, weightStride: runStride(weightSizes, weightStrides), image }
}

/** As many channels of the result as there is room for in a thread's scratch memory. */
function mostRows(
  { dims, format, channels, rows }: ConvGeometry,
  { lines, vectors }: Positions,
  image: Triple,
): number {
  const { bytes } = format.lanes
  const taps = tapsOf(dims)
  const band = lines * vectors * 16 * channels
  if (lines * vectors > MAX_VECTORS || band + SLACK > BAND_BYTES) return 0
  const perRow = {
    sums: taps * lines * vectors * 16,
    image: image.reduce((a, b) => a * b, bytes),
    panels: taps * channels * bytes + PANEL_ROWS * channels * bytes,
  }
  return Math.min(
    rows,
    Math.floor((SUMS_BYTES - SLACK) / perRow.sums),
    Math.floor((OTHER_BYTES - SLACK) / perRow.image),
    Math.floor(PANEL_BYTES / perRow.panels),
  )
}

const tapsOf = (dims: ConvGeometry["dims"]): number => dims.reduce((n, d) => n * d.kernel, 1)

/** Multiply-adds of a cycle. */
const perCycle = ({ format }: ConvGeometry): number => 2 * format.lanes.count

/** Cycles per row of the result. */
function correlatingCycles(g: ConvGeometry): number {
  const { correlations, format, channels } = g
  const hits = correlations.map(({ residues }, k) =>
    residues.reduce((n, r) => n + r.taps * (k === 2 ? roundUp(r.positions, format.lanes.count) : r.positions), 0),
  )
  return (hits[0] * hits[1] * hits[2] * channels) / perCycle(g)
}

function foldingCycles(g: ConvGeometry, { lines, vectors }: Positions): number {
  const { dims, format, channels } = g
  const adding = dims[2].stride === 1 ? FOLD_CYCLES.vector * vectors : FOLD_CYCLES.single * dims[2].output
  const multiplying = (vectors * format.lanes.count * channels) / perCycle(g)
  return tapsOf(dims) * lines * (multiplying + FOLD_CYCLES.row + adding)
}
