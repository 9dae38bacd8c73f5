/**
 * Tiles of the result that two warpgroups multiply (`wgmma`), while a third has the tensor memory accelerator bring the factors into shared
 * memory, box by box: for compute capability 9.0, where the factors are matrices that tensor maps can tell of. What lies outside of them
 * comes as zeros.
 *
 * Stages of shared memory go round. Each has two barriers: `full`, which the bytes of its boxes complete, and `empty`, which the warps that
 * have multiplied it complete. Blocks stay, and take one tile after the other, so that the next one's factors come while one is stored.
 */
import { beginContraction, type Contraction, type Reading } from "./contraction.ts"
import { type AsyncTile, stageBytes } from "./contraction-async.ts"
import { beginWarp, type Factors, threadsOf } from "./contraction-mma.ts"
import { depthRange, groupedTileOfBlock } from "./contraction-tile.ts"
import { ALIGN, GROUP_BYTES, type GroupSide, groupProducts, LINE, storeTile } from "./contraction-warpgroups.ts"
import type { Emitted, Writer } from "./writer.ts"

/** Threads that copy, behind those that multiply: a warpgroup, of which one thread is enough. */
const COPYING = 128
/** Registers of a thread that copies, and of one that multiplies. At first all have the same, 168. */
const COPYING_REGISTERS = 40
const MULTIPLYING_REGISTERS = 232
const BARRIER_BYTES = 8
/** So often a barrier is asked, which takes seconds, before it is clear that what is waited for never comes. */
const MOST_TRIES = 2 ** 25
/** What then happens. */
export const GIVES_UP = "trap"

/** Bytes of the barriers of so many stages. */
export const barrierBytes = (stages: number): number => 2 * stages * BARRIER_BYTES

/** Of a side's boxes: the elements of a line, and lines. */
export const boxOf = ({ bytes }: Factors, extent: number, alongDepth: boolean): readonly [number, number] => [
  LINE / bytes,
  alongDepth ? extent : LINE / bytes,
]

/** A side's tile and how it comes. */
interface Side extends GroupSide {
  readonly map: string
  /** By how much the next batch is further: 0 where all read the same matrix. */
  readonly step: string
}

export function tmaKernel(
  contraction: Contraction,
  factors: Factors,
  tile: AsyncTile,
  stages: number,
  reading: Reading,
  together: 1 | 2 | 8,
  split: boolean,
  wide: boolean,
): Emitted {
  const writing = beginContraction(contraction, wide)
  const { w, geometry } = writing
  const { first } = contraction
  const size = stageBytes(tile)
  const a: Side = {
    extent: tile.rows,
    alongDepth: reading.a === "depth",
    at: 0,
    map: w.tensorMap({ operand: first }),
    step: w.own("a.step"),
  }
  const b: Side = {
    extent: tile.columns,
    alongDepth: reading.b === "depth",
    at: tile.rows * LINE,
    map: w.tensorMap({ operand: 1 - first }),
    step: w.own("b.step"),
  }
  const shared = w.dynamicShared("stages", ALIGN)
  const ring: Ring = { shared, size, stages, barriers: w.op("add.u32", shared, stages * size) }
  const multiplying = threadsOf(tile)

  w.if(w.op("setp.eq.u32", w.thread, multiplying), () => {
    for (let s = 0; s < stages; s++) {
      w.line(`mbarrier.init.shared::cta.b64 [${ring.barriers}+${s * BARRIER_BYTES}], 1`)
      w.line(`mbarrier.init.shared::cta.b64 [${ring.barriers}+${(stages + s) * BARRIER_BYTES}], ${multiplying / 32}`)
    }
    w.line("fence.proxy.async.shared::cta")
    for (const { map } of [a, b]) w.line(`prefetch.tensormap [${map}]`)
  })
  w.barrier()

  /** The tiles of a block, and the steps of each. */
  const everyTile = (body: (tile: Tile) => void): void => {
    const tiles = w.op("mul.lo.u32", w.op("mul.lo.u32", w.own("tilesDown"), w.own("tilesAcross")), w.own("batches"))
    w.for("u32", w.block(), tiles, w.own("blocks"), (number) => {
      const place = groupedTileOfBlock(w, tile, number)
      const batch = geometry.batch(w.toIndex(place.z))
      const range = depthRange(writing, batch.depth, split)
      const narrow = (index: string): string => (wide ? w.op("cvt.u32.u64", index) : index)
      body({ ...place, batch, begin: narrow(range.begin), end: narrow(range.end) })
    })
  }

  w.if(
    w.op("setp.ge.u32", w.thread, multiplying),
    () => {
      w.line(`setmaxnreg.dec.sync.aligned.u32 ${COPYING_REGISTERS}`)
      w.if(w.op("setp.eq.u32", w.thread, multiplying), () => {
        const turn = new Turn(w, ring, 1)
        everyTile(({ z, m0, n0, begin, end }) => {
          const sides = [
            { side: a, base: m0, batch: w.op("mul.lo.u32", z, a.step) },
            { side: b, base: n0, batch: w.op("mul.lo.u32", z, b.step) },
          ]
          w.for("u32", begin, end, LINE / factors.bytes, (k0) => {
            turn.wait("empty")
            w.line(`mbarrier.arrive.expect_tx.shared::cta.b64 _, [${turn.full}], ${size}`)
            for (const { side, base, batch } of sides) bring(w, factors, turn, side, base, k0, batch)
            turn.next()
          })
        })
      })
    },
    () => {
      w.line(`setmaxnreg.inc.sync.aligned.u32 ${MULTIPLYING_REGISTERS}`)
      const { warp, lane, firstRow, firstColumn, sums } = beginWarp(w, tile)
      const products = groupProducts(w, factors, a, b, w.op("shr.u32", warp, 2), sums[0])
      const turn = new Turn(w, ring, 0)
      const isFirst = w.op("setp.eq.u32", lane, 0)
      // The stage before, whose products may still be made; 0 where there is none.
      const before = w.variable("u32", 0)
      const release = (): void => {
        const isHeld = w.op("and.pred", isFirst, w.op("setp.ne.u32", before, 0))
        w.line(`@${isHeld} mbarrier.arrive.shared::cta.b64 _, [${before}+${stages * BARRIER_BYTES}]`)
      }
      everyTile(({ batch, begin, end, ...place }) => {
        for (const sum of sums.flat(2)) w.set("f32", sum, "0f00000000")
        w.for("u32", begin, end, LINE / factors.bytes, () => {
          turn.wait("full")
          products(turn.stage, () => {})
          release()
          w.set("u32", before, turn.full)
          turn.next()
        })
        w.line("wgmma.wait_group.sync.aligned 0")
        release()
        w.set("u32", before, 0)
        storeTile(writing, batch, place, { lane, firstRow, firstColumn, sums }, split, together)
      })
    },
  )
  return w.finish(multiplying + COPYING, 90, stages * size + barrierBytes(stages), true)
}

