/**
 * Sorting in shared memory: a tile of keys and places, in segments of a power of two that are sorted each by itself. The
 * network compares keys, then places; so no two items are equal, and the order is the stable one.
 */
import { BLOCK } from "./planner.ts"
import type { Writer } from "./writer.ts"

/** Keys order as unsigned integers. */
export type KeyType = "u32" | "u64"

/** Items of a tile. */
export const TILE = 2048

export const keyBytes = (type: KeyType): number => (type === "u64" ? 8 : 4)
/** A key after those of all items. */
export const lastKey = (type: KeyType): string => (type === "u64" ? "0xffffffffffffffff" : "0xffffffff")
/** A place after all others. */
const LAST_PLACE = "0xffffffff"

/** How rows are laid into tiles. */
export interface Tiling {
  readonly rows: number
  readonly length: number
  /** Items that a row takes in a tile: a power of two, a whole tile where the row takes several. */
  readonly segment: number
  /** Items of a block. */
  readonly used: number
  /** Tiles of a row. */
  readonly tiles: number
  readonly groups: number
}

/** Items that a block sorts where rows are short: two a thread. */
const FEW = 2 * BLOCK

export function tileRows(rows: number, length: number): Tiling {
  let segment = 1
  while (segment < length && segment < TILE) segment *= 2
  const together = Math.min(Math.max(1, FEW / segment), 2 ** Math.ceil(Math.log2(Math.max(1, rows))))
  const tiles = Math.ceil(length / TILE)
  return { rows, length, segment, used: segment * together, tiles, groups: Math.ceil(rows / together) * tiles }
}

/** A tile while it is sorted. All values are u32, but for keys. */
export interface Tile {
  readonly segment: string
  readonly used: string
  /** The first of the tile's rows. */
  readonly firstRow: string
  readonly key: (item: string) => string
  readonly place: (item: string) => string
  /** `body` for every item whose row and place exist. */
  readonly forItems: (body: (item: { i: string; row: string; p: string }) => void) => void
}

/**
 * Writes the sorting of a tile. `share`: its number among those of the tiling. `key` writes what finds the key of the item at
 * a place of a row. All threads of the block must come here.
 */
export function writeTileSort(w: Writer, type: KeyType, share: string, key: (row: string, p: string) => string): Tile {
  const [segment, used, tiles] = [w.own("segment"), w.own("used"), w.own("tiles")]
  const keys = w.sharedMemory("tileKeys", TILE * keyBytes(type))
  const places = w.sharedMemory("tilePlaces", TILE * 4)
  const keyAt = (i: string): string => w.op("mad.lo.u32", i, keyBytes(type), keys)
  const placeAt = (i: string): string => w.op("mad.lo.u32", i, 4, places)
  const tile = w.op("rem.u32", share, tiles)
  const firstRow = w.op("mul.lo.u32", w.op("div.u32", share, tiles), w.op("div.u32", used, segment))
  const before = w.op("mul.lo.u32", tile, TILE)
  const last = w.op("sub.u32", segment, 1)
  const placed = (i: string): { i: string; row: string; p: string; there: string } => {
    const row = w.op("add.u32", firstRow, w.op("div.u32", i, segment))
    const p = w.op("add.u32", before, w.op("and.b32", i, last))
    const there = w.op("and.pred", w.op("setp.lt.u32", row, w.own("rows")), w.op("setp.lt.u32", p, w.own("length")))
    return { i, row, p, there }
  }

  w.for("u32", w.thread, used, BLOCK, (i) => {
    const { row, p, there } = placed(i)
    const found = w.variable(type, lastKey(type))
    const place = w.variable("u32", LAST_PLACE)
    w.if(there, () => {
      w.set(type, found, key(row, p))
      w.set("u32", place, p)
    })
    w.line(`st.shared.${type} [${keyAt(i)}], ${found}`)
    w.line(`st.shared.u32 [${placeAt(i)}], ${place}`)
  })
  w.barrier()
  const pairs = w.op("shr.u32", used, 1)
  const k = w.variable("u32", 2)
  w.while(
    () => w.op("setp.le.u32", k, segment),
    () => {
      const j = w.variable("u32", w.op("shr.u32", k, 1))
      w.while(
        () => w.op("setp.gt.u32", j, 0),
        () => {
          w.for("u32", w.thread, pairs, BLOCK, (pair) =>
            writeExchange(w, type, { pair, j, k: w.op("and.b32", k, last) }, keyAt, placeAt),
          )
          // Up to 32 apart, the pairs of a warp are always of the same 64 items, which no other warp has.
          const half = w.op("shr.u32", j, 1)
          const next = w.op("selp.u32", k, half, w.op("setp.eq.u32", half, 0))
          const apart = w.op("setp.gt.u32", w.op("max.u32", j, next), 32)
          w.if(
            apart,
            () => w.barrier(),
            () => w.line("bar.warp.sync 0xffffffff"),
          )
          w.set("u32", j, half)
        },
      )
      w.line(`shl.b32 ${k}, ${k}, 1`)
    },
  )
  w.barrier()
  return {
    segment,
    used,
    firstRow,
    key: (i) => w.op(`ld.shared.${type}`, `[${keyAt(i)}]`),
    place: (i) => w.op("ld.shared.u32", `[${placeAt(i)}]`),
    forItems: (body) =>
      w.for("u32", w.thread, used, BLOCK, (i) => {
        const item = placed(i)
        w.if(item.there, () => body(item))
      }),
  }
}

/** Puts a pair of items into their order, which descends where the bit `k` of the first's number is set. */
function writeExchange(
  w: Writer,
  type: KeyType,
  { pair, j, k }: { readonly pair: string; readonly j: string; readonly k: string },
  keyAt: (i: string) => string,
  placeAt: (i: string) => string,
): void {
  const low = w.op("and.b32", pair, w.op("sub.u32", j, 1))
  const a = w.op("or.b32", w.op("shl.b32", w.op("sub.u32", pair, low), 1), low)
  const b = w.op("or.b32", a, j)
  const ascends = w.op("setp.eq.u32", w.op("and.b32", a, k), 0)
  const [keyA, keyB, placeA, placeB] = [keyAt(a), keyAt(b), placeAt(a), placeAt(b)]
  const [x, y] = [w.op(`ld.shared.${type}`, `[${keyA}]`), w.op(`ld.shared.${type}`, `[${keyB}]`)]
  const [p, q] = [w.op("ld.shared.u32", `[${placeA}]`), w.op("ld.shared.u32", `[${placeB}]`)]
  const tie = w.op("and.pred", w.op(`setp.eq.${type}`, x, y), w.op("setp.gt.u32", p, q))
  const greater = w.op("or.pred", w.op(`setp.gt.${type}`, x, y), tie)
  const swap = w.op("not.pred", w.op("xor.pred", greater, ascends))
  for (const [text, value] of [
    [`${type} [${keyA}]`, y],
    [`${type} [${keyB}]`, x],
    [`u32 [${placeA}]`, q],
    [`u32 [${placeB}]`, p],
  ])
    w.line(`@${swap} st.shared.${text}, ${value}`)
}
