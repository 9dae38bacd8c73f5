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
import { type Tuples, usesSubgroups, writeMeeting } from "./meeting.ts"
import { declareMonoid, type MonoidNames, tupleBits, tupleFields, writeLift, writeTotal } from "./monoid.ts"
import { dispatchOf, GROUP, NOTHING, type Planner } from "./planner.ts"
import type { GpuLimits } from "./program.ts"
import { type Shares, shareRows } from "./rows-plan.ts"
import { addressOf, bindOutput, storedBits, type View, writeElement } from "./views.ts"
import { type Emitted, fromBits, Writer } from "./writer.ts"

type RowsLaunch = Launch & Shares

/** A number of the launch that only rows have. */
const own = (w: Writer, key: keyof Shares): string => w.number(key, (launch) => (launch as RowsLaunch)[key])

const keptOf = (kernel: RowsKernel): number => kernel.rank - kernel.reduced

/** What a stage is called in the shader. Stages with the same accumulators share a struct, and its workgroup memory. */
interface StageNames extends MonoidNames, Tuples {
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
      fields: tupleFields(stage),
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

/**
 * `together`: the elements of a word, where an invocation computes those of a row that share one; else 1. `alone`: an invocation
 * has a row by itself.
 */
export function emitRows(kernel: RowsKernel, part: Part, together: number, alone: boolean, limits: GpuLimits): Emitted {
  const { stages } = kernel
  const last = part === "whole" || part === stages.length
  const rows = new RowsWriter(kernel, part, last, alone, !alone && usesSubgroups(limits, GROUP))
  rows.begin()
  for (const s of stages.keys()) {
    if (part !== "whole" && s > part) break
    rows.stage(s)
  }
  if (last) rows.outputs(together)
  return rows.w.finish(GROUP)
}

/** The pieces of a shader, written in their order. */
class RowsWriter {
  readonly w = new Writer()
  private readonly kernel: RowsKernel
  private readonly part: Part
  private readonly alone: boolean
  private readonly subgroups: boolean
  private readonly names: readonly StageNames[]
  private readonly inputs: Inputs
  private readonly views: readonly View[]
  /** The tuples of segments. */
  private readonly partials: string
  /** The coordinates of the row. */
  private head: readonly string[] = []
  /** Values that are the same along a row, and their names. */
  private readonly known = new Map<Expr, string>()

  constructor(kernel: RowsKernel, part: Part, last: boolean, alone: boolean, subgroups: boolean) {
    const { w } = this
    this.alone = alone
    const { inputs, outputs } = kernel
    if (subgroups) w.useSubgroups()
    this.kernel = kernel
    this.part = part
    this.subgroups = subgroups
    this.names = stageNames(kernel)
    this.inputs = new Inputs(w, inputs)
    this.views = last ? outputs.map(({ dtype }, j) => bindOutput(w, inputs.length + j, dtype)) : []
    this.partials = part === "whole" ? "" : w.bind({ temporary: 0 }, "u32", last ? "read" : "write")
  }

  /** Which row, and what of it: `row`, `exists`, the elements from `begin` to before `end`, as number `t` of `lanes`. */
  begin(): void {
    const { w } = this
    w.lines.push(
      `if (group >= ${own(w, "groups")}) { return; }`,
      `let lanes = ${this.alone ? "1u" : own(w, "lanes")};`,
      `let step = ${own(w, "step")};`,
      "let t = (lane / step) & (lanes - 1u);",
      `let segment = group % ${own(w, "segments")};`,
      `let place = (group / ${own(w, "segments")}) * (${GROUP}u / lanes) + (lane / (step * lanes)) * step + lane % step;`,
      `let exists = place < ${own(w, "rows")};`,
      // All invocations meet at barriers; those without a row have the last one's coordinates and do nothing with it.
      `let row = min(place, ${own(w, "rows")} - 1u);`,
      `let begin = segment * ${own(w, "span")};`,
      `let end = min(begin + ${own(w, "span")}, ${own(w, "length")});`,
    )
    this.head = writeCoordinates(w, "row", 0, keptOf(this.kernel))
  }

  /** The total of a stage, from the elements or, where a dispatch before did that, from the tuples of the segments. */
  stage(s: number): void {
    const { w, part, known } = this
    const stage = this.kernel.stages[s]
    const name = this.names[s]
    const before = part !== "whole" && s < part
    declareMonoid(w, stage, name)
    if (!before) this.writeKnown(stage.lift)
    const range = before ? (["t", own(w, "segments"), "lanes"] as const) : (["begin + t", "end", "lanes"] as const)
    const tuple = (): string => {
      if (!before) return writeLift(w, stage, this.leaf(this.point("r")), name, known)
      const parts = stage.accumulators.map((dtype, k) => fromBits(this.partial(name.first + k, "r"), dtype))
      return `${name.Acc}(${parts.join(", ")})`
    }
    w.lines.push(`var ${name.total} = ${name.identity}();`, "if (exists) {")
    writeTotal(w, "sum", range, tuple, name)
    w.lines.push(`${name.total} = sum;`, "}")
    if (!this.alone) writeMeeting(w, name, { lanes: "lanes", step: "step" }, GROUP, this.subgroups)
    if (s === part)
      w.lines.push(
        "if (exists && t == 0u) {",
        ...tupleBits(stage, name.total).map((bits, k) => `${this.partial(name.first + k, "segment")} = ${bits};`),
        "}",
      )
  }

  outputs(together: number): void {
    const { w, kernel, views, head, known } = this
    const { body, finish } = kernel
    this.writeKnown(body)
    w.lines.push("if (!exists) { return; }")
    if (body.length > 0) {
      if (together === 1) this.elements()
      else this.words(together)
    }
    if (finish.length === 0) return
    w.lines.push("if (segment == 0u && t == 0u) {")
    const values = writeExpressions(w, finish, this.leaf(head), new Map(known))
    for (const [j, value] of values.entries())
      writeElement(w, views[body.length + j], this.address(body.length + j, head), value)
    w.lines.push("}")
  }

