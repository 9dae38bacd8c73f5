/** Executables of the kernels that are loops around expressions. */
import type { Access, MapKernel, Operand, ReduceKernel, Scalar, ScanKernel, ScatterKernel } from "@taeda/core"
import { addressOf } from "./buffer.ts"
import { emitMap, checksFirst as mapChecks } from "./emit-map.ts"
import { emitReduce, type ReduceForm } from "./emit-reduce.ts"
import { emitScan } from "./emit-scan.ts"
import { emitScatter, hasIndependentRows, checksFirst as scatterChecks } from "./emit-scatter.ts"
import { FrameLayout, SLOT, setPointer } from "./frame.ts"
import { range } from "./loops.ts"
import { type Code, FRAME, type Machine } from "./machine.ts"
import { partialVectors } from "./reduce-columns.ts"
import { rowsStrip } from "./reduce-rows.ts"
import { weigh } from "./weight.ts"

/** Runs a kernel over `sizes`. */
export type Launch = (sizes: readonly number[], operands: readonly Operand[], scalars: readonly Scalar[]) => void

const product = (sizes: readonly number[], from = 0, to = sizes.length): number => {
  let n = 1
  for (let d = from; d < to; d++) n *= sizes[d]
  return n
}

/** Elements along the last dim of a space, and its other points. */
const innerOf = (sizes: readonly number[]): number => (sizes.length > 0 ? sizes[sizes.length - 1] : 1)
const outerOf = (sizes: readonly number[]): number => product(sizes, 0, sizes.length - 1)

/** The groups of four in a row, a rest counting double. */
const groups = (n: number): number => (n >> 2) + (n & 3 ? 2 : 0)

/** A row's own instructions. */
const ROW = 12
/** Elements that one cache line holds, at the least: threads do not share lines that they write. */
const LINE = 64

export function mapLaunch(kernel: MapKernel, machine: Machine): Launch {
  const layout = new FrameLayout(kernel)
  const code = machine.load(emitMap(kernel, machine.target))
  const cost = weigh(kernel.body) + kernel.inputs.length
  const checks = mapChecks(kernel)
  return (sizes, operands, scalars) => {
    if (sizes.includes(0)) return
    layout.write(machine.memory.i32, FRAME, sizes, operands, addressOf, scalars)
    if (sizes.length <= 1) {
      const units = sizes.length === 0 ? 1 : sizes[0]
      if (checks) machine.alone(code.exports.check, units)
      machine.share(code, units, cost / 4, LINE)
      return
    }
    const units = outerOf(sizes)
    if (checks) machine.alone(code.exports.check, units)
    machine.share(code, units, ROW + groups(innerOf(sizes)) * cost)
  }
}

export function scanLaunch(kernel: ScanKernel, machine: Machine): Launch {
  const layout = new FrameLayout(kernel)
  const code = machine.load(emitScan(kernel, machine.target))
  const cost = 10 + weigh(kernel.lift) + weigh(kernel.combine) + weigh(kernel.finish)
  return (sizes, operands, scalars) => {
    if (sizes.includes(0)) return
    layout.write(machine.memory.i32, FRAME, sizes, operands, addressOf, scalars)
    machine.share(code, Math.ceil(outerOf(sizes) / 4), cost * innerOf(sizes))
  }
}

export function scatterLaunch(kernel: ScatterKernel, machine: Machine): Launch {
  const layout = new FrameLayout(kernel)
  const code = machine.load(emitScatter(kernel, machine.target))
  const cost = 30 + weigh([kernel.value, ...kernel.coordinates])
  const checks = scatterChecks(kernel)
  const independent = hasIndependentRows(kernel)
  return (sizes, operands, scalars) => {
    if (sizes.includes(0)) return
    layout.write(machine.memory.i32, FRAME, sizes, operands, addressOf, scalars)
    const units = sizes.length <= 1 ? innerOf(sizes) : outerOf(sizes)
    if (checks) machine.alone(code.exports.check, units)
    if (independent) machine.share(code, units, groups(innerOf(sizes)) * cost, units / sizes[0])
    else machine.alone(code.run, units)
  }
}

