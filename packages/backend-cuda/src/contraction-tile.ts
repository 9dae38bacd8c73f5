/** Tiles of the result, one to a block; steps of the depth go through shared memory, the next one while one is summed up. */
import {
  beginContraction,
  type Contraction,
  type DepthParts,
  multiplyAdd,
  type Part,
  type Reading,
  Sources,
  storeSums,
  type Writing,
  zeroSum,
} from "./contraction.ts"
import { laneBytes } from "./elements.ts"
import { readVector } from "./views.ts"
import type { Emitted, Writer } from "./writer.ts"

/** A tile's shape: its rows, columns and depth, and how many rows and columns of it a thread has (multiples of four). */
export interface Tile {
  readonly rows: number
  readonly columns: number
  readonly depth: number
  readonly down: number
  readonly across: number
}

export const tileThreads = ({ rows, columns, down, across }: Tile): number => (rows / down) * (columns / across)

/** What is read and written several elements at a time. */
export interface Vectors {
  readonly a: boolean
  readonly b: boolean
  readonly out: boolean
  /** So many neighbours of b at least, from a multiple of it on, are in one line of checked coordinates. */
  readonly line?: 2 | 4 | 8
}

/** A row in shared memory is longer than it must be, against bank conflicts. */
const pitch = (extent: number): number => extent + 4

/** Four neighbours of a or b that a thread brings into shared memory. */
interface Quad {
  /** Reads them for the step that begins at `k0`. */
  readonly read: (k0: string) => readonly string[]
  /** Keeps them in the buffer that begins at an address. */
  readonly keep: (buffer: string, values: readonly string[]) => void
}

interface Side {
  readonly name: "a" | "b"
  readonly extent: number
  /** Where the side's tile begins in a buffer, in bytes. */
  readonly at: number
  readonly alongDepth: boolean
  readonly vector: boolean
  /** So many neighbours are found together, where they are not read at once. */
  readonly found: number
  /** What an index along the extent contributes. */
  readonly part: (index: string) => Part
}

export function tileKernel(
  contraction: Contraction,
  tile: Tile,
  reading: Reading,
  vectors: Vectors,
  split: boolean,
  wide: boolean,
): Emitted {
  const writing = beginContraction(contraction, wide)
  const { w, geometry, lane } = writing
  const threads = tileThreads(tile)
  const bytes = laneBytes(lane)

  const { z, m0, n0 } = tileOfBlock(w, tile)
  const batch = geometry.batch(w.toIndex(z))
  const { begin, end } = depthRange(writing, batch.depth, split)
  const sources = new Sources(writing, batch)

  const size = tile.depth * (pitch(tile.rows) + pitch(tile.columns)) * bytes
  const shared = w.sharedMemory("tiles", 2 * size)
  // Behind the last row and column the last one is read again, and not stored.
  const last = (name: string, count: number): string => w.ix("sub", w.own(name, w.index), count)
  const found = Math.min(4, vectors.line ?? 1)
  const atOnce = vectors.b ? 4 : found
  const sides: Side[] = [
    {
      name: "a",
      extent: tile.rows,
      at: 0,
      alongDepth: reading.a === "depth",
      vector: vectors.a,
      found: 1,
      part: (m) => geometry.row(batch, w.ix("min", m, last("rows", vectors.a && reading.a === "row" ? 4 : 1))),
    },
    {
      name: "b",
      extent: tile.columns,
      at: tile.depth * pitch(tile.rows) * bytes,
      alongDepth: reading.b === "depth",
      vector: vectors.b,
      found,
      part: (n) => geometry.column(batch, w.ix("min", n, last("columns", reading.b === "column" ? atOnce : 1))),
    },
  ]
  const quads = sides.flatMap((side) => quadsOf(writing, tile, side, sources, side.name === "a" ? m0 : n0, end))

  const across = tile.columns / tile.across
  const tx = w.op("and.b32", w.thread, across - 1)
  const ty = w.op("shr.u32", w.thread, Math.log2(across))
  const sums = Array.from({ length: tile.down }, () => Array.from({ length: tile.across }, () => zeroSum(w, lane)))

  const buffer = w.variable("u32", shared)
  const other = w.variable("u32", w.op("add.u32", shared, size))
  for (const quad of quads) quad.keep(buffer, quad.read(begin))
  w.barrier()
  const [fromA, fromB] = [ty, tx].map((t, s) => w.op("mad.lo.u32", t, 4 * bytes, sides[s].at))
  w.for(w.index, begin, end, tile.depth, (k0) => {
    const next = w.ix("add", k0, tile.depth)
    const read = quads.map((quad) => quad.read(next))
    sumStep(w, lane, tile, w.op("add.u32", buffer, fromA), w.op("add.u32", buffer, fromB), sums)
    quads.forEach((quad, q) => {
      quad.keep(other, read[q])
    })
    w.barrier()
    const kept = w.op("mov.u32", buffer)
    w.set("u32", buffer, other)
    w.set("u32", other, kept)
  })

  const numbers = (count: number, extent: number, base: string, t: string): string[] =>
    Array.from({ length: count }, (_, i) =>
      w.op("add.u32", w.op("mad.lo.u32", t, 4, base), ((i >> 2) * extent) / (count / 4) + (i & 3)),
    )
  storeSums(writing, batch, {
    z,
    split,
    rows: numbers(tile.down, tile.rows, m0, ty),
    columns: numbers(tile.across, tile.columns, n0, tx),
    sums,
    together: vectors.out ? 4 : 1,
  })
  return w.finish(threads)
}

