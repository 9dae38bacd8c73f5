/**
 * Stable sorting of rows of keys. A row of up to a tile is sorted in shared memory by one kernel. Longer ones are sorted by
 * digits of eight bits, from the lowest on, which takes as many passes as keys have bytes, however long rows are, where
 * merges would take one for each doubling. Every pass
 *  - counts the digits of each group of items (the first also finds the keys, and keeps them),
 *  - sums up the counts of the groups before, where a row has several,
 *  - and moves each item behind those of smaller digits and those of its own digit before it: first inside of a tile in
 *    shared memory, so that what goes to one place is written side by side.
 * No block waits for another, and no order depends on which is first.
 *
 * Between kernels an item is a key and a place, in two temporaries; the next two take what a pass gives.
 */
import { left, type Monoid, right } from "@taeda/core"
import { scanTeam } from "./block-scan.ts"
import type { PlannedLaunch } from "./launch.ts"
import { Tuples } from "./monoid.ts"
import { BLOCK, launchOf, Variants } from "./planner.ts"
import type { DeviceLimits, KernelLaunch, Module } from "./program.ts"
import { type KeyType, keyBytes, lastKey, TILE, tileRows, writeTileSort } from "./tile-sort.ts"
import { type Emitted, Writer } from "./writer.ts"

/** An item that comes to stand at place `p` of a row: all u32, but for the key. */
export interface Sorted {
  readonly row: string
  readonly p: string
  readonly key: string
  readonly place: string
}

/** What a kernel does with items: each part writes instructions. */
export interface Items {
  /** Finds the key of the item at place `p` of row `row`. */
  key(row: string, p: string): string
  sink(item: Sorted): void
}

export interface Sorting {
  readonly keyType: KeyType
  /** Begins a kernel, for which `Items` then writes. */
  open(w: Writer): Items
  /** Whether the items stay in temporaries 0 (keys) and 1 (places), row after row, rather than go to the sink. */
  readonly stays?: boolean
}

/** Rows to be sorted. */
export interface Rows {
  readonly rows: number
  /** At least 1; more than a tile where the items stay. */
  readonly length: number
  /** The bits by which keys differ: those from `low` to below `high`. */
  readonly low: number
  readonly high: number
  readonly wide: boolean
}

export interface RadixSort {
  /** The launches, and the temporaries they take. */
  launches(launch: PlannedLaunch, rows: Rows): { launches: KernelLaunch[]; temporaries: number[] }
  modules(): readonly Module[]
}

const DIGIT_BITS = 8
/** As many as a block has threads: each thread looks after one digit. */
const DIGITS = BLOCK
const WARPS = BLOCK / 32
/** Items that a thread moves at once: what fits the shared memory that every kernel may have. */
const ITEMS: Readonly<Record<KeyType, number>> = { u32: 16, u64: 8 }
/**
 * Blocks of a multiprocessor that move items at a time, 42 KB of shared memory and 64 registers a thread each: 64 KB of keys
 * are on their way then. More groups than these would only be more counts.
 */
const BUSY_BLOCKS = 4
/** Items that a thread has in hand while it counts. */
const COUNTED_TOGETHER = 8
const FOUND_TOGETHER = 4
/** Counts of neighbouring groups that a thread sums up at once. */
const SUMMED_TOGETHER = 8

/** Temporaries by what they hold; those of the items that a pass gives come two after those that it takes. */
const [KEYS, PLACES, TOTALS, BEFORE] = [0, 1, 4, 5]
const GIVEN = 2

const COUNTS: Monoid = {
  accumulators: ["int32"],
  identity: [0],
  lift: [],
  combine: [left(0, "int32").add(right(0, "int32"))],
}

type Step = "tiles" | "find" | "count" | "sum" | "move first" | "move" | "sink first" | "sink"

