/** Maps: a thread computes neighbours along the innermost dim, as many as an instruction moves where operands allow that. */
import { type Expr, type MapKernel, topological } from "@taeda/core"
import { bytesOf } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import { countOf, isWide, type Launch } from "./launch.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import { aliased, Inputs, sizesOf, unravel } from "./points.ts"
import {
  bindOutput,
  elementAddress,
  elementAt,
  readElement,
  readVector,
  VECTOR_BYTES,
  type View,
  writeElement,
  writeVector,
} from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

/** Nodes that a thread's elements have together at most: longer kernels take long to compile. */
const MOST_NODES = 512

const moves = (
  kernel: MapKernel,
): readonly { readonly dtype: MapKernel["inputs"][number]["dtype"]; readonly access: string }[] => [
  ...kernel.inputs,
  ...kernel.outputs,
]

/** Elements that a thread computes at most. */
export function elementsTogether(kernel: MapKernel): number {
  if (kernel.rank === 0) return 1
  const units = moves(kernel).filter(({ access }) => access === "unit")
  if (units.length === 0) return 1
  let together = VECTOR_BYTES / Math.max(...units.map(({ dtype }) => bytesOf(dtype)))
  const nodes = topological(kernel.body).length
  while (together > 1 && together * nodes > MOST_NODES) together /= 2
  return together
}

/** `together`: elements of a thread; `tail`: the last thread may have fewer. */
export function emitMap(kernel: MapKernel, together: number, tail: boolean, wide: boolean): Emitted {
  const w = new Writer(wide)
  const { rank } = kernel
  const outputs = kernel.outputs.map(({ dtype }, j) => bindOutput(w, kernel.inputs.length + j, dtype))
  const inputs = new Inputs(w, kernel.inputs, aliased(kernel.outputs, outputs))
  const units = w.own("units", w.index)
  const unit = w.wide
    ? w.op("mad.wide.u32", w.block(), BLOCK, w.op("cvt.u64.u32", w.thread))
    : w.op("mad.lo.u32", w.block(), BLOCK, w.thread)
  w.exit(w.op(`setp.ge.${w.index}`, unit, units))
  const coordinates =
    together === 1
      ? unravel(w, unit, sizesOf(0, rank))
      : unravel(w, unit, [
          ...sizesOf(0, rank - 1),
          { key: "inner", read: ({ sizes }) => Math.ceil(sizes[rank - 1] / together) },
        ])
  if (together === 1) {
    const values = writeExpressions(w, kernel.body, inputs.at(coordinates))
    for (const [j, view] of outputs.entries()) {
      const at = elementAt(w, view.operand, coordinates, kernel.outputs[j].access)
      writeElement(w, view, elementAddress(w, view, at), values[j])
    }
    return w.finish(BLOCK)
  }

  const first = w.ix("mul.lo", coordinates[rank - 1], together)
  const begin = [...coordinates.slice(0, -1), first]
  /** The addresses of the first element of each operand that was asked for. */
  const starts = new Map<number, string>()
  const startOf = (view: View, access: "unit" | "broadcast" | "strided"): string => {
    let start = starts.get(view.operand)
    if (start === undefined) {
      start = elementAddress(w, view, elementAt(w, view.operand, begin, access))
      starts.set(view.operand, start)
    }
    return start
  }
  /** The address of the element number `e` along a stride. */
  const stepped = (view: View, start: string, e: number): string => {
    if (e === 0) return start
    const stride = w.stride(view.operand, rank - 1)
    const wideStride = w.wide ? stride : w.op("cvt.s64.s32", stride)
    return w.op("mad.lo.s64", wideStride, e * bytesOf(view.dtype), start)
  }
  const indexAt = (e: string | number): string => (e === 0 ? first : w.ix("add", first, e))

  const whole = (): void => {
    const read = readInputs(w, kernel, inputs, together, startOf, stepped)
    const results = Array.from({ length: together }, (_, e) =>
      writeExpressions(
        w,
        kernel.body,
        inputs.at([...begin.slice(0, -1), indexAt(e)], (node) => read(node, e)),
      ),
    )
    for (const [j, view] of outputs.entries()) {
      const { access } = kernel.outputs[j]
      const start = startOf(view, access)
      const values = results.map((result) => result[j])
      if (access === "unit") writeVector(w, view, start, values)
      else for (const [e, value] of values.entries()) writeElement(w, view, stepped(view, start, e), value)
    }
  }
  if (!tail) {
    whole()
    return w.finish(BLOCK)
  }
  const size = w.size(rank - 1)
  const left = w.ix("sub", size, first)
  // What is computed in one branch is not there in the other.
  w.if(
    w.op(`setp.ge.${w.index}`, left, together),
    () => {
      whole()
      starts.clear()
    },
    () =>
      w.for(w.index, first, size, 1, (i) => {
        const point = [...begin.slice(0, -1), i]
        const values = writeExpressions(w, kernel.body, inputs.at(point))
        for (const [j, view] of outputs.entries()) {
          const at = elementAt(w, view.operand, point, kernel.outputs[j].access)
          writeElement(w, view, elementAddress(w, view, at), values[j])
        }
      }),
  )
  return w.finish(BLOCK)
}

