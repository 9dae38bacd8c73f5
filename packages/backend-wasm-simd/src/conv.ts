/**
 * Convolutions and their gradients: a module for a kernel. Nothing like im2col is ever made: tiles read the vectors of an image, or
 * of a padded copy of a part of it, where they stand.
 */
import type { ConvKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, ModuleBuilder, select } from "./assembler.ts"
import { type Code, call, type FunctionRef, i32, laneAccess, op, store } from "./code.ts"
import { foldArguments, foldFunction } from "./conv-fold.ts"
import {
  bandArguments,
  bandFunction,
  positionsFunction,
  tapArguments,
  tapsFunction,
  weightsFunction,
} from "./conv-packing.ts"
import { CONV_HEAD, CONV_SCRATCH, type ConvSlot, convFormat, INPUT_SLOTS } from "./conv-plan.ts"
import { correlationTile, OFFSET_BYTES, storeOffset, weightTile } from "./conv-tiles.ts"
import type { Format, Lanes } from "./formats.ts"
import { exportRun } from "./kernel-run.ts"
import { packFunction } from "./packing.ts"
import { type Pointer, type PointerMath, pointerMath } from "./pointer-math.ts"
import { type EmitEpilogue, newPlace, type Place, storeBlock } from "./product-block.ts"
import type { Target } from "./target.ts"
import { mergeFunction, panelRows, WIDEST } from "./tile.ts"
import { laneMask, sumLanes, zeros } from "./vector-code.ts"

const DIMS = ["Depth", "Height", "Width"] as const
type DimName = (typeof DIMS)[number]
type PerDim<T> = Readonly<Record<DimName, T>>

const perDim = <T>(make: (dim: DimName) => T): PerDim<T> => ({
  Depth: make("Depth"),
  Height: make("Height"),
  Width: make("Width"),
})

/**
 * A module that exports `run(frame, begin, end, scratch)`.
 * @param epilogue writes the code of the kernel's epilogue
 */
export function emitConv(kernel: ConvKernel, target: Target, epilogue?: EmitEpilogue): Uint8Array<ArrayBuffer> {
  if (kernel.epilogue && !epilogue) throw new TypeError("conv: the kernel has an epilogue, and nothing writes it")
  const module = new ModuleBuilder(target)
  exportRun(module, (f, { frame, begin, end, scratch }) => {
    new ConvEmitter(f, module, kernel, frame, scratch, epilogue).run(begin, end)
  })
  return module.encode()
}

/** The variables of a dim in a unit: what its residue says, and the unit's first position. */
interface DimLocals {
  readonly residue: Local
  readonly taps: Local
  readonly weight: Local
  readonly first: Local
  readonly origin: Local
  readonly positions: Local
  /** The unit's first position, and how many it has. */
  readonly from: Local
  readonly count: Local
  /** How far the taps reach, and the coordinate of the first position's first tap in the source. */
  readonly reach: Local
  readonly coordinate: Local
}

class ConvEmitter {
  private readonly f: FunctionBuilder
  private readonly m: PointerMath
  private readonly module: ModuleBuilder
  private readonly kernel: ConvKernel
  private readonly format: Format
  private readonly lanes: Lanes
  private readonly frame: Local
  private readonly scratch: Local
  private readonly epilogue: EmitEpilogue | undefined
  private readonly dims: PerDim<DimLocals>
  private readonly rest: Local
  private readonly group: Local
  private readonly firstRow: Local
  private readonly rows: Local
  /** The pitches of a band, in bytes. */
  private readonly pitch: PerDim<Local>
  private readonly channelPitch: Local
  private readonly residuePitch: Local
  private readonly perResidue: Local
  private readonly residues: Local
  private readonly bandRows: Local
  private readonly bandDepths: Local
  /** Vectors in a row of positions, those that are whole, and the elements of the one that is not. */
  private readonly vectors: Local
  private readonly whole: Local
  private readonly part: Local

  constructor(
    f: FunctionBuilder,
    module: ModuleBuilder,
    kernel: ConvKernel,
    frame: Local,
    scratch: Local,
    epilogue: EmitEpilogue | undefined,
  ) {
    this.f = f
    this.m = pointerMath(f)
    this.module = module
    this.kernel = kernel
    this.format = convFormat(kernel)
    this.lanes = this.format.lanes
    this.frame = frame
    this.scratch = scratch
    this.epilogue = epilogue
    const local = (): Local => f.local("ptr")
    this.dims = perDim(() => ({
      residue: local(),
      taps: local(),
      weight: local(),
      first: local(),
      origin: local(),
      positions: local(),
      from: local(),
      count: local(),
      reach: local(),
      coordinate: local(),
    }))
    ;[this.rest, this.group, this.firstRow, this.rows] = [local(), local(), local(), local()]
    this.pitch = perDim(local)
    ;[this.channelPitch, this.residuePitch, this.perResidue, this.residues] = [local(), local(), local(), local()]
    ;[this.bandRows, this.bandDepths] = [local(), local()]
    ;[this.vectors, this.whole, this.part] = [local(), local(), local()]
  }

  private slot(name: ConvSlot): Code {
    return this.f.load("ptr.load", get(this.frame), CONV_HEAD.indexOf(name) * 8)
  }

  private isSet(name: ConvSlot): Code {
    return this.f.toI32(this.slot(name))
  }

  private at(place: keyof typeof CONV_SCRATCH): Code {
    return this.m.add(this.scratch, CONV_SCRATCH[place])
  }

