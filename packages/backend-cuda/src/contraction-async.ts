/**
 * Tiles of the result in tensor cores, whose factors are brought into shared memory by copies that go on meanwhile: for compute
 * capability 8.0 and later, where both factors are read 16 bytes at a time. Several steps of the depth are under way at once.
 *
 * In shared memory a side's tile is lines of 128 bytes: along the depth, one to each index of the extent; or along the extent, in
 * panels of 128 bytes that have a line for each index of the depth. The eight pieces of a line are exchanged by the number of the line,
 * so that neither copies nor reads meet in a bank. That is what `ldmatrix` reads for the warps' own products (`mma`), and also what the
 * products of warpgroups read by themselves (`wgmma`), which compute capability 9.0 alone has.
 */
import type { ReducedPrecision } from "@taeda/core"
import { beginContraction, type Contraction, type DepthParts, type Part, type Reading, Sources } from "./contraction.ts"
import {
  beginWarp,
  type Factors,
  multiplyFragments,
  roundedToTf32,
  threadsOf,
  type WarpSums,
  type WarpTiling,
} from "./contraction-mma.ts"
import { depthRange, groupedTileOfBlock } from "./contraction-tile.ts"
import { ALIGN, groupProducts, LINE, PIECE, type Products, storeTile } from "./contraction-warpgroups.ts"
import type { Emitted, Writer } from "./writer.ts"

/** Of a warpgroup's product, a warp has 16 of the 64 rows, and all columns. */
export interface AsyncTile extends WarpTiling {
  /** Of "tma", copies are those of the tensor memory accelerator (`contraction-tma.ts`). */
  readonly by: "mma" | "wgmma" | "tma"
  /** So many steps of the depth have room in shared memory, where there is that much. */
  readonly stages: number
}

const PIECES = LINE / PIECE

/** Of a step of both sides. */
export const stageBytes = ({ rows, columns }: AsyncTile): number => (rows + columns) * LINE

/** How many steps a tile keeps in so much shared memory; 0 where these are too few. */
export function stagesOf(tile: AsyncTile, sharedBytes: number): number {
  const stages = Math.min(tile.stages, Math.floor(sharedBytes / stageBytes(tile)))
  return stages >= 3 ? stages : 0
}

/** Steps that are on their way while one is multiplied. A warpgroup's products of the step before may still be read. */
const aheadOf = ({ by }: AsyncTile, stages: number): number => stages - (by === "wgmma" ? 2 : 1)

/** Whether a side's lines can be filled: those along the extent must be whole. */
export const fills = ({ bytes }: Factors, extent: number, alongDepth: boolean): boolean =>
  alongDepth || (extent * bytes) % LINE === 0

/**
 * Whether warpgroups multiply them. Float32 they do not round to TF32, but cut off, which "medium" allows; and of words they turn no lines
 * along the extent.
 */
export const byWarpgroups = ({ bytes }: Factors, { a, b }: Reading, precision: ReducedPrecision | undefined): boolean =>
  bytes === 2 || (precision === "medium" && a === "depth" && b === "depth")

interface Side {
  readonly name: "a" | "b"
  readonly extent: number
  readonly alongDepth: boolean
  /** Where its tile begins in a stage, in bytes. */
  readonly at: number
  readonly base: string
  readonly part: (index: string) => Part
}

export function asyncKernel(
  contraction: Contraction,
  factors: Factors,
  tile: AsyncTile,
  stages: number,
  reading: Reading,
  /** How many columns the output has aligned side by side. */
  together: 1 | 2 | 8,
  split: boolean,
  wide: boolean,
): Emitted {
  const writing = beginContraction(contraction, wide)
  const { w, geometry } = writing
  const { bytes } = factors
  const stepDepth = LINE / bytes
  const { z, m0, n0 } = groupedTileOfBlock(w, tile)
  const batch = geometry.batch(w.toIndex(z))
  const { begin, end } = depthRange(writing, batch.depth, split)
  const sources = new Sources(writing, batch)

  // Behind the last row and column the last ones are read again, and not stored.
  const last = (name: string, alongDepth: boolean): string =>
    w.ix("sub", w.own(name, w.index), alongDepth ? 1 : factors.together)
  const [depthOfA, depthOfB] = [reading.a === "depth", reading.b === "depth"]
  const a: Side = {
    name: "a",
    extent: tile.rows,
    alongDepth: depthOfA,
    at: 0,
    base: m0,
    part: (m) => geometry.row(batch, w.ix("min", m, last("rows", depthOfA))),
  }
  const b: Side = {
    name: "b",
    extent: tile.columns,
    alongDepth: depthOfB,
    at: tile.rows * LINE,
    base: n0,
    part: (n) => geometry.column(batch, w.ix("min", n, last("columns", depthOfB))),
  }
  const size = stageBytes(tile)
  const shared = w.dynamicShared("stages", ALIGN)
  const limit = w.op("add.u32", shared, stages * size)
  const copies = [a, b].map((side) => copiesOf(w, factors, threadsOf(tile), side, sources, end))

  const { warp, lane, firstRow, firstColumn, sums } = beginWarp(w, tile)
  const products =
    tile.by === "wgmma"
      ? groupProducts(w, factors, a, b, w.op("shr.u32", warp, 2), sums[0])
      : warpProducts(w, factors, [a, b], lane, [firstRow, firstColumn], sums)

  const [into, from] = [w.variable("u32", shared), w.variable("u32", shared)]
  const turn = (stage: string): void => {
    w.line(`add.u32 ${stage}, ${stage}, ${size}`)
    w.line(`selp.u32 ${stage}, ${shared}, ${stage}, ${w.op("setp.eq.u32", stage, limit)}`)
  }
  const bring = (k0: string): void => {
    for (const copy of copies) copy(into, k0)
    w.line("cp.async.commit_group")
    turn(into)
  }
  const ahead = aheadOf(tile, stages)
  for (let s = 0; s < ahead; s++) bring(s === 0 ? begin : w.ix("add", begin, s * stepDepth))
  w.for(w.index, begin, end, stepDepth, (k0) => {
    w.line(`cp.async.wait_group ${ahead - 1}`)
    if (tile.by === "wgmma") w.line("fence.proxy.async.shared::cta")
    // All copies of the step are there, and nobody reads the stage any more that is filled next.
    w.barrier()
    products(from, () => bring(w.ix("add", k0, ahead * stepDepth)))
    turn(from)
  })
  if (tile.by === "wgmma") w.line("wgmma.wait_group.sync.aligned 0")
  w.line("cp.async.wait_all")

  storeTile(writing, batch, { z, m0, n0 }, { lane, firstRow, firstColumn, sums }, split, together)
  return w.finish(threadsOf(tile), tile.by === "wgmma" ? 90 : factors.target, stages * size, tile.by === "wgmma")
}

