/**
 * Learning-rate schedulers: `step()` after each epoch (OneCycleLR: after each batch) sets the rates of the optimiser's
 * groups. Rates follow from the ones before, as in PyTorch, so that what others change in between is kept.
 */
import { type Args, bind, parseSignature, type Signature, valueText } from "@taeda/core"
import { renamed, toKey, toName } from "./keys.ts"
import { Optimizer, type ParamGroup } from "./optimizer.ts"

// biome-ignore lint/suspicious/noExplicitAny: an optimiser of any kind
type AnyOptimizer = Optimizer<any>
/** A scheduler's own state under PyTorch's keys. */
export type SchedulerState = Record<string, unknown>

const bound = <T extends object>(signature: Signature, args: readonly unknown[], defaults: T): [AnyOptimizer, T] => {
  const [optimizer, ...values] = bind(signature, args)
  if (!(optimizer instanceof Optimizer))
    throw new TypeError(`${signature.name}: ${valueText(optimizer)} is not an Optimizer`)
  const given = signature.names.slice(1).flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]]]))
  return [optimizer, { ...defaults, ...Object.fromEntries(given) }]
}

/** What is saved of a scheduler: everything but the optimiser and functions. */
function stateOf(scheduler: object): SchedulerState {
  const saved = Object.entries(scheduler).filter(
    ([name, v]) => name !== "optimizer" && typeof v !== "function" && !isFunctions(v),
  )
  return renamed(Object.fromEntries(saved), toKey)
}

const isFunctions = (v: unknown): boolean => Array.isArray(v) && v.some((f) => typeof f === "function")

interface Options {
  lastEpoch?: number
  readonly [option: string]: unknown
}

/**
 * The base of schedulers: sets the learning rates of an optimiser's groups at each `step()`, which is called after the
 * optimiser's.
 */
export abstract class LRScheduler {
  readonly optimizer: AnyOptimizer
  /** The rates that the groups began with. */
  baseLrs: number[]
  /** How often `step` was called; −1 before the first rate is set. */
  lastEpoch: number
  /** Counts every setting of the rates, the first included. */
  protected _stepCount = 0
  protected _lastLr: number[] = []

  /** The options become fields before the first rate is computed. */
  protected constructor(optimizer: AnyOptimizer, { lastEpoch = -1, ...options }: Options) {
    this.optimizer = optimizer
    Object.assign(this, options)
    optimizer.paramGroups.forEach((group, i) => {
      if (lastEpoch === -1) group.initialLr ??= group.lr
      else if (group.initialLr === undefined)
        throw new Error(
          `${this.constructor.name}: initialLr is not specified in paramGroups[${i}] when resuming with lastEpoch ${lastEpoch}`,
        )
    })
    this.prepare(lastEpoch === -1)
    this.baseLrs = optimizer.paramGroups.map((group) => group.initialLr as number)
    this.lastEpoch = lastEpoch
    this.step()
  }

  /** What is to be done to the groups before the first rate is set. */
  protected prepare(_fresh: boolean): void {}

  /** Whether this is the setting of the first rate. */
  protected get initial(): boolean {
    return this._stepCount === 1
  }

  /** The group's rate at `lastEpoch`. */
  protected abstract rate(group: ParamGroup, index: number): number

  /** Goes on to the next epoch and sets the rates. */
  step(): void {
    this._stepCount++
    this.lastEpoch++
    const { paramGroups } = this.optimizer
    const rates = paramGroups.map((group, i) => this.rate(group, i))
    rates.forEach((lr, i) => (paramGroups[i].lr = lr))
    this._lastLr = rates
  }

  /** The rates in use, one per group. */
  getLastLr(): number[] {
    return [...this._lastLr]
  }

  stateDict(): SchedulerState {
    return stateOf(this)
  }

  loadStateDict(stateDict: SchedulerState): void {
    Object.assign(this, renamed(stateDict, toName))
  }
}

const STEP = parseSignature("StepLR(optimizer, stepSize, gamma?, lastEpoch?)")

