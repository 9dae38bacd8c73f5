/** Normalisation layers. */
import {
  type Args,
  add_,
  batchNorm,
  bind,
  clone,
  div,
  fill_,
  groupNorm,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  noGrad,
  ones,
  type Parameter,
  parseSignature,
  rmsNorm,
  type Signature,
  shapeText,
  squeeze,
  sub,
  type Tensor,
  tensor,
  tensorText,
  unsqueeze,
  valueText,
  zero_,
  zeros,
} from "@taeda/core"
import { checkSizes, needed, ruled, type Settings } from "./layer.ts"
import { Module as Members } from "./members.ts"
import { onesParameter, type Placement, zerosParameter } from "./placement.ts"
import { named, python, pythonFloat } from "./repr.ts"
import { type Layer, LayerBase, type Open, type OwnInput, type Rule } from "./types/layer.ts"
import type { BatchNormRule, GroupNormRule, InstanceNormRule, LocalResponseNormRule, OverRule } from "./types/rules.ts"
import type { Spelt } from "./types/settings.ts"

type Place = [Placement["device"]?, Placement["dtype"]?]

/** What a normalisation with running statistics can be given by name. */
export interface RunningNormOptions extends Placement {
  /** Added to the variance. */
  eps: number
  /** How much of the running statistics a batch replaces; null averages over all batches so far. */
  momentum: number | null
  /** Whether the result is scaled and shifted by learnt values. */
  affine: boolean
  /** Whether statistics are kept for evaluation. */
  trackRunningStats: boolean
  /** Whether there is a learnt shift. */
  bias: boolean
}

type RunningNormArgs = Args<
  [
    ["numFeatures", number],
    ["eps", number],
    ["momentum", number | null],
    ["affine", boolean],
    ["trackRunningStats", boolean],
  ],
  Partial<RunningNormOptions>
>

const runningSignature = (name: string): Signature =>
  parseSignature(`${name}(numFeatures, eps?, momentum?, affine?, trackRunningStats?, device?, dtype?, *, bias?)`)

/** What batch norm and instance norm have in common: a scale and shift per channel, and running statistics. */
export abstract class RunningNorm extends Members {
  readonly numFeatures: number
  readonly eps: number
  momentum: number | null
  readonly affine: boolean
  readonly trackRunningStats: boolean
  declare weight: Parameter | null
  declare bias: Parameter | null
  declare runningMean: Tensor | null
  declare runningVar: Tensor | null
  /** Batches seen in training, int32. */
  declare numBatchesTracked: Tensor | null

  protected constructor(signature: Signature, usual: boolean, args: readonly unknown[]) {
    super()
    const [numFeatures, eps = 1e-5, momentum = 0.1, affine = usual, track = usual, device, dtype, bias = true] = bind(
      signature,
      args,
    ) as [number, number?, (number | null)?, boolean?, boolean?, ...Place, boolean?]
    checkSizes(signature.name, { numFeatures })
    const place = { device, dtype }
    this.numFeatures = numFeatures
    this.eps = eps
    this.momentum = momentum
    this.affine = affine
    this.trackRunningStats = track
    this.registerParameter("weight", affine ? onesParameter([numFeatures], place) : null)
    this.registerParameter("bias", affine && bias ? zerosParameter([numFeatures], place) : null)
    this.registerBuffer("runningMean", track ? zeros([numFeatures], place) : null)
    this.registerBuffer("runningVar", track ? ones([numFeatures], place) : null)
    this.registerBuffer("numBatchesTracked", track ? tensor(0, { device, dtype: "int32" }) : null)
  }

  /** Running statistics as before any batch. */
  resetRunningStats(): void {
    if (this.runningMean) zero_(this.runningMean)
    if (this.runningVar) fill_(this.runningVar, 1)
    if (this.numBatchesTracked) zero_(this.numBatchesTracked)
  }

