/**
 * Scans along the last dim. Rows are independent. A row is walked by a thread, a warp or a block; each thread of a team
 * combines a few neighbours, then the team's tuples are combined in order. Where rows are long and few, a row is cut into
 * parts: a first kernel finds the tuple of every part, and in a second one each part combines those before it, then walks
 * its own elements.
 */
import { type ScanKernel, topological } from "@taeda/core"
import { scanTeam, type Team } from "./block-scan.ts"
import { bytesOf } from "./elements.ts"
import { type ReadLeaf, writeExpressions } from "./expression.ts"
import { countOf, isWide, type Launch } from "./launch.ts"
import { TemporaryTuples, type Tuple, Tuples, temporaryBytes } from "./monoid.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import { aliased, Inputs, sizesOf, unravel } from "./points.ts"
import type { DeviceLimits } from "./program.ts"
import { inColumns, neighbourLeaves, rowsAligned, unitInputs, vectorLength } from "./row-teams.ts"
import { addressOf, bindOutput, type View, writeElement, writeVector } from "./views.ts"
import { withWideSums } from "./wide-sums.ts"
import { type Emitted, Writer } from "./writer.ts"

/** What a kernel does: all of it, the tuples of the parts, or the results of parts whose tuples are known. */
export type ScanStage = "whole" | "totals" | "rest"

const THREADS: Readonly<Record<Team, number>> = { thread: 1, warp: 32, block: BLOCK }

/** Rows up to this length are walked by a thread each, in order, as on a CPU: no sum is formed that is not a result. */
const SHORT = 32
/** Rows up to this length are walked by a warp each. */
const MIDDLE = 512
/** Rows shorter than this many chunks of a team are not cut. */
const CHUNKS_WORTH_CUTTING = 2
/**
 * Threads of a multiprocessor that keep it busy where each walks a row. Cut rows are read twice, so it is done where less than
 * the second would have some: 768 threads wait for 24 KB at a time.
 */
const BUSY_THREADS = 2048
const ENOUGH_THREADS = 768
/** Blocks that do, which wait for 16 KB each. */
const BUSY_BLOCKS = 4
/** Parts of a row whose threads each combine those before by themselves. */
const MOST_COLUMN_PARTS = 256
/** Rows that lie side by side: fewer do not fill what is fetched from memory at once. */
const SIDE_BY_SIDE = 8

/** Elements that a thread has in hand: `turns` times `vector` neighbours, which are moved with one instruction. */
export interface Hand {
  readonly vector: number
  readonly turns: number
}

/** Elements in hand, so that a multiprocessor waits for 32 KB and more at a time. */
const IN_HAND: Readonly<Record<Team, number>> = { thread: 8, warp: 16, block: 16 }
/** Turns at most: each costs a scan of a warp. */
const MOST_TURNS: Readonly<Record<Team, number>> = { thread: 8, warp: 4, block: 4 }
/** Nodes that a thread's elements have together at most: longer kernels take long to compile. */
const MOST_NODES = 512

/** What a thread of a team has in hand, `vector` neighbours of a row of this length lying side by side. */
export function handOf({ lift, combine, finish }: ScanKernel, team: Team, vector: number, length: number): Hand {
  const nodes = topological([...lift, ...combine, ...finish]).length
  let turns = Math.min(MOST_TURNS[team], Math.max(1, IN_HAND[team] / vector))
  const wasted = (): boolean => (turns / 2) * vector * THREADS[team] >= length
  while (turns > 1 && (turns * vector * nodes > MOST_NODES || wasted())) turns /= 2
  return { vector, turns }
}

