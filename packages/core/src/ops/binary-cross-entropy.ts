/** Binary cross entropy, of probabilities and of logits. */
import { op } from "../args.ts"
import { requireFloating, requireOneDtype, requireSameShape } from "../checks.ts"
import { constant, type Expr } from "../expr.ts"
import type { PointwiseOptions } from "../pointwise.ts"
import { broadcastSizes } from "../shape.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type { ElementwiseLossSignature } from "../types/layer-signatures.ts"
import { checkLoss, ElementwiseLoss, type LossReduction, own, type Reduced, requireAll } from "./elementwise-loss.ts"
import { logSigmoid } from "./formulas.ts"
import { expand } from "./views.ts"

/** The logarithm is not let below −100, as in PyTorch, so that a certain and wrong guess costs a finite amount. */
const boundedLog = (x: Expr): Expr => x.log().max(-100)
const boundedLog1p = (x: Expr): Expr => x.log1p().max(-100)

const binary = (x: Expr, y: Expr): Expr =>
  y
    .sub(1)
    .mul(boundedLog1p(x.neg()))
    .sub(y.mul(boundedLog(x)))
/** PyTorch's bound of x·(1 − x), a float32. */
const LEAST_VARIANCE = Math.fround(1e-12)
const binaryGradient = (g: Expr, x: Expr, y: Expr): readonly [Expr, Expr] => [
  g.mul(x.sub(y)).div(constant(1, x.dtype).sub(x).mul(x).max(LEAST_VARIANCE)),
  g.mul(x.neg().log1p().sub(x.log())),
]
/** The gradient of the input's gradient, with PyTorch's way of keeping it finite at 0 and 1. */
const binarySecond = (gg: Expr, g: Expr, x: Expr, y: Expr): readonly [Expr, Expr, Expr] => {
  const denominator = constant(1, x.dtype).sub(x).mul(x).max(LEAST_VARIANCE)
  const bounded = x.add(1e-12).square().mul(constant(1, x.dtype).sub(x).add(1e-12).square())
  return [
    gg.mul(x.sub(y)).div(denominator),
    gg
      .mul(g)
      .mul(x.mul(x).sub(x.mul(y).mul(2)).add(y))
      .div(bounded),
    gg.mul(g).neg().div(denominator),
  ]
}
const BCE = new ElementwiseLoss("binaryCrossEntropy", 2, binary, {
  names: own("BinaryCrossEntropyBackward0"),
  gradient: (g, [x, y]) => binaryGradient(g, x!, y!),
  second: (gg, [g, scale, x, y]) => {
    const [byG, byX, byY] = binarySecond(gg.mul(scale!), g!, x!, y!)
    return [byG, null, byX, byY]
  },
})
const BCE_WEIGHTED = new ElementwiseLoss("binaryCrossEntropy", 3, (x, y, w) => binary(x, y).mul(w), {
  names: own("BinaryCrossEntropyBackward0"),
  gradient: (g, [x, y, w]) => [...binaryGradient(g.mul(w!), x!, y!), null],
  second: (gg, [g, scale, x, y, w]) => {
    const [byG, byX, byY] = binarySecond(gg.mul(scale!).mul(w!), g!, x!, y!)
    return [byG, null, byX, byY, null]
  },
})

export interface WeightedOptions extends Partial<Reduced> {
  readonly weight?: Tensor | null
  readonly posWeight?: Tensor | null
}

/**
 * −(target·log(input) + (1 − target)·log(1 − input)), the logarithms at least −100. `input` lies in [0, 1] and has the
 * target's shape and dtype, one of floats; `weight` broadcasts to it.
 */
export const binaryCrossEntropy: ElementwiseLossSignature<
  "binaryCrossEntropy",
  WeightedOptions,
  [weight: Tensor | null | WeightedOptions],
  "alike"
