/**
 * A unit of the gradient of the weights: for some rows (output channels), channels and taps, the sums over all images and positions of
 * the result's gradient times what the taps read. Sums stay vectors, one for each weight, until all positions are through.
 */
import { get, type Local } from "./assembler.ts"
import type { Code } from "./code.ts"
import { laneAccess, store } from "./code.ts"
import { copyAddress, copyBand, layOutBand, provideBand } from "./conv-band.ts"
import { DIMS, type ResultStride } from "./conv-frame.ts"
import { accumulate } from "./conv-products.ts"
import { handOn, inputArrays, resultArray } from "./conv-results.ts"
import { tabulatePositions, tabulateTaps } from "./conv-tables.ts"
import type { ConvUnit } from "./conv-unit.ts"
import { newPlace } from "./product-block.ts"
import { laneMask, sumLanes } from "./vector-code.ts"

/** The weights of a unit in each of its rows: some channels times some taps. */
interface Weights {
  readonly channel: Local
  readonly channels: Local
  readonly tap: Local
  readonly taps: Local
  /** How many those are. */
  readonly products: Local
}

export function weightUnit(u: ConvUnit): void {
  const { m } = u
  const weights = locate(u)
  const sumsRow = m.let(m.mul(weights.products, 16))
  const sumsAt = m.let(u.at("sums"))
  u.clear(sumsAt, m.add(u.at("sums"), m.mul(u.rows, sumsRow)))
  addUp(u, weights, sumsRow)
  addUpLanes(u, weights)
  finish(u, weights)
}

/** Takes the unit's number apart. */
function locate(u: ConvUnit): Weights {
  const { m } = u
  const [tap, channel] = u.locals(2)
  u.blockDigit(tap, "tapBlocks", "tapBlock")
  u.blockDigit(channel, "channelBlocks", "channelBlock")
  u.rowsAndGroup()
  for (const dim of DIMS) {
    m.set(u.dims[dim].residue, 0)
    u.readResidue(dim)
  }
  const channels = m.let(m.min(m.sub(u.slot("channels"), channel), u.slot("channelBlock")))
  const taps = m.let(m.min(m.sub(u.taps, tap), u.slot("tapBlock")))
  return { channel, channels, tap, taps, products: m.let(m.mul(channels, taps)) }
}

/** Goes through all images and positions, in blocks. */
function addUp(u: ConvUnit, { channel, channels, tap, taps, products }: Weights, sumsRow: Local): void {
  const { f, m } = u
  const { Depth, Height, Width } = u.dims
  const [band, other, image, images, bandImage] = u.locals(5)
  const [toImage, toRow, otherRow] = u.locals(3)
  const [one, k, copied] = u.locals(3)
  const addBlock = (): void => {
    u.cutPositions()
    layOutBand(u)
    const copyTo = m.let(copyAddress(u))
    m.set(bandImage, m.mul(channels, u.band.channelPitch))
    f.if(u.isSet("bandInPlace"), () => m.set(bandImage, u.slot("sourceImage")))
    // In order, for a copy may write a little behind its end.
    f.for(k, f.ptr(0), get(images), f.ptr(1), () => {
      m.set(one, m.add(image, k))
      provideBand(u, copied, one, channel, channels, m.add(copyTo, m.mul(k, bandImage)))
      f.if(m.eq(k, 0), () => m.set(band, copied))
    })
    provideGradient(u, { address: other, otherRow, toRow, toImage }, image, images)
    tabulateTaps(u, tap, taps, channels)
    const [wholeEnd, partEnd] = tabulatePositions(u, { images, bandImage, toImage, toRow })
    f.push(store("v128.store", u.at("mask"), laneMask(u.lanes, f.toI32(get(u.part)))))
    accumulate(u, {
      products,
      rows: u.rows,
      band,
      g: other,
      gRow: otherRow,
      sumsRow,
      wholeEnd,
      partEnd,
      scratch: u.scratch,
    })
  }
  m.set(image, 0)
  f.while(m.lt(image, u.slot("images")), () => {
    m.set(images, m.min(m.sub(u.slot("images"), image), u.slot("imageBlock")))
    f.for(Depth.from, f.ptr(0), get(Depth.positions), f.ptr(1), () => {
      f.for(Height.from, f.ptr(0), get(Height.positions), u.slot("heightBlock"), () => {
        f.for(Width.from, f.ptr(0), get(Width.positions), u.slot("widthBlock"), addBlock)
      })
    })
    m.advance(image, u.slot("imageBlock"))
  })
}

/** The result's gradient for a unit's positions: where it begins, and how far apart its rows, rows of positions and images are. */
interface Gradient {
  readonly address: Local
  readonly otherRow: Local
  readonly toRow: Local
  readonly toImage: Local
}