export function emitScan(
  kernel: ScanKernel,
  team: Team,
  stage: ScanStage,
  { vector, turns }: Hand,
  wide: boolean,
  target?: number,
): Emitted {
  const w = new Writer(wide, target)
  const { rank, reverse } = kernel
  const tuples = new Tuples(w, kernel)
  const outputs =
    stage === "totals" ? [] : kernel.outputs.map(({ dtype }, j) => bindOutput(w, kernel.inputs.length + j, dtype))
  const inputs = new Inputs(w, kernel.inputs, stage === "totals" ? [] : aliased(kernel.outputs, outputs))
  const length = w.own("length", w.index)
  const rows = w.own("rows")
  const span = w.own("span", w.index)
  const sums = stage === "whole" ? undefined : new TemporaryTuples(w, tuples.lanes)
  const scan = scanTeam(w, tuples, team)

  // Which part of which row: neighbouring threads or blocks have neighbouring rows.
  const threads = THREADS[team]
  const lanes = Math.min(32, threads)
  const place = threads === 1 ? w.thread : w.op("shr.u32", w.thread, Math.log2(threads))
  const share = threads === 1 ? w.op("mov.u32", 0) : w.op("and.b32", w.thread, threads - 1)
  const unit = w.op("mad.lo.u32", w.block(), BLOCK / threads, place)
  const units = w.own("units")
  const exists = w.op("setp.lt.u32", unit, units)
  // What is too much does as the last one does, and writes nothing.
  const known = w.op("min.u32", unit, w.op("sub.u32", units, 1))
  const part = stage === "whole" ? w.op("mov.u32", 0) : w.op("div.u32", known, rows)
  const row = stage === "whole" ? known : w.op("rem.u32", known, rows)
  const outer = unravel(w, w.toIndex(row), sizesOf(0, Math.max(0, rank - 1)))
  const start = w.ix("mul.lo", w.toIndex(part), span)
  const end = w.ix("min", w.ix("add", start, span), length)
  const last = w.ix("sub", end, vector)

  /** The neighbours from a place on in the order of the scan: the index of that which lies first in memory, and what leaves read. */
  const neighboursAt = (p: string): { from: string; leaves: ReadLeaf[] } => {
    const from = reverse ? w.ix("sub", w.ix("sub", length, vector), p) : p
    const leaves = neighbourLeaves(w, inputs, kernel.inputs, rank, outer, from, vector)
    return { from, leaves: reverse ? leaves.reverse() : leaves }
  }

  const carry = tuples.identity()
  if (stage === "rest") {
    // Each thread combines some parts before this one, then all do.
    const each = w.op("div.u32", w.op("add.u32", part, threads - 1), threads)
    const mine = tuples.identity()
    const first = w.op("mul.lo.u32", share, each)
    const behind = w.op("min.u32", w.op("add.u32", first, each), part)
    w.for("u32", first, behind, 1, (k) => tuples.join(mine, sums!.load(w.op("mad.lo.u32", k, rows, row))))
    tuples.assign(carry, scan([mine]).all)
  }

  // A warp's elements lie side by side: each turn takes a stretch of them, of which each lane has its neighbours.
  const warp = w.op("shr.u32", share, 5)
  const inWarp = w.op("mul.lo.u32", w.op("and.b32", share, 31), vector)
  const firstOf = w.toIndex(w.op("mad.lo.u32", warp, lanes * vector * turns, inWarp))
  const results = Array.from({ length: turns }, () => Array.from({ length: vector }, () => tuples.identity()))
  w.for(w.index, start, end, threads * vector * turns, (at) => {
    const first = w.ix("add", at, firstOf)
    const places = results.map((_, t) => (t === 0 ? first : w.ix("add", first, t * lanes * vector)))
    const there = places.map((p) => w.op(`setp.lt.${w.index}`, p, end))
    // What lies behind the end is read from before it, so that all reads are under way at once; it counts as nothing.
    const found = places.map((p) => neighboursAt(w.ix("min", p, last)))
    const lifted = found.map(({ leaves }) => leaves.map((leaf) => tuples.lift(leaf)))
    for (const [t, items] of results.entries()) {
      for (const item of items) tuples.clear(item)
      w.if(there[t], () => {
        for (const [e, item] of items.entries()) tuples.assign(item, lifted[t][e])
      })
    }
    if (team === "thread")
      for (const item of results.flat()) {
        tuples.join(carry, item)
        tuples.assign(item, carry)
      }
    else {
      for (const items of results)
        for (let e = 1; e < vector; e++) tuples.assign(items[e], tuples.combine(items[e - 1], items[e]))
      const { before, all } = scan(results.map((items) => items[vector - 1]))
      if (stage !== "totals")
        for (const [t, items] of results.entries()) {
          const prefix = tuples.copy(tuples.combine(carry, before[t]))
          for (const item of items) tuples.assign(item, tuples.combine(prefix, item))
        }
      tuples.join(carry, all)
    }
    if (stage === "totals") return
    for (const [t, { from, leaves }] of found.entries()) {
      const values = leaves.map((leaf, e) => writeFinish(w, kernel, leaf, results[t][e]))
      if (reverse) values.reverse()
      const when = w.op("and.pred", there[t], exists)
      for (const [j, view] of outputs.entries())
        store(
          w,
          kernel,
          view,
          j,
          outer,
          from,
          values.map((value) => value[j]),
          when,
        )
    }
  })
  if (stage === "totals") {
    w.exit(`!${w.op("and.pred", exists, w.op("setp.eq.u32", share, 0))}`)
    sums!.store(known, carry)
  }
  return w.finish(BLOCK)
}