/** Reads the elements of all inputs that the body has; what a leaf finds for element `e`. */
function readInputs(
  w: Writer,
  kernel: MapKernel,
  inputs: Inputs,
  together: number,
  startOf: (view: View, access: "unit" | "broadcast" | "strided") => string,
  stepped: (view: View, start: string, e: number) => string,
): (node: Expr, e: number) => string | undefined {
  const values = new Map<number, string[]>()
  for (const node of topological(kernel.body)) {
    const k = Number(node.value)
    if (node.op !== "input" || values.has(k)) continue
    const { access } = kernel.inputs[k]
    if (access === "load") throw new TypeError("cuda: an operand that is loaded does not follow the iteration")
    const view = inputs.view(k)
    const start = startOf(view, access)
    if (access === "unit") values.set(k, readVector(w, view, start, together))
    else if (access === "broadcast") values.set(k, new Array<string>(together).fill(readElement(w, view, start)))
    else
      values.set(
        k,
        Array.from({ length: together }, (_, e) => readElement(w, view, stepped(view, start, e))),
      )
  }
  return (node, e) => (node.op === "input" ? values.get(Number(node.value))![e] : undefined)
}

/** Plans launches of a map. */
export function mapPlanner(kernel: MapKernel): Planner {
  const most = elementsTogether(kernel)
  const variants = new Variants((together: number, tail: boolean, wide: boolean) =>
    emitMap(kernel, together, tail, wide),
  )
  const types = moves(kernel)
  /** Whether rows of so many elements lie aligned. */
  const aligned = ({ sizes, operands }: Launch): boolean => {
    if (kernel.rank > 1 && sizes[kernel.rank - 1] % most !== 0) return false
    return types.every(({ access }, k) => {
      if (access !== "unit") return true
      const { offset, strides } = operands[k]
      return offset % most === 0 && strides.every((s, d) => d === kernel.rank - 1 || sizes[d] === 1 || s % most === 0)
    })
  }
  return {
    plan(launch) {
      const { sizes } = launch
      const count = countOf(sizes)
      if (count === 0) return NOTHING
      const together = most > 1 && aligned(launch) ? most : 1
      const inner = sizes[kernel.rank - 1] ?? 1
      const units = together === 1 ? count : (count / inner) * Math.ceil(inner / together)
      const emitted = variants.get(together, together > 1 && inner % together !== 0, isWide(launch))
      const planned = { ...launch, own: { units } }
      return { launches: [launchOf(emitted, planned, [Math.ceil(units / BLOCK), 1, 1])], temporaries: [] }
    },
    modules: () => [variants.get(most, false, false).module],
  }
}
