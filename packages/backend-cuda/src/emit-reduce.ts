/**
 * Reductions. How threads share the work is a form:
 *  - thread: an output to each thread, for short rows, and for columns where outputs are many;
 *  - warp: an output to each warp; block: an output to each block; their threads read neighbours along the row;
 *  - columns: a block has 32 neighbouring outputs, and eight threads of it walk each column.
 * Where that leaves the machine idle, the elements of an output are cut into segments: a first kernel leaves the tuple of
 * every segment in temporary memory, a second one merges those. Nothing depends on the order in which threads run.
 */
import { type ReduceKernel, topological } from "@taeda/core"
import { bytesOf } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import { countOf, isWide, type Launch } from "./launch.ts"
import { TemporaryTuples, type Tuple, Tuples, temporaryBytes } from "./monoid.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import { Inputs, sizesOf, unravel } from "./points.ts"
import type { DeviceLimits } from "./program.ts"
import { addressOf, bindOutput, readVector, VECTOR_BYTES, writeElement } from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

export type Form = "thread" | "warp" | "block" | "columns"

/** Where the tuples come from, and whether they end in the outputs. */
export type Stage = "whole" | "first" | "second"

/** Threads that share an output, outputs of a block. */
const SHARES: Readonly<Record<Form, { readonly sharing: number; readonly outputs: number }>> = {
  thread: { sharing: 1, outputs: BLOCK },
  warp: { sharing: 32, outputs: BLOCK / 32 },
  block: { sharing: BLOCK, outputs: 1 },
  columns: { sharing: BLOCK / 32, outputs: 32 },
}

/** Elements that are merged one after the other before their tuple joins the others, which keeps rounding errors small. */
const CHUNK = 32
/** Elements that a thread has in hand at once, but of long expressions. */
const IN_HAND = 4
const LONG_EXPRESSION = 48

const keptOf = (kernel: ReduceKernel): number => kernel.rank - kernel.reduced

/** `vector`: neighbours along the row that a thread reads with one instruction, 1 where they do not lie side by side. */
export function emitReduce(kernel: ReduceKernel, form: Form, stage: Stage, vector: number, wide: boolean): Emitted {
  const w = new Writer(wide)
  const kept = keptOf(kernel)
  const tuples = new Tuples(w, kernel)
  const { sharing, outputs: perBlock } = SHARES[form]
  const outputs = w.own("outputs")
  const segments = stage === "whole" ? undefined : w.own("segments")
  const partials = stage === "whole" ? undefined : new TemporaryTuples(w, tuples.lanes)
  const partialAt = (segment: string, output: string): string => w.op("mad.lo.u32", segment, outputs, output)

  // Which output this thread has, and which share of its elements.
  const [place, share] = {
    thread: (): [string, string] => [w.thread, w.op("mov.u32", 0)],
    warp: (): [string, string] => [w.op("shr.u32", w.thread, 5), w.op("and.b32", w.thread, 31)],
    block: (): [string, string] => [w.op("mov.u32", 0), w.thread],
    columns: (): [string, string] => [w.op("and.b32", w.thread, 31), w.op("shr.u32", w.thread, 5)],
  }[form]()
  const asked = w.op("mad.lo.u32", w.block("x"), perBlock, place)
  const exists = w.op("setp.lt.u32", asked, outputs)
  // What is too much does as the last output does, and writes nothing.
  const output = w.op("min.u32", asked, w.op("sub.u32", outputs, 1))
  const coordinates = unravel(w, w.toIndex(output), sizesOf(0, kept))

  const total = tuples.identity()
  if (stage === "second") {
    const from = partials!
    walk(w, tuples, total, { begin: share, end: segments!, step: sharing, neighbours: 1, hands: 1 }, "u32", (r) => [
      () => from.load(partialAt(r, output)),
    ])
  } else {
    const elements = w.own("elements", w.index)
    const first = w.ix("mul.lo", w.toIndex(share), vector)
    let [begin, end] = [first, elements]
    if (stage === "first") {
      const segment = w.toIndex(w.block("y"))
      const length = w.own("length", w.index)
      const start = w.ix("mul.lo", segment, length)
      begin = w.ix("add", start, first)
      end = w.ix("min", w.ix("add", start, length), elements)
    }
    const inputs = new Inputs(w, kernel.inputs)
    const hands = vector > 1 || topological([...kernel.lift, ...kernel.combine]).length > LONG_EXPRESSION ? 1 : IN_HAND
    const reduced = (r: string): string[] => unravel(w, r, sizesOf(kept, kernel.rank))
    walk(w, tuples, total, { begin, end, step: sharing * vector, neighbours: vector, hands }, w.index, (r) => {
      if (vector === 1) return [() => tuples.lift(inputs.at([...coordinates, ...reduced(r)]))]
      const point = [...coordinates, r]
      const vectors = new Map<number, string[]>()
      return Array.from({ length: vector }, (_, e) => (): Tuple => {
        const at = e === 0 ? r : w.ix("add", r, e)
        return tuples.lift(
          inputs.at([...coordinates, at], (node) => {
            const k = Number(node.value)
            if (node.op !== "input" || kernel.inputs[k].access !== "unit") return undefined
            let values = vectors.get(k)
            if (!values) {
              const view = inputs.view(k)
              vectors.set(k, (values = readVector(w, view, addressOf(w, view, point, "unit"), vector)))
            }
            return values[e]
          }),
        )
      })
    })
  }

  if (form === "warp") tuples.joinLanes(total)
  if (form === "block") tuples.joinBlock(total, BLOCK)
  if (form === "columns") joinColumns(w, tuples, total)
  const mine = form === "thread" ? exists : w.op("and.pred", exists, w.op("setp.eq.u32", share, 0))
  w.exit(`!${mine}`)
  if (stage === "first") partials!.store(partialAt(w.block("y"), output), total)
  else writeFinish(w, kernel, coordinates, total)
  return w.finish(BLOCK)
}

