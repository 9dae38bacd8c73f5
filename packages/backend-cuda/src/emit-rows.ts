/**
 * Rows: some threads walk a row together, once for every stage and once for the elements of the outputs. Where rows are few
 * and long, each is cut into segments: a kernel for every stage leaves the tuples of all segments in temporary memory, the
 * next ones merge those, and a last one writes the outputs.
 */
import { type Expr, type RowsKernel, sameAlongRows } from "@taeda/core"
import { bytesOf, LANE_OF, laneBytes } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import { countOf, isWide } from "./launch.ts"
import { TemporaryTuples, type Tuple, Tuples, temporaryBytes } from "./monoid.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import { Inputs, sizesOf, unravel } from "./points.ts"
import type { DeviceLimits } from "./program.ts"
import {
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
import { addressOf, bindOutput, elementAddress, elementAt, type View, writeElement, writeVector } from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

const keptOf = (kernel: RowsKernel): number => kernel.rank - kernel.reduced

/** Tuples of segments that a thread has in hand. */
const PARTIALS_IN_HAND = 4
/** Steps whose results a thread finds before it writes them: what they read was read before, and is near. */
const WRITTEN_TOGETHER = 2

/** Shared memory that a text may declare. */
const STATIC_SHARED = 48 * 1024

/** Why these rows had better be composed of reductions and a map. */
export function refusedRows({ stages }: RowsKernel): string | undefined {
  const words = stages.flatMap(({ accumulators }) => accumulators.map((type) => laneBytes(LANE_OF[type])))
  const bytes = words.reduce<number>((sum, size) => sum + size * BLOCK, 0)
  return bytes > STATIC_SHARED ? "so many accumulators do not fit the shared memory of a block" : undefined
}

/** A whole row in one kernel, or the kernel of that number of those for rows in segments. */
type Part = "whole" | number

/** `vector`: neighbours that a thread has at once; `empty`: rows have no elements. */
export function emitRows(
  kernel: RowsKernel,
  form: Form,
  part: Part,
  vector: number,
  empty: boolean,
  wide: boolean,
  target?: number,
): Emitted {
  const w = new Writer(wide, target)
  const { stages, body, inputs: types, outputs } = kernel
  const kept = keptOf(kernel)
  const { sharing } = SHARES[form]
  const last = part === "whole" || part === stages.length
  const inputs = new Inputs(w, types)
  const views = last ? outputs.map(({ dtype }, j) => bindOutput(w, types.length + j, dtype)) : []
  const rows = w.own("rows")
  const { row, exists, share } = rowOfThread(w, form, rows)
  const head = unravel(w, w.toIndex(row), sizesOf(0, kept))
  const start = part === "whole" ? undefined : w.ix("mul.lo", w.toIndex(w.block("y")), w.own("span", w.index))
  const first = w.ix("mul.lo", w.toIndex(share), vector)
  const begin = start === undefined ? first : w.ix("add", start, first)
  const length = w.own("length", w.index)
  const end = start === undefined ? length : w.ix("min", w.ix("add", start, w.own("span", w.index)), length)

  /** The results of the stages so far. */
  const results: string[] = []
  const others = (node: Expr): string | undefined => (node.op === "result" ? results[Number(node.value)] : undefined)
  /** Values that are the same along a row, computed where no element is at hand: reduced dims have no coordinate there. */
  const known = new Map<Expr, string>()
  const writeKnown = (roots: readonly Expr[]): void => {
    if (empty) return
    const nowhere = new Array<string>(kernel.reduced).fill(w.ix("sub", length, length))
    writeExpressions(w, sameAlongRows(kernel, roots), inputs.at([...head, ...nowhere], others), known)
  }
  /** What leaves read at the neighbours from a place on. */
  const leavesAt = (r: string): ReturnType<typeof neighbourLeaves> =>
    neighbourLeaves(w, inputs, types, kernel.rank, head, r, vector, others)

  let temporaries = 0
  for (const [s, stage] of stages.entries()) {
    if (typeof part === "number" && s > part) break
    const tuples = new Tuples(w, stage)
    const total = tuples.identity()
    const before = typeof part === "number" && s < part
    const partials = part === "whole" ? undefined : new TemporaryTuples(w, tuples.lanes, temporaries)
    const partialAt = (segment: string): string => w.op("mad.lo.u32", segment, rows, row)
    temporaries += stage.accumulators.length
    if (before) {
      const walk = { begin: share, end: w.own("segments"), step: sharing, neighbours: 1, hands: PARTIALS_IN_HAND }
      walkRow(w, tuples, total, walk, "u32", (r) => [() => partials!.load(partialAt(r))])
    } else if (!empty) {
      writeKnown(stage.lift)
      const hands = handsOf([...stage.lift, ...stage.combine], types, form, vector)
      walkRow(w, tuples, total, { begin, end, step: sharing * vector, neighbours: vector, hands }, w.index, (r) =>
        leavesAt(r).map((leaf) => (): Tuple => tuples.lift(leaf, known)),
      )
    }
    joinRow[form](w, tuples, total)
    results.push(...total)
    if (s === part)
      w.if(w.op("and.pred", exists, w.op("setp.eq.u32", share, 0)), () =>
        partials!.store(partialAt(w.block("y")), total),
      )
  }
  if (!last) return w.finish(BLOCK)

  writeKnown(body)
  w.exit(`!${exists}`)
  if (body.length > 0 && !empty) {
    const step = sharing * vector
    const write = (r: string, together: number): void => {
      const places = Array.from({ length: together }, (_, k) => (k === 0 ? r : w.ix("add", r, k * step)))
      const values = places.map((p) => leavesAt(p).map((leaf) => writeExpressions(w, body, leaf, new Map(known))))
      for (const [k, p] of places.entries())
        for (const j of body.keys())
          storeNeighbours(
            w,
            kernel,
            views[j],
            j,
            head,
            p,
            values[k].map((value) => value[j]),
          )
    }
    const r = w.variable(w.index, begin)
    const hands = Math.min(WRITTEN_TOGETHER, handsOf(body, types, form, vector))
    for (const together of hands > 1 ? [hands, 1] : [1])
      w.while(
        () => w.op(`setp.lt.${w.index}`, together === 1 ? r : w.ix("add", r, (together - 1) * step), end),
        () => {
          write(r, together)
          w.line(`add.${w.index} ${r}, ${r}, ${together * step}`)
        },
      )
  }
  if (kernel.finish.length > 0) {
    const mine = w.op("setp.eq.u32", share, 0)
    w.exit(`!${part === "whole" ? mine : w.op("and.pred", mine, w.op("setp.eq.u32", w.block("y"), 0))}`)
    const found = writeExpressions(w, kernel.finish, inputs.at(head, others), new Map(known))
    for (const [k, value] of found.entries()) {
      const view = views[body.length + k]
      writeElement(w, view, addressOf(w, view, head, outputs[body.length + k].access), value)
    }
  }
  return w.finish(BLOCK)
}

/** Writes neighbours of a row from place `r` on: with one instruction where they lie side by side. */
function storeNeighbours(
  w: Writer,
  { rank, outputs }: RowsKernel,
  view: View,
  j: number,
  head: readonly string[],
  r: string,
  values: readonly string[],
): void {
  const { access } = outputs[j]
  const point = [...head, ...unravel(w, r, sizesOf(head.length, rank))]
  if (values.length === 1 || access === "unit") {
    writeVector(w, view, elementAddress(w, view, elementAt(w, view.operand, point, access)), values)
    return
  }
  for (const [e, value] of values.entries()) {
    const at = e === 0 ? point[rank - 1] : w.ix("add", point[rank - 1], e)
    writeElement(w, view, addressOf(w, view, [...point.slice(0, -1), at], access), value)
  }
}

/** Plans launches of rows. */
export function rowsPlanner(kernel: RowsKernel, { multiprocessors, target }: DeviceLimits): Planner {
  const { stages, body, inputs } = kernel
  const kept = keptOf(kernel)
  const variants = new Variants((form: Form, part: Part, vector: number, empty: boolean, wide: boolean) =>
    emitRows(kernel, form, part, vector, empty, wide, target),
  )
  const units = [
    ...unitInputs(inputs),
    ...kernel.outputs
      .slice(0, body.length)
      .flatMap(({ access, dtype }, j) =>
        access === "unit" ? [{ operand: inputs.length + j, bytes: bytesOf(dtype) }] : [],
      ),
  ]
  const most = vectorLength(kernel.reduced, units)
  return {
    plan(launch) {
      const rows = countOf(launch.sizes.slice(0, kept))
      if (rows === 0) return NOTHING
      const length = countOf(launch.sizes.slice(kept))
      const wide = isWide(launch)
      const { form, segments } = shareRows(rows, length, inColumns(launch, kept, inputs), multiprocessors)
      const vector = most > 1 && length > 0 && rowsAligned(launch, units, most) ? most : 1
      const span = Math.ceil(Math.ceil(length / segments) / vector) * vector
      const planned = { ...launch, own: { rows, length, segments, span } }
      const blocks = [Math.ceil(rows / SHARES[form].rows), segments, 1] as const
      const emitted = (part: Part): Emitted => variants.get(form, part, vector, length === 0, wide)
      if (segments === 1) return { launches: [launchOf(emitted("whole"), planned, blocks)], temporaries: [] }
      return {
        launches: [...stages.keys(), stages.length].map((part) => launchOf(emitted(part), planned, blocks)),
        temporaries: stages.flatMap((stage) => temporaryBytes(stage, rows * segments)),
      }
    },
    modules: () => [
      variants.get("warp", "whole", most, false, false).module,
      variants.get("block", "whole", most, false, false).module,
    ],
  }
}
