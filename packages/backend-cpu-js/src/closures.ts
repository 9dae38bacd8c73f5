/**
 * Kernels as composed closures, for pages that forbid generating code. The order of every operation is that of the
 * generated code, so the results are the same bits.
 */
import {
  bfloat16ToNumber,
  type Expr,
  float16ToNumber,
  type InputType,
  type MapKernel,
  type Monoid,
  numberToBfloat16,
  numberToFloat16,
  type Operand,
  type Primitive,
  type ReduceKernel,
  type Scalar,
  type ScalarType,
  type ScanKernel,
  type ScatterKernel,
  type TypedArray,
} from "@taeda/core"
import { ARRAY_KIND, type CpuBuffer } from "./buffer.ts"
import type { LoopKernel } from "./emit.ts"
import { faultLoads } from "./emit-map.ts"
import { constantValue, isHalf, planExpressions, stepOf, storedExpression } from "./expression-plan.ts"
import { fault } from "./numeric.ts"
import { primitiveRow, type Value, WRAP } from "./primitives.ts"
import { chunkOf, isChunked, LANE_MERGES, LANES_FROM, lanesOf, mayRunByRows, runsByRows } from "./traversal.ts"

/** The state of a launch at one point of its iteration space. */
interface Point {
  sizes: readonly number[]
  operands: readonly Operand[]
  readonly data: TypedArray[]
  readonly index: number[]
  /** The element of each operand at this point. */
  readonly at: number[]
  scalars: readonly Value[]
  left: readonly Value[]
  right: readonly Value[]
  result: readonly Value[]
}

type Evaluate = (p: Point) => Value
type Run = (a: Value, b: Value, c: Value) => Value

const DECODE = { float16: float16ToNumber, bfloat16: bfloat16ToNumber }
const ENCODE = { float16: numberToFloat16, bfloat16: numberToBfloat16 }

const newPoint = (): Point => ({
  sizes: [],
  operands: [],
  data: [],
  index: [],
  at: [],
  scalars: [],
  left: [],
  right: [],
  result: [],
})

function read(k: number, dtype: ScalarType, at: (p: Point) => number): Evaluate {
  if (!isHalf(dtype)) return (p) => p.data[k][at(p)]
  const decode = DECODE[dtype]
  return (p) => decode(p.data[k][at(p)] as number)
}

/** The tuple of `roots` at a point. */
function evaluator(
  roots: readonly Expr[],
  inputs: readonly InputType[],
  { wide = false, resultTypes = [] as readonly ScalarType[] } = {},
): (p: Point) => Value[] {
  const { order, kept } = planExpressions(roots)
  const slots: Value[] = []
  const steps: [number, Evaluate][] = []
  const evaluators = new Map<Expr, Evaluate>()
  const leaf = (node: Expr): Evaluate => {
    const k = Number(node.value)
    switch (node.op) {
      case "const": {
        const value = constantValue(node.value, node.dtype)
        return () => value
      }
      case "input":
        return read(k, inputs[k].dtype, (p) => p.at[k])
      case "index":
        return (p) => p.index[k]
      case "scalar":
        return (p) => p.scalars[k]
      case "left":
        return (p) => p.left[k]
      case "right":
        return (p) => p.right[k]
      default:
        return resultTypes[k] === "float32" ? (p) => Math.fround(p.result[k] as number) : (p) => p.result[k]
    }
  }
  const compute = (node: Expr): Evaluate => {
    const [a, b, c] = node.args.map((x) => evaluators.get(x)!)
    const { row, wrap } = stepOf(node, wide)
    const run = row.run as Run
    const round = wrap ? (WRAP[wrap].run as (x: Value) => Value) : undefined
    // The arm that is not selected is not computed, as in generated code.
    if (node.op === "where") return (p) => (a(p) ? b(p) : c(p))
    if (!b) return round ? (p) => round(run(a(p), 0, 0)) : (p) => run(a(p), 0, 0)
    return round ? (p) => round(run(a(p), b(p), 0)) : (p) => run(a(p), b(p), 0)
  }
  for (const node of order) {
    const evaluate =
      node.op === "load" ? loader(node, inputs, evaluators) : node.args.length ? compute(node) : leaf(node)
    if (kept.has(node) && node.op !== "const") {
      const slot = steps.length
      steps.push([slot, evaluate])
      evaluators.set(node, () => slots[slot])
    } else evaluators.set(node, evaluate)
  }
  const last = roots.map((r) => evaluators.get(r)!)
  return (p) => {
    for (const [slot, evaluate] of steps) slots[slot] = evaluate(p)
    return last.map((f) => f(p))
  }
}

