/** Ops that find one of many elements: their checks, their results, and the gradients of what they found. */
import { raw } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import { tensorText } from "../errors.ts"
import { type Expr, result, where } from "../expr.ts"
import { runMap } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { results } from "../results.ts"
import { normalizeDim } from "../shape.ts"
import { type Tensor, track, trackAll } from "../tensor.ts"
import type { Found } from "../types/patterns.ts"
import { fresh } from "./along.ts"
import { gather } from "./gathering.ts"
import { type Reduction, reduceInputs, reductionOf } from "./over-dims.ts"
import { detached, reshape, unsqueeze } from "./views.ts"

export type { Found }

/** Throws where nothing would be compared: there is no extreme of nothing. */
export function refuseEmpty(name: string, x: Tensor, r: Reduction): void {
  if (r.count > 0 || r.shape.includes(0)) return
  throw new RangeError(
    r.dims.length === x.ndim && x.ndim !== 1
      ? `${name}: expected a reduction dim for a tensor without elements, ${tensorText(x)}; specify it with the 'dim' argument`
      : `${name}: expected reduction dim ${r.dims.filter((d) => x.shape[d] === 0).join(", ")} to have non-zero size, got ${tensorText(x)}`,
  )
}

// ---- gradients that all elements equal to the extreme share ----

const equal = (x: Expr, y: Expr): Expr => x.eq(y)
const equalOrNaN = (x: Expr, y: Expr): Expr => x.eq(y).or(x.isnan().and(y.isnan()))

const SHARES = {
  /** Among all that are equal, NaN counting as equal. */
  evenly: {
    equal: equalOrNaN,
    op: new Pointwise("evenly", (g, x, y, n) => where(equalOrNaN(x, y), g.div(n), 0)),
  },
  /** PyTorch's amax finds no element that equals a NaN, and then divides by their number. */
  byCount: {
    equal,
    op: new Pointwise("byCount", (g, x, y, n) => g.mul(equal(x, y).cast(g.dtype)).div(n)),
  },
} as const

/** The gradient of the extremes `y` of `x`, shared by the elements that equal them. */
export function shared(how: keyof typeof SHARES, g: Tensor, input: Tensor, output: Tensor, r: Reduction): Tensor {
  const { equal, op } = SHARES[how]
  const x = detached(input)
  const y = reshape(detached(output), r.kept)
  const [count] = reduceInputs(
    `ties ${how}`,
    [x, y],
    { ...r, shape: r.kept },
    ["int32"],
    sumMonoid("int32"),
    ({ inputs: [e, m] }) => [equal(e!, m!).cast("int32")],
    () => [result(0, "int32")],
  )
  return op.run([reshape(g, r.kept), x, y, count!], input.dtype, null)
}

export const sharing = (name: string, how: keyof typeof SHARES): Rule => ({
  name,
  backward: (node, g) => [shared(how, g, node.get(0), node.get(1), node.context as Reduction)],
})

// ---- one element along a dim ----

/** The one dim given, checked: not empty where there is something to find. */
export function oneDim(name: string, x: Tensor, dim: unknown, keepdim: unknown): { d: number; keepdim: boolean } {
  const r = reductionOf(name, x, dim as number, keepdim as boolean)
  const d = normalizeDim(name, dim as number, x.ndim)
  refuseEmpty(name, x, { ...r, shape: x.shape.toSpliced(d, 1) })
  return { d, keepdim: keepdim === true && x.ndim > 0 }
}

/** Stands for the size of a dim that a 0-d tensor does not have. */
const SCALAR = -1

interface Selection {
  readonly d: number
  readonly size: number
  /** Whether the results have the dim, with size 1. */
  readonly keepdim: boolean
}

/** The rule of an op that found one element along a dim: the gradient goes to that element. */
export const selectedRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const selection = node.context as Selection
    const indices = node.get(0)
    if (selection.size === SCALAR) return [g]
    const [part, at] = selection.keepdim
      ? [g, indices]
      : [unsqueeze(g, selection.d), raw(() => unsqueeze(indices, selection.d))]
    return [placeOne(part, at, selection.d, selection.size)]
  },
})

/** Zeros but for the elements of `g` at `indices` along dim `d`, where both have size 1: a map, no scatter. */
function placeOne(g: Tensor, indices: Tensor, d: number, size: number): Tensor {
  const out = fresh(g, g.shape.with(d, size), g.dtype)
  runMap([out], { key: `place one ${d}`, inputs: [g, indices], coordinates: true }, ({ inputs: [e, i], at }) =>
    where(at[d]!.eq(i!), e!, 0),
  )
  return track(PLACE_ONE, out, [g], [indices], d)
}

const PLACE_ONE: Rule = {
  name: "ValueSelectingReductionBackward0",
  backward: (node, g) => [gather(g, node.context as number, node.get(0))],
}

/** Finishes an op that found one element along dim `d`: `values` and `indices` lack the dim. */
export function found(rule: Rule, x: Tensor, [values, indices]: readonly Tensor[], d: number, keepdim: boolean): Found {
  const outs = [values!, indices!].map((t) => (keepdim ? raw(() => unsqueeze(t, d)) : t))
  trackAll(rule, outs, [x], [outs[1]!], { d, size: x.shape[d] ?? SCALAR, keepdim })
  return results(["values", "indices"], outs) as unknown as Found
}