interface Tile extends ReturnType<typeof groupedTileOfBlock> {
  readonly batch: Parameters<typeof storeTile>[1]
  readonly begin: string
  readonly end: string
}

/** Stages of shared memory, and behind them their barriers: those that are full, then those that are empty. */
interface Ring {
  readonly shared: string
  readonly barriers: string
  readonly size: number
  readonly stages: number
}

/** Where a thread stands in the ring. */
class Turn {
  private readonly w: Writer
  private readonly ring: Ring
  private readonly parity: string
  readonly stage: string
  /** The address of the stage's barrier; that of the empty stage lies behind those of all stages. */
  readonly full: string

  /** `parity` is that of the phase which is waited for first. */
  constructor(w: Writer, ring: Ring, parity: 0 | 1) {
    this.w = w
    this.ring = ring
    this.stage = w.variable("u32", ring.shared)
    this.full = w.variable("u32", ring.barriers)
    this.parity = w.variable("u32", parity)
  }

  wait(what: "full" | "empty"): void {
    const { w, ring } = this
    const [again, over] = [w.label(), w.label()]
    const done = w.register("pred")
    const at = what === "full" ? this.full : `${this.full}+${ring.stages * BARRIER_BYTES}`
    const tries = w.variable("u32", 0)
    w.place(again)
    w.line(`mbarrier.try_wait.parity.shared::cta.b64 ${done}, [${at}], ${this.parity}`)
    w.goto(over, done)
    w.line(`add.u32 ${tries}, ${tries}, 1`)
    w.goto(again, w.op("setp.lt.u32", tries, MOST_TRIES))
    w.line(GIVES_UP)
    w.place(over)
  }

  next(): void {
    const { w, ring, stage, full, parity } = this
    w.line(`add.u32 ${stage}, ${stage}, ${ring.size}`)
    w.line(`add.u32 ${full}, ${full}, ${BARRIER_BYTES}`)
    // The barriers begin where the stages end.
    const isOver = w.op("setp.eq.u32", stage, ring.barriers)
    w.line(`selp.u32 ${stage}, ${ring.shared}, ${stage}, ${isOver}`)
    w.line(`selp.u32 ${full}, ${ring.barriers}, ${full}, ${isOver}`)
    w.line(`@${isOver} xor.b32 ${parity}, ${parity}, 1`)
  }
}

/** Has a side's tile of a step brought: whole, or in panels of lines along its extent. */
function bring(
  w: Writer,
  factors: Factors,
  { stage, full }: Turn,
  { map, at, extent, alongDepth }: Side,
  base: string,
  k0: string,
  batch: string,
): void {
  const [width] = boxOf(factors, extent, alongDepth)
  for (let panel = 0; panel < (alongDepth ? 1 : extent / width); panel++) {
    const along = panel === 0 ? base : w.op("add.u32", base, panel * width)
    const corner = alongDepth ? [k0, along] : [along, k0]
    w.line(
      `cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [${stage}+${at + panel * GROUP_BYTES}], [${map}, {${[...corner, batch].join(", ")}}], [${full}]`,
    )
  }
}
