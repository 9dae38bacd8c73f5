/**
 * Scatters, deterministic without atomic operations on floats. What can meet at one element is known from the coordinates
 * (`tiesOf`); then, the first of these that applies:
 *  - no two points meet: every point writes its element;
 *  - the order does not matter (integers, extremes): atomic operations;
 *  - few points can meet: a block sorts them by their elements, and combines those of an element in order;
 *  - only the last point counts, and the target is not much larger than the iteration: the points of an element contend for
 *    a mark, the last one wins and writes;
 *  - the points are sorted by their elements, and those of an element combined in order.
 */
import { type ScatterKernel, type Ties, tiesOf } from "@taeda/core"
import { LANE_OF } from "./elements.ts"
import { countOf, isWide, type Launch, type PlannedLaunch } from "./launch.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import type { DeviceLimits, KernelLaunch, Plan } from "./program.ts"
import { type RadixSort, radixSort } from "./radix-sort.ts"
import { anyOrder, combineAtomically } from "./scatter-atomics.ts"
import { Points, valueMayFault } from "./scatter-points.ts"
import { type KeyType, keyBytes, lastKey, TILE, tileRows, writeTileSort } from "./tile-sort.ts"
import { type Emitted, Writer } from "./writer.ts"

/** Marks are worth their memory up to so many for each point. */
const MARKS_PER_POINT = 8

/** The least items that a block takes, and the blocks that are enough, where all of them sort the same. */
const LEAST_ITEMS = 4096
const ENOUGH_BLOCKS = 1024

/** How much of the tied dims a block takes, having sorted `length` points. */
const slabOf = (tied: number, length: number): number =>
  Math.min(tied, Math.max(Math.ceil(LEAST_ITEMS / length), Math.ceil(tied / ENOUGH_BLOCKS)))

/** What the kernels of one scatter have in common, for one way in which its points are tied. */
interface Scattering {
  readonly kernel: ScatterKernel
  readonly ties: Ties
  readonly keyType: KeyType
}

const begin = ({ kernel, ties, keyType }: Scattering, wide: boolean): { w: Writer; points: Points } => {
  const w = new Writer(wide)
  return { w, points: new Points(w, kernel, ties, keyType) }
}

/** The number of the thread in the launch. */
const threadNumber = (w: Writer): string => w.op("mad.lo.u32", w.block(), BLOCK, w.thread)

/** A point of its own for every thread. */
function emitPoints(
  scattering: Scattering,
  wide: boolean,
  body: (w: Writer, points: Points, c: string, u: string) => void,
): Emitted {
  const { w, points } = begin(scattering, wide)
  const number = threadNumber(w)
  w.exit(w.op("setp.ge.u32", number, w.own("points")))
  const length = w.own("length")
  body(w, points, w.op("div.u32", number, length), w.op("rem.u32", number, length))
  return w.finish(BLOCK)
}

/** Combines the one point of an element into it. */
const emitAlone = (scattering: Scattering, wide: boolean): Emitted =>
  emitPoints(scattering, wide, (w, points, c, u) => {
    const place = points.place(c, u)
    const value = points.value(c, u)
    w.if(place.inside, () => {
      const set = scattering.kernel.combine === "set"
      points.write(place, set ? value : points.combined(points.read(place), value))
    })
  })

const emitAtomics = (scattering: Scattering, wide: boolean): Emitted =>
  emitPoints(scattering, wide, (w, points, c, u) => {
    const place = points.place(c, u)
    const value = points.value(c, u)
    w.if(place.inside, () => combineAtomically(w, scattering.kernel, points, place, value))
  })

/** The address of an element's mark: a u32 in temporary 0. */
function markAt(w: Writer, element: string, keyType: KeyType): string {
  const marks = w.pointer({ temporary: 0 })
  return keyType === "u64" ? w.op("mad.lo.u64", element, 4, marks) : w.op("mad.wide.u32", element, 4, marks)
}

function emitClearing(_: Scattering, wide: boolean): Emitted {
  const w = new Writer(wide)
  const number = threadNumber(w)
  w.exit(w.op("setp.ge.u32", number, w.own("elements")))
  w.line(`st.global.u32 [${markAt(w, number, "u32")}], ${w.op("mov.u32", 0)}`)
  return w.finish(BLOCK)
}

/** The number in iteration order: along the untied dims is enough, for only such points meet. */
const markOf = (w: Writer, u: string): string => w.op("add.u32", u, 1)

const emitContending = (scattering: Scattering, wide: boolean): Emitted =>
  emitPoints(scattering, wide, (w, points, c, u) => {
    const { keyType } = scattering
    const element = points.element(c, u)
    w.if(w.op(`setp.ne.${keyType}`, element, lastKey(keyType)), () =>
      w.line(`red.global.max.u32 [${markAt(w, element, keyType)}], ${markOf(w, u)}`),
    )
  })

