/** Maps: a thread computes neighbours along the innermost dim, as many as an instruction moves where operands allow that. */
import { type Access, type Expr, type MapKernel, topological } from "@taeda/core"
import { bytesOf } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import { countOf, isWide, type Launch } from "./launch.ts"
import { BLOCK, launchOf, NOTHING, type Planner, Variants } from "./planner.ts"
import { aliased, Inputs, sizesOf, unravel } from "./points.ts"
import type { DeviceLimits } from "./program.ts"
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

/** Bytes of an operand that a thread has in hand in large launches, and vectors or elements at most. */
const BYTES_IN_HAND = 2 * VECTOR_BYTES
const MOST_TURNS = 4
/** Nodes of a kernel whose threads take several turns. */
const NODES_OF_TURNS = 256
/** Vectors for each multiprocessor that make a launch large: four times the threads that it has at once. */
const MANY_UNITS = 8192

/**
 * How often a thread of a large launch computes so many elements, all reads being under way before the first is used: a
 * multiprocessor needs 32 KB and more of them at a time. Once only where a kernel loads by coordinates, for it asks first
 * whether they are inside.
 */
export function turnsOf(kernel: MapKernel, together: number): number {
  const nodes = topological(kernel.body)
  if (nodes.some(({ op }) => op === "load")) return 1
  const bytes = Math.max(1, ...moves(kernel).map(({ dtype }) => bytesOf(dtype)))
  let turns = Math.min(MOST_TURNS, Math.max(1, BYTES_IN_HAND / (bytes * together)))
  while (turns > 1 && turns * together * nodes.length > NODES_OF_TURNS) turns /= 2
  return turns
}

/** What a kernel is: elements of a vector, how many of those a thread has, and whether the last of a row may have fewer. */
export interface MapForm {
  readonly together: number
  readonly turns: number
  readonly tail: boolean
}

export function emitMap(
  kernel: MapKernel,
  { together, turns, tail }: MapForm,
  wide: boolean,
  target?: number,
): Emitted {
  const w = new Writer(wide, target)
  const { rank } = kernel
  const outputs = kernel.outputs.map(({ dtype }, j) => bindOutput(w, kernel.inputs.length + j, dtype))
  const inputs = new Inputs(w, kernel.inputs, aliased(kernel.outputs, outputs))
  const units = w.own("units", w.index)
  const first = w.wide
    ? w.op("mad.wide.u32", w.block(), turns * BLOCK, w.op("cvt.u64.u32", w.thread))
    : w.op("mad.lo.u32", w.block(), turns * BLOCK, w.thread)
  const divisors =
    together === 1
      ? sizesOf(0, rank)
      : [...sizesOf(0, rank - 1), { key: "inner", read: ({ sizes }: Launch) => Math.ceil(sizes[rank - 1] / together) }]
  /** Where the elements of a unit begin. */
  const beginOf = (unit: string): string[] => {
    const coordinates = unravel(w, unit, divisors)
    return together === 1 ? coordinates : [...coordinates.slice(0, -1), w.ix("mul.lo", coordinates[rank - 1], together)]
  }

  if (turns === 1) {
    w.exit(w.op(`setp.ge.${w.index}`, first, units))
    const begin = beginOf(first)
    const whole = (): void => new Turn(w, kernel, inputs, outputs, together, begin).write()
    if (!tail) {
      whole()
      return w.finish(BLOCK)
    }
    const size = w.size(rank - 1)
    // What is computed in one branch is not there in the other.
    w.if(w.op(`setp.ge.${w.index}`, w.ix("sub", size, begin[rank - 1]), together), whole, () =>
      w.for(w.index, begin[rank - 1], size, 1, (i) =>
        new Turn(w, kernel, inputs, outputs, 1, [...begin.slice(0, -1), i]).write(),
      ),
    )
    return w.finish(BLOCK)
  }
  const turnOf = (unit: string): Turn => new Turn(w, kernel, inputs, outputs, together, beginOf(unit))
  const behind = w.toIndex(w.op("add.u32", w.block(), 1))
  // Without a condition at the writes, which would have the compiler put off the reads for them.
  w.if(
    w.op(`setp.le.${w.index}`, w.ix("mul.lo", behind, turns * BLOCK), units),
    () => {
      const all = Array.from({ length: turns }, (_, t) => turnOf(t === 0 ? first : w.ix("add", first, t * BLOCK)))
      for (const turn of all) turn.read()
      for (const turn of all) turn.write()
    },
    () => w.for(w.index, first, units, BLOCK, (unit) => turnOf(unit).write()),
  )
  return w.finish(BLOCK)
}