/** Sets `gradient` to where it stands, or to a copy. */
function provideGradient(u: ConvUnit, gradient: Gradient, image: Local, images: Local): void {
  const { f, m } = u
  const { address, otherRow, toRow, toImage } = gradient
  const from = m.let(
    m.add(
      m.add(u.slot("other"), m.mul(image, u.slot("otherImage"))),
      m.add(m.mul(u.group, u.slot("otherGroup")), m.mul(u.firstRow, u.slot("otherRow"))),
    ),
  )
  f.if(
    u.isSet("otherInPlace"),
    () => {
      m.set(address, from)
      for (const dim of DIMS) m.advance(address, m.mul(u.dims[dim].from, u.slot(`other${dim}`)))
      m.set(otherRow, u.slot("otherRow"))
      m.set(toRow, u.slot("otherHeight"))
      m.set(toImage, u.slot("otherImage"))
    },
    () => {
      m.set(address, u.at("other"))
      m.set(toRow, m.mul(u.vectors, 16))
      m.set(otherRow, m.mul(u.dims.Height.count, toRow))
      m.set(toImage, m.mul(u.rows, otherRow))
      const k = f.local("ptr")
      f.for(k, f.ptr(0), get(images), f.ptr(1), () => {
        const source = m.add(from, m.mul(k, u.slot("otherImage")))
        copyGradient(u, source, m.add(address, m.mul(k, toImage)))
      })
    },
  )
}

/** Copies one image's: a band whose channels are the rows, without residues. */
function copyGradient(u: ConvUnit, source: Code, target: Code): void {
  const { Depth, Height, Width } = u.dims
  copyBand(u, {
    source,
    channels: u.rows,
    channelStride: u.slot("otherRow"),
    depthStride: u.slot("otherDepth"),
    rowStride: u.slot("otherHeight"),
    columnStride: u.slot("otherWidth"),
    depths: Depth.positions,
    rows: Height.positions,
    columns: Width.positions,
    firstDepth: Depth.from,
    firstRow: Height.from,
    firstColumn: Width.from,
    bandDepths: 1,
    bandRows: Height.count,
    residues: 1,
    step: 1,
    perResidue: u.m.mul(u.vectors, u.lanes.count),
    target,
  })
}

/** Makes one number of each vector of sums. */
function addUpLanes(u: ConvUnit, { products }: Weights): void {
  const { f, m, lanes } = u
  const total = m.let(m.mul(u.rows, products))
  const [from, to] = [m.let(u.at("sums")), m.let(u.at("other"))]
  f.while(m.gt(total, 0), () => {
    const sum = sumLanes(f, lanes, f.load("v128.load", get(from)))
    f.push(laneAccess(`v128.store${lanes.bytes * 8}_lane`, get(to), sum, 0))
    m.advance(from, 16)
    m.advance(to, lanes.bytes)
    m.advance(total, -1)
  })
}

/** Hands the sums on: at once where a row of them is one run of the result, else weight by weight. */
function finish(u: ConvUnit, { channel, channels, tap, taps, products }: Weights): void {
  const { f, m, lanes } = u
  const { Height, Width } = u.dims
  const [out, result] = [newPlace(f), newPlace(f)]
  const arrays = inputArrays(u)
  const inputs = arrays.map(() => newPlace(f))
  const places = [out, ...inputs]
  const columns = f.local("ptr")
  const [c, t] = u.locals(2)
  m.set(result.address, u.at("other"))
  m.set(result.row, m.mul(products, lanes.bytes))
  m.set(result.column, lanes.bytes)
  const emit = (offset: (stride: (name: ResultStride) => Code) => Code): void => {
    ;[resultArray(u), ...arrays].forEach(({ address, stride }, k) => {
      const row = m.add(m.mul(u.group, stride("Group")), m.mul(u.firstRow, stride("Row")))
      m.set(places[k].address, m.add(address, row, offset(stride)))
      m.set(places[k].row, stride("Row"))
      m.set(places[k].column, stride("Width"))
    })
    handOn(u, { columns, result, out, inputs })
  }
  const all = (): void => {
    m.set(columns, products)
    emit((stride) => m.add(m.mul(channel, stride("Channel")), m.mul(tap, stride("Width"))))
  }
  const one = (): void => {
    const at = m.let(m.add(tap, t))
    const w = m.let(m.rem(at, Width.taps))
    const rest = m.let(m.div(at, Width.taps))
    const [h, d] = [m.let(m.rem(rest, Height.taps)), m.let(m.div(rest, Height.taps))]
    emit((stride) =>
      m.add(
        m.add(m.mul(m.add(channel, c), stride("Channel")), m.mul(d, stride("Depth"))),
        m.add(m.mul(h, stride("Height")), m.mul(w, stride("Width"))),
      ),
    )
    m.advance(result.address, lanes.bytes)
  }
  f.if(u.isSet("flatResult"), all, () => {
    m.set(columns, 1)
    f.for(c, f.ptr(0), get(channels), f.ptr(1), () => f.for(t, f.ptr(0), get(taps), f.ptr(1), one))
  })
}
