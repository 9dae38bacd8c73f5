/** RMSprop. */
import { type Args, type Tensor, zerosLike } from "@taeda/core"
import { direction, variants } from "./kernels.ts"
import { Optimizer, optimizerSignature, options, type ParamGroup, type Params } from "./optimizer.ts"

/** RMSprop's settings, each of which a group of parameters may have otherwise. */
export interface RMSpropOptions {
  /** The learning rate. */
  lr: number
  /** How much of the running average of squares stays at a step. */
  alpha: number
  /** Added to the denominator. */
  eps: number
  /** The share of the weight that is added to its gradient (for AdamW: taken off the weight itself). */
  weightDecay: number
  momentum: number
  /** Divides by an estimate of the variance instead of the mean square. */
  centered: boolean
  /** Ascends instead of descending. */
  maximize: boolean
}

/** What RMSprop remembers of a parameter: its steps, the average of its squared gradients, with a momentum their running sum, and `centered` their average. */
export interface RMSpropState {
  step: number
  squareAvg: Tensor
  momentumBuffer?: Tensor
  gradAvg?: Tensor
}

const SIGNATURE = optimizerSignature(
  "RMSprop(params, lr?, alpha?, eps?, weightDecay?, momentum?, centered?, *, maximize?)",
)
const DEFAULTS: RMSpropOptions = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
}
const atLeastZero = (v: number): boolean => v >= 0

/** v ← α·v + (1 − α)·d² */
const SQUARES = variants("rmspropSquares", (decays: boolean, maximize: boolean) => (v, g, p, decay, alpha, share) => {
  const d = direction(g, p, decay, decays, maximize)
  return v.mul(alpha).add(d.mul(share).mul(d))
})
/** m ← m + (1 − α)·(d − m) */
const AVERAGE = variants(
  "rmspropAverage",
  (decays: boolean, maximize: boolean) => (m, g, p, decay, share) =>
    m.add(direction(g, p, decay, decays, maximize).sub(m).mul(share)),
)
/** p ← p − lr·d / (√v + ε) */
const STEP = variants(
  "rmsprop",
  (decays: boolean, maximize: boolean) => (p, g, v, decay, eps, lr) =>
    p.sub(direction(g, p, decay, decays, maximize).div(v.sqrt().add(eps)).mul(lr)),
)
/** p ← p − lr·d / (√(v − m²) + ε) */
const CENTERED = variants(
  "rmsprop",
  (decays: boolean, maximize: boolean) => (p, g, v, m, decay, eps, lr) =>
    p.sub(
      direction(g, p, decay, decays, maximize)
        .div(v.sub(m.mul(m)).sqrt().add(eps))
        .mul(lr),
    ),
)
/** b ← momentum·b + d / (√v + ε) */
const MOMENTUM = variants(
  "rmspropMomentum",
  (decays: boolean, maximize: boolean) => (b, g, p, v, decay, eps, momentum) =>
    b.mul(momentum).add(direction(g, p, decay, decays, maximize).div(v.sqrt().add(eps))),
)
/** b ← momentum·b + d / (√(v − m²) + ε) */
const CENTERED_MOMENTUM = variants(
  "rmspropMomentum",
  (decays: boolean, maximize: boolean) => (b, g, p, v, m, decay, eps, momentum) =>
    b.mul(momentum).add(direction(g, p, decay, decays, maximize).div(v.sub(m.mul(m)).sqrt().add(eps))),
)
/** p ← p − lr·b */
const ALONG = variants("rmsprop", () => (p, b, lr) => p.sub(b.mul(lr)))

/**
 * `new RMSprop(model.parameters(), { lr: 1e-2 })`. With d = g + weightDecay·p: v ← α·v + (1 − α)·d², p ← p − lr·d / (√v + ε);
 * centered, v less the square of the running mean of d; with momentum, b ← momentum·b + d / (√v + ε), p ← p − lr·b.
 */
export class RMSprop extends Optimizer<RMSpropOptions, RMSpropState> {
  constructor(params: Params<RMSpropOptions>, ...args: RMSpropArgs) {
    const [list, given] = options(SIGNATURE, [params, ...args], DEFAULTS)
    super(list, given, {
      lr: atLeastZero,
      alpha: atLeastZero,
      eps: atLeastZero,
      weightDecay: atLeastZero,
      momentum: atLeastZero,
    })
  }

  protected override get borrowing(): unknown {
    return RMSprop.prototype.update
  }

  protected override update(
    p: Tensor,
    g: Tensor,
    group: ParamGroup<RMSpropOptions>,
    state: Partial<RMSpropState>,
  ): void {
    const { lr, alpha, eps, weightDecay, momentum, centered, maximize } = group
    const decays = weightDecay !== 0
    if (state.step === undefined) {
      state.step = 0
      state.squareAvg = zerosLike(p)
      if (momentum > 0) state.momentumBuffer = zerosLike(p)
      if (centered) state.gradAvg = zerosLike(p)
    }
    state.step++
    const squares = SQUARES(decays, maximize).callInPlace(state.squareAvg!, g, p, weightDecay, alpha, 1 - alpha)
    const mean = centered ? AVERAGE(decays, maximize).callInPlace(state.gradAvg!, g, p, weightDecay, 1 - alpha) : null
    if (momentum > 0) {
      const buffer = state.momentumBuffer as Tensor
      if (mean) CENTERED_MOMENTUM(decays, maximize).callInPlace(buffer, g, p, squares, mean, weightDecay, eps, momentum)
      else MOMENTUM(decays, maximize).callInPlace(buffer, g, p, squares, weightDecay, eps, momentum)
      ALONG().callInPlace(p, buffer, lr)
    } else if (mean) CENTERED(decays, maximize).callInPlace(p, g, squares, mean, weightDecay, eps, lr)
    else STEP(decays, maximize).callInPlace(p, g, squares, weightDecay, eps, lr)
  }
}

type RMSpropArgs = Args<
  [
    ["lr", number],
    ["alpha", number],
    ["eps", number],
    ["weightDecay", number],
    ["momentum", number],
    ["centered", boolean],
  ],
  Partial<RMSpropOptions>
>
