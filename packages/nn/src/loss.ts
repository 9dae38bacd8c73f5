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
import { type Field, layer, optional, paired, type Settings, showNothing, type Values } from "./layer.ts"
import type { Open } from "./types/layer.ts"
import type { AlikeLoss, BroadcastLoss, ClassLoss, FloatsLoss, LabelLoss, PairRule, TripleLoss } from "./types/pair.ts"
import type { Spelt } from "./types/settings.ts"

/** What becomes of the losses of the elements: their mean, their sum, or nothing. */
export type Reduction = "mean" | "sum" | "none"

const REDUCTION = ["reduction", "mean"] as const
const WEIGHT = ["weight", optional<Tensor>(), "buffer"] as const
const IGNORE = ["ignoreIndex", -100] as const

type Reduced = { readonly reduction: string }
const reduction = (m: Reduced): Reduction => m.reduction as Reduction

/** A loss of an input and a target with the rule R: a layer that prints no settings. */
const loss = <R extends PairRule>() => {
  const make = paired<R>()
  return <const P extends readonly Field[]>(name: string, fields: P, compute: Parameters<typeof make<P>>[2]) =>
    make(name, fields, compute, showNothing)
}

/** A class of losses of three tensors; the setting at place I is the reduction. */
interface TripleClass<P extends readonly Field[], I extends string, Third extends Tensor | number> {
  new <const A extends Settings<P>>(...args: Spelt<A, Settings<P>>): TripleLoss<I, Third, A> & Values<P>
}

/** A loss of three tensors; the third may be something else if `Third` says so. */
const tripleLoss =
  <I extends string, Third extends Tensor | number = Tensor>() =>
  <const P extends readonly Field[]>(
    name: string,
    fields: P,
    compute: (self: Values<P>, input: Tensor, second: Tensor, third: Third) => Tensor,
  ): TripleClass<P, I, Third> =>
    layer(name, fields, compute, showNothing) as unknown as TripleClass<P, I, Third>

const CROSS_ENTROPY = [WEIGHT, IGNORE, REDUCTION, ["labelSmoothing", 0]] as const
const NLL = [WEIGHT, IGNORE, REDUCTION] as const
const ELEMENTWISE = [REDUCTION] as const
const SMOOTH = [REDUCTION, ["beta", 1]] as const
const HUBER = [REDUCTION, ["delta", 1]] as const
const WEIGHTED = [WEIGHT, REDUCTION] as const
const LOGITS = [WEIGHT, REDUCTION, ["posWeight", optional<Tensor>(), "buffer"]] as const
const DIVERGENCE = [REDUCTION, ["logTarget", false]] as const
const HINGE = [["margin", 1], REDUCTION] as const
const MARGIN = [["margin", 0], REDUCTION] as const
const TRIPLET = [["margin", 1], ["p", 2], ["eps", 1e-6], ["swap", false], REDUCTION] as const
const POISSON = [["logInput", true], ["full", false], ["eps", 1e-8], REDUCTION] as const
const GAUSSIAN = [["full", false], ["eps", 1e-6], REDUCTION] as const

/** −log softmax(input) at the target: class indices, or probabilities of each class. */
export class CrossEntropyLoss<const A extends Settings<typeof CROSS_ENTROPY> = Open> extends loss<
  ClassLoss<"crossEntropy", "2", true>
>()("CrossEntropyLoss", CROSS_ENTROPY, (m, input, target) =>
  crossEntropy(input, target, {
    weight: m.weight,
    ignoreIndex: m.ignoreIndex,
    reduction: reduction(m),
    labelSmoothing: m.labelSmoothing,
  }),
)<A> {}
/** −input at the target's class: of log probabilities. */
export class NLLLoss<const A extends Settings<typeof NLL> = Open> extends loss<ClassLoss<"nllLoss", "2", false>>()(
  "NLLLoss",
  NLL,
  (m, input, target) =>
    nllLoss(input, target, { weight: m.weight, ignoreIndex: m.ignoreIndex, reduction: reduction(m) }),
)<A> {}
/** (input − target)² */
export class MSELoss<const A extends Settings<typeof ELEMENTWISE> = Open> extends loss<BroadcastLoss<"mseLoss", "0">>()(
  "MSELoss",
  ELEMENTWISE,
  (m, input, target) => mseLoss(input, target, { reduction: reduction(m) }),
)<A> {}
/** |input − target| */
export class L1Loss<const A extends Settings<typeof ELEMENTWISE> = Open> extends loss<BroadcastLoss<"l1Loss", "0">>()(
  "L1Loss",
  ELEMENTWISE,
  (m, input, target) => l1Loss(input, target, { reduction: reduction(m) }),
)<A> {}
/** Squares below `beta`, absolute values above. */
export class SmoothL1Loss<const A extends Settings<typeof SMOOTH> = Open> extends loss<
  BroadcastLoss<"smoothL1Loss", "0">