function loader(node: Expr, inputs: readonly InputType[], evaluators: ReadonlyMap<Expr, Evaluate>): Evaluate {
  const k = Number(node.value)
  const { dtype } = inputs[k]
  const coordinates = node.args.map((a) => evaluators.get(a)!)
  const zero: Value = dtype === "int64" ? 0n : 0
  let element = 0
  const value = read(k, dtype, () => element)
  return (p) => {
    const { offset, sizes, strides } = p.operands[k]
    let at = offset
    for (let d = 0; d < coordinates.length; d++) {
      const c = coordinates[d](p) as number
      if (!(c >= 0 && c < sizes[d])) return node.bounds === "fault" ? fault(k, d, c, sizes[d]) : zero
      at += c * strides[d]
    }
    element = at
    return value(p)
  }
}

/** Stores into the operand after the inputs. */
function storer(k: number, dtype: ScalarType): (p: Point, at: number, value: Value) => void {
  const encode = isHalf(dtype) ? ENCODE[dtype] : undefined
  return (p, at, value) => {
    p.data[k][at] = (encode ? encode(value as number) : value) as never
  }
}

/** Visits the dims from `from` to before `to`, moving the given operands along. */
function visit(p: Point, moving: readonly number[], from: number, to: number, body: () => void): void {
  if (from === to) {
    body()
    return
  }
  const n = p.sizes[from]
  for (let i = 0; i < n; i++) {
    p.index[from] = i
    visit(p, moving, from + 1, to, body)
    for (const k of moving) p.at[k] += p.operands[k].strides[from]
  }
  for (const k of moving) p.at[k] -= n * p.operands[k].strides[from]
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const movingInputs = (inputs: readonly InputType[]): number[] =>
  range(inputs.length).filter((k) => inputs[k].access !== "load")

const scalarValue = (value: Scalar, dtype: ScalarType): Value =>
  dtype === "int64" ? BigInt(value) : dtype === "bool" ? (value ? 1 : 0) : WRAP[dtype].run(Number(value) as never)

type Launch = (sizes: readonly number[], operands: readonly Operand[], scalars: readonly Scalar[]) => void

/** A function that runs the kernel, as `emitKernel`'s source does. */
export function composeKernel(kernel: LoopKernel): Launch {
  const p = newPoint()
  const body = composeBody(kernel, p)
  const types = [...kernel.inputs, ...(kernel.kind === "scatter" ? [kernel] : kernel.outputs)].map((t) => t.dtype)
  return (sizes, operands, scalars) => {
    p.sizes = sizes
    p.operands = operands
    types.forEach((dtype, k) => {
      p.data[k] = (operands[k].buffer as unknown as CpuBuffer).view(ARRAY_KIND[dtype])
      p.at[k] = operands[k].offset
    })
    p.scalars = kernel.scalars.map((dtype, k) => scalarValue(scalars[k], dtype))
    body()
  }
}

function composeBody(kernel: LoopKernel, p: Point): () => void {
  switch (kernel.kind) {
    case "map":
      return composeMap(kernel, p)
    case "reduce":
      return composeReduce(kernel, p)
    case "scan":
      return composeScan(kernel, p)
    case "scatter":
      return composeScatter(kernel, p)
  }
}

interface Outputs {
  readonly operands: readonly number[]
  readonly store: (values: readonly Value[]) => void
}

function outputsOf(kernel: MapKernel | ReduceKernel | ScanKernel, p: Point): Outputs {
  const operands = kernel.outputs.map((_, j) => kernel.inputs.length + j)
  const stores = kernel.outputs.map((o, j) => storer(operands[j], o.dtype))
  return { operands, store: (values) => values.forEach((v, j) => stores[j](p, p.at[operands[j]], v)) }
}

const storedRoots = (roots: readonly Expr[], outputs: readonly { readonly dtype: ScalarType }[]): Expr[] =>
  roots.map((r, j) => (isHalf(outputs[j].dtype) ? storedExpression(r) : r))

function composeMap(kernel: MapKernel, p: Point): () => void {
  const { operands, store } = outputsOf(kernel, p)
  const inputs = movingInputs(kernel.inputs)
  const values = evaluator(storedRoots(kernel.body, kernel.outputs), kernel.inputs)
  const faults = kernel.outputs.some((o) => o.aliases !== undefined) ? faultLoads(kernel.body) : []
  const check = evaluator(faults, kernel.inputs)
  return () => {
    if (p.sizes.includes(0)) return
    if (faults.length) visit(p, inputs, 0, kernel.rank, () => void check(p))
    visit(p, [...inputs, ...operands], 0, kernel.rank, () => store(values(p)))
  }
}

/** The tuple operations of a monoid at a point. */
function composeMonoid(
  kernel: Monoid & { readonly inputs: readonly InputType[]; readonly finish: readonly Expr[] },
  outputs: MapKernel["outputs"],
) {
  const combined = evaluator(kernel.combine, kernel.inputs, { wide: true })
  return {
    identity: kernel.identity.map((v, k) => constantValue(v, kernel.accumulators[k])),
    lift: evaluator(kernel.lift, kernel.inputs),
    combine: (p: Point, left: readonly Value[], right: readonly Value[]): Value[] => {
      p.left = left
      p.right = right
      return combined(p)
    },
    finish: evaluator(storedRoots(kernel.finish, outputs), kernel.inputs, { resultTypes: kernel.accumulators }),
  }
}

function composeReduce(kernel: ReduceKernel, p: Point): () => void {
  const { operands, store } = outputsOf(kernel, p)
  const { identity, lift, combine, finish } = composeMonoid(kernel, kernel.outputs)
  const { rank, reduced } = kernel
  const kept = rank - reduced
  const inner = rank - 1
  const moving = movingInputs(kernel.inputs)
  const mayRows = mayRunByRows(kernel)
  const step = (into: Value[], i: number): Value[] => {
    p.index[inner] = i
    const next = combine(p, into, lift(p))
    for (const k of moving) p.at[k] += p.operands[k].strides[inner]
    return next
  }
  const lanes = lanesOf(kernel)
  /** The elements from `from` to before `to`, into lanes as the unrolled loop does. */
  const run = (from: number, to: number): Value[] => {
    const x: Value[][] = range(lanes).map(() => identity)
    let i = from
    if (lanes > 1 && to - from >= LANES_FROM) {
      for (; i + lanes - 1 < to; i += lanes) for (let l = 0; l < lanes; l++) x[l] = step(x[l], i + l)
      for (const [l, r] of LANE_MERGES) x[l] = combine(p, x[l], x[r])
    }
    for (; i < to; i++) x[0] = step(x[0], i)
    return x[0]
  }
  const inOrder = (from: number, to: number, start: Value[]): Value[] => {
    let x = start
    for (let i = from; i < to; i++) x = step(x, i)
    return x
  }
  const chunked = isChunked(kernel)
  const total = (byRows: boolean): Value[] => {
    if (reduced === 0) return combine(p, identity, lift(p))
    const n = p.sizes[inner]
    const chunk = byRows && !chunked ? Infinity : chunkOf(kernel)
    let all: Value[] = identity
    visit(p, moving, kept, inner, () => {
      for (let from = 0; from < n; from += chunk) {
        const to = Math.min(n, from + chunk)
        if (!byRows) all = combine(p, all, run(from, to))
        else all = chunked ? combine(p, all, inOrder(from, to, identity)) : inOrder(from, to, all)
      }
      for (const k of moving) p.at[k] -= n * p.operands[k].strides[inner]
    })
    return all
  }
  return () => {
    if (p.sizes.slice(0, kept).includes(0)) return
    const byRows = mayRows && runsByRows(p.operands, kernel.inputs.length, kept, rank)
    visit(p, [...moving, ...operands], 0, kept, () => {
      p.result = total(byRows)
      store(finish(p))
    })
  }
}

function composeScan(kernel: ScanKernel, p: Point): () => void {
  const { operands, store } = outputsOf(kernel, p)
  const { identity, lift, combine, finish } = composeMonoid(kernel, kernel.outputs)
  const all = [...movingInputs(kernel.inputs), ...operands]
  const inner = Math.max(0, kernel.rank - 1)
  return () => {
    if (p.sizes.includes(0)) return
    const n = kernel.rank === 0 ? 1 : p.sizes[inner]
    const stride = (k: number): number => p.operands[k].strides[inner] ?? 0
    visit(p, all, 0, inner, () => {
      const start = p.at.slice()
      p.result = identity
      for (let step = 0; step < n; step++) {
        const i = kernel.reverse ? n - 1 - step : step
        p.index[inner] = i
        for (const k of all) p.at[k] = start[k] + i * stride(k)
        p.result = combine(p, p.result, lift(p))
        store(finish(p))
      }
      for (const k of all) p.at[k] = start[k]
    })
  }
}

function composeScatter(kernel: ScatterKernel, p: Point): () => void {
  const target = kernel.inputs.length
  const moving = movingInputs(kernel.inputs)
  const value = isHalf(kernel.dtype) ? storedExpression(kernel.value) : kernel.value
  const values = evaluator([...kernel.coordinates, value], kernel.inputs)
  const check = evaluator([...kernel.coordinates, ...faultLoads([value, ...kernel.coordinates])], kernel.inputs)
  const store = storer(target, kernel.dtype)
  const combine = combiner(kernel)
  let element = 0
  const current = read(target, kernel.dtype, () => element)
  const { targetRank } = kernel
  /** The first dim in which the coordinates are outside, or -1. */
  const outside = (c: readonly Value[]): number => {
    const { sizes } = p.operands[target]
    for (let d = 0; d < targetRank; d++) if (!(c[d] >= 0 && c[d] < sizes[d])) return d
    return -1
  }
  return () => {
    if (p.sizes.includes(0)) return
    const { offset, sizes, strides } = p.operands[target]
    visit(p, moving, 0, kernel.rank, () => {
      const c = check(p)
      const d = outside(c)
      if (kernel.bounds === "fault" && d >= 0) fault(target, d, c[d] as number, sizes[d])
    })
    visit(p, moving, 0, kernel.rank, () => {
      const all = values(p)
      if (outside(all) >= 0) return
      element = offset
      for (let d = 0; d < targetRank; d++) element += (all[d] as number) * strides[d]
      store(p, element, combine ? combine(current(p), all[targetRank]) : all[targetRank])
    })
  }
}

function combiner(kernel: ScatterKernel): ((a: Value, b: Value) => Value) | undefined {
  if (kernel.combine === "set") return undefined
  const dtype = isHalf(kernel.dtype) ? "float32" : kernel.dtype
  const row = primitiveRow(kernel.combine as Primitive, dtype)!
  const run = row.run as Run
  const round = WRAP[dtype].run as (x: Value) => Value
  return row.exact ? (a, b) => run(a, b, 0) : (a, b) => round(run(a, b, 0))
}
