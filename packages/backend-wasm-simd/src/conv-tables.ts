/**
 * Tables of byte offsets, through which tiles read: where the vectors of a unit's positions begin, in the band and in what belongs to
 * the positions, and how far each tap is from there, in the band and in the weights.
 */
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, call, type FunctionRef } from "./code.ts"
import { FROM_TO, OFFSET_BYTES } from "./conv-scratch.ts"
import type { ConvUnit } from "./conv-unit.ts"
import type { Lanes } from "./formats.ts"
import { parameters } from "./parameters.ts"
import { type Pointer, pointerMath } from "./pointer-math.ts"

/** An offset out of a table. */
export const loadOffset = (f: FunctionBuilder, table: Local, entry = 0): Code =>
  f.load(f.pointer === "i32" ? "i32.load" : "i64.load32_s", get(table), entry * OFFSET_BYTES)

export const storeOffset = (f: FunctionBuilder, table: Local, value: Code): void =>
  f.store(f.pointer === "i32" ? "i32.store" : "i64.store32", get(table), value)

const POSITIONS = parameters([
  "images",
  "rows",
  "first",
  "count",
  "fromImage",
  "fromRow",
  "toImage",
  "toRow",
  "from",
  "to",
])

/**
 * `positions(...) -> from's end`: tables of where `count` vectors of every row of every image begin, from `first` bytes on, in the
 * band and in what belongs to its positions.
 */
const positionsFunction = (module: ModuleBuilder): FunctionRef =>
  module.helper("positions", POSITIONS.types, ["i32"], (f, ...locals) => {
    const p = POSITIONS.named(locals)
    const m = pointerMath(f)
    const [image, row, v, fromAt, toAt] = Array.from({ length: 5 }, () => f.local("ptr"))
    f.for(image, f.ptr(0), get(p.images), f.ptr(1), () => {
      f.for(row, f.ptr(0), get(p.rows), f.ptr(1), () => {
        m.set(fromAt, m.add(m.mul(image, p.fromImage), m.mul(row, p.fromRow), p.first))
        m.set(toAt, m.add(m.mul(image, p.toImage), m.mul(row, p.toRow), p.first))
        f.for(v, f.ptr(0), get(p.count), f.ptr(1), () => {
          storeOffset(f, p.from, get(fromAt))
          storeOffset(f, p.to, get(toAt))
          m.advance(p.from, OFFSET_BYTES)
          m.advance(p.to, OFFSET_BYTES)
          m.advance(fromAt, 16)
          m.advance(toAt, 16)
        })
      })
    })
    f.push(f.toI32(get(p.from)))
  })

/** How many images a unit's positions are of, and how far apart those are in the band, and images and rows in what is theirs. */
export interface PositionsShape {
  readonly images: Pointer
  readonly bandImage: Pointer
  readonly toImage: Pointer
  readonly toRow: Pointer
}

/**
 * Tables of the positions of a unit; gives where the table of the whole vectors ends, and then that of the others. If `overlap`, the
 * last vector of a row that isn't whole is one that begins earlier and does some positions twice.
 */
export function tabulatePositions(u: ConvUnit, shape: PositionsShape, overlap?: Local): [Local, Local] {
  const { f, m, lanes } = u
  const { Height, Width } = u.dims
  const positions = positionsFunction(u.module)
  const fromRow = m.let(m.mul(u.band.pitch.Height, u.slot("stepHeight")))
  const table = (first: Pointer, count: Pointer, from: Pointer): Code => {
    const args = POSITIONS.arguments(m, {
      images: shape.images,
      rows: Height.count,
      first,
      count,
      fromImage: shape.bandImage,
      fromRow,
      toImage: shape.toImage,
      toRow: shape.toRow,
      from,
      to: m.add(from, FROM_TO),
    })
    return f.toPointer(call(positions, ...args))
  }
  const wholeEnd = m.let(table(0, u.whole, u.at("from")))
  const partEnd = m.let(wholeEnd)
  const append = (first: Code): void => m.set(partEnd, table(first, 1, partEnd))
  f.if(m.gt(u.part, 0), () => {
    if (!overlap) append(m.mul(u.whole, 16))
    else
      f.if(
        get(overlap),
        () => {
          append(m.mul(m.sub(Width.count, lanes.count), lanes.bytes))
          m.set(wholeEnd, partEnd)
        },
        () => append(m.mul(u.whole, 16)),
      )
  })
  return [wholeEnd, partEnd]
}