  run(begin: Local, end: Local): void {
    const { f, m } = this
    // Where the vectors of a tile are in the scratch tile.
    const at = m.let(this.at("tileOffsets"))
    for (let v = 0; v < WIDEST[1]; v++) {
      storeOffset(f, at, f.ptr(v * 16))
      m.advance(at, OFFSET_BYTES)
    }
    const each = f.let("i32", f.toI32(this.slot("unitsEach")))
    const unit = f.local("i32")
    const last = f.let("i32", op("i32.mul", get(end), get(each)))
    const packed = f.let("ptr", f.ptr(-1))
    const tabled = Array.from({ length: 4 }, () => f.local("ptr"))
    f.for(unit, op("i32.mul", get(begin), get(each)), get(last), i32(1), () => {
      m.set(this.rest, f.toPointer(get(unit)))
      f.block(() => {
        if (this.kernel.pass === "weight") this.weightUnit()
        else if (this.kernel.pass === "forward") this.correlationUnit(packed, tabled)
        else
          f.if(
            this.isSet("folded"),
            () => this.foldedUnit(packed),
            () => f.block(() => this.correlationUnit(packed, tabled)),
          )
      })
    })
  }

  /** Splits the lowest digit off `rest`. */
  private digit(to: Local, size: Code): void {
    const { m } = this
    const quotient = m.let(m.div(this.rest, size))
    m.set(to, m.sub(this.rest, m.mul(quotient, size)))
    m.set(this.rest, quotient)
  }

  /** The rows of a unit, out of the lowest digit of `rest`; the group is what is left. */
  private rowsAndGroup(): void {
    const { m } = this
    this.digit(this.firstRow, this.slot("rowBlocks"))
    m.set(this.firstRow, m.mul(this.firstRow, this.slot("rowBlock")))
    m.set(this.rows, m.min(m.sub(this.slot("rows"), this.firstRow), this.slot("rowBlock")))
    m.set(this.group, this.rest)
  }

  /** The taps of a residue, and what they read. */
  private readResidue(dim: DimName): void {
    const { f, m } = this
    const { taps, weight, first, origin, positions, reach, residue } = this.dims[dim]
    const kernel = this.slot(`kernel${dim}`)
    const padding = this.slot(`padding${dim}`)
    const extent = this.slot(`extent${dim}`)
    const tap = this.slot(`tap${dim}`)
    if (this.kernel.pass !== "input") {
      m.set(taps, kernel)
      m.set(weight, 0)
      m.set(first, 0)
      m.set(origin, m.sub(0, padding))
      m.set(positions, extent)
      m.set(reach, m.mul(m.max(m.sub(taps, 1), 0), tap))
      return
    }
    // Every so many-th tap hits, from the first one for which the source's coordinate is whole.
    const stride = this.slot(`resultStep${dim}`)
    const [k, distance] = [f.local("ptr"), f.local("ptr")]
    const most = m.let(m.min(kernel, stride))
    m.set(k, 0)
    m.set(distance, m.add(residue, padding))
    const misses = (): Code => f.op("ptr.ne", f.op("ptr.rem_s", get(distance), stride), f.ptr(0))
    f.while(op("i32.and", m.lt(k, most), misses()), () => {
      m.advance(k, 1)
      m.set(distance, m.sub(distance, this.slot(`dilation${dim}`)))
    })
    m.set(taps, 0)
    m.set(weight, 0)
    m.set(origin, 0)
    f.if(m.lt(k, most), () => {
      const step = this.slot(`kernelStep${dim}`)
      m.set(taps, m.div(m.add(m.sub(kernel, k), m.sub(step, 1)), step))
      m.set(weight, m.mul(k, this.slot(`other${dim}`)))
      m.set(origin, f.op("ptr.div_s", get(distance), stride))
    })
    m.set(reach, m.mul(m.max(m.sub(taps, 1), 0), m.sub(0, tap)))
    m.set(first, reach)
    m.set(origin, m.sub(origin, reach))
    m.set(positions, m.div(m.add(m.sub(extent, residue), m.sub(stride, 1)), stride))
  }

  /** The positions of a unit: those of a block from `from` on. */
  private cutPositions(): void {
    const { m, lanes } = this
    const { Depth, Height, Width } = this.dims
    m.set(Depth.count, m.min(m.sub(Depth.positions, Depth.from), 1))
    m.set(Height.count, m.min(m.sub(Height.positions, Height.from), this.slot("heightBlock")))
    m.set(Width.count, m.min(m.sub(Width.positions, Width.from), this.slot("widthBlock")))
    for (const dim of DIMS) {
      const { coordinate, from, origin } = this.dims[dim]
      m.set(coordinate, m.add(m.mul(from, this.slot(`step${dim}`)), origin))
    }
    m.set(this.vectors, m.div(m.add(Width.count, lanes.count - 1), lanes.count))
    m.set(this.whole, m.div(Width.count, lanes.count))
    m.set(this.part, m.rem(Width.count, lanes.count))
  }

  /** The layout of a unit's band: the source's own, or that of a copy. */
  private layOutBand(): void {
    const { f, m, lanes } = this
    const { Depth, Height, Width } = this.dims
    const step = this.slot("stepWidth")
    f.if(
      this.isSet("bandInPlace"),
      () => {
        for (const dim of DIMS) m.set(this.pitch[dim], this.slot(`source${dim}`))
        m.set(this.channelPitch, this.slot("sourceChannel"))
        m.set(this.residuePitch, 0)
      },
      () => {
        m.set(this.perResidue, m.add(m.mul(this.vectors, lanes.count), m.div(Width.reach, step)))
        m.set(this.residuePitch, m.mul(this.perResidue, lanes.bytes))
        m.set(this.residues, m.min(step, m.add(Width.reach, 1)))
        m.set(this.pitch.Height, m.mul(this.residues, this.residuePitch))
        m.set(this.bandRows, m.add(m.mul(m.sub(Height.count, 1), this.slot("stepHeight")), m.add(Height.reach, 1)))
        m.set(this.pitch.Depth, m.mul(this.bandRows, this.pitch.Height))
        m.set(this.bandDepths, m.add(Depth.reach, 1))
        m.set(this.channelPitch, m.mul(this.bandDepths, this.pitch.Depth))
      },
    )
  }

