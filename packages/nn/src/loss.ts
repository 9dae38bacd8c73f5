/** Losses as modules. `reduction` is "mean", "sum" or "none". */
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  cosineEmbeddingLoss,
  crossEntropy,
  gaussianNllLoss,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  l1Loss,
  marginRankingLoss,
  mseLoss,
  multilabelSoftMarginLoss,
  nllLoss,
  poissonNllLoss,
  smoothL1Loss,
  softMarginLoss,
  type Tensor,
  tripletMarginLoss,
} from "@taeda/core"
import { type Field, layer, optional, type Settings, showNothing, type Values } from "./layer.ts"
import type { Open } from "./types/layer.ts"
import type { BroadcastLoss, ClassLoss, Loss, LossRule } from "./types/loss.ts"

/** What becomes of the losses of the elements: their mean, their sum, or nothing. */
export type Reduction = "mean" | "sum" | "none"

const REDUCTION = ["reduction", "mean"] as const
const WEIGHT = ["weight", optional<Tensor>(), "buffer"] as const
const IGNORE = ["ignoreIndex", -100] as const

type Reduced = { readonly reduction: string }
const reduction = (m: Reduced): Reduction => m.reduction as Reduction

/** A loss: a layer that prints no settings. */
const loss = <const P extends readonly Field[], A extends readonly unknown[]>(
  name: string,
  fields: P,
  compute: Parameters<typeof layer<P, A, Tensor>>[2],
) => layer(name, fields, compute, showNothing)

/** A class of losses that know their settings. */
interface LossClass<P extends readonly Field[], R extends LossRule, I extends string> {
  new <const A extends Settings<P>>(...args: A): Loss<R, I, A> & Values<P>
}

/** A loss of an input and a target with the rule R, whose setting at place I is the reduction. */
const ruledLoss = <R extends LossRule, I extends string>() =>
  loss as unknown as <const P extends readonly Field[]>(
    name: string,
    fields: P,
    compute: (self: Values<P>, input: Tensor, target: Tensor) => Tensor,
  ) => LossClass<P, R, I>

const CROSS_ENTROPY = [WEIGHT, IGNORE, REDUCTION, ["labelSmoothing", 0]] as const
const NLL = [WEIGHT, IGNORE, REDUCTION] as const
const ELEMENTWISE = [REDUCTION] as const
const SMOOTH = [REDUCTION, ["beta", 1]] as const
const HUBER = [REDUCTION, ["delta", 1]] as const

/** −log softmax(input) at the target: class indices, or probabilities of each class. */
export class CrossEntropyLoss<const A extends Settings<typeof CROSS_ENTROPY> = Open> extends ruledLoss<
  ClassLoss<"crossEntropy", true>,
  "2"
>()("CrossEntropyLoss", CROSS_ENTROPY, (m, input, target) =>
  crossEntropy(input, target, {
    weight: m.weight,
    ignoreIndex: m.ignoreIndex,
    reduction: reduction(m),
    labelSmoothing: m.labelSmoothing,
  }),
)<A> {}
/** −input at the target's class: of log probabilities. */
export class NLLLoss<const A extends Settings<typeof NLL> = Open> extends ruledLoss<ClassLoss<"nllLoss", false>, "2">()(
  "NLLLoss",
  NLL,
  (m, input, target) =>
    nllLoss(input, target, { weight: m.weight, ignoreIndex: m.ignoreIndex, reduction: reduction(m) }),
)<A> {}
/** (input − target)² */
export class MSELoss<const A extends Settings<typeof ELEMENTWISE> = Open> extends ruledLoss<
  BroadcastLoss<"mseLoss">,
  "0"
>()("MSELoss", ELEMENTWISE, (m, input, target) => mseLoss(input, target, { reduction: reduction(m) }))<A> {}
/** |input − target| */
export class L1Loss<const A extends Settings<typeof ELEMENTWISE> = Open> extends ruledLoss<
  BroadcastLoss<"l1Loss">,
  "0"
>()("L1Loss", ELEMENTWISE, (m, input, target) => l1Loss(input, target, { reduction: reduction(m) }))<A> {}
/** Squares below `beta`, absolute values above. */
export class SmoothL1Loss<const A extends Settings<typeof SMOOTH> = Open> extends ruledLoss<
  BroadcastLoss<"smoothL1Loss">,
  "0"
>()("SmoothL1Loss", SMOOTH, (m, input, target) =>
  smoothL1Loss(input, target, { reduction: reduction(m), beta: m.beta }),
)<A> {}
/** Squares below `delta`, delta times absolute values above. */
export class HuberLoss<const A extends Settings<typeof HUBER> = Open> extends ruledLoss<
  BroadcastLoss<"huberLoss">,
  "0"
