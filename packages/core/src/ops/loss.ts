/** Losses of corresponding elements, rows and pairs. For classes see `cross-entropy.ts` and `binary-cross-entropy.ts`. */
import { type Args, op } from "../args.ts"
import { requireSameShape, requireTensors } from "../checks.ts"
import { shapeText, tensorText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import { sameSizes } from "../shape.ts"
import type { Tensor } from "../tensor.ts"
import type { ElementwiseLossSignature, LossOfTensors } from "../types/layer-signatures.ts"
import { div, mul } from "./arithmetic.ts"
import { full } from "./creation.ts"
import { pairwiseDistance } from "./distance.ts"
import {
  checkLoss,
  checkReduction,
  composed,
  ElementwiseLoss,
  type LossReduction,
  own,
  type Reduced,
  requireAll,
} from "./elementwise-loss.ts"
import { BOUNDED, logSigmoid } from "./formulas.ts"
import { sum } from "./reduction.ts"
import { unsqueeze } from "./views.ts"

export type { LossReduction, Reduced as LossOptions }

export interface Weighted extends Reduced {
  readonly weight: Tensor | null
}

const square = (x: Expr, y: Expr): Expr => x.sub(y).square()
const absolute = (x: Expr, y: Expr): Expr => x.sub(y).abs()

const MSE = new ElementwiseLoss("mseLoss", 2, square, { names: own("MseLossBackward0") })
const MSE_WEIGHTED = new ElementwiseLoss("mseLoss", 3, (x, y, w) => square(x, y).mul(w), {
  names: composed("MulBackward0"),
})
const L1 = new ElementwiseLoss("l1Loss", 2, absolute, { names: composed("AbsBackward0") })
const L1_WEIGHTED = new ElementwiseLoss("l1Loss", 3, (x, y, w) => absolute(x, y).mul(w), {
  names: composed("MulBackward0"),
})

/** The mean of a weighted loss divides by the sum of the weights. */
function weightedLoss(
  loss: ElementwiseLoss,
  name: string,
  x: Tensor,
  y: Tensor,
  weight: Tensor,
  reduction: LossReduction,
): Tensor {
  requireSameShape(name, x, "weight", weight)
  if (reduction !== "mean") return loss.call(reduction, [x, y, weight])
  return div(loss.call("sum", [x, y, weight]), sum(weight))
}

const differenceLoss = <Op extends string>(
  name: Op,
  plain: ElementwiseLoss,
  weighted: ElementwiseLoss,
): ElementwiseLossSignature<Op, Partial<Weighted>> =>
  op(
    `${name}(input, target, *, reduction?, weight?)`,
    (x: Tensor, y: Tensor, reduction: LossReduction = "mean", weight: Tensor | null = null) => {
      checkLoss(name, reduction, { input: x, target: y, ...(weight && { weight }) })
      return weight ? weightedLoss(weighted, name, x, y, weight, reduction) : plain.call(reduction, [x, y])
    },
  )

/** (input − target)², broadcast. `weight` has the input's shape; a weighted mean divides by Σ weight. */
export const mseLoss: ElementwiseLossSignature<"mseLoss", Partial<Weighted>> = differenceLoss(
  "mseLoss",
  MSE,
  MSE_WEIGHTED,
)
/** |input − target|, broadcast. `weight` has the input's shape; a weighted mean divides by Σ weight. */
export const l1Loss: ElementwiseLossSignature<"l1Loss", Partial<Weighted>> = differenceLoss("l1Loss", L1, L1_WEIGHTED)

const SMOOTH = new ElementwiseLoss(
  "smoothL1Loss",
  2,
  (x, y, beta) => {
    const d = absolute(x, y)
    return where(d.lt(beta), d.square().mul(0.5).div(beta), d.sub(beta.mul(0.5)))
  },
  {
    names: own("SmoothL1LossBackward0"),
    gradient: (g, [x, y, beta]) => {
      const d = x!.sub(y!)
      const slope = where(d.lt(beta!.neg()), g.neg(), where(beta!.lt(d), g, g.mul(d).div(beta!)))
      return [slope, slope.neg(), null]
    },
  },
)

/**
 * ½·d²/β where d = |input − target| is below β, else d − ½·β; broadcast. β = 0 is `l1Loss`; a negative β is a RangeError.
 */
export const smoothL1Loss: ElementwiseLossSignature<"smoothL1Loss", Partial<Reduced & { readonly beta: number }>> = op(
  "smoothL1Loss(input, target, *, reduction?, beta?)",
  (x: Tensor, y: Tensor, reduction: LossReduction = "mean", beta = 1) => {
    checkLoss("smoothL1Loss", reduction, { input: x, target: y }, { beta })
    if (beta < 0) throw new RangeError(`smoothL1Loss: does not support negative values for beta, got ${beta}`)
    if (beta === 0) return SMOOTH_L1.call(reduction, [x, y])
    return SMOOTH.call(reduction, [x, y], beta)
  },
)
const SMOOTH_L1 = new ElementwiseLoss("smoothL1Loss", 2, absolute, { names: composed("AbsBackward0") })

const huber = (x: Expr, y: Expr, delta: Expr): Expr => {
  const d = absolute(x, y)
  return where(d.le(delta), d.square().mul(0.5), d.sub(delta.mul(0.5)).mul(delta))
}
const huberSlope = (g: Expr, x: Expr, y: Expr, delta: Expr): Expr => {
  const d = x.sub(y)
  return where(d.le(delta.neg()), g.neg().mul(delta), where(delta.le(d), g.mul(delta), g.mul(d)))
}
const HUBER = new ElementwiseLoss("huberLoss", 2, huber, {
  names: own("HuberLossBackward0"),
  gradient: (g, [x, y, delta]) => {
    const slope = huberSlope(g, x!, y!, delta!)
    return [slope, slope.neg(), null]
  },
})
const HUBER_WEIGHTED = new ElementwiseLoss("huberLoss", 3, (x, y, w, delta) => huber(x, y, delta).mul(w), {
  names: composed("MulBackward0"),
  gradient: (g, [x, y, w, delta]) => {
    const slope = huberSlope(g.mul(w!), x!, y!, delta!)
    return [slope, slope.neg(), g.mul(huber(x!, y!, delta!)), null]
  },
})

export interface HuberOptions extends Partial<Reduced> {
  readonly delta?: number
  readonly weight?: Tensor | null
}

/** ½·d² where d = |input − target| is at most δ, else δ·(d − ½·δ); broadcast. `weight` has the input's shape. */
export const huberLoss: ElementwiseLossSignature<
  "huberLoss",
  HuberOptions,
  [reduction: LossReduction | HuberOptions, delta: number | HuberOptions, weight: Tensor | null | HuberOptions]
> = op(
  "huberLoss(input, target, reduction?, delta?, weight?)",
  (x: Tensor, y: Tensor, reduction: LossReduction = "mean", delta = 1, weight: Tensor | null = null) => {
    checkLoss("huberLoss", reduction, { input: x, target: y, ...(weight && { weight }) }, { delta })
    if (delta <= 0) throw new RangeError(`huberLoss: does not support non-positive values for delta, got ${delta}`)
    if (!weight) return HUBER.call(reduction, [x, y], delta)
    requireSameShape("huberLoss", x, "weight", weight)
    return HUBER_WEIGHTED.call(reduction, [x, y, weight], delta)
  },
)

const SOFT_MARGIN = new ElementwiseLoss("softMarginLoss", 2, (x, y) => logSigmoid(x.mul(y)).neg(), {
  names: own("SoftMarginLossBackward0"),
  gradient: (g, [x, y]) => softMarginGradient(g, x!, y!),
})
const softMarginGradient = (g: Expr, x: Expr, y: Expr): readonly Expr[] => {
  const slope = g.mul(x.mul(y).neg().sigmoid()).neg()
  return [slope.mul(y), slope.mul(x)]
}

/** log(1 + exp(−target·input)), targets 1 or −1, without overflow. */
export const softMarginLoss: ElementwiseLossSignature<"softMarginLoss", Partial<Reduced>> = op(
  "softMarginLoss(input, target, *, reduction?)",
  (x: Tensor, y: Tensor, reduction: LossReduction = "mean") => {
    checkLoss("softMarginLoss", reduction, { input: x, target: y })
    return SOFT_MARGIN.call(reduction, [x, y])
  },
)

// ---- divergences and likelihoods ----

const KL = new ElementwiseLoss("klDiv", 2, (x, y) => where(y.eq(0), 0, y.mul(y.log())).sub(y.mul(x)), {
  names: composed("SubBackward0"),
})
const KL_LOG = new ElementwiseLoss("klDiv", 2, (x, y) => y.exp().mul(y.sub(x)), { names: composed("MulBackward0") })

/**
 * target·(log(target) − input), the input being logarithms of probabilities; with `logTarget` the target is, too. Reduction
 * "batchmean" divides the sum by the size of the first dim, which is the divergence; "mean" by the number of elements.
 */
export const klDiv: ElementwiseLossSignature<
  "klDiv",
  { readonly reduction?: LossReduction | "batchmean"; readonly logTarget?: boolean }
> = op(
  "klDiv(input, target, *, reduction?, logTarget?)",
  (x: Tensor, y: Tensor, reduction: LossReduction | "batchmean" = "mean", logTarget = false) => {
    checkReduction("klDiv", reduction, ["batchmean"])
    requireTensors("klDiv", { input: x, target: y })
    const loss = logTarget ? KL_LOG : KL
    if (reduction !== "batchmean") return loss.call(reduction, [x, y])
    const total = loss.call("sum", [x, y])
    return x.ndim === 0 ? total : div(total, x.shape[0]!)
  },
)

/** Stirling's approximation of log(y!), for y above 1. */
const stirling = (y: Expr): Expr =>
  where(
    y.le(1),
    0,
    y
      .mul(y.log())
      .sub(y)
      .add(
        y
          .mul(2 * Math.PI)
          .log()
          .mul(0.5),
      ),
  )
const poisson = (x: Expr, y: Expr, eps: Expr): Expr => x.sub(y.mul(x.add(eps).log()))
const poissonOfLog = (x: Expr, y: Expr): Expr => x.exp().sub(y.mul(x))
const POISSON = {
  log: new ElementwiseLoss("poissonNllLoss", 2, poissonOfLog, { names: composed("SubBackward0") }),
  logFull: new ElementwiseLoss("poissonNllLoss", 2, (x, y) => poissonOfLog(x, y).add(stirling(y)), {
    names: composed("AddBackward0"),
  }),
  plain: new ElementwiseLoss("poissonNllLoss", 2, poisson, { names: composed("SubBackward0") }),
  plainFull: new ElementwiseLoss("poissonNllLoss", 2, (x, y, eps) => poisson(x, y, eps).add(stirling(y)), {
    names: composed("AddBackward0"),
  }),
} as const

export interface PoissonOptions extends Partial<Reduced> {
  readonly logInput?: boolean
  readonly full?: boolean
  readonly eps?: number
}

/**
 * exp(input) − target·input, or without `logInput` input − target·log(input + eps); `full` adds Stirling's term for
 * targets above 1.
 */
export const poissonNllLoss: ElementwiseLossSignature<
  "poissonNllLoss",
  PoissonOptions,
  [logInput: boolean | PoissonOptions, full: boolean | PoissonOptions]
> = op(
  "poissonNllLoss(input, target, logInput?, full?, *, eps?, reduction?)",
  (x: Tensor, y: Tensor, logInput = true, isFull = false, eps = 1e-8, reduction: LossReduction = "mean") => {
    checkLoss("poissonNllLoss", reduction, { input: x, target: y }, { eps })
    if (logInput) return POISSON[isFull ? "logFull" : "log"].call(reduction, [x, y])
    return POISSON[isFull ? "plainFull" : "plain"].call(reduction, [x, y], eps)
  },
)

const gaussian = (x: Expr, y: Expr, v: Expr, extra: Expr): Expr => v.log().add(square(x, y).div(v)).mul(0.5).add(extra)
const GAUSSIAN = new ElementwiseLoss("gaussianNllLoss", 3, gaussian, { names: composed("MulBackward0") })
const GAUSSIAN_FULL = new ElementwiseLoss("gaussianNllLoss", 3, gaussian, { names: composed("AddBackward0") })

/**
 * ½·(log(var) + (input − target)²/var), var kept at least `eps`; `full` adds ½·log 2π. `var` is a non-negative number, or a
 * tensor of the input's shape, without its last dim, or with size 1 in one dim.
 */
export const gaussianNllLoss: LossOfTensors<
  "two",
  "target",
  "var",
  Args<[["target", Tensor], ["var", Tensor | number], ["full", boolean], ["eps", number], ["reduction", LossReduction]]>
> = op(
  "gaussianNllLoss(input, target, var, full?, eps?, reduction?)",
  (x: Tensor, y: Tensor, variance: Tensor | number, isFull = false, eps = 1e-6, reduction: LossReduction = "mean") => {
    const name = "gaussianNllLoss"
    const negative = (): string => `${name}: var has negative entries`
    if (typeof variance === "number" && variance < 0) throw new RangeError(`${negative()}, got ${variance}`)
    let v = typeof variance === "number" ? full([], variance, { dtype: x.dtype, device: x.device }) : variance
    checkLoss(name, reduction, { input: x, target: y, var: v }, { eps })
    requireAll(v, "not negative", (e) => e.lt(0).not(), negative)
    if (typeof variance !== "number" && !sameSizes(v.shape, x.shape)) {
      if (sameSizes(v.shape, x.shape.slice(0, -1))) v = unsqueeze(v, -1)
      else if (
        v.ndim !== x.ndim ||
        x.shape.filter((s, d) => s !== v.shape[d]).length !== 1 ||
        x.shape.some((s, d) => s !== v.shape[d] && v.shape[d] !== 1)
      )
        throw new RangeError(
          `${name}: var is of incorrect size ${shapeText(v.shape)} for input ${tensorText(x)}: expected the same, without the last dim, or 1 in one dim`,
        )
    }
    const extra = isFull ? 0.5 * Math.log(2 * Math.PI) : 0
    return (isFull ? GAUSSIAN_FULL : GAUSSIAN).call(reduction, [x, y, BOUNDED.call(v, eps)], extra)
  },
)

// ---- margins ----

/** Zero below zero; the gradient passes at zero itself. */
const clampMin = (e: Expr): Expr => where(e.lt(0), 0, e)

const HINGE = new ElementwiseLoss(
  "hingeEmbeddingLoss",
  2,
  (x, y, margin) => where(y.eq(1), 0, clampMin(margin.sub(x))).add(where(y.eq(-1), 0, x)),
  { names: composed("AddBackward0") },
)

export interface MarginOptions extends Partial<Reduced> {
  readonly margin?: number
}

/** The input where the target is 1, max(0, margin − input) where it is −1. */
export const hingeEmbeddingLoss: ElementwiseLossSignature<
  "hingeEmbeddingLoss",
  MarginOptions,
  [margin: number | MarginOptions]
> = op(
  "hingeEmbeddingLoss(input, target, margin?, *, reduction?)",
  (x: Tensor, y: Tensor, margin = 1, reduction: LossReduction = "mean") => {
    checkLoss("hingeEmbeddingLoss", reduction, { input: x, target: y }, { margin })
    return HINGE.call(reduction, [x, y], margin)
  },
)

const RANKING = new ElementwiseLoss(
  "marginRankingLoss",
  3,
  (a, b, y, margin) => clampMin(y.neg().mul(a.sub(b)).add(margin)),
  {
    names: composed("ClampMinBackward0"),
  },
)

type ThreeTensors<Rule extends "all" | "rowsOfTwo"> = LossOfTensors<
  Rule,
  "input2",
  "target",
  Args<[["input2", Tensor], ["target", Tensor], ["margin", number]], Partial<Reduced>>
>

/** max(0, −target·(input1 − input2) + margin): a target of 1 says that the first ranks higher, −1 the second. */
export const marginRankingLoss: ThreeTensors<"all"> = op(
  "marginRankingLoss(input1, input2, target, margin?, *, reduction?)",
  (a: Tensor, b: Tensor, y: Tensor, margin = 0, reduction: LossReduction = "mean") => {
    const name = "marginRankingLoss"
    checkLoss(name, reduction, { input1: a, input2: b, target: y }, { margin })
    if (a.ndim !== b.ndim || a.ndim !== y.ndim)
      throw new RangeError(
        `${name}: all input tensors should have the same number of dims, got ${tensorText(a)}, ${tensorText(b)} and ${tensorText(y)}`,
      )
    return RANKING.call(reduction, [a, b, y], margin)
  },
)

const COSINE_EPS = 1e-12
const COSINE = new ElementwiseLoss(
  "cosineEmbeddingLoss",
  4,
  (dot, a, b, y, margin) => {
    const cosine = dot.div(a.add(COSINE_EPS).mul(b.add(COSINE_EPS)).sqrt())
    return where(y.eq(1), constant(1, y.dtype).sub(cosine), 0).add(where(y.eq(-1), clampMin(cosine.sub(margin)), 0))
  },
  { names: composed("AddBackward0") },
)

/** 1 − cos where the target is 1, max(0, cos − margin) where it is −1; of rows [n, d] with targets [n], or of vectors. */
export const cosineEmbeddingLoss: ThreeTensors<"rowsOfTwo"> = op(
  "cosineEmbeddingLoss(input1, input2, target, margin?, *, reduction?)",
  (a: Tensor, b: Tensor, y: Tensor, margin = 0, reduction: LossReduction = "mean") => {
    const name = "cosineEmbeddingLoss"
    checkLoss(name, reduction, { input1: a, input2: b, target: y }, { margin })
    if (y.ndim > 1)
      throw new RangeError(`${name}: 0D or 1D target tensor expected, multi-target not supported: ${tensorText(y)}`)
    if (a.ndim !== y.ndim + 1 || b.ndim !== y.ndim + 1)
      throw new RangeError(
        `${name}: a ${y.ndim}D target tensor expects ${y.ndim + 1}D input tensors, but found inputs ${tensorText(a)} and ${tensorText(b)}`,
      )
    return COSINE.call(reduction, [sum(mul(a, b), -1), sum(mul(a, a), -1), sum(mul(b, b), -1), y], margin)
  },
)

const TRIPLET = new ElementwiseLoss(
  "tripletMarginLoss",
  2,
  (near, far, margin) => clampMin(near.sub(far).add(margin)),
  {
    names: composed("ClampMinBackward0"),
  },
)
const TRIPLET_SWAP = new ElementwiseLoss(
  "tripletMarginLoss",
  3,
  (near, far, other, margin) => clampMin(near.sub(far.min(other)).add(margin)),
  {
    names: composed("ClampMinBackward0"),
  },
)

/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin), d the p-norm of the difference plus eps over the last dim.
 * With `swap` the smaller of d(anchor, negative) and d(positive, negative).
 */