  /** The address of an image's group of channels, from channel `channel` on. */
  private sourceAt(image: Local, channel: Local): Code {
    const { m } = this
    const channels = m.add(m.mul(this.group, this.slot("channels")), channel)
    return m.add(
      this.slot("source"),
      m.mul(image, this.slot("sourceImage")),
      m.mul(channels, this.slot("sourceChannel")),
    )
  }

  /** Sets `band` to where the band of an image begins, after making the copy, at `copyTo`, if it is one. */
  private provideBand(band: Local, image: Local, channel: Local, channels: Local, copyTo: Code): void {
    const { f, m } = this
    const { Depth, Height, Width } = this.dims
    f.if(
      this.isSet("bandInPlace"),
      () => {
        m.set(band, this.sourceAt(image, channel))
        for (const dim of DIMS) m.advance(band, m.mul(this.dims[dim].coordinate, this.slot(`source${dim}`)))
      },
      () => {
        m.set(band, copyTo)
        const args = bandArguments({
          source: this.sourceAt(image, channel),
          channels: get(channels),
          channelStride: this.slot("sourceChannel"),
          depthStride: this.slot("sourceDepth"),
          rowStride: this.slot("sourceHeight"),
          columnStride: this.slot("sourceWidth"),
          depths: this.slot("sourceDepths"),
          rows: this.slot("sourceHeights"),
          columns: this.slot("sourceWidths"),
          firstDepth: get(Depth.coordinate),
          firstRow: get(Height.coordinate),
          firstColumn: get(Width.coordinate),
          bandDepths: get(this.bandDepths),
          bandRows: get(this.bandRows),
          residues: get(this.residues),
          step: this.slot("stepWidth"),
          perResidue: get(this.perResidue),
          target: get(band),
        })
        f.push(call(bandFunction(this.module, this.format), ...args))
      },
    )
  }

  /** The tables of offsets of some taps of some channels. */
  private tabulateTaps(firstTap: Local, count: Local, channels: Local): void {
    const { m, f } = this
    const { Depth, Height, Width } = this.dims
    const args = tapArguments({
      firstTap: get(firstTap),
      count: get(count),
      channels: get(channels),
      rowTaps: get(Height.taps),
      columnTaps: get(Width.taps),
      depthFirst: m.mul(Depth.first, this.pitch.Depth),
      depthStep: m.mul(this.slot("tapDepth"), this.pitch.Depth),
      rowFirst: m.mul(Height.first, this.pitch.Height),
      rowStep: m.mul(this.slot("tapHeight"), this.pitch.Height),
      columnFirst: get(Width.first),
      columnStep: this.slot("tapWidth"),
      residueStep: this.slot("stepWidth"),
      residuePitch: get(this.residuePitch),
      channelPitch: get(this.channelPitch),
      weightDepth: m.mul(this.slot("otherDepth"), this.slot("kernelStepDepth")),
      weightRow: m.mul(this.slot("otherHeight"), this.slot("kernelStepHeight")),
      weightColumn: m.mul(this.slot("otherWidth"), this.slot("kernelStepWidth")),
      taps: this.at("taps"),
      weights: this.at("weightOffsets"),
    })
    f.push(call(tapsFunction(this.module, this.lanes), ...args))
  }

  /** Runs `body` for `from`, `from + block`, ... below `size`, at least once, with how much is left up to a block. */
  private forBlocks(size: Pointer, block: Code, body: (from: Local, count: Local) => void): void {
    const { f, m } = this
    const [from, count] = [f.local("ptr"), f.local("ptr")]
    m.set(from, 0)
    f.doWhile(
      () => {
        m.set(count, m.min(m.sub(size, from), block))
        body(from, count)
        m.advance(from, block)
      },
      m.lt(from, size),
    )
  }

