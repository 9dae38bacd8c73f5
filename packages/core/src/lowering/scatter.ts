/**
 * Scatter by looking from the other side: every element of the target combines the values of the points whose
 * coordinates are its own. That needs no atomic operations and is deterministic.
 */
import type { DType } from "../dtype.ts"
import {
  constant,
  type Expr,
  index,
  input,
  left,
  load,
  result,
  right,
  type Scalar,
  scalar,
  substitute,
  where,
} from "../expr.ts"
import type { Monoid, ScatterKernel } from "../kernel.ts"
import {
  type Arguments,
  accumulatorOf,
  inputViews,
  isEmpty,
  type Lowering,
  type LoweringContext,
  loaded,
  restride,
  runMap,
  runReduce,
  type Temporaries,
  type View,
  viewOf,
  withInts,
  withTemporaries,
} from "./views.ts"

/** How the points of one target element become its new value, computed in `type`. */
interface Rule {
  readonly accumulators: readonly DType[]
  readonly identity: readonly Scalar[]
  /** `hit`: whether the point belongs to the element; `point`: its number in iteration order. */
  lift(hit: Expr, value: Expr, point: Expr): Expr[]
  readonly combine: readonly Expr[]
  update(old: Expr, results: readonly Expr[]): Expr
}

/** A rule that merges the values with each other, then with the old one. */
const merging =
  (identityOf: (type: DType) => Scalar, merge: (a: Expr, b: Expr) => Expr) =>
  (type: DType): Rule => ({
    accumulators: [type],
    identity: [identityOf(type)],
    lift: (hit, value) => [where(hit, value, constant(identityOf(type), type))],
    combine: [merge(left(0, type), right(0, type))],
    update: (old, [merged]) => merge(old, merged),
  })

const whole = (value: number, type: DType): Scalar => (type === "int64" ? BigInt(value) : value)

/** The greatest value of the types that accumulate. */
const greatest = (type: DType): Scalar =>
  type === "int64" ? 2n ** 63n - 1n : type === "int32" ? 2 ** 31 - 1 : Number.POSITIVE_INFINITY
const least = (type: DType): Scalar =>
  type === "int64" ? -(2n ** 63n) : type === "int32" ? -(2 ** 31) : Number.NEGATIVE_INFINITY

const RULES: Readonly<Record<ScatterKernel["combine"], (type: DType) => Rule>> = {
  set: (type) => ({
    accumulators: ["int32", type],
    identity: [-1, whole(0, type)],
    lift: (hit, value, point) => [where(hit, point, -1), value],
    combine: [
      left(0, "int32").max(right(0, "int32")),
      where(right(0, "int32").lt(left(0, "int32")), left(1, type), right(1, type)),
    ],
    update: (old, [point, value]) => where(point.ge(0), value, old),
  }),
  // -0 is what leaves -0 as it is when added.
  add: merging(
    (type) => (type === "float32" || type === "float64" ? -0 : whole(0, type)),
    (a, b) => a.add(b),
  ),
  mul: merging(
    (type) => whole(1, type),
    (a, b) => a.mul(b),
  ),
  min: merging(greatest, (a, b) => a.min(b)),
  max: merging(least, (a, b) => a.max(b)),
}

interface Task {
  readonly context: LoweringContext
  readonly temporaries: Temporaries
  readonly kernel: ScatterKernel
  readonly sizes: readonly number[]
  readonly inputs: readonly View[]
  readonly target: View
  readonly args: Arguments
}

/** The scatter kernel. The target is written by the last launch alone, after everything that may fault. */
export const scatter: Lowering<ScatterKernel> = (kernel, sizes, operands, scalars, context) => {
  if (isEmpty(sizes)) return
  const target = viewOf(operands[operands.length - 1], kernel.dtype)
  const inputs = inputViews(kernel.inputs, operands)
  const args: Arguments = { types: kernel.scalars, values: scalars }
  withTemporaries(context, (temporaries) => {
    const task: Task = { context, temporaries, kernel, sizes, inputs, target, args }
    if (kernel.bounds === "fault") faultOutside(task)
    combinePoints(task)
  })
}