/** lr·gamma every `stepSize` epochs. */
export class StepLR extends LRScheduler {
  declare readonly stepSize: number
  declare readonly gamma: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Args<[["stepSize", number], ["gamma", number], ["lastEpoch", number]]>
  ) {
    super(...bound(STEP, [optimizer, ...args], { gamma: 0.1 }))
  }

  protected override rate(group: ParamGroup): number {
    return this.lastEpoch === 0 || this.lastEpoch % this.stepSize !== 0 ? group.lr : group.lr * this.gamma
  }
}

const MULTI_STEP = parseSignature("MultiStepLR(optimizer, milestones, gamma?, lastEpoch?)")

/** lr·gamma at each of the epochs in `milestones`. */
export class MultiStepLR extends LRScheduler {
  declare readonly milestones: readonly number[]
  declare readonly gamma: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Args<[["milestones", readonly number[]], ["gamma", number], ["lastEpoch", number]]>
  ) {
    super(...bound(MULTI_STEP, [optimizer, ...args], { gamma: 0.1 }))
  }

  protected override rate(group: ParamGroup): number {
    const times = this.milestones.filter((m) => m === this.lastEpoch).length
    return times ? group.lr * this.gamma ** times : group.lr
  }
}

const EXPONENTIAL = parseSignature("ExponentialLR(optimizer, gamma, lastEpoch?)")

/** lr·gamma every epoch. */
export class ExponentialLR extends LRScheduler {
  declare readonly gamma: number

  constructor(optimizer: AnyOptimizer, ...args: Args<[["gamma", number], ["lastEpoch", number]]>) {
    super(...bound(EXPONENTIAL, [optimizer, ...args], {}))
  }

  protected override rate(group: ParamGroup): number {
    return this.initial ? group.lr : group.lr * this.gamma
  }
}

const CONSTANT = parseSignature("ConstantLR(optimizer, factor?, totalIters?, lastEpoch?)")

/** lr·factor for the first `totalIters` epochs. */
export class ConstantLR extends LRScheduler {
  declare readonly factor: number
  declare readonly totalIters: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Args<[["factor", number], ["totalIters", number], ["lastEpoch", number]]>
  ) {
    const [of, given] = bound(CONSTANT, [optimizer, ...args], { factor: 1 / 3, totalIters: 5 })
    if (given.factor > 1 || given.factor < 0)
      throw new RangeError(`ConstantLR: factor must be between 0 and 1, got ${given.factor}`)
    super(of, given)
  }

  protected override rate(group: ParamGroup): number {
    if (this.lastEpoch === 0) return group.lr * this.factor
    return this.lastEpoch === this.totalIters ? group.lr * (1 / this.factor) : group.lr
  }
}

const LINEAR = parseSignature("LinearLR(optimizer, startFactor?, endFactor?, totalIters?, lastEpoch?)")

/** The factor of the rate goes from `startFactor` to `endFactor` in even steps over `totalIters` epochs. */
export class LinearLR extends LRScheduler {
  declare readonly startFactor: number
  declare readonly endFactor: number
  declare readonly totalIters: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Args<[["startFactor", number], ["endFactor", number], ["totalIters", number], ["lastEpoch", number]]>
  ) {
    const [of, given] = bound(LINEAR, [optimizer, ...args], { startFactor: 1 / 3, endFactor: 1, totalIters: 5 })
    if (given.startFactor > 1 || given.startFactor <= 0)
      throw new RangeError(`LinearLR: startFactor must be greater than 0 and at most 1, got ${given.startFactor}`)
    if (given.endFactor > 1 || given.endFactor < 0)
      throw new RangeError(`LinearLR: endFactor must be between 0 and 1, got ${given.endFactor}`)
    super(of, given)
  }

  protected override rate(group: ParamGroup): number {
    const { lastEpoch, totalIters, startFactor, endFactor } = this
    if (lastEpoch === 0) return group.lr * startFactor
    if (this.initial || lastEpoch > totalIters) return group.lr
    const rise = endFactor - startFactor
    return group.lr * (1 + rise / (totalIters * startFactor + (lastEpoch - 1) * rise))
  }
}