/** By which of a line's pieces each is exchanged; `line` in its low bits. Single words of lines along the extent are read from four lines at once. */
const exchange = (w: Writer, { bytes }: Factors, alongDepth: boolean, line: string): string =>
  alongDepth || bytes === 2 ? w.op("and.b32", line, 7) : w.op("shl.b32", w.op("and.b32", line, 3), 1)

/** Copies what of a side a thread brings into a stage, for the step that begins at a depth. */
function copiesOf(
  w: Writer,
  factors: Factors,
  threads: number,
  side: Side,
  sources: Sources,
  end: string,
): (stage: string, k0: string) => void {
  const { together, bytes } = factors
  const { extent, alongDepth, at, base } = side
  const [inLine, firstLine] = [w.op("and.b32", w.thread, PIECES - 1), w.op("shr.u32", w.thread, Math.log2(PIECES))]
  const piece = w.op("xor.b32", inLine, exchange(w, factors, alongDepth, firstLine))
  const place = w.op("mad.lo.u32", firstLine, LINE, w.op("mad.lo.u32", piece, PIECE, at))
  const first = w.op("mul.lo.u32", inLine, together)
  /** Lines that all threads fill at once. */
  const lines = threads / PIECES
  const [linesOfPanel, panelExtent] = alongDepth ? [extent, extent] : [LINE / bytes, LINE / bytes]
  const index = (offset: string, more: number): string =>
    w.toIndex(w.op("add.u32", w.op("add.u32", base, offset), more))
  const count = (extent * PIECES) / threads
  const pieces = Array.from({ length: count }, (_, i) => {
    const line = i * lines
    return { line, panel: Math.floor(line / linesOfPanel), inPanel: line % linesOfPanel }
  })
  /** What the extent contributes, by line or by panel. */
  const parts = alongDepth
    ? pieces.map(({ line }) => side.part(index(firstLine, line)))
    : Array.from({ length: extent / panelExtent }, (_, p) => side.part(index(first, p * panelExtent)))
  return (stage, k0) => {
    const to = w.op("add.u32", stage, place)
    const steps = new Map<number, { readonly depth: DepthParts; readonly when: string }>()
    const stepOf = (line: number): { readonly depth: DepthParts; readonly when: string } => {
      let step = steps.get(line)
      if (!step) {
        const k = w.ix("add", k0, w.toIndex(alongDepth ? first : w.op("add.u32", firstLine, line)))
        steps.set(line, (step = { depth: sources.depth(k), when: w.op(`setp.lt.${w.index}`, k, end) }))
      }
      return step
    }
    for (const [i, { line, panel, inPanel }] of pieces.entries()) {
      const { depth, when } = stepOf(alongDepth ? 0 : inPanel)
      const part = parts[alongDepth ? i : panel]
      // What is outside becomes 0, and is not read.
      const filled = w.op("selp.u32", PIECE, 0, sources.inside(part, depth, when))
      w.line(`cp.async.cg.shared.global [${to}+${line * LINE}], [${sources.address(part, depth)}], ${PIECE}, ${filled}`)
    }
  }
}

/** Products of warps by themselves. */
function warpProducts(
  w: Writer,
  factors: Factors,
  sides: readonly [Side, Side],
  lane: string,
  firsts: readonly [string, string],
  sums: WarpSums,
): Products {
  const readers = sides.map((side, s) => new Fragments(w, factors, side, lane, firsts[s]))
  return (stage, meanwhile) => {
    meanwhile()
    const [fromA, fromB] = readers.map((reader) => reader.at(stage))
    for (let step = 0; step < LINE / 32; step++)
      multiplyFragments(
        w,
        factors,
        sums,
        (row) => fromA(row, step),
        (column) => fromB(column, step),
      )
  }
}

