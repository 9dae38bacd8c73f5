/**
 * Tiles of the result in tensor cores, whose products are summed up in float32: for float16 and bfloat16, and for float32 where
 * its factors may be rounded to TF32. As in `contraction-tile.ts`, steps of the depth go through shared memory; there elements
 * lie as they do in the operands, and the instruction that hands halves to a warp turns them where that is the wrong way round.
 */
import type { DType, ReducedPrecision } from "@taeda/core"
import {
  beginContraction,
  type Contraction,
  type Part,
  type Reading,
  Sources,
  storeSums,
  type Writing,
  zeroSum,
} from "./contraction.ts"
import {
  depthRange,
  isOneDepth,
  type PiecePlace,
  type Step,
  sharedPlaces,
  stepsOf,
  tileOfBlock,
  type Vectors,
} from "./contraction-tile.ts"
import { readElement, readHalf, readWords } from "./views.ts"
import type { Emitted, Writer } from "./writer.ts"

/** A block's tile, and how many warps share its rows and columns. */
export interface WarpTiling {
  readonly rows: number
  readonly columns: number
  readonly warpsDown: number
  readonly warpsAcross: number
}
export interface MmaTile extends WarpTiling {
  /** Of a step, in what is multiplied: a multiple of 32. */
  readonly depthBytes: number
}

export const threadsOf = ({ warpsDown, warpsAcross }: WarpTiling): number => 32 * warpsDown * warpsAcross

/** Elements by which lines along the extent are longer than they must be, against bank conflicts. */
const PAD = 8

/** What tensor cores multiply. */
export interface Factors {
  readonly dtype: DType
  /** As instructions call it. */
  readonly type: "f16" | "bf16" | "tf32"
  readonly bytes: 2 | 4
  /** Elements in a piece, which is 16 bytes: what a thread brings in at once, and a row of a matrix that `ldmatrix` loads. */
  readonly together: 4 | 8
  /** What instructions multiply, and how many of them 32 bytes of the depth take. */
  readonly shape: "m16n8k8" | "m16n8k16"
  readonly steps: 1 | 2
  /** The devices that have them. */
  readonly target: 75 | 80
}

/** Those of the same dtype: the best first. */
const FACTORS: readonly Factors[] = [
  { dtype: "float16", type: "f16", bytes: 2, together: 8, shape: "m16n8k16", steps: 1, target: 80 },
  { dtype: "float16", type: "f16", bytes: 2, together: 8, shape: "m16n8k8", steps: 2, target: 75 },
  { dtype: "bfloat16", type: "bf16", bytes: 2, together: 8, shape: "m16n8k16", steps: 1, target: 80 },
  { dtype: "float32", type: "tf32", bytes: 4, together: 4, shape: "m16n8k8", steps: 1, target: 80 },
]

/** How the tensor cores of a device multiply a type, or null. They have no factors of bfloat16 for float32: TF32 is as fast. */
export function factorsOf(dtype: DType, target: number, precision: ReducedPrecision | undefined): Factors | null {
  if (dtype === "float32" && !precision) return null
  return FACTORS.find((factors) => factors.dtype === dtype && target >= factors.target) ?? null
}

/** How a side's tile lies in shared memory, in elements. */
interface Layout {
  /** Lines are along the depth, else along the extent. */
  readonly alongDepth: boolean
  readonly line: number
  readonly lines: number
  /** From one line to the next. */
  readonly pitch: number
}

function layoutOf({ together }: Factors, extent: number, depth: number, alongDepth: boolean): Layout {
  const [line, lines] = alongDepth ? [depth, extent] : [extent, depth]
  return { alongDepth, line, lines, pitch: line + (alongDepth ? together : PAD) }
}

interface Side extends Layout {
  readonly name: "a" | "b"
  readonly vector: boolean
  /** So many neighbours are found together, where they are not read at once. */
  readonly found: number
  /** Where the side's tile begins in a buffer, in bytes. */
  readonly at: number
  /** What an index along the extent contributes. */
  readonly part: (index: string) => Part
}

