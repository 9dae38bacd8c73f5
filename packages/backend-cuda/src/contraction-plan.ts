/** Which kernels compute a contraction of given sizes, and with how many blocks. */

import { type ConvKernel, type MatmulKernel, topological } from "@taeda/core"
import { type Contraction, laneOfSums, type Reading } from "./contraction.ts"
import { type AsyncTile, asyncKernel, byWarpgroups, fills, stagesOf } from "./contraction-async.ts"
import { type Factors, factorsOf, type MmaTile, mmaKernel } from "./contraction-mma.ts"
import { type Slices, sliceKernel } from "./contraction-slices.ts"
import { sumKernel } from "./contraction-sums.ts"
import { type Tile, tileKernel, type Vectors } from "./contraction-tile.ts"
import { barrierBytes, boxOf, tmaKernel } from "./contraction-tma.ts"
import { laneBytes } from "./elements.ts"
import { isWide, type Launch, type PlannedLaunch } from "./launch.ts"
import { BLOCK, launchOf, NOTHING } from "./planner.ts"
import type { DeviceLimits, KernelTrial, Module, Plan } from "./program.ts"
import { type MatrixLayout, mapNumbers } from "./tensor-maps.ts"
import type { Emitted } from "./writer.ts"

/** The best first, for sizes that fill them. */
const TILES = {
  large: { rows: 128, columns: 128, depth: 8, down: 8, across: 8 },
  /** For the rows that convolutions have: few beside their columns. */
  broad: { rows: 64, columns: 128, depth: 8, down: 8, across: 8 },
  medium: { rows: 64, columns: 64, depth: 16, down: 4, across: 4 },
  low: { rows: 32, columns: 128, depth: 16, down: 4, across: 8 },
  small: { rows: 32, columns: 32, depth: 16, down: 4, across: 4 },
  /** For few rows, yet too many for `sliceKernel`. */
  flat: { rows: 16, columns: 64, depth: 16, down: 4, across: 4 },
} as const satisfies Record<string, Tile>
type TileName = keyof typeof TILES

/** The same in tensor cores. */
const MMA_TILES = {
  large: { rows: 128, columns: 128, depthBytes: 64, warpsDown: 2, warpsAcross: 4 },
  broad: { rows: 64, columns: 128, depthBytes: 64, warpsDown: 2, warpsAcross: 2 },
  medium: { rows: 64, columns: 64, depthBytes: 64, warpsDown: 2, warpsAcross: 2 },
  low: { rows: 32, columns: 128, depthBytes: 64, warpsDown: 1, warpsAcross: 4 },
  small: { rows: 32, columns: 64, depthBytes: 64, warpsDown: 2, warpsAcross: 2 },
  flat: { rows: 16, columns: 128, depthBytes: 128, warpsDown: 1, warpsAcross: 4 },
} as const satisfies Record<TileName, MmaTile>

/** The same where copies go on meanwhile; "huge" is a tile of these alone. */
const ASYNC_TILES = {
  huge: { rows: 128, columns: 256, warpsDown: 2, warpsAcross: 4, by: "mma", stages: 4 },
  large: { rows: 128, columns: 128, warpsDown: 2, warpsAcross: 4, by: "mma", stages: 4 },
  broad: { rows: 64, columns: 128, warpsDown: 2, warpsAcross: 2, by: "mma", stages: 4 },
  medium: { rows: 64, columns: 64, warpsDown: 2, warpsAcross: 2, by: "mma", stages: 4 },
  low: { rows: 32, columns: 128, warpsDown: 1, warpsAcross: 4, by: "mma", stages: 4 },
  small: { rows: 32, columns: 64, warpsDown: 2, warpsAcross: 2, by: "mma", stages: 4 },
  flat: { rows: 16, columns: 128, warpsDown: 1, warpsAcross: 4, by: "mma", stages: 4 },
} as const satisfies Record<TileName | "huge", AsyncTile>

