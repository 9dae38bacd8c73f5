/**
 * Convolutions as sums of products over overlapping views.
 *
 * x is placed into a zero-padded temporary; then element o·stride + k·dilation of it, for all o and k, is a view with one
 * stride per dim. The gradient of the input is the same sum over gy with zeros inserted between its elements and the
 * kernel flipped, which is a view with negative strides.
 */
import { index, load, scalar, where } from "../expr.ts"
import type { ConvKernel } from "../kernel.ts"
import { contract } from "./matmul.ts"
import {
  inputViews,
  isEmpty,
  type Lowering,
  type LoweringContext,
  loaded,
  NO_ARGUMENTS,
  restride,
  runMap,
  type Temporaries,
  type View,
  viewOf,
  withInts,
  withTemporaries,
} from "./views.ts"

interface Geometry {
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly groups: number
}

/** x placed in a larger extent: element j along a spatial dim is x at (j - before) / step, or 0 where that is not an element of x. */
type Place = (x: View, extent: readonly number[], before: readonly number[], step: readonly number[]) => View

/** The iteration space of a pass, and its operands over that. */
interface Plan {
  readonly remaining: readonly number[]
  readonly reduced: readonly number[]
  /** The operand that is placed and its strides, then the other one with its strides and where it begins. */
  readonly a: View
  readonly aStrides: readonly number[]
  readonly b: View
  readonly bStrides: readonly number[]
  readonly bSkip: number
  readonly outStrides: readonly number[]
}

type Pass = (first: View, second: View, out: View, geometry: Geometry, place: Place) => Plan

const spatialOf = (list: readonly number[]): readonly number[] => list.slice(2)
const times = (a: readonly number[], b: readonly number[]): number[] => a.map((x, d) => x * b[d])
const zeros = (list: readonly number[]): number[] => list.map(() => 0)
const ones = (list: readonly number[]): number[] => list.map(() => 1)
/** The distance from the first to the last of `sizes` elements that are `step` apart. */
const reach = (sizes: readonly number[], step: readonly number[]): number[] =>
  sizes.map((size, d) => Math.max(size - 1, 0) * step[d])

/** What of the padded x the windows cover. */
const covered = (o: readonly number[], k: readonly number[], { stride, dilation }: Geometry): number[] => {
  const windows = reach(k, dilation)
  return reach(o, stride).map((last, d) => last + windows[d] + 1)
}

const PASSES: Readonly<Record<ConvKernel["pass"], Pass>> = {
  /** y[n, g, co, o] = Σ_{ci, k} x[n, g, ci, o·stride + k·dilation - padding] · w[g, co, ci, k] */
  forward(x, w, y, geometry, place) {
    const { stride, padding, dilation, groups } = geometry
    const [o, k] = [spatialOf(y.sizes), spatialOf(w.sizes)]
    const [co, ci] = [w.sizes[0] / groups, w.sizes[1]]
    const a = place(x, covered(o, k, geometry), padding, ones(o))
    const [[a0, a1, ...as], [w0, w1, ...ws], [y0, y1, ...ys]] = [a.strides, w.strides, y.strides]
    return {
      remaining: [y.sizes[0], groups, co, ...o],
      reduced: [ci, ...k],
      a,
      aStrides: [a0, ci * a1, 0, ...times(as, stride), a1, ...times(as, dilation)],
      b: w,
      bStrides: [0, co * w0, w0, ...zeros(o), w1, ...ws],
      bSkip: 0,
      outStrides: [y0, co * y1, y1, ...ys],
    }
  },
  /** gx[n, g, ci, s] = Σ_{co, k} gy[n, g, co, (s + padding - k·dilation) / stride] · w[g, co, ci, k] */
  input(gy, w, gx, { stride, padding, dilation, groups }, place) {
    const [s, k] = [spatialOf(gx.sizes), spatialOf(w.sizes)]
    const [co, ci] = [w.sizes[0] / groups, w.sizes[1]]
    const windows = reach(k, dilation)
    const a = place(
      gy,
      s.map((size, d) => size + windows[d]),
      windows.map((window, d) => window - padding[d]),
      stride,
    )
    const [[a0, a1, ...as], [w0, w1, ...ws], [g0, g1, ...gs]] = [a.strides, w.strides, gx.strides]
    return {
      remaining: [gx.sizes[0], groups, ci, ...s],
      reduced: [co, ...k],
      a,
      aStrides: [a0, co * a1, 0, ...as, a1, ...times(as, dilation)],
      b: w,
      bStrides: [0, co * w0, w1, ...zeros(s), w0, ...ws.map((stride) => -stride)],
      bSkip: reach(k, ws).reduce((sum, last) => sum + last, 0),
      outStrides: [g0, ci * g1, g1, ...gs],
    }
  },
  /** gw[g, co, ci, k] = Σ_{n, o} x[n, g, ci, o·stride + k·dilation - padding] · gy[n, g, co, o] */
  weight(x, gy, gw, geometry, place) {
    const { stride, padding, dilation, groups } = geometry
    const [o, k] = [spatialOf(gy.sizes), spatialOf(gw.sizes)]
    const [co, ci] = [gw.sizes[0] / groups, gw.sizes[1]]
    const a = place(x, covered(o, k, geometry), padding, ones(o))
    const [[a0, a1, ...as], [g0, g1, ...gs], [w0, w1, ...ws]] = [a.strides, gy.strides, gw.strides]
    return {
      remaining: [groups, co, ci, ...k],
      reduced: [x.sizes[0], ...o],
      a,
      aStrides: [ci * a1, 0, a1, ...times(as, dilation), a0, ...times(as, stride)],
      b: gy,
      bStrides: [co * g1, g1, 0, ...zeros(k), g0, ...gs],
      bSkip: 0,
      outStrides: [co * w0, w0, w1, ...ws],
    }
  },
}