  /** `packed`: whose weights are packed; `tabled`: the shape that the tables of positions are for. */
  private correlationUnit(packed: Local, tabled: readonly Local[]): void {
    const { f, m, lanes } = this
    const { Depth, Height, Width } = this.dims
    const image = f.local("ptr")
    const key = f.local("ptr")
    this.digit(Width.from, this.slot("widthBlocks"))
    m.set(Width.from, m.mul(Width.from, this.slot("widthBlock")))
    this.digit(Height.from, this.slot("heightBlocks"))
    m.set(Height.from, m.mul(Height.from, this.slot("heightBlock")))
    this.digit(Depth.from, this.slot("depthPositions"))
    this.digit(image, this.slot("images"))
    m.set(key, this.rest)
    for (const dim of ["Width", "Height", "Depth"] as const) {
      this.digit(this.dims[dim].residue, this.slot(`residues${dim}`))
      this.readResidue(dim)
    }
    this.rowsAndGroup()
    this.cutPositions()
    // A residue may have fewer positions than others.
    for (const dim of DIMS) f.branchIf(0, m.lt(this.dims[dim].count, 1))
    this.layOutBand()

    const taps = m.let(m.mul(m.mul(Depth.taps, Height.taps), Width.taps))
    const out = newPlace(f)
    this.setResult(out, image)
    const [sums, sumsRow, toRow] = [f.local("ptr"), f.local("ptr"), f.local("ptr")]
    f.if(
      this.isSet("resultInPlace"),
      () => {
        m.set(sums, out.address)
        m.set(sumsRow, out.row)
        m.set(toRow, this.rowStep())
      },
      () => {
        m.set(sums, this.at("sums"))
        m.set(toRow, m.mul(this.vectors, 16))
        m.set(sumsRow, m.mul(Height.count, toRow))
        m.set(this.whole, this.vectors)
        m.set(this.part, 0)
      },
    )
    // Doing positions twice is harmless where nothing is added to them later.
    const oneBlock = op(
      "i32.and",
      m.ge(this.slot("channelBlock"), this.slot("channels")),
      m.ge(this.slot("tapBlock"), taps),
    )
    const overlap = f.let("i32", op("i32.and", oneBlock, m.gt(this.whole, 0)))
    // Units of the same shape have the same tables.
    const shape = [Height.count, Width.count, this.pitch.Height, toRow]
    const same = shape.map((part, k) => m.eq(part, tabled[k])).reduce((a, b) => op("i32.and", a, b))
    const [wholeEnd, partEnd] = [f.local("ptr"), f.local("ptr")]
    f.if(op("i32.eqz", same), () => {
      const ends = this.tabulatePositions(f.ptr(1), f.ptr(0), f.ptr(0), get(toRow), overlap)
      m.set(wholeEnd, ends[0])
      m.set(partEnd, ends[1])
      shape.forEach((part, k) => {
        m.set(tabled[k], part)
      })
    })

    const add = f.let("i32", i32(0))
    const band = f.local("ptr")
    const weights = f.local("ptr")
    m.set(
      weights,
      m.add(
        m.add(
          this.slot("other"),
          m.mul(this.group, this.slot("otherGroup")),
          m.mul(this.firstRow, this.slot("otherRow")),
        ),
        m.add(Depth.weight, Height.weight, Width.weight),
      ),
    )
    f.set(add, i32(0))
    this.forBlocks(this.slot("channels"), this.slot("channelBlock"), (channel, channels) => {
      const given = this.slot("band")
      const copyTo = select(f.op("ptr.ne", given, f.ptr(0)), given, this.at("band"))
      this.provideBand(band, image, channel, channels, copyTo)
      this.forBlocks(taps, this.slot("tapBlock"), (tap, tapCount) => {
        this.tabulateTaps(tap, tapCount, channels)
        const depth = m.let(m.mul(tapCount, channels))
        const one = op("i32.and", m.ge(channels, this.slot("channels")), m.ge(tapCount, taps))
        f.if(
          op("i32.and", one, m.eq(packed, key)),
          () => {},
          () => {
            this.packWeights(
              m.let(m.add(weights, m.mul(channel, this.slot("otherChannel")))),
              channels,
              tapCount,
              depth,
            )
            m.set(packed, key)
          },
        )
        const args = [
          get(depth),
          get(this.rows),
          this.at("panels"),
          this.at("taps"),
          get(band),
          get(sums),
          get(sumsRow),
          get(wholeEnd),
          get(partEnd),
          get(this.part),
          get(this.scratch),
          get(add),
        ]
        f.push(call(correlateFunction(this.module, lanes), ...args))
        f.set(add, i32(1))
      })
    })
    this.finish(out, image, { address: sums, row: sumsRow, column: f.let("ptr", f.ptr(lanes.bytes)) }, toRow)
  }

  /** Where the next row of positions is in the result. */
  private rowStep(): Code {
    return this.m.mul(this.slot("resultHeight"), this.slot("resultStepHeight"))
  }

  /**
   * Tables of the positions of a unit; gives where the table of the whole vectors ends, and then that of the others. If `overlap`, the
   * last vector of a row that isn't whole is one that begins earlier and does some positions twice.
   */
  private tabulatePositions(
    images: Code,
    bandImage: Code,
    toImage: Code,
    toRow: Code,
    overlap?: Local,
  ): [Local, Local] {
    const { f, m, lanes } = this
    const { Height, Width } = this.dims
    const positions = positionsFunction(this.module)
    const fromRow = m.let(m.mul(this.pitch.Height, this.slot("stepHeight")))
    const table = (first: Pointer, count: Pointer, from: Pointer): Code => {
      const to = m.add(from, CONV_SCRATCH.to - CONV_SCRATCH.from)
      const args = [images, Height.count, first, count, bandImage, fromRow, toImage, toRow, from, to].map(m.of)
      return f.toPointer(call(positions, ...args))
    }
    const wholeEnd = m.let(table(0, this.whole, this.at("from")))
    const partEnd = m.let(wholeEnd)
    const append = (first: Code): void => m.set(partEnd, table(first, 1, partEnd))
    f.if(m.gt(this.part, 0), () => {
      if (!overlap) append(m.mul(this.whole, 16))
      else
        f.if(
          get(overlap),
          () => {
            append(m.mul(m.sub(Width.count, lanes.count), lanes.bytes))
            m.set(wholeEnd, partEnd)
          },
          () => append(m.mul(this.whole, 16)),
        )
    })
    return [wholeEnd, partEnd]
  }

  private packWeights(from: Local, channels: Local, taps: Local, depth: Local): void {
    const { f } = this
    const { bytes } = this.format
    f.if(
      this.isSet("flatWeights"),
      () => {
        const args = [get(from), get(depth), get(this.rows), f.ptr(bytes), this.slot("otherRow"), this.at("panels")]
        f.push(call(packFunction(this.module, this.format, panelRows(this.module, this.lanes)), ...args))
      },
      () => {
        const args = [
          get(from),
          get(this.rows),
          this.slot("otherRow"),
          get(channels),
          this.slot("otherChannel"),
          get(taps),
          this.at("weightOffsets"),
          this.at("panels"),
        ]
        f.push(call(weightsFunction(this.module, this.format), ...args))
      },
    )
  }

  /** Makes `out` the place of a unit's first result. */
  private setResult(out: Place, image: Local): void {
    const { m } = this
    m.set(out.address, this.slot("result"))
    this.moveToUnit(out.address, image, (name) => this.slot(`result${name}`))
    m.set(out.row, this.slot("resultRow"))
    m.set(out.column, m.mul(this.slot("resultWidth"), this.slot("resultStepWidth")))
  }

  private moveToUnit(address: Local, image: Local, stride: (name: "Image" | "Group" | "Row" | DimName) => Code): void {
    const { m } = this
    m.advance(address, m.mul(image, stride("Image")))
    m.advance(address, m.mul(this.group, stride("Group")))
    m.advance(address, m.mul(this.firstRow, stride("Row")))
    for (const dim of DIMS) {
      const { from, residue } = this.dims[dim]
      m.advance(address, m.mul(m.add(m.mul(from, this.slot(`resultStep${dim}`)), residue), stride(dim)))
    }
  }

