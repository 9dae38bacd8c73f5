/** Softmax and its relatives. */
import { type Args, type Fn, op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { requireFloating, requireInteger } from "../checks.ts"
import { computeType, type DType } from "../dtype.ts"
import type { Expr } from "../expr.ts"
import { runMap } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { allocate, type Tensor, track } from "../tensor.ts"
import { mul } from "./arithmetic.ts"
import { checkDtype, to } from "./conversion.ts"
import { peak, type Reduction, reduceInputs, reductionOf, sumOfExp } from "./over-dims.ts"
import { sum } from "./reduction.ts"
import { neg } from "./unary.ts"

type Along = Args<[["dim", number]], { dtype: DType | null }>

export interface SoftmaxMethods {
  /** exp(input) / Σ exp(input) along `dim`, without overflow; floating dtypes, or converted to `dtype` first. */
  softmax(...args: Along): Tensor
  /** input − log Σ exp(input) along `dim`, without overflow; floating dtypes, or converted to `dtype` first. */
  logSoftmax(...args: Along): Tensor
}

/** Two reductions and a map: the greatest, the sum of the exponentials from there, and what `finish` makes of the three. */
function forward(key: string, x: Tensor, r: Reduction, finish: (e: Expr, peak: Expr, sum: Expr) => Expr): Tensor {
  const highest = peak(x, r, "keep")
  const sums = sumOfExp(x, highest, r)
  const out = allocate(x.device, x.shape, denseStrides(x.shape, x.strides), x.dtype)
  runMap([out], { key, inputs: [x, highest, sums] }, ({ inputs: [e, m, s] }) => finish(e!, m!, s!))
  return out
}

/** The exponentials are computed once and kept in the result, then divided by their sum; half types have no room for that. */
function softmaxOf(x: Tensor, r: Reduction): Tensor {
  if (computeType(x.dtype) !== x.dtype) return forward("softmax", x, r, (e, m, s) => e.sub(m).exp().div(s))
  const out = allocate(x.device, x.shape, denseStrides(x.shape, x.strides), x.dtype)
  const highest = peak(x, r, "keep")
  runMap([out], { key: "softmax exp", inputs: [x, highest] }, ({ inputs: [e, m] }) => e!.sub(m!).exp())
  const [sums] = reduceInputs(
    "softmax sum",
    [out],
    { ...r, shape: r.kept },
    [x.dtype],
    sumMonoid(x.dtype),
    ({ inputs: [e] }) => [e!],
    () => [sumMonoid.total(x.dtype)],
  )
  runMap([out], { key: "softmax div", inputs: [out, sums!], aliases: 0 }, ({ inputs: [e, s] }) => e!.div(s!))
  return out
}

// ---- gradients ----

/** Σ a·b over the dims of `r`, kept with size 1, in the type that sums are made in. */
function dotOver(a: Tensor, b: Tensor, r: Reduction): Tensor {
  const wide = computeType(a.dtype)
  const [out] = reduceInputs(
    "softmax dot",
    [a, b],
    { ...r, shape: r.kept },
    [wide],
    sumMonoid(wide),
    ({ inputs: [x, y] }) => [x!.mul(y!)],
    () => [sumMonoid.total(wide)],
  )
  return track(DOT, out!, [a, b], [a, b])
}

const DOT: Rule = {
  name: "DotBackward0",
  backward: (node, g) => {
    const [a, b] = [node.get(0), node.get(1)]
    return [to(mul(b, g), a.dtype), to(mul(a, g), b.dtype)]
  },
}

const SOFTMAX_SHARE = new Pointwise("softmax", (g, y, s) => y.mul(g.sub(s)))
const LOG_SOFTMAX_SHARE = new Pointwise("logSoftmax", (g, y, s) => g.sub(y.exp().mul(s)))

const SOFTMAX: Rule = {
  name: "SoftmaxBackward0",
  backward: (node, g) => {
    const y = node.get(0)
    return [SOFTMAX_SHARE.run([g, y, dotOver(g, y, node.context as Reduction)], y.dtype, null)]
  },
}

const LOG_SOFTMAX: Rule = {
  name: "LogSoftmaxBackward0",
  backward: (node, g) => {
    const y = node.get(0)
    const total = sum(g, (node.context as Reduction).dims, true)
    return [LOG_SOFTMAX_SHARE.run([g, y, total], y.dtype, null)]
  },
}

interface Member {
  readonly rule: Rule
  readonly forward: (x: Tensor, r: Reduction) => Tensor
}
const MEMBERS = {
  softmax: { rule: SOFTMAX, forward: softmaxOf },
  logSoftmax: {
    rule: LOG_SOFTMAX,
    forward: (x, r) => forward("logSoftmax", x, r, (e, m, s) => e.sub(m).sub(s.log())),
  },
} as const satisfies Record<string, Member>

/** `name` is what errors speak of. */
function apply(name: string, member: keyof typeof MEMBERS, input: Tensor, dim: number, dtype?: DType | null): Tensor {
  const x = to(input, checkDtype(name, dtype) ?? input.dtype)
  requireFloating(name, x)
  requireInteger(name, "dim", dim)
  const r = reductionOf(name, x, dim, true)
  const { rule, forward } = MEMBERS[member]
  const out = forward(x, r)
  return track(rule, out, [x], [out], r)
}

const member = (name: keyof typeof MEMBERS): Fn<SoftmaxMethods["softmax"]> =>
  op(`${name}(input, dim, *, dtype?)`, (x: Tensor, dim: number, dtype?: DType | null) =>
    apply(name, name, x, dim, dtype),
  )

export const softmax = member("softmax")
export const logSoftmax = member("logSoftmax")

/** softmax(−input) along `dim`. */
export const softmin: (input: Tensor, ...args: Along) => Tensor = op(
  "softmin(input, dim, *, dtype?)",
  (x: Tensor, dim: number, dtype?: DType | null) => apply("softmin", "softmax", neg(x), dim, dtype),
)

export const softmaxMethods = { softmax, logSoftmax }
