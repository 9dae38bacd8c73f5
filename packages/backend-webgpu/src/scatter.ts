/**
 * Scatters, deterministic without atomic operations on floats. What can meet at one element is known from the coordinates
 * (`tiesOf`); then, the first of these that applies:
 *  - no two points meet, or the kernel says that none do: every point writes its element;
 *  - the order does not matter (integers, extremes): atomic operations;
 *  - few points can meet: a workgroup sorts them by their elements, and combines those of an element in order;
 *  - only the last point counts, and the target is not much larger than the iteration: the points of an element contend for
 *    a mark, the last one wins and writes;
 *  - the points are sorted by their elements, and those of an element combined in order.
 */
import { type ScatterKernel, type Ties, tiesOf } from "@taeda/core"
import { countOf, type Launch } from "./launch.ts"
import { type MergeSort, mergeSort } from "./merge-sort.ts"
import { dispatchOf, GROUP, NOTHING, type Planner } from "./planner.ts"
import type { Dispatch, Plan, Shader } from "./program.ts"
import { anyOrder, atomicCombiner } from "./scatter-atomics.ts"
import { Points, valueMayFault } from "./scatter-points.ts"
import { LAST, TILE, type Tiling, tileRows, writeTileSort } from "./tile-sort.ts"
import { bindOutput, readElement, writeElement } from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

interface Numbers extends Tiling {
  /** Points in all, and along the tied dims. */
  readonly points: number
  readonly tied: number
  /** How many of `tied` a workgroup takes, of those that share an order. */
  readonly slab: number
  /** Elements of the target. */
  readonly elements: number
}
type ScatterLaunch = Launch & Numbers

const own = (w: Writer, key: keyof Numbers): string => w.number(key, (launch) => (launch as ScatterLaunch)[key])

/** Marks are worth their memory up to so many for each point. */
const MARKS_PER_POINT = 8

/** The least items that a workgroup takes, and the workgroups that are enough, where all of them sort the same. */
const LEAST_ITEMS = 4096
const ENOUGH_GROUPS = 1024

/** How much of the tied dims a workgroup takes, having sorted `length` points. */
const slabOf = (tied: number, length: number): number =>
  Math.min(tied, Math.max(Math.ceil(LEAST_ITEMS / length), Math.ceil(tied / ENOUGH_GROUPS)))

/** The shaders of one kernel for one way in which its points are tied. */
class Shaders {
  private readonly kernel: ScatterKernel
  private readonly ties: Ties
  private readonly made = new Map<string, Emitted>()
  private sorted: MergeSort | undefined

  constructor(kernel: ScatterKernel, ties: Ties) {
    this.kernel = kernel
    this.ties = ties
  }

  get(name: keyof typeof EMITTERS): Emitted {
    let emitted = this.made.get(name)
    if (!emitted) this.made.set(name, (emitted = EMITTERS[name](this.kernel, this.ties)))
    return emitted
  }

  /** All that launches with such ties may need. */
  all(): Shader[] {
    const { kernel } = this
    const set = ["clearing", "contending", "winning"] as const
    const names: (keyof typeof EMITTERS)[] = ["alone"]
    if (anyOrder(kernel)) names.push("atomics")
    else names.push("tile", "sorted", ...(kernel.combine === "set" ? set : []))
    return [...names.map((name) => this.get(name).shader), ...(anyOrder(kernel) ? [] : this.sort.shaders())]
  }

  /** Sorts the points of each row by their elements. */
  get sort(): MergeSort {
    this.sorted ??= mergeSort({
      stays: true,
      open: (w) => {
        const points = new Points(w, this.kernel, this.ties)
        return { key: () => points.key(this.ties.shared ? "0u" : "row", "p"), sink: () => {} }
      },
    })
    return this.sorted
  }
}

/** A point of its own for every invocation. */
function emitPoints(
  kernel: ScatterKernel,
  ties: Ties,
  body: (w: Writer, points: Points, c: string, u: string, number: string) => void,
): Emitted {
  const w = new Writer()
  const points = new Points(w, kernel, ties)
  const number = w.let(`group * ${GROUP}u + lane`, "p")
  w.lines.push(`if (${number} >= ${own(w, "points")}) { return; }`)
  const length = own(w, "length")
  body(w, points, w.let(`${number} / ${length}`, "c"), w.let(`${number} % ${length}`, "u"), number)
  return w.finish(GROUP)
}

/** Combines the one point of an element into it. */
const emitAlone = (kernel: ScatterKernel, ties: Ties): Emitted =>
  emitPoints(kernel, ties, (w, points, c, u) => {
    const target = bindOutput(w, kernel.inputs.length, kernel.dtype)
    const place = w.let(points.address(c, u), "at")
    const value = w.let(points.value(c, u), "x")
    w.lines.push(`if (${place}.inside) {`)
    const result =
      kernel.combine === "set"
        ? value
        : w.let(points.combined(w.let(readElement(w, target, `${place}.at`), "x"), value), "x")
    writeElement(w, target, `${place}.at`, result)
    w.lines.push("}")
  })