export function mmaKernel(
  contraction: Contraction,
  factors: Factors,
  tile: MmaTile,
  reading: Reading,
  vectors: Vectors,
  split: boolean,
  wide: boolean,
): Emitted {
  const writing = beginContraction(contraction, wide)
  const { w, geometry } = writing
  const threads = threadsOf(tile)
  const { bytes, together } = factors
  const stepDepth = tile.depthBytes / bytes
  const { z, m0, n0 } = tileOfBlock(w, tile)
  const batch = geometry.batch(w.toIndex(z))
  const { begin, end } = depthRange(writing, batch.depth, split)
  const sources = new Sources(writing, batch)

  // Behind the last row and column the last ones are read again, and not stored.
  const last = (name: string, count: number): string => w.ix("sub", w.own(name, w.index), count)
  const layoutA = layoutOf(factors, tile.rows, stepDepth, reading.a === "depth")
  const layoutB = layoutOf(factors, tile.columns, stepDepth, reading.b === "depth")
  const found = Math.min(together, vectors.line ?? 1)
  const atOnce = vectors.b ? together : found
  const [bytesOfA, bytesOfB] = [layoutA, layoutB].map(({ pitch, lines }) => pitch * lines * bytes)
  const a: Side = {
    ...layoutA,
    name: "a",
    vector: vectors.a,
    found: 1,
    at: 0,
    part: (m) => geometry.row(batch, w.ix("min", m, last("rows", vectors.a && !layoutA.alongDepth ? together : 1))),
  }
  const b: Side = {
    ...layoutB,
    name: "b",
    vector: vectors.b,
    found,
    at: bytesOfA,
    part: (n) => geometry.column(batch, w.ix("min", n, last("columns", layoutB.alongDepth ? 1 : atOnce))),
  }
  const size = bytesOfA + bytesOfB
  const shared = w.sharedMemory("tiles", 2 * size)
  const pieces = [a, b].flatMap((side) => piecesOf(writing, factors, threads, side, sources, side === a ? m0 : n0, end))

  const { lane, firstRow, firstColumn, down, across, sums } = beginWarp(w, tile)
  const fromA = fragmentPlace(w, factors, a, lane, firstRow)
  const fromB = fragmentPlace(w, factors, b, lane, firstColumn)

  const buffer = w.variable("u32", shared)
  const other = w.variable("u32", w.op("add.u32", shared, size))
  for (const piece of pieces) piece.keep(buffer, piece.read(begin))
  w.barrier()
  w.for(w.index, begin, end, stepDepth, (k0) => {
    const next = w.ix("add", k0, stepDepth)
    const read = pieces.map((piece) => piece.read(next))
    const [atA, atB] = [w.op("add.u32", buffer, fromA), w.op("add.u32", buffer, fromB)]
    for (let k = 0; k < stepDepth; k += 2 * together)
      multiplyFragments(
        w,
        factors,
        sums,
        (row) => loadFragments(w, factors, a, atA, row, k),
        (column) => loadFragments(w, factors, b, atB, column, k),
      )
    pieces.forEach((piece, q) => {
      piece.keep(other, read[q])
    })
    w.barrier()
    const kept = w.op("mov.u32", buffer)
    w.set("u32", buffer, other)
    w.set("u32", other, kept)
  })

  // A lane has two rows and two neighbouring columns of each product.
  const row = w.op("add.u32", w.op("add.u32", m0, firstRow), w.op("shr.u32", lane, 2))
  const column = w.op("add.u32", w.op("add.u32", n0, firstColumn), w.op("shl.b32", w.op("and.b32", lane, 3), 1))
  storeSums(writing, batch, {
    z,
    split,
    rows: Array.from({ length: 2 * down }, (_, i) => w.op("add.u32", row, 8 * i)),
    columns: Array.from({ length: 2 * across }, (_, j) => w.op("add.u32", column, 8 * (j >> 1) + (j & 1))),
    sums: Array.from({ length: 2 * down }, (_, i) =>
      sums[i >> 1].flatMap((four) => four.slice(2 * (i & 1), 2 * (i & 1) + 2)),
    ),
    together: vectors.out ? 2 : 1,
  })
  return w.finish(threads, factors.target)
}

/** The four sums of a lane in each product of its warp, by rows and columns of products. */
export type WarpSums = readonly (readonly (readonly string[])[])[]