/** Those that warpgroups multiply, in place of them. */
const GROUP_TILES: Partial<Readonly<Record<TileName | "huge", AsyncTile>>> = {
  huge: { rows: 128, columns: 256, warpsDown: 8, warpsAcross: 1, by: "wgmma", stages: 4 },
  large: { rows: 128, columns: 128, warpsDown: 8, warpsAcross: 1, by: "wgmma", stages: 4 },
  broad: { rows: 64, columns: 128, warpsDown: 4, warpsAcross: 1, by: "wgmma", stages: 4 },
}

/** Those to which the tensor memory accelerator copies, in place of them. */
const TMA_TILES: Partial<Readonly<Record<TileName | "huge", AsyncTile>>> = {
  huge: { rows: 128, columns: 256, warpsDown: 8, warpsAcross: 1, by: "tma", stages: 4 },
  large: { rows: 128, columns: 128, warpsDown: 8, warpsAcross: 1, by: "tma", stages: 6 },
}

/** Up to so many rows every thread has all of them. */
export const FEW_ROWS = 4
/** Up to so many rows a tile is flat, where there are more columns than these. */
export const FLAT_ROWS = 16
const FLAT_COLUMNS = 64
/** A depth is split from here on: the sums of the parts cost a kernel more. */
const SPLIT_DEPTH = 512
/** The least depth of a part. */
const SPAN = 128
/** A depth of several times as much is split even where smaller tiles would have blocks enough: large ones read less. */
const LONG_SPAN = 1024
/** Parts that only together take less than so much of the time are worth their sums. */
const WORTH_PARTS = 0.8
/** Parts are multiples of this, and so of every tile's step. */
const STEP = 64
/** What partial sums may take. */
const PARTIAL_BYTES = 1 << 26
/** Nodes of an epilogue that is written out for every result; a longer one has a kernel of its own. */
const LONG_EPILOGUE = 24

export interface ContractionSizes {
  readonly batches: number
  readonly rows: number
  readonly columns: number
  /** The most that any batch has. */
  readonly depth: number
}

type Form =
  | {
      readonly tile: TileName
      readonly mma: boolean
      /** Of tensor cores, where copies go on meanwhile. */
      readonly async?: { readonly tile: AsyncTile; readonly stages: number } | null
    }
  | Slices

/** How a and b lie as matrices, where tensor maps can tell of them. */
export interface Layouts {
  readonly a: MatrixLayout
  readonly b: MatrixLayout
}

/** What is known of a product's operands. */
interface Places {
  readonly reading: Reading
  readonly vectors: Vectors
  readonly layouts: Layouts | null
}

/** What can be read and written so many elements at a time. */
export type Aligned = (count: 2 | 4 | 8) => Vectors

const ceil = (x: number, by: number): number => Math.ceil(x / by)

/** How many rows and columns a block has. */
const extent = (form: Form): readonly [rows: number, columns: number] =>
  "tile" in form ? [shapeOf(form).rows, shapeOf(form).columns] : [form.rows, BLOCK / form.slices]
const shapeOf = ({ tile, mma, async }: Exclude<Form, Slices>): Pick<Tile, "rows" | "columns"> =>
  async?.tile ?? (mma ? MMA_TILES : TILES)[tile]

const blocksOf = (form: Form, { batches, rows, columns }: ContractionSizes): number => {
  const [down, across] = extent(form)
  return batches * ceil(rows, down) * ceil(columns, across)
}

/** Whether tiles are more than half full along both sides. */
const isFilled = (form: Form, { rows, columns }: ContractionSizes): boolean => {
  const [down, across] = extent(form)
  return 2 * rows > down && 2 * columns > across
}

/** The kernels of a contraction, made when they are first needed, and its plans. */
export class ContractionProgram {
  private readonly kernels = new Map<string, Emitted>()
  private readonly contraction: Omit<Contraction, "first">
  private readonly limits: DeviceLimits
  private readonly bytes: number
  private readonly longEpilogue: boolean
  private readonly huge: readonly AsyncTile["by"][]
  private readonly precision: KernelTrial["precision"]
  /** What tensor cores multiply in tiles; null where tiles are not theirs. */
  private readonly factors: Factors | null

