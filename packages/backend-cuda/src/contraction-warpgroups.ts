/** Products of warpgroups (`wgmma`), which read both factors from shared memory; and how the results of tensor cores are stored in pieces. */
import { type BatchParts, storeSums, type Writing } from "./contraction.ts"
import type { Factors, WarpSums } from "./contraction-mma.ts"
import type { Writer } from "./writer.ts"

/** Lines in shared memory, in bytes, whose pieces are exchanged. */
export const LINE = 128
/** A piece is what a copy brings in. */
export const PIECE = 16
/** Where the matrices of warpgroups begin. */
export const ALIGN = 1024
/** A warpgroup's rows, as bytes of lines along the depth, and as those of a panel. */
export const GROUP_BYTES = 64 * LINE

/** Multiplies a stage; `meanwhile` is written where copies should be started. */
export type Products = (stage: string, meanwhile: () => void) => void

/** A side's tile in a stage, as descriptors tell of it. */
export interface GroupSide {
  readonly extent: number
  readonly alongDepth: boolean
  /** Where it begins in a stage, in bytes. */
  readonly at: number
}

/** What descriptors say besides the address: pieces of lines of 128 bytes are exchanged; bytes from eight lines to the next, and from panel to panel. */
const descriptor = (alongDepth: boolean): bigint => {
  const [leading, stride] = [alongDepth ? 1 : GROUP_BYTES / PIECE, (8 * LINE) / PIECE]
  return (1n << 62n) | (BigInt(stride) << 32n) | (BigInt(leading) << 16n)
}

/** Products of warpgroups, of which one is still being made while the next is begun. */
export function groupProducts(
  w: Writer,
  { type, bytes }: Factors,
  a: GroupSide,
  b: GroupSide,
  group: string,
  sums: readonly (readonly string[])[],
): Products {
  const places = [
    { side: a, place: w.op("mad.lo.u32", group, GROUP_BYTES, a.at) },
    { side: b, place: w.op("mov.u32", b.at) },
  ]
  const registers = sums.flat()
  const always = w.truth(true)
  // Words are never turned.
  const turned = bytes === 2 ? [a, b].map(({ alongDepth }) => Number(!alongDepth)) : []
  const depth = 32 / bytes
  return (stage, meanwhile) => {
    const starts = places.map(({ side, place }) => {
      const address = w.op("shr.u32", w.op("add.u32", stage, place), Math.log2(PIECE))
      return { side, bits: w.op("or.b64", w.op("cvt.u64.u32", address), `${descriptor(side.alongDepth)}`) }
    })
    w.line("wgmma.fence.sync.aligned")
    for (let step = 0; step < LINE / 32; step++) {
      const [x, y] = starts.map(({ side, bits }) => {
        const further = step * (side.alongDepth ? 32 : depth * LINE)
        return step === 0 ? bits : w.op("add.u64", bits, further / PIECE)
      })
      w.line(
        `wgmma.mma_async.sync.aligned.m64n${b.extent}k${depth}.f32.${type}.${type} {${registers.join(", ")}}, ${[x, y, always, 1, 1, ...turned].join(", ")}`,
      )
    }
    w.line("wgmma.commit_group.sync.aligned")
    meanwhile()
    w.line("wgmma.wait_group.sync.aligned 1")
  }
}

/** Stores the sums of a tile of which each lane has what tensor cores leave to it. */
export function storeTile(
  writing: Writing,
  batch: BatchParts,
  { z, m0, n0 }: { readonly z: string; readonly m0: string; readonly n0: string },
  mine: { readonly lane: string; readonly firstRow: string; readonly firstColumn: string; readonly sums: WarpSums },
  split: boolean,
  /** How many columns the output has aligned side by side. */
  together: 1 | 2 | 8,
): void {
  const { w } = writing
  const { lane, firstRow, firstColumn, sums } = mine
  const [down, across] = [sums.length, sums[0].length]
  // A lane has two rows and two neighbouring columns of each product; of four products, it can have eight of one row instead.
  const gathers = together === 8 && !split && across % 4 === 0
  const [quad, inQuad] = [w.op("shr.u32", lane, 2), w.op("and.b32", lane, 3)]
  const row = w.op("add.u32", w.op("add.u32", m0, firstRow), quad)
  const column = w.op("mad.lo.u32", inQuad, gathers ? 8 : 2, w.op("add.u32", n0, firstColumn))
  const ofRows = Array.from({ length: 2 * down }, (_, i) =>
    sums[i >> 1].map((four) => four.slice(2 * (i & 1), 2 * (i & 1) + 2)),
  )
  storeSums(writing, batch, {
    z,
    split,
    rows: ofRows.map((_, i) => w.op("add.u32", row, 8 * i)),
    columns: Array.from({ length: 2 * across }, (_, j) =>
      w.op("add.u32", column, gathers ? 32 * (j >> 3) + (j & 7) : 8 * (j >> 1) + (j & 1)),
    ),
    sums: ofRows.map((pairs) => (gathers ? gathered(w, lane, pairs) : pairs.flat())),
    together: gathers ? 8 : together === 1 ? 1 : 2,
  })
}

/** From pairs of columns of many products to eight columns of one of each four: lanes of a quad exchange theirs. */
function gathered(w: Writer, lane: string, pairs: readonly (readonly string[])[]): string[] {
  const bits = [1, 2].map((bit) => w.op("setp.ne.u32", w.op("and.b32", lane, bit), 0))
  const swapped = (apart: 1 | 2, four: readonly (readonly string[])[]): string[][] => {
    const isUpper = bits[apart - 1]
    const out: string[][] = [[], [], [], []]
    for (let t = 0; t < 4; t++) {
      if (t & apart) continue
      for (const [e, low] of four[t].entries()) {
        const high = four[t + apart][e]
        const sent = w.op("selp.f32", low, high, isUpper)
        const came = w.register("f32")
        w.line(`shfl.sync.bfly.b32 ${came}, ${sent}, ${apart}, 31, 0xffffffff`)
        out[t][e] = w.op("selp.f32", came, low, isUpper)
        out[t + apart][e] = w.op("selp.f32", high, came, isUpper)
      }
    }
    return out
  }
  return Array.from({ length: pairs.length / 4 }, (_, g) =>
    swapped(2, swapped(1, pairs.slice(4 * g, 4 * g + 4))).flat(),
  ).flat()
}