  /** Parameters and statistics as at the beginning. */
  resetParameters(): void {
    this.resetRunningStats()
    noGrad(() => {
      if (this.weight) fill_(this.weight, 1)
      if (this.bias) zero_(this.bias)
    })
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this
    return `${numFeatures}, ${named({ eps, momentum, affine, bias: this.bias !== null, trackRunningStats })}`
  }
}

/** How many dims an input may have, and how many of these are the channels' and the batch's. */
function checkDims(name: string, input: Tensor, dims: readonly number[]): void {
  if (!dims.includes(input.ndim))
    throw new RangeError(
      `${name}: expected ${dims.map((d) => `${d}D`).join(" or ")} input (got ${input.ndim}D input: ${shapeText(input.shape)})`,
    )
}

/** What these layers have besides what all modules have. */
type OwnMembers = Omit<RunningNorm, keyof Members>
interface RunningClass<R extends Rule> {
  new <const A extends RunningNormArgs>(...args: Spelt<A, RunningNormArgs>): Layer<R, A> & OwnMembers
}

function batchNormalization<R extends Rule>(name: string, dims: readonly number[]): RunningClass<R> {
  const signature = runningSignature(name)
  class Batches extends RunningNorm {
    static readonly keepsNothing: unknown = Batches.prototype.forward

    constructor(...args: RunningNormArgs) {
      super(signature, true, args)
    }

    override forward(input: OwnInput): Tensor {
      checkDims(name, input, dims)
      const { weight, bias, eps, momentum, training, trackRunningStats: tracks } = this
      const updates = training && tracks
      if (updates && this.numBatchesTracked) add_(this.numBatchesTracked, 1)
      const own = training || (this.runningMean === null && this.runningVar === null)
      const mean = !training || tracks ? this.runningMean : null
      const variance = !training || tracks ? this.runningVar : null
      if (momentum !== null || !updates) return batchNorm(input, mean, variance, weight, bias, own, momentum ?? 0, eps)
      return this.cumulative(input)
    }

    /** The mean over all batches: each replaces 1/n of the statistics, n itself standing on the device. */
    private cumulative(input: Tensor): Tensor {
      const { weight, bias, eps, runningMean, runningVar, numBatchesTracked } = this
      const [mean, variance] = [clone(runningMean!), clone(runningVar!)]
      const result = batchNorm(input, mean, variance, weight, bias, true, 1, eps)
      noGrad(() => {
        add_(runningMean!, div(sub(mean, runningMean!), numBatchesTracked!))
        add_(runningVar!, div(sub(variance, runningVar!), numBatchesTracked!))
      })
      return result
    }
  }
  return Batches as unknown as RunningClass<R>
}

/** Each channel of [N, C] or [N, C, L] brought to mean 0 and variance 1 over the batch (Ioffe and Szegedy, 2015). */
export class BatchNorm1d<const A extends RunningNormArgs = Open> extends batchNormalization<
  BatchNormRule<"BatchNorm1d", 2 | 3, "2D or 3D">
>("BatchNorm1d", [2, 3])<A> {}
/** Each channel of [N, C, H, W]. */
export class BatchNorm2d<const A extends RunningNormArgs = Open> extends batchNormalization<
  BatchNormRule<"BatchNorm2d", 4, "4D">
>("BatchNorm2d", [4])<A> {}
/** Each channel of [N, C, D, H, W]. */
export class BatchNorm3d<const A extends RunningNormArgs = Open> extends batchNormalization<
  BatchNormRule<"BatchNorm3d", 5, "5D">
>("BatchNorm3d", [5])<A> {}