const emitWinning = (scattering: Scattering, wide: boolean): Emitted =>
  emitPoints(scattering, wide, (w, points, c, u) => {
    const { keyType, kernel } = scattering
    const element = points.element(c, u)
    const value = valueMayFault(kernel) ? points.value(c, u) : undefined
    w.if(w.op(`setp.ne.${keyType}`, element, lastKey(keyType)), () => {
      const mark = w.op("ld.global.u32", `[${markAt(w, element, keyType)}]`)
      w.if(w.op("setp.eq.u32", mark, markOf(w, u)), () => points.write(points.place(c, u), value ?? points.value(c, u)))
    })
  })

/** Sorted points: their keys and places by the number of the item. */
interface Run {
  readonly key: (item: string) => string
  readonly place: (item: string) => string
}

/** Combines the points of the element whose first point is item `i`, of those before `end`, in order. */
function combineRun(
  w: Writer,
  { kernel, keyType }: Scattering,
  points: Points,
  c: string,
  { i, end, key }: { readonly i: string; readonly end: string; readonly key: string },
  run: Run,
): void {
  const place = points.place(c, run.place(i))
  /** Whether the item is one of the run. */
  const continues = (item: string): string => {
    const same = w.variable("u32", 0)
    w.if(w.op("setp.lt.u32", item, end), () => {
      const equal = w.op(`setp.eq.${keyType}`, run.key(item), key)
      w.set("u32", same, w.op("selp.u32", 1, 0, equal))
    })
    return w.op("setp.ne.u32", same, 0)
  }
  w.if(place.inside, () => {
    if (kernel.combine === "set") {
      const next = w.variable("u32", w.op("add.u32", i, 1))
      w.while(
        () => continues(next),
        () => {
          if (valueMayFault(kernel)) points.value(c, run.place(w.op("sub.u32", next, 1)))
          w.line(`add.u32 ${next}, ${next}, 1`)
        },
      )
      points.write(place, points.value(c, run.place(w.op("sub.u32", next, 1))))
      return
    }
    const lane = LANE_OF[kernel.dtype]
    const sum = w.variable(lane, points.read(place))
    const item = w.variable("u32", i)
    w.while(
      () => continues(item),
      () => {
        w.set(lane, sum, points.combined(sum, points.value(c, run.place(item))))
        w.line(`add.u32 ${item}, ${item}, 1`)
      },
    )
    points.write(place, sum)
  })
}

/** Sorts a tile of points and combines them; where an order is shared, along a part of the tied dims. */
function emitTile(scattering: Scattering, wide: boolean): Emitted {
  const { w, points } = begin(scattering, wide)
  const { ties, keyType } = scattering
  const zero = w.op("mov.u32", 0)
  const tile = writeTileSort(w, keyType, ties.shared ? zero : w.block(), (row, p) =>
    points.key(ties.shared ? zero : row, p),
  )
  const combine = (i: string, start: string, c: string): void => {
    const key = tile.key(i)
    // What is no point has the last key, as what goes nowhere.
    w.if(w.op(`setp.ne.${keyType}`, key, lastKey(keyType)), () => {
      const previous = w.op("sub.u32", w.op("max.u32", i, 1), 1)
      const begins = w.op(`setp.ne.${keyType}`, tile.key(previous), key)
      w.if(w.op("or.pred", w.op("setp.eq.u32", i, start), begins), () =>
        combineRun(w, scattering, points, c, { i, key, end: w.op("add.u32", start, tile.segment) }, tile),
      )
    })
  }
  if (ties.shared) {
    const first = w.op("mul.lo.u32", w.block(), w.own("slab"))
    const count = w.op("min.u32", w.own("slab"), w.op("sub.u32", w.own("tied"), first))
    const items = w.op("mul.lo.u32", w.own("length"), count)
    w.for("u32", w.thread, items, BLOCK, (item) => {
      const i = w.op("div.u32", item, count)
      const c = w.op("add.u32", first, w.op("rem.u32", item, count))
      combine(i, zero, c)
    })
  } else
    w.for("u32", w.thread, tile.used, BLOCK, (i) => {
      const row = w.op("div.u32", i, tile.segment)
      combine(i, w.op("mul.lo.u32", row, tile.segment), w.op("add.u32", tile.firstRow, row))
    })
  return w.finish(BLOCK)
}

