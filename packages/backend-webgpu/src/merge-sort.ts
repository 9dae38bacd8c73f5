/**
 * Stable sorting of rows of keys, in as few dispatches as can be: tiles in workgroup memory, then merges of two runs each,
 * which double the runs. A row of up to a tile takes one dispatch, one of 100,000 keys takes seven.
 *
 * Between dispatches an item is a key and a place, in two temporaries; the next two take what the merge gives.
 */
import type { Launch } from "./launch.ts"
import { dispatchOf, GROUP, lazy } from "./planner.ts"
import type { Dispatch, Shader } from "./program.ts"
import { TILE, type Tiling, tileRows, writeForItems, writeTileSort } from "./tile-sort.ts"
import { type Emitted, Writer } from "./writer.ts"

/** A launch with how its rows are sorted. */
export type SortLaunch = Launch & Tiling & { readonly run: number }

const own = (w: Writer, key: keyof Tiling | "run"): string => w.number(key, (launch) => (launch as SortLaunch)[key])

/** What a shader does with items: each part writes statements. `row`, `p`, `key` and `place` are names in scope. */
export interface Items {
  /** Finds the key of the item at place `p` of row `row`; its text. */
  key(): string
  /** What becomes of the item `place` of `row`, which comes to stand at `p`. */
  sink(): void
}

export interface Sorting {
  /** Begins a shader, for which `Items` then writes. */
  open(w: Writer): Items
  /** Whether the items stay in temporaries 0 (keys) and 1 (places), row after row, rather than go to the sink. */
  readonly stays?: boolean
}

export interface MergeSort {
  /** The dispatches, `length` being at least 1, and the temporaries they take. */
  dispatches(launch: Launch, rows: number, length: number): { dispatches: Dispatch[]; temporaries: number[] }
  shaders(): readonly Shader[]
}

export function mergeSort(sorting: Sorting): MergeSort {
  const stays = sorting.stays ?? false
  const kept = lazy(() => emitTiles(sorting, true))
  const sunk = lazy(() => emitTiles(sorting, false))
  const merged = lazy(() => emitMerge(keeping))
  const last = stays ? merged : lazy(() => emitMerge((w) => sorting.open(w).sink))
  return {
    shaders: () => (stays ? [kept, merged] : [sunk, kept, merged, last]).map((emitted) => emitted().shader),
    dispatches(launch, rows, length) {
      const tiling = tileRows(rows, length)
      const passes = Math.ceil(Math.log2(tiling.tiles))
      const at = (run: number): SortLaunch => ({ ...launch, ...tiling, run })
      if (passes === 0 && !stays) return { dispatches: [dispatchOf(sunk(), at(TILE), tiling.groups)], temporaries: [] }
      // What stays comes to lie in the first two.
      const swapped = stays && passes % 2 === 1 ? 1 : 0
      const dispatches = [dispatchOf(kept(), at(TILE), tiling.groups, (t) => (t & 1) | (swapped << 1))]
      for (let pass = 0; pass < passes; pass++) {
        const turn = (pass + swapped) & 1
        const emitted = pass === passes - 1 ? last() : merged()
        dispatches.push(dispatchOf(emitted, at(TILE * 2 ** pass), rows * tiling.tiles, (t) => t ^ (turn << 1)))
      }
      const pairs = passes > (stays ? 0 : 1) ? 2 : 1
      return { dispatches, temporaries: new Array<number>(2 * pairs).fill(4 * rows * length) }
    },
  }
}

/** Keeps items in temporaries 2 and 3. */
function keeping(w: Writer): () => void {
  const [keys, places] = [2, 3].map((temporary) => w.bind({ temporary }, "u32", "write"))
  return () => {
    const at = w.let(`row * ${own(w, "length")} + p`, "a")
    w.lines.push(`${keys}[${at}] = key;`, `${places}[${at}] = place;`)
  }
}

/** Sorts tiles. */
function emitTiles(sorting: Sorting, keeps: boolean): Emitted {
  const w = new Writer()
  const items = sorting.open(w)
  const sink = keeps ? keeping(w) : items.sink
  const number = (key: keyof Tiling): string => own(w, key)
  w.lines.push(`if (group >= ${number("groups")}) { return; }`)
  writeTileSort(w, number, items.key)
  writeForItems(w, number, "let key = tileKeys[i]; let place = tilePlaces[i];", sink)
  return w.finish(GROUP)
}

/**
 * Merges runs of `run` items two by two. A workgroup gives a tile of the result: it finds what parts of both runs make it up,
 * takes their keys into workgroup memory, and every item counts those of the other part that stand before it. Equal ones of
 * the first run do.
 */
function emitMerge(open: (w: Writer) => () => void): Emitted {
  const w = new Writer()
  const [keys, places] = [0, 1].map((temporary) => w.bind({ temporary }, "u32", "read"))
  const write = open(w)
  w.declare("parts", `var<workgroup> parts: array<u32, ${TILE}>;`)
  w.declare("splits", "var<workgroup> splits: array<u32, 2>;")
  // How many of the first `n` merged items come from the first run.
  w.declare(
    "split",
    `fn split(n: u32, a: u32, aCount: u32, b: u32, bCount: u32) -> u32 {
  var low = select(0u, n - bCount, n > bCount);
  var high = min(n, aCount);
  while (low < high) {
    let middle = (low + high) / 2u;
    if (${keys}[a + middle] <= ${keys}[b + n - 1u - middle]) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}`,
  )
  // How many of `count` keys from `first` on stand before `key`, or beside it if `equal`.
  w.declare(
    "countBefore",
    `fn countBefore(key: u32, first: u32, count: u32, equal: bool) -> u32 {
  var low = 0u;
  var high = count;
  while (low < high) {
    let middle = (low + high) / 2u;
    let other = parts[first + middle];
    if (other < key || (equal && other == key)) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}`,
  )
  const [length, run, tiles] = [own(w, "length"), own(w, "run"), own(w, "tiles")]
  w.lines.push(
    `if (group >= ${tiles} * ${own(w, "rows")}) { return; }`,
    `let row = group / ${tiles};`,
    `let first = (group % ${tiles}) * ${TILE}u;`,
    `let pair = first - first % (2u * ${run});`,
    `let aCount = min(${run}, ${length} - pair);`,
    `let bCount = min(${run}, ${length} - pair - aCount);`,
    `let a = row * ${length} + pair;`,
    "let b = a + aCount;",
    "let before = first - pair;",
    `let count = min(${TILE}u, aCount + bCount - before);`,
    "if (lane < 2u) { splits[lane] = split(before + lane * count, a, aCount, b, bCount); }",
    "workgroupBarrier();",
    "let aFirst = splits[0];",
    "let aHere = splits[1] - aFirst;",
    "let bFirst = before - aFirst;",
    `for (var i = lane; i < count; i += ${GROUP}u) {`,
    `parts[i] = ${keys}[select(b + bFirst + i - aHere, a + aFirst + i, i < aHere)];`,
    "}",
    "workgroupBarrier();",
    `for (var i = lane; i < count; i += ${GROUP}u) {`,
    "let key = parts[i];",
    "let ofA = i < aHere;",
    `let place = ${places}[select(b + bFirst + i - aHere, a + aFirst + i, ofA)];`,
    "let others = countBefore(key, select(0u, aHere, ofA), select(aHere, count - aHere, ofA), !ofA);",
    "let p = first + others + select(i - aHere, i, ofA);",
  )
  write()
  w.lines.push("}")
  return w.finish(GROUP)
}
