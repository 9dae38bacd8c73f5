/**
 * Reductions: one invocation or one workgroup per output, and where there are few outputs of many elements each, two stages: the
 * first leaves tuples of segments in temporary memory, the second combines those.
 */
import type { ReduceKernel } from "@taeda/core"
import { writeExpressions } from "./expression.ts"
import { countOf, type Launch } from "./launch.ts"
import { bindInputs, leafReader, WORKGROUP, writeCoordinates } from "./loops.ts"
import { usesSubgroups, writeMeeting } from "./meeting.ts"
import { declareMonoid, ONLY, tupleBits, tupleFields, writeLift, writeTotal } from "./monoid.ts"
import { NOTHING, type Planner } from "./planner.ts"
import type { GpuLimits } from "./program.ts"
import { addressOf, bindOutput, writeElement } from "./views.ts"
import { type Emitted, fromBits, Writer } from "./writer.ts"

/** Invocations that share an output. */
export type Lanes = 1 | 64 | 256

/** Where the tuples come from, and whether they end in the outputs. */
export type Stage = "whole" | "first" | "second"

const keptOf = (kernel: ReduceKernel): number => kernel.rank - kernel.reduced

export function emitReduce(kernel: ReduceKernel, lanes: Lanes, stage: Stage, limits: GpuLimits): Emitted {
  const w = new Writer()
  const subgroups = lanes > 1 && usesSubgroups(limits, lanes)
  if (subgroups) w.useSubgroups()
  const kept = keptOf(kernel)
  declareMonoid(w, kernel)
  const outputs = w.number("outputs", ({ sizes }) => countOf(sizes.slice(0, kept)))
  const segments = w.number("segments", (launch) => launch.segments ?? 1)
  const elements = stage === "second" ? segments : w.number("elements", ({ sizes }) => countOf(sizes.slice(kept)))
  const partials = stage === "whole" ? "" : w.bind({ temporary: 0 }, "u32", stage === "first" ? "write" : "read")
  /** The word of a partial tuple's accumulator. */
  const partial = (k: number, segment: string, output: string): string =>
    `${partials}[(${k}u * ${segments} + ${segment}) * ${outputs} + ${output}]`

  // Which output and which segment of it.
  const units = stage === "first" ? `${outputs} * ${segments}` : outputs
  const unit = w.let(lanes === 1 ? `group * ${WORKGROUP}u + lane` : "group", "u")
  w.lines.push(`if (${unit} >= ${units}) { return; }`)
  const output = stage === "first" ? w.let(`${unit} % ${outputs}`, "u") : unit
  const segment = stage === "first" ? w.let(`${unit} / ${outputs}`, "u") : "0u"
  const coordinates = stage === "second" && kept === 0 ? [] : writeCoordinates(w, output, 0, kept)
  const length = stage === "first" ? w.let(`(${elements} + ${segments} - 1u) / ${segments}`, "u") : elements
  const begin = w.let(`${segment} * ${length}`, "u")
  const end = w.let(`min(${begin} + ${length}, ${elements})`, "u")

  // The elements of this invocation.
  const inputs = stage === "second" ? [] : bindInputs(w, kernel.inputs, new Map())
  const lift = (): string => {
    if (stage === "second")
      return `Acc(${kernel.accumulators.map((dtype, k) => fromBits(partial(k, "r", output), dtype)).join(", ")})`
    const point = [...coordinates, ...writeCoordinates(w, "r", kept, kernel.rank)]
    return writeLift(w, kernel, leafReader(w, kernel.inputs, inputs, point))
  }
  writeTotal(w, "total", [lanes === 1 ? begin : `${begin} + lane`, end, `${lanes}u`], lift)

  if (lanes > 1) {
    const tuples = { ...ONLY, tuples: "tuples", total: "total", fields: tupleFields(kernel) }
    writeMeeting(w, tuples, { lanes: `${lanes}u`, step: "1u" }, lanes, subgroups)
    w.lines.push("if (lane > 0u) { return; }")
  }
  if (stage === "first") {
    for (const [k, bits] of tupleBits(kernel, "total").entries())
      w.lines.push(`${partial(k, segment, output)} = ${bits};`)
  } else writeFinish(w, kernel, coordinates)
  return w.finish(lanes === 1 ? WORKGROUP : lanes)
}