export function radixSort(sorting: Sorting, { multiprocessors }: Pick<DeviceLimits, "multiprocessors">): RadixSort {
  const stays = sorting.stays ?? false
  const variants = new Variants((step: Step, wide: boolean) => EMITTERS[step](sorting, wide))
  const { keyType } = sorting

  return {
    modules: () => (stays ? [] : [variants.get("tiles", false).module]),
    launches(launch, { rows, length, low, high, wide }) {
      const planned = (own: Readonly<Record<string, number>>): PlannedLaunch => ({
        ...launch,
        own: { ...launch.own, ...own },
      })
      if (length <= TILE && !stays) {
        const { groups, ...tiling } = tileRows(rows, length)
        const launches = [launchOf(variants.get("tiles", wide), planned({ ...tiling }), [groups, 1, 1])]
        return { launches, temporaries: [] }
      }
      const tile = ITEMS[keyType] * BLOCK
      const tiles = Math.ceil(length / tile)
      const wanted = Math.min(tiles, Math.max(1, Math.floor((multiprocessors * BUSY_BLOCKS) / rows)))
      const share = Math.ceil(tiles / wanted) * tile
      const groups = Math.ceil(length / share)
      const passes = Math.ceil((high - low) / DIGIT_BITS)
      // What stays comes to lie in the first two.
      const swapped = stays && passes % 2 === 1 ? 1 : 0
      const launches: KernelLaunch[] = []
      for (let pass = 0; pass < passes; pass++) {
        const turn = ((pass + swapped) & 1) * GIVEN
        // The counts of a row's only group are those of the row.
        const placed = (t: number): number => (t < TOTALS ? t ^ turn : groups === 1 ? TOTALS : t)
        const numbers = planned({ rows, length, groups, share, shift: low + pass * DIGIT_BITS })
        const add = (step: Step, blocks: number): number =>
          launches.push(launchOf(variants.get(step, wide), numbers, [blocks, 1, 1], placed))
        add(pass === 0 ? "find" : "count", rows * groups)
        if (groups > 1) add("sum", Math.ceil((rows * DIGITS) / WARPS))
        const sinks = pass === passes - 1 && !stays
        add(pass === 0 ? (sinks ? "sink first" : "move first") : sinks ? "sink" : "move", rows * groups)
      }
      const count = rows * length
      const bytes = [keyBytes(keyType) * count, 4 * count]
      return { launches, ...compact(launches, [...bytes, ...bytes, 4 * rows * DIGITS, 4 * rows * DIGITS * groups]) }
    },
  }
}

/** Counts the temporaries anew, without those that no launch has; the sizes of those that are left. */
function compact(launches: KernelLaunch[], bytes: readonly number[]): { temporaries: number[] } {
  const used = bytes.map((_, t) =>
    launches.some(({ buffers }) => buffers.some((b) => "temporary" in b && b.temporary === t)),
  )
  const number = (t: number): number => used.slice(0, t).filter(Boolean).length
  for (const [k, launch] of launches.entries())
    launches[k] = {
      ...launch,
      buffers: launch.buffers.map((ref) => ("temporary" in ref ? { temporary: number(ref.temporary) } : ref)),
    }
  return { temporaries: bytes.filter((_, t) => used[t]) }
}

/** Sorts tiles. */
function emitTiles(sorting: Sorting, wide: boolean): Emitted {
  const w = new Writer(wide)
  const items = sorting.open(w)
  const tile = writeTileSort(w, sorting.keyType, w.block(), items.key)
  tile.forItems(({ i, row, p }) => items.sink({ row, p, key: tile.key(i), place: tile.place(i) }))
  return w.finish(BLOCK)
}

/** A block's part of a row, all u32: its number among all, and the places that it begins at and ends before. */
interface Group {
  readonly row: string
  readonly group: string
  readonly begin: string
  readonly end: string
}

function groupOfBlock(w: Writer): Group {
  const groups = w.own("groups")
  const row = w.op("div.u32", w.block(), groups)
  const group = w.op("sub.u32", w.block(), w.op("mul.lo.u32", row, groups))
  const begin = w.op("mul.lo.u32", group, w.own("share"))
  return { row, group, begin, end: w.op("min.u32", w.op("add.u32", begin, w.own("share")), w.own("length")) }
}

/** Where the item at place `p` of a row is kept in a temporary. */
function kept(w: Writer, temporary: number, bytes: number, row: string): (p: string) => string {
  const base = w.pointer({ temporary })
  const first = w.ix("mul.lo", w.toIndex(row), w.toIndex(w.own("length")))
  return (p) => {
    const at = w.ix("add", first, w.toIndex(p))
    return w.wide ? w.op("mad.lo.u64", at, bytes, base) : w.op("mad.wide.u32", at, bytes, base)
  }
}

/** The digit of a key by which this pass sorts. */
function digitOf(w: Writer, type: KeyType, key: string): string {
  const shift = w.own("shift")
  if (type === "u32") return w.op("bfe.u32", key, shift, DIGIT_BITS)
  return w.op("and.b32", w.op("cvt.u32.u64", w.op("shr.u64", key, shift)), DIGITS - 1)
}