const POLYNOMIAL = parseSignature("PolynomialLR(optimizer, totalIters?, power?, lastEpoch?)")

/** lr·(1 − epoch/totalIters)^power, 0 from `totalIters` on. */
export class PolynomialLR extends LRScheduler {
  declare readonly totalIters: number
  declare readonly power: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Args<[["totalIters", number], ["power", number], ["lastEpoch", number]]>
  ) {
    super(...bound(POLYNOMIAL, [optimizer, ...args], { totalIters: 5, power: 1 }))
  }

  protected override rate(group: ParamGroup): number {
    const { lastEpoch, totalIters, power } = this
    if (this.initial || lastEpoch > totalIters) return group.lr
    return group.lr * ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power
  }
}

const COSINE = parseSignature("CosineAnnealingLR(optimizer, TMax, etaMin?, lastEpoch?)")

/** Half a cosine from the rate down to `etaMin` over `TMax` epochs, and up again (Loshchilov and Hutter, 2017). */
export class CosineAnnealingLR extends LRScheduler {
  declare readonly TMax: number
  declare readonly etaMin: number

  constructor(optimizer: AnyOptimizer, ...args: Args<[["TMax", number], ["etaMin", number], ["lastEpoch", number]]>) {
    super(...bound(COSINE, [optimizer, ...args], { etaMin: 0 }))
  }

  protected override rate(group: ParamGroup, index: number): number {
    const { lastEpoch, TMax, etaMin } = this
    if (this.initial) return group.lr
    const range = this.baseLrs[index] - etaMin
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0) return group.lr + (range * (1 - Math.cos(Math.PI / TMax))) / 2
    const height = (epoch: number): number => 1 + Math.cos((Math.PI * epoch) / TMax)
    return (height(lastEpoch) / height(lastEpoch - 1)) * (group.lr - etaMin) + etaMin
  }
}

type Factor = (epoch: number) => number
type FactorArgs = Args<[["lrLambda", Factor | readonly Factor[]], ["lastEpoch", number]]>

/** One function per group. */
function factors(name: string, optimizer: AnyOptimizer, given: Factor | readonly Factor[]): readonly Factor[] {
  const { length } = optimizer.paramGroups
  const list = typeof given === "function" ? new Array<Factor>(length).fill(given) : given
  if (!Array.isArray(list) || list.some((f) => typeof f !== "function"))
    throw new TypeError(
      `${name}: lrLambda must be a function of the epoch, or one for each group, got ${valueText(given)}`,
    )
  if (list.length !== length)
    throw new RangeError(`${name}: expected ${length} functions, one per group, but got ${list.length}`)
  return list
}

const LAMBDA = parseSignature("LambdaLR(optimizer, lrLambda, lastEpoch?)")

/** The first rate times `lrLambda(epoch)`. */
export class LambdaLR extends LRScheduler {
  declare readonly lrLambdas: readonly Factor[]

  constructor(optimizer: AnyOptimizer, ...args: FactorArgs) {
    const [of, { lrLambda, ...rest }] = bound(LAMBDA, [optimizer, ...args], {} as { lrLambda: Factor })
    const options = { ...rest, lrLambdas: factors("LambdaLR", of, lrLambda) }
    super(of, options)
  }

  protected override rate(_group: ParamGroup, index: number): number {
    return this.baseLrs[index] * this.lrLambdas[index](this.lastEpoch)
  }
}

const MULTIPLICATIVE = parseSignature("MultiplicativeLR(optimizer, lrLambda, lastEpoch?)")

/** The rate before times `lrLambda(epoch)`. */
export class MultiplicativeLR extends LRScheduler {
  declare readonly lrLambdas: readonly Factor[]