const TAPS = parameters([
  "firstTap",
  "count",
  "channels",
  "rowTaps",
  "columnTaps",
  "depthFirst",
  "depthStep",
  "rowFirst",
  "rowStep",
  "columnFirst",
  "columnStep",
  "residueStep",
  "residuePitch",
  "channelPitch",
  "weightDepth",
  "weightRow",
  "weightColumn",
  "taps",
  "weights",
])

/**
 * `taps(...)`: offsets of the taps firstTap to firstTap + count − 1 of every channel in a band, and in the weights of one channel. A
 * tap's column, in elements, is split into its residue and the rest.
 */
const tapsFunction = (module: ModuleBuilder, { bytes }: Lanes): FunctionRef =>
  module.helper("taps", TAPS.types, [], (f, ...locals) => {
    const p = TAPS.named(locals)
    const m = pointerMath(f)
    const [t, d, h, w, x, first, channel] = Array.from({ length: 7 }, () => f.local("ptr"))
    m.set(first, p.taps)
    f.for(t, get(p.firstTap), m.add(p.firstTap, p.count), f.ptr(1), () => {
      m.set(w, m.rem(t, p.columnTaps))
      m.set(x, m.div(t, p.columnTaps))
      m.set(h, m.rem(x, p.rowTaps))
      m.set(d, m.div(x, p.rowTaps))
      storeOffset(f, p.weights, m.add(m.mul(d, p.weightDepth), m.mul(h, p.weightRow), m.mul(w, p.weightColumn)))
      m.set(x, m.add(p.columnFirst, m.mul(w, p.columnStep)))
      const column = m.add(m.mul(m.rem(x, p.residueStep), p.residuePitch), m.mul(m.div(x, p.residueStep), bytes))
      const rows = m.add(m.add(p.depthFirst, m.mul(d, p.depthStep)), m.add(p.rowFirst, m.mul(h, p.rowStep)))
      storeOffset(f, p.taps, m.add(rows, column))
      m.advance(p.taps, OFFSET_BYTES)
      m.advance(p.weights, OFFSET_BYTES)
    })
    f.for(channel, f.ptr(1), get(p.channels), f.ptr(1), () => {
      f.for(t, f.ptr(0), get(p.count), f.ptr(1), () => {
        storeOffset(f, p.taps, m.add(loadOffset(f, first), p.channelPitch))
        m.advance(p.taps, OFFSET_BYTES)
        m.advance(first, OFFSET_BYTES)
      })
    })
  })

/** The tables of offsets of some taps of some channels. */
export function tabulateTaps(u: ConvUnit, firstTap: Local, count: Local, channels: Local): void {
  const { m, band } = u
  const { Depth, Height, Width } = u.dims
  const args = TAPS.arguments(m, {
    firstTap,
    count,
    channels,
    rowTaps: Height.taps,
    columnTaps: Width.taps,
    depthFirst: m.mul(Depth.first, band.pitch.Depth),
    depthStep: m.mul(u.slot("tapDepth"), band.pitch.Depth),
    rowFirst: m.mul(Height.first, band.pitch.Height),
    rowStep: m.mul(u.slot("tapHeight"), band.pitch.Height),
    columnFirst: Width.first,
    columnStep: u.slot("tapWidth"),
    residueStep: u.slot("stepWidth"),
    residuePitch: band.residuePitch,
    channelPitch: band.channelPitch,
    weightDepth: m.mul(u.slot("otherDepth"), u.slot("kernelStepDepth")),
    weightRow: m.mul(u.slot("otherHeight"), u.slot("kernelStepHeight")),
    weightColumn: m.mul(u.slot("otherWidth"), u.slot("kernelStepWidth")),
    taps: u.at("taps"),
    weights: u.at("weightOffsets"),
  })
  u.f.push(call(tapsFunction(u.module, u.lanes), ...args))
}