const emitAtomics = (kernel: ScatterKernel, ties: Ties): Emitted =>
  emitPoints(kernel, ties, (w, points, c, u) => {
    const combine = atomicCombiner(w, kernel, points)
    const place = w.let(points.address(c, u), "at")
    const value = w.let(points.value(c, u), "x")
    w.lines.push(`if (${place}.inside) {`)
    combine(`${place}.at`, value)
    w.lines.push("}")
  })

const MARKS = { temporary: 0 } as const

function emitClearing(): Emitted {
  const w = new Writer()
  const marks = w.bind(MARKS, "u32", "write")
  const at = w.let(`group * ${GROUP}u + lane`, "a")
  w.lines.push(`if (${at} < ${own(w, "elements")}) { ${marks}[${at}] = 0u; }`)
  return w.finish(GROUP)
}

/** The number in iteration order: along the untied dims is enough, for only such points meet. */
const markOf = (u: string): string => `${u} + 1u`

const emitContending = (kernel: ScatterKernel, ties: Ties): Emitted =>
  emitPoints(kernel, ties, (w, points, c, u) => {
    const marks = w.bind(MARKS, "atomic<u32>", "write")
    const element = w.let(points.element(c, u), "at")
    w.lines.push(`if (${element} != ${LAST}) { atomicMax(&${marks}[${element}], ${markOf(u)}); }`)
  })

const emitWinning = (kernel: ScatterKernel, ties: Ties): Emitted =>
  emitPoints(kernel, ties, (w, points, c, u) => {
    const marks = w.bind(MARKS, "u32", "read")
    const target = bindOutput(w, kernel.inputs.length, kernel.dtype)
    const element = w.let(points.element(c, u), "at")
    const value = valueMayFault(kernel) ? w.let(points.value(c, u), "x") : points.value(c, u)
    w.lines.push(`if (${element} != ${LAST} && ${marks}[${element}] == ${markOf(u)}) {`)
    writeElement(w, target, `${points.address(c, u)}.at`, value)
    w.lines.push("}")
  })

/**
 * Combines the points of the element whose first point is item `i`, of those before `end`, in order. `key` and `place` give
 * the texts of items.
 */
function combineRun(
  w: Writer,
  kernel: ScatterKernel,
  points: Points,
  c: string,
  key: (item: string) => string,
  place: (item: string) => string,
): void {
  const target = bindOutput(w, kernel.inputs.length, kernel.dtype)
  const at = w.let(points.address(c, place("i")), "at")
  w.lines.push(`if (${at}.inside) {`)
  if (kernel.combine === "set") {
    w.lines.push("var last = i;", `while (last + 1u < end && ${key("last + 1u")} == key) {`)
    if (valueMayFault(kernel)) w.let(points.value(c, place("last")), "x")
    w.lines.push("last++;", "}")
    writeElement(w, target, `${at}.at`, points.value(c, place("last")))
  } else {
    w.lines.push(
      `var sum = ${readElement(w, target, `${at}.at`)};`,
      `for (var j = i; j < end && ${key("j")} == key; j++) {`,
      `sum = ${points.combined("sum", points.value(c, place("j")))};`,
      "}",
    )
    writeElement(w, target, `${at}.at`, "sum")
  }
  w.lines.push("}")
}

/** Sorts a tile of points and combines them; where an order is shared, along a part of the tied dims. */
function emitTile(kernel: ScatterKernel, ties: Ties): Emitted {
  const w = new Writer()
  const points = new Points(w, kernel, ties)
  const { shared } = ties
  const key = (i: string): string => `tileKeys[${i}]`
  const place = (i: string): string => `tilePlaces[${i}]`
  if (shared) w.lines.push(`if (group * ${own(w, "slab")} >= ${own(w, "tied")}) { return; }`)
  else w.lines.push(`if (group >= ${own(w, "groups")}) { return; }`)
  writeTileSort(
    w,
    (k) => own(w, k),
    () => points.key(shared ? "0u" : "row", "p"),
    shared ? "0u" : "group",
  )
  if (shared)
    w.lines.push(
      `let begin = group * ${own(w, "slab")};`,
      `let count = min(${own(w, "slab")}, ${own(w, "tied")} - begin);`,
      `for (var item = lane; item < ${own(w, "length")} * count; item += ${GROUP}u) {`,
      "let i = item / count;",
      "let c = begin + item % count;",
      "let start = 0u;",
    )
  else
    w.lines.push(
      `for (var i = lane; i < used; i += ${GROUP}u) {`,
      "let c = firstRow + i / segment;",
      "let start = i & ~(segment - 1u);",
    )
  // What is no point has the last key, as what goes nowhere.
  w.lines.push(
    "let end = start + segment;",
    "let key = tileKeys[i];",
    `if (key != ${LAST} && (i == start || tileKeys[i - 1u] != key)) {`,
  )
  combineRun(w, kernel, points, "c", key, place)
  w.lines.push("}", "}")
  return w.finish(GROUP)
}

