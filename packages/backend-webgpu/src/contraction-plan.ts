/** Which shaders compute a contraction of given sizes, and with how many workgroups. */
import {
  type Contraction,
  type ContractionLaunch,
  type Reading,
  type Slices,
  sliceShader,
  sumShader,
  type Tile,
  tileBytes,
  tileColumns,
  tileRows,
  tileShader,
  tileThreads,
} from "./contraction.ts"
import type { Launch } from "./launch.ts"
import { usesSubgroups } from "./meeting.ts"
import { dispatchOf, GROUP, NOTHING } from "./planner.ts"
import type { BufferRef, Dispatch, GpuLimits, Plan, Shader } from "./program.ts"
import type { Emitted } from "./writer.ts"

/** Most results per invocation first. */
const TILES = {
  large: { down: 16, across: 16, rowQuads: 2, columnQuads: 2, depth: 8 },
  medium: { down: 16, across: 16, rowQuads: 1, columnQuads: 1, depth: 16 },
  small: { down: 8, across: 8, rowQuads: 1, columnQuads: 1, depth: 16 },
  /** For few rows, yet too many for `sliceShader`. */
  flat: { down: 4, across: 16, rowQuads: 1, columnQuads: 2, depth: 16 },
} as const satisfies Record<string, Tile>
type TileName = keyof typeof TILES

/** Up to so many rows every invocation has all of them. */
export const FEW_ROWS = 4
/** Up to so many rows a tile is flat, where there are more columns than these. */
export const FLAT_ROWS = 16
const FLAT_COLUMNS = 64
/** A machine wants at least so many workgroups at once, where there is a choice. */
const WANTED_WORKGROUPS = 64
/** Into how many workgroups a product of fewer is split. */
const SPLIT_WORKGROUPS = 128
/** A depth is split from here on: the sums of the parts cost a dispatch more. */
const SPLIT_DEPTH = 2048
/** The least depth of a part. */
const SPAN = 256
/** Parts are multiples of this, and so of every tile's step. */
const STEP = 16
/** What partial sums may take. */
const PARTIAL_BYTES = 1 << 26

export interface ContractionSizes {
  readonly batches: number
  readonly rows: number
  readonly columns: number
  /** The most that any batch has. */
  readonly depth: number
}

type Form = { readonly tile: TileName } | Slices

const ceil = (x: number, by: number): number => Math.ceil(x / by)

/** How many columns and rows a workgroup has. */
const extent = (form: Form): readonly [rows: number, columns: number] =>
  "tile" in form ? [tileRows(TILES[form.tile]), tileColumns(TILES[form.tile])] : [form.rows, GROUP / form.slices]

const workgroupsOf = (form: Form, { batches, rows, columns }: ContractionSizes): number => {
  const [down, across] = extent(form)
  return batches * ceil(rows, down) * ceil(columns, across)
}

const SLICES = { depth: [16, 64, 256], column: [1, 4, 16] } as const

/** Slices of the depth per column: where the depth is contiguous enough for neighbours to share cache lines, else few. */
function slicesOf({ batches, columns, depth }: ContractionSizes, along: Reading["b"]): number {
  const [few, more, most] = SLICES[along]
  if (along === "depth") return depth >= 2048 ? most : depth >= 256 ? more : few
  const enough = (slices: number): boolean =>
    batches * columns * slices >= WANTED_WORKGROUPS * GROUP || depth < 8 * slices
  return [few, more].find(enough) ?? most
}

/** Whether less than half of a tile is idle. What is staged is shared all the same, what is read directly is read in vain. */
const fills = (tile: Tile, { rows, columns }: ContractionSizes): boolean =>
  2 * rows > tileRows(tile) && 2 * columns > tileColumns(tile)

const fits = (tile: Tile, { invocations, workgroupBytes, staging }: GpuLimits): boolean =>
  tileThreads(tile) <= invocations && (!staging || tileBytes(tile) <= workgroupBytes)

function formOf(sizes: ContractionSizes, reading: Reading, limits: GpuLimits): Form {
  const { rows, columns } = sizes
  if (rows <= FEW_ROWS) return { rows, slices: slicesOf(sizes, reading.b), along: reading.b }
  if (rows <= FLAT_ROWS && columns > FLAT_COLUMNS) return { tile: "flat" }
  for (const tile of ["large", "medium"] as const) {
    if (!limits.staging && !fills(TILES[tile], sizes)) continue
    if (fits(TILES[tile], limits) && workgroupsOf({ tile }, sizes) >= WANTED_WORKGROUPS) return { tile }
  }
  return { tile: "small" }
}