  constructor(
    { dtype, epilogue, precision }: MatmulKernel | ConvKernel,
    describe: Contraction["describe"],
    limits: DeviceLimits,
    /** What may multiply the largest tiles: for which threads have registers beside what places take. */
    huge: readonly AsyncTile["by"][] = ["tma", "wgmma", "mma"],
  ) {
    this.contraction = { dtype, epilogue, describe }
    this.limits = limits
    this.huge = huge
    this.precision = precision
    this.bytes = laneBytes(laneOfSums(dtype))
    this.factors = factorsOf(dtype, limits.target, precision)
    this.longEpilogue = epilogue !== null && topological([epilogue.body]).length > LONG_EPILOGUE
  }

  get inTensorCores(): boolean {
    return this.factors !== null
  }

  /** So many elements are read at once, where those are always aligned neighbours. */
  get together(): 4 | 8 {
    return this.factors?.together ?? 4
  }

  /** `own`: the numbers that the geometry asks for, but for those that say how the work is cut. Of operands 0 and 1, a is `first`. */
  plan(
    sizes: ContractionSizes,
    reading: Reading,
    aligned: Aligned,
    launch: Launch,
    own: Readonly<Record<string, number>>,
    first: 0 | 1 = 0,
    layouts: Layouts | null = null,
  ): Plan {
    const { batches, rows, columns, depth } = sizes
    const results = batches * rows * columns
    if (results === 0) return NOTHING
    // An index is of the results or of the depth, never of both.
    const wide = isWide({ ...launch, sizes: [Math.max(results, depth)] })
    const form = this.formOf(sizes, reading, aligned, layouts)
    const vectors =
      "tile" in form && this.factors ? { ...aligned(this.factors.together), out: aligned(2).out } : aligned(4)
    const gathers = aligned(8).out
    const { splits, span } = this.splitOf(form, sizes)
    const [down, across] = extent(form)
    const blocksAcross = ceil(columns, BLOCK)
    const byMaps = "tile" in form && form.async?.tile.by === "tma" ? { tile: form.async.tile, layouts } : null
    // Those to which the accelerator copies take one tile after the other.
    const blocks = byMaps ? Math.min(blocksOf(form, sizes), this.limits.multiprocessors) : blocksOf(form, sizes)
    const planned: PlannedLaunch = {
      ...launch,
      own: {
        ...own,
        batches,
        rows,
        columns,
        splits,
        span,
        blocksAcross,
        tilesDown: ceil(rows, down),
        tilesAcross: ceil(columns, across),
        blocks,
        "a.step": Number(!layouts?.a.shared),
        "b.step": Number(!layouts?.b.shared),
      },
    }
    const apart = splits > 1 || (this.longEpilogue && "tile" in form)
    const emitted = this.products(form, reading, vectors, gathers, apart, first, wide)
    const maps = byMaps?.layouts && this.mapsOf(emitted, byMaps.tile, reading, byMaps.layouts)
    const products = { ...launchOf(emitted, planned, [blocks, splits, 1]), ...(maps && { maps }) }
    if (!apart) return { launches: [products], temporaries: [] }
    const sums = launchOf(this.sums(first, wide), planned, [batches * rows * blocksAcross, 1, 1])
    return { launches: [products, sums], temporaries: [this.bytes * splits * results] }
  }

  private mapsOf({ module }: Emitted, tile: AsyncTile, reading: Reading, { a, b }: Layouts): Float64Array[] {
    const { factors } = this
    const { maps: [pointerA, pointerB] = [] } = module
    if (!factors) throw new Error("cuda: tensor maps are for tensor cores")
    return [
      mapNumbers(pointerA, a, boxOf(factors, tile.rows, reading.a === "depth")),
      mapNumbers(pointerB, b, boxOf(factors, tile.columns, reading.b === "depth")),
    ]
  }

