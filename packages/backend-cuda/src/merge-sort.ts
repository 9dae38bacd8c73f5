/**
 * Stable sorting of rows of keys: tiles in shared memory, then merges of two runs each, which double the runs. A row of up to
 * a tile takes one kernel, one of a million keys takes ten.
 *
 * Between kernels an item is a key and a place, in two temporaries; the next two take what the merge gives.
 */
import type { Launch, PlannedLaunch } from "./launch.ts"
import { BLOCK, launchOf, Variants } from "./planner.ts"
import type { KernelLaunch, Module } from "./program.ts"
import { type KeyType, keyBytes, TILE, tileRows, writeTileSort } from "./tile-sort.ts"
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

export interface MergeSort {
  /** The launches, `length` being at least 1, and the temporaries they take. */
  launches(
    launch: Launch,
    rows: number,
    length: number,
    wide: boolean,
  ): { launches: KernelLaunch[]; temporaries: number[] }
  modules(): readonly Module[]
}

type Step = "keep tiles" | "sink tiles" | "merge" | "sink"

export function mergeSort(sorting: Sorting): MergeSort {
  const stays = sorting.stays ?? false
  const { keyType } = sorting
  const variants = new Variants((step: Step, wide: boolean) => EMITTERS[step](sorting, wide))
  return {
    modules: () => [variants.get(stays ? "keep tiles" : "sink tiles", false).module],
    launches(launch, rows, length, wide) {
      const tiling = tileRows(rows, length)
      const passes = Math.ceil(Math.log2(tiling.tiles))
      const at = (run: number): PlannedLaunch => ({
        ...launch,
        own: { ...("own" in launch ? (launch as PlannedLaunch).own : {}), ...tiling, run },
      })
      const tiles = [tiling.groups, 1, 1] as const
      if (passes === 0 && !stays)
        return { launches: [launchOf(variants.get("sink tiles", wide), at(TILE), tiles)], temporaries: [] }
      // What stays comes to lie in the first two.
      const swapped = stays && passes % 2 === 1 ? 1 : 0
      const launches = [
        launchOf(variants.get("keep tiles", wide), at(TILE), tiles, (t) => (t < 2 ? t : (t & 1) | (swapped << 1))),
      ]
      for (let pass = 0; pass < passes; pass++) {
        const turn = (pass + swapped) & 1
        const step: Step = pass === passes - 1 && !stays ? "sink" : "merge"
        launches.push(
          launchOf(variants.get(step, wide), at(TILE * 2 ** pass), [rows * tiling.tiles, 1, 1], (t) => t ^ (turn << 1)),
        )
      }
      const pairs = passes > (stays ? 0 : 1) ? 2 : 1
      const count = rows * length
      const pair = [keyBytes(keyType) * count, 4 * count]
      return { launches, temporaries: pairs === 2 ? [...pair, ...pair] : pair }
    },
  }
}

/** The addresses of an item in two temporaries. */
function kept(w: Writer, type: KeyType, first: number): (row: string, p: string) => { key: string; place: string } {
  const [keys, places] = [w.pointer({ temporary: first }), w.pointer({ temporary: first + 1 })]
  return (row, p) => {
    const at = w.ix("mad.lo", w.toIndex(row), w.toIndex(w.own("length")), w.toIndex(p))
    const address = (base: string, bytes: number): string =>
      w.wide ? w.op("mad.lo.u64", at, bytes, base) : w.op("mad.wide.u32", at, bytes, base)
    return { key: address(keys, keyBytes(type)), place: address(places, 4) }
  }
}

/** Keeps items in temporaries 2 and 3. */
function keeping(w: Writer, { keyType }: Sorting): Items["sink"] {
  const at = kept(w, keyType, 2)
  return ({ row, p, key, place }) => {
    const address = at(row, p)
    w.line(`st.global.${keyType} [${address.key}], ${key}`)
    w.line(`st.global.u32 [${address.place}], ${place}`)
  }
}

/** Sorts tiles. */
function emitTiles(sorting: Sorting, wide: boolean, keeps: boolean): Emitted {
  const w = new Writer(wide)
  const items = sorting.open(w)
  const sink = keeps ? keeping(w, sorting) : items.sink
  const tile = writeTileSort(w, sorting.keyType, w.block(), items.key)
  tile.forItems(({ i, row, p }) => sink({ row, p, key: tile.key(i), place: tile.place(i) }))
  return w.finish(BLOCK)
}

/**
 * Merges runs of `run` items two by two. A block gives a tile of the result: it finds what parts of both runs make it up,
 * takes their keys into shared memory, and every item counts those of the other part that stand before it. Equal ones of the
 * first run do.
 */
