/**
 * Reductions: an output is that of a row, which some threads walk together. Where that leaves the machine idle, rows are cut
 * into segments: a first kernel leaves the tuple of every segment in temporary memory, a second one merges those. Nothing
 * depends on the order in which threads run.
 */
import type { ReduceKernel } from "@taeda/core"
import { writeExpressions } from "./expression.ts"
import { countOf, isWide } from "./launch.ts"
import { TemporaryTuples, type Tuple, Tuples, temporaryBytes } from "./monoid.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import { Inputs, sizesOf, unravel } from "./points.ts"
import type { DeviceLimits } from "./program.ts"
import {
  BUSY_THREADS,
  type Form,
  handsOf,
  inColumns,
  joinRow,
  neighbourLeaves,
  rowOfThread,
  rowsAligned,
  SHARES,
  shareRows,
  unitInputs,
  vectorLength,
  walkRow,
} from "./row-teams.ts"
import { addressOf, bindOutput, writeElement } from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

/** Where the tuples come from, and whether they end in the outputs. */
export type Stage = "whole" | "first" | "second"

/** Tuples of segments that a thread has in hand. */
const PARTIALS_IN_HAND = 4
/** Segments up to this many are merged by a thread, which reads beside its neighbours, and more than the next by a block. */
const FEW_SEGMENTS = 16
const MANY_SEGMENTS = 128

const keptOf = (kernel: ReduceKernel): number => kernel.rank - kernel.reduced

/** `vector`: neighbours along the row that a thread reads with one instruction, 1 where they do not lie side by side. */
export function emitReduce(
  kernel: ReduceKernel,
  form: Form,
  stage: Stage,
  vector: number,
  wide: boolean,
  target?: number,
): Emitted {
  const w = new Writer(wide, target)
  const kept = keptOf(kernel)
  const tuples = new Tuples(w, kernel)
  const { sharing } = SHARES[form]
  const outputs = w.own("outputs")
  const partials = stage === "whole" ? undefined : new TemporaryTuples(w, tuples.lanes)
  const { row, exists, share } = rowOfThread(w, form, outputs)
  const partialAt = (segment: string): string => w.op("mad.lo.u32", segment, outputs, row)
  const coordinates = unravel(w, w.toIndex(row), sizesOf(0, kept))

  const total = tuples.identity()
  if (stage === "second") {
    const walk = { begin: share, end: w.own("segments"), step: sharing, neighbours: 1, hands: PARTIALS_IN_HAND }
    walkRow(w, tuples, total, walk, "u32", (r) => [() => partials!.load(partialAt(r))])
  } else {
    let begin = w.ix("mul.lo", w.toIndex(share), vector)
    let end = w.own("elements", w.index)
    if (stage === "first") {
      const length = w.own("length", w.index)
      const start = w.ix("mul.lo", w.toIndex(w.block("y")), length)
      begin = w.ix("add", start, begin)
      end = w.ix("min", w.ix("add", start, length), end)
    }
    const inputs = new Inputs(w, kernel.inputs)
    const hands = handsOf([...kernel.lift, ...kernel.combine], kernel.inputs, form, vector)
    walkRow(w, tuples, total, { begin, end, step: sharing * vector, neighbours: vector, hands }, w.index, (r) =>
      neighbourLeaves(w, inputs, kernel.inputs, kernel.rank, coordinates, r, vector).map(
        (leaf) => (): Tuple => tuples.lift(leaf),
      ),
    )
  }
  joinRow[form](w, tuples, total)
  w.exit(`!${w.op("and.pred", exists, w.op("setp.eq.u32", share, 0))}`)
  if (stage === "first") partials!.store(partialAt(w.block("y")), total)
  else writeFinish(w, kernel, coordinates, total)
  return w.finish(BLOCK)
}

function writeFinish(w: Writer, kernel: ReduceKernel, coordinates: readonly string[], total: Tuple): void {
  const first = kernel.inputs.length
  const outputs = kernel.outputs.map(({ dtype }, j) => bindOutput(w, first + j, dtype))
  const inputs = new Inputs(w, kernel.inputs)
  const values = writeExpressions(
    w,
    kernel.finish,
    inputs.at(coordinates, (node) => (node.op === "result" ? total[Number(node.value)] : undefined)),
  )
  for (const [j, view] of outputs.entries())
    writeElement(w, view, addressOf(w, view, coordinates, kernel.outputs[j].access), values[j])
}

function mergingForm(outputs: number, segments: number, multiprocessors: number): Form {
  if (segments <= FEW_SEGMENTS || outputs >= multiprocessors * BUSY_THREADS) return "thread"
  return segments > MANY_SEGMENTS ? "block" : "warp"
}

/** Plans launches of a reduction. */
export function reducePlanner(kernel: ReduceKernel, { multiprocessors, target }: DeviceLimits): Planner {
  const kept = keptOf(kernel)
  const variants = new Variants((form: Form, stage: Stage, vector: number, wide: boolean) =>
    emitReduce(kernel, form, stage, vector, wide, target),
  )
  const units = unitInputs(kernel.inputs)
  const most = vectorLength(kernel.reduced, units)
  return {
    plan(launch) {
      const outputs = countOf(launch.sizes.slice(0, kept))
      if (outputs === 0) return NOTHING
      const elements = countOf(launch.sizes.slice(kept))
      const wide = isWide(launch)
      const { form, segments } = shareRows(outputs, elements, inColumns(launch, kept, kernel.inputs), multiprocessors)
      const vector = most > 1 && elements > 0 && rowsAligned(launch, units, most) ? most : 1
      const blocks = (of: Form): number => Math.ceil(outputs / SHARES[of].rows)
      // Segments begin where vectors do.
      const length = Math.ceil(Math.ceil(elements / segments) / vector) * vector
      const planned = { ...launch, own: { outputs, elements, segments, length } }
      const first = launchOf(variants.get(form, segments === 1 ? "whole" : "first", vector, wide), planned, [
        blocks(form),
        segments,
        1,
      ])
      if (segments === 1) return { launches: [first], temporaries: [] }
      const merging = mergingForm(outputs, segments, multiprocessors)
      return {
        launches: [first, launchOf(variants.get(merging, "second", 1, wide), planned, [blocks(merging), 1, 1])],
        temporaries: temporaryBytes(kernel, outputs * segments),
      }
    },
    modules: () => [
      variants.get("warp", "whole", most, false).module,
      variants.get("block", "whole", most, false).module,
    ],
  }
}
