/**
 * A unit of the gradient of an input that is folded: every tap's contributions to some channels of an image are one product with the
 * whole source, and are then added up in the image. No padding is multiplied.
 */
import { get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, call, type FunctionRef, i32, laneAccess, load, op, store } from "./code.ts"
import { layOutBand, provideBand } from "./conv-band.ts"
import { DIMS, type DimName } from "./conv-frame.ts"
import { packRun } from "./conv-panels.ts"
import { correlate } from "./conv-products.ts"
import { handOn, inputArrays, type ResultArray, resultArray } from "./conv-results.ts"
import { tabulatePositions, tabulateTaps } from "./conv-tables.ts"
import { type ConvUnit, type Kept, type PerDim, perDim } from "./conv-unit.ts"
import type { Lanes } from "./formats.ts"
import { parameters } from "./parameters.ts"
import { pointerMath } from "./pointer-math.ts"
import { newPlace, type Place } from "./product-block.ts"

export function foldedUnit(u: ConvUnit, kept: Kept): void {
  const [image, key] = u.locals(2)
  u.digit(image, u.slot("images"))
  u.m.set(key, u.rest)
  u.rowsAndGroup()
  seeWholeSource(u)
  layOutBand(u)
  const toRow = multiply(u, kept, image, key)
  finish(u, image, fold(u, toRow))
}

/** Makes the band the whole source, seen through one tap. */
function seeWholeSource(u: ConvUnit): void {
  const { m, lanes } = u
  const { Depth, Height, Width } = u.dims
  for (const dim of DIMS) {
    const { taps, first, from, coordinate, reach } = u.dims[dim]
    m.set(taps, 1)
    for (const local of [first, from, coordinate, reach]) m.set(local, 0)
  }
  m.set(Depth.count, u.slot("sourceDepths"))
  m.set(Height.count, u.slot("sourceHeights"))
  m.set(Width.count, u.slot("sourceWidths"))
  m.set(Depth.reach, m.sub(Depth.count, 1))
  m.set(u.vectors, m.div(m.add(Width.count, lanes.count - 1), lanes.count))
  m.set(u.whole, u.vectors)
  m.set(u.part, 0)
}

/** All taps' contributions: a row of products for every channel and tap. Gives how far apart rows of positions are. */
function multiply(u: ConvUnit, kept: Kept, image: Local, key: Local): Local {
  const { f, m } = u
  const { Depth, Height } = u.dims
  const toRow = m.let(m.mul(u.vectors, 16))
  const toDepth = m.let(m.mul(Height.count, toRow))
  const sumsRow = m.let(m.mul(Depth.count, toDepth))
  // The source's depths take the place of images.
  const [wholeEnd, partEnd] = tabulatePositions(u, {
    images: Depth.count,
    bandImage: u.band.pitch.Depth,
    toImage: toDepth,
    toRow,
  })
  const [zero, one, channels] = [m.let(0), m.let(1), m.let(u.slot("channels"))]
  const band = f.local("ptr")
  provideBand(u, band, image, zero, channels, u.at("band"))
  tabulateTaps(u, zero, one, channels)
  const taps = m.let(m.mul(m.mul(u.slot("kernelDepth"), u.slot("kernelHeight")), u.slot("kernelWidth")))
  const products = m.let(m.mul(u.rows, taps))
  f.if(f.op("ptr.ne", get(kept.packed), get(key)), () => {
    const group = m.mul(u.group, u.slot("otherGroup"))
    const from = m.add(u.slot("other"), group, m.mul(u.firstRow, u.slot("otherRow")))
    const run = { from, rows: products, rowStride: u.slot("foldedWeight") }
    packRun(u, run, { count: channels, stride: u.slot("otherChannel") })
    m.set(kept.packed, key)
  })
  correlate(u, {
    depth: channels,
    rows: products,
    band,
    c: u.at("sums"),
    cRow: sumsRow,
    wholeEnd,
    partEnd,
    add: i32(0),
  })
  return toRow
}

/** Padded images in scratch memory: how far apart, in bytes, neighbouring coordinates are, and channels. */
interface FoldedImages {
  readonly pitch: PerDim<Local>
  readonly plane: Local
}

/** Adds the contributions up, `toRow` bytes being between their rows of positions. */
function fold(u: ConvUnit, toRow: Local): FoldedImages {
  const { f, m } = u
  const { Depth, Height, Width } = u.dims
  const pitch = perDim(() => f.local("ptr"))
  m.set(pitch.Width, u.lanes.bytes)
  m.set(pitch.Height, m.mul(u.slot("imageWidth"), pitch.Width))
  m.set(pitch.Depth, m.mul(u.slot("imageHeight"), pitch.Height))
  const plane = m.let(m.mul(u.slot("imageDepth"), pitch.Depth))
  const at = m.let(u.at("other"))
  const end = m.let(m.add(at, m.mul(u.rows, plane)))
  u.clear(at, end)
  const apart = (name: "resultStep" | "dilation", dim: DimName): Code => m.mul(u.slot(`${name}${dim}`), pitch[dim])
  const args = FOLD.arguments(m, {
    channels: u.rows,
    kernelDepth: u.slot("kernelDepth"),
    kernelHeight: u.slot("kernelHeight"),
    kernelWidth: u.slot("kernelWidth"),
    depths: Depth.count,
    rows: Height.count,
    columns: Width.count,
    from: u.at("sums"),
    fromRow: toRow,
    to: u.at("other"),
    toChannel: plane,
    toDepth: apart("resultStep", "Depth"),
    toRow: apart("resultStep", "Height"),
    tapDepth: apart("dilation", "Depth"),
    tapRow: apart("dilation", "Height"),
    tapColumn: apart("dilation", "Width"),
    step: apart("resultStep", "Width"),
  })
  f.push(call(foldFunction(u.module, u.lanes), ...args))
  return { pitch, plane }
}