  constructor(optimizer: AnyOptimizer, ...args: FactorArgs) {
    const [of, { lrLambda, ...rest }] = bound(MULTIPLICATIVE, [optimizer, ...args], {} as { lrLambda: Factor })
    const options = { ...rest, lrLambdas: factors("MultiplicativeLR", of, lrLambda) }
    super(of, options)
  }

  protected override rate(group: ParamGroup, index: number): number {
    return this.initial ? group.lr : group.lr * this.lrLambdas[index](this.lastEpoch)
  }
}

/** What OneCycleLR can be given by name. */
export interface OneCycleOptions {
  /** The highest rate, of all groups or of each. */
  maxLr: number | readonly number[]
  /** Batches in all; or `epochs` and `stepsPerEpoch`. */
  totalSteps?: number
  epochs?: number
  stepsPerEpoch?: number
  /** The share of the steps that the rate rises. */
  pctStart: number
  annealStrategy: "cos" | "linear"
  /** Moves the momentum (of Adam: beta1) the other way. */
  cycleMomentum: boolean
  baseMomentum: number | readonly number[]
  maxMomentum: number | readonly number[]
  /** The first rate is maxLr / divFactor. */
  divFactor: number
  /** The last rate is the first one / finalDivFactor. */
  finalDivFactor: number
  /** Falls back to the first rate before it goes on to the last. */
  threePhase: boolean
  lastEpoch?: number
}

const ONE_CYCLE = parseSignature(
  "OneCycleLR(optimizer, maxLr, totalSteps?, epochs?, stepsPerEpoch?, pctStart?, annealStrategy?, cycleMomentum?, baseMomentum?, maxMomentum?, divFactor?, finalDivFactor?, threePhase?, lastEpoch?)",
)

type Bound = "initialLr" | "maxLr" | "minLr"
/** A stretch of the cycle: where it ends, and between which rates and momenta it goes. */
type Phase = readonly [endStep: number, from: Bound, to: Bound, fromMomentum: string, toMomentum: string]

const ANNEAL = {
  cos: (start: number, end: number, share: number) => end + ((start - end) / 2) * (Math.cos(Math.PI * share) + 1),
  linear: (start: number, end: number, share: number) => (end - start) * share + start,
}

/**
 * One cycle: the rate rises to `maxLr` and falls far below where it began, over all batches of the training (Smith and
 * Topin, 2019). Call `step()` after every batch.
 */
export class OneCycleLR extends LRScheduler {
  declare readonly maxLr: number | readonly number[]
  declare readonly totalSteps: number
  declare readonly annealStrategy: keyof typeof ANNEAL
  declare readonly cycleMomentum: boolean
  declare private readonly settings: () => OneCycleOptions
  declare private readonly phases: readonly Phase[]

  constructor(
    optimizer: AnyOptimizer,
    ...args: Args<[["maxLr", number | readonly number[]], ["totalSteps", number]], Partial<OneCycleOptions>>
  ) {
    const [of, given] = bound(ONE_CYCLE, [optimizer, ...args], {
      pctStart: 0.3,
      annealStrategy: "cos",
      cycleMomentum: true,
      baseMomentum: 0.85,
      maxMomentum: 0.95,
      divFactor: 25,
      finalDivFactor: 1e4,
      threePhase: false,
    } as OneCycleOptions)
    const totalSteps = stepsOf(given)
    if (!(given.pctStart >= 0 && given.pctStart <= 1))
      throw new RangeError(`OneCycleLR: expected pctStart between 0 and 1, got ${given.pctStart}`)
    if (!Object.hasOwn(ANNEAL, given.annealStrategy))
      throw new RangeError(
        `OneCycleLR: annealStrategy must be "cos" or "linear", got ${JSON.stringify(given.annealStrategy)}`,
      )
    if (given.cycleMomentum && !("momentum" in of.defaults) && !("betas" in of.defaults))
      throw new RangeError("OneCycleLR: the optimizer has neither momentum nor betas; pass { cycleMomentum: false }")
    const { annealStrategy, cycleMomentum, lastEpoch } = given
    const options = {
      lastEpoch,
      totalSteps,
      annealStrategy,
      cycleMomentum,
      settings: () => given,
      phases: phasesOf(totalSteps, given),
    }
    super(of, options)
  }

