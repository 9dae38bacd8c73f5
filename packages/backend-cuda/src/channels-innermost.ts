/**
 * Copies of operands of convolutions in which channels are the innermost dim, so that neighbours can be read 16 bytes at a time
 * whatever the window is. What is copied is [outer, positions.., channels]; a tile of it goes through shared memory, since what is
 * read side by side is written far apart.
 */
import type { DType } from "@taeda/core"
import { bytesOf } from "./elements.ts"
import { countOf, isWide } from "./launch.ts"
import { BLOCK, launchOf, Variants } from "./planner.ts"
import { unravel } from "./points.ts"
import type { KernelLaunch, PlacedOperand } from "./program.ts"
import { bindInput, bindOutput, elementAddress, readElement, readHalf } from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

/** Types that are copied. */
export type CopiedType = Extract<DType, "float32" | "float16" | "bfloat16">
export const isCopied = (dtype: DType): dtype is CopiedType =>
  dtype === "float32" || dtype === "float16" || dtype === "bfloat16"

/** Bytes of channels in a tile, and of what a thread writes at once. */
const LINE = 128
const PIECE = 16
/** Bytes that a thread brings in at once. */
const WORD = 4
/** From a position's channels to the next one's in shared memory: an odd number of words, so that nothing meets in a bank. */
const PITCH = LINE + 4

/** Positions of a tile: a window has few. */
type TilePositions = 16 | 64
const positionsOf = (positions: number): TilePositions => (positions <= 16 ? 16 : 64)

/** `rank`: the number of dims of positions. */
function copyKernel(dtype: CopiedType, rank: number, across: TilePositions, wide: boolean): Emitted {
  const w = new Writer(wide)
  const bytes = bytesOf(dtype)
  const width = LINE / bytes
  const signed = wide ? "s64" : "s32"
  const from = bindInput(w, 0, dtype)
  const to = bindOutput(w, 1, dtype)
  const divisor = (name: string) => ({
    key: `by ${name}`,
    read: ({ own }: { own?: Readonly<Record<string, number>> }) => own![name],
  })
  const [outer, positionTile, channelTile] = unravel(w, w.toIndex(w.block()), [
    divisor("outer"),
    divisor("positionTiles"),
    divisor("channelTiles"),
  ])
  const [positions, channels] = [w.own("positions", w.index), w.own("channels", w.index)]
  const [firstPosition, firstChannel] = [w.ix("mul.lo", positionTile, across), w.ix("mul.lo", channelTile, width)]
  const below = (value: string, size: string): string => w.op(`setp.lt.${w.index}`, value, size)
  const shared = w.sharedMemory("tile", across * PITCH)

  // Neighbouring threads read neighbouring positions.
  const inTile = w.op("and.b32", w.thread, across - 1)
  const line = w.op("shr.u32", w.thread, Math.log2(across))
  const position = w.ix("add", firstPosition, w.toIndex(inTile))
  const hasPosition = below(position, positions)
  const coordinates = unravel(
    w,
    position,
    Array.from({ length: rank }, (_, d) => divisor(`size.${d}`)),
  )
  const start = coordinates.reduce(
    (sum, c, d) => w.ix("mad.lo", c, w.own(`stride.${d}`, signed), sum),
    w.ix("mul.lo", outer, w.own("outerStride", signed)),
  )
  const place = w.op("mad.lo.u32", inTile, PITCH, w.op("mad.lo.u32", line, WORD, shared))
  const [lines, inWord] = [BLOCK / across, WORD / bytes]
  const words = Array.from({ length: LINE / WORD / lines }, (_, i) => {
    const word = w.op("add.u32", line, i * lines)
    const channel = w.ix("add", firstChannel, w.toIndex(w.op("mul.lo.u32", word, inWord)))
    const when = w.op("and.pred", hasPosition, below(channel, channels))
    const elements = Array.from({ length: inWord }, (_, e) => {
      const at = e === 0 ? channel : w.ix("add", channel, e)
      const address = elementAddress(w, from, w.ix("mad.lo", at, w.own("channelStride", signed), start))
      return bytes === 2 ? readHalf(w, from, address, when) : readElement(w, from, address, when)
    })
    return inWord === 2 ? w.op("bfi.b32", elements[1], elements[0], 16, 16) : elements[0]
  })
  for (const [i, word] of words.entries())
    w.line(`st.shared.${inWord === 2 ? "b32" : "f32"} [${place}+${i * lines * WORD}], ${word}`)
  w.barrier()

  // Neighbouring threads write neighbouring channels.
  const pieces = LINE / PIECE
  const piece = w.op("and.b32", w.thread, pieces - 1)
  const channel = w.ix("add", firstChannel, w.toIndex(w.op("mul.lo.u32", piece, PIECE / bytes)))
  const hasChannel = below(channel, channels)
  for (let i = 0; i < (across * pieces) / BLOCK; i++) {
    const row = w.op("add.u32", w.op("shr.u32", w.thread, Math.log2(pieces)), (i * BLOCK) / pieces)
    const target = w.ix("add", firstPosition, w.toIndex(row))
    const kept = w.op("mad.lo.u32", row, PITCH, w.op("mad.lo.u32", piece, PIECE, shared))
    w.if(w.op("and.pred", hasChannel, below(target, positions)), () => {
      const words = [0, 4, 8, 12].map((offset) => w.op("ld.shared.b32", `[${kept}+${offset}]`))
      const before = w.ix("mad.lo", outer, positions, target)
      const address = elementAddress(w, to, w.ix("mad.lo", before, channels, channel))
      w.line(`st.global.v4.b32 [${address}], {${words.join(", ")}}`)
    })
  }
  return w.finish(BLOCK)
}

