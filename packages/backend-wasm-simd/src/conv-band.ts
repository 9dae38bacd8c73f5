/**
 * The band of a unit: the part of the source that its positions' taps read. It is read where it stands, or is a padded copy. Nothing
 * like im2col is ever made: neighbouring positions share what they read.
 */
import { type FunctionBuilder, get, type Local, type ModuleBuilder, select } from "./assembler.ts"
import { type Code, call, type FunctionRef, laneAccess, op, store } from "./code.ts"
import { DIMS } from "./conv-frame.ts"
import type { ConvUnit } from "./conv-unit.ts"
import type { Format } from "./formats.ts"
import { parameters } from "./parameters.ts"
import { type PointerMath, pointerMath } from "./pointer-math.ts"
import { Elements } from "./product-elements.ts"
import { zeros } from "./vector-code.ts"

/** The layout of a unit's band: the source's own, or that of a copy. */
export function layOutBand(u: ConvUnit): void {
  const { f, m, lanes, band } = u
  const { Depth, Height, Width } = u.dims
  const step = u.slot("stepWidth")
  f.if(
    u.isSet("bandInPlace"),
    () => {
      for (const dim of DIMS) m.set(band.pitch[dim], u.slot(`source${dim}`))
      m.set(band.channelPitch, u.slot("sourceChannel"))
      m.set(band.residuePitch, 0)
    },
    () => {
      m.set(band.perResidue, m.add(m.mul(u.vectors, lanes.count), m.div(Width.reach, step)))
      m.set(band.residuePitch, m.mul(band.perResidue, lanes.bytes))
      m.set(band.residues, m.min(step, m.add(Width.reach, 1)))
      m.set(band.pitch.Height, m.mul(band.residues, band.residuePitch))
      m.set(band.rows, m.add(m.mul(m.sub(Height.count, 1), u.slot("stepHeight")), m.add(Height.reach, 1)))
      m.set(band.pitch.Depth, m.mul(band.rows, band.pitch.Height))
      m.set(band.depths, m.add(Depth.reach, 1))
      m.set(band.channelPitch, m.mul(band.depths, band.pitch.Depth))
    },
  )
}

/** The address of an image's group of channels, from channel `channel` on. */
function sourceAt(u: ConvUnit, image: Local, channel: Local): Code {
  const { m } = u
  const channels = m.add(m.mul(u.group, u.slot("channels")), channel)
  return m.add(u.slot("source"), m.mul(image, u.slot("sourceImage")), m.mul(channels, u.slot("sourceChannel")))
}

/** Where a copy goes: to the launch's temporary memory, if it has some, or to the thread's own. */
export function copyAddress(u: ConvUnit): Code {
  const given = u.slot("band")
  return select(u.f.op("ptr.ne", given, u.f.ptr(0)), given, u.at("band"))
}

/** Sets `at` to where the band of an image begins, for `channels` channels, after making the copy, at `copyTo`, if it is one. */
export function provideBand(u: ConvUnit, at: Local, image: Local, channel: Local, channels: Local, copyTo: Code): void {
  const { f, m, band } = u
  const { Depth, Height, Width } = u.dims
  f.if(
    u.isSet("bandInPlace"),
    () => {
      m.set(at, sourceAt(u, image, channel))
      for (const dim of DIMS) m.advance(at, m.mul(u.dims[dim].coordinate, u.slot(`source${dim}`)))
    },
    () => {
      m.set(at, copyTo)
      copyBand(u, {
        source: sourceAt(u, image, channel),
        channels,
        channelStride: u.slot("sourceChannel"),
        depthStride: u.slot("sourceDepth"),
        rowStride: u.slot("sourceHeight"),
        columnStride: u.slot("sourceWidth"),
        depths: u.slot("sourceDepths"),
        rows: u.slot("sourceHeights"),
        columns: u.slot("sourceWidths"),
        firstDepth: Depth.coordinate,
        firstRow: Height.coordinate,
        firstColumn: Width.coordinate,
        bandDepths: band.depths,
        bandRows: band.rows,
        residues: band.residues,
        step: u.slot("stepWidth"),
        perResidue: band.perResidue,
        target: at,
      })
    },
  )
}

const COPY = parameters([
  "source",
  "channels",
  "channelStride",
  "depthStride",
  "rowStride",
  "columnStride",
  "depths",
  "rows",
  "columns",
  "firstDepth",
  "firstRow",
  "firstColumn",
  "bandDepths",
  "bandRows",
  "residues",
  "step",
  "perResidue",
  "target",
])
type CopyLocals = ReturnType<typeof COPY.named>

/**
 * For every channel, copies `bandDepths` × `bandRows` rows of an image from (firstDepth, firstRow) on, one behind the other. A row
 * holds, for each residue r, `perResidue` elements: those of the columns firstColumn + r + step·j. What lies outside of the image is
 * 0. Strides are in bytes. Up to a vector may be written behind the end.
 */
export function copyBand(u: ConvUnit, values: Parameters<typeof COPY.arguments>[1]): void {
  u.f.push(call(copyFunction(u.module, u.format), ...COPY.arguments(u.m, values)))
}

const copyFunction = (module: ModuleBuilder, format: Format): FunctionRef =>
  module.helper("band", COPY.types, [], (f, ...locals) => {
    new BandCopy(f, module, format, COPY.named(locals)).emit()
  })