/** A thread's lane, its warp's first row and column in the tile, and its sums, which are 0. */
export function beginWarp(w: Writer, tile: WarpTiling) {
  const warp = w.op("shr.u32", w.thread, 5)
  const lane = w.op("and.b32", w.thread, 31)
  const [rowsOfWarp, columnsOfWarp] = [tile.rows / tile.warpsDown, tile.columns / tile.warpsAcross]
  const firstRow = w.op("mul.lo.u32", w.op("div.u32", warp, tile.warpsAcross), rowsOfWarp)
  const firstColumn = w.op("mul.lo.u32", w.op("rem.u32", warp, tile.warpsAcross), columnsOfWarp)
  const [down, across] = [rowsOfWarp / 16, columnsOfWarp / 8]
  const sums: WarpSums = Array.from({ length: down }, () =>
    Array.from({ length: across }, () => Array.from({ length: 4 }, () => zeroSum(w, "f32"))),
  )
  return { warp, lane, firstRow, firstColumn, down, across, sums }
}

/** Adds a warp's products of 32 bytes of the depth. Fragments are loaded from a row on, and from a column on, of the warp's own. */
export function multiplyFragments(
  w: Writer,
  factors: Factors,
  sums: WarpSums,
  fragmentOfA: (row: number) => readonly string[],
  fragmentOfB: (column: number) => readonly string[],
): void {
  const fragmentsA = sums.map((_, i) => fragmentOfA(16 * i))
  for (let j = 0; j < sums[0].length; j += 2) {
    const [b0, b1, b2, b3] = fragmentOfB(8 * j)
    for (const [i, fragment] of fragmentsA.entries()) {
      multiply(w, factors, sums[i][j], fragment, [b0, b1])
      multiply(w, factors, sums[i][j + 1], fragment, [b2, b3])
    }
  }
}

interface Piece {
  /** The words of neighbours, for the step that begins at `k0`. */
  readonly read: (k0: string) => readonly string[]
  /** Keeps them, as they are multiplied, in the buffer that begins at an address. */
  readonly keep: (buffer: string, words: readonly string[]) => void
}

/** What of a side's tile a thread brings into shared memory. */
function piecesOf(
  { w, geometry }: Writing,
  { bytes, together }: Factors,
  threads: number,
  side: Side,
  sources: Sources,
  base: string,
  end: string,
): Piece[] {
  const { line, lines, pitch, alongDepth, vector, found } = side
  const perLine = line / together
  const view = sources.view(side.name)
  const read = bytes === 2 ? readHalf : readElement
  const some = (part: Part, { depth, when }: Step): string[] =>
    sources.find(part, depth, when, found).map(({ address, inside }) => read(w, view, address, inside))
  const whole = (part: Part, { depth, when }: Step): string[] =>
    readWords(w, view, sources.address(part, depth), 4, sources.inside(part, depth, when))
  const joined = (elements: readonly string[]): readonly string[] =>
    bytes === 2 ? [0, 2, 4, 6].map((e) => w.op("bfi.b32", elements[e + 1], elements[e], 16, 16)) : elements
  const kept = (words: readonly string[]): readonly string[] =>
    bytes === 2 ? words : words.map((word) => roundedToTf32(w, word))
  const inOneLine = vector ? !alongDepth : isOneDepth({ alongDepth, found, together })
  const places =
    geometry.checkedSizes.length > 0 ? sharedPlaces(w, threads, { lines, perLine, together, inOneLine }) : null
  const placeOf = (i: number): PiecePlace => {
    if (places) return places[i]
    const number = i === 0 ? w.thread : w.op("add.u32", w.thread, i * threads)
    const inLine = w.op("mul.lo.u32", w.op("rem.u32", number, perLine), together)
    return { inLine, ofLine: w.op("div.u32", number, perLine) }
  }
  const stepsAt = stepsOf(w, sources, end)
  const firsts = Array.from({ length: together / found }, (_, e) => e * found)
  return Array.from({ length: (lines * perLine) / threads }, (_, i): Piece => {
    const { inLine, ofLine } = placeOf(i)
    const place = w.op("mad.lo.u32", w.op("mad.lo.u32", ofLine, pitch, inLine), bytes, side.at)
    const keep: Piece["keep"] = (buffer, words) =>
      w.line(`st.shared.v4.b32 [${w.op("add.u32", buffer, place)}], {${kept(words).join(", ")}}`)
    const index = (offset: string, e: number): string => w.toIndex(w.op("add.u32", w.op("add.u32", base, offset), e))
    if (alongDepth) {
      const part = side.part(index(ofLine, 0))
      return {
        keep,
        read(k0) {
          if (vector) return whole(part, stepsAt(k0, inLine, [0])[0])
          return joined(firsts.flatMap((e) => stepsAt(k0, inLine, [e])).flatMap((step) => some(part, step)))
        },
      }
    }
    const parts = (vector ? [0] : firsts).map((e) => side.part(index(inLine, e)))
    return {
      keep,
      read(k0) {
        const [step] = stepsAt(k0, ofLine, [0])
        return vector ? whole(parts[0], step) : joined(parts.flatMap((part) => some(part, step)))
      },
    }
  })
}

