/** Softmax and its relatives. */
import { op } from "../args.ts"
import { gradEnabled } from "../autograd/mode.ts"
import type { Rule } from "../autograd/node.ts"
import { requireFloating, requireInteger } from "../checks.ts"
import { computeType, type DType } from "../dtype.ts"
import type { Expr } from "../expr.ts"
import { runMap } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { sumMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import type { Along, AlongFunction, DtypeOption } from "../types/patterns.ts"
import type { Family, FunctionOf, MethodsOf } from "../types/signature.ts"
import { mul } from "./arithmetic.ts"
import { checkDtype, to } from "./conversion.ts"
import { type Reduction, reduceInputs, reduceTo, reductionOf } from "./over-dims.ts"
import { exponential, inOneKernel, inSteps, overRows, peak, type RowsWork, reduceStage, sumOfExp } from "./over-rows.ts"
import { sum } from "./reduction.ts"
import { neg } from "./unary.ts"

export interface SoftmaxOps {
  /** exp(input) / Σ exp(input) along `dim`, without overflow; floating dtypes, or converted to `dtype` first. */
  softmax: Along<"softmax", "floats", DtypeOption>
  /** input − log Σ exp(input) along `dim`, without overflow; floating dtypes, or converted to `dtype` first. */
  logSoftmax: Along<"logSoftmax", "floats", DtypeOption>
}

export interface SoftmaxMethods extends MethodsOf<SoftmaxOps> {}

/** The greatest, the sum of the exponentials from there, and what `body` makes of an element and the two. */
const work = (key: string, x: Tensor, body: (e: Expr, peak: Expr, sum: Expr) => Expr): RowsWork => {
  const type = computeType(x.dtype)
  return {
    key,
    inputs: [x],
    stages: [peak(type, "keep"), sumOfExp(type)],
    body: ([e], [m, s]) => body(e!, m!, s!),
  }
}

/** In steps, the exponentials are computed once and kept in the result, then divided by their sum; half types have no room for that. */
function softmaxOf(x: Tensor, r: Reduction): Tensor {
  const out = allocate(x.device, x.shape, denseStrides(x.shape, x.strides), x.dtype)
  const whole = work("softmax", x, (e, m, s) => exponential(e, m).div(s))
  if (inOneKernel(out, r, whole)) return out
  if (computeType(x.dtype) !== x.dtype) {
    inSteps(out, r, whole)
    return out
  }
  const kept = { ...r, shape: r.kept }
  const [highest] = reduceStage(peak(x.dtype, "keep"), [x], [], kept)
  runMap([out], { key: "softmax exp", inputs: [x, highest!] }, ({ inputs: [e, m] }) => exponential(e!, m!))
  const sums = reduceTo(
    "softmax sum",
    out,
    kept,
    x.dtype,
    sumMonoid(x.dtype),
    ({ inputs: [e] }) => [e!],
    () => sumMonoid.total(x.dtype as DType),
  )
  runMap([out], { key: "softmax div", inputs: [out, sums], aliases: 0 }, ({ inputs: [e, s] }) => e!.div(s!))
  return out
}

function logSoftmaxOf(x: Tensor, r: Reduction): Tensor {
  const out = allocate(x.device, x.shape, denseStrides(x.shape, x.strides), x.dtype)
  overRows(
    out,
    r,
    work("logSoftmax", x, (e, m, s) => e.sub(m).sub(s.log())),
  )
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

/** A gradient from those of the results, g, the results, y, and the sum over each row of what `lift` makes of the two. */
function shared(key: string, share: Pointwise, g: Tensor, y: Tensor, r: Reduction, lift: (g: Expr, y: Expr) => Expr) {
  const type = computeType(y.dtype)
  const out = allocate(y.device, y.shape, denseStrides(y.shape, y.strides), y.dtype)
  overRows(out, r, {
    key,
    inputs: [g, y],
    stages: [{ key, monoid: sumMonoid(type), lift: ([a, b]) => [lift(a!, b!)], finish: ([sum]) => [sum!] }],
    body: ([a, b], [s]) => share.formula(a!, b!, s!),
  })
  return out
}

// When the backward pass is itself recorded it runs as ordinary ops, which can be differentiated.

const SOFTMAX: Rule = {
  name: "SoftmaxBackward0",
  backward: (node, g) => {
    const y = node.get(0)
    const r = node.context as Reduction
    return gradEnabled()
      ? [SOFTMAX_SHARE.run([g, y, dotOver(g, y, r)], y.dtype, null)]
      : [shared("softmax back", SOFTMAX_SHARE, g, y, r, (a, b) => a.mul(b))]
  },
}

const LOG_SOFTMAX: Rule = {
  name: "LogSoftmaxBackward0",
  backward: (node, g) => {
    const y = node.get(0)
    const r = node.context as Reduction
    return gradEnabled()
      ? [LOG_SOFTMAX_SHARE.run([g, y, sum(g, r.dims, true)], y.dtype, null)]
      : [shared("logSoftmax back", LOG_SOFTMAX_SHARE, g, y, r, (a) => a)]
  },
}

/** Of a logSoftmax for a loss. What a recorded pass does with its result has a gradient by the ordinary rule. */
const LOG_SOFTMAX_PASSED: Rule = {
  name: LOG_SOFTMAX.name,
  backward: (node, g, grads) => {
    if (!gradEnabled()) return [g]
    const { storage, shape, strides, offset, dtype } = node.get(0)
    const logs = new Tensor(storage, shape, strides, offset, dtype)
    const ordinary = node.besides(LOG_SOFTMAX, [logs])
    logs.setHistory(ordinary)
    return LOG_SOFTMAX.backward(ordinary, g, grads)
  },
}

interface Member {
  readonly rule: Rule
  readonly forward: (x: Tensor, r: Reduction) => Tensor
}
const MEMBERS = {
  softmax: { rule: SOFTMAX, forward: softmaxOf },
  logSoftmax: { rule: LOG_SOFTMAX, forward: logSoftmaxOf },
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

const member = <N extends keyof typeof MEMBERS>(name: N): FunctionOf<SoftmaxOps[N]> =>
  op(`${name}(input, dim, *, dtype?)`, (x: Tensor, dim: number, dtype?: DType | null) =>
    apply(name, name, x, dim, dtype),
  )

export const softmax = member("softmax")
export const logSoftmax = member("logSoftmax")

/**
 * logSoftmax along `dim` for a loss that gives, as the gradient of the result, that of `x`, unless the backward pass is
 * recorded. Nothing else may use the result.
 */
export function logSoftmaxForLoss(x: Tensor, dim: number): Tensor {
  const r = reductionOf("logSoftmax", x, dim, true)
  const out = logSoftmaxOf(x, r)
  return track(LOG_SOFTMAX_PASSED, out, [x], [out], r)
}

/** softmax(−input) along `dim`. */
export const softmin: AlongFunction<"softmin", "same", DtypeOption> = op(
  "softmin(input, dim, *, dtype?)",
  (x: Tensor, dim: number, dtype?: DType | null) => apply("softmin", "softmax", neg(x), dim, dtype),
)

export const softmaxMethods: Family = { softmax, logSoftmax }
