/** Adam and AdamW. */
import {
  type Args,
  computeType,
  type Expr,
  type Signature,
  type Tensor,
  type Update,
  updateInPlace,
  zerosLike,
} from "@taeda/core"
import { direction } from "./kernels.ts"
import { type Checks, Optimizer, optimizerSignature, options, type ParamGroup, type Params } from "./optimizer.ts"

/** The settings of Adam and AdamW, each of which a group of parameters may have otherwise. */
export interface AdamOptions {
  /** The learning rate. */
  lr: number
  /** How much of the running averages of the gradient and of its square stays at a step. */
  betas: readonly [number, number]
  /** Added to the denominator. */
  eps: number
  /** The share of the weight that is added to its gradient (for AdamW: taken off the weight itself). */
  weightDecay: number
  /** Divides by the largest average of squares so far. */
  amsgrad: boolean
  /** Ascends instead of descending. */
  maximize: boolean
  /** Shrinks the weights themselves, as AdamW, instead of adding to the gradient. */
  decoupledWeightDecay: boolean
}

const DEFAULTS: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
  decoupledWeightDecay: false,
}
const isShare = (v: number): boolean => v >= 0 && v < 1
const atLeastZero = (v: number): boolean => v >= 0
const CHECKS: Checks<AdamOptions> = {
  lr: atLeastZero,
  eps: atLeastZero,
  weightDecay: atLeastZero,
  betas: (betas) => Array.isArray(betas) && betas.length === 2 && betas.every(isShare),
}

/** m ← m + (1 − β₁)·(d − m); v ← β₂·v + (1 − β₂)·d² */
const moments = (m: Expr, v: Expr, d: Expr, [share1, beta2, share2]: readonly Expr[]): readonly [Expr, Expr] => [
  m.add(d.sub(m).mul(share1)),
  v.mul(beta2).add(d.mul(share2).mul(d)),
]
/** keep·p − size·m / (√v/root + ε) */
const stepped = (p: Expr, m: Expr, v: Expr, shrinks: boolean, [size, root, eps, keep]: readonly Expr[]): Expr =>
  (shrinks ? p.mul(keep) : p).sub(m.div(v.sqrt().div(root).add(eps)).mul(size))

/** What Adam remembers of a parameter: its steps, the averages of its gradients and of their squares, and with `amsgrad` the largest of these. */
export interface AdamState {
  step: number
  expAvg: Tensor
  expAvgSq: Tensor
  maxExpAvgSq?: Tensor
}

/**
 * `new Adam(model.parameters(), { lr: 1e-3 })`. With d = g + weightDecay·p: m ← β₁·m + (1 − β₁)·d, v ← β₂·v + (1 − β₂)·d²,
 * p ← p − lr·m̂ / (√v̂ + ε), where m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) (Kingma and Ba, 2015).
 */
export class Adam extends Optimizer<AdamOptions, AdamState> {
  constructor(params: Params<AdamOptions>, ...args: AdamArgs) {
    const [list, given] = options(new.target.signature, [params, ...args], new.target.defaults)
    super(list, given, CHECKS)
  }

  protected static readonly signature: Signature = optimizerSignature(
    "Adam(params, lr?, betas?, eps?, weightDecay?, amsgrad?, *, maximize?, decoupledWeightDecay?)",
  )
  protected static readonly defaults: AdamOptions = DEFAULTS

  protected override get borrowing(): unknown {
    return Adam.prototype.update
  }

  protected override update(p: Tensor, g: Tensor, group: ParamGroup<AdamOptions>, state: Partial<AdamState>): void {
    const { lr, eps, weightDecay, amsgrad, maximize, decoupledWeightDecay } = group
    const [beta1, beta2] = group.betas
    if (state.step === undefined) {
      state.step = 0
      state.expAvg = zerosLike(p)
      state.expAvgSq = zerosLike(p)
      if (amsgrad) state.maxExpAvgSq = zerosLike(p)
    }
    const step = ++state.step
    const decays = weightDecay !== 0 && !decoupledWeightDecay
    const shrinks = weightDecay !== 0 && decoupledWeightDecay
    const m = state.expAvg as Tensor
    const v = state.expAvgSq as Tensor
    // What is stored in a half type is read back as it was rounded.
    const stored = (e: Expr): Expr => e.cast(p.dtype).cast(computeType(p.dtype))
    const shares = [1 - beta1, beta2, 1 - beta2, weightDecay]
    const scale = [lr / (1 - beta1 ** step), Math.sqrt(1 - beta2 ** step), eps, 1 - lr * weightDecay]
    const flags = `${decays} ${maximize} ${shrinks}`
    if (!amsgrad) {
      const update: Update = ([x, m, v], [g], n) => {
        const [newM, newV] = moments(m, v, direction(g, x, n[3], decays, maximize), n).map(stored)
        return [stepped(x, newM, newV, shrinks, n.slice(4)), newM, newV]
      }
      updateInPlace(`adam ${flags}`, [p, m, v], [g], [...shares, ...scale], update)
      return
    }
    // In two kernels, which no machine's limit of operands forbids.
    const largest = (state.maxExpAvgSq ??= zerosLike(p))
    updateInPlace(`amsgrad ${flags}`, [m, v, largest], [g, p], shares, ([m, v, top], [g, x], n) => {
      const [newM, newV] = moments(m, v, direction(g, x, n[3], decays, maximize), n).map(stored)
      return [newM, newV, top.max(newV)]
    })
    updateInPlace(`amsgrad step ${flags}`, [p], [m, largest], scale, ([x], [m, top], n) => [
      stepped(x, m, top, shrinks, n),
    ])
  }
}

/**
 * Adam whose weight decay shrinks the weights themselves, p ← (1 − lr·weightDecay)·p, instead of entering the averages
 * (Loshchilov and Hutter, 2019). `weightDecay` is 0.01 by default.
 */
export class AdamW extends Adam {
  protected static override readonly signature = optimizerSignature(
    "AdamW(params, lr?, betas?, eps?, weightDecay?, amsgrad?, *, maximize?)",
  )
  protected static override readonly defaults: AdamOptions = {
    ...DEFAULTS,
    weightDecay: 1e-2,
    decoupledWeightDecay: true,
  }
}

type AdamArgs = Args<
  [
    ["lr", number],
    ["betas", readonly [number, number]],
    ["eps", number],
    ["weightDecay", number],
    ["amsgrad", boolean],
  ],
  Partial<AdamOptions>
>