  private inputSlot(k: number, name: (typeof INPUT_SLOTS)[number]): Code {
    const index = CONV_HEAD.length + k * INPUT_SLOTS.length + INPUT_SLOTS.indexOf(name)
    return this.f.load("ptr.load", get(this.frame), index * 8)
  }

  /** Hands a unit's sums on, row by row of positions, or at once where that is one run. */
  private finish(out: Place, image: Local, sums: Place, toRow: Local): void {
    const { f, m, epilogue } = this
    const { Height, Width } = this.dims
    const inputs = (this.kernel.epilogue?.inputs ?? []).map((_, k) => {
      const place = newPlace(f)
      m.set(place.address, this.inputSlot(k, "address"))
      this.moveToUnit(place.address, image, (name) =>
        this.inputSlot(k, name.toLowerCase() as (typeof INPUT_SLOTS)[number]),
      )
      m.set(place.row, this.inputSlot(k, "row"))
      m.set(place.column, m.mul(this.inputSlot(k, "width"), this.slot("resultStepWidth")))
      return place
    })
    const columns = m.let(Width.count)
    const times = m.let(Height.count)
    f.if(this.isSet("flatResult"), () => {
      m.set(columns, m.mul(columns, times))
      m.set(times, 1)
    })
    const result = { address: m.let(sums.address), row: sums.row, column: f.local("ptr") }
    m.set(result.column, this.lanes.bytes)
    // In place, the sums of a flat block are as far apart as the results.
    f.if(this.isSet("resultInPlace"), () => m.set(result.column, out.column))
    f.while(m.gt(times, 0), () => {
      const block = { rows: this.rows, columns, result, out, inputs, frame: this.frame }
      if (epilogue) epilogue(f, this.module, block)
      else f.if(op("i32.eqz", this.isSet("resultInPlace")), () => storeBlock(f, this.module, this.format, block))
      m.advance(result.address, toRow)
      m.advance(out.address, this.rowStep())
      inputs.forEach((place, k) => {
        m.advance(place.address, m.mul(this.inputSlot(k, "height"), this.slot("resultStepHeight")))
      })
      m.advance(times, -1)
    })
  }

  /** All taps' contributions to some channels of an image's gradient, one product, folded into the image. */
  private foldedUnit(packed: Local): void {
    const { f, m, lanes, module, epilogue } = this
    const { Depth, Height, Width } = this.dims
    const [image, key] = [f.local("ptr"), f.local("ptr")]
    this.digit(image, this.slot("images"))
    m.set(key, this.rest)
    this.rowsAndGroup()
    // The band is the whole source, seen through one tap: its depths take the place of images.
    for (const dim of DIMS) {
      const { taps, first, from, coordinate, reach } = this.dims[dim]
      m.set(taps, 1)
      for (const local of [first, from, coordinate, reach]) m.set(local, 0)
    }
    m.set(Depth.count, this.slot("sourceDepths"))
    m.set(Height.count, this.slot("sourceHeights"))
    m.set(Width.count, this.slot("sourceWidths"))
    m.set(Depth.reach, m.sub(Depth.count, 1))
    m.set(this.vectors, m.div(m.add(Width.count, lanes.count - 1), lanes.count))
    m.set(this.whole, this.vectors)
    m.set(this.part, 0)
    this.layOutBand()
    const toRow = m.let(m.mul(this.vectors, 16))
    const toDepth = m.let(m.mul(Height.count, toRow))
    const sumsRow = m.let(m.mul(Depth.count, toDepth))
    const [wholeEnd, partEnd] = this.tabulatePositions(
      get(Depth.count),
      get(this.pitch.Depth),
      get(toDepth),
      get(toRow),
    )
    const [zero, one, channels] = [m.let(0), m.let(1), m.let(this.slot("channels"))]
    const band = f.local("ptr")
    this.provideBand(band, image, zero, channels, this.at("band"))
    this.tabulateTaps(zero, one, channels)
    const taps = m.let(m.mul(m.mul(this.slot("kernelDepth"), this.slot("kernelHeight")), this.slot("kernelWidth")))
    const products = m.let(m.mul(this.rows, taps))
    f.if(f.op("ptr.ne", get(packed), get(key)), () => {
      const group = m.mul(this.group, this.slot("otherGroup"))
      const weights = m.add(this.slot("other"), group, m.mul(this.firstRow, this.slot("otherRow")))
      const strides = [this.slot("otherChannel"), this.slot("foldedWeight")]
      const args = [weights, get(channels), get(products), ...strides, this.at("panels")]
      f.push(call(packFunction(module, this.format, panelRows(module, lanes)), ...args))
      m.set(packed, key)
    })
    const tables = [this.at("panels"), this.at("taps"), get(band), this.at("sums"), get(sumsRow)]
    const ends = [wholeEnd, partEnd, this.part, this.scratch].map(get)
    f.push(call(correlateFunction(module, lanes), get(channels), get(products), ...tables, ...ends, i32(0)))

    const pitch = perDim(() => f.local("ptr"))
    m.set(pitch.Width, lanes.bytes)
    m.set(pitch.Height, m.mul(this.slot("imageWidth"), pitch.Width))
    m.set(pitch.Depth, m.mul(this.slot("imageHeight"), pitch.Height))
    const plane = m.let(m.mul(this.slot("imageDepth"), pitch.Depth))
    const at = m.let(this.at("other"))
    const end = m.let(m.add(at, m.mul(this.rows, plane)))
    f.while(f.op("ptr.lt_u", get(at), get(end)), () => {
      f.push(store("v128.store", get(at), zeros))
      m.advance(at, 16)
    })
    const apart = (name: "resultStep" | "dilation", dim: DimName): Code => m.mul(this.slot(`${name}${dim}`), pitch[dim])
    const fold = foldArguments({
      channels: get(this.rows),
      kernelDepth: this.slot("kernelDepth"),
      kernelHeight: this.slot("kernelHeight"),
      kernelWidth: this.slot("kernelWidth"),
      depths: get(Depth.count),
      rows: get(Height.count),
      columns: get(Width.count),
      from: this.at("sums"),
      fromRow: get(toRow),
      to: this.at("other"),
      toChannel: get(plane),
      toDepth: apart("resultStep", "Depth"),
      toRow: apart("resultStep", "Height"),
      tapDepth: apart("dilation", "Depth"),
      tapRow: apart("dilation", "Height"),
      tapColumn: apart("dilation", "Width"),
      step: apart("resultStep", "Width"),
    })
    f.push(call(foldFunction(module, lanes), ...fold))

    const [out, result] = [newPlace(f), newPlace(f)]
    const inputs = (this.kernel.epilogue?.inputs ?? []).map(() => newPlace(f))
    const columns = m.let(this.slot("extentWidth"))
    const [d, h] = [f.local("ptr"), f.local("ptr")]
    type Stride = "Image" | "Group" | "Row" | DimName
    const place = (p: Place, address: Code, stride: (name: Stride) => Code): void => {
      const rows = m.add(m.mul(this.group, stride("Group")), m.mul(this.firstRow, stride("Row")))
      const position = m.add(m.mul(d, stride("Depth")), m.mul(h, stride("Height")))
      m.set(p.address, m.add(address, m.mul(image, stride("Image")), rows, position))
      m.set(p.row, stride("Row"))
      m.set(p.column, stride("Width"))
    }
    m.set(result.row, plane)
    m.set(result.column, lanes.bytes)
    f.for(d, f.ptr(0), this.slot("extentDepth"), f.ptr(1), () => {
      f.for(h, f.ptr(0), this.slot("extentHeight"), f.ptr(1), () => {
        const first = m.mul(this.slot("paddingWidth"), pitch.Width)
        const row = m.mul(m.add(h, this.slot("paddingHeight")), pitch.Height)
        const depth = m.mul(m.add(d, this.slot("paddingDepth")), pitch.Depth)
        m.set(result.address, m.add(this.at("other"), first, row, depth))
        place(out, this.slot("result"), (name) => this.slot(`result${name}`))
        inputs.forEach((p, k) => {
          place(p, this.inputSlot(k, "address"), (name) =>
            this.inputSlot(k, name.toLowerCase() as (typeof INPUT_SLOTS)[number]),
          )
        })
        const block = { rows: this.rows, columns, result, out, inputs, frame: this.frame }
        if (epilogue) epilogue(f, module, block)
        else storeBlock(f, module, this.format, block)
      })
    })
  }