/** Combines points that are sorted. */
function emitSorted(kernel: ScatterKernel, ties: Ties): Emitted {
  const w = new Writer()
  const points = new Points(w, kernel, ties)
  const [keys, places] = [0, 1].map((temporary) => w.bind({ temporary }, "u32", "read"))
  const length = own(w, "length")
  const item = w.let(`group * ${GROUP}u + lane`, "p")
  w.lines.push(`if (${item} >= ${own(w, "points")}) { return; }`)
  if (ties.shared)
    w.lines.push(`let i = ${item} / ${own(w, "tied")};`, `let c = ${item} % ${own(w, "tied")};`, "let start = 0u;")
  else w.lines.push(`let i = ${item};`, `let c = i / ${length};`, `let start = c * ${length};`)
  w.lines.push(
    `let end = start + ${length};`,
    `let key = ${keys}[i];`,
    `if (key == ${LAST} || (i > start && ${keys}[max(i, 1u) - 1u] == key)) { return; }`,
  )
  combineRun(
    w,
    kernel,
    points,
    "c",
    (i) => `${keys}[${i}]`,
    (i) => `${places}[${i}]`,
  )
  return w.finish(GROUP)
}

const EMITTERS = {
  alone: emitAlone,
  atomics: emitAtomics,
  clearing: emitClearing,
  contending: emitContending,
  winning: emitWinning,
  tile: emitTile,
  sorted: emitSorted,
} as const

/** A launch of nothing in particular, whose inputs vary along all dims, or (stride 0) along none. */
function assumedLaunch({ rank, inputs, scalars }: ScatterKernel, stride: number): Launch {
  const sizes = new Array<number>(rank).fill(2)
  const operand = { offset: 0, sizes, strides: sizes.map(() => stride) }
  return { sizes, operands: [...inputs, null].map(() => operand), scalars: scalars.map(() => 1) }
}

/** The dispatches of one launch. */
function planLaunch(kernel: ScatterKernel, ties: Ties, shaders: Shaders, launch: Launch): Plan {
  const { sizes, operands } = launch
  const points = countOf(sizes)
  const length = countOf(ties.untied.map((d) => sizes[d]))
  const tied = points / length
  const rows = ties.shared ? 1 : tied
  const elements = countOf(operands[kernel.inputs.length].sizes)
  const slab = slabOf(tied, length)
  const numbers: ScatterLaunch = { ...launch, ...tileRows(rows, length), points, tied, slab, elements }
  const one = (name: keyof typeof EMITTERS, groups: number): Dispatch => dispatchOf(shaders.get(name), numbers, groups)
  const each = (name: keyof typeof EMITTERS, items = points): Dispatch => one(name, Math.ceil(items / GROUP))

  if (length === 1 || kernel.distinct) return { dispatches: [each("alone")], temporaries: [] }
  if (anyOrder(kernel)) return { dispatches: [each("atomics")], temporaries: [] }
  if (length <= TILE) {
    const groups = ties.shared ? Math.ceil(tied / slab) : numbers.groups
    return { dispatches: [one("tile", groups)], temporaries: [] }
  }
  if (kernel.combine === "set" && elements <= MARKS_PER_POINT * points)
    return {
      dispatches: [each("clearing", Math.max(1, elements)), each("contending"), each("winning")],
      temporaries: [4 * Math.max(1, elements)],
    }
  const { dispatches, temporaries } = shaders.sort.dispatches(numbers, rows, length)
  return { dispatches: [...dispatches, each("sorted")], temporaries }
}

export function scatterPlanner(kernel: ScatterKernel): Planner {
  const variants = new Map<string, Shaders>()
  const shadersFor = (ties: Ties): Shaders => {
    const name = `${ties.tied.join()}|${ties.free.join()}|${ties.shared}`
    let shaders = variants.get(name)
    if (!shaders) variants.set(name, (shaders = new Shaders(kernel, ties)))
    return shaders
  }
  return {
    plan(launch) {
      if (launch.sizes.includes(0)) return NOTHING
      const ties = tiesOf(kernel, launch)
      return planLaunch(kernel, ties, shadersFor(ties), launch)
    },
    // Which dims are tied depends on scalars and strides: those are assumed as ops give them, the strides in both ways.
    shaders: () => [0, 1].flatMap((stride) => shadersFor(tiesOf(kernel, assumedLaunch(kernel, stride))).all()),
  }
}
