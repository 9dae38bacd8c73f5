/** Sorting by counting: the place of an element is the number of elements that come before it. */
import { isFloating } from "../dtype.ts"
import { type Expr, index, input, left, load, result, right, where } from "../expr.ts"
import type { Monoid, SortKernel } from "../kernel.ts"
import {
  accumulatorOf,
  isEmpty,
  type Lowering,
  loaded,
  restride,
  runMap,
  runReduce,
  type View,
  viewOf,
  withTemporaries,
} from "./views.ts"

/** The sort kernel, in n² comparisons: places, the index of the element for each place, and the values by those. */
export const sort: Lowering<SortKernel> = (kernel, sizes, operands, _scalars, context) => {
  if (isEmpty(sizes)) return
  const { rank, dtype, descending } = kernel
  const x = viewOf(operands[0], dtype)
  const values = viewOf(operands[1], dtype)
  const indices = viewOf(operands[2], "int32")
  const type = accumulatorOf(dtype)

  // A rank of 0 is a row of one element.
  const rowSizes = rank ? sizes : [1]
  const row = (view: View): View => (rank ? view : restride(view, rowSizes, [1]))
  const last = rowSizes.length - 1
  const length = rowSizes[last]
  const pairs = [...rowSizes, length]
  const one = (view: View): View => restride(view, pairs, [...view.strides, 0])
  const other = (view: View): View => restride(view, pairs, [...view.strides.slice(0, last), 0, view.strides[last]])
  const [here, there] = [index(last), index(last + 1)]

  withTemporaries(context, (temporaries) => {
    const places = temporaries.take(rowSizes, "int32")
    const [mine, its] = [input(0, dtype).cast(type), input(1, dtype).cast(type)]
    const before = descending ? less(mine, its, isFloating(dtype)) : less(its, mine, isFloating(dtype))
    const after = descending ? less(its, mine, isFloating(dtype)) : less(mine, its, isFloating(dtype))
    const comesFirst = before.or(after.not().and(there.lt(here)))
    runReduce(context, {
      sizes: pairs,
      reduced: 1,
      inputs: [one(row(x)), other(row(x))],
      outputs: [places],
      monoid: count(comesFirst.cast("int32")),
      finish: [result(0, "int32")],
    })
    runReduce(context, {
      sizes: pairs,
      reduced: 1,
      inputs: [other(places)],
      outputs: [row(indices)],
      monoid: count(where(input(0, "int32").eq(here), there, 0)),
      finish: [result(0, "int32")],
    })
  })
  const along = rowSizes.map((_, d) => (d === last ? input(0, "int32") : index(d)))
  runMap(context, {
    sizes: rowSizes,
    inputs: [row(indices), loaded(row(x))],
    outputs: [row(values)],
    body: [load(1, dtype, along, "zero")],
  })
}

const count = (lift: Expr): Monoid => ({
  accumulators: ["int32"],
  identity: [0],
  lift: [lift],
  combine: [left(0, "int32").add(right(0, "int32"))],
})

/** `a < b`, NaN being the greatest and equal to itself. */
const less = (a: Expr, b: Expr, mayBeNaN: boolean): Expr =>
  mayBeNaN ? a.lt(b).or(b.isnan().and(a.isnan().not())) : a.lt(b)