  private weightUnit(): void {
    const { f, m, lanes, module } = this
    const { Depth, Height, Width } = this.dims
    const [tap, channel] = [f.local("ptr"), f.local("ptr")]
    this.digit(tap, this.slot("tapBlocks"))
    m.set(tap, m.mul(tap, this.slot("tapBlock")))
    this.digit(channel, this.slot("channelBlocks"))
    m.set(channel, m.mul(channel, this.slot("channelBlock")))
    this.rowsAndGroup()
    for (const dim of DIMS) {
      m.set(this.dims[dim].residue, 0)
      this.readResidue(dim)
    }
    const allTaps = m.mul(m.mul(Depth.taps, Height.taps), Width.taps)
    const channels = m.let(m.min(m.sub(this.slot("channels"), channel), this.slot("channelBlock")))
    const tapCount = m.let(m.min(m.sub(allTaps, tap), this.slot("tapBlock")))
    const products = m.let(m.mul(channels, tapCount))
    const sumsRow = m.let(m.mul(products, 16))
    const sumsAt = m.let(this.at("sums"))
    f.while(f.op("ptr.lt_u", get(sumsAt), m.add(this.at("sums"), m.mul(this.rows, sumsRow))), () => {
      f.push(store("v128.store", get(sumsAt), zeros))
      m.advance(sumsAt, 16)
    })
    const [band, other, image, images, bandImage] = Array.from({ length: 5 }, () => f.local("ptr"))
    const [toImage, toRow, otherRow] = Array.from({ length: 3 }, () => f.local("ptr"))
    const [one, k, copied] = [f.local("ptr"), f.local("ptr"), f.local("ptr")]
    m.set(image, 0)
    f.while(m.lt(image, this.slot("images")), () => {
      m.set(images, m.min(m.sub(this.slot("images"), image), this.slot("imageBlock")))
      f.for(Depth.from, f.ptr(0), get(Depth.positions), f.ptr(1), () => {
        f.for(Height.from, f.ptr(0), get(Height.positions), this.slot("heightBlock"), () => {
          f.for(Width.from, f.ptr(0), get(Width.positions), this.slot("widthBlock"), () => {
            this.cutPositions()
            this.layOutBand()
            const given = this.slot("band")
            const copyTo = m.let(select(f.op("ptr.ne", given, f.ptr(0)), given, this.at("band")))
            m.set(bandImage, m.mul(channels, this.channelPitch))
            f.if(this.isSet("bandInPlace"), () => m.set(bandImage, this.slot("sourceImage")))
            // In order, for a copy may write a little behind its end.
            f.for(k, f.ptr(0), get(images), f.ptr(1), () => {
              m.set(one, m.add(image, k))
              this.provideBand(copied, one, channel, channels, m.add(copyTo, m.mul(k, bandImage)))
              f.if(m.eq(k, 0), () => m.set(band, copied))
            })
            this.provideGradient(other, { otherRow, toRow, toImage }, image, images)
            this.tabulateTaps(tap, tapCount, channels)
            const [wholeEnd, partEnd] = this.tabulatePositions(get(images), get(bandImage), get(toImage), get(toRow))
            f.push(store("v128.store", this.at("mask"), laneMask(lanes, f.toI32(get(this.part)))))
            const args = [products, this.rows, band, other, otherRow, sumsRow, wholeEnd, partEnd, this.scratch]
            f.push(call(accumulateFunction(module, lanes), ...args.map(get)))
          })
        })
      })
      m.advance(image, this.slot("imageBlock"))
    })
    this.finishWeights(channel, channels, tap, tapCount, products)
  }