/** The kernels of a type's copies. */
export type Copies = Variants<readonly [rank: number, across: TilePositions, wide: boolean]>
export const copiesOf = (dtype: CopiedType): Copies =>
  new Variants((rank, across, wide) => copyKernel(dtype, rank, across as TilePositions, wide))

export interface Copy {
  /** The copy as an operand: its dims are those of what is copied. */
  readonly view: PlacedOperand
  readonly bytes: number
  /** Reads operand 0, and writes operand 1. */
  readonly launch: KernelLaunch
}

/**
 * An operand of at least two dims, of which the first or the second, `inner`, becomes the innermost, and the other the outermost. Its
 * size is a multiple of what 16 bytes hold.
 */
export function copyOf(copies: Copies, dtype: CopiedType, view: PlacedOperand, inner: 0 | 1): Copy {
  const { sizes, strides } = view
  const [dims, steps] = [sizes.slice(2), strides.slice(2)]
  const outer = 1 - inner
  const [channels, positions] = [sizes[inner], countOf(dims)]
  const dense = dims.map((_, d) => channels * countOf(dims.slice(d + 1)))
  const pair = inner === 1 ? [channels * positions, 1] : [1, channels * positions]
  const across = positionsOf(positions)
  const [positionTiles, channelTiles] = [Math.ceil(positions / across), Math.ceil((channels * bytesOf(dtype)) / LINE)]
  const own: Record<string, number> = {
    outer: sizes[outer],
    positions,
    channels,
    positionTiles,
    channelTiles,
    outerStride: strides[outer],
    channelStride: strides[inner],
  }
  for (const [d, size] of dims.entries()) {
    own[`size.${d}`] = size
    own[`stride.${d}`] = steps[d]
  }
  const launch = { sizes, operands: [view], scalars: [], own }
  const emitted = copies.get(dims.length, across, isWide(launch))
  return {
    view: { offset: 0, sizes, strides: [...pair, ...dense] },
    bytes: bytesOf(dtype) * countOf(sizes),
    launch: launchOf(emitted, launch, [sizes[outer] * positionTiles * channelTiles, 1, 1]),
  }
}