/** The address of the count of a digit of a row in one of its groups. */
const countAt = (w: Writer, row: string, digit: string, group: string): string => {
  const of = w.op("mad.lo.u32", w.op("mad.lo.u32", row, DIGITS, digit), w.own("groups"), group)
  return w.op("mad.wide.u32", of, 4, w.pointer({ temporary: BEFORE }))
}

/** Counts the digits of each group; `finds` the keys first, and keeps them. */
function emitCount(sorting: Sorting, wide: boolean, finds: boolean): Emitted {
  const w = new Writer(wide)
  const type = sorting.keyType
  const counts = w.sharedMemory("counts", 4 * DIGITS)
  const { row, group, begin, end } = groupOfBlock(w)
  const items = finds ? sorting.open(w) : undefined
  const keyAt = kept(w, KEYS, keyBytes(type), row)
  const mine = w.op("mad.lo.u32", w.thread, 4, counts)
  w.line(`st.shared.u32 [${mine}], 0`)
  w.barrier()
  const add = (key: string, when?: string): void => {
    const at = w.op("mad.lo.u32", digitOf(w, type, key), 4, counts)
    w.line(`${when ? `@${when} ` : ""}red.shared.add.u32 [${at}], 1`)
  }
  const together = finds ? FOUND_TOGETHER : COUNTED_TOGETHER
  w.for("u32", w.op("add.u32", begin, w.thread), end, together * BLOCK, (first) => {
    const places = Array.from({ length: together }, (_, k) => (k === 0 ? first : w.op("add.u32", first, k * BLOCK)))
    const there = places.map((p) => w.op("setp.lt.u32", p, end))
    if (!items) {
      const at = keyAt(first)
      const keys = there.map((when, k) => {
        const key = w.variable(type, 0)
        w.line(`@${when} ld.global.${type} ${key}, [${at}+${k * BLOCK * keyBytes(type)}]`)
        return key
      })
      for (const [k, key] of keys.entries()) add(key, there[k])
      return
    }
    const one = (p: string): void => {
      const key = items.key(row, p)
      w.line(`st.global.${type} [${keyAt(p)}], ${key}`)
      add(key)
    }
    const many = (): void => {
      const keys = places.map((p) => items.key(row, p))
      const at = keyAt(first)
      for (const [k, key] of keys.entries()) {
        w.line(`st.global.${type} [${at}+${k * BLOCK * keyBytes(type)}], ${key}`)
        add(key)
      }
    }
    // Finding a key may read, and is written without a condition.
    w.if(there[together - 1], many, () => w.for("u32", first, end, BLOCK, one))
  })
  w.barrier()
  const count = w.op("ld.shared.u32", `[${mine}]`)
  w.line(`st.global.u32 [${countAt(w, row, w.thread, group)}], ${count}`)
  return w.finish(BLOCK)
}

/** Sums up, for each digit of a row, its counts in the groups before each, and in all. A warp has a digit. */
function emitSum(_: Sorting, wide: boolean): Emitted {
  const w = new Writer(wide)
  const tuples = new Tuples(w, COUNTS)
  const scan = scanTeam(w, tuples, "warp")
  const groups = w.own("groups")
  const lane = w.op("and.b32", w.thread, 31)
  const asked = w.op("mad.lo.u32", w.block(), WARPS, w.op("shr.u32", w.thread, 5))
  const all = w.op("mul.lo.u32", w.own("rows"), DIGITS)
  const unit = w.op("min.u32", asked, w.op("sub.u32", all, 1))
  const exists = w.op("setp.lt.u32", asked, all)
  const first = w.op("mul.lo.u32", unit, groups)
  const carry = w.variable("u32", 0)
  w.for("u32", 0, groups, 32 * SUMMED_TOGETHER, (from) => {
    const mine = w.op("mad.lo.u32", lane, SUMMED_TOGETHER, from)
    const at = w.op("mad.wide.u32", w.op("add.u32", first, mine), 4, w.pointer({ temporary: BEFORE }))
    const there = Array.from({ length: SUMMED_TOGETHER }, (_, k) =>
      w.op("setp.lt.u32", k === 0 ? mine : w.op("add.u32", mine, k), groups),
    )
    const counts = there.map((when, k) => {
      const count = w.variable("u32", 0)
      w.line(`@${when} ld.global.u32 ${count}, [${at}+${4 * k}]`)
      return count
    })
    const before: string[] = []
    const sum = counts.reduce(
      (so, count) => {
        before.push(so)
        return w.op("add.u32", so, count)
      },
      w.op("mov.u32", 0),
    )
    const scanned = scan([[sum]])
    const start = w.op("add.u32", carry, scanned.before[0][0])
    for (const [k, when] of there.entries()) {
      const writes = w.op("and.pred", when, exists)
      w.line(`@${writes} st.global.u32 [${at}+${4 * k}], ${w.op("add.u32", start, before[k])}`)
    }
    w.line(`add.u32 ${carry}, ${carry}, ${scanned.all[0]}`)
  })
  w.exit(`!${w.op("and.pred", exists, w.op("setp.eq.u32", lane, 0))}`)
  w.line(`st.global.u32 [${w.op("mad.wide.u32", unit, 4, w.pointer({ temporary: TOTALS }))}], ${carry}`)
  return w.finish(BLOCK)
}