  /** The gradient of the result for the positions of a unit: where it stands, or a copy. */
  private provideGradient(
    other: Local,
    { otherRow, toRow, toImage }: { otherRow: Local; toRow: Local; toImage: Local },
    image: Local,
    images: Local,
  ): void {
    const { f, m, lanes } = this
    const { Depth, Height, Width } = this.dims
    const from = m.let(
      m.add(
        m.add(this.slot("other"), m.mul(image, this.slot("otherImage"))),
        m.add(m.mul(this.group, this.slot("otherGroup")), m.mul(this.firstRow, this.slot("otherRow"))),
      ),
    )
    f.if(
      this.isSet("otherInPlace"),
      () => {
        m.set(other, from)
        for (const dim of DIMS) m.advance(other, m.mul(this.dims[dim].from, this.slot(`other${dim}`)))
        m.set(otherRow, this.slot("otherRow"))
        m.set(toRow, this.slot("otherHeight"))
        m.set(toImage, this.slot("otherImage"))
      },
      () => {
        m.set(other, this.at("other"))
        m.set(toRow, m.mul(this.vectors, 16))
        m.set(otherRow, m.mul(Height.count, toRow))
        m.set(toImage, m.mul(this.rows, otherRow))
        const k = f.local("ptr")
        f.for(k, f.ptr(0), get(images), f.ptr(1), () => {
          const args = bandArguments({
            source: m.add(from, m.mul(k, this.slot("otherImage"))),
            channels: get(this.rows),
            channelStride: this.slot("otherRow"),
            depthStride: this.slot("otherDepth"),
            rowStride: this.slot("otherHeight"),
            columnStride: this.slot("otherWidth"),
            depths: get(Depth.positions),
            rows: get(Height.positions),
            columns: get(Width.positions),
            firstDepth: get(Depth.from),
            firstRow: get(Height.from),
            firstColumn: get(Width.from),
            bandDepths: f.ptr(1),
            bandRows: get(Height.count),
            residues: f.ptr(1),
            step: f.ptr(1),
            perResidue: m.mul(this.vectors, lanes.count),
            target: m.add(other, m.mul(k, toImage)),
          })
          f.push(call(bandFunction(this.module, this.format), ...args))
        })
      },
    )
  }

  /** Adds up the lanes of a unit's sums, and stores them. */
  private finishWeights(channel: Local, channels: Local, tap: Local, tapCount: Local, products: Local): void {
    const { f, m, lanes, epilogue } = this
    const total = m.let(m.mul(this.rows, products))
    const [from, to] = [m.let(this.at("sums")), m.let(this.at("other"))]
    f.while(m.gt(total, 0), () => {
      const sum = sumLanes(f, lanes, f.load("v128.load", get(from)))
      f.push(laneAccess(`v128.store${lanes.bytes * 8}_lane`, get(to), sum, 0))
      m.advance(from, 16)
      m.advance(to, lanes.bytes)
      m.advance(total, -1)
    })
    type Stride = "Group" | "Row" | "Channel" | DimName
    const [out, result] = [newPlace(f), newPlace(f)]
    const inputs = (this.kernel.epilogue?.inputs ?? []).map(() => newPlace(f))
    const places: readonly [Place, Code, (name: Stride) => Code][] = [
      [out, this.slot("result"), (name) => this.slot(`result${name}`)],
      ...inputs.map((place, k): [Place, Code, (name: Stride) => Code] => [
        place,
        this.inputSlot(k, "address"),
        (name) => this.inputSlot(k, name.toLowerCase() as (typeof INPUT_SLOTS)[number]),
      ]),
    ]
    const { Height, Width } = this.dims
    const columns = f.local("ptr")
    const [c, t] = [f.local("ptr"), f.local("ptr")]
    m.set(result.address, this.at("other"))
    m.set(result.row, m.mul(products, lanes.bytes))
    m.set(result.column, lanes.bytes)
    const emit = (): void => {
      const block = { rows: this.rows, columns, result, out, inputs, frame: this.frame }
      if (epilogue) epilogue(f, this.module, block)
      else storeBlock(f, this.module, this.format, block)
    }
    const place = (offset: (stride: (name: Stride) => Code) => Code): void => {
      for (const [p, address, stride] of places) {
        const row = m.add(m.mul(this.group, stride("Group")), m.mul(this.firstRow, stride("Row")))
        m.set(p.address, m.add(address, row, offset(stride)))
        m.set(p.row, stride("Row"))
        m.set(p.column, stride("Width"))
      }
    }
    f.if(
      this.isSet("flatResult"),
      () => {
        m.set(columns, products)
        place((stride) => m.add(m.mul(channel, stride("Channel")), m.mul(tap, stride("Width"))))
        emit()
      },
      () => {
        m.set(columns, 1)
        f.for(c, f.ptr(0), get(channels), f.ptr(1), () => {
          f.for(t, f.ptr(0), get(tapCount), f.ptr(1), () => {
            const at = m.let(m.add(tap, t))
            const w = m.let(m.rem(at, Width.taps))
            const rest = m.let(m.div(at, Width.taps))
            const [h, d] = [m.let(m.rem(rest, Height.taps)), m.let(m.div(rest, Height.taps))]
            place((stride) =>
              m.add(
                m.add(m.mul(m.add(channel, c), stride("Channel")), m.mul(d, stride("Depth"))),
                m.add(m.mul(h, stride("Height")), m.mul(w, stride("Width"))),
              ),
            )
            emit()
            m.advance(result.address, lanes.bytes)
          })
        })
      },
    )
  }
}

