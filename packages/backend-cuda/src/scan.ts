/**
 * Scans along the last dim. Rows are independent. A row is walked by a thread, a warp or a block; each thread of a team
 * combines a few neighbours, then the team's tuples are combined in order. Where rows are long and few, a row is cut into
 * parts: a first kernel finds the tuple of every part, and in a second one each part combines those before it, then walks
 * its own elements.
 */
import type { ScanKernel } from "@taeda/core"
import { scanTeam, type Team } from "./block-scan.ts"
import { writeExpressions } from "./expression.ts"
import { countOf, isWide, type Launch } from "./launch.ts"
import { TemporaryTuples, type Tuple, Tuples, temporaryBytes } from "./monoid.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import { aliased, Inputs, sizesOf, unravel } from "./points.ts"
import type { DeviceLimits } from "./program.ts"
import { addressOf, bindOutput, type View, writeElement } from "./views.ts"
import { withWideSums } from "./wide-sums.ts"
import { type Emitted, Writer } from "./writer.ts"

/** What a kernel does: all of it, the tuples of the parts, or the results of parts whose tuples are known. */
export type ScanStage = "whole" | "totals" | "rest"

const THREADS: Readonly<Record<Team, number>> = { thread: 1, warp: 32, block: BLOCK }
/** Neighbours that a thread combines before the team meets. */
const ITEMS: Readonly<Record<Team, number>> = { thread: 1, warp: 4, block: 4 }
const chunkOf = (team: Team): number => THREADS[team] * ITEMS[team]

/** Rows up to this length are walked by a thread each, in order, as on a CPU: no sum is formed that is not a result. */
const SHORT = 32
/** Rows up to this length are walked by a warp each. */
const MIDDLE = 512
/** Rows shorter than this many chunks of a block are not cut. */
const CHUNKS_WORTH_CUTTING = 4
const BUSY_THREADS = 1024
const BUSY_BLOCKS = 2

export function emitScan(kernel: ScanKernel, team: Team, stage: ScanStage, wide: boolean): Emitted {
  const w = new Writer(wide)
  const { rank, reverse } = kernel
  const tuples = new Tuples(w, kernel)
  const outputs =
    stage === "totals" ? [] : kernel.outputs.map(({ dtype }, j) => bindOutput(w, kernel.inputs.length + j, dtype))
  const inputs = new Inputs(w, kernel.inputs, stage === "totals" ? [] : aliased(kernel.outputs, outputs))
  const length = w.own("length", w.index)
  const parts = w.own("parts")
  const span = w.own("span", w.index)
  const sums = stage === "whole" ? undefined : new TemporaryTuples(w, tuples.lanes)
  const scan = scanTeam(w, tuples, team)

  // Which part of which row.
  const threads = THREADS[team]
  const place = threads === 1 ? w.thread : w.op("shr.u32", w.thread, Math.log2(threads))
  const share = threads === 1 ? w.op("mov.u32", 0) : w.op("and.b32", w.thread, threads - 1)
  const unit = w.op("mad.lo.u32", w.block(), BLOCK / threads, place)
  const units = w.own("units")
  const exists = w.op("setp.lt.u32", unit, units)
  // What is too much does as the last one does, and writes nothing.
  const known = w.op("min.u32", unit, w.op("sub.u32", units, 1))
  const row = stage === "whole" ? known : w.op("div.u32", known, parts)
  const part = stage === "whole" ? w.op("mov.u32", 0) : w.op("rem.u32", known, parts)
  const outer = unravel(w, w.toIndex(row), sizesOf(0, Math.max(0, rank - 1)))
  const start = w.ix("mul.lo", w.toIndex(part), span)
  const end = w.ix("min", w.ix("add", start, span), length)

  /** The coordinates of the element at a place of the row in the order of the scan. */
  const pointAt = (p: string): string[] =>
    rank === 0 ? [] : [...outer, reverse ? w.ix("sub", w.ix("sub", length, 1), p) : p]

  const carry = tuples.identity()
  if (stage === "rest") {
    // Each thread combines some parts before this one, then all do.
    const each = w.op("div.u32", w.op("add.u32", part, threads - 1), threads)
    const mine = tuples.identity()
    const first = w.op("mul.lo.u32", share, each)
    const last = w.op("min.u32", w.op("add.u32", first, each), part)
    const begin = w.op("mul.lo.u32", row, parts)
    w.for("u32", first, last, 1, (k) => tuples.join(mine, sums!.load(w.op("add.u32", begin, k))))
    tuples.assign(carry, scan(mine).all)
  }

  const count = ITEMS[team]
  const items = Array.from({ length: count }, () => tuples.identity())
  w.for(w.index, start, end, chunkOf(team), (at) => {
    const first = w.ix("add", at, w.toIndex(w.op("mul.lo.u32", share, count)))
    const places = items.map((_, e) => (e === 0 ? first : w.ix("add", first, e)))
    const there = places.map((p) => w.op(`setp.lt.${w.index}`, p, end))
    for (const [e, item] of items.entries()) {
      tuples.clear(item)
      w.if(there[e], () => tuples.assign(item, tuples.lift(inputs.at(pointAt(places[e])))))
    }
    if (team === "thread") {
      tuples.join(carry, items[0])
      if (stage !== "totals") writeFinish(w, kernel, inputs, outputs, pointAt(first), carry, exists)
      return
    }
    for (let e = 1; e < count; e++) tuples.assign(items[e], tuples.combine(items[e - 1], items[e]))
    const { before, all } = scan(items[count - 1])
    if (stage !== "totals") {
      const prefix = tuples.combine(carry, before)
      for (const [e, item] of items.entries())
        w.if(w.op("and.pred", there[e], exists), () =>
          writeFinish(w, kernel, inputs, outputs, pointAt(places[e]), tuples.combine(prefix, item)),
        )
    }
    tuples.join(carry, all)
  })
  if (stage === "totals") {
    w.exit(`!${w.op("and.pred", exists, w.op("setp.eq.u32", share, 0))}`)
    sums!.store(known, carry)
  }
  return w.finish(BLOCK)
}

