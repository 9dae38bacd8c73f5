/** A unit of a correlation: forward, or of the gradient of the input, for one block of positions of one residue. */
import type { Local } from "./assembler.ts"
import { type Code, i32, op } from "./code.ts"
import { copyAddress, layOutBand, provideBand } from "./conv-band.ts"
import { DIMS } from "./conv-frame.ts"
import { packWeights } from "./conv-panels.ts"
import { correlate } from "./conv-products.ts"
import { handOn, inputArrays, placeAtPositions, resultArray, rowStep } from "./conv-results.ts"
import { tabulatePositions, tabulateTaps } from "./conv-tables.ts"
import type { ConvUnit, Kept } from "./conv-unit.ts"
import type { Pointer } from "./pointer-math.ts"
import { newPlace, type Place } from "./product-block.ts"

/** Must stand directly in a block, which it leaves if the unit is empty. */
export function correlationUnit(u: ConvUnit, kept: Kept): void {
  const { f, m } = u
  const [image, key] = u.locals(2)
  locate(u, image, key)
  u.cutPositions()
  // A residue may have fewer positions than others.
  for (const dim of DIMS) f.branchIf(0, m.lt(u.dims[dim].count, 1))
  layOutBand(u)

  const taps = m.let(u.taps)
  const out = newPlace(f)
  placeAtPositions(u, out, resultArray(u), image)
  const sums = placeSums(u, out)
  const ends = providePositions(u, kept, taps, sums.toRow)
  multiply(u, kept, { image, key, taps, sums, ends })
  finish(u, image, out, sums)
}

/** Takes the unit's number apart. */
function locate(u: ConvUnit, image: Local, key: Local): void {
  const { Depth, Height, Width } = u.dims
  u.blockDigit(Width.from, "widthBlocks", "widthBlock")
  u.blockDigit(Height.from, "heightBlocks", "heightBlock")
  u.digit(Depth.from, u.slot("depthPositions"))
  u.digit(image, u.slot("images"))
  u.m.set(key, u.rest)
  for (const dim of ["Width", "Height", "Depth"] as const) {
    u.digit(u.dims[dim].residue, u.slot(`residues${dim}`))
    u.readResidue(dim)
  }
  u.rowsAndGroup()
}

/** Where the sums of a unit are: byte strides of rows of the product, and of rows of positions. */
interface Sums {
  readonly address: Local
  readonly row: Local
  readonly toRow: Local
}

/** Sums are in the result itself where they can be; in scratch memory all vectors are whole. */
function placeSums(u: ConvUnit, out: Place): Sums {
  const { m } = u
  const [address, row, toRow] = u.locals(3)
  u.f.if(
    u.isSet("resultInPlace"),
    () => {
      m.set(address, out.address)
      m.set(row, out.row)
      m.set(toRow, rowStep(u, resultArray(u)))
    },
    () => {
      m.set(address, u.at("sums"))
      m.set(toRow, m.mul(u.vectors, 16))
      m.set(row, m.mul(u.dims.Height.count, toRow))
      m.set(u.whole, u.vectors)
      m.set(u.part, 0)
    },
  )
  return { address, row, toRow }
}

/** Tables of the positions, if those of the unit before are of another shape. */
function providePositions(u: ConvUnit, kept: Kept, taps: Local, toRow: Local): readonly [Local, Local] {
  const { f, m } = u
  // Doing positions twice is harmless where nothing is added to them later.
  const oneBlock = op("i32.and", m.ge(u.slot("channelBlock"), u.slot("channels")), m.ge(u.slot("tapBlock"), taps))
  const overlap = f.let("i32", op("i32.and", oneBlock, m.gt(u.whole, 0)))
  const shape = [u.dims.Height.count, u.dims.Width.count, u.band.pitch.Height, toRow]
  const same = shape.map((part, k) => m.eq(part, kept.shape[k])).reduce((a, b) => op("i32.and", a, b))
  const [wholeEnd, partEnd] = u.locals(2)
  f.if(op("i32.eqz", same), () => {
    const ends = tabulatePositions(u, { images: 1, bandImage: 0, toImage: 0, toRow }, overlap)
    m.set(wholeEnd, ends[0])
    m.set(partEnd, ends[1])
    shape.forEach((part, k) => {
      m.set(kept.shape[k], part)
    })
  })
  return [wholeEnd, partEnd]
}