const ALL_LANES = "0xffffffff"

/**
 * The lanes of the warp whose item has the same digit, as a mask: for each bit, those that agree about it. (`match.any` says
 * the same with one instruction, which takes as long as there are different digits.)
 */
function lanesAlike(w: Writer, digit: string): string {
  let alike: string | undefined
  for (let bit = 0; bit < DIGIT_BITS; bit++) {
    const set = w.op("setp.ne.u32", w.op("and.b32", digit, 1 << bit), 0)
    const agree = w.op("xor.b32", w.op("vote.sync.ballot.b32", set, ALL_LANES), w.op("selp.b32", 0, ALL_LANES, set))
    alike = alike === undefined ? agree : w.op("and.b32", alike, agree)
  }
  return alike!
}

/**
 * Moves the items of each group by their digits, tile after tile; in the `first` pass an item's place is where it stands. A
 * warp has neighbouring items, a lane every 32nd of them: so items are in order by warp, then by turn, then by lane, and their
 * numbers among those of their digit follow it.
 */
function emitMove(sorting: Sorting, wide: boolean, first: boolean, sinks: boolean): Emitted {
  const w = new Writer(wide)
  w.residentBlocks = BUSY_BLOCKS
  const type = sorting.keyType
  const bytes = keyBytes(type)
  const items = ITEMS[type]
  const turns = Array.from({ length: items }, (_, k) => k)
  const keys = w.sharedMemory("sortedKeys", items * BLOCK * bytes)
  const places = w.sharedMemory("sortedPlaces", items * BLOCK * 4)
  const counts = w.sharedMemory("counts", WARPS * DIGITS * 4)
  const shifts = w.sharedMemory("shifts", DIGITS * 4)
  const at = (base: string, i: string, size = 4): string => w.op("mad.lo.u32", i, size, base)
  const scan = scanTeam(w, new Tuples(w, COUNTS), "block")
  const { row, group, begin, end } = groupOfBlock(w)
  const lane = w.op("and.b32", w.thread, 31)
  const warp = w.op("shr.u32", w.thread, 5)
  const lower = w.op("mov.u32", "%lanemask_lt")
  const warpCounts = w.op("mad.lo.u32", warp, DIGITS * 4, counts)
  const mine = w.op("mad.lo.u32", warp, 32 * items, lane)
  const [keyAt, placeAt] = [kept(w, KEYS, bytes, row), first ? undefined : kept(w, PLACES, 4, row)]
  const sink = sinks ? sorting.open(w).sink : keeping(w, type, row)

  // Where the next item of the thread's digit goes: behind all of smaller digits, and those of the groups before.
  const ofRow = w.op("mad.lo.u32", row, DIGITS, w.thread)
  const total = w.op("ld.global.u32", `[${w.op("mad.wide.u32", ofRow, 4, w.pointer({ temporary: TOTALS }))}]`)
  const next = w.variable("u32", scan([[total]]).before[0][0])
  w.if(w.op("setp.gt.u32", w.own("groups"), 1), () => {
    const before = w.op("ld.global.u32", `[${countAt(w, row, w.thread, group)}]`)
    w.line(`add.u32 ${next}, ${next}, ${before}`)
  })

  w.for("u32", begin, end, items * BLOCK, (tile) => {
    const count = w.op("min.u32", w.op("sub.u32", end, tile), items * BLOCK)
    const p = w.op("add.u32", tile, mine)
    const there = turns.map((k) => w.op("setp.lt.u32", k === 0 ? mine : w.op("add.u32", mine, 32 * k), count))
    const readAll = (of: string, address: string, size: number, otherwise: string | number): string[] =>
      turns.map((k) => {
        const value = w.variable(of as KeyType, otherwise)
        w.line(`@${there[k]} ld.global.${of} ${value}, [${address}+${32 * size * k}]`)
        return value
      })
    // What is no item stands behind all that are.
    const found = readAll(type, keyAt(p), bytes, lastKey(type))
    const cleared = at(warpCounts, lane)
    for (let k = 0; k < DIGITS / 32; k++) w.line(`st.shared.u32 [${cleared}+${128 * k}], 0`)
    w.line(`bar.warp.sync ${ALL_LANES}`)

    // Each item's number among those of its digit in the warp.
    const numbers = found.map((key) => {
      const digit = digitOf(w, type, key)
      const alike = lanesAlike(w, digit)
      const leader = w.op("bfind.u32", alike)
      const before = w.variable("u32", 0)
      const leads = w.op("setp.eq.u32", leader, lane)
      // The next turn's atomic operations come after all of these, for no lane goes on before it has their results.
      w.line(`@${leads} atom.shared.add.u32 ${before}, [${at(warpCounts, digit)}], ${w.op("popc.b32", alike)}`)
      const alikeBefore = w.op("popc.b32", w.op("and.b32", alike, lower))
      return w.op("add.u32", w.op("shfl.sync.idx.b32", before, leader, 31, ALL_LANES), alikeBefore)
    })
    w.barrier()

    // Where each warp's items of the thread's digit begin in the sorted tile.
    const digitCounts = at(counts, w.thread)
    const each = Array.from({ length: WARPS }, (_, k) => w.op("ld.shared.u32", `[${digitCounts}+${4 * DIGITS * k}]`))
    const start = scan([[each.reduce((sum, count) => w.op("add.u32", sum, count))]]).before[0][0]
    const behind = each.reduce((sum, count, k) => {
      w.line(`st.shared.u32 [${digitCounts}+${4 * DIGITS * k}], ${sum}`)
      return w.op("add.u32", sum, count)
    }, start)
    w.line(`st.shared.u32 [${at(shifts, w.thread)}], ${w.op("sub.u32", next, start)}`)
    w.line(`add.u32 ${next}, ${next}, ${w.op("sub.u32", behind, start)}`)
    w.barrier()

    const from = placeAt ? readAll("u32", placeAt(p), 4, 0) : turns.map((k) => w.op("add.u32", p, 32 * k))
    for (const k of turns) {
      const ofDigit = w.op("ld.shared.u32", `[${at(warpCounts, digitOf(w, type, found[k]))}]`)
      const to = w.op("add.u32", ofDigit, numbers[k])
      w.line(`st.shared.${type} [${at(keys, to, bytes)}], ${found[k]}`)
      w.line(`st.shared.u32 [${at(places, to)}], ${from[k]}`)
    }
    w.barrier()
    w.for("u32", w.thread, count, BLOCK, (i) => {
      const key = w.op(`ld.shared.${type}`, `[${at(keys, i, bytes)}]`)
      const place = w.op("ld.shared.u32", `[${at(places, i)}]`)
      const shift = w.op("ld.shared.u32", `[${at(shifts, digitOf(w, type, key))}]`)
      sink({ row, p: w.op("add.u32", i, shift), key, place })
    })
  })
  return w.finish(BLOCK)
}

/** Keeps items for the next pass. */
function keeping(w: Writer, type: KeyType, row: string): Items["sink"] {
  const [keyAt, placeAt] = [kept(w, KEYS + GIVEN, keyBytes(type), row), kept(w, PLACES + GIVEN, 4, row)]
  return ({ p, key, place }) => {
    w.line(`st.global.${type} [${keyAt(p)}], ${key}`)
    w.line(`st.global.u32 [${placeAt(p)}], ${place}`)
  }
}

const EMITTERS: Readonly<Record<Step, (sorting: Sorting, wide: boolean) => Emitted>> = {
  tiles: emitTiles,
  find: (sorting, wide) => emitCount(sorting, wide, true),
  count: (sorting, wide) => emitCount(sorting, wide, false),
  sum: emitSum,
  "move first": (sorting, wide) => emitMove(sorting, wide, true, false),
  move: (sorting, wide) => emitMove(sorting, wide, false, false),
  "sink first": (sorting, wide) => emitMove(sorting, wide, true, true),
  sink: (sorting, wide) => emitMove(sorting, wide, false, true),
}