  protected override prepare(fresh: boolean): void {
    if (!fresh) return
    const { maxLr, divFactor, finalDivFactor, maxMomentum, baseMomentum } = this.settings()
    const { paramGroups } = this.optimizer
    const each = (name: string, values: number | readonly number[]): readonly number[] => {
      if (typeof values === "number") return new Array<number>(paramGroups.length).fill(values)
      if (values.length !== paramGroups.length)
        throw new RangeError(
          `OneCycleLR: expected ${paramGroups.length} values for ${name}, one per group, got ${values.length}`,
        )
      return values
    }
    const [highest, most, least] = [
      each("maxLr", maxLr),
      each("maxMomentum", maxMomentum),
      each("baseMomentum", baseMomentum),
    ]
    paramGroups.forEach((group, i) => {
      group.initialLr = highest[i] / divFactor
      group.maxLr = highest[i]
      group.minLr = group.initialLr / finalDivFactor
      if (!this.cycleMomentum) return
      setMomentum(group, most[i])
      group.maxMomentum = most[i]
      group.baseMomentum = least[i]
    })
  }

  protected override rate(group: ParamGroup): number {
    const { lastEpoch, totalSteps, phases, cycleMomentum } = this
    if (lastEpoch > totalSteps)
      throw new RangeError(
        `OneCycleLR: tried to step ${lastEpoch} times; the specified number of total steps is ${totalSteps}`,
      )
    const anneal = ANNEAL[this.annealStrategy]
    const at = phases.findIndex(([end], i) => lastEpoch <= end || i === phases.length - 1)
    const [end, from, to, fromMomentum, toMomentum] = phases[at]
    const start = at === 0 ? 0 : phases[at - 1][0]
    const share = (lastEpoch - start) / (end - start)
    if (cycleMomentum) setMomentum(group, anneal(group[fromMomentum], group[toMomentum], share))
    return anneal(group[from], group[to], share)
  }
}

function setMomentum(group: ParamGroup, momentum: number): void {
  if (group.betas) group.betas = [momentum, ...(group.betas as number[]).slice(1)]
  else group.momentum = momentum
}

function stepsOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleOptions): number {
  const steps = totalSteps ?? (epochs !== undefined && stepsPerEpoch !== undefined ? epochs * stepsPerEpoch : null)
  if (steps === null) throw new TypeError("OneCycleLR: give totalSteps, or epochs and stepsPerEpoch")
  if (!Number.isInteger(steps) || steps <= 0)
    throw new RangeError(`OneCycleLR: expected a positive integer of steps, got ${steps}`)
  return steps
}

function phasesOf(totalSteps: number, { pctStart, threePhase }: OneCycleOptions): readonly Phase[] {
  const rise: Phase = [pctStart * totalSteps - 1, "initialLr", "maxLr", "maxMomentum", "baseMomentum"]
  if (!threePhase) return [rise, [totalSteps - 1, "maxLr", "minLr", "baseMomentum", "maxMomentum"]]
  return [
    rise,
    [2 * pctStart * totalSteps - 2, "maxLr", "initialLr", "baseMomentum", "maxMomentum"],
    [totalSteps - 1, "initialLr", "minLr", "maxMomentum", "maxMomentum"],
  ]
}

/** What ReduceLROnPlateau can be given by name. */
export interface PlateauOptions {
  /** Whether the metric is to fall or to rise. */
  mode: "min" | "max"
  /** The rate is multiplied by it. */
  factor: number
  /** How many epochs without improvement are let pass. */
  patience: number
  /** What counts as an improvement. */
  threshold: number
  /** Whether `threshold` is a share of the best metric or a difference. */
  thresholdMode: "rel" | "abs"
  /** Epochs after a reduction in which nothing is counted. */
  cooldown: number
  /** The lowest rate, of all groups or of each. */
  minLr: number | readonly number[]
  /** Smaller changes of the rate are not made. */
  eps: number
}