export const tripletMarginLoss: LossOfTensors<
  "rows",
  "positive",
  "negative",
  Args<
    [["positive", Tensor], ["negative", Tensor], ["margin", number], ["p", number], ["eps", number], ["swap", boolean]],
    Partial<Reduced>
  >
> = op(
  "tripletMarginLoss(anchor, positive, negative, margin?, p?, eps?, swap?, *, reduction?)",
  (
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin = 1,
    p = 2,
    eps = 1e-6,
    swap = false,
    reduction: LossReduction = "mean",
  ) => {
    const name = "tripletMarginLoss"
    checkLoss(name, reduction, { anchor, positive, negative }, { margin, p, eps })
    if (margin <= 0) throw new RangeError(`${name}: margin must be greater than 0, got ${margin}`)
    if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim)
      throw new RangeError(
        `${name}: the anchor, positive and negative tensors must have the same number of dims, got ${tensorText(anchor)}, ${tensorText(positive)} and ${tensorText(negative)}`,
      )
    const near = pairwiseDistance(anchor, positive, p, eps)
    const far = pairwiseDistance(anchor, negative, p, eps)
    return swap
      ? TRIPLET_SWAP.call(reduction, [near, far, pairwiseDistance(positive, negative, p, eps)], margin)
      : TRIPLET.call(reduction, [near, far], margin)
  },
)