>()("SmoothL1Loss", SMOOTH, (m, input, target) =>
  smoothL1Loss(input, target, { reduction: reduction(m), beta: m.beta }),
)<A> {}
/** Squares below `delta`, delta times absolute values above. */
export class HuberLoss<const A extends Settings<typeof HUBER> = Open> extends loss<BroadcastLoss<"huberLoss", "0">>()(
  "HuberLoss",
  HUBER,
  (m, input, target) => huberLoss(input, target, { reduction: reduction(m), delta: m.delta }),
)<A> {}
/** −target·log(input) − (1 − target)·log(1 − input): of probabilities. */
export class BCELoss<const A extends Settings<typeof WEIGHTED> = Open> extends loss<
  AlikeLoss<"binaryCrossEntropy", "1">
>()("BCELoss", WEIGHTED, (m, input, target) =>
  binaryCrossEntropy(input, target, { weight: m.weight, reduction: reduction(m) }),
)<A> {}
/** As BCELoss, of sigmoid(input), computed stably. */
export class BCEWithLogitsLoss<const A extends Settings<typeof LOGITS> = Open> extends loss<
  FloatsLoss<"binaryCrossEntropyWithLogits", "1">
>()("BCEWithLogitsLoss", LOGITS, (m, input, target) =>
  binaryCrossEntropyWithLogits(input, target, { weight: m.weight, reduction: reduction(m), posWeight: m.posWeight }),
)<A> {}
/** target·(log target − input): of log probabilities; `reduction` may be "batchmean". */
export class KLDivLoss<const A extends Settings<typeof DIVERGENCE> = Open> extends loss<BroadcastLoss<"klDiv", "0">>()(
  "KLDivLoss",
  DIVERGENCE,
  (m, input, target) => klDiv(input, target, { reduction: reduction(m), logTarget: m.logTarget }),
)<A> {}
/** input where the target is 1, max(0, margin − input) where it is −1. */
export class HingeEmbeddingLoss<const A extends Settings<typeof HINGE> = Open> extends loss<
  BroadcastLoss<"hingeEmbeddingLoss", "1">
>()("HingeEmbeddingLoss", HINGE, (m, input, target) =>
  hingeEmbeddingLoss(input, target, { margin: m.margin, reduction: reduction(m) }),
)<A> {}
/** max(0, −target·(input1 − input2) + margin) */
export class MarginRankingLoss<const A extends Settings<typeof MARGIN> = Open> extends tripleLoss<"1">()(
  "MarginRankingLoss",
  MARGIN,
  (m, input1, input2, target) =>
    marginRankingLoss(input1, input2, target, { margin: m.margin, reduction: reduction(m) }),
)<A> {}
/** 1 − cos where the target is 1, max(0, cos − margin) where it is −1. */
export class CosineEmbeddingLoss<const A extends Settings<typeof MARGIN> = Open> extends tripleLoss<"1">()(
  "CosineEmbeddingLoss",
  MARGIN,
  (m, input1, input2, target) =>
    cosineEmbeddingLoss(input1, input2, target, { margin: m.margin, reduction: reduction(m) }),
)<A> {}
/** max(0, d(anchor, positive) − d(anchor, negative) + margin) */
export class TripletMarginLoss<const A extends Settings<typeof TRIPLET> = Open> extends tripleLoss<"4">()(
  "TripletMarginLoss",
  TRIPLET,
  (m, anchor, positive, negative) =>
    tripletMarginLoss(anchor, positive, negative, {
      margin: m.margin,
      p: m.p,
      eps: m.eps,
      swap: m.swap,
      reduction: reduction(m),
    }),
)<A> {}
/** log(1 + exp(−target·input)), of targets 1 and −1. */
export class SoftMarginLoss<const A extends Settings<typeof ELEMENTWISE> = Open> extends loss<
  BroadcastLoss<"softMarginLoss", "0">
>()("SoftMarginLoss", ELEMENTWISE, (m, input, target) =>
  softMarginLoss(input, target, { reduction: reduction(m) }),
)<A> {}
/** The mean over classes of the binary cross entropies of sigmoid(input). */
export class MultiLabelSoftMarginLoss<const A extends Settings<typeof WEIGHTED> = Open> extends loss<
  LabelLoss<"multilabelSoftMarginLoss", "1">
>()("MultiLabelSoftMarginLoss", WEIGHTED, (m, input, target) =>
  multilabelSoftMarginLoss(input, target, { weight: m.weight, reduction: reduction(m) }),
)<A> {}
/** exp(input) − target·input, with `logInput` false input − target·log(input + eps). */
export class PoissonNLLLoss<const A extends Settings<typeof POISSON> = Open> extends loss<
  BroadcastLoss<"poissonNllLoss", "3">
>()("PoissonNLLLoss", POISSON, (m, input, target) =>
  poissonNllLoss(input, target, { logInput: m.logInput, full: m.full, eps: m.eps, reduction: reduction(m) }),
)<A> {}
/** ½·(log var + (input − target)²/var) */
export class GaussianNLLLoss<const A extends Settings<typeof GAUSSIAN> = Open> extends tripleLoss<
  "2",
  Tensor | number
>()("GaussianNLLLoss", GAUSSIAN, (m, input, target, variance) =>
  gaussianNllLoss(input, target, variance, { full: m.full, eps: m.eps, reduction: reduction(m) }),
)<A> {}