/** Results of so few elements each are better computed four at a time, and others one at a time if so few. */
const SHORT_RUN = 16
const FEW_RESULTS = 4
/** A piece of a long run, in elements. */
const PIECE = 32768
/** So many results keep all threads busy. That it is no number of threads makes results the same for any number of them. */
const MANY_RESULTS = 64

export function reduceLaunch(given: ReduceKernel, machine: Machine): Launch {
  // A reduction over nothing is one over a dim of one element.
  const kernel: ReduceKernel =
    given.reduced > 0
      ? given
      : {
          ...given,
          rank: given.rank + 1,
          reduced: 1,
          inputs: given.inputs.map((i) => (i.access === "load" ? i : { ...i, access: "broadcast" })),
        }
  const layout = new FrameLayout(kernel)
  const { rank, reduced, inputs } = kernel
  const kept = rank - reduced
  const codes = new Map<string, Code>()
  const codeOf = (form: ReduceForm): Code => {
    const key = form.kind === "rows" ? form.access.join() : form.kind
    let code = codes.get(key)
    if (!code) codes.set(key, (code = machine.load(emitReduce(kernel, form, machine.target))))
    return code
  }
  // Which form a launch takes hangs on its strides; this one serves long contiguous runs.
  if (machine.warms) codeOf({ kind: "columns" })
  const moving = range(inputs.length).filter((k) => inputs[k].access !== "load")
  const cost = weigh(kernel.lift) + 3 * weigh(kernel.combine) + inputs.length
  const ending = 10 + 6 * weigh(kernel.combine) + weigh(kernel.finish)
  const vectors = partialVectors(kernel)
  /** Which way neighbours in memory lie. */
  const runsByRows = (sizes: readonly number[], operands: readonly Operand[]): boolean => {
    if (kept === 0) return false
    const [results, run] = [sizes[kept - 1], sizes[rank - 1]]
    let [alongResults, alongRun] = [0, 0]
    for (const k of moving) {
      alongResults += Math.abs(operands[k].strides[kept - 1])
      alongRun += Math.abs(operands[k].strides[rank - 1])
    }
    if (moving.length > 0 && alongResults < alongRun) return results >= FEW_RESULTS || run < SHORT_RUN
    return run < SHORT_RUN && results >= FEW_RESULTS
  }
  const accessOf = (operands: readonly Operand[]): Access[] =>
    inputs.map((input, k) => {
      if (input.access === "load") return "load"
      const stride = operands[k].strides[kept - 1]
      return stride === 1 ? "unit" : stride === 0 ? "broadcast" : "strided"
    })
  return (givenSizes, operands, scalars) => {
    const sizes = given.reduced > 0 ? givenSizes : [...givenSizes, 1]
    const results = product(sizes, 0, kept)
    if (results === 0) return
    layout.write(machine.memory.i32, FRAME, sizes, operands, addressOf, scalars)
    const elements = product(sizes, kept)
    const run = sizes[rank - 1]
    if (runsByRows(sizes, operands)) {
      const access = accessOf(operands)
      const code = codeOf({ kind: "rows", access })
      const strip = rowsStrip(
        kernel,
        access.every((a) => a === "unit" || a === "broadcast"),
      )
      const units = product(sizes, 0, kept - 1) * Math.ceil(sizes[kept - 1] / (4 * strip))
      machine.share(code, units, ROW + strip * (elements * cost + ending))
      return
    }
    const runs = elements === 0 ? 0 : elements / run
    if (results >= MANY_RESULTS || elements < 2 * PIECE) {
      const each = ending + runs * (ROW + groups(run) * cost)
      machine.share(codeOf({ kind: "columns" }), results, each)
      return
    }
    // Pieces of the one run, or of whole runs where there are several.
    const length = reduced === 1 ? PIECE : Math.max(1, Math.round(PIECE / run))
    const pieces = Math.ceil((reduced === 1 ? run : runs) / length)
    const code = codeOf({ kind: "split" })
    machine.withTemporary(results * pieces * vectors * 16, (partials) => {
      const words = machine.memory.i32
      const at = (FRAME + layout.slots * SLOT) >> 2
      ;[pieces, length, partials].forEach((n, i) => setPointer(words, at + 2 * i, n))
      machine.share(code, results * pieces, (elements / pieces / 4) * cost)
      machine.alone(code.exports.merge, results)
    })
  }
}