/** Reads the target at all coordinates, so that the backend reports those outside. */
function faultOutside({ context, temporaries, kernel, sizes, inputs, target, args }: Task): void {
  const element = load(inputs.length, target.dtype, kernel.coordinates, "fault")
  const monoid: Monoid = {
    accumulators: ["int32"],
    identity: [0],
    lift: [element.cast(accumulatorOf(target.dtype)).cast("bool").cast("int32")],
    combine: [left(0, "int32").max(right(0, "int32"))],
  }
  const points = sizes.length ? sizes : [1]
  const followed = inputs.map((view) => (view.loaded || sizes.length ? view : restride(view, points, [0])))
  const ignored = temporaries.take([], "int32")
  runReduce(context, {
    sizes: points,
    reduced: points.length,
    inputs: [...followed, loaded(target)],
    outputs: [ignored],
    monoid,
    finish: [result(0, "int32")],
    arguments: args,
  })
  temporaries.drop(ignored)
}

/**
 * A reduce over [target dims | iteration dims], then a map into the target. An iteration dim whose index is itself a
 * coordinate is tied to that dim of the target: only one point along it can hit, so it isn't searched.
 */
function combinePoints({ context, temporaries, kernel, sizes, inputs, target, args }: Task): void {
  const { coordinates, targetRank, dtype } = kernel
  const type = accumulatorOf(dtype)
  const rule = RULES[kernel.combine](type)

  const tied = tiedDims(coordinates)
  const searched = sizes.map((_, k) => k).filter((k) => !tied.has(k))
  const dimOf = (k: number): number => tied.get(k) ?? targetRank + searched.indexOf(k)
  // Beyond the iteration a tied dim has no points, beyond the target they are dropped.
  const reached = [...target.sizes]
  for (const [k, d] of tied) reached[d] = Math.min(reached[d], sizes[k])
  const searchedSizes = searched.length ? searched.map((k) => sizes[k]) : [1]
  const space = [...reached, ...searchedSizes]
  const spread = (view: View): View => {
    const strides = space.map(() => 0)
    view.strides.forEach((stride, k) => {
      strides[dimOf(k)] = stride
    })
    return restride(view, space, strides)
  }

  const [value, ...found] = substitute([kernel.value, ...coordinates], (node) =>
    node.op === "index" ? index(dimOf(Number(node.value))) : undefined,
  )
  const hit = found.reduce(
    (all, at, d) => (at === index(d) ? all : all === TRUE ? at.eq(index(d)) : all.and(at.eq(index(d)))),
    TRUE,
  )
  const point = searchedSizes
    .map((_, j) => index(targetRank + j))
    .reduce((at, next, j) => at.mul(scalar(kernel.scalars.length + j, "int32")).add(next))

  const part = restride(target, reached, target.strides)
  const combined = rule.accumulators.map((accumulator) => temporaries.take(reached, accumulator))
  runReduce(context, {
    sizes: space,
    reduced: searchedSizes.length,
    inputs: inputs.map((view) => (view.loaded ? view : spread(view))),
    outputs: combined,
    monoid: {
      accumulators: rule.accumulators,
      identity: rule.identity,
      lift: rule.lift(hit, value.cast(type), point),
      combine: rule.combine,
    },
    finish: rule.accumulators.map((accumulator, k) => result(k, accumulator)),
    arguments: withInts(args, searchedSizes),
  })
  const results = combined.map((view, k) => input(k + 1, view.dtype))
  runMap(context, {
    sizes: reached,
    inputs: [part, ...combined],
    outputs: [part],
    body: [rule.update(input(0, dtype).cast(type), results).cast(dtype)],
    inPlace: true,
  })
}

const TRUE = constant(true, "bool")

/** From iteration dim to target dim, where the coordinate is the bare index; each dim at most once. */
function tiedDims(coordinates: readonly Expr[]): Map<number, number> {
  const tied = new Map<number, number>()
  coordinates.forEach((at, d) => {
    if (at.op === "index" && !tied.has(Number(at.value))) tied.set(Number(at.value), d)
  })
  return tied
}
