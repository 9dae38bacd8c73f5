/** Differentiable running combinations along a dim, in either direction: what `scan.ts` and gradients are made of. */
import type { Rule } from "../autograd/node.ts"
import { computeType, type DType } from "../dtype.ts"
import { type Expr, result, where } from "../expr.ts"
import type { MonoidSpec } from "../kernels.ts"
import { accumulatorOf } from "../lowering/views.ts"
import { affineMonoid, logAddExpMonoid, productMonoid, sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { type Tensor, track } from "../tensor.ts"
import { scanAlong, shift } from "./along.ts"
import { add, mul, sub } from "./arithmetic.ts"
import { to } from "./conversion.ts"

interface Run {
  readonly d: number
  readonly reverse: boolean
}

/** The scan of one monoid over one tensor, in the accumulator's type, rounded to `dtype`. */
function run(x: Tensor, { d, reverse }: Run, dtype: DType, monoid: (wide: DType) => MonoidSpec): Tensor {
  const wide = accumulatorOf(dtype)
  const lift = ({ inputs: [e] }: { inputs: readonly Expr[] }): Expr[] => [e!.cast(wide)]
  return scanAlong([x], d, [dtype], monoid(wide), lift, [result(0, wide)], reverse)[0]!
}

/** A running combination: its values, and how its gradient follows from the input and the output. */
export interface Running {
  readonly rule: Rule
  /** Of the input (0) and the output (1), what the rule saves. */
  readonly saves: readonly (0 | 1)[]
  compute(x: Tensor, along: Run, dtype: DType): Tensor
}

/** `y` was made of `x` by `running`: records that. */
export function recordRunning(running: Running, y: Tensor, x: Tensor, along: Run): Tensor {
  return track(
    running.rule,
    y,
    [x],
    running.saves.map((k) => (k === 0 ? x : y)),
    { ...along, dtype: x.dtype },
  )
}

export function apply(running: Running, x: Tensor, along: Run, dtype: DType = x.dtype): Tensor {
  return recordRunning(running, running.compute(x, along, dtype), x, along)
}

type Context = Run & { readonly dtype: DType }

export const RUNNING_SUM: Running = {
  rule: {
    name: "CumsumBackward0",
    backward: (node, g) => {
      const { d, reverse, dtype } = node.context as Context
      return [apply(RUNNING_SUM, to(g, dtype), { d, reverse: !reverse })]
    },
  },
  saves: [],
  compute: (x, along, dtype) => run(x, along, dtype, sumMonoid),
}

/** ∂/∂x_k where x_k is 0, and elsewhere, as PyTorch has it, by a division. */
const PRODUCT_SHARE = new Pointwise("cumprod", (x, atZero, sum) => where(x.eq(0), atZero, sum.div(x)))

/**
 * ∂y_i/∂x_k is the product of x_j over j ≤ i, j ≠ k. Its sum over i, weighted by g, is Σ_{i≥k} g_i·y_i / x_k; where x_k is
 * 0, it is the product of what comes before times S_k = g_k + x_{k+1}·S_{k+1}.
 */
export const RUNNING_PRODUCT: Running = {
  rule: {
    name: "CumprodBackward0",
    backward: (node, gradient) => {
      const { d, reverse, dtype } = node.context as Context
      const [x, y, g] = [to(node.get(0), gradient.dtype), node.get(1), gradient]
      const [forward, back] = [reverse ? -1 : 1, { d, reverse: !reverse }]
      const later = shift(recurrence(x, mul(x, g), back), d, -forward, 0)
      const atZero = mul(shift(y, d, forward, 1), add(g, later))
      return [to(PRODUCT_SHARE.call(x, atZero, apply(RUNNING_SUM, mul(y, g), back)), dtype)]
    },
  },
  saves: [0, 1],
  compute: (x, along, dtype) => run(x, along, dtype, productMonoid),
}

/** The product of the elements up to each along dim `d`. */
export const runningProduct = (x: Tensor, d: number, reverse: boolean): Tensor =>
  apply(RUNNING_PRODUCT, x, { d, reverse })

const RECURRENCE: Rule = {
  name: "RecurrenceBackward0",
  backward: (node, g) => {
    const { d, reverse } = node.context as Run
    const [a, y] = [node.get(0), node.get(1)]
    const forward = reverse ? -1 : 1
    const delta = recurrence(shift(a, d, -forward, 0), g, { d, reverse: !reverse })
    return [node.needs(0) ? mul(delta, shift(y, d, forward, 0)) : null, delta]
  },
}

/** y_k = a_k·y_{k−1} + b_k, beginning with 0 (y_{k+1} if `reverse`). */
function recurrence(a: Tensor, b: Tensor, along: Run): Tensor {
  const wide = computeType(a.dtype)
  const [y] = scanAlong(
    [a, b],
    along.d,
    [a.dtype],
    affineMonoid(wide),
    ({ inputs }) => inputs,
    [result(1, wide)],
    along.reverse,
  )
  return track(RECURRENCE, y!, [a, b], [a, y!], along)
}

/** log|g| where g has the sign, and otherwise so little that it counts for nothing. */
const logOf = (sign: 1 | -1): Pointwise => new Pointwise("log", (g) => where(g.mul(sign).gt(0), g.abs().log(), -3e38))
const LOG_POSITIVE = logOf(1)
const LOG_NEGATIVE = logOf(-1)
const EXP = new Pointwise("exp", (a) => a.exp())

/**
 * dx_k = Σ_{i≥k} g_i·exp(x_k − y_i): sums of exponentials again, of the positive and the negative gradients apart, so that
 * nothing overflows.
 */
export const RUNNING_LOGSUMEXP: Running = {
  rule: {
    name: "LogcumsumexpBackward0",
    backward: (node, g) => {
      const { d, reverse } = node.context as Context
      const [x, y] = [node.get(0), node.get(1)]
      const part = (log: Pointwise): Tensor =>
        EXP.call(add(apply(RUNNING_LOGSUMEXP, sub(log.call(g), y), { d, reverse: !reverse }), x))
      return [sub(part(LOG_POSITIVE), part(LOG_NEGATIVE))]
    },
  },
  saves: [0, 1],
  compute: (x, along, dtype) => run(x, along, dtype, logAddExpMonoid),
}
