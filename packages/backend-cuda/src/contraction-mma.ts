/**
 * Tiles of the result in tensor cores, for float16 and bfloat16, whose products are summed up in float32. As in
 * `contraction-tile.ts`, steps of the depth go through shared memory; there elements lie as they do in the operands, and the
 * instruction that hands them to a warp turns them where that is the wrong way round.
 */
import type { DType } from "@taeda/core"
import {
  beginContraction,
  type Contraction,
  type Reading,
  type SourceParts,
  Sources,
  storeSums,
  zeroSum,
} from "./contraction.ts"
import { depthRange, tileOfBlock, type Vectors } from "./contraction-tile.ts"
import { readHalf, readWords } from "./views.ts"
import type { Emitted, Writer } from "./writer.ts"

/** A block's tile, and how many warps share its rows and columns. */
export interface MmaTile {
  readonly rows: number
  readonly columns: number
  /** Of a step: a multiple of 16. */
  readonly depth: number
  readonly warpsDown: number
  readonly warpsAcross: number
}

const threadsOf = ({ warpsDown, warpsAcross }: MmaTile): number => 32 * warpsDown * warpsAcross

/** Elements that a thread brings in at once: 16 bytes. */
const OCTET = 8
/** A line in shared memory is longer than it must be, against bank conflicts. */
const PAD = 8
const BYTES = 2

interface Side {
  readonly name: "a" | "b"
  readonly extent: number
  /** Lines of shared memory are along the depth, else along the extent. */
  readonly alongDepth: boolean
  readonly vector: boolean
  /** Where the side's tile begins in a buffer, in bytes. */
  readonly at: number
  /** What an index along the extent contributes. */
  readonly part: (index: string) => string | SourceParts
}

/** Elements of a line, and lines, of a side's tile. */
const lineOf = ({ extent, alongDepth }: Pick<Side, "extent" | "alongDepth">, depth: number): [number, number] =>
  alongDepth ? [depth, extent] : [extent, depth]
const pitchOf = (side: Pick<Side, "extent" | "alongDepth">, depth: number): number => lineOf(side, depth)[0] + PAD
const bytesOfSide = (side: Pick<Side, "extent" | "alongDepth">, depth: number): number =>
  pitchOf(side, depth) * lineOf(side, depth)[1] * BYTES