/** The conv kernel. Of the scalars, those of the epilogue come after the geometry. */
export const conv: Lowering<ConvKernel> = (kernel, _sizes, operands, scalars, context) => {
  const { pass, spatial, dtype, epilogue } = kernel
  const [first, second] = operands.map((operand) => viewOf(operand, dtype))
  const out = viewOf(operands[operands.length - 1], dtype)
  if (isEmpty(out.sizes)) return
  const perDim = (from: number): number[] => scalars.slice(from * spatial, (from + 1) * spatial).map(Number)
  const geometry: Geometry = {
    stride: perDim(0),
    padding: perDim(1),
    dilation: perDim(2),
    groups: Number(scalars[3 * spatial]),
  }
  withTemporaries(context, (temporaries) => {
    const plan = PASSES[pass](first, second, out, geometry, placing(context, temporaries))
    const sizes = [...plan.remaining, ...plan.reduced]
    contract(context, {
      sizes,
      reduced: plan.reduced.length,
      a: restride(plan.a, sizes, plan.aStrides),
      b: restride(plan.b, sizes, plan.bStrides, plan.bSkip),
      out,
      outSizes: plan.remaining,
      outStrides: plan.outStrides,
      epilogue,
      epilogueInputs: epilogue ? inputViews(epilogue.inputs, operands.slice(2)) : [],
      arguments: { types: epilogue?.scalars ?? [], values: scalars.slice(3 * spatial + 1) },
    })
  })
}

const placing =
  (context: LoweringContext, temporaries: Temporaries): Place =>
  (x, extent, before, step) => {
    const spatial = spatialOf(x.sizes)
    if (spatial.every((size, d) => before[d] === 0 && step[d] === 1 && extent[d] <= size)) return x
    const placed = temporaries.take([...x.sizes.slice(0, 2), ...extent], x.dtype)
    const coordinates = spatial.map((_, d) => {
      const at = index(d + 2).sub(scalar(d, "int32"))
      const apart = scalar(spatial.length + d, "int32")
      return where(at.mod(apart).eq(0), at.div(apart), -1)
    })
    runMap(context, {
      sizes: placed.sizes,
      inputs: [loaded(x)],
      outputs: [placed],
      body: [load(0, x.dtype, [index(0), index(1), ...coordinates], "zero")],
      arguments: withInts(NO_ARGUMENTS, [...before, ...step]),
    })
    return placed
  }
