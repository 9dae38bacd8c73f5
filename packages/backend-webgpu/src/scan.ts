/**
 * Scans along the last dim. Rows are independent. A row is walked by as many lanes as it keeps busy, each of which combines
 * a few neighbours; the lanes' sums are combined in a tree in workgroup memory, in order, for the monoid need not commute.
 * Where rows are long and few, a row is cut into blocks: a first dispatch finds the sum of every block, and in a second one
 * each block combines the sums before it, then walks its own elements.
 */
import type { Expr, ScanKernel } from "@taeda/core"
import { Inputs, unravel } from "./coordinates.ts"
import { writeExpressions } from "./expression.ts"
import { countOf, type Launch } from "./launch.ts"
import { declareMonoid, tupleBits, writeLift } from "./monoid.ts"
import { dispatchOf, GROUP, lazy, NOTHING, type Planner } from "./planner.ts"
import { addressOf, bindOutput, type View, writeElement } from "./views.ts"
import { withWideSums } from "./wide-sums.ts"
import { type Emitted, fromBits, Writer } from "./writer.ts"

/** Neighbours that a lane combines before the lanes meet. */
const ITEMS = 4
const CHUNK = GROUP * ITEMS
/** Chunks that a workgroup walks one after the other: more would make sums less exact than in pairs. */
const CHUNKS_IN_ORDER = 16
/** Rows up to this length are walked by a lane each, in order, as on a CPU: no sum is formed that is not a result. */
const SHORT = 32
/** Rows shorter than this many chunks are not cut. */
const CHUNKS_WORTH_CUTTING = 5
/** Workgroups that keep a GPU busy. */
const ENOUGH_GROUPS = 256

interface Shares {
  readonly rows: number
  readonly length: number
  /** Lanes that walk a row together: a power of two. */
  readonly lanes: number
  /** Blocks of a row, and elements of a block. */
  readonly blocks: number
  readonly span: number
  readonly groups: number
}
type ScanLaunch = Launch & Shares

/** How the rows are shared out. */
export function planRows(rows: number, length: number): Shares {
  let lanes = 1
  while (lanes < GROUP && lanes * ITEMS < length) lanes *= 2
  const chunks = Math.ceil(length / CHUNK)
  const wanted = Math.max(Math.ceil(ENOUGH_GROUPS / rows), Math.ceil(chunks / CHUNKS_IN_ORDER))
  const parts = chunks < CHUNKS_WORTH_CUTTING ? 1 : Math.min(chunks, wanted)
  const span = Math.ceil(chunks / parts) * CHUNK
  const blocks = Math.ceil(length / span)
  return { rows, length, lanes, span, blocks, groups: Math.ceil(rows / (GROUP / lanes)) * blocks }
}

export function scanPlanner(given: ScanKernel): Planner {
  const kernel = withWideSums(given)
  const serial = lazy(() => emitSerial(kernel))
  const whole = lazy(() => emitWalk(kernel, false))
  const totals = lazy(() => emitTotals(kernel))
  const rest = lazy(() => emitWalk(kernel, true))
  return {
    shaders: () => [serial, whole, totals, rest].map((emitted) => emitted().shader),
    plan(launch) {
      const { sizes } = launch
      if (sizes.includes(0)) return NOTHING
      const length = sizes.at(-1) ?? 1
      const plan: ScanLaunch = { ...launch, ...planRows(countOf(sizes) / length, length) }
      if (length <= SHORT) {
        const groups = Math.ceil(plan.rows / GROUP)
        return { dispatches: [dispatchOf(serial(), plan, groups)], temporaries: [] }
      }
      if (plan.blocks === 1) return { dispatches: [dispatchOf(whole(), plan, plan.groups)], temporaries: [] }
      return {
        dispatches: [totals(), rest()].map((emitted) => dispatchOf(emitted, plan, plan.groups)),
        temporaries: [4 * kernel.accumulators.length * plan.rows * plan.blocks],
      }
    },
  }
}

/** A number of the launch that only scans have. */
const own = (w: Writer, key: keyof Shares): string => w.number(key, (launch) => (launch as ScanLaunch)[key])

/** The coordinates of the element that stands at place `p` of a row in the order of the scan. */
function pointAt(w: Writer, { rank, reverse }: ScanKernel): string[] {
  if (rank === 0) return []
  const outer = Array.from({ length: rank - 1 }, (_, d) => w.size(d))
  return [...unravel(w, "row", outer), reverse ? w.let(`${own(w, "length")} - 1u - p`, "i") : "p"]
}

function declareLift(w: Writer, kernel: ScanKernel, inputs: Inputs): void {
  const text = w.function("fn lift(row: u32, p: u32) -> Acc", () => {
    w.lines.push(`return ${writeLift(w, kernel, inputs.at(pointAt(w, kernel)))};`)
  })
  w.declare("lift", text)
}

function declareFinish(w: Writer, kernel: ScanKernel, inputs: Inputs, outputs: readonly View[]): void {
  const text = w.function("fn finish(row: u32, p: u32, acc: Acc)", () => {
    const point = pointAt(w, kernel)
    const results = (node: Expr): string => `acc.a${Number(node.value)}`
    const values = writeExpressions(w, kernel.finish, inputs.at(point, results))
    outputs.forEach((view, j) => {
      writeElement(w, view, addressOf(w, view.operand, point), values[j])
    })
  })
  w.declare("finish", text)
}

/** Leaves in `parts` the sums of the lanes of a row up to each of them. */
const SCAN_LANES = `fn scanLanes(mine: Acc, lane: u32, t: u32, lanes: u32) {
  var sum = mine;
  parts[lane] = sum;
  workgroupBarrier();
  for (var d = 1u; d < lanes; d <<= 1u) {
    if (t >= d) { sum = combine(parts[lane - d], sum); }
    workgroupBarrier();
    parts[lane] = sum;
    workgroupBarrier();
  }
}`