interface Range {
  readonly begin: string
  readonly end: string
  readonly step: number
  /** Elements side by side that are found at once, and how many such steps are in hand. */
  readonly neighbours: number
  readonly hands: number
}

/**
 * Merges the tuples of a thread's elements into `total`, in chunks. `at` gives what finds the tuples of the neighbours at an
 * element. Some elements are in hand at once, each with a tuple of its own, so that reads need not wait for each other.
 */
function walk(
  w: Writer,
  tuples: Tuples,
  total: Tuple,
  { begin, end, step, neighbours, hands }: Range,
  type: "u32" | "u64",
  at: (r: string) => readonly (() => Tuple)[],
): void {
  const r = w.variable(type, begin)
  const below = (value: string, limit: string): string => w.op(`setp.lt.${type}`, value, limit)
  const count = Math.min(IN_HAND, neighbours * hands)
  const parts = Array.from({ length: count }, () => tuples.identity())
  const take = (together: number): void => {
    const found = Array.from({ length: together }, (_, k) => at(k === 0 ? r : w.op(`add.${type}`, r, k * step)))
    for (const [k, tuple] of found
      .flat()
      .map((lift) => lift())
      .entries())
      tuples.join(parts[k % count], tuple)
    w.line(`add.${type} ${r}, ${r}, ${together * step}`)
  }
  w.while(
    () => below(r, end),
    () => {
      for (const part of parts) tuples.clear(part)
      const stop = w.op(`min.${type}`, w.op(`add.${type}`, r, CHUNK * hands * step), end)
      if (hands > 1)
        w.while(
          () => below(w.op(`add.${type}`, r, (hands - 1) * step), stop),
          () => take(hands),
        )
      w.while(
        () => below(r, stop),
        () => take(1),
      )
      for (let apart = count / 2; apart >= 1; apart /= 2)
        for (let k = 0; k < apart; k++) tuples.join(parts[k], parts[k + apart])
      tuples.join(total, parts[0])
    },
  )
}

