/**
 * Sorting in workgroup memory: a tile of keys (u32) and places, in segments of a power of two that are sorted each by itself.
 * The network compares keys, then places; so no two items are equal, and the order is the stable one.
 */
import { GROUP } from "./planner.ts"
import type { Writer } from "./writer.ts"

/** Items of a tile: 16 KiB, which every adapter has. */
export const TILE = 2048

/** A key and a place after those of all items. */
export const LAST = "0xffffffffu"

/** Declares `tileKeys`, `tilePlaces` and `sortTile(lane, segment, used)`: sorts each segment of the first `used` items. */
export function declareTileSort(w: Writer): void {
  w.declare("tileKeys", `var<workgroup> tileKeys: array<u32, ${TILE}>;`)
  w.declare("tilePlaces", `var<workgroup> tilePlaces: array<u32, ${TILE}>;`)
  w.declare(
    "sortTile",
    `fn sortTile(lane: u32, segment: u32, used: u32) {
  workgroupBarrier();
  for (var k = 2u; k <= segment; k <<= 1u) {
    for (var j = k >> 1u; j > 0u; j >>= 1u) {
      for (var pair = lane; pair < used / 2u; pair += ${GROUP}u) {
        let a = ((pair & ~(j - 1u)) << 1u) | (pair & (j - 1u));
        let b = a | j;
        let ascends = (a & (segment - 1u) & k) == 0u;
        let key = tileKeys[a];
        let place = tilePlaces[a];
        let otherKey = tileKeys[b];
        let otherPlace = tilePlaces[b];
        if ((key > otherKey || (key == otherKey && place > otherPlace)) == ascends) {
          tileKeys[a] = otherKey;
          tilePlaces[a] = otherPlace;
          tileKeys[b] = key;
          tilePlaces[b] = place;
        }
      }
      workgroupBarrier();
    }
  }
}`,
  )
}

/** How rows are laid into tiles. */
export interface Tiling {
  readonly rows: number
  readonly length: number
  /** Items that a row takes in a tile: a power of two, a whole tile where the row takes several. */
  readonly segment: number
  /** Items of a workgroup. */
  readonly used: number
  /** Tiles of a row. */
  readonly tiles: number
  readonly groups: number
}

/** Items that a workgroup sorts where rows are short: two a lane. */
const FEW = 2 * GROUP

export function tileRows(rows: number, length: number): Tiling {
  let segment = 1
  while (segment < length && segment < TILE) segment *= 2
  const together = Math.min(Math.max(1, FEW / segment), 2 ** Math.ceil(Math.log2(Math.max(1, rows))))
  const tiles = Math.ceil(length / TILE)
  return { rows, length, segment, used: segment * together, tiles, groups: Math.ceil(rows / together) * tiles }
}

/**
 * Writes the sorting of a tile. Within it `tile` is the number of a row's tile, and for the item `i`, `row` and `p` are its
 * row and the place in it. `share`: the number of the workgroup among those of the tiling. `key` writes what finds the key of an item that exists, and gives its name.
 */
export function writeTileSort(
  w: Writer,
  number: (key: keyof Tiling) => string,
  key: () => string,
  share = "group",
): void {
  declareTileSort(w)
  w.lines.push(
    `let tile = ${share} % ${number("tiles")};`,
    `let segment = ${number("segment")};`,
    `let used = ${number("used")};`,
    `let firstRow = (${share} / ${number("tiles")}) * (used / segment);`,
  )
  writeForItems(w, number, `tileKeys[i] = ${LAST}; tilePlaces[i] = ${LAST};`, () => {
    const name = key()
    w.lines.push(`tileKeys[i] = ${name};`, "tilePlaces[i] = p;")
  })
  w.lines.push("sortTile(lane, segment, used);")
}

/** Writes `first` for every item of the tile, then `body` for every one whose row and place exist. */
export function writeForItems(w: Writer, number: (key: keyof Tiling) => string, first: string, body: () => void): void {
  w.lines.push(
    `for (var i = lane; i < used; i += ${GROUP}u) {`,
    first,
    "let row = firstRow + i / segment;",
    `let p = tile * ${TILE}u + (i & (segment - 1u));`,
    `if (row < ${number("rows")} && p < ${number("length")}) {`,
  )
  body()
  w.lines.push("}", "}")
}