function instanceNormalization<R extends Rule>(name: string, rank: number): RunningClass<R> {
  const signature = runningSignature(name)
  class Instances extends RunningNorm {
    constructor(...args: RunningNormArgs) {
      super(signature, false, args)
    }

    override forward(input: OwnInput): Tensor {
      checkDims(name, input, [rank + 1, rank + 2])
      const { weight, bias, eps, momentum, training, trackRunningStats, runningMean, runningVar } = this
      const lone = input.ndim === rank + 1
      const x = lone ? unsqueeze(input, 0) : input
      if (x.shape[1] !== this.numFeatures && this.affine)
        throw new RangeError(`${name}: expected input of ${this.numFeatures} channels, got ${tensorText(input)}`)
      const y = instanceNorm(
        x,
        runningMean,
        runningVar,
        weight,
        bias,
        training || !trackRunningStats,
        momentum ?? 0,
        eps,
      )
      return lone ? squeeze(y, 0) : y
    }
  }
  return Instances as unknown as RunningClass<R>
}

/** Each channel of each sample of [N, C, L] brought to mean 0 and variance 1 by itself. */
export class InstanceNorm1d<const A extends RunningNormArgs = Open> extends instanceNormalization<
  InstanceNormRule<"InstanceNorm1d", 1, 2 | 3, "2D or 3D">
>("InstanceNorm1d", 1)<A> {}
/** Of [N, C, H, W]. */
export class InstanceNorm2d<const A extends RunningNormArgs = Open> extends instanceNormalization<
  InstanceNormRule<"InstanceNorm2d", 2, 3 | 4, "3D or 4D">
>("InstanceNorm2d", 2)<A> {}
/** Of [N, C, D, H, W]. */
export class InstanceNorm3d<const A extends RunningNormArgs = Open> extends instanceNormalization<
  InstanceNormRule<"InstanceNorm3d", 3, 4 | 5, "4D or 5D">
>("InstanceNorm3d", 3)<A> {}

/** The last dims' sizes, from a number or a list. */
function shapeOf(name: string, given: unknown): readonly number[] {
  const shape = typeof given === "number" ? [given] : given
  if (!Array.isArray(shape) || shape.length === 0 || shape.some((n) => !Number.isInteger(n) || n < 0))
    throw new TypeError(`${name}: normalizedShape must be an integer or a list of them, got ${valueText(given)}`)
  return shape as number[]
}

const LAYER = parseSignature("LayerNorm(normalizedShape, eps?, elementwiseAffine?, bias?, device?, dtype?)")

/** The last dims, of sizes `normalizedShape`, brought to mean 0 and variance 1 (Ba, Kiros and Hinton, 2016). */
export class LayerNorm<const N extends number | readonly number[] = Open> extends LayerBase<
  OverRule<"layerNorm">,
  [N]
> {
  static readonly keepsNothing: unknown = LayerNorm.prototype.forward

  readonly normalizedShape: readonly number[]
  readonly eps: number
  readonly elementwiseAffine: boolean
  declare weight: Parameter | null
  declare bias: Parameter | null

  constructor(
    ...args: Args<
      [["normalizedShape", N], ["eps", number], ["elementwiseAffine", boolean], ["bias", boolean]],
      Partial<Placement>
    >
  ) {
    super()
    const [shape, eps = 1e-5, affine = true, bias = true, device, dtype] = bind(LAYER, args) as [
      unknown,
      number?,
      boolean?,
      boolean?,
      ...Place,
    ]
    this.normalizedShape = shapeOf("LayerNorm", shape)
    this.eps = eps
    this.elementwiseAffine = affine
    this.registerParameter("weight", affine ? onesParameter(this.normalizedShape, { device, dtype }) : null)
    this.registerParameter("bias", affine && bias ? zerosParameter(this.normalizedShape, { device, dtype }) : null)
  }

  override forward(input: OwnInput): Tensor {
    return layerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps)
  }

  override extraRepr(): string {
    const { normalizedShape, eps, elementwiseAffine } = this
    return `${python(normalizedShape)}, ${named({ eps, elementwiseAffine, bias: this.bias !== null })}`
  }
}

const RMS = parseSignature("RMSNorm(normalizedShape, eps?, elementwiseAffine?, device?, dtype?)")