/** The batch of a block's tile, and its first row and column. */
export function tileOfBlock(
  w: Writer,
  tile: { readonly rows: number; readonly columns: number },
): { z: string; m0: string; n0: string } {
  const tilesAcross = w.own("tilesAcross")
  const tiles = w.op("mul.lo.u32", w.own("tilesDown"), tilesAcross)
  const inBatch = w.op("rem.u32", w.block(), tiles)
  return {
    z: w.op("div.u32", w.block(), tiles),
    m0: w.op("mul.lo.u32", w.op("div.u32", inBatch, tilesAcross), tile.rows),
    n0: w.op("mul.lo.u32", w.op("rem.u32", inBatch, tilesAcross), tile.columns),
  }
}

/** Tiles that neighbouring blocks have go down so many rows of tiles, so that what they read stays near. */
const GROUP = 8

/** The same as `tileOfBlock`, with the blocks in groups of rows of tiles, column by column. */
export function groupedTileOfBlock(
  w: Writer,
  tile: { readonly rows: number; readonly columns: number },
  /** Its number, where that is not the block's. */
  block?: string,
): { z: string; m0: string; n0: string } {
  const [down, across] = [w.own("tilesDown"), w.own("tilesAcross")]
  const tiles = w.op("mul.lo.u32", down, across)
  const inBatch = w.op("rem.u32", block ?? w.block(), tiles)
  const ofGroup = w.op("mul.lo.u32", across, GROUP)
  const first = w.op("mul.lo.u32", w.op("div.u32", inBatch, ofGroup), GROUP)
  const height = w.op("min.u32", w.op("sub.u32", down, first), GROUP)
  const inGroup = w.op("rem.u32", inBatch, ofGroup)
  return {
    z: w.op("div.u32", block ?? w.block(), tiles),
    m0: w.op("mul.lo.u32", w.op("add.u32", first, w.op("rem.u32", inGroup, height)), tile.rows),
    n0: w.op("mul.lo.u32", w.op("div.u32", inGroup, height), tile.columns),
  }
}

/** The part of the depth that a block sums up. */
export function depthRange({ w }: Writing, depth: string, split: boolean): { begin: string; end: string } {
  if (!split) return { begin: w.op(`mov.${w.index}`, 0), end: depth }
  const span = w.own("span", w.index)
  const begin = w.ix("mul.lo", w.toIndex(w.block("y")), span)
  return { begin, end: w.ix("min", w.ix("add", begin, span), depth) }
}