>()("HuberLoss", HUBER, (m, input, target) =>
  huberLoss(input, target, { reduction: reduction(m), delta: m.delta }),
)<A> {}
/** −target·log(input) − (1 − target)·log(1 − input): of probabilities. */
export class BCELoss extends loss("BCELoss", [WEIGHT, REDUCTION], (m, input: Tensor, target: Tensor) =>
  binaryCrossEntropy(input, target, { weight: m.weight, reduction: reduction(m) }),
) {}
/** As BCELoss, of sigmoid(input), computed stably. */
export class BCEWithLogitsLoss extends loss(
  "BCEWithLogitsLoss",
  [WEIGHT, REDUCTION, ["posWeight", optional<Tensor>(), "buffer"]],
  (m, input: Tensor, target: Tensor) =>
    binaryCrossEntropyWithLogits(input, target, { weight: m.weight, reduction: reduction(m), posWeight: m.posWeight }),
) {}
/** target·(log target − input): of log probabilities; `reduction` may be "batchmean". */
export class KLDivLoss extends loss(
  "KLDivLoss",
  [REDUCTION, ["logTarget", false]],
  (m, input: Tensor, target: Tensor) => klDiv(input, target, { reduction: reduction(m), logTarget: m.logTarget }),
) {}
/** input where the target is 1, max(0, margin − input) where it is −1. */
export class HingeEmbeddingLoss extends loss(
  "HingeEmbeddingLoss",
  [["margin", 1], REDUCTION],
  (m, input: Tensor, target: Tensor) =>
    hingeEmbeddingLoss(input, target, { margin: m.margin, reduction: reduction(m) }),
) {}
/** max(0, −target·(input1 − input2) + margin) */
export class MarginRankingLoss extends loss(
  "MarginRankingLoss",
  [["margin", 0], REDUCTION],
  (m, input1: Tensor, input2: Tensor, target: Tensor) =>
    marginRankingLoss(input1, input2, target, { margin: m.margin, reduction: reduction(m) }),
) {}
/** 1 − cos where the target is 1, max(0, cos − margin) where it is −1. */
export class CosineEmbeddingLoss extends loss(
  "CosineEmbeddingLoss",
  [["margin", 0], REDUCTION],
  (m, input1: Tensor, input2: Tensor, target: Tensor) =>
    cosineEmbeddingLoss(input1, input2, target, { margin: m.margin, reduction: reduction(m) }),
) {}
/** max(0, d(anchor, positive) − d(anchor, negative) + margin) */
export class TripletMarginLoss extends loss(
  "TripletMarginLoss",
  [["margin", 1], ["p", 2], ["eps", 1e-6], ["swap", false], REDUCTION],
  (m, anchor: Tensor, positive: Tensor, negative: Tensor) =>
    tripletMarginLoss(anchor, positive, negative, {
      margin: m.margin,
      p: m.p,
      eps: m.eps,
      swap: m.swap,
      reduction: reduction(m),
    }),
) {}
/** log(1 + exp(−target·input)), of targets 1 and −1. */
export class SoftMarginLoss extends loss("SoftMarginLoss", [REDUCTION], (m, input: Tensor, target: Tensor) =>
  softMarginLoss(input, target, { reduction: reduction(m) }),
) {}
/** The mean over classes of the binary cross entropies of sigmoid(input). */
export class MultiLabelSoftMarginLoss extends loss(
  "MultiLabelSoftMarginLoss",
  [WEIGHT, REDUCTION],
  (m, input: Tensor, target: Tensor) =>
    multilabelSoftMarginLoss(input, target, { weight: m.weight, reduction: reduction(m) }),
) {}
/** exp(input) − target·input, with `logInput` false input − target·log(input + eps). */
export class PoissonNLLLoss extends loss(
  "PoissonNLLLoss",
  [["logInput", true], ["full", false], ["eps", 1e-8], REDUCTION],
  (m, input: Tensor, target: Tensor) =>
    poissonNllLoss(input, target, { logInput: m.logInput, full: m.full, eps: m.eps, reduction: reduction(m) }),
) {}
/** ½·(log var + (input − target)²/var) */
export class GaussianNLLLoss extends loss(
  "GaussianNLLLoss",
  [["full", false], ["eps", 1e-6], REDUCTION],
  (m, input: Tensor, target: Tensor, variance: Tensor | number) =>
    gaussianNllLoss(input, target, variance, { full: m.full, eps: m.eps, reduction: reduction(m) }),
) {}