/** Hands the images on, without their padding, row by row. */
function finish(u: ConvUnit, image: Local, { pitch, plane }: FoldedImages): void {
  const { f, m } = u
  const [out, result] = [newPlace(f), newPlace(f)]
  const arrays = inputArrays(u)
  const inputs = arrays.map(() => newPlace(f))
  const columns = m.let(u.slot("extentWidth"))
  const [d, h] = u.locals(2)
  const placeAtRow = (place: Place, { address, stride }: ResultArray): void => {
    const rows = m.add(m.mul(u.group, stride("Group")), m.mul(u.firstRow, stride("Row")))
    const position = m.add(m.mul(d, stride("Depth")), m.mul(h, stride("Height")))
    m.set(place.address, m.add(address, m.mul(image, stride("Image")), rows, position))
    m.set(place.row, stride("Row"))
    m.set(place.column, stride("Width"))
  }
  m.set(result.row, plane)
  m.set(result.column, u.lanes.bytes)
  f.for(d, f.ptr(0), u.slot("extentDepth"), f.ptr(1), () => {
    f.for(h, f.ptr(0), u.slot("extentHeight"), f.ptr(1), () => {
      const first = m.mul(u.slot("paddingWidth"), pitch.Width)
      const row = m.mul(m.add(h, u.slot("paddingHeight")), pitch.Height)
      const depth = m.mul(m.add(d, u.slot("paddingDepth")), pitch.Depth)
      m.set(result.address, m.add(u.at("other"), first, row, depth))
      placeAtRow(out, resultArray(u))
      inputs.forEach((place, k) => {
        placeAtRow(place, arrays[k])
      })
      handOn(u, { columns, result, out, inputs })
    })
  })
}

const FOLD = parameters([
  "channels",
  "kernelDepth",
  "kernelHeight",
  "kernelWidth",
  "depths",
  "rows",
  "columns",
  "from",
  "fromRow",
  "to",
  "toChannel",
  "toDepth",
  "toRow",
  "tapDepth",
  "tapRow",
  "tapColumn",
  "step",
])

/**
 * `fold(...)`: for every channel and tap, `depths` × `rows` rows of `columns` numbers, one behind the other and `fromRow` bytes apart,
 * are added to the channel's image: neighbouring numbers `step` bytes apart there, rows `toRow`, and each tap by so much further.
 */
function foldFunction(module: ModuleBuilder, lanes: Lanes): FunctionRef {
  return module.helper("fold", FOLD.types, [], (f, ...locals) => {
    const p = FOLD.named(locals)
    const m = pointerMath(f)
    const [c, kd, kh, kw, d, h, at, source, left, base] = Array.from({ length: 10 }, () => f.local("ptr"))
    const add = (x: Code, y: Code): Code => op(`${lanes.shape}.add`, x, y)
    const bits = lanes.bytes * 8
    const addVectors = (): void =>
      f.while(m.ge(left, lanes.count), () => {
        f.push(store("v128.store", get(at), add(load("v128.load", get(at)), load("v128.load", get(source)))))
        m.advance(at, 16)
        m.advance(source, 16)
        m.advance(left, -lanes.count)
      })
    const addOne = (): void => {
      const [x, y] = [load(`v128.load${bits}_zero`, get(at)), load(`v128.load${bits}_zero`, get(source))]
      f.push(laneAccess(`v128.store${bits}_lane`, get(at), add(x, y), 0))
      m.advance(at, p.step)
      m.advance(source, lanes.bytes)
      m.advance(left, -1)
    }
    const addRow = (): void => {
      m.set(source, p.from)
      m.set(left, p.columns)
      f.if(m.eq(p.step, lanes.bytes), addVectors)
      f.while(m.gt(left, 0), addOne)
      m.advance(p.from, p.fromRow)
    }
    const up = (i: Local, to: Local, body: () => void): void => f.for(i, f.ptr(0), get(to), f.ptr(1), body)
    up(c, p.channels, () => {
      up(kd, p.kernelDepth, () =>
        up(kh, p.kernelHeight, () =>
          up(kw, p.kernelWidth, () => {
            const taps = m.add(m.mul(kd, p.tapDepth), m.mul(kh, p.tapRow), m.mul(kw, p.tapColumn))
            m.set(base, m.add(p.to, taps))
            up(d, p.depths, () => {
              const row = m.let(m.add(base, m.mul(d, p.toDepth)))
              up(h, p.rows, () => {
                m.set(at, row)
                addRow()
                m.advance(row, p.toRow)
              })
            })
          }),
        ),
      )
      m.advance(p.to, p.toChannel)
    })
  })
}