/** A line of a side's tile, and where in it, that a piece of neighbours begins at. */
export interface PiecePlace {
  readonly ofLine: string
  readonly inLine: string
}

/**
 * The places of the pieces that a thread brings in, of `perLine` of `together` neighbours in each of so many lines, where what an index
 * contributes takes long to find: all have the same place in their lines, or with `inOneLine` all are of one. Powers of two.
 */
export function sharedPlaces(
  w: Writer,
  threads: number,
  side: { readonly lines: number; readonly perLine: number; readonly together: number; readonly inOneLine: boolean },
): PiecePlace[] {
  const { lines, perLine, together, inOneLine } = side
  const count = (lines * perLine) / threads
  /** Threads that share a line. */
  const sharing = inOneLine ? threads / lines : perLine
  const line = w.op("shr.u32", w.thread, Math.log2(sharing))
  const inLine = w.op("mul.lo.u32", w.op("and.b32", w.thread, sharing - 1), together)
  const further = (value: string, by: number): string => (by === 0 ? value : w.op("add.u32", value, by))
  return Array.from({ length: count }, (_, i) =>
    inOneLine
      ? { ofLine: line, inLine: further(inLine, i * sharing * together) }
      : { ofLine: further(line, (i * threads) / sharing), inLine },
  )
}

/** Where lines are along the extent, whether a thread's pieces had better be of one line: of one index of the depth. */
export const isOneDepth = ({
  alongDepth,
  found,
  together,
}: {
  readonly alongDepth: boolean
  readonly found: number
  readonly together: number
}): boolean =>
  // Each neighbour that is found alone has registers of its own.
  !alongDepth && together <= 2 * found

/** What an index of the depth contributes, and whether there is such. */
export interface Step {
  readonly depth: DepthParts
  readonly when: string
}

/** Finds some of a step's that begins at `k0`, so many beyond an offset: each once. */
export function stepsOf(
  w: Writer,
  sources: Sources,
  end: string,
): (k0: string, offset: string, beyond: readonly number[]) => Step[] {
  let of = ""
  const indices = new Map<string, string>()
  const steps = new Map<string, Step>()
  const once = <T>(known: Map<string, T>, key: string, make: () => T): T => {
    const found = known.get(key) ?? make()
    known.set(key, found)
    return found
  }
  return (k0, offset, beyond) => {
    if (k0 !== of) for (const known of [indices, steps]) known.clear()
    of = k0
    const first = once(indices, offset, () => w.ix("add", k0, w.toIndex(offset)))
    const all = beyond.map((more) => {
      const key = `${offset} ${more}`
      return { key, k: more === 0 ? first : once(indices, key, () => w.ix("add", first, more)) }
    })
    return all.map(({ key, k }) =>
      once(steps, key, () => ({ depth: sources.depth(k), when: w.op(`setp.lt.${w.index}`, k, end) })),
    )
  }
}

