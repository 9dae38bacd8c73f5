/**
 * Free and used stretches of a range of units, with splitting and coalescing: two-level segregated fit (Masmano et al.,
 * "TLSF: a new dynamic memory allocator for real-time systems", 2004), kept in tables beside the memory instead of inside it.
 */

const NONE = -1
/** Bins per doubling, as a power of two: the stretches in a bin differ by at most an eighth. */
const SPLIT_BITS = 3
const SPLIT = 1 << SPLIT_BITS
const LEVELS = 32
/** So many stretches of the request's own bin are compared before a larger one is split. */
const TRIES = 16

/** Stretches of a unit up to 8 have bins of their own; then come eight bins per doubling. */
function binOf(units: number): number {
  if (units < SPLIT) return units
  const level = 31 - Math.clz32(units)
  return ((level - SPLIT_BITS + 1) << SPLIT_BITS) + ((units >>> (level - SPLIT_BITS)) & (SPLIT - 1))
}

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits)

export class Extents {
  /** Where the range ends. */
  end: number
  /**
   * What is known of each unit: at the first unit of a used stretch its length, at the first and the last unit of a free
   * one the negated length, elsewhere 0. Outside of the range: 0.
   */
  private lengths: Int32Array
  /** The neighbours of a free stretch in its bin's list, at its first unit. */
  private next: Int32Array
  private previous: Int32Array
  private readonly heads = new Int32Array(LEVELS * SPLIT).fill(NONE)
  /** Which bins of a level hold something, and which levels do. */
  private readonly filled = new Int32Array(LEVELS)
  private levels = 0

  /** The units from `start` (at least 1) on; `extend` adds some. */
  constructor(start: number) {
    this.end = start
    this.lengths = new Int32Array(start + 1)
    this.next = new Int32Array(start + 1)
    this.previous = new Int32Array(start + 1)
  }

  /** The range reaches up to `end` now; what was added is free. */
  extend(end: number): void {
    const start = this.end
    if (end <= start) return
    if (end >= this.lengths.length) {
      const room = Math.max(end + 1, this.lengths.length * 2)
      this.lengths = enlarged(this.lengths, room)
      this.next = enlarged(this.next, room)
      this.previous = enlarged(this.previous, room)
    }
    this.end = end
    this.release(start, end - start)
  }

  /** The free units at the end of the range. */
  freeAtEnd(): number {
    const length = this.lengths[this.end - 1]
    return length < 0 ? -length : 0
  }

  /** The first unit of a stretch of `units`, or -1 if none is free. */
  take(units: number): number {
    const found = this.find(units)
    if (found === NONE) return NONE
    const length = -this.lengths[found]
    this.unlink(found, length)
    this.lengths[found + length - 1] = 0
    this.lengths[found] = units
    if (length > units) this.link(found + units, length - units)
    return found
  }

  /** The units of the used stretch that begins at `first`; 0 if none does. */
  lengthAt(first: number): number {
    const length = this.lengths[first]
    return length > 0 ? length : 0
  }

  /** Frees the used stretch that begins at `first`. */
  give(first: number): void {
    this.release(first, this.lengths[first])
  }

  /** Makes units free and joins them with free neighbours. */
  private release(first: number, units: number): void {
    const { lengths } = this
    lengths[first] = 0
    const before = lengths[first - 1]
    if (before < 0) {
      lengths[first - 1] = 0
      first += before
      units -= before
      this.unlink(first, -before)
    }
    const after = first + units < this.end ? lengths[first + units] : 0
    if (after < 0) {
      this.unlink(first + units, -after)
      lengths[first + units] = 0
      units -= after
    }
    this.link(first, units)
  }

  private find(units: number): number {
    const bin = binOf(units)
    const { lengths, next } = this
    let best = NONE
    let bestLength = 0
    let e = this.heads[bin]
    for (let tries = TRIES; e !== NONE && tries > 0; tries--, e = next[e]) {
      const length = -lengths[e]
      if (length === units) return e
      if (length > units && (best === NONE || length < bestLength)) {
        best = e
        bestLength = length
      }
    }
    if (best !== NONE) return best
    const larger = this.largerBin(bin)
    if (larger !== NONE) return this.heads[larger]
    while (e !== NONE && -lengths[e] < units) e = next[e]
    return e
  }

  /** The first bin above `bin` that holds something. */
  private largerBin(bin: number): number {
    const level = bin >>> SPLIT_BITS
    const here = this.filled[level] & (-2 << (bin & (SPLIT - 1)))
    if (here !== 0) return (level << SPLIT_BITS) + lowestBit(here)
    const above = level < LEVELS - 1 ? this.levels & (-2 << level) : 0
    if (above === 0) return NONE
    const next = lowestBit(above)
    return (next << SPLIT_BITS) + lowestBit(this.filled[next])
  }

  private link(first: number, units: number): void {
    const bin = binOf(units)
    const head = this.heads[bin]
    this.lengths[first] = -units
    this.lengths[first + units - 1] = -units
    this.next[first] = head
    this.previous[first] = NONE
    if (head !== NONE) this.previous[head] = first
    this.heads[bin] = first
    this.filled[bin >>> SPLIT_BITS] |= 1 << (bin & (SPLIT - 1))
    this.levels |= 1 << (bin >>> SPLIT_BITS)
  }

  private unlink(first: number, units: number): void {
    const bin = binOf(units)
    const next = this.next[first]
    const previous = this.previous[first]
    if (next !== NONE) this.previous[next] = previous
    if (previous !== NONE) this.next[previous] = next
    else this.heads[bin] = next
    if (this.heads[bin] === NONE) {
      const level = bin >>> SPLIT_BITS
      this.filled[level] &= ~(1 << (bin & (SPLIT - 1)))
      if (this.filled[level] === 0) this.levels &= ~(1 << level)
    }
    this.lengths[first] = 0
  }
}

function enlarged(table: Int32Array, room: number): Int32Array {
  const made = new Int32Array(room)
  made.set(table)
  return made
}