/** A float32 as tensor cores take it: to nearest, ties away from zero. By themselves they would cut it off. */
export function roundedToTf32(w: Writer, value: string): string {
  const rounded = w.register("b32")
  w.line(`cvt.rna.tf32.f32 ${rounded}, ${value}`)
  return rounded
}

/** Whether `ldmatrix` can load a side's fragments: it turns words of 16 bits alone. */
const byMatrix = ({ bytes }: Factors, { alongDepth }: Layout): boolean => alongDepth || bytes === 2

/** How far the matrix number q of a fragment is from the first. */
function fragmentStep({ together }: Factors, { name }: Side, q: number): { extent: number; depth: number } {
  const [odd, high] = [q & 1, q >> 1]
  const [extent, depth] = name === "a" ? [odd, high] : [high, odd]
  return { extent: 8 * extent, depth: together * depth }
}

/**
 * Where a lane begins in a buffer. A fragment is four matrices of 8 along the extent by 16 bytes along the depth. For a the
 * second and fourth are 8 further along the extent, the last two 16 bytes along the depth; for b it is the other way round.
 * `ldmatrix` is told the rows: those of the first matrix by lanes 0-7, and so on. Without it, a lane loads what is its own.
 */
function fragmentPlace(w: Writer, factors: Factors, side: Side, lane: string, first: string): string {
  const { bytes, together } = factors
  const place = (extent: string, depth: string): string => {
    const [line, inLine] = side.alongDepth ? [extent, depth] : [depth, extent]
    return w.op("mad.lo.u32", w.op("mad.lo.u32", line, side.pitch, inLine), bytes, side.at)
  }
  if (!byMatrix(factors, side)) return place(w.op("add.u32", first, w.op("shr.u32", lane, 2)), w.op("and.b32", lane, 3))
  const row = w.op("and.b32", lane, 7)
  const [odd, high] = [w.op("bfe.u32", lane, 3, 1), w.op("bfe.u32", lane, 4, 1)]
  const [alongExtent, alongDepth] = side.name === "a" ? [odd, high] : [high, odd]
  const extent = w.op("mad.lo.u32", alongExtent, 8, first)
  const depth = w.op("mul.lo.u32", alongDepth, together)
  return side.alongDepth ? place(w.op("add.u32", extent, row), depth) : place(extent, w.op("add.u32", depth, row))
}

/** The four registers of 16 rows of a, or of 16 columns of b, by 32 bytes of the depth. */
function loadFragments(w: Writer, factors: Factors, side: Side, at: string, extent: number, k: number): string[] {
  const { pitch, alongDepth } = side
  const offset = (e: number, d: number): number => factors.bytes * (alongDepth ? e * pitch + d : d * pitch + e)
  const registers = Array.from({ length: 4 }, () => w.register("b32"))
  if (byMatrix(factors, side)) {
    const turned = alongDepth ? "" : ".trans"
    const list = registers.join(", ")
    w.line(`ldmatrix.sync.aligned.m8n8.x4${turned}.shared.b16 {${list}}, [${at}+${offset(extent, k)}]`)
  } else
    for (const [q, register] of registers.entries()) {
      const step = fragmentStep(factors, side, q)
      w.line(`ld.shared.b32 ${register}, [${at}+${offset(extent + step.extent, k + step.depth)}]`)
    }
  return registers
}

/** sums += a·b, of 16 rows, 8 columns and 32 bytes of the depth. */
function multiply(
  w: Writer,
  { type, shape, steps }: Factors,
  sums: readonly string[],
  a: readonly string[],
  b: readonly string[],
): void {
  const list = (registers: readonly string[], step: number): string => {
    const count = registers.length / steps
    return `{${registers.slice(step * count, (step + 1) * count).join(", ")}}`
  }
  const d = `{${sums.join(", ")}}`
  for (let step = 0; step < steps; step++)
    w.line(`mma.sync.aligned.${shape}.row.col.f32.${type}.${type}.f32 ${d}, ${list(a, step)}, ${list(b, step)}, ${d}`)
}