class BandCopy {
  private readonly f: FunctionBuilder
  private readonly m: PointerMath
  private readonly format: Format
  private readonly elements: Elements
  private readonly p: CopyLocals
  /** Depth and row of the band, and residue of the columns. */
  private readonly d: Local
  private readonly h: Local
  private readonly r: Local
  /** What is read next, how many elements are left, what is written next. */
  private readonly from: Local
  private readonly left: Local
  private readonly at: Local
  /** The elements of a residue that lie in the image: from `first` up to `end`. */
  private readonly first: Local
  private readonly end: Local
  /** Bytes of a residue's elements in the copy, and from one to the next in the image. */
  private readonly width: Local
  private readonly stride: Local
  private readonly zero: Local

  constructor(f: FunctionBuilder, module: ModuleBuilder, format: Format, p: CopyLocals) {
    this.f = f
    this.m = pointerMath(f)
    this.format = format
    this.elements = new Elements(f, module, format)
    this.p = p
    ;[this.d, this.h, this.r, this.from, this.left, this.at, this.first, this.end] = Array.from({ length: 8 }, () =>
      f.local("ptr"),
    )
    this.width = this.m.let(this.m.mul(p.perResidue, format.lanes.bytes))
    this.stride = this.m.let(this.m.mul(p.step, p.columnStride))
    this.zero = f.let("v128", zeros)
  }

  emit(): void {
    const { f, m, p, d, h } = this
    const isInside = (x: Code, size: Code): Code => f.op("ptr.lt_u", x, size)
    f.while(m.gt(p.channels, 0), () => {
      f.for(d, f.ptr(0), get(p.bandDepths), f.ptr(1), () => {
        f.for(h, f.ptr(0), get(p.bandRows), f.ptr(1), () => {
          const isThere = op(
            "i32.and",
            isInside(m.add(p.firstDepth, d), get(p.depths)),
            isInside(m.add(p.firstRow, h), get(p.rows)),
          )
          f.if(
            isThere,
            () => this.copyRow(),
            () => this.clearRow(),
          )
        })
      })
      m.advance(p.source, p.channelStride)
      m.advance(p.channels, -1)
    })
  }

  /** Zeros from `at` to `to`, and up to a vector more. */
  private clear(to: Code): void {
    const { f, m, at, zero } = this
    f.while(f.op("ptr.lt_u", get(at), to), () => {
      f.push(store("v128.store", get(at), get(zero)))
      m.advance(at, 16)
    })
  }

  private clearRow(): void {
    const { m, p } = this
    m.set(this.at, p.target)
    m.advance(p.target, m.mul(this.width, p.residues))
    this.clear(get(p.target))
  }

  /** The least j with offset + step·j ≥ bound, from 0 to perResidue. */
  private firstFrom(bound: Code, offset: Code): Code {
    const { m, p } = this
    const distance = m.let(m.sub(bound, offset))
    return m.min(m.div(m.add(m.max(distance, 0), m.sub(p.step, 1)), p.step), p.perResidue)
  }

  private copyRow(): void {
    const { f, m, p, at, first, end } = this
    const { lanes, bytes } = this.format
    const row = m.let(
      m.add(p.source, m.mul(m.add(p.firstDepth, this.d), p.depthStride), m.mul(m.add(p.firstRow, this.h), p.rowStride)),
    )
    f.for(this.r, f.ptr(0), get(p.residues), f.ptr(1), () => {
      const offset = m.let(m.add(p.firstColumn, this.r))
      m.set(first, this.firstFrom(f.ptr(0), get(offset)))
      m.set(end, m.max(this.firstFrom(get(p.columns), get(offset)), first))
      m.set(at, p.target)
      this.clear(m.add(p.target, m.mul(first, lanes.bytes)))
      m.set(at, m.add(p.target, m.mul(first, lanes.bytes)))
      m.set(this.left, m.sub(end, first))
      m.set(this.from, m.add(row, m.mul(m.add(offset, m.mul(first, p.step)), p.columnStride)))
      f.if(
        m.eq(this.stride, bytes),
        () => this.copyNeighbours(),
        () => this.gather(),
      )
      m.set(at, m.add(p.target, m.mul(end, lanes.bytes)))
      m.advance(p.target, this.width)
      this.clear(get(p.target))
    })
  }

  /** Elements side by side: whole vectors, of which the last may go beyond the end. */
  private copyNeighbours(): void {
    const { f, m, at, from, left } = this
    const { lanes, bytes } = this.format
    f.while(m.gt(left, 0), () => {
      f.push(store("v128.store", get(at), this.elements.load(get(from))))
      m.advance(at, 16)
      m.advance(from, lanes.count * bytes)
      m.advance(left, -lanes.count)
    })
  }

  /** Elements apart. */
  private gather(): void {
    const { f, m, at, from, left, stride, elements } = this
    const { lanes } = this.format
    f.while(m.ge(left, lanes.count), () => {
      const each = Array.from({ length: lanes.count }, (_, k) => m.add(from, m.mul(stride, k)))
      f.push(store("v128.store", get(at), elements.gather(each)))
      m.advance(at, 16)
      m.advance(from, m.mul(stride, lanes.count))
      m.advance(left, -lanes.count)
    })
    f.while(m.gt(left, 0), () => {
      f.push(laneAccess(`v128.store${lanes.bytes * 8}_lane`, get(at), elements.gather([get(from)]), 0))
      m.advance(at, lanes.bytes)
      m.advance(from, stride)
      m.advance(left, -1)
    })
  }
}
