/**
 * Rows: a workgroup has a few rows, or one, and each is walked by some of its invocations, once for every stage and once for the
 * elements of the outputs. Where rows are few and long, each is cut into segments: a dispatch for every stage leaves the tuples
 * of all segments in temporary memory, the next ones combine those, and a last one writes the outputs.
 */
import { type Expr, type Monoid, type RowsKernel, sameAlongRows } from "@taeda/core"
import { Inputs } from "./coordinates.ts"
import { laneOf, perWord } from "./elements.ts"
import { type ReadLeaf, writeExpressions } from "./expression.ts"
import { countOf, type Launch } from "./launch.ts"
import { writeCoordinates } from "./loops.ts"
import { declareMonoid, type MonoidNames, tupleBits, writeLift, writeTotal } from "./monoid.ts"
import { dispatchOf, GROUP, NOTHING, type Planner } from "./planner.ts"
import type { GpuLimits } from "./program.ts"
import { addressOf, bindOutput, storedBits, writeElement } from "./views.ts"
import { type Emitted, fromBits, Writer } from "./writer.ts"

/** Elements of a row that are worth an invocation. */
const ITEMS = 8
/** Invocations side by side that read neighbouring elements together. */
const NEIGHBOURS = 16
/** With fewer workgroups than this a machine is not filled. */
const ENOUGH_GROUPS = 64
const MOST_SEGMENTS = 256
/** Cut into fewer segments, a row is not done sooner. */
const SEGMENTS_WORTH_CUTTING = 4

/** How rows are shared out to invocations. */
export interface Shares {
  readonly rows: number
  readonly length: number
  /** Invocations that walk a row together, and the distance between two that follow each other: powers of two. */
  readonly lanes: number
  readonly step: number
  /** Segments of a row, and elements of a segment. */
  readonly segments: number
  readonly span: number
  /** Workgroups of each dispatch. */
  readonly groups: number
}
type RowsLaunch = Launch & Shares

/** `neighbours`: it is elements of neighbouring rows that lie side by side. `cuttable`: whether rows may be cut. */
export function shareRows(rows: number, length: number, neighbours: boolean, cuttable: boolean): Shares {
  let lanes = 1
  while (lanes < GROUP && lanes * ITEMS < length) lanes *= 2
  if (neighbours) {
    let together = 1
    while (together < NEIGHBOURS && together < rows) together *= 2
    lanes = Math.min(lanes, GROUP / together)
  }
  const groups = Math.ceil(rows / (GROUP / lanes))
  const worth = Math.floor(length / (lanes * ITEMS))
  const parts = Math.min(MOST_SEGMENTS, Math.ceil(ENOUGH_GROUPS / groups), worth)
  // Of whole words, whatever an output's elements are.
  const span = !cuttable || parts < SEGMENTS_WORTH_CUTTING ? length : Math.ceil(length / parts / 4) * 4
  const segments = span === 0 ? 1 : Math.ceil(length / span)
  return { rows, length, lanes, step: neighbours ? GROUP / lanes : 1, segments, span, groups: groups * segments }
}

/** A number of the launch that only rows have. */
const own = (w: Writer, key: keyof Shares): string => w.number(key, (launch) => (launch as RowsLaunch)[key])

const keptOf = (kernel: RowsKernel): number => kernel.rank - kernel.reduced

/** What a stage is called in the shader. Stages with the same accumulators share a struct, and its workgroup memory. */
interface StageNames extends MonoidNames {
  readonly tuples: string
  readonly total: string
  /** The number of its first accumulator among those of all stages. */
  readonly first: number
}

const tupleName = ({ accumulators }: Monoid): string => `Acc_${accumulators.map(laneOf).join("_")}`

function stageNames({ stages }: RowsKernel): StageNames[] {
  let first = 0
  return stages.map((stage, s) => {
    const Acc = tupleName(stage)
    const names = {
      Acc,
      combine: `combine${s}`,
      identity: `identity${s}`,
      tuples: `tuples_${Acc}`,
      total: `total${s}`,
      first,
    }
    first += stage.accumulators.length
    return names
  })
}

/** Bytes of workgroup memory. */
function workgroupBytes({ stages }: RowsKernel): number {
  const words = new Map(stages.map((stage) => [tupleName(stage), stage.accumulators.length]))
  return [...words.values()].reduce((sum, n) => sum + n, 0) * 4 * GROUP
}

/** The workgroup memory that every GPU has. */
const WORKGROUP_BYTES = 16384

/** Why these rows had better be composed of reductions and a map. */
export const refusedRows = (kernel: RowsKernel): string | undefined =>
  workgroupBytes(kernel) > WORKGROUP_BYTES ? "so many accumulators do not fit the memory of a workgroup" : undefined

