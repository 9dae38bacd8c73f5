import type { Rule } from "../autograd/node.ts"
import { computeType, DEFAULT_INT, type DType, isFloating } from "../dtype.ts"
import { constant, type Expr, left, right, where } from "../expr.ts"
import { type MonoidSpec, runMap, runScatter } from "../kernels.ts"
import { lowest, maxMonoid, sumMonoid } from "../monoids.ts"
import { needsGrad, type Tensor, track } from "../tensor.ts"
import { fillWith } from "./creation.ts"
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

const NOWHERE = 2147483647

/**
 * The greatest value and its position: the first of equals, and of NaNs, which win over all, the last, as PyTorch's loop
 * over a window has it. Position NOWHERE is the identity's.
 */
function maxAtMonoid(type: DType): MonoidSpec {
  const [a, i, b, j] = [left(0, type), left(1, "int32"), right(0, type), right(1, "int32")]
  const unordered = isFloating(type) ? (x: Expr): Expr => x.isnan() : (): Expr => constant(false, "bool")
  const takesLeft = where(a.eq(b), i.lt(j), b.lt(a).or(unordered(a).and(unordered(b).not().or(j.lt(i)))))
  return {
    accumulators: [type, "int32"],
    identity: [lowest(type), NOWHERE],
    combine: [where(takesLeft, a, b), where(takesLeft, i, j)],
  }
}

interface MaxContext {
  readonly p: Pooling
  readonly name: string
}

/** The greatest of each window and, where asked for, the position of each; `rule` records it. */
export function maximum(x: Tensor, p: Pooling, rule: Rule, wantsIndices: boolean): Tensor[] {
  const spatial = p.windows.length
  const type = computeType(x.dtype)
  const values = newResult(x, p.outShape, spatial)
  const indices = wantsIndices || needsGrad([x]) ? newResult(x, p.outShape, spatial, DEFAULT_INT) : null
  const empty = lowest(type)
  const counts = p.windows.map((w) => w.length)
  overTaps(
    indices ? [values.grid, indices.grid] : [values.grid],
    counts,
    indices ? maxAtMonoid(type) : maxMonoid(type),
    {
      key: `max-pool${indices ? "-at" : ""} ${keyOf(p)}`,
      loads: [flattened(x, spatial)],
      scalars: argumentsOf(p),
      views: tapViews(x, p),
    },
    ({ scalars, at, load }, k, element) => {
      const { at: place, inside } = spotOf(p, "position", scalars, at.slice(1, 1 + spatial), k)
      const value = element ?? load(0, [at[0]!, place])
      const counted = inside ? where(inside, value, constant(empty, type)) : value
      if (!indices) return [counted]
      return [counted, inside ? where(inside, place, NOWHERE) : place]
    },
    (combined) => combined,
  )
  if (indices) track(rule, values.out, [x], [indices.out], { p, name: rule.name } satisfies MaxContext)
  return wantsIndices ? [values.out, indices!.out] : [values.out]
}

export const maxRule = (name: string): Rule => ({
  name,
  backward: (node, g) => [toPositions(g, node.get(0), (node.context as MaxContext).p)],
})

/** Every gradient to the position its window chose. */
const TO_POSITIONS: Rule = {
  name: "MaxPoolBackwardBackward0",
  backward: (node, g) => [fromPositions(g, node.get(0), node.context as Pooling)],
}

function toPositions(g: Tensor, indices: Tensor, p: Pooling): Tensor {
  const spatial = p.windows.length
  const { out, grid } = newResult(g, p.inShape, spatial)
  const type = computeType(g.dtype)
  if (p.windows.every((w) => w.overlap === 1)) {
    // Every position belongs to one window at most, so that no two gradients meet.
    const [gradients, places] = [flattened(g, spatial), flattened(indices, spatial)]
    fillWith(out, 0)
    runScatter(
      flattened(out, spatial),
      gradients.shape,
      "set",
      { inputs: [gradients, places], distinct: true },
      ({ inputs: [e, place], at }) => ({ value: e!, coordinates: [at[0]!, place!] }),
    )
    return track(TO_POSITIONS, out, [g], [indices], p)
  }
  overTaps(
    [grid],
    p.windows.map((w) => w.overlap),
    sumMonoid(type),
    {
      key: `max-pool-backward ${keyOf(p)}`,
      loads: [flattened(g, spatial), flattened(indices, spatial)],
      scalars: argumentsOf(p),
    },
    ({ scalars, at, load }, j) => {
      const here = at.slice(1, 1 + spatial)
      const own = perWindow(p, scalars)
      const place = here.reduce((all, s, d) => all.mul(own[d]![0]!).add(s))
      const { at: o, inside } = spotOf(p, "window", scalars, here, j)
      const chosen = load(1, [at[0]!, o]).eq(place)
      return [where(inside ? inside.and(chosen) : chosen, load(0, [at[0]!, o]), constant(0, type))]
    },
    (combined) => combined,
  )
  return track(TO_POSITIONS, out, [g], [indices], p)
}

const FROM_POSITIONS: Rule = {
  name: "GatherBackward0",
  backward: (node, g) => [toPositions(g, node.get(0), node.context as Pooling)],
}

/** What stands at the position that each window chose. */
function fromPositions(x: Tensor, indices: Tensor, p: Pooling): Tensor {
  const spatial = p.windows.length
  const { out } = newResult(x, p.outShape, spatial)
  const flat = flattened(out, spatial)
  runMap(
    [flat],
    { key: "max-pool-take", inputs: [flattened(indices, spatial)], loads: [flattened(x, spatial)], coordinates: true },
    ({ inputs, at, load }) => load(0, [at[0]!, inputs[0]!]),
  )
  return track(FROM_POSITIONS, out, [x], [indices], p)
}