export function mmaKernel(
  contraction: Contraction,
  tile: MmaTile,
  reading: Reading,
  vectors: Vectors,
  split: boolean,
  wide: boolean,
  target: number,
): Emitted {
  const writing = beginContraction(contraction, wide)
  const { w, geometry } = writing
  const threads = threadsOf(tile)
  const { z, m0, n0 } = tileOfBlock(w, tile)
  const batch = geometry.batch(w.toIndex(z))
  const { begin, end } = depthRange(writing, batch.depth, split)
  const sources = new Sources(writing, batch)

  // Behind the last row and column the last ones are read again, and not stored.
  const last = (name: string, count: number): string => w.ix("sub", w.own(name, w.index), count)
  const alongDepth = { a: reading.a === "depth", b: reading.b === "depth" }
  const a: Side = {
    name: "a",
    extent: tile.rows,
    alongDepth: alongDepth.a,
    vector: vectors.a,
    at: 0,
    part: (m) => geometry.row(batch, w.ix("min", m, last("rows", vectors.a && !alongDepth.a ? OCTET : 1))),
  }
  const b: Side = {
    name: "b",
    extent: tile.columns,
    alongDepth: alongDepth.b,
    vector: vectors.b,
    at: bytesOfSide(a, tile.depth),
    part: (n) => geometry.column(batch, w.ix("min", n, last("columns", vectors.b && !alongDepth.b ? OCTET : 1))),
  }
  const size = bytesOfSide(a, tile.depth) + bytesOfSide(b, tile.depth)
  const shared = w.sharedMemory("tiles", 2 * size)
  const octets = [a, b].flatMap((side) => octetsOf(w, tile, side, sources, side === a ? m0 : n0, end))

  const warp = w.op("shr.u32", w.thread, 5)
  const lane = w.op("and.b32", w.thread, 31)
  const [rowsOfWarp, columnsOfWarp] = [tile.rows / tile.warpsDown, tile.columns / tile.warpsAcross]
  const firstRow = w.op("mul.lo.u32", w.op("div.u32", warp, tile.warpsAcross), rowsOfWarp)
  const firstColumn = w.op("mul.lo.u32", w.op("rem.u32", warp, tile.warpsAcross), columnsOfWarp)
  const [down, across] = [rowsOfWarp / 16, columnsOfWarp / 8]
  const sums = Array.from({ length: down }, () =>
    Array.from({ length: across }, () => Array.from({ length: 4 }, () => zeroSum(w, "f32"))),
  )
  const fromA = fragmentPlace(w, a, tile.depth, lane, firstRow)
  const fromB = fragmentPlace(w, b, tile.depth, lane, firstColumn)

  const buffer = w.variable("u32", shared)
  const other = w.variable("u32", w.op("add.u32", shared, size))
  for (const octet of octets) octet.keep(buffer, octet.read(begin))
  w.barrier()
  w.for(w.index, begin, end, tile.depth, (k0) => {
    const next = w.ix("add", k0, tile.depth)
    const read = octets.map((octet) => octet.read(next))
    const [atA, atB] = [w.op("add.u32", buffer, fromA), w.op("add.u32", buffer, fromB)]
    for (let k = 0; k < tile.depth; k += 16) {
      const fragmentsA = sums.map((_, i) => loadFragments(w, a, tile.depth, atA, 16 * i, k))
      for (let j = 0; j < across; j += 2) {
        const [b0, b1, b2, b3] = loadFragments(w, b, tile.depth, atB, 8 * j, k)
        for (const [i, fragment] of fragmentsA.entries()) {
          multiply(w, contraction, target, sums[i][j], fragment, [b0, b1])
          multiply(w, contraction, target, sums[i][j + 1], fragment, [b2, b3])
        }
      }
    }
    octets.forEach((octet, q) => {
      octet.keep(other, read[q])
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
  return w.finish(threads, targetOf(contraction.dtype, target))
}

/** bfloat16 and the instruction for 16 of the depth need sm_80. */
const targetOf = (dtype: DType, target: number): 75 | 80 => (dtype === "bfloat16" || target >= 80 ? 80 : 75)

/** Whether the tensor cores of a device multiply a type. */
export const inTensorCores = (dtype: DType, target: number): boolean =>
  dtype === "float16" ? target >= 75 : dtype === "bfloat16" && target >= 80

interface Octet {
  /** The words of eight neighbours, for the step that begins at `k0`. */
  readonly read: (k0: string) => readonly string[]
  /** Keeps them in the buffer that begins at an address. */
  readonly keep: (buffer: string, words: readonly string[]) => void
}

/** What of a side's tile a thread brings into shared memory. */
function octetsOf(w: Writer, tile: MmaTile, side: Side, sources: Sources, base: string, end: string): Octet[] {
  const threads = threadsOf(tile)
  const [line, lines] = lineOf(side, tile.depth)
  const perLine = line / OCTET
  const view = sources.view(side.name)
  type Depth = ReturnType<Sources["depth"]>
  const address = (part: string | SourceParts, depth: Depth): string =>
    typeof part === "string" ? sources.addressA(part, depth) : sources.addressB(part, depth)
  const inside = (part: string | SourceParts, depth: Depth, when: string): string =>
    typeof part === "string" ? when : sources.inside(part, depth, when)
  const half = (part: string | SourceParts, depth: Depth, when: string): string =>
    readHalf(w, view, address(part, depth), inside(part, depth, when))
  const joined = (halves: readonly string[]): string[] =>
    [0, 2, 4, 6].map((e) => w.op("bfi.b32", halves[e + 1], halves[e], 16, 16))
  return Array.from({ length: (lines * perLine) / threads }, (_, i): Octet => {
    const number = i === 0 ? w.thread : w.op("add.u32", w.thread, i * threads)
    const inLine = w.op("mul.lo.u32", w.op("rem.u32", number, perLine), OCTET)
    const ofLine = w.op("div.u32", number, perLine)
    const place = w.op("mad.lo.u32", w.op("mad.lo.u32", ofLine, line + PAD, inLine), BYTES, side.at)
    const keep: Octet["keep"] = (buffer, words) =>
      w.line(`st.shared.v4.b32 [${w.op("add.u32", buffer, place)}], {${words.join(", ")}}`)
    const index = (offset: string, e: number): string => w.toIndex(w.op("add.u32", w.op("add.u32", base, offset), e))
    const step = (k: string): { depth: Depth; when: string } => ({
      depth: sources.depth(k),
      when: w.op(`setp.lt.${w.index}`, k, end),
    })
    if (side.alongDepth) {
      const part = side.part(index(ofLine, 0))
      return {
        keep,
        read(k0) {
          const k = w.ix("add", k0, w.toIndex(inLine))
          const first = step(k)
          if (side.vector) return readWords(w, view, address(part, first.depth), 4, first.when)
          const steps = [first, ...[1, 2, 3, 4, 5, 6, 7].map((e) => step(w.ix("add", k, e)))]
          return joined(steps.map(({ depth, when }) => half(part, depth, when)))
        },
      }
    }
    const parts = Array.from({ length: side.vector ? 1 : OCTET }, (_, e) => side.part(index(inLine, e)))
    return {
      keep,
      read(k0) {
        const { depth, when } = step(w.ix("add", k0, w.toIndex(ofLine)))
        if (side.vector) return readWords(w, view, address(parts[0], depth), 4, when)
        return joined(parts.map((part) => half(part, depth, when)))
      },
    }
  })
}

/**
 * Where a lane's row of its matrix of 8×8 elements is in a buffer. Of the four matrices that a warp loads at once, lanes 0-7
 * name the rows of the first, and so on. For a the second and fourth are 8 further along the extent, the last two along the
 * depth; for b it is the other way round.
 */
function fragmentPlace(w: Writer, side: Side, depth: number, lane: string, first: string): string {
  const row = w.op("and.b32", lane, 7)
  const [odd, high] = [w.op("bfe.u32", lane, 3, 1), w.op("bfe.u32", lane, 4, 1)]
  const [alongExtent, alongDepth] = (side.name === "a" ? [odd, high] : [high, odd]).map((bit) =>
    w.op("shl.b32", bit, 3),
  )
  const inExtent = w.op("add.u32", first, alongExtent)
  const [line, inLine] = side.alongDepth
    ? [w.op("add.u32", inExtent, row), alongDepth]
    : [w.op("add.u32", alongDepth, row), inExtent]
  return w.op("mad.lo.u32", w.op("mad.lo.u32", line, pitchOf(side, depth), inLine), BYTES, side.at)
}

/** The four registers of 16 rows of a, or of 16 columns of b, by 16 of the depth. */
function loadFragments(w: Writer, side: Side, depth: number, at: string, extent: number, k: number): string[] {
  const pitch = pitchOf(side, depth)
  const offset = BYTES * (side.alongDepth ? extent * pitch + k : k * pitch + extent)
  const registers = Array.from({ length: 4 }, () => w.register("b32"))
  const turned = side.alongDepth ? "" : ".trans"
  w.line(`ldmatrix.sync.aligned.m8n8.x4${turned}.shared.b16 {${registers.join(", ")}}, [${at}+${offset}]`)
  return registers
}

/** sums += a·b, of 16 rows, 8 columns and 16 of the depth. */
function multiply(
  w: Writer,
  { dtype }: Contraction,
  target: number,
  sums: readonly string[],
  a: readonly string[],
  b: readonly string[],
): void {
  const type = dtype === "float16" ? "f16" : "bf16"
  const list = (registers: readonly string[]): string => `{${registers.join(", ")}}`
  const instruction = (shape: string, x: readonly string[], y: readonly string[]): void =>
    w.line(
      `mma.sync.aligned.${shape}.row.col.f32.${type}.${type}.f32 ${list(sums)}, ${list(x)}, ${list(y)}, ${list(sums)}`,
    )
  if (targetOf(dtype, target) === 80) instruction("m16n8k16", a, b)
  else for (const half of [0, 1]) instruction("m16n8k8", a.slice(2 * half, 2 * half + 2), [b[half]])
}