const writeFinish = (w: Writer, kernel: ScanKernel, leaf: ReadLeaf, tuple: Tuple): string[] =>
  writeExpressions(w, kernel.finish, (node, coordinates) =>
    node.op === "result" ? tuple[Number(node.value)] : leaf(node, coordinates),
  )

/** Writes neighbours of a row, the first of which has the index `from`. */
function store(
  w: Writer,
  { rank, outputs }: ScanKernel,
  view: View,
  j: number,
  outer: readonly string[],
  from: string,
  values: readonly string[],
  when: string,
): void {
  const { access } = outputs[j]
  const at = (index: string): string => addressOf(w, view, rank === 0 ? [] : [...outer, index], access)
  if (access === "unit") {
    writeVector(w, view, at(from), values, when)
    return
  }
  for (const [e, value] of values.entries())
    writeElement(w, view, at(e === 0 ? from : w.ix("add", from, e)), value, when)
}

/** How rows are shared out. */
export interface RowShares {
  readonly team: Team
  /** Parts of a row, and elements of a part. */
  readonly parts: number
  readonly span: number
}

/** `columns`: whether neighbouring rows lie side by side; `chunkOf`: elements that a team takes at once. */
export function shareRows(
  rows: number,
  length: number,
  columns: boolean,
  { multiprocessors }: Pick<DeviceLimits, "multiprocessors">,
  chunkOf: (team: Team) => number,
): RowShares {
  const cut = (team: Team, busy: number, most: number): RowShares => {
    const chunk = chunkOf(team)
    const chunks = Math.ceil(length / chunk)
    const wanted = Math.min(
      Math.floor(chunks / CHUNKS_WORTH_CUTTING) || 1,
      Math.ceil((multiprocessors * busy) / rows),
      most,
    )
    const span = Math.ceil(chunks / wanted) * chunk
    const parts = Math.ceil(length / span)
    return { team, parts, span: parts === 1 ? length : span }
  }
  if (columns && rows < multiprocessors * ENOUGH_THREADS) return cut("thread", BUSY_THREADS, MOST_COLUMN_PARTS)
  if (columns || length <= SHORT) return { team: "thread", parts: 1, span: length }
  if (length <= MIDDLE) return { team: "warp", parts: 1, span: length }
  return cut("block", BUSY_BLOCKS, Number.POSITIVE_INFINITY)
}

/** Plans launches of a scan. */
export function scanPlanner(asked: ScanKernel, limits: DeviceLimits): Planner {
  const kernel = withWideSums(asked)
  const { rank, inputs } = kernel
  const variants = new Variants((team: Team, stage: ScanStage, vector: number, turns: number, wide: boolean) =>
    emitScan(kernel, team, stage, { vector, turns }, wide, limits.target),
  )
  const units = [
    ...unitInputs(inputs),
    ...kernel.outputs.flatMap(({ access, dtype }, j) =>
      access === "unit" ? [{ operand: inputs.length + j, bytes: bytesOf(dtype) }] : [],
    ),
  ]
  const most = rank === 0 ? 1 : vectorLength(1, units)
  const columns = (launch: Launch): boolean =>
    rank > 1 && launch.sizes[rank - 2] >= SIDE_BY_SIDE && inColumns(launch, rank - 1, inputs)
  return {
    plan(launch) {
      const { sizes } = launch
      if (sizes.includes(0)) return NOTHING
      const length = sizes[rank - 1] ?? 1
      const rows = countOf(sizes) / length
      const wide = isWide(launch)
      const vector = most > 1 && rowsAligned(launch, units, most) ? most : 1
      const hand = (team: Team): Hand => handOf(kernel, team, vector, length)
      const { team, parts, span } = shareRows(rows, length, columns(launch), limits, (of) => {
        const { turns } = hand(of)
        return THREADS[of] * vector * turns
      })
      const shares = rows * parts
      const planned = { ...launch, own: { length, rows, span, units: shares } }
      const blocks = [Math.ceil((shares * THREADS[team]) / BLOCK), 1, 1] as const
      const stages: readonly ScanStage[] = parts === 1 ? ["whole"] : ["totals", "rest"]
      const { turns } = hand(team)
      return {
        launches: stages.map((stage) => launchOf(variants.get(team, stage, vector, turns, wide), planned, blocks)),
        temporaries: parts === 1 ? [] : temporaryBytes(kernel, shares),
      }
    },
    modules: () => [variants.get("warp", "whole", most, handOf(kernel, "warp", most, MIDDLE).turns, false).module],
  }
}
