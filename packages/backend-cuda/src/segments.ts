/** Memory that the driver gave, cut into blocks: which sizes are asked for, and how blocks are split and joined again. */
import type { DeviceMemory } from "./driver.ts"
import { FreeBlocks } from "./free-blocks.ts"

const KIB = 1024
const MIB = 1024 * KIB

/** All blocks begin at multiples of it, and have multiples of it. */
const GRAIN = 512
/** Blocks up to this size share segments of `SMALL_SEGMENT`. */
const SMALL = MIB
const SMALL_SEGMENT = 2 * MIB
/** Larger blocks below `OWN` share segments of this size; those from `OWN` on have segments of their own. */
const LARGE_SEGMENT = 20 * MIB
const OWN = 10 * MIB
/** The sizes of their own segments are multiples of it. */
const OWN_GRAIN = 2 * MIB

const ceil = (bytes: number, grain: number): number => Math.ceil(bytes / grain) * grain

/** The bytes of a block that holds so many. */
export const blockBytes = (bytes: number): number => Math.max(GRAIN, ceil(bytes, GRAIN))

/** Whether a block comes from a segment of small ones. */
export const isSmall = (bytes: number): boolean => bytes <= SMALL

/** The bytes of a segment for a block. */
export const segmentBytes = (bytes: number): number =>
  isSmall(bytes) ? SMALL_SEGMENT : bytes < OWN ? LARGE_SEGMENT : ceil(bytes, OWN_GRAIN)

/** Segments that take each other's place: the device's common ones, or those of a recording. */
export class Pool {
  readonly small = new FreeBlocks()
  readonly large = new FreeBlocks()
  readonly segments = new Set<Segment>()

  free(small: boolean): FreeBlocks {
    return small ? this.small : this.large
  }
}

export interface Segment {
  readonly memory: DeviceMemory
  /** The memory's. */
  readonly number: number
  readonly bytes: number
  readonly small: boolean
  pool: Pool
}

let blocks = 0

/** A part of a segment. Its neighbours in the segment are linked, so that free ones can be joined. */
export class Block {
  readonly segment: Segment
  readonly offset: number
  bytes: number
  /** A number of its own; later blocks have higher ones. */
  readonly id: number
  before: Block | null
  after: Block | null = null
  used = false
  /** How many recordings mention it: it is not given to others meanwhile. */
  pins = 0
  /** Whether its user gave it back while it was pinned. */
  waiting = false

  constructor(segment: Segment, offset: number, bytes: number, before: Block | null) {
    this.segment = segment
    this.offset = offset
    this.bytes = bytes
    this.before = before
    this.id = blocks++
  }
}

/** Whether what a block has beyond `bytes` is worth a block of its own. */
export function splits({ segment, bytes: all }: Block, bytes: number): boolean {
  const rest = all - bytes
  return segment.small ? rest >= GRAIN : rest > SMALL
}

/** Cuts a block after `bytes`; the rest is the new neighbour. */
export function split(block: Block, bytes: number): Block {
  const rest = new Block(block.segment, block.offset + bytes, block.bytes - bytes, block)
  rest.after = block.after
  if (rest.after) rest.after.before = rest
  block.after = rest
  block.bytes = bytes
  return rest
}

/** Makes one block of two neighbours, the first. */
export function join(first: Block, second: Block): Block {
  first.bytes += second.bytes
  first.after = second.after
  if (first.after) first.after.before = first
  return first
}