/** Runs `body` for as many rows, from 1 to `most`, as `rows` says. */
function forRows(f: FunctionBuilder, m: PointerMath, rows: Local, most: number, body: (rows: number) => void): void {
  const from = (r: number): void => {
    if (r === 1) body(1)
    else
      f.if(
        m.eq(rows, r),
        () => body(r),
        () => from(r - 1),
      )
  }
  from(most)
}

/**
 * `correlate(depth, rows, panels, taps, band, c, cRow, wholeEnd, partEnd, part, scratch, add)`: all rows times all positions of a
 * unit, whose tables stand in the scratch memory; of the vectors behind `wholeEnd` only the first `part` elements are stored.
 */
function correlateFunction(module: ModuleBuilder, lanes: Lanes): FunctionRef {
  const parameters = [...Array.from({ length: 11 }, () => "ptr" as const), "i32" as const]
  return module.helper("correlate", parameters, [], (f, ...all) => {
    const [depth, rows, panels, taps, band, c, cRow, wholeEnd, partEnd, part, scratch, add] = all
    const m = pointerMath(f)
    const merge = mergeFunction(module, { lanes, bytes: lanes.bytes, signed: true, half: null })
    const [from, to, count, tile, k] = Array.from({ length: 5 }, () => f.local("ptr"))
    const tileRows = f.local("ptr")
    const most = panelRows(module, lanes)
    const tileRow = WIDEST[1] * 16
    f.while(m.gt(rows, 0), () => {
      m.set(tileRows, m.min(rows, most))
      m.set(from, m.add(scratch, CONV_SCRATCH.from))
      m.set(to, m.add(scratch, CONV_SCRATCH.to))
      m.set(tile, m.add(scratch, CONV_SCRATCH.tile))
      const advance = (n: number): void => {
        m.advance(from, n * OFFSET_BYTES)
        m.advance(to, n * OFFSET_BYTES)
      }
      forRows(f, m, tileRows, most, (r) => {
        const widths = [WIDEST[r], 1]
        for (const n of widths)
          f.while(m.ge(wholeEnd, m.add(from, n * OFFSET_BYTES)), () => {
            const args = [depth, panels, taps, from, band, to, c, cRow, add].map(get)
            f.push(call(correlationTile(module, lanes, r, n), ...args))
            advance(n)
          })
        for (const n of widths)
          f.while(m.ge(partEnd, m.add(from, n * OFFSET_BYTES)), () => {
            const tileOffsets = m.add(scratch, CONV_SCRATCH.tileOffsets)
            const head = [depth, panels, taps, from, band].map(get)
            f.push(call(correlationTile(module, lanes, r, n), ...head, tileOffsets, get(tile), f.ptr(tileRow), i32(0)))
            f.for(k, f.ptr(0), f.ptr(n), f.ptr(1), () => {
              const target = m.add(c, f.load(f.pointer === "i32" ? "i32.load" : "i64.load32_s", get(to)))
              const source = m.add(tile, m.mul(k, 16))
              f.push(call(merge, f.ptr(r), get(part), source, f.ptr(tileRow), target, get(cRow), get(add)))
              advance(1)
            })
          })
      })
      m.set(count, m.mul(depth, most * lanes.bytes))
      m.advance(panels, count)
      m.advance(c, m.mul(cRow, most))
      m.advance(rows, -most)
    })
  })
}

/**
 * `accumulate(products, rows, band, g, gRow, sumsRow, wholeEnd, partEnd, scratch)`: adds to all sums of a unit what the positions in
 * the tables contribute.
 */
function accumulateFunction(module: ModuleBuilder, lanes: Lanes): FunctionRef {
  const parameters = Array.from({ length: 9 }, () => "ptr" as const)
  return module.helper("accumulate", parameters, [], (f, ...all) => {
    const [products, rows, band, g, gRow, sumsRow, wholeEnd, partEnd, scratch] = all
    const m = pointerMath(f)
    const at = (place: keyof typeof CONV_SCRATCH): Code => m.add(scratch, CONV_SCRATCH[place])
    const tileRows = f.local("ptr")
    const most = panelRows(module, lanes)
    const [left, taps, sums] = [f.local("ptr"), f.local("ptr"), m.let(at("sums"))]
    const sumsAt = f.local("ptr")
    const wholeCount = m.let(m.div(m.sub(wholeEnd, at("from")), OFFSET_BYTES))
    const partCount = m.let(m.div(m.sub(partEnd, wholeEnd), OFFSET_BYTES))
    f.while(m.gt(rows, 0), () => {
      m.set(tileRows, m.min(rows, most))
      m.set(left, products)
      m.set(taps, at("taps"))
      m.set(sumsAt, sums)
      forRows(f, m, tileRows, most, (r) => {
        for (const n of [WIDEST[r], 1])
          f.while(m.ge(left, n), () => {
            const tail = [get(band), get(taps), get(g), get(gRow), get(sumsAt), get(sumsRow), at("mask")]
            const whole = [get(wholeCount), at("from"), at("to"), ...tail]
            f.push(call(weightTile(module, lanes, r, n, false), ...whole))
            f.if(m.gt(partCount, 0), () => {
              const partTo = m.add(wholeEnd, CONV_SCRATCH.to - CONV_SCRATCH.from)
              f.push(call(weightTile(module, lanes, r, n, true), get(partCount), get(wholeEnd), partTo, ...tail))
            })
            m.advance(taps, n * OFFSET_BYTES)
            m.advance(sumsAt, n * 16)
            m.advance(left, -n)
          })
      })
      m.advance(g, m.mul(gRow, most))
      m.advance(sums, m.mul(sumsRow, most))
      m.advance(rows, -most)
    })
  })
}
