import type { OpNode, Rule } from "../autograd/node.ts"
import { computeType, type DType } from "../dtype.ts"
import { constant, type Expr, where } from "../expr.ts"
import { sumMonoid } from "../monoids.ts"
import { numelOf } from "../shape.ts"
import { type Tensor, track } from "../tensor.ts"
import {
  argumentsOf,
  flattened,
  keyOf,
  newResult,
  overTaps,
  type Pooling,
  perWindow,
  spotOf,
  tapViews,
} from "./pooling-windows.ts"

export const meanRule = (name: string): Rule => ({
  name,
  backward: (node: OpNode, g: Tensor) => [spread(g, node.context as Pooling)],
})

/** What all windows divide by, where it is one number. */
function commonDivisor(p: Pooling): number | null {
  if (p.divisor !== null) return p.divisor
  const extents = p.windows.map((w) => w.equalExtents(p.includePad))
  return extents.includes(null) ? null : numelOf(extents as number[])
}

const divisorAt = (p: Pooling, scalars: readonly Expr[], o: readonly Expr[], type: DType): Expr => {
  const own = perWindow(p, scalars)
  return p.windows
    .map((w, d) => w.extent(own[d]!, o[d]!, p.includePad))
    .reduce((a, b) => a.mul(b))
    .cast(type)
}

/** Means over the windows. */
export function means(x: Tensor, p: Pooling, rule: Rule): Tensor {
  const spatial = p.windows.length
  const type = computeType(x.dtype)
  const { out, grid } = newResult(x, p.outShape, spatial)
  const common = commonDivisor(p)
  overTaps(
    [grid],
    p.windows.map((w) => w.length),
    sumMonoid(type),
    {
      key: `avg-pool ${keyOf(p)} ${common === null}${p.includePad}`,
      loads: [flattened(x, spatial)],
      scalars: [...argumentsOf(p), { value: common ?? 1, dtype: type }],
      views: tapViews(x, p),
    },
    ({ scalars, at, load }, k, element) => {
      const { at: place, inside } = spotOf(p, "position", scalars, at.slice(1, 1 + spatial), k)
      const value = element ?? load(0, [at[0]!, place])
      return [inside ? where(inside, value, constant(0, type)) : value]
    },
    ([total], scalars, at) => [
      total!.div(common === null ? divisorAt(p, scalars, at.slice(1), type) : scalars.at(-1)!),
    ],
  )
  return track(rule, out, [x], [], p)
}

const SPREAD: Rule = {
  name: "AvgPoolBackwardBackward0",
  backward: (node, g) => [means(g, node.context as Pooling, MEAN_AGAIN)],
}
const MEAN_AGAIN = meanRule("AvgPoolBackwardBackward0")

/** The gradient of the means: to every position its share of all windows that contain it. */
function spread(g: Tensor, p: Pooling): Tensor {
  const spatial = p.windows.length
  const type = computeType(g.dtype)
  const { out, grid } = newResult(g, p.inShape, spatial)
  const common = commonDivisor(p)
  overTaps(
    [grid],
    p.windows.map((w) => w.overlap),
    sumMonoid(type),
    {
      key: `avg-pool-backward ${keyOf(p)} ${common === null}${p.includePad}`,
      loads: [flattened(g, spatial)],
      scalars: [...argumentsOf(p), { value: common ?? 1, dtype: type }],
    },
    ({ scalars, at, load }, j) => {
      const here = at.slice(1, 1 + spatial)
      const { at: o, inside } = spotOf(p, "window", scalars, here, j)
      const value = load(0, [at[0]!, o])
      const own = perWindow(p, scalars)
      const numbers = p.windows.map((w, d) => w.window(own[d]!, here[d]!, j[d]!).at)
      const share = common === null ? value.div(divisorAt(p, scalars, numbers, type)) : value
      return [inside ? where(inside, share, constant(0, type)) : share]
    },
    ([total], scalars) => [common === null ? total! : total!.div(scalars.at(-1)!)],
  )
  return track(SPREAD, out, [g], [], p)
}