  /** The kernels of small and middling sizes. */
  commonModules(readings: readonly Reading[], vectors: Vectors = { a: true, b: true, out: true }): Module[] {
    return readings.map((reading) => {
      const async = this.asyncOf("medium", { reading, vectors, layouts: null }, false)
      const form = { tile: "medium", mma: this.inTensorCores, async } as const
      return this.products(form, reading, vectors, true, false, 0, false).module
    })
  }

  private formOf(sizes: ContractionSizes, reading: Reading, aligned: Aligned, layouts: Layouts | null): Form {
    const { rows, columns, depth } = sizes
    if (rows <= FEW_ROWS) {
      const vectors = aligned(4)
      const vector = vectors.a && vectors.b && reading.a === "depth" && reading.b === "depth" ? 4 : 1
      return { rows, slices: this.slicesOf(sizes, reading.b, depth / vector), along: reading.b, vector }
    }
    const mma = this.inTensorCores
    const places = { reading, vectors: aligned(this.together), layouts }
    const of = (tile: TileName, name: TileName | "huge" = tile, trusted = false): Exclude<Form, Slices> => ({
      tile,
      mma,
      async: this.asyncOf(name, places, trusted),
    })
    // What is chosen by its shape may have to be tried first, and give way to one of the same shape.
    const chosen = (tile: TileName): Form => of(tile, tile, true)
    if (rows <= FLAT_ROWS && columns > FLAT_COLUMNS) return chosen("flat")
    const isEnough = (form: Form): boolean => isFilled(form, sizes) && this.keepsBusy(form, sizes)
    const isHuge = ({ async }: Exclude<Form, Slices>): boolean => !!async && this.huge.includes(async.tile.by)
    const huge = of("large", "huge")
    if (isHuge(huge) && isEnough(huge)) {
      const trusted = of("large", "huge", true)
      if (isHuge(trusted)) return trusted
    }
    for (const tile of ["large", "broad", "medium", "low"] as const) {
      // A thread has too many sums of 64 bits in others than the medium tile.
      const fits = this.bytes === 4 || tile === "medium"
      if (fits && isEnough(of(tile))) return chosen(tile)
    }
    return chosen("small")
  }

  /** Whether every multiprocessor has a block: of parts of the depth, where these are long. */
  private keepsBusy(form: Form, sizes: ContractionSizes): boolean {
    const parts = Math.min(Math.floor(sizes.depth / LONG_SPAN), this.partsWithRoom(sizes))
    return blocksOf(form, sizes) * Math.max(1, parts) >= this.limits.multiprocessors
  }

  /** The tile whose copies go on meanwhile, where device, sizes and places allow for such; `trusted`: and which was tried on the device. */
  private asyncOf(
    name: TileName | "huge",
    { reading, vectors, layouts }: Places,
    trusted: boolean,
  ): { readonly tile: AsyncTile; readonly stages: number } | null {
    const { factors, limits, precision } = this
    if (!factors || factors.target < 80 || !vectors.a || !vectors.b) return null
    const groups = limits.warpgroups && byWarpgroups(factors, reading, precision)
    const possible = { tma: groups && limits.tensorMaps && layouts !== null, wgmma: groups, mma: true }
    for (const tile of [limits.tuning?.tile, TMA_TILES[name], GROUP_TILES[name], ASYNC_TILES[name]]) {
      if (!tile || !possible[tile.by]) continue
      const stages = stagesOf(tile, limits.sharedBytes - (tile.by === "tma" ? barrierBytes(tile.stages) : 0))
      const filled =
        fills(factors, tile.rows, reading.a === "depth") && fills(factors, tile.columns, reading.b === "depth")
      if (stages === 0 || !filled) continue
      const isTrusted = !trusted || (limits.trusts?.({ tile, dtype: factors.dtype, precision, reading }) ?? true)
      if (isTrusted) return { tile, stages }
    }
    return null
  }