/** A whole row in one dispatch, or the dispatch of that number of those for rows in segments. */
type Part = "whole" | number

/** `together`: the elements that an invocation computes for a word, where it writes whole words of the outputs. */
export function emitRows(kernel: RowsKernel, part: Part, together: number): Emitted {
  const w = new Writer()
  const { stages, body, inputs: types, outputs } = kernel
  const kept = keptOf(kernel)
  const names = stageNames(kernel)
  const last = part === "whole" || part === stages.length
  const inputs = new Inputs(w, types)
  const views = last
    ? outputs.map(({ dtype }, j) => bindOutput(w, types.length + j, dtype, together > 1 && j < body.length))
    : []
  const partials = part === "whole" ? "" : w.bind({ temporary: 0 }, "u32", last ? "read" : "write")
  w.lines.push(
    `if (group >= ${own(w, "groups")}) { return; }`,
    `let lanes = ${own(w, "lanes")};`,
    `let step = ${own(w, "step")};`,
    "let t = (lane / step) & (lanes - 1u);",
    `let segment = group % ${own(w, "segments")};`,
    `let place = (group / ${own(w, "segments")}) * (${GROUP}u / lanes) + (lane / (step * lanes)) * step + lane % step;`,
    `let exists = place < ${own(w, "rows")};`,
    `let row = min(place, ${own(w, "rows")} - 1u);`,
    `let begin = segment * ${own(w, "span")};`,
    `let end = min(begin + ${own(w, "span")}, ${own(w, "length")});`,
  )
  const head = writeCoordinates(w, "row", 0, kept)
  /** The results of the stages so far. */
  const results = (node: Expr): string => {
    const k = Number(node.value)
    const s = names.findLastIndex(({ first }) => first <= k)
    return `${names[s].total}.a${k - names[s].first}`
  }
  const point = (r: string): string[] => [...head, ...writeCoordinates(w, r, kept, kernel.rank)]
  const leaf = (at: readonly string[]): ReadLeaf => inputs.at(at, results)
  /** Values that are the same along a row, computed where no element is at hand: reduced dims have no coordinate there. */
  const known = new Map<Expr, string>()
  const writeKnown = (roots: readonly Expr[]): void => {
    writeExpressions(
      w,
      sameAlongRows(kernel, roots),
      leaf([...head, ...new Array<string>(kernel.reduced).fill("0u")]),
      known,
    )
  }
  /** The word of a segment's accumulator. */
  const partial = (k: number, at: string): string =>
    `${partials}[(${k}u * ${own(w, "rows")} + row) * ${own(w, "segments")} + ${at}]`

  for (const [s, stage] of stages.entries()) {
    if (typeof part === "number" && s > part) break
    const name = names[s]
    declareMonoid(w, stage, name)
    const before = typeof part === "number" && s < part
    if (!before) writeKnown(stage.lift)
    w.lines.push(`var ${name.total} = ${name.identity}();`, "if (exists) {")
    const range = before ? (["t", own(w, "segments"), "lanes"] as const) : (["begin + t", "end", "lanes"] as const)
    const parts = (): string =>
      `${name.Acc}(${stage.accumulators.map((dtype, k) => fromBits(partial(name.first + k, "r"), dtype)).join(", ")})`
    const lift = (): string => writeLift(w, stage, leaf(point("r")), name, known)
    writeTotal(w, "sum", range, before ? parts : lift, name)
    w.lines.push(`${name.total} = sum;`, "}")
    writeTree(w, name)
    if (s === part)
      w.lines.push(
        "if (exists && t == 0u) {",
        ...tupleBits(stage, name.total).map((bits, k) => `${partial(name.first + k, "segment")} = ${bits};`),
        "}",
      )
  }
  if (!last) return w.finish(GROUP)

  writeKnown(body)
  w.lines.push("if (!exists) { return; }")
  if (body.length > 0) {
    const values = (at: readonly string[]): string[] => writeExpressions(w, body, leaf(at), new Map(known))
    const address = (j: number, at: readonly string[]): string => addressOf(w, views[j].operand, at, outputs[j].access)
    if (together === 1) {
      w.lines.push("for (var r = begin + t; r < end; r += lanes) {")
      const at = point("r")
      for (const [j, value] of values(at).entries()) writeElement(w, views[j], address(j, at), value)
      w.lines.push("}")
    } else {
      w.lines.push(`for (var first = begin + t * ${together}u; first < end; first += lanes * ${together}u) {`)
      const words = body.map(() => w.name("w"))
      w.lines.push(...words.map((word) => `var ${word} = 0u;`))
      w.lines.push(`for (var k = 0u; k < ${together}u; k++) {`)
      for (const [j, value] of values(point("(first + k)")).entries())
        w.lines.push(`${words[j]} |= ${storedBits(outputs[j].dtype, value)} << (k * ${32 / together}u);`)
      w.lines.push("}")
      const at = point("first")
      for (const [j, word] of words.entries())
        w.lines.push(`${views[j].buffer}[(${address(j, at)}) / ${together}u] = ${word};`)
      w.lines.push("}")
    }
  }
  if (kernel.finish.length > 0) {
    w.lines.push("if (segment == 0u && t == 0u) {")
    const found = writeExpressions(w, kernel.finish, leaf(head), new Map(known))
    for (const [j, value] of found.entries()) {
      const view = views[body.length + j]
      writeElement(w, view, addressOf(w, view.operand, head, outputs[body.length + j].access), value)
    }
    w.lines.push("}")
  }
  return w.finish(GROUP)
}

