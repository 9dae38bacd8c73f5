/** How a convolution is cut: into blocks that fit a thread's scratch memory and the caches, and that are enough for all threads. */
import { equalBlock } from "./blocks.ts"
import type { Folding } from "./conv-fold-plan.ts"
import type { ConvGeometry } from "./conv-geometry.ts"
import { BAND_BYTES, MAX_DEPTH_BYTES, MAX_VECTORS, OTHER_BYTES, SLACK, SUMS_BYTES } from "./conv-scratch.ts"
import { PANEL_ROWS } from "./tile.ts"

/** Which arrays are read or written where they stand, rather than by way of scratch memory. */
export interface InPlace {
  /** The source, of which else a copy is made: the band. */
  readonly band: boolean
  /** The gradient of the result, in that of the weights. */
  readonly other: boolean
  readonly result: boolean
}

/** What is done at once: so many rows, channels, taps and images, and positions along the height and the width. */
export interface Blocks {
  readonly rows: number
  readonly channels: number
  readonly taps: number
  readonly images: number
  readonly height: number
  readonly width: number
}

/** The most rows of results of a unit. */
const MAX_ROWS = { forward: 96, input: 96, weight: 48 } as const
/** Bytes of a band beyond which a unit takes fewer positions. */
const GOOD_BAND_BYTES = 256 << 10
/** Multiplications beyond which a unit takes fewer positions. */
const GOOD_UNIT = 1 << 24
/** Columns that a block keeps for the sake of speed, and for the sake of room. */
const GOOD_WIDTH = 512
const LEAST_WIDTH = 128
/** Vectors of positions from which on an image is enough by itself. */
const ENOUGH_VECTORS = 256
/** Multiplications from which on threads share a launch. */
export const SHARED = 1 << 17

/** Cuts one geometry. */
export class Cutter {
  private readonly g: ConvGeometry
  private readonly inPlace: InPlace
  private readonly folding: Folding | null

  constructor(geometry: ConvGeometry, inPlace: InPlace, folding: Folding | null) {
    this.g = geometry
    this.inPlace = inPlace
    this.folding = folding
  }

  cut(threads: number): { readonly blocks: Blocks; readonly temporaryBytes: number } {
    const fitting = this.fit(this.largest())
    const temporaryBytes = this.temporaryBytes(fitting)
    const blocks = { ...fitting, images: temporaryBytes ? 1 : this.imagesAtOnce(fitting) }
    return { blocks: this.share(blocks, threads), temporaryBytes }
  }

  /** Multiplications, those by padding too. */
  get work(): number {
    const { imageCount, rows, groups, channels, taps, positions, residueCount } = this.g
    const [depth, height, width] = positions
    return imageCount * rows * groups * channels * Math.max(1, taps) * depth * height * width * residueCount
  }

  /** How many units of work there are. */
  units(blocks: Blocks): number {
    const { pass, groups, rows, channels, taps, imageCount, residueCount, positions } = this.g
    const rowBlocks = groups * Math.ceil(rows / blocks.rows)
    if (pass === "weight") return rowBlocks * partsOf(channels, blocks.channels) * partsOf(taps, blocks.taps)
    if (this.folding) return rowBlocks * imageCount
    const [depth, height, width] = positions
    const positionBlocks = depth * partsOf(height, blocks.height) * partsOf(width, blocks.width)
    return rowBlocks * imageCount * residueCount * positionBlocks
  }

  /** Blocks of which only what is multiplied at once is limited, not the positions. */
  private largest(): Blocks {
    const { pass, rows, channels, taps, positions, format } = this.g
    const depth = MAX_DEPTH_BYTES / format.lanes.bytes
    const tapBlock = equalBlock(taps, depth)
    return {
      rows: this.folding
        ? equalBlock(rows, this.folding.rowBlock)
        : equalBlock(rows, MAX_ROWS[pass], rows > PANEL_ROWS ? PANEL_ROWS : 1),
      channels: equalBlock(channels, Math.max(1, Math.floor(depth / Math.max(1, tapBlock)))),
      taps: tapBlock,
      images: 1,
      height: Math.max(1, positions[1]),
      width: Math.max(1, positions[2]),
    }
  }

  /** Blocks that there is room for; but for the band, which may need temporary memory. */
  private fit(largest: Blocks): Blocks {
    let blocks = this.narrow(largest, (b) => this.isGood(b), GOOD_WIDTH)
    blocks = this.narrow(blocks, (b) => this.hasRoom(b), LEAST_WIDTH)
    while (!this.hasRoom(blocks) && blocks.channels > 1)
      blocks = { ...blocks, channels: Math.ceil(blocks.channels / 2) }
    return blocks
  }