/** Merges the tuples of each column's threads into that of its first. */
function joinColumns(w: Writer, tuples: Tuples, total: Tuple): void {
  const all = tuples.sharedArray("columns", BLOCK)
  all.store(w.thread, total)
  w.barrier()
  const apart = w.variable("u32", BLOCK / 2)
  w.while(
    () => w.op("setp.ge.u32", apart, 32),
    () => {
      w.if(w.op("setp.lt.u32", w.thread, apart), () => {
        tuples.join(total, all.load(w.op("add.u32", w.thread, apart)))
        all.store(w.thread, total)
      })
      w.barrier()
      w.line(`shr.u32 ${apart}, ${apart}, 1`)
    },
  )
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

/** Rows up to this length are walked by a thread each, and by a warp up to the next. */
const SHORT = 16
const LONG = 1024
/** Columns up to this length are walked by a thread each. */
const SHORT_COLUMN = 64
/** Threads of a multiprocessor that keep it busy, and blocks. */
const BUSY_THREADS = 1024
const BUSY_BLOCKS = 4
/** The least elements that a thread of a segment has. */
const WORTH_CUTTING = 16
const MOST_SEGMENTS = 1024

export interface Choice {
  readonly form: Form
  readonly segments: number
}

/** How outputs and their elements are shared out. `columns`: whether neighbouring outputs read neighbouring elements. */
export function shareReduce(
  outputs: number,
  elements: number,
  columns: boolean,
  { multiprocessors }: Pick<DeviceLimits, "multiprocessors">,
): Choice {
  if (columns) {
    if (elements <= SHORT_COLUMN || outputs >= multiprocessors * BUSY_THREADS) return { form: "thread", segments: 1 }
    return { form: "columns", segments: segmentsOf(Math.ceil(outputs / 32), elements, 8, multiprocessors) }
  }
  if (elements <= SHORT) return { form: "thread", segments: 1 }
  if (elements <= LONG) return { form: "warp", segments: 1 }
  return { form: "block", segments: segmentsOf(outputs, elements, BLOCK, multiprocessors) }
}

function segmentsOf(blocks: number, elements: number, sharing: number, multiprocessors: number): number {
  const wanted = Math.ceil((multiprocessors * BUSY_BLOCKS) / blocks)
  return Math.max(1, Math.min(wanted, MOST_SEGMENTS, Math.floor(elements / (sharing * WORTH_CUTTING))))
}

/** Plans launches of a reduction. */
export function reducePlanner(kernel: ReduceKernel, limits: DeviceLimits): Planner {
  const kept = keptOf(kernel)
  const variants = new Variants((form: Form, stage: Stage, vector: number, wide: boolean) =>
    emitReduce(kernel, form, stage, vector, wide),
  )
  const followed = kernel.inputs.flatMap(({ access, dtype }, k) => (access === "load" ? [] : [{ k, access, dtype }]))
  const units = followed.filter(({ access }) => access === "unit")
  const most =
    kernel.reduced === 1 && units.length ? VECTOR_BYTES / Math.max(...units.map(({ dtype }) => bytesOf(dtype))) : 1
  const columns = ({ operands }: Launch): boolean =>
    kept > 0 && units.length === 0 && followed.some(({ k }) => Math.abs(operands[k].strides[kept - 1]) === 1)
  const aligned = ({ operands, sizes }: Launch): boolean =>
    sizes[kept] % most === 0 &&
    units.every(
      ({ k }) =>
        operands[k].offset % most === 0 &&
        operands[k].strides.every((s, d) => d === kept || sizes[d] === 1 || s % most === 0),
    )
  return {
    plan(launch) {
      const outputs = countOf(launch.sizes.slice(0, kept))
      if (outputs === 0) return NOTHING
      const elements = countOf(launch.sizes.slice(kept))
      const wide = isWide(launch)
      const { form, segments } = shareReduce(outputs, elements, columns(launch), limits)
      const vector = most > 1 && (form === "warp" || form === "block") && elements > 0 && aligned(launch) ? most : 1
      const blocks = Math.ceil(outputs / SHARES[form].outputs)
      // Segments begin where vectors do.
      const length = Math.ceil(Math.ceil(elements / segments) / vector) * vector
      const planned = { ...launch, own: { outputs, elements, segments, length } }
      if (segments === 1)
        return {
          launches: [launchOf(variants.get(form, "whole", vector, wide), planned, [blocks, 1, 1])],
          temporaries: [],
        }
      const merging: Form =
        outputs >= limits.multiprocessors * BUSY_THREADS ? "thread" : segments > LONG ? "block" : "warp"
      return {
        launches: [
          launchOf(variants.get(form, "first", vector, wide), planned, [blocks, segments, 1]),
          launchOf(variants.get(merging, "second", 1, wide), planned, [
            Math.ceil(outputs / SHARES[merging].outputs),
            1,
            1,
          ]),
        ],
        temporaries: temporaryBytes(kernel, outputs * segments),
      }
    },
    modules: () => [
      variants.get("warp", "whole", most, false).module,
      variants.get("block", "whole", most, false).module,
    ],
  }
}