function writeFinish(
  w: Writer,
  kernel: ScanKernel,
  inputs: Inputs,
  outputs: readonly View[],
  point: readonly string[],
  tuple: Tuple,
  when?: string,
): void {
  const leaf = inputs.at(point, (node) => (node.op === "result" ? tuple[Number(node.value)] : undefined))
  const values = writeExpressions(w, kernel.finish, leaf)
  for (const [j, view] of outputs.entries()) writeElement(w, view, addressOf(w, view, point), values[j], when)
}

/** How rows are shared out. */
export interface RowShares {
  readonly team: Team
  /** Parts of a row, and elements of a part. */
  readonly parts: number
  readonly span: number
}

/** `columns`: whether neighbouring rows lie side by side. */
export function shareRows(
  rows: number,
  length: number,
  columns: boolean,
  { multiprocessors }: Pick<DeviceLimits, "multiprocessors">,
): RowShares {
  const whole = (team: Team): RowShares => ({ team, parts: 1, span: length })
  if (length <= SHORT || (columns && rows >= multiprocessors * BUSY_THREADS)) return whole("thread")
  if (length <= MIDDLE) return whole("warp")
  const chunk = chunkOf("block")
  const chunks = Math.ceil(length / chunk)
  const wanted = Math.min(chunks, Math.ceil((multiprocessors * BUSY_BLOCKS) / rows))
  if (chunks < CHUNKS_WORTH_CUTTING || wanted < 2) return whole("block")
  const span = Math.ceil(chunks / wanted) * chunk
  return { team: "block", parts: Math.ceil(length / span), span }
}

/** Plans launches of a scan. */
export function scanPlanner(asked: ScanKernel, limits: DeviceLimits): Planner {
  const kernel = withWideSums(asked)
  const { rank } = kernel
  const variants = new Variants((team: Team, stage: ScanStage, wide: boolean) => emitScan(kernel, team, stage, wide))
  const columns = ({ operands }: Launch): boolean =>
    rank > 1 &&
    kernel.inputs.every(({ access }, k) => access === "load" || Math.abs(operands[k].strides[rank - 2]) <= 1)
  return {
    plan(launch) {
      const { sizes } = launch
      if (sizes.includes(0)) return NOTHING
      const length = sizes[rank - 1] ?? 1
      const rows = countOf(sizes) / length
      const wide = isWide(launch)
      const { team, parts, span } = shareRows(rows, length, columns(launch), limits)
      const units = rows * parts
      const planned = { ...launch, own: { length, parts, span, units } }
      const blocks = [Math.ceil((units * THREADS[team]) / BLOCK), 1, 1] as const
      const stages: readonly ScanStage[] = parts === 1 ? ["whole"] : ["totals", "rest"]
      return {
        launches: stages.map((stage) => launchOf(variants.get(team, stage, wide), planned, blocks)),
        temporaries: parts === 1 ? [] : temporaryBytes(kernel, units),
      }
    },
    modules: () => [variants.get("warp", "whole", false).module],
  }
}