function writeFinish(w: Writer, kernel: ReduceKernel, coordinates: readonly string[]): void {
  const first = kernel.inputs.length
  const outputs = kernel.outputs.map(({ dtype }, j) => bindOutput(w, first + j, dtype))
  const values = writeExpressions(w, kernel.finish, (node) => {
    const k = Number(node.value)
    if (node.op === "scalar") return w.scalar(k, node.dtype)
    return node.op === "index" ? `bitcast<i32>(${coordinates[k]})` : `total.a${k}`
  })
  for (const [j, view] of outputs.entries())
    writeElement(w, view, addressOf(w, view.operand, coordinates, kernel.outputs[j].access), values[j])
}

/** From so many elements on a whole workgroup takes an output. */
const MANY = 128
const VERY_MANY = 2048
/** With fewer invocations than this a machine is not filled. */
const BUSY = 16384
const MOST_SEGMENTS = 256

interface Choice {
  readonly lanes: Lanes
  readonly segments: number
}

/** Whether the tuples of so many invocations fit the memory of a workgroup, and these a workgroup. */
const fits = (kernel: ReduceKernel, lanes: Lanes, { workgroupBytes, invocations }: GpuLimits): boolean =>
  lanes <= invocations && lanes * 4 * kernel.accumulators.length <= workgroupBytes

/** How outputs and their elements are shared out. */
export function shareReduce(
  kernel: ReduceKernel,
  outputs: number,
  elements: number,
  neighbours: boolean,
  limits: GpuLimits,
): Choice {
  // Invocations of one workgroup that read neighbouring elements read them together.
  if (elements < MANY || (neighbours && outputs >= BUSY / 4) || !fits(kernel, 64, limits))
    return { lanes: 1, segments: 1 }
  const lanes = elements >= VERY_MANY && fits(kernel, 256, limits) ? 256 : 64
  if (outputs * lanes >= BUSY || elements < 2 * VERY_MANY) return { lanes, segments: 1 }
  const wanted = Math.ceil(BUSY / (outputs * lanes))
  return { lanes, segments: Math.min(MOST_SEGMENTS, wanted, Math.ceil(elements / VERY_MANY)) }
}

/** Plans launches of a reduction. */
export function reducePlanner(kernel: ReduceKernel, limits: GpuLimits): Planner {
  const emitted = new Map<string, Emitted>()
  const variant = (lanes: Lanes, stage: Stage): Emitted => {
    const key = `${lanes}${stage}`
    let found = emitted.get(key)
    if (!found) emitted.set(key, (found = emitReduce(kernel, lanes, stage, limits)))
    return found
  }
  const kept = keptOf(kernel)
  /** Whether neighbouring outputs read neighbouring elements. */
  const neighbours = ({ operands }: Launch): boolean =>
    kept > 0 &&
    kernel.inputs.some(({ access }, k) => access !== "load" && Math.abs(operands[k].strides[kept - 1]) === 1)
  return {
    plan(launch) {
      const outputs = countOf(launch.sizes.slice(0, kept))
      if (outputs === 0) return NOTHING
      const elements = countOf(launch.sizes.slice(kept))
      const { lanes, segments } = shareReduce(kernel, outputs, elements, neighbours(launch), limits)
      const dispatch = (stage: Stage, lanes: Lanes, units: number) => {
        const { shader, buffers, params } = variant(lanes, stage)
        const workgroups = lanes === 1 ? Math.ceil(units / WORKGROUP) : units
        return { shader, buffers, params: params({ ...launch, segments }), workgroups }
      }
      if (segments === 1) return { dispatches: [dispatch("whole", lanes, outputs)], temporaries: [] }
      return {
        dispatches: [dispatch("first", lanes, outputs * segments), dispatch("second", 64, outputs)],
        temporaries: [4 * kernel.accumulators.length * outputs * segments],
      }
    },
    shaders() {
      const shared = ([64, 256] as const).filter((lanes) => fits(kernel, lanes, limits))
      const most = shared.at(-1)
      const cut = most ? [variant(most, "first"), variant(64, "second")] : []
      return [variant(1, "whole"), ...shared.map((lanes) => variant(lanes, "whole")), ...cut].map(
        ({ shader }) => shader,
      )
    },
  }
}
