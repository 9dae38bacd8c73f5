/** Stochastic gradient descent, with momentum and Nesterov's variant. */
import type { Args, Tensor } from "@taeda/core"
import { direction, variants } from "./kernels.ts"
import { Optimizer, optimizerSignature, options, type ParamGroup, type Params } from "./optimizer.ts"

/** SGD's settings, each of which a group of parameters may have otherwise. */
export interface SGDOptions {
  /** The learning rate. */
  lr: number
  momentum: number
  /** How much less than whole the gradient enters the momentum. */
  dampening: number
  /** The L2 penalty: adds weightDecay·p to the gradient. */
  weightDecay: number
  nesterov: boolean
  /** Ascends instead of descending. */
  maximize: boolean
}

/** What SGD remembers of a parameter: with a momentum its running sum of gradients. */
export interface SGDState {
  momentumBuffer?: Tensor
}

const SIGNATURE = optimizerSignature("SGD(params, lr?, momentum?, dampening?, weightDecay?, nesterov?, *, maximize?)")
const DEFAULTS: SGDOptions = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false }
const atLeastZero = (v: number): boolean => v >= 0

/** p ← p − lr·d */
const PLAIN = variants(
  "sgd",
  (decays: boolean, maximize: boolean) => (p, g, decay, lr) => p.sub(direction(g, p, decay, decays, maximize).mul(lr)),
)
/** b ← d, at the first step */
const START = variants(
  "sgdMomentum",
  (decays: boolean, maximize: boolean) => (p, g, decay) => direction(g, p, decay, decays, maximize),
)
/** b ← momentum·b + (1 − dampening)·d */
const MOMENTUM = variants(
  "sgdMomentum",
  (decays: boolean, maximize: boolean) => (b, g, p, decay, momentum, share) =>
    b.mul(momentum).add(direction(g, p, decay, decays, maximize).mul(share)),
)
/** p ← p − lr·(d + momentum·b) */
const NESTEROV = variants(
  "sgdNesterov",
  (decays: boolean, maximize: boolean) => (p, g, b, decay, momentum, lr) =>
    p.sub(direction(g, p, decay, decays, maximize).add(b.mul(momentum)).mul(lr)),
)
/** p ← p − lr·b */
const ALONG = variants("sgd", () => (p, b, lr) => p.sub(b.mul(lr)))

/**
 * `new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })`. With d = g + weightDecay·p: p ← p − lr·d, and with momentum
 * b ← momentum·b + (1 − dampening)·d, p ← p − lr·b (Nesterov: p − lr·(d + momentum·b)).
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  constructor(params: Params<SGDOptions>, ...args: SGDArgs) {
    const [list, given] = options(SIGNATURE, [params, ...args], DEFAULTS)
    super(list, given, { lr: atLeastZero, momentum: atLeastZero, weightDecay: atLeastZero })
    for (const group of this.paramGroups)
      if (group.nesterov && (group.momentum <= 0 || group.dampening !== 0))
        throw new RangeError("SGD: Nesterov momentum requires a momentum and zero dampening")
  }

  protected override get borrowing(): unknown {
    return SGD.prototype.update
  }

  protected override update(p: Tensor, g: Tensor, group: ParamGroup<SGDOptions>, state: Partial<SGDState>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group
    const decays = weightDecay !== 0
    if (momentum === 0) {
      PLAIN(decays, maximize).callInPlace(p, g, weightDecay, lr)
      return
    }
    let buffer = state.momentumBuffer
    if (buffer) MOMENTUM(decays, maximize).callInPlace(buffer, g, p, weightDecay, momentum, 1 - dampening)
    else state.momentumBuffer = buffer = START(decays, maximize).call(p, g, weightDecay)
    if (nesterov) NESTEROV(decays, maximize).callInPlace(p, g, buffer, weightDecay, momentum, lr)
    else ALONG().callInPlace(p, buffer, lr)
  }
}

type SGDArgs = Args<
  [["lr", number], ["momentum", number], ["dampening", number], ["weightDecay", number], ["nesterov", boolean]],
  Partial<SGDOptions>
>