  /** Slices of the depth per column: where the depth is contiguous enough for neighbours to share cache lines, else few. */
  private slicesOf({ batches, columns }: ContractionSizes, along: Reading["b"], steps: number): number {
    if (along === "depth") return steps >= 4096 ? BLOCK : steps >= 16 ? 32 : 8
    const busy = this.limits.multiprocessors * BLOCK
    return [1, 4].find((slices) => batches * columns * slices >= busy || steps < 8 * slices) ?? 16
  }

  /** Into how many parts the depth is split, and how long they are. */
  private splitOf(form: Form, sizes: ContractionSizes): { readonly splits: number; readonly span: number } {
    const { depth } = sizes
    const blocks = blocksOf(form, sizes)
    const whole = { splits: 1, span: depth }
    if (depth < SPLIT_DEPTH || blocks >= this.limits.multiprocessors) return whole
    const most = Math.min(this.partsWanted(blocks), Math.floor(depth / SPAN), this.partsWithRoom(sizes))
    if (most < 2) return whole
    const span = ceil(ceil(depth, most), STEP) * STEP
    return { splits: ceil(depth, span), span }
  }

  /** How many partial sums of each result there is room for. */
  private partsWithRoom({ batches, rows, columns }: ContractionSizes): number {
    return Math.floor(PARTIAL_BYTES / (this.bytes * batches * rows * columns))
  }

  /** In how many parts of the depth so many blocks had better be, where the depth is long enough. */
  private partsWanted(blocks: number): number {
    const { multiprocessors } = this.limits
    const most = ceil(2 * multiprocessors, blocks)
    if (2 * blocks <= multiprocessors) return most
    // Most have a block each: what counts is how many parts come one after the other.
    const time = (parts: number): number => ceil(blocks * parts, multiprocessors) / parts
    let best = 1
    for (let parts = 2; parts <= most; parts++) if (time(parts) < WORTH_PARTS * time(best)) best = parts
    return best
  }

  private products(
    form: Form,
    reading: Reading,
    vectors: Vectors,
    gathers: boolean,
    split: boolean,
    first: 0 | 1,
    wide: boolean,
  ): Emitted {
    const contraction = { ...this.contraction, first }
    const { factors } = this
    if ("tile" in form && form.async && factors) {
      const { tile, stages } = form.async
      const together = gathers ? 8 : vectors.out ? 2 : 1
      const shape = [tile.rows, tile.columns, tile.warpsDown, tile.warpsAcross, tile.by, stages]
      return this.kernel([...shape, reading.a, reading.b, together, split, first, wide], () =>
        (tile.by === "tma" ? tmaKernel : asyncKernel)(
          contraction,
          factors,
          tile,
          stages,
          reading,
          together,
          split,
          wide,
        ),
      )
    }
    if ("tile" in form)
      return this.kernel(
        [
          form.tile,
          form.mma,
          reading.a,
          reading.b,
          vectors.a,
          vectors.b,
          vectors.out,
          vectors.line,
          split,
          first,
          wide,
        ],
        () =>
          this.factors
            ? mmaKernel(contraction, this.factors, MMA_TILES[form.tile], reading, vectors, split, wide)
            : tileKernel(contraction, TILES[form.tile], reading, vectors, split, wide),
      )
    return this.kernel([form.rows, form.slices, form.along, form.vector, split, first, wide], () =>
      sliceKernel(contraction, form, split, wide),
    )
  }

  private sums(first: 0 | 1, wide: boolean): Emitted {
    return this.kernel(["sums", first, wide], () => sumKernel({ ...this.contraction, first }, wide))
  }

  private kernel(key: readonly (string | number | boolean | undefined)[], make: () => Emitted): Emitted {
    const name = key.join()
    let kernel = this.kernels.get(name)
    if (!kernel) this.kernels.set(name, (kernel = make()))
    return kernel
  }
}