/** Neighbours along the innermost dim that a thread computes together, the first at the coordinates `begin`. */
class Turn {
  private readonly w: Writer
  private readonly kernel: MapKernel
  private readonly inputs: Inputs
  private readonly outputs: readonly View[]
  private readonly together: number
  private readonly begin: readonly string[]
  /** The addresses of the first element of each operand that was asked for. */
  private readonly starts = new Map<number, string>()
  private found: ((node: Expr, e: number) => string | undefined) | undefined

  constructor(
    w: Writer,
    kernel: MapKernel,
    inputs: Inputs,
    outputs: readonly View[],
    together: number,
    begin: readonly string[],
  ) {
    this.w = w
    this.kernel = kernel
    this.inputs = inputs
    this.outputs = outputs
    this.together = together
    this.begin = begin
  }

  private startOf(view: View, access: Access): string {
    const { w, starts } = this
    let start = starts.get(view.operand)
    if (start === undefined) {
      start = elementAddress(w, view, elementAt(w, view.operand, this.begin, access))
      starts.set(view.operand, start)
    }
    return start
  }

  /** The address of the element number `e` along a stride. */
  private stepped(view: View, access: Access, e: number): string {
    const { w } = this
    const start = this.startOf(view, access)
    if (e === 0) return start
    const stride = w.stride(view.operand, this.kernel.rank - 1)
    const wideStride = w.wide ? stride : w.op("cvt.s64.s32", stride)
    return w.op("mad.lo.s64", wideStride, e * bytesOf(view.dtype), start)
  }

  /** Reads the elements of all inputs that the body has. */
  read(): void {
    const { w, kernel, inputs, together } = this
    const values = new Map<number, string[]>()
    for (const node of topological(kernel.body)) {
      const k = Number(node.value)
      if (node.op !== "input" || values.has(k)) continue
      const { access } = kernel.inputs[k]
      if (access === "load") throw new TypeError("cuda: an operand that is loaded does not follow the iteration")
      const view = inputs.view(k)
      if (access === "unit") values.set(k, readVector(w, view, this.startOf(view, access), together))
      else if (access === "broadcast")
        values.set(k, new Array<string>(together).fill(readElement(w, view, this.startOf(view, access))))
      else
        values.set(
          k,
          Array.from({ length: together }, (_, e) => readElement(w, view, this.stepped(view, access, e))),
        )
    }
    this.found = (node, e) => (node.op === "input" ? values.get(Number(node.value))![e] : undefined)
  }

  /** Computes and writes. */
  write(): void {
    const { w, kernel, inputs, outputs, together, begin } = this
    if (!this.found) this.read()
    const at = (e: number): string[] => (e === 0 ? [...begin] : [...begin.slice(0, -1), w.ix("add", begin.at(-1)!, e)])
    const results = Array.from({ length: together }, (_, e) =>
      writeExpressions(
        w,
        kernel.body,
        inputs.at(at(e), (node) => this.found!(node, e)),
      ),
    )
    for (const [j, view] of outputs.entries()) {
      const { access } = kernel.outputs[j]
      const values = results.map((result) => result[j])
      if (access === "unit") writeVector(w, view, this.startOf(view, access), values)
      else for (const [e, value] of values.entries()) writeElement(w, view, this.stepped(view, access, e), value)
    }
  }
}

/** Plans launches of a map; where nothing is known of the device, as small ones. */
export function mapPlanner(kernel: MapKernel, limits?: DeviceLimits): Planner {
  const large = (limits?.multiprocessors ?? Number.POSITIVE_INFINITY) * MANY_UNITS
  const most = elementsTogether(kernel)
  const variants = new Variants((together: number, turns: number, tail: boolean, wide: boolean) =>
    emitMap(kernel, { together, turns, tail }, wide, limits?.target),
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
      const tail = together > 1 && inner % together !== 0
      const turns = !tail && units >= large ? turnsOf(kernel, together) : 1
      const emitted = variants.get(together, turns, tail, isWide(launch))
      const planned = { ...launch, own: { units } }
      return { launches: [launchOf(emitted, planned, [Math.ceil(units / (BLOCK * turns)), 1, 1])], temporaries: [] }
    },
    modules: () => [variants.get(most, 1, false, false).module],
  }
}