const PLATEAU = parseSignature(
  "ReduceLROnPlateau(optimizer, mode?, factor?, patience?, threshold?, thresholdMode?, cooldown?, minLr?, eps?)",
)

const BETTER = {
  min: {
    rel: (metric: number, best: number, threshold: number) => metric < best * (1 - threshold),
    abs: (metric: number, best: number, threshold: number) => metric < best - threshold,
  },
  max: {
    rel: (metric: number, best: number, threshold: number) => metric > best * (threshold + 1),
    abs: (metric: number, best: number, threshold: number) => metric > best + threshold,
  },
}

/** Reduces the rate when a metric has stopped improving: `step(metric)` after each epoch. */
export class ReduceLROnPlateau {
  readonly optimizer: AnyOptimizer
  declare readonly mode: "min" | "max"
  declare readonly factor: number
  declare readonly patience: number
  declare readonly threshold: number
  declare readonly thresholdMode: "rel" | "abs"
  declare readonly cooldown: number
  declare readonly eps: number
  /** The lowest rate of each group. */
  minLrs: number[]
  /** The best metric so far. */
  best: number
  cooldownCounter = 0
  numBadEpochs = 0
  lastEpoch = 0
  private _lastLr: number[]

  constructor(
    optimizer: AnyOptimizer,
    ...args: Args<[["mode", "min" | "max"], ["factor", number], ["patience", number]], Partial<PlateauOptions>>
  ) {
    const [of, { minLr, ...options }] = bound(PLATEAU, [optimizer, ...args], {
      mode: "min",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: "rel",
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
    } as PlateauOptions)
    if (options.factor >= 1) throw new RangeError(`ReduceLROnPlateau: factor must be below 1, got ${options.factor}`)
    if (!Object.hasOwn(BETTER, options.mode))
      throw new RangeError(`ReduceLROnPlateau: mode ${options.mode} is unknown; use "min" or "max"`)
    if (!Object.hasOwn(BETTER.min, options.thresholdMode))
      throw new RangeError(`ReduceLROnPlateau: thresholdMode ${options.thresholdMode} is unknown; use "rel" or "abs"`)
    const { length } = of.paramGroups
    const minLrs = typeof minLr === "number" ? new Array<number>(length).fill(minLr) : [...minLr]
    if (minLrs.length !== length)
      throw new RangeError(`ReduceLROnPlateau: expected ${length} minLr, one per group, got ${minLrs.length}`)
    this.optimizer = of
    Object.assign(this, options)
    this.minLrs = minLrs
    this.best = options.mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    this._lastLr = of.paramGroups.map((group) => group.lr)
  }

  /** Notes the epoch's metric, a number, and reduces the rates where it has not improved for long enough. */
  step(metric: number): void {
    if (typeof metric !== "number")
      throw new TypeError(
        `ReduceLROnPlateau.step: expected a number, got ${valueText(metric)}; of a tensor take await loss.item()`,
      )
    this.lastEpoch++
    if (BETTER[this.mode][this.thresholdMode](metric, this.best, this.threshold)) {
      this.best = metric
      this.numBadEpochs = 0
    } else this.numBadEpochs++
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--
      this.numBadEpochs = 0
    }
    if (this.numBadEpochs > this.patience) {
      this.reduce()
      this.cooldownCounter = this.cooldown
      this.numBadEpochs = 0
    }
    this._lastLr = this.optimizer.paramGroups.map((group) => group.lr)
  }

  private reduce(): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      const lr = Math.max(group.lr * this.factor, this.minLrs[i] ?? this.minLrs[0])
      if (group.lr - lr > this.eps) group.lr = lr
    })
  }

  /** The rates in use, one per group. */
  getLastLr(): number[] {
    return [...this._lastLr]
  }

  stateDict(): SchedulerState {
    return stateOf(this)
  }

  loadStateDict(stateDict: SchedulerState): void {
    Object.assign(this, renamed(stateDict, toName))
  }
}