/** Reads a side's fragments: 16 of its extent by 32 bytes of the depth, four registers in the order of `mma`. */
class Fragments {
  private readonly w: Writer
  private readonly factors: Factors
  private readonly side: Side
  /** Where a lane begins in a stage, with its pieces exchanged. */
  private readonly place: string

  constructor(w: Writer, factors: Factors, side: Side, lane: string, first: string) {
    this.w = w
    this.factors = factors
    this.side = side
    this.place = this.byMatrix ? this.rowOfMatrix(lane, first) : this.word(lane, first)
  }

  /** Whether `ldmatrix` can load them: it turns words of 16 bits alone. */
  private get byMatrix(): boolean {
    return this.side.alongDepth || this.factors.bytes === 2
  }
  /** The extent of a line, where it lies along it, and the bytes of a panel of such. */
  private get width(): number {
    return LINE / this.factors.bytes
  }
  private get panelBytes(): number {
    return this.width * LINE
  }

  /** The row of a matrix that a lane tells `ldmatrix` of. For a the second matrix is 8 further along the extent, for b 16 bytes along the depth. */
  private rowOfMatrix(lane: string, first: string): string {
    const { w, side } = this
    const row = w.op("and.b32", lane, 7)
    const [odd, high] = [w.op("bfe.u32", lane, 3, 1), w.op("bfe.u32", lane, 4, 1)]
    const [alongExtent, alongDepth] = side.name === "a" ? [odd, high] : [high, odd]
    if (side.alongDepth) {
      const line = w.op("add.u32", w.op("mad.lo.u32", alongExtent, 8, first), row)
      return this.placeOf(line, w.op("xor.b32", alongDepth, row))
    }
    const line = w.op("mad.lo.u32", alongDepth, 8, row)
    const piece = w.op("add.u32", w.op("bfe.u32", first, 3, 3), alongExtent)
    return this.inPanel(first, this.placeOf(line, w.op("xor.b32", piece, row)))
  }

  /** The word of a lane: four lanes go along the depth, eight along the extent. */
  private word(lane: string, first: string): string {
    const { w } = this
    const [line, across] = [w.op("and.b32", lane, 3), w.op("shr.u32", lane, 2)]
    const piece = w.op("add.u32", w.op("bfe.u32", first, 2, 3), w.op("shr.u32", across, 2))
    const exchanged = w.op("xor.b32", piece, w.op("shl.b32", line, 1))
    const inPiece = w.op("mad.lo.u32", w.op("and.b32", across, 3), 4, this.placeOf(line, exchanged))
    return this.inPanel(first, inPiece)
  }

  private placeOf(line: string, piece: string): string {
    const { w, side } = this
    return w.op("mad.lo.u32", line, LINE, w.op("mad.lo.u32", piece, PIECE, side.at))
  }
  private inPanel(first: string, place: string): string {
    const { w } = this
    return w.op("mad.lo.u32", w.op("shr.u32", first, Math.log2(this.width)), this.panelBytes, place)
  }

  /** Of a stage: the registers from an index along the extent on, a multiple of 16, of a step along the depth. */
  at(stage: string): (extent: number, step: number) => string[] {
    const { w, factors, side, width, panelBytes } = this
    const begin = w.op("add.u32", stage, this.place)
    const addresses = new Map<number, string>()
    /** Pieces are exchanged within a line: so many pairs further, the address differs in those bits. */
    const further = (pairs: number): string => {
      let address = addresses.get(pairs)
      if (address === undefined)
        addresses.set(pairs, (address = pairs === 0 ? begin : w.op("xor.b32", begin, pairs * 2 * PIECE)))
      return address
    }
    const elements = 32 / factors.bytes
    return (extent, step) => {
      const registers = Array.from({ length: 4 }, () => w.register("b32"))
      if (this.byMatrix) {
        const [pairs, offset] = side.alongDepth
          ? [step, extent * LINE]
          : [(extent % width) / 16, Math.floor(extent / width) * panelBytes + step * elements * LINE]
        const turned = side.alongDepth ? "" : ".trans"
        const list = registers.join(", ")
        w.line(`ldmatrix.sync.aligned.m8n8.x4${turned}.shared.b16 {${list}}, [${further(pairs)}+${offset}]`)
      } else
        for (const [q, register] of registers.entries()) {
          const [odd, high] = [q & 1, q >> 1]
          const [alongExtent, alongDepth] = side.name === "a" ? [odd, high] : [high, odd]
          const e = extent + 8 * alongExtent
          const offset = Math.floor(e / width) * panelBytes + (step * elements + 4 * alongDepth) * LINE
          w.line(`ld.shared.b32 ${register}, [${further((e % width) / 8)}+${offset}]`)
        }
      return factors.bytes === 4 ? registers.map((word) => roundedToTf32(w, word)) : registers
    }
  }
}