/** Combines the totals of the invocations of each row, in a tree; all of them then have that of the row. */
function writeTree(w: Writer, { Acc, combine, tuples, total }: StageNames): void {
  w.declare(tuples, `var<workgroup> ${tuples}: array<${Acc}, ${GROUP}>;`)
  w.lines.push(
    `${tuples}[lane] = ${total};`,
    "workgroupBarrier();",
    "for (var half = lanes >> 1u; half > 0u; half >>= 1u) {",
    `if (t < half) { ${tuples}[lane] = ${combine}(${tuples}[lane], ${tuples}[lane + half * step]); }`,
    "workgroupBarrier();",
    "}",
    `${total} = ${tuples}[lane - t * step];`,
    // What is read here the next stage overwrites.
    "workgroupBarrier();",
  )
}

/** Plans launches of rows. */
export function rowsPlanner(kernel: RowsKernel, limits: GpuLimits): Planner {
  const { stages, body, inputs } = kernel
  const kept = keptOf(kernel)
  const emitted = new Map<string, Emitted>()
  const variant = (part: Part, together: number): Emitted => {
    const key = `${part} ${together}`
    let found = emitted.get(key)
    if (!found) emitted.set(key, (found = emitRows(kernel, part, together)))
    return found
  }
  const counts = kernel.outputs.slice(0, body.length).map(({ dtype }) => perWord(dtype))
  const perOutputWord = counts.length > 0 && counts.every((n) => n === counts[0]) ? counts[0] : 1
  /** Whether all rows of the outputs consist of whole words. */
  const wholeWords = ({ sizes, operands }: Launch): boolean =>
    perOutputWord > 1 &&
    sizes[kernel.rank - 1] % perOutputWord === 0 &&
    operands
      .slice(inputs.length, inputs.length + body.length)
      .every(
        ({ offset, strides }) =>
          offset % perOutputWord === 0 &&
          strides.every((stride, d) =>
            d === kernel.rank - 1 ? stride === 1 : sizes[d] === 1 || stride % perOutputWord === 0,
          ),
      )
  /** Whether neighbouring rows, and not the elements of one, lie side by side. */
  const neighbours = ({ operands }: Launch): boolean => {
    const besides = (d: number): boolean =>
      inputs.some(({ access }, k) => access !== "load" && Math.abs(operands[k].strides[d]) === 1)
    return kept > 0 && besides(kept - 1) && !besides(kernel.rank - 1)
  }
  const accumulators = stages.reduce((sum, stage) => sum + stage.accumulators.length, 0)
  // The last dispatch of several binds the tuples besides all operands.
  const cuttable = stages.length > 0 && inputs.length + kernel.outputs.length < limits.storageBindings
  return {
    plan(launch) {
      const rows = countOf(launch.sizes.slice(0, kept))
      if (rows === 0) return NOTHING
      const shares = shareRows(rows, countOf(launch.sizes.slice(kept)), neighbours(launch), cuttable)
      const planned: RowsLaunch = { ...launch, ...shares }
      const together = wholeWords(launch) ? perOutputWord : 1
      if (shares.segments === 1)
        return { dispatches: [dispatchOf(variant("whole", together), planned, shares.groups)], temporaries: [] }
      const parts = [...stages.map((_, s) => variant(s, 1)), variant(stages.length, together)]
      return {
        dispatches: parts.map((each) => dispatchOf(each, planned, shares.groups)),
        temporaries: [4 * accumulators * rows * shares.segments],
      }
    },
    shaders: () => [variant("whole", perOutputWord).shader],
  }
}