function emitMerge(sorting: Sorting, wide: boolean, keeps: boolean): Emitted {
  const w = new Writer(wide)
  const type = sorting.keyType
  const bytes = keyBytes(type)
  const from = kept(w, type, 0)
  const sink = keeps ? keeping(w, sorting) : sorting.open(w).sink
  const parts = w.sharedMemory("parts", TILE * bytes)
  const splits = w.sharedMemory("splits", 8)
  const partAt = (i: string): string => w.op("mad.lo.u32", i, bytes, parts)
  const [length, run, tiles] = [w.own("length"), w.own("run"), w.own("tiles")]

  const row = w.op("div.u32", w.block(), tiles)
  const first = w.op("mul.lo.u32", w.op("rem.u32", w.block(), tiles), TILE)
  const twice = w.op("shl.b32", run, 1)
  const a = w.op("sub.u32", first, w.op("rem.u32", first, twice))
  const aCount = w.op("min.u32", run, w.op("sub.u32", length, a))
  const b = w.op("add.u32", a, aCount)
  const bCount = w.op("min.u32", run, w.op("sub.u32", length, b))
  const before = w.op("sub.u32", first, a)
  const count = w.op("min.u32", TILE, w.op("sub.u32", w.op("add.u32", aCount, bCount), before))

  /** The number, from `low` to `high`, up to which `holds` does. */
  const search = (from: string, to: string, holds: (middle: string) => string): string => {
    const low = w.variable("u32", from)
    const high = w.variable("u32", to)
    w.while(
      () => w.op("setp.lt.u32", low, high),
      () => {
        const middle = w.op("shr.u32", w.op("add.u32", low, high), 1)
        const more = holds(middle)
        w.line(`@${more} add.u32 ${low}, ${middle}, 1`)
        w.line(`@!${more} mov.u32 ${high}, ${middle}`)
      },
    )
    return low
  }
  const stored = (p: string): string => w.op(`ld.global.${type}`, `[${from(row, p).key}]`)

  // How many of the merged items up to the tile's begin, and up to its end, come from the first run.
  w.if(w.op("setp.lt.u32", w.thread, 2), () => {
    const n = w.op("add.u32", before, w.op("mul.lo.u32", w.thread, count))
    const least = w.op("sub.u32", w.op("max.u32", n, bCount), bCount)
    const split = search(least, w.op("min.u32", n, aCount), (middle) => {
      const opposite = w.op("sub.u32", w.op("sub.u32", w.op("add.u32", b, n), 1), middle)
      return w.op(`setp.le.${type}`, stored(w.op("add.u32", a, middle)), stored(opposite))
    })
    w.line(`st.shared.u32 [${w.op("mad.lo.u32", w.thread, 4, splits)}], ${split}`)
  })
  w.barrier()
  const aFirst = w.op("ld.shared.u32", `[${splits}]`)
  const aHere = w.op("sub.u32", w.op("ld.shared.u32", `[${splits}+4]`), aFirst)
  const bFirst = w.op("sub.u32", before, aFirst)
  /** The place in the row of an item of the tile, those of the first run first. */
  const source = (i: string, ofA: string): string => {
    const inA = w.op("add.u32", w.op("add.u32", a, aFirst), i)
    const inB = w.op("sub.u32", w.op("add.u32", w.op("add.u32", b, bFirst), i), aHere)
    return w.op("selp.u32", inA, inB, ofA)
  }
  w.for("u32", w.thread, count, BLOCK, (i) => {
    const key = stored(source(i, w.op("setp.lt.u32", i, aHere)))
    w.line(`st.shared.${type} [${partAt(i)}], ${key}`)
  })
  w.barrier()
  w.for("u32", w.thread, count, BLOCK, (i) => {
    const ofA = w.op("setp.lt.u32", i, aHere)
    const key = w.op(`ld.shared.${type}`, `[${partAt(i)}]`)
    const place = w.op("ld.global.u32", `[${from(row, source(i, ofA)).place}]`)
    const others = w.op("selp.u32", aHere, 0, ofA)
    const otherCount = w.op("selp.u32", w.op("sub.u32", count, aHere), aHere, ofA)
    const passed = search(w.op("mov.u32", 0), otherCount, (middle) => {
      const other = w.op(`ld.shared.${type}`, `[${partAt(w.op("add.u32", others, middle))}]`)
      const equal = w.op("and.pred", w.op(`setp.eq.${type}`, other, key), w.op("not.pred", ofA))
      return w.op("or.pred", w.op(`setp.lt.${type}`, other, key), equal)
    })
    const own = w.op("selp.u32", i, w.op("sub.u32", i, aHere), ofA)
    sink({ row, p: w.op("add.u32", w.op("add.u32", first, passed), own), key, place })
  })
  return w.finish(BLOCK)
}

const EMITTERS: Readonly<Record<Step, (sorting: Sorting, wide: boolean) => Emitted>> = {
  "keep tiles": (sorting, wide) => emitTiles(sorting, wide, true),
  "sink tiles": (sorting, wide) => emitTiles(sorting, wide, false),
  merge: (sorting, wide) => emitMerge(sorting, wide, true),
  sink: (sorting, wide) => emitMerge(sorting, wide, false),
}