const labels = (x: Expr, y: Expr): Expr =>
  y
    .mul(logSigmoid(x))
    .add(constant(1, y.dtype).sub(y).mul(logSigmoid(x.neg())))
    .neg()
const labelsGradient = (g: Expr, x: Expr, y: Expr): readonly [Expr, Expr] => [g.mul(x.sigmoid().sub(y)), g.mul(x).neg()]
const LABELS = new ElementwiseLoss("multilabelSoftMarginLoss", 2, labels, {
  names: ["NegBackward0", "MeanBackward0", "DivBackward0"],
  gradient: (g, [x, y]) => labelsGradient(g, x!, y!),
})
const LABELS_WEIGHTED = new ElementwiseLoss("multilabelSoftMarginLoss", 3, (x, y, w) => labels(x, y).mul(w), {
  names: ["MulBackward0", "MeanBackward0", "DivBackward0"],
  gradient: (g, [x, y, w]) => [...labelsGradient(g.mul(w!), x!, y!), g.mul(labels(x!, y!))],
})

/** The mean over the last dim, the classes, of the binary cross entropy of sigmoid(input) with targets 0 and 1. */
export const multilabelSoftMarginLoss: LossOfTensors<
  "rowsWithin",
  "target",
  "weight",
  Args<[["target", Tensor], ["weight", Tensor | null]], Partial<Reduced>>
> = op(
  "multilabelSoftMarginLoss(input, target, weight?, *, reduction?)",
  (x: Tensor, y: Tensor, weight: Tensor | null = null, reduction: LossReduction = "mean") => {
    const name = "multilabelSoftMarginLoss"
    checkLoss(name, reduction, { input: x, target: y, ...(weight && { weight }) })
    if (x.ndim === 0) throw new RangeError(`${name}: expected an input with at least one dim, got ${tensorText(x)}`)
    const loss = weight ? LABELS_WEIGHTED : LABELS
    const tensors = weight ? [x, y, weight] : [x, y]
    if (reduction === "mean") return loss.call("mean", tensors)
    const perSample = div(sum(loss.call("none", tensors), -1), x.shape.at(-1)!)
    return reduction === "none" ? perSample : sum(perSample)
  },
)