/** Combines points that are sorted. */
function emitSorted(scattering: Scattering, wide: boolean): Emitted {
  const { w, points } = begin(scattering, wide)
  const { ties, keyType } = scattering
  const [keys, places] = [w.pointer({ temporary: 0 }), w.pointer({ temporary: 1 })]
  const run: Run = {
    key: (i) => w.op(`ld.global.${keyType}`, `[${w.op("mad.wide.u32", i, keyBytes(keyType), keys)}]`),
    place: (i) => w.op("ld.global.u32", `[${w.op("mad.wide.u32", i, 4, places)}]`),
  }
  const length = w.own("length")
  const item = threadNumber(w)
  w.exit(w.op("setp.ge.u32", item, w.own("points")))
  const [i, c, start] = ties.shared
    ? [w.op("div.u32", item, w.own("tied")), w.op("rem.u32", item, w.own("tied")), w.op("mov.u32", 0)]
    : ((): string[] => {
        const row = w.op("div.u32", item, length)
        return [item, row, w.op("mul.lo.u32", row, length)]
      })()
  const key = run.key(i)
  w.exit(w.op(`setp.eq.${keyType}`, key, lastKey(keyType)))
  const previous = run.key(w.op("sub.u32", w.op("max.u32", i, 1), 1))
  const same = w.op(`setp.eq.${keyType}`, previous, key)
  w.exit(w.op("and.pred", w.op("setp.gt.u32", i, start), same))
  combineRun(w, scattering, points, c, { i, key, end: w.op("add.u32", start, length) }, run)
  return w.finish(BLOCK)
}

const EMITTERS = {
  alone: emitAlone,
  atomics: emitAtomics,
  clearing: emitClearing,
  contending: emitContending,
  winning: emitWinning,
  tile: emitTile,
  sorted: emitSorted,
} as const
type Step = keyof typeof EMITTERS

/** The kernels of one scatter, each made when it is first needed. */
class Steps {
  readonly scattering: Scattering
  private readonly variants: Variants<[Step, boolean]>
  private readonly limits: DeviceLimits
  private sorted: RadixSort | undefined

  constructor(scattering: Scattering, limits: DeviceLimits) {
    this.scattering = scattering
    this.limits = limits
    this.variants = new Variants((step, wide) => EMITTERS[step](scattering, wide))
  }

  get(step: Step, wide: boolean): Emitted {
    return this.variants.get(step, wide)
  }

  /** Sorts the points of each row by their elements. */
  get sort(): RadixSort {
    const { kernel, ties, keyType } = this.scattering
    this.sorted ??= radixSort(
      {
        keyType,
        stays: true,
        open: (w) => {
          const points = new Points(w, kernel, ties, keyType)
          return { key: (row, p) => points.key(ties.shared ? w.op("mov.u32", 0) : row, p), sink: () => {} }
        },
      },
      this.limits,
    )
    return this.sorted
  }
}

/** The launches of one scatter. */
function planLaunch(steps: Steps, launch: Launch, elements: number): Plan {
  const { kernel, ties, keyType } = steps.scattering
  const { sizes } = launch
  const points = countOf(sizes)
  const length = countOf(ties.untied.map((d) => sizes[d]))
  const tied = points / length
  const rows = ties.shared ? 1 : tied
  const slab = slabOf(tied, length)
  const wide = isWide(launch)
  const tiling = tileRows(rows, length)
  const planned: PlannedLaunch = { ...launch, own: { ...tiling, points, tied, slab, elements } }
  const one = (step: Step, blocks: number): KernelLaunch => launchOf(steps.get(step, wide), planned, [blocks, 1, 1])
  const each = (step: Step, items = points): KernelLaunch => one(step, Math.ceil(items / BLOCK))

  if (length === 1) return { launches: [each("alone")], temporaries: [] }
  if (anyOrder(kernel)) return { launches: [each("atomics")], temporaries: [] }
  if (length <= TILE)
    return { launches: [one("tile", ties.shared ? Math.ceil(tied / slab) : tiling.groups)], temporaries: [] }
  if (kernel.combine === "set" && keyType === "u32" && elements <= MARKS_PER_POINT * points)
    return {
      launches: [each("clearing", Math.max(1, elements)), each("contending"), each("winning")],
      temporaries: [4 * Math.max(1, elements)],
    }
  // The key of what goes nowhere has all bits set.
  const high = Math.max(1, Math.ceil(Math.log2(elements + 1)))
  const { launches, temporaries } = steps.sort.launches(planned, { rows, length, low: 0, high, wide })
  return { launches: [...launches, each("sorted")], temporaries }
}

/** Elements of a target that can be told apart by keys of 32 bits. */
const NARROW_KEYS = 2 ** 32 - 1

/** Plans launches of a scatter. */
export function scatterPlanner(kernel: ScatterKernel, limits: DeviceLimits): Planner {
  const variants = new Map<string, Steps>()
  const stepsFor = (ties: Ties, keyType: KeyType): Steps => {
    const name = `${ties.tied.join()}|${ties.free.join()}|${ties.shared}|${keyType}`
    let steps = variants.get(name)
    if (!steps) variants.set(name, (steps = new Steps({ kernel, ties, keyType }, limits)))
    return steps
  }
  return {
    plan(launch) {
      if (launch.sizes.includes(0)) return NOTHING
      const elements = countOf(launch.operands[kernel.inputs.length].sizes)
      const keyType: KeyType = elements < NARROW_KEYS ? "u32" : "u64"
      return planLaunch(stepsFor(tiesOf(kernel, launch), keyType), launch, elements)
    },
    // Which kernels a launch needs depends on its scalars and strides.
    modules: () => [],
  }
}