/** Into how many parts the depth is split, and how long they are. */
function splitOf(form: Form, sizes: ContractionSizes): { readonly splits: number; readonly span: number } {
  const { batches, rows, columns, depth } = sizes
  const workgroups = workgroupsOf(form, sizes)
  const bytes = 4 * batches * rows * columns
  const most = Math.min(ceil(SPLIT_WORKGROUPS, workgroups), Math.floor(depth / SPAN), Math.floor(PARTIAL_BYTES / bytes))
  if (depth < SPLIT_DEPTH || workgroups >= WANTED_WORKGROUPS || most < 2) return { splits: 1, span: depth }
  const span = ceil(ceil(depth, most), STEP) * STEP
  return { splits: ceil(depth, span), span }
}

/** Operands 0 and 1 in each other's place. */
const turned = (ref: BufferRef): BufferRef => ("operand" in ref && ref.operand < 2 ? { operand: 1 - ref.operand } : ref)

/** The shaders of a contraction, made when they are first needed, and its plans. */
export class ContractionProgram {
  private readonly shaders = new Map<string, Emitted>()
  private readonly contraction: Contraction
  private readonly limits: GpuLimits

  constructor(contraction: Contraction, limits: GpuLimits) {
    this.contraction = contraction
    this.limits = limits
  }

  /** `numbers`: those that the texts mention, but for those that say how the work is cut. Of operands 0 and 1, a is `first`. */
  plan(
    sizes: ContractionSizes,
    reading: Reading,
    launch: Launch,
    numbers: Readonly<Record<string, number>>,
    first: 0 | 1 = 0,
  ): Plan {
    const { batches, rows, columns } = sizes
    if (batches * rows * columns === 0) return NOTHING
    const form = formOf(sizes, reading, this.limits)
    const { splits, span } = splitOf(form, sizes)
    const [down, across] = extent(form)
    const cut = {
      batches,
      rows,
      columns,
      splits,
      span,
      tilesDown: ceil(rows, down),
      tilesAcross: ceil(columns, across),
    }
    const dispatch = (emitted: Emitted, workgroups: number): Dispatch => {
      const all: ContractionLaunch = { ...launch, numbers: { ...numbers, ...cut, workgroups } }
      const dispatch = dispatchOf(emitted, all, workgroups)
      return first === 0 ? dispatch : { ...dispatch, buffers: dispatch.buffers.map(turned) }
    }
    const products = dispatch(this.products(form, reading, splits > 1), workgroupsOf(form, sizes) * splits)
    if (splits === 1) return { dispatches: [products], temporaries: [] }
    const sums = dispatch(this.sums(), ceil(batches * rows * ceil(columns, 4), GROUP))
    return { dispatches: [products, sums], temporaries: [4 * splits * batches * rows * columns] }
  }

  /** The shaders of all tiles and of products of one row, which are the most frequent of those of few, of whole and split depths. */
  commonShaders(readings: readonly Reading[]): Shader[] {
    const tiles = (Object.keys(TILES) as TileName[]).filter((name) => fits(TILES[name], this.limits))
    const shaders = new Set([this.sums().shader])
    for (const reading of readings)
      for (const split of [false, true]) {
        const along = reading.b
        const slices = SLICES[along].map((slices): Form => ({ rows: 1, slices, along }))
        for (const form of [...tiles.map((tile): Form => ({ tile })), ...slices])
          shaders.add(this.products(form, reading, split).shader)
      }
    return [...shaders]
  }

  private products(form: Form, reading: Reading, split: boolean): Emitted {
    if ("tile" in form)
      return this.shader(`${form.tile} ${reading.a} ${reading.b} ${split}`, () =>
        tileShader(this.contraction, TILES[form.tile], reading, split, this.limits.staging),
      )
    return this.shader(`${form.rows} ${form.slices} ${form.along} ${split}`, () =>
      sliceShader(this.contraction, form, split, usesSubgroups(this.limits, GROUP)),
    )
  }

  private sums(): Emitted {
    return this.shader("sums", () => sumShader(this.contraction))
  }

  private shader(key: string, make: () => Emitted): Emitted {
    let shader = this.shaders.get(key)
    if (!shader) this.shaders.set(key, (shader = make()))
    return shader
  }
}