function quadsOf(
  { w, lane, geometry }: Writing,
  tile: Tile,
  side: Side,
  sources: Sources,
  base: string,
  end: string,
): Quad[] {
  const threads = tileThreads(tile)
  const bytes = laneBytes(lane)
  const { extent, alongDepth, vector, name, found } = side
  const [lines, perLine] = alongDepth ? [extent, tile.depth / 4] : [tile.depth, extent / 4]
  const view = sources.view(name)
  const readFour = (part: Part, { depth, when }: Step): string[] =>
    readVector(w, view, sources.address(part, depth), 4, sources.inside(part, depth, when))
  const inOneLine = vector ? !alongDepth : isOneDepth({ alongDepth, found, together: 4 })
  const places =
    geometry.checkedSizes.length > 0 ? sharedPlaces(w, threads, { lines, perLine, together: 4, inOneLine }) : null
  const placeOf = (i: number): PiecePlace => {
    if (places) return places[i]
    const number = i === 0 ? w.thread : w.op("add.u32", w.thread, i * threads)
    return {
      ofLine: w.op("shr.u32", number, Math.log2(perLine)),
      inLine: w.op("shl.b32", w.op("and.b32", number, perLine - 1), 2),
    }
  }
  const stepsAt = stepsOf(w, sources, end)
  const firsts = [0, 1, 2, 3].filter((e) => e % found === 0)
  return Array.from({ length: (lines * perLine) / threads }, (_, i): Quad => {
    const { ofLine, inLine } = placeOf(i)
    const index = (offset: string, e: number): string => w.toIndex(w.op("add.u32", w.op("add.u32", base, offset), e))
    if (alongDepth) {
      const part = side.part(index(ofLine, 0))
      const place = w.op("mad.lo.u32", w.op("mad.lo.u32", inLine, pitch(extent), ofLine), bytes, side.at)
      return {
        read: (k0) =>
          vector
            ? readFour(part, stepsAt(k0, inLine, [0])[0])
            : stepsAt(k0, inLine, firsts).flatMap(({ depth, when }) => sources.read(part, depth, when, found)),
        keep(buffer, values) {
          const to = w.op("add.u32", buffer, place)
          for (const [e, value] of values.entries())
            w.line(`st.shared.${lane} [${to}+${e * pitch(extent) * bytes}], ${value}`)
        },
      }
    }
    const parts = (vector ? [0] : firsts).map((e) => side.part(index(inLine, e)))
    const place = w.op("mad.lo.u32", w.op("mad.lo.u32", ofLine, pitch(extent), inLine), bytes, side.at)
    return {
      read(k0) {
        const [step] = stepsAt(k0, ofLine, [0])
        const { depth, when } = step
        return vector ? readFour(parts[0], step) : parts.flatMap((part) => sources.read(part, depth, when, found))
      },
      keep: (buffer, values) => storeFour(w, lane, w.op("add.u32", buffer, place), values),
    }
  })
}

/** Four values side by side in shared memory. */
function storeFour(w: Writer, lane: Writing["lane"], at: string, values: readonly string[]): void {
  if (laneBytes(lane) === 4) w.line(`st.shared.v4.${lane} [${at}], {${values.join(", ")}}`)
  else
    for (const half of [0, 2])
      w.line(`st.shared.v2.${lane} [${at}+${half * 8}], {${values[half]}, ${values[half + 1]}}`)
}

function loadFour(w: Writer, lane: Writing["lane"], at: string, offset: number): string[] {
  const values = Array.from({ length: 4 }, () => w.register(lane))
  if (laneBytes(lane) === 4) w.line(`ld.shared.v4.${lane} {${values.join(", ")}}, [${at}+${offset}]`)
  else
    for (const half of [0, 2])
      w.line(`ld.shared.v2.${lane} {${values[half]}, ${values[half + 1]}}, [${at}+${offset + half * 8}]`)
  return values
}

/** Adds the products of a step to the sums. */
function sumStep(
  w: Writer,
  lane: Writing["lane"],
  tile: Tile,
  fromA: string,
  fromB: string,
  sums: readonly (readonly string[])[],
): void {
  const bytes = laneBytes(lane)
  const four = (from: string, extent: number, count: number, k: number): string[] =>
    Array.from({ length: count / 4 }, (_, g) =>
      loadFour(w, lane, from, (k * pitch(extent) + (g * extent) / (count / 4)) * bytes),
    ).flat()
  for (let k = 0; k < tile.depth; k++) {
    const a = four(fromA, tile.rows, tile.down, k)
    const b = four(fromB, tile.columns, tile.across, k)
    for (const [i, row] of sums.entries()) for (const [j, sum] of row.entries()) multiplyAdd(w, lane, sum, a[i], b[j])
  }
}
