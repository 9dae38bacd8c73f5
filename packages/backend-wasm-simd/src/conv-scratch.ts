/** Where things stand in a thread's scratch memory, and how much room they have. */

/** Bytes of an entry of a table of offsets. */
export const OFFSET_BYTES = 4

export const CONV_SCRATCH = {
  /** A tile of results, of which only some are stored. */
  tile: 0,
  /** The lanes of the last vector of a row of positions that count. */
  mask: 1024,
  /** Tables of offsets: of taps in a band and in the weights, of the vectors of `tile`, of positions in a band and in what is theirs. */
  taps: 2048,
  weightOffsets: 2048 + (16 << 10),
  tileOffsets: 2048 + (32 << 10),
  from: 4096 + (32 << 10),
  to: 4096 + (64 << 10),
  /** Packed weights. */
  panels: 4096 + (96 << 10),
  /** Sums, before they become results. */
  sums: 4096 + (352 << 10),
  /** A copy of the result's gradient; an image that is folded; sums of the gradient of weights, their lanes added up. */
  other: 4096 + (864 << 10),
  /** A copy of a part of the source. */
  band: 4096 + (1248 << 10),
  end: 2 << 20,
} as const
export type ScratchPlace = keyof typeof CONV_SCRATCH

/** From an entry of the table `from` to that of `to`. */
export const FROM_TO = CONV_SCRATCH.to - CONV_SCRATCH.from

/** What is read or written behind the end of a band, and of other places. */
export const SLACK = 64

export const PANEL_BYTES = CONV_SCRATCH.sums - CONV_SCRATCH.panels
export const SUMS_BYTES = CONV_SCRATCH.other - CONV_SCRATCH.sums
export const OTHER_BYTES = CONV_SCRATCH.band - CONV_SCRATCH.other
export const BAND_BYTES = CONV_SCRATCH.end - CONV_SCRATCH.band

/** The most vectors of positions of a unit: what the tables of offsets have room for. */
export const MAX_VECTORS = FROM_TO / OFFSET_BYTES - 64
/** The most bytes of a row of weights that are multiplied at once. */
export const MAX_DEPTH_BYTES = 2048