interface Multiplication {
  readonly image: Local
  readonly key: Local
  readonly taps: Local
  readonly sums: Sums
  readonly ends: readonly [wholeEnd: Local, partEnd: Local]
}

/** All products of a unit, in blocks of channels and of taps, whose sums are added up. */
function multiply(u: ConvUnit, kept: Kept, { image, key, taps, sums, ends }: Multiplication): void {
  const { f, m } = u
  const add = f.let("i32", i32(0))
  const [band, weights] = u.locals(2)
  m.set(weights, weightsAt(u))
  forBlocks(u, u.slot("channels"), u.slot("channelBlock"), (channel, channels) => {
    provideBand(u, band, image, channel, channels, copyAddress(u))
    forBlocks(u, taps, u.slot("tapBlock"), (tap, tapCount) => {
      tabulateTaps(u, tap, tapCount, channels)
      const depth = m.let(m.mul(tapCount, channels))
      const isAll = op("i32.and", m.ge(channels, u.slot("channels")), m.ge(tapCount, taps))
      f.if(
        op("i32.and", isAll, m.eq(kept.packed, key)),
        () => {},
        () => {
          const from = m.let(m.add(weights, m.mul(channel, u.slot("otherChannel"))))
          packWeights(u, from, channels, tapCount, depth)
          m.set(kept.packed, key)
        },
      )
      const [wholeEnd, partEnd] = ends
      correlate(u, { depth, rows: u.rows, band, c: sums.address, cRow: sums.row, wholeEnd, partEnd, add })
      f.set(add, i32(1))
    })
  })
}

/** The address of a unit's first row of weights, and of the residue's first tap. */
function weightsAt(u: ConvUnit): Code {
  const { m } = u
  const { Depth, Height, Width } = u.dims
  const row = m.add(u.slot("other"), m.mul(u.group, u.slot("otherGroup")), m.mul(u.firstRow, u.slot("otherRow")))
  return m.add(row, m.add(Depth.weight, Height.weight, Width.weight))
}

/** Runs `body` for `from`, `from + block`, ... below `size`, at least once, with how much is left up to a block. */
function forBlocks(u: ConvUnit, size: Pointer, block: Code, body: (from: Local, count: Local) => void): void {
  const { m } = u
  const [from, count] = u.locals(2)
  m.set(from, 0)
  u.f.doWhile(
    () => {
      m.set(count, m.min(m.sub(size, from), block))
      body(from, count)
      m.advance(from, block)
    },
    m.lt(from, size),
  )
}

/** Hands a unit's sums on, row by row of positions, or at once where that is one run. */
function finish(u: ConvUnit, image: Local, out: Place, sums: Sums): void {
  const { f, m } = u
  const arrays = inputArrays(u)
  const inputs = arrays.map((array) => {
    const place = newPlace(f)
    placeAtPositions(u, place, array, image)
    return place
  })
  const columns = m.let(u.dims.Width.count)
  const times = m.let(u.dims.Height.count)
  f.if(u.isSet("flatResult"), () => {
    m.set(columns, m.mul(columns, times))
    m.set(times, 1)
  })
  const result = { address: m.let(sums.address), row: sums.row, column: f.local("ptr") }
  m.set(result.column, u.lanes.bytes)
  // In place, the sums of a flat block are as far apart as the results.
  f.if(u.isSet("resultInPlace"), () => m.set(result.column, out.column))
  f.while(m.gt(times, 0), () => {
    const block = { columns, result, out, inputs }
    // Without an epilogue, sums in place are the results.
    if (u.epilogue) handOn(u, block)
    else f.if(op("i32.eqz", u.isSet("resultInPlace")), () => handOn(u, block))
    m.advance(result.address, sums.toRow)
    m.advance(out.address, rowStep(u, resultArray(u)))
    inputs.forEach((place, k) => {
      m.advance(place.address, rowStep(u, arrays[k]))
    })
    m.advance(times, -1)
  })
}