  /** Takes fewer positions until the blocks fit: fewer rows first, for whole rows are read best. */
  private narrow(given: Blocks, fits: (blocks: Blocks) => boolean, leastWidth: number): Blocks {
    const [, height, width] = this.g.positions
    let blocks = given
    while (!fits(blocks) && blocks.height > 1) blocks = { ...blocks, height: equalBlock(height, blocks.height - 1) }
    while (!fits(blocks) && blocks.width > leastWidth)
      blocks = { ...blocks, width: equalBlock(width, Math.ceil(blocks.width / 2), this.g.format.lanes.count) }
    return blocks
  }

  /** Vectors of positions of a block. */
  private vectors({ height, width }: Blocks): number {
    return height * Math.ceil(width / this.g.format.lanes.count)
  }

  /** Bytes of the copy of the source that a block's positions need; 0 if there is none. */
  private bandBytes({ channels, height, width }: Blocks): number {
    if (this.inPlace.band) return 0
    const { correlations, reach, format } = this.g
    const { count, bytes } = format.lanes
    const [depthReach, heightReach, widthReach] = reach
    const [, heightStep, widthStep] = correlations.map(({ step }) => step)
    const rows = (depthReach + 1) * ((height - 1) * heightStep + heightReach + 1)
    const residues = Math.min(widthStep, widthReach + 1)
    const perResidue = Math.ceil(width / count) * count + Math.floor(widthReach / widthStep)
    return channels * rows * residues * perResidue * bytes
  }

  private hasRoom(blocks: Blocks): boolean {
    const vectors = this.vectors(blocks)
    if (vectors > MAX_VECTORS || this.bandBytes(blocks) + SLACK > BAND_BYTES) return false
    const bytes = blocks.rows * vectors * 16 + SLACK
    if (this.g.pass === "weight") return this.inPlace.other || bytes <= OTHER_BYTES
    return this.inPlace.result || bytes <= SUMS_BYTES
  }

  private isGood(blocks: Blocks): boolean {
    const { pass, channels, taps } = this.g
    if (!this.hasRoom(blocks) || this.bandBytes(blocks) > GOOD_BAND_BYTES) return false
    const multiplications = blocks.height * blocks.width * blocks.rows * channels * Math.max(1, taps)
    return pass === "weight" || multiplications <= GOOD_UNIT
  }

  /** Memory for a band that a thread has no room for. */
  private temporaryBytes(blocks: Blocks): number {
    if (this.inPlace.band || this.folding) return 0
    const bytes = this.bandBytes(blocks) + SLACK
    return bytes > BAND_BYTES ? bytes : 0
  }

  /** The gradient of weights goes through several images at once, where one has few positions. */
  private imagesAtOnce(blocks: Blocks): number {
    if (this.g.pass !== "weight") return 1
    const perImage = this.vectors(blocks)
    const band = this.bandBytes(blocks)
    const areGood = (n: number): boolean =>
      n * perImage <= ENOUGH_VECTORS &&
      n * band + SLACK <= GOOD_BAND_BYTES &&
      (this.inPlace.other || n * blocks.rows * perImage * 16 + SLACK <= OTHER_BYTES)
    let images = 1
    while (images < this.g.imageCount && areGood(images + 1)) images++
    return images
  }

  /** Makes units smaller until every thread has some. */
  private share(given: Blocks, threads: number): Blocks {
    const wanted = threads > 1 ? threads * 2 : 1
    let blocks = given
    while (this.work >= SHARED && this.units(blocks) < wanted) {
      const smaller = this.halved(blocks)
      if (!smaller) break
      blocks = smaller
    }
    return blocks
  }

  private halved(blocks: Blocks): Blocks | null {
    const { pass, rows } = this.g
    const isWeight = pass === "weight"
    if (isWeight && blocks.channels > 1 && blocks.channels * blocks.taps > 2 * blocks.rows)
      return { ...blocks, channels: Math.ceil(blocks.channels / 2) }
    const isCorrelation = !isWeight && !this.folding
    const least = isCorrelation ? PANEL_ROWS : isWeight ? 4 : 1
    if (blocks.rows <= least) return null
    const multiple = isCorrelation && rows > PANEL_ROWS ? PANEL_ROWS : 1
    return { ...blocks, rows: equalBlock(rows, Math.ceil(blocks.rows / 2), multiple) }
  }
}

/** How many blocks there are of something that is gone through at least once. */
export const partsOf = (size: number, block: number): number => Math.max(1, Math.ceil(size / block))