/** The last dims divided by their root mean square (Zhang and Sennrich, 2019); eps is by default the dtype's. */
export class RMSNorm<const N extends number | readonly number[] = Open> extends LayerBase<OverRule<"rmsNorm">, [N]> {
  static readonly keepsNothing: unknown = RMSNorm.prototype.forward

  readonly normalizedShape: readonly number[]
  readonly eps: number | null
  readonly elementwiseAffine: boolean
  declare weight: Parameter | null

  constructor(
    ...args: Args<[["normalizedShape", N], ["eps", number | null], ["elementwiseAffine", boolean]], Partial<Placement>>
  ) {
    super()
    const [shape, eps = null, affine = true, device, dtype] = bind(RMS, args) as [
      unknown,
      (number | null)?,
      boolean?,
      ...Place,
    ]
    this.normalizedShape = shapeOf("RMSNorm", shape)
    this.eps = eps
    this.elementwiseAffine = affine
    this.registerParameter("weight", affine ? onesParameter(this.normalizedShape, { device, dtype }) : null)
  }

  override forward(input: OwnInput): Tensor {
    return rmsNorm(input, this.normalizedShape, this.weight, this.eps)
  }

  override extraRepr(): string {
    const { normalizedShape, eps, elementwiseAffine } = this
    return `${python(normalizedShape)}, ${named({ eps, elementwiseAffine })}`
  }
}

const GROUP = parseSignature("GroupNorm(numGroups, numChannels, eps?, affine?, device?, dtype?, *, bias?)")

/** Groups of channels of each sample brought to mean 0 and variance 1 (Wu and He, 2018). */
export class GroupNorm<const G extends number = Open> extends LayerBase<GroupNormRule, [G]> {
  static readonly keepsNothing: unknown = GroupNorm.prototype.forward

  readonly numGroups: G
  readonly numChannels: number
  readonly eps: number
  readonly affine: boolean
  declare weight: Parameter | null
  declare bias: Parameter | null

  constructor(
    ...args: Args<
      [["numGroups", G], ["numChannels", number], ["eps", number], ["affine", boolean]],
      Partial<Placement> & { bias?: boolean }
    >
  ) {
    super()
    const [numGroups, numChannels, eps = 1e-5, affine = true, device, dtype, bias = true] = bind(GROUP, args) as [
      G,
      number,
      number?,
      boolean?,
      ...Place,
      boolean?,
    ]
    checkSizes("GroupNorm", { numGroups, numChannels }, 1)
    if (numChannels % numGroups !== 0)
      throw new RangeError(`GroupNorm: numChannels (${numChannels}) must be divisible by numGroups (${numGroups})`)
    this.numGroups = numGroups
    this.numChannels = numChannels
    this.eps = eps
    this.affine = affine
    this.registerParameter("weight", affine ? onesParameter([numChannels], { device, dtype }) : null)
    this.registerParameter("bias", affine && bias ? zerosParameter([numChannels], { device, dtype }) : null)
  }

  override forward(input: OwnInput): Tensor {
    return groupNorm(input, this.numGroups, this.weight, this.bias, this.eps)
  }

  override extraRepr(): string {
    const { eps, affine } = this
    return `${this.numGroups}, ${this.numChannels}, ${named({ eps, affine, bias: this.bias !== null })}`
  }
}

const LOCAL = [
  ["size", needed<number>()],
  ["alpha", 1e-4],
  ["beta", 0.75],
  ["k", 1, "float"],
] as const

/** Each channel divided by a power of the squares in the `size` channels around it (Krizhevsky et al., 2012). */
export class LocalResponseNorm<const A extends Settings<typeof LOCAL> = Open> extends ruled<LocalResponseNormRule>()(
  "LocalResponseNorm",
  LOCAL,
  (m, x) => localResponseNorm(x, m.size, m.alpha, m.beta, m.k),
  (values) => `${values.size}, ${named({ alpha: values.alpha, beta: values.beta })}, k=${pythonFloat(values.k)}`,
)<A> {}