/** What all shaders of a scan begin with. */
function begin(w: Writer, kernel: ScanKernel): void {
  declareMonoid(w, kernel)
  w.declare("parts", `var<workgroup> parts: array<Acc, ${GROUP}>;`)
  w.declare("scanLanes", SCAN_LANES)
  const blocks = own(w, "blocks")
  const span = own(w, "span")
  w.lines.push(
    `if (group >= ${own(w, "groups")}) { return; }`,
    `let lanes = ${own(w, "lanes")};`,
    "let t = lane & (lanes - 1u);",
    `let block = group % ${blocks};`,
    `let row = (group / ${blocks}) * (${GROUP}u / lanes) + lane / lanes;`,
    `let exists = row < ${own(w, "rows")};`,
    `let start = block * ${span};`,
    `let end = min(start + ${span}, ${own(w, "length")});`,
    "var carry = identity();",
  )
}

/** Walks the elements from `start` to `end`; `keep` and `use` are what happens to each, before and after the lanes meet. */
const walk = (keep: string, use: readonly string[]): string[] => [
  `for (var at = start; at < end; at += lanes * ${ITEMS}u) {`,
  `let first = at + t * ${ITEMS}u;`,
  "var sum = identity();",
  ...(use.length ? [`var items: array<Acc, ${ITEMS}>;`] : []),
  `for (var e = 0u; e < ${ITEMS}u; e++) {`,
  "if (exists && first + e < end) {",
  keep,
  "}",
  "}",
  "scanLanes(sum, lane, t, lanes);",
  ...use,
  "carry = combine(carry, parts[lane - t + lanes - 1u]);",
  // What the lanes read here the next turn overwrites.
  "workgroupBarrier();",
  "}",
]

/** Sums are kept as bits, accumulator by accumulator. */
const sumAt = (kernel: ScanKernel, w: Writer, block: string): string =>
  `(row * ${own(w, "blocks")} + ${block}) * ${kernel.accumulators.length}u`

/** The sum of every block, into temporary 0. */
function emitTotals(kernel: ScanKernel): Emitted {
  const w = new Writer()
  declareLift(w, kernel, new Inputs(w, kernel.inputs))
  begin(w, kernel)
  const sums = w.bind({ temporary: 0 }, "u32", "write")
  w.lines.push(...walk("sum = combine(sum, lift(row, first + e));", []))
  const bits = tupleBits(kernel, "carry")
  w.lines.push(
    "if (exists && t == 0u) {",
    `let to = ${sumAt(kernel, w, "block")};`,
    ...bits.map((text, k) => `${sums}[to + ${k}u] = ${text};`),
    "}",
  )
  return w.finish(GROUP)
}

/** Declares `lift` and `finish` of a shader that writes the outputs. */
function declareElements(w: Writer, kernel: ScanKernel): void {
  const outputs = kernel.outputs.map(({ dtype }, j) => bindOutput(w, kernel.inputs.length + j, dtype))
  const aliased = kernel.outputs.flatMap(({ aliases }, j) =>
    aliases === undefined ? [] : [[aliases, outputs[j]] as const],
  )
  const inputs = new Inputs(w, kernel.inputs, aliased)
  declareLift(w, kernel, inputs)
  declareFinish(w, kernel, inputs, outputs)
}

/** A row for each lane. */
function emitSerial(kernel: ScanKernel): Emitted {
  const w = new Writer()
  declareMonoid(w, kernel)
  declareElements(w, kernel)
  w.lines.push(
    `let row = group * ${GROUP}u + lane;`,
    `if (row >= ${own(w, "rows")}) { return; }`,
    "var acc = identity();",
    `for (var p = 0u; p < ${own(w, "length")}; p++) {`,
    "acc = combine(acc, lift(row, p));",
    "finish(row, p, acc);",
    "}",
  )
  return w.finish(GROUP)
}

/** All results of a block; `continues`: after the sums of the blocks before it. */
function emitWalk(kernel: ScanKernel, continues: boolean): Emitted {
  const w = new Writer()
  declareElements(w, kernel)
  begin(w, kernel)
  if (continues) {
    const sums = w.bind({ temporary: 0 }, "u32", "read")
    const fields = kernel.accumulators.map((type, k) => fromBits(`${sums}[source + ${k}u]`, type))
    w.lines.push(
      "{",
      // Blocks are cut only out of rows that take a whole workgroup.
      `let each = (block + ${GROUP - 1}u) / ${GROUP}u;`,
      "var sum = identity();",
      "for (var k = t * each; exists && k < min(block, (t + 1u) * each); k++) {",
      `let source = ${sumAt(kernel, w, "k")};`,
      `sum = combine(sum, Acc(${fields.join(", ")}));`,
      "}",
      "scanLanes(sum, lane, t, lanes);",
      `carry = parts[${GROUP - 1}u];`,
      "workgroupBarrier();",
      "}",
    )
  }
  const keep = "items[e] = lift(row, first + e); sum = combine(sum, items[e]);"
  w.lines.push(
    ...walk(keep, [
      "var acc = carry;",
      "if (t > 0u) { acc = combine(carry, parts[lane - 1u]); }",
      `for (var e = 0u; e < ${ITEMS}u; e++) {`,
      "if (exists && first + e < end) {",
      "acc = combine(acc, items[e]);",
      "finish(row, first + e, acc);",
      "}",
      "}",
    ]),
  )
  return w.finish(GROUP)
}