> = op(
  "binaryCrossEntropy(input, target, weight?, *, reduction?)",
  (x: Tensor, y: Tensor, weight: Tensor | null = null, reduction: LossReduction = "mean") => {
    const name = "binaryCrossEntropy"
    checkLoss(name, reduction, { input: x, target: y, ...(weight && { weight }) })
    requireOneDtype(name, x, y)
    requireSameShape(name, x, "target", y)
    requireAll(
      x,
      "unit",
      (e) => e.ge(0).and(e.le(1)),
      () => `${name}: all elements of input should be between 0 and 1`,
    )
    return weight ? BCE_WEIGHTED.call(reduction, [x, y, expand(weight, x.shape)]) : BCE.call(reduction, [x, y])
  },
)

/** The kinds of this loss, by whether there is a weight and a weight of the positive answers. */
function logitsLoss(weighted: boolean, positive: boolean): ElementwiseLoss {
  const parts = (args: readonly Expr[]) => ({
    x: args[0]!,
    y: args[1]!,
    w: weighted ? args[2]! : null,
    p: positive ? args[weighted ? 3 : 2]! : null,
  })
  const formula = (...args: Expr[]): Expr => {
    const { x, y, w, p } = parts(args)
    const one = constant(1, x.dtype)
    const scale = p ? p.sub(1).mul(y).add(1) : one
    const loss = one.sub(y).mul(x).sub(logSigmoid(x).mul(scale))
    return w ? loss.mul(w) : loss
  }
  const gradient: PointwiseOptions["gradient"] = (g0, args) => {
    const { x, y, w, p } = parts(args)
    const g = w ? g0.mul(w) : g0
    const one = constant(1, x.dtype)
    const share = p ? p.mul(y) : y
    const byInput = p ? share.add(1).sub(y).mul(x.sigmoid()).sub(share) : x.sigmoid().sub(y)
    const byTarget = p ? logSigmoid(x.neg()).sub(p.mul(logSigmoid(x))) : x.neg()
    const unweighted = one
      .sub(y)
      .mul(x)
      .sub(logSigmoid(x).mul(p ? p.sub(1).mul(y).add(1) : one))
    const byPositive = p ? [g.mul(y).mul(logSigmoid(x)).neg()] : []
    return [g.mul(byInput), g.mul(byTarget), ...(w ? [g0.mul(unweighted)] : []), ...byPositive]
  }
  const tensors = 2 + (weighted ? 1 : 0) + (positive ? 1 : 0)
  return new ElementwiseLoss(
    "binaryCrossEntropyWithLogits",
    tensors,
    formula,
    { names: own("BinaryCrossEntropyWithLogitsBackward0"), gradient },
    tensors,
  )
}
const LOGITS = [
  logitsLoss(false, false),
  logitsLoss(true, false),
  logitsLoss(false, true),
  logitsLoss(true, true),
] as const

/**
 * Binary cross entropy of sigmoid(input), without overflow. `input` has the target's shape, which is of floats too; `weight` and `posWeight`, by
 * which positive answers count, broadcast to it.
 */
export const binaryCrossEntropyWithLogits: ElementwiseLossSignature<
  "binaryCrossEntropyWithLogits",
  WeightedOptions,
  [weight: Tensor | null | WeightedOptions],
  "floats"
> = op(
  "binaryCrossEntropyWithLogits(input, target, weight?, *, reduction?, posWeight?)",
  (
    x: Tensor,
    y: Tensor,
    weight: Tensor | null = null,
    reduction: LossReduction = "mean",
    posWeight: Tensor | null = null,
  ) => {
    const name = "binaryCrossEntropyWithLogits"
    checkLoss(name, reduction, { input: x, target: y, ...(weight && { weight }), ...(posWeight && { posWeight }) })
    requireFloating(name, y)
    requireSameShape(name, x, "target", y)
    const more = [weight, posWeight].filter(isTensor)
    for (const t of more) broadcastSizes(name, t.shape, x.shape)
    return LOGITS[weight ? (posWeight ? 3 : 1) : posWeight ? 2 : 0].call(reduction, [x, y, ...more])
  },
)
