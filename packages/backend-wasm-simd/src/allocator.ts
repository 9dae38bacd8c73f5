/**
 * Who has which part of a range of addresses that can grow. Only bookkeeping, all of it outside of the memory: small blocks are
 * slots of slabs (64 KiB of one size), larger ones stretches of 1 KiB units (`extents.ts`). Addresses are plain numbers, up to 2 TiB.
 */
import { bytesText, type MemoryStats, OutOfMemoryError } from "@taeda/core"
import { Extents } from "./extents.ts"

const UNIT = 1024
/** Up to this size a block is a slot of a slab. */
const SMALL = 4096
const SLAB_UNITS = 64
const SLAB_BYTES = SLAB_UNITS * UNIT

const GROW_AT_LEAST = 4 * 2 ** 20
const GROW_AT_MOST = 256 * 2 ** 20

/** Below 64 bytes every multiple of 16, up to 512 every multiple of 64, then four sizes per doubling (a fifth of padding at most). */
const SLOT_SIZES: readonly number[] = [
  ...[16, 32, 48, 64, 128, 192, 256, 320, 384, 448, 512],
  ...[640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, SMALL],
]

/** The size class of a request, by its 16ths rounded up. */
const CLASS_OF = Uint8Array.from({ length: SMALL / 16 + 1 }, (_, k) => SLOT_SIZES.findIndex((size) => size >= k * 16))

/** In a slab's links: this slot is in use; no further slot. */
const LIVE = 0xffff
const NONE = 0xfffe

/** A stretch that is cut into slots of one size. */
class Slab {
  readonly base: number
  readonly kind: number
  readonly size: number
  readonly slots: number
  /** Of a free slot the next free one, of one in use LIVE. */
  readonly links: Uint16Array
  /** The slot that was freed last. */
  head = NONE
  /** The slots from here on were never used. */
  fresh = 0
  used = 0
  /** Its neighbours among the slabs of its size that have free slots. */
  previous: Slab | null = null
  next: Slab | null = null
  readonly id: number

  constructor(id: number, base: number, kind: number) {
    this.id = id
    this.base = base
    this.kind = kind
    this.size = SLOT_SIZES[kind]
    this.slots = Math.floor(SLAB_BYTES / this.size)
    this.links = new Uint16Array(this.slots)
  }
}

export interface AllocatorOptions {
  /** The range at first. */
  readonly start: number
  readonly end: number
  /** The range never reaches further. */
  readonly limit: number
  /** Enlarges the range to `preferred`, or at least to `minimum`; gives its end, which is the old one if that is refused. */
  readonly grow: (minimum: number, preferred: number) => number
  /** What a person can do when memory has run out. */
  readonly advice: string
}

export class Allocator {
  /** The live blocks and their bytes, padding included. */
  liveBuffers = 0
  liveBytes = 0
  peakBytes = 0
  private readonly options: AllocatorOptions
  private readonly extents: Extents
  private end: number
  /** Slabs by their number; 0 is none. */
  private readonly slabs: (Slab | null)[] = [null]
  private readonly spareIds: number[] = []
  /** The slab of every unit, by its number. */
  private slabOf: Int32Array
  /** Of each size the slabs with free slots; slots come from the first. */
  private readonly open: (Slab | null)[] = SLOT_SIZES.map(() => null)
  /** The end of what was ever handed out. */
  private top: number
  private reservedBytes = 0

  constructor(options: AllocatorOptions) {
    this.options = options
    const first = Math.max(1, Math.ceil(options.start / UNIT))
    this.extents = new Extents(first)
    this.slabOf = new Int32Array(first)
    this.end = first * UNIT
    this.top = this.end
    this.reach(options.end)
  }

  /**
   * The address of a block of at least `bytes`: a multiple of 16, and of 64 for 64 bytes and more. Its contents are undefined.
   *
   * @throws OutOfMemoryError when the memory cannot grow enough.
   */
  allocate(bytes: number): number {
    if (bytes > SMALL) return this.allocateLarge(bytes)
    const kind = CLASS_OF[(bytes + 15) >>> 4]
    const slab = this.open[kind] ?? this.newSlab(kind, bytes)
    let slot = slab.head
    if (slot === NONE) slot = slab.fresh++
    else slab.head = slab.links[slot]
    slab.links[slot] = LIVE
    if (++slab.used === slab.slots) this.close(slab)
    this.liveBuffers++
    this.liveBytes += slab.size
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes
    return slab.base + slot * slab.size
  }

  /** @throws RangeError for an address that no live block begins at, such as one that is freed already. */
  free(address: number): void {
    const unit = (address / UNIT) | 0
    const id = this.slabOf[unit]
    if (id > 0) this.freeSlot(this.slabs[id] as Slab, address)
    else this.freeLarge(address, unit)
  }

  private freeSlot(slab: Slab, address: number): void {
    const { links, size } = slab
    const slot = ((address - slab.base) / size) | 0
    if (links[slot] !== LIVE || slab.base + slot * size !== address) throw wrongFree(address)
    links[slot] = slab.head
    slab.head = slot
    this.liveBuffers--
    this.liveBytes -= size
    const used = --slab.used
    if (used === slab.slots - 1) this.reopen(slab)
    if (used === 0 && (slab.next !== null || slab.previous !== null)) this.dropSlab(slab)
  }

