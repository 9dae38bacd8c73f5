/** Adagrad. */
import { type Args, fullLike, type Tensor } from "@taeda/core"
import { direction, variants } from "./kernels.ts"
import { Optimizer, optimizerSignature, options, type ParamGroup, type Params } from "./optimizer.ts"

/** Adagrad's settings, each of which a group of parameters may have otherwise. */
export interface AdagradOptions {
  /** The learning rate. */
  lr: number
  /** The rate at step t is lr / (1 + (t − 1)·lrDecay). */
  lrDecay: number
  /** The share of the weight that is added to its gradient (for AdamW: taken off the weight itself). */
  weightDecay: number
  /** What the sums of squares begin with. */
  initialAccumulatorValue: number
  /** Added to the denominator. */
  eps: number
  /** Ascends instead of descending. */
  maximize: boolean
}

/** What Adagrad remembers of a parameter: its steps and the sum of its squared gradients. */
export interface AdagradState {
  step: number
  sum: Tensor
}

const SIGNATURE = optimizerSignature(
  "Adagrad(params, lr?, lrDecay?, weightDecay?, initialAccumulatorValue?, eps?, *, maximize?)",
)
const DEFAULTS: AdagradOptions = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
}
const atLeastZero = (v: number): boolean => v >= 0

/** s ← s + d² */
const SUM = variants("adagradSum", (decays: boolean, maximize: boolean) => (s, g, p, decay) => {
  const d = direction(g, p, decay, decays, maximize)
  return s.add(d.mul(d))
})
/** p ← p − rate·d / (√s + ε) */
const STEP = variants(
  "adagrad",
  (decays: boolean, maximize: boolean) => (p, g, s, decay, eps, rate) =>
    p.sub(direction(g, p, decay, decays, maximize).div(s.sqrt().add(eps)).mul(rate)),
)

/**
 * `new Adagrad(model.parameters(), { lr: 1e-2 })`. With d = g + weightDecay·p: s ← s + d², p ← p − rate·d / (√s + ε) (Duchi,
 * Hazan and Singer, 2011).
 */
export class Adagrad extends Optimizer<AdagradOptions, AdagradState> {
  constructor(params: Params<AdagradOptions>, ...args: AdagradArgs) {
    const [list, given] = options(SIGNATURE, [params, ...args], DEFAULTS)
    super(list, given, {
      lr: atLeastZero,
      lrDecay: atLeastZero,
      weightDecay: atLeastZero,
      initialAccumulatorValue: atLeastZero,
      eps: atLeastZero,
    })
  }

  protected override get borrowing(): unknown {
    return Adagrad.prototype.update
  }

  protected override update(
    p: Tensor,
    g: Tensor,
    group: ParamGroup<AdagradOptions>,
    state: Partial<AdagradState>,
  ): void {
    const { lr, lrDecay, weightDecay, eps, maximize } = group
    const decays = weightDecay !== 0
    state.step ??= 0
    state.sum ??= fullLike(p, group.initialAccumulatorValue)
    const step = ++state.step
    const sum = SUM(decays, maximize).callInPlace(state.sum, g, p, weightDecay)
    STEP(decays, maximize).callInPlace(p, g, sum, weightDecay, eps, lr / (1 + (step - 1) * lrDecay))
  }
}

type AdagradArgs = Args<
  [["lr", number], ["lrDecay", number], ["weightDecay", number], ["initialAccumulatorValue", number], ["eps", number]],
  Partial<AdagradOptions>
>