  /** The outputs that have an element for each of the rows', one by one. */
  private elements(): void {
    const { w } = this
    w.lines.push("for (var r = begin + t; r < end; r += lanes) {")
    const at = this.point("r")
    for (const [j, value] of this.values(at).entries()) writeElement(w, this.views[j], this.address(j, at), value)
    w.lines.push("}")
  }

  /** The same by the words that they share. A row may begin and end in the middle of one, of which others write the rest. */
  private words(together: number): void {
    const { w, kernel, views } = this
    const bits = 32 / together
    const words = kernel.body.map(() => w.name("w"))
    w.lines.push(
      `let skew = (${this.address(0, this.point("begin"))}) % ${together}u;`,
      `for (var u = t * ${together}u; u < end - begin + skew; u += lanes * ${together}u) {`,
      ...words.map((word) => `var ${word} = 0u;`),
      "var mask = 0u;",
      `for (var k = 0u; k < ${together}u; k++) {`,
      "let r = begin + u + k - skew;",
      // Less than `begin` is, as the difference of unsigned numbers, more than all.
      "if (r - begin < end - begin) {",
    )
    for (const [j, value] of this.values(this.point("r")).entries())
      w.lines.push(`${words[j]} |= ${storedBits(views[j].dtype, value)} << (k * ${bits}u);`)
    w.lines.push(`mask |= ${2 ** bits - 1}u << (k * ${bits}u);`, "}", "}")
    const at = this.point("(begin + max(u, skew) - skew)")
    for (const [j, word] of words.entries()) {
      const target = `&${views[j].buffer}[(${this.address(j, at)}) / ${together}u]`
      w.lines.push(
        `if (mask == 0xffffffffu) { atomicStore(${target}, ${word}); }`,
        `else { atomicAnd(${target}, ~mask); atomicOr(${target}, ${word}); }`,
      )
    }
    w.lines.push("}")
  }

  private values(at: readonly string[]): string[] {
    return writeExpressions(this.w, this.kernel.body, this.leaf(at), new Map(this.known))
  }

  private address(j: number, at: readonly string[]): string {
    return addressOf(this.w, this.views[j].operand, at, this.kernel.outputs[j].access)
  }

  /** The coordinates of element `r` of the row. */
  private point(r: string): string[] {
    const { rank } = this.kernel
    return [...this.head, ...writeCoordinates(this.w, r, keptOf(this.kernel), rank)]
  }

  private leaf(at: readonly string[]): ReadLeaf {
    return this.inputs.at(at, (node) => {
      const k = Number(node.value)
      const { total, first } = this.names.findLast((name) => name.first <= k)!
      return `${total}.a${k - first}`
    })
  }

  /** Computes what is the same along a row, at an element that stands for all. */
  private writeKnown(roots: readonly Expr[]): void {
    const at = [...this.head, ...new Array<string>(this.kernel.reduced).fill("0u")]
    writeExpressions(this.w, sameAlongRows(this.kernel, roots), this.leaf(at), this.known)
  }

  /** The word of accumulator `k` of a segment of the row. */
  private partial(k: number, segment: string): string {
    const { w } = this
    return `${this.partials}[(${k}u * ${own(w, "rows")} + row) * ${own(w, "segments")} + ${segment}]`
  }
}

/** Plans launches of rows. */
export function rowsPlanner(kernel: RowsKernel, limits: GpuLimits): Planner {
  const { stages, body, inputs } = kernel
  const kept = keptOf(kernel)
  const emitted = new Map<string, Emitted>()
  const variant = (part: Part, together: number, alone = false): Emitted => {
    const key = `${part} ${together} ${alone}`
    let found = emitted.get(key)
    if (!found) emitted.set(key, (found = emitRows(kernel, part, together, alone, limits)))
    return found
  }
  const counts = new Set(kernel.outputs.slice(0, body.length).map(({ dtype }) => perWord(dtype)))
  const elements = counts.size === 1 ? [...counts][0] : 1
  const last = kernel.rank - 1
  /** Whether elements of a row that follow each other share words, the same ones in all outputs. */
  const byWords = ({ sizes, operands }: Launch): boolean => {
    const whole = operands.slice(inputs.length, inputs.length + body.length)
    if (elements === 1 || whole.some(({ strides }) => strides[last] !== 1)) return false
    const aligned = (n: number): boolean => n % elements === 0
    return (
      (kernel.reduced === 1 && whole.length === 1) ||
      (aligned(sizes[last]) &&
        whole.every(
          ({ offset, strides }) =>
            aligned(offset) && strides.every((stride, d) => d === last || sizes[d] === 1 || aligned(stride)),
        ))
    )
  }
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
      const together = byWords(launch) ? elements : 1
      if (shares.segments === 1) {
        const whole = variant("whole", together, shares.lanes === 1)
        return { dispatches: [dispatchOf(whole, planned, shares.groups)], temporaries: [] }
      }
      const parts = [...stages.map((_, s) => variant(s, 1)), variant(stages.length, together)]
      return {
        dispatches: parts.map((each) => dispatchOf(each, planned, shares.groups)),
        temporaries: [4 * accumulators * rows * shares.segments],
      }
    },
    shaders() {
      const ends = [...new Set([1, elements])]
      const cut = cuttable
        ? [...stages.map((_, s) => variant(s, 1)), ...ends.map((together) => variant(stages.length, together))]
        : []
      return [...ends.map((together) => variant("whole", together)), ...cut].map(({ shader }) => shader)
    },
  }
}