  /** The bytes of the live block at `address`, padding included; 0 if there is none. */
  sizeAt(address: number): number {
    const unit = (address / UNIT) | 0
    const slab = this.slabs[this.slabOf[unit] ?? 0]
    if (!slab) return unit * UNIT === address ? this.extents.lengthAt(unit) * UNIT : 0
    const slot = Math.floor((address - slab.base) / slab.size)
    return slab.links[slot] === LIVE && slab.base + slot * slab.size === address ? slab.size : 0
  }

  /** A block for good, which the statistics leave out. */
  reserve(bytes: number): number {
    const { liveBytes, peakBytes } = this
    const address = this.allocate(bytes)
    this.reservedBytes += this.liveBytes - liveBytes
    this.liveBytes = liveBytes
    this.peakBytes = peakBytes
    this.liveBuffers--
    return address
  }

  stats(): MemoryStats {
    const { liveBytes, liveBuffers, peakBytes } = this
    return { liveBytes, liveBuffers, pooledBytes: this.pooledBytes(), peakBytes }
  }

  private pooledBytes(): number {
    return this.top - Math.ceil(this.options.start / UNIT) * UNIT - this.liveBytes - this.reservedBytes
  }

  private allocateLarge(bytes: number): number {
    const units = Math.ceil(bytes / UNIT)
    const address = this.takeUnits(units, bytes) * UNIT
    this.liveBuffers++
    this.liveBytes += units * UNIT
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes
    return address
  }

  private freeLarge(address: number, unit: number): void {
    const units = unit * UNIT === address ? this.extents.lengthAt(unit) : 0
    if (!units) throw wrongFree(address)
    this.extents.give(unit)
    this.liveBuffers--
    this.liveBytes -= units * UNIT
  }

  /** A stretch for `bytes` that were asked for. */
  private takeUnits(units: number, bytes: number): number {
    const { extents } = this
    let unit = units < 2 ** 31 ? extents.take(units) : -1
    if (unit < 0 && this.dropEmptySlabs()) unit = extents.take(units)
    if (unit < 0 && this.growFor(units)) unit = extents.take(units)
    if (unit < 0) throw this.exhausted(bytes)
    const end = (unit + units) * UNIT
    if (end > this.top) this.top = end
    return unit
  }

  /** Grows so that `units` are free at the end; false if that is refused. */
  private growFor(units: number): boolean {
    const { limit, start, grow } = this.options
    // The end need not be a whole unit: count from the last whole one.
    const minimum = (this.extents.end - this.extents.freeAtEnd() + units) * UNIT
    if (minimum > limit) return false
    const step = Math.min(GROW_AT_MOST, Math.max(GROW_AT_LEAST, (this.end - start) / 2))
    this.reach(grow(minimum, Math.min(limit, Math.max(minimum, this.end + step))))
    return minimum <= this.end
  }

  private reach(end: number): void {
    if (end <= this.end) return
    this.end = end
    const units = Math.floor(end / UNIT)
    this.extents.extend(units)
    if (units <= this.slabOf.length) return
    const table = new Int32Array(Math.max(units, this.slabOf.length * 2))
    table.set(this.slabOf)
    this.slabOf = table
  }

  private newSlab(kind: number, bytes: number): Slab {
    if (!(bytes >= 0)) throw new RangeError(`wasm: ${bytes} is no number of bytes`)
    const unit = this.takeUnits(SLAB_UNITS, bytes)
    const id = this.spareIds.pop() ?? this.slabs.length
    const slab = new Slab(id, unit * UNIT, kind)
    this.slabs[id] = slab
    this.slabOf.fill(id, unit, unit + SLAB_UNITS)
    this.reopen(slab)
    return slab
  }

  /** Gives the memory of an empty slab back. */
  private dropSlab(slab: Slab): void {
    this.close(slab)
    const unit = slab.base / UNIT
    this.slabOf.fill(0, unit, unit + SLAB_UNITS)
    this.slabs[slab.id] = null
    this.spareIds.push(slab.id)
    this.extents.give(unit)
  }

  /** One empty slab of a size is kept, so that a lone block does not cost a slab each time; unless memory is short. */
  private dropEmptySlabs(): boolean {
    const empty = this.slabs.filter((slab): slab is Slab => slab !== null && slab.used === 0)
    for (const slab of empty) this.dropSlab(slab)
    return empty.length > 0
  }

  /** Takes a slab out of those with free slots. */
  private close(slab: Slab): void {
    const { previous, next } = slab
    if (previous) previous.next = next
    else this.open[slab.kind] = next
    if (next) next.previous = previous
    slab.previous = null
    slab.next = null
  }

  /** Puts a slab behind the first of those with free slots, so that the first fills up before. */
  private reopen(slab: Slab): void {
    const first = this.open[slab.kind]
    if (!first) {
      this.open[slab.kind] = slab
      return
    }
    slab.previous = first
    slab.next = first.next
    if (first.next) first.next.previous = slab
    first.next = slab
  }

  private exhausted(bytes: number): OutOfMemoryError {
    const { limit, advice } = this.options
    const most = limit < this.end + bytes ? `it may have ${bytesText(limit)}` : "the engine gives no more"
    return new OutOfMemoryError(
      `wasm: out of memory: ${bytesText(bytes)} asked for, with ${bytesText(this.liveBytes)} in ${this.liveBuffers} live buffers and ` +
        `${bytesText(this.pooledBytes())} free in smaller pieces, of ${bytesText(this.end)}, and ${most}.${advice && ` ${advice}`}`,
    )
  }
}

const wrongFree = (address: number): RangeError =>
  new RangeError(`wasm: no live block begins at ${address}: it was freed before, or never allocated`)
