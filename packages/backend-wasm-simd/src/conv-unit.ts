/**
 * A unit of work of a convolution: its variables, and where it is. A unit computes, for a block of rows of a group, a block of
 * positions of an image (forward, and in the gradient of the input) or a block of channels and taps (in the gradient of weights).
 */
import type { ConvKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, op, store } from "./code.ts"
import { type ConvSlot, DIMS, type DimName, type InputSlot, inputSlotOf, slotOf } from "./conv-frame.ts"
import { convFormat } from "./conv-geometry.ts"
import { CONV_SCRATCH, type ScratchPlace } from "./conv-scratch.ts"
import type { Format, Lanes } from "./formats.ts"
import { type Pointer, type PointerMath, pointerMath } from "./pointer-math.ts"
import type { EmitEpilogue } from "./product-block.ts"
import { zeros } from "./vector-code.ts"

export type PerDim<T> = Readonly<Record<DimName, T>>

export const perDim = <T>(make: (dim: DimName) => T): PerDim<T> => ({
  Depth: make("Depth"),
  Height: make("Height"),
  Width: make("Width"),
})

/** The variables of a dim: what its residue says, and the positions of the unit. */
interface DimLocals {
  readonly residue: Local
  readonly taps: Local
  /** Where the first tap's weight is, in bytes. */
  readonly weight: Local
  /** The first tap's coordinate in the band, for the first position. */
  readonly first: Local
  /** The lowest coordinate in the source that a tap of position 0 reads. */
  readonly origin: Local
  readonly positions: Local
  /** The unit's first position, and how many it has. */
  readonly from: Local
  readonly count: Local
  /** How far the taps reach. */
  readonly reach: Local
  /** The lowest coordinate in the source that a tap of the unit's first position reads. */
  readonly coordinate: Local
}

/** The variables of a band: the layout of what is read of the source, in place or as a copy. */
interface BandLocals {
  /** How far apart neighbouring coordinates are, in bytes. */
  readonly pitch: PerDim<Local>
  readonly channelPitch: Local
  /** Columns of equal remainders by the step stand together in a copy: how far apart those groups are, and how many elements and groups. */
  readonly residuePitch: Local
  readonly perResidue: Local
  readonly residues: Local
  readonly rows: Local
  readonly depths: Local
}

/** What stays from unit to unit. */
export interface Kept {
  /** The unit's number without its position and image: whose weights are packed. */
  readonly packed: Local
  /** The shape that the tables of positions are for. */
  readonly shape: readonly Local[]
}

export class ConvUnit {
  readonly f: FunctionBuilder
  readonly m: PointerMath
  readonly module: ModuleBuilder
  readonly kernel: ConvKernel
  readonly format: Format
  readonly lanes: Lanes
  readonly frame: Local
  readonly scratch: Local
  readonly epilogue: EmitEpilogue | undefined
  readonly dims: PerDim<DimLocals>
  /** What is left of the unit's number: see `digit`. */
  readonly rest: Local
  readonly group: Local
  readonly firstRow: Local
  readonly rows: Local
  readonly band: BandLocals
  /** Vectors in a row of positions, those that are whole, and the elements of the one that is not. */
  readonly vectors: Local
  readonly whole: Local
  readonly part: Local

  constructor(
    f: FunctionBuilder,
    module: ModuleBuilder,
    kernel: ConvKernel,
    { frame, scratch }: { readonly frame: Local; readonly scratch: Local },
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
    this.band = {
      pitch: perDim(local),
      channelPitch: local(),
      residuePitch: local(),
      perResidue: local(),
      residues: local(),
      rows: local(),
      depths: local(),
    }
    ;[this.vectors, this.whole, this.part] = [local(), local(), local()]
  }

  slot(name: ConvSlot): Code {
    return this.f.load("ptr.load", get(this.frame), slotOf(name) * 8)
  }

  inputSlot(input: number, name: InputSlot): Code {
    return this.f.load("ptr.load", get(this.frame), inputSlotOf(input, name) * 8)
  }

  isSet(name: ConvSlot): Code {
    return this.f.toI32(this.slot(name))
  }

  /** An address in the scratch memory. */
  at(place: ScratchPlace): Code {
    return this.m.add(this.scratch, CONV_SCRATCH[place])
  }

  /** Fresh variables of the address type. */
  locals(count: number): Local[] {
    return Array.from({ length: count }, () => this.f.local("ptr"))
  }

  /** The product of the dims' taps. */
  get taps(): Code {
    const { Depth, Height, Width } = this.dims
    return this.m.mul(this.m.mul(Depth.taps, Height.taps), Width.taps)
  }

  /** Splits the lowest digit off `rest`. */
  digit(to: Local, size: Code): void {
    const { m } = this
    const quotient = m.let(m.div(this.rest, size))
    m.set(to, m.sub(this.rest, m.mul(quotient, size)))
    m.set(this.rest, quotient)
  }

  /** Splits the lowest digit off `rest`: the number of a block, of which `to` becomes the beginning. */
  blockDigit(to: Local, blocks: ConvSlot, block: ConvSlot): void {
    this.digit(to, this.slot(blocks))
    this.m.set(to, this.m.mul(to, this.slot(block)))
  }

  /** The rows of a unit, out of the lowest digit of `rest`; the group is what is left. */
  rowsAndGroup(): void {
    const { m } = this
    this.blockDigit(this.firstRow, "rowBlocks", "rowBlock")
    m.set(this.rows, m.min(m.sub(this.slot("rows"), this.firstRow), this.slot("rowBlock")))
    m.set(this.group, this.rest)
  }

  /** The taps of a residue, and what they read. */
  readResidue(dim: DimName): void {
    if (this.kernel.pass === "input") this.readGradientResidue(dim)
    else this.readWholeKernel(dim)
  }

  private readWholeKernel(dim: DimName): void {
    const { m } = this
    const { taps, weight, first, origin, positions, reach } = this.dims[dim]
    m.set(taps, this.slot(`kernel${dim}`))
    m.set(weight, 0)
    m.set(first, 0)
    m.set(origin, m.sub(0, this.slot(`padding${dim}`)))
    m.set(positions, this.slot(`extent${dim}`))
    m.set(reach, m.mul(m.max(m.sub(taps, 1), 0), this.slot(`tap${dim}`)))
  }

  /** Every so many-th tap hits, from the first one for which the source's coordinate is whole. */
  private readGradientResidue(dim: DimName): void {
    const { f, m } = this
    const { taps, weight, first, origin, positions, reach, residue } = this.dims[dim]
    const kernel = this.slot(`kernel${dim}`)
    const stride = this.slot(`resultStep${dim}`)
    const [k, distance] = this.locals(2)
    const most = m.let(m.min(kernel, stride))
    m.set(k, 0)
    m.set(distance, m.add(residue, this.slot(`padding${dim}`)))
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
    // Taps go backwards through the source, so the first one reads the farthest.
    m.set(reach, m.mul(m.max(m.sub(taps, 1), 0), m.sub(0, this.slot(`tap${dim}`))))
    m.set(first, reach)
    m.set(origin, m.sub(origin, reach))
    m.set(positions, m.div(m.add(m.sub(this.slot(`extent${dim}`), residue), m.sub(stride, 1)), stride))
  }

  /** The positions of a unit: those of a block from `from` on. */
  cutPositions(): void {
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

  /** Zeros from `at` to `end`, and up to a vector more. */
  clear(at: Local, end: Pointer): void {
    const { f, m } = this
    f.while(f.op("ptr.lt_u", get(at), m.of(end)), () => {
      f.push(store("v128.store", get(at), zeros))
      m.advance(at, 16)
    })
  }
}
