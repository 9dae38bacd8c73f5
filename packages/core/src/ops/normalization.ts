/** Normalisations: batch, layer, group, instance, RMS, local response. All but the last are one computation over different dims. */
import { type Args, op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import { requireFloating, requireNumbers, requireSameDevice, requireTensor } from "../checks.ts"
import { computeType, type DType } from "../dtype.ts"
import { shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { constant } from "../expr.ts"
import { runMap } from "../kernels.ts"
import { reshaped } from "../movement.ts"
import { contiguousStrides, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { allocate, type Tensor } from "../tensor.ts"
import type { ChannelNorm, GroupNorm, LayerNormByName, NormOverLast } from "../types/layer-signatures.ts"
import type { ElementwiseFunction } from "../types/patterns.ts"
import { add, div, mul } from "./arithmetic.ts"
import { copyInto } from "./copying.ts"
import { pow } from "./math.ts"
import { type Layout, normalise, RULES, rmsRule } from "./normalising.ts"
import { pad } from "./padding.ts"
import { avgPool2d } from "./pooling.ts"
import { mean } from "./reduction.ts"
import { repeat } from "./repeating.ts"
import { reshape, squeeze, view } from "./views.ts"

// ---- arguments ----

function checkInput(name: string, x: Tensor, ...more: readonly (Tensor | null)[]): void {
  requireFloating(name, x)
  for (const t of more)
    if (t) {
      requireTensor(name, "a parameter", t)
      requireSameDevice(name, x, t)
    }
}

function checkParameter(name: string, what: string, t: Tensor | null, shape: Sizes, why: string): void {
  if (t && !sameSizes(t.shape, shape))
    throw new RangeError(
      `${name}: Expected ${what} to be of shape ${shapeText(shape)} (${why}), but got ${sizesText(t)}`,
    )
}

function normalisedShape(
  name: string,
  x: Tensor,
  given: number | readonly number[],
  weight: Tensor | null,
  bias: Tensor | null,
): Layout {
  const inner = typeof given === "number" ? [given] : given
  if (!Array.isArray(inner) || inner.length === 0)
    throw new RangeError(`${name}: normalizedShape must hold at least one size, got ${valueText(given)}`)
  if (inner.length > x.ndim || !sameSizes(x.shape.slice(x.ndim - inner.length), inner))
    throw new RangeError(
      `${name}: Given normalizedShape=${shapeText(inner)}, expected input with shape [*, ${inner.join(", ")}], but got input of size ${shapeText(x.shape)}`,
    )
  checkParameter(name, "weight", weight, inner, "normalizedShape")
  checkParameter(name, "bias", bias, inner, "normalizedShape")
  const size = numelOf(inner)
  return { shape: [numelOf(x.shape.slice(0, x.ndim - inner.length)), size], dims: [1], affine: [1, size] }
}

type Maybe = Tensor | null

// ---- layer and RMS ----

/** (x − mean)/√(variance + eps)·weight + bias over the last dims, which `normalizedShape` (and weight and bias) match. */
export const layerNorm: NormOverLast<
  "layerNorm",
  [weight?: Maybe | LayerNormByName, bias?: Maybe | LayerNormByName, eps?: number | LayerNormByName]
> = op(
  "layerNorm(input, normalizedShape, weight?, bias?, eps?)",
  (x: Tensor, shape: number | readonly number[], weight: Maybe = null, bias: Maybe = null, eps = 1e-5) => {
    checkInput("layerNorm", x, weight, bias)
    requireNumbers("layerNorm", { eps })
    return normalise(
      RULES.layer,
      x,
      normalisedShape("layerNorm", x, shape, weight, bias),
      weight,
      bias,
      eps,
      true,
      null,
    ).out
  },
)

const EPSILON: Partial<Record<DType, number>> = { float64: Number.EPSILON }

/** x/√(mean(x²) + eps)·weight over the last dims; `eps` is by default the spacing of the dtype that is computed in at 1. */
export const rmsNorm: NormOverLast<
  "rmsNorm",
  [weight?: Maybe | LayerNormByName, eps?: number | null | LayerNormByName]
> = op(
  "rmsNorm(input, normalizedShape, weight?, eps?)",
  (x: Tensor, shape: number | readonly number[], weight: Maybe = null, eps: number | null = null) => {
    checkInput("rmsNorm", x, weight)
    const small = eps ?? EPSILON[x.dtype as DType] ?? 2 ** -23
    requireNumbers("rmsNorm", { eps: small })
    return normalise(
      rmsRule(x),
      x,
      normalisedShape("rmsNorm", x, shape, weight, null),
      weight,
      null,
      small,
      false,
      null,
    ).out
  },
)

// ---- group ----

/** Normalises [n, channels, ...] over each of `numGroups` groups of channels; weight and bias are per channel. */
export const groupNorm: GroupNorm = op(
  "groupNorm(input, numGroups, weight?, bias?, eps?)",
  (x: Tensor, groups: number, weight: Maybe = null, bias: Maybe = null, eps = 1e-5) => {
    checkInput("groupNorm", x, weight, bias)
    requireNumbers("groupNorm", { eps })
    if (x.ndim < 2)
      throw new RangeError(
        `groupNorm: Expected at least 2 dimensions for input tensor but received ${x.ndim}: ${sizesText(x)}`,
      )
    const [n, channels] = x.shape as unknown as [number, number]
    if (!Number.isInteger(groups) || groups < 1 || channels % groups)
      throw new RangeError(
        `groupNorm: Expected number of channels in input to be divisible by numGroups, but got input of shape ${shapeText(x.shape)} and numGroups=${groups}`,
      )
    checkParameter("groupNorm", "weight", weight, [channels], "a number per channel")
    checkParameter("groupNorm", "bias", bias, [channels], "a number per channel")
    const each = channels / groups
    const layout: Layout = {
      shape: [n, groups, each, numelOf(x.shape.slice(2))],
      dims: [2, 3],
      affine: [1, groups, each, 1],
    }
    return normalise(RULES.group, x, layout, weight, bias, eps, true, null).out
  },
)

// ---- batch and instance ----

/** Running statistics, what was found, and the factor of that. */
type Followed = readonly [running: Tensor, found: Tensor, factor: number]

/** running ← (1 − momentum)·running + momentum·found·factor for each, in place and outside of the graph. */
function follow(all: readonly Followed[], momentum: number): void {
  const n = all.length
  const running = all.map(([r]) => r)
  // One map over several must have them of one shape, each at a place of its own.
  const together = n > 1 && running.every((r) => sameSizes(r.shape, running[0]!.shape)) && apart(running)
  if (n > 1 && !together) {
    for (const each of all) follow([each], momentum)
    return
  }
  const typeOf = (r: Tensor): DType => computeType(r.dtype)
  const work = {
    key: "follow",
    inputs: [...running, ...all.map(([r, found]) => reshaped(found, r.shape))],
    scalars: all.flatMap(([r, , factor]) => [momentum, factor].map((value) => ({ value, dtype: typeOf(r) }))),
    aliases: "each" as const,
  }
  runMap(running, work, ({ inputs, scalars }) =>
    running.map((_, i) => {
      const [r, f] = [inputs[i]!, inputs[n + i]!]
      const [m, k] = [scalars[2 * i]!, scalars[2 * i + 1]!]
      return r.mul(constant(1, r.dtype).sub(m)).add(f.cast(r.dtype).mul(k).mul(m))
    }),
  )
  for (const r of running) r.storage.version++
}

const apart = (all: readonly Tensor[]): boolean => new Set(all.map((t) => t.storage)).size === all.length

/** 1/√(variance + eps) per channel, in the type that is computed in. */
function inverse(variance: Tensor, shape: Sizes, eps: number, type: DType): Tensor {
  const out = allocate(variance.device, shape, contiguousStrides(shape), type)
  runMap(
    [out],
    { key: "inverse deviation", inputs: [reshaped(variance, shape)], scalars: [{ value: eps, dtype: type }] },
    ({ inputs: [v], scalars: [e] }) => v!.cast(type).add(e!).sqrt().reciprocal(),
  )
  return out
}

function batchNormalised(
  name: string,
  x: Tensor,
  runningMean: Maybe,
  runningVar: Maybe,
  weight: Maybe,
  bias: Maybe,
  training: boolean,
  momentum: number,
  eps: number,
): Tensor {
  checkInput(name, x, runningMean, runningVar, weight, bias)
  requireNumbers(name, { eps })
  if (x.ndim < 2)
    throw new RangeError(`${name}: expected an input [n, channels, ...] of at least 2 dims, got ${sizesText(x)}`)
  const [n, channels] = x.shape as unknown as [number, number]
  const parameters: readonly (readonly [string, Maybe])[] = [
    ["runningMean", runningMean],
    ["runningVar", runningVar],
    ["weight", weight],
    ["bias", bias],
  ]
  for (const [what, t] of parameters) {
    if (t && t.numel() !== channels)
      throw new RangeError(
        `${name}: ${what} should contain ${channels} elements not ${t.numel()} (input ${tensorText(x)})`,
      )
  }
  const area = numelOf(x.shape.slice(2))
  const count = n * area
  if (training && count === 1)
    throw new RangeError(
      `${name}: Expected more than 1 value per channel when training, got input size ${shapeText(x.shape)}`,
    )
  if (!training && !(runningMean && runningVar))
    throw new TypeError(`${name}: expected runningMean and runningVar when training is false`)
  const layout: Layout = { shape: [n, channels, area], dims: [0, 2], affine: [1, channels, 1] }
  const given = training
    ? null
    : {
        mean: reshaped(runningMean!, layout.affine),
        rstd: inverse(runningVar!, layout.affine, eps, computeType(x.dtype)),
      }
  const { out, found } = normalise(RULES.batch, x, layout, weight, bias, eps, true, given)
  if (found && count > 0) {
    const all: Followed[] = []
    if (runningMean) all.push([runningMean, found.mean, 1])
    if (runningVar) all.push([runningVar, found.variance, count / (count - 1)])
    if (all.length > 0) follow(all, momentum)
  }
  return out
}

/**
 * Normalises [n, channels, ...] per channel. Training: with the batch's own mean and variance, and the running ones follow in
 * place (the variance divided by n − 1): running ← (1 − momentum)·running + momentum·found. Else with the running ones.
 */
export const batchNorm: ChannelNorm<"batchNorm"> = op(
  "batchNorm(input, runningMean?, runningVar?, weight?, bias?, training?, momentum?, eps?)",
  (
    x: Tensor,
    runningMean: Maybe = null,
    runningVar: Maybe = null,
    weight: Maybe = null,
    bias: Maybe = null,
    training = false,
    momentum = 0.1,
    eps = 1e-5,
  ) => batchNormalised("batchNorm", x, runningMean, runningVar, weight, bias, training, momentum, eps),
)

/** Normalises [n, channels, ...] per sample and channel; running statistics, where given, follow the samples' mean. */
export const instanceNorm: ChannelNorm<"instanceNorm"> = op(
  "instanceNorm(input, runningMean?, runningVar?, weight?, bias?, useInputStats?, momentum?, eps?)",
  (
    x: Tensor,
    runningMean: Maybe = null,
    runningVar: Maybe = null,
    weight: Maybe = null,
    bias: Maybe = null,
    useInputStats = true,
    momentum = 0.1,
    eps = 1e-5,
  ) => {
    checkInput("instanceNorm", x, runningMean, runningVar, weight, bias)
    if (x.ndim < 2)
      throw new RangeError(`instanceNorm: expected an input [n, channels, ...] of at least 2 dims, got ${sizesText(x)}`)
    const [n, channels, ...rest] = x.shape as readonly number[]
    if (useInputStats && numelOf(rest) === 1)
      throw new RangeError(
        `instanceNorm: Expected more than 1 spatial element when training, got input size ${shapeText(x.shape)}`,
      )
    const perSample = (t: Maybe): Maybe => t && repeat(t, [n!])
    const [m, v] = [runningMean, runningVar].map((t) => raw(() => perSample(t))) as [Maybe, Maybe]
    const flat = reshape(x, [1, n! * channels!, ...rest])
    const out = batchNormalised(
      "instanceNorm",
      flat,
      m,
      v,
      perSample(weight),
      perSample(bias),
      useInputStats,
      momentum,
      eps,
    )
    if (useInputStats)
      raw(() => {
        if (runningMean) copyInto(runningMean, mean(reshape(m!, [n!, channels!]), 0))
        if (runningVar) copyInto(runningVar, mean(reshape(v!, [n!, channels!]), 0))
      })
    return view(out, x.shape)
  },
)

// ---- local response ----

type LocalArgs = Args<[["size", number], ["alpha", number], ["beta", number], ["k", number]]>

/** x/(k + alpha·mean of x² over `size` neighbouring channels)^beta of [n, channels, ...]; beyond the ends is 0. */
export const localResponseNorm: ElementwiseFunction<"same", LocalArgs> = op(
  "localResponseNorm(input, size, alpha?, beta?, k?)",
  (x: Tensor, size: number, alpha = 1e-4, beta = 0.75, k = 1) => {
    checkInput("localResponseNorm", x)
    if (x.ndim < 3)
      throw new RangeError(
        `localResponseNorm: Expected 3D or higher dimensionality input (got ${x.ndim} dimensions): ${tensorText(x)}`,
      )
    if (!Number.isInteger(size) || size < 1)
      throw new RangeError(`localResponseNorm: size must be a positive integer, got ${valueText(size)}`)
    if (x.numel() === 0) return x
    const [n, channels] = x.shape as unknown as [number, number]
    const squares = reshape(mul(x, x), [n, 1, channels, numelOf(x.shape.slice(2))])
    const around = pad(squares, [0, 0, Math.floor(size / 2), Math.floor((size - 1) / 2)])
    const means = reshape(squeeze(avgPool2d(around, [size, 1], 1), 1), x.shape)
    return div(x, pow(add(mul(means, alpha), k), beta))
  },
)
