/**
 * Normalisations: batch, layer, group, instance, RMS, local response.
 *
 * All but the last are one computation over different dims: x̂ = (x − mean)·rstd, y = x̂·weight + bias, rstd being
 * 1/√(variance + eps). Forward is two reductions and a map, backward a reduction and a map, and one reduction for weight and
 * bias. When the backward pass itself is recorded it runs as ordinary ops instead, so that it can be differentiated.
 */
import { type Args, op } from "../args.ts"
import { gradEnabled, raw } from "../autograd/mode.ts"
import type { OpNode, Rule } from "../autograd/node.ts"
import { requireFloating, requireNumbers, requireSameDevice, requireTensor } from "../checks.ts"
import { computeType, type DType } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { constant, type Expr, left, result, right } from "../expr.ts"
import { type Argument, type MonoidSpec, runMap, runReduce, type Scope } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { reshaped } from "../movement.ts"
import { Pointwise } from "../pointwise.ts"
import { broadcastStrides, contiguousStrides, isContiguous, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { allocate, Tensor, track } from "../tensor.ts"
import { add, div, mul, sub } from "./arithmetic.ts"
import { to } from "./conversion.ts"
import { copyInto } from "./copying.ts"
import { pow } from "./math.ts"
import { pad } from "./padding.ts"
import { avgPool2d } from "./pooling.ts"
import { mean } from "./reduction.ts"
import { repeat } from "./repeating.ts"
import { sumToSize } from "./sum-to-size.ts"
import { reshape, squeeze, view } from "./views.ts"

/** Over what is normalised: the input's shape with dims merged, and which of these. */
interface Layout {
  readonly shape: Sizes
  readonly dims: readonly number[]
  /** The shape in which weight and bias broadcast over `shape`. */
  readonly affine: Sizes
}

interface Plan extends Layout {
  readonly eps: number
  /** Elements that share a mean. */
  readonly count: number
  /** Whether a mean is taken off. */
  readonly centered: boolean
  /** Mean and rstd are given, not computed from the input. */
  readonly frozen: boolean
  readonly weight: boolean
  readonly bias: boolean
}

interface Statistics {
  readonly mean: Tensor
  readonly rstd: Tensor
}

// ---- kernels ----

const sums = (n: number, type: DType): MonoidSpec => ({
  accumulators: new Array<DType>(n).fill(type),
  identity: new Array<number>(n).fill(0),
  combine: Array.from({ length: n }, (_, k) => left(k, type).add(right(k, type))),
})

/** The inputs broadcast to `shape`, with `dims` last. */
function arranged(t: Tensor, shape: Sizes, dims: readonly number[]): Tensor {
  const strides = broadcastStrides(t.shape, t.strides, shape)
  const order = [...shape.map((_, d) => d).filter((d) => !dims.includes(d)), ...dims]
  return new Tensor(
    t.storage,
    order.map((d) => shape[d]!),
    order.map((d) => strides[d]!),
    t.offset,
    t.dtype,
  )
}

/** Sums over `dims`, each made into a result by `finish`; the results keep the dims with size 1. */
function sumOver(
  key: string,
  layout: { readonly shape: Sizes; readonly dims: readonly number[] },
  inputs: readonly Tensor[],
  scalars: readonly Argument[],
  type: DType,
  lift: (scope: Scope) => readonly Expr[],
  finish: (totals: readonly Expr[], scalars: readonly Expr[]) => readonly Expr[],
  count: number,
  results: number,
): Tensor[] {
  const { shape, dims } = layout
  const kept = shape.filter((_, d) => !dims.includes(d))
  const outs = Array.from({ length: results }, () => allocate(inputs[0]!.device, kept, contiguousStrides(kept), type))
  const views = inputs.map((t) => arranged(t, shape, dims))
  const totals = Array.from({ length: count }, (_, k) => result(k, type))
  runReduce(outs, views[0]!.shape, dims.length, sums(count, type), { key, inputs: views, scalars }, lift, (s) =>
    finish(totals, s),
  )
  const wide = shape.map((s, d) => (dims.includes(d) ? 1 : s))
  return outs.map((t) => new Tensor(t.storage, wide, contiguousStrides(wide), 0, type))
}

const number = (value: number, dtype: DType): Argument => ({ value, dtype })

/** Mean and 1/√(variance + eps), and the variance itself (divided by n). */
function statistics(x: Tensor, p: Plan): Statistics & { readonly variance: Tensor } {
  const type = computeType(x.dtype)
  const n = number(p.count, type)
  const [center] = p.centered
    ? sumOver(
        "norm mean",
        p,
        [x],
        [n],
        type,
        ({ inputs: [e] }) => [e!],
        ([s], [m]) => [s!.div(m!)],
        1,
        1,
      )
    : [null]
  const [rstd, variance] = sumOver(
    center ? "norm spread" : "norm square",
    p,
    center ? [x, center] : [x],
    [n, number(p.eps, type)],
    type,
    ({ inputs: [e, m] }) => [(m ? e!.sub(m) : e!).square()],
    ([s], [m, eps]) => [s!.div(m!).add(eps!).sqrt().reciprocal(), s!.div(m!)],
    1,
    2,
  ) as [Tensor, Tensor]
  return { mean: center ?? rstd, rstd, variance }
}

/** x̂ from x, mean and rstd. */
const hat = (p: Plan, x: Expr, m: Expr, r: Expr): Expr => (p.centered ? x.sub(m.cast(x.dtype)) : x).mul(r.cast(x.dtype))

const flags = (p: Plan): string => `${p.centered} ${p.frozen} ${p.weight} ${p.bias}`

function normalised(
  x: Tensor,
  { mean: m, rstd }: Statistics,
  weight: Tensor | null,
  bias: Tensor | null,
  p: Plan,
): Tensor {
  const out = allocate(x.device, p.shape, contiguousStrides(p.shape), x.dtype)
  const inputs = [x, m, rstd, ...(weight ? [weight] : []), ...(bias ? [bias] : [])]
  runMap([out], { key: `normalise ${flags(p)}`, inputs }, ({ inputs: [e, a, r, ...more] }) => {
    let y = hat(p, e!, a!, r!)
    if (p.weight) y = y.mul(more.shift()!.cast(y.dtype))
    if (p.bias) y = y.add(more.shift()!.cast(y.dtype))
    return y
  })
  return out
}

// ---- gradients ----

interface Context {
  readonly plan: Plan
  /** Of the input, and of weight and bias. */
  readonly shape: Sizes
  readonly parameters: Sizes
  readonly dtypes: readonly DType[]
}

type Gradients = readonly (Tensor | null)[]

function fused(node: OpNode, grad: Tensor, { plan: p, shape, parameters, dtypes }: Context): Gradients {
  const x = reshaped(node.get(0), p.shape)
  const g = reshaped(grad, p.shape)
  const [m, rstd] = [node.get(1), node.get(2)]
  const type = computeType(x.dtype)
  const weight = p.weight ? [reshaped(node.get(3), p.affine)] : []
  const weighted = (scope: Expr[]): Expr => (p.weight ? scope[0]!.mul(scope[4]!.cast(scope[0]!.dtype)) : scope[0]!)
  const gradients: (Tensor | null)[] = [null]
  if (node.needs(0)) {
    const out = allocate(x.device, p.shape, contiguousStrides(p.shape), x.dtype)
    const inputs = [g, x, m, rstd, ...weight]
    if (p.frozen)
      runMap([out], { key: `norm back frozen ${flags(p)}`, inputs }, ({ inputs: e }) =>
        weighted([...e]).mul(e[3]!.cast(type)),
      )
    else {
      const totals = sumOver(
        `norm back sums ${flags(p)}`,
        p,
        inputs,
        [number(p.count, type)],
        type,
        ({ inputs: e }) => {
          const gw = weighted([...e])
          return [gw, gw.mul(hat(p, e[1]!, e[2]!, e[3]!))]
        },
        ([a, b], [n]) => [a!.div(n!), b!.div(n!)],
        2,
        2,
      )
      runMap([out], { key: `norm back ${flags(p)}`, inputs: [...inputs, ...totals] }, ({ inputs: e }) => {
        const [s1, s2] = e.slice(-2) as [Expr, Expr]
        const centered = p.centered ? weighted([...e]).sub(s1) : weighted([...e])
        return centered.sub(hat(p, e[1]!, e[2]!, e[3]!).mul(s2)).mul(e[3]!.cast(type))
      })
    }
    gradients[0] = reshaped(out, shape)
  }
  const first = 1
  if ((p.weight && node.needs(first)) || (p.bias && node.needs(first + (p.weight ? 1 : 0)))) {
    const dims = p.shape.map((_, d) => d).filter((d) => p.affine[d] === 1)
    const both = sumOver(
      `norm back parameters ${flags(p)}`,
      { shape: p.shape, dims },
      [g, x, m, rstd],
      [],
      type,
      ({ inputs: e }) => [e[0]!.mul(hat(p, e[1]!, e[2]!, e[3]!)), e[0]!],
      ([a, b]) => [a!, b!],
      2,
      2,
    )
    if (p.weight) gradients.push(raw(() => to(reshaped(both[0]!, parameters), dtypes[1]!)))
    if (p.bias) gradients.push(raw(() => to(reshaped(both[1]!, parameters), dtypes[dtypes.length - 1]!)))
  } else gradients.push(...dtypes.slice(1).map(() => null))
  return gradients
}

const RSQRT = new Pointwise("rsqrt", (v, eps) => v.add(eps).sqrt().reciprocal())

/** The same of ordinary ops, which can be differentiated again. */
function composed(node: OpNode, grad: Tensor, { plan: p, shape, parameters, dtypes }: Context): Gradients {
  const type = computeType(dtypes[0]!)
  const x = to(reshape(node.get(0), p.shape), type)
  const g = to(reshape(grad, p.shape), type)
  const over = (t: Tensor): Tensor => mean(t, p.dims, true)
  const center = p.frozen ? to(node.get(1), type) : p.centered ? over(x) : null
  const off = center ? sub(x, center) : x
  const rstd = p.frozen ? to(node.get(2), type) : RSQRT.call(over(mul(off, off)), p.eps)
  const xhat = mul(off, rstd)
  const gradients: (Tensor | null)[] = [null]
  if (node.needs(0)) {
    const gw = p.weight ? mul(g, to(reshape(node.get(3), p.affine), type)) : g
    const even = p.frozen ? gw : sub(p.centered ? sub(gw, over(gw)) : gw, mul(xhat, over(mul(gw, xhat))))
    gradients[0] = to(reshape(mul(even, rstd), shape), dtypes[0]!)
  }
  const gathered = (t: Tensor, dtype: DType): Tensor => to(reshape(sumToSize(t, p.affine), parameters), dtype)
  if (p.weight) gradients.push(node.needs(1) ? gathered(mul(g, xhat), dtypes[1]!) : null)
  if (p.bias) gradients.push(node.needs(gradients.length) ? gathered(g, dtypes[dtypes.length - 1]!) : null)
  return gradients
}

const rule = (name: string): Rule => ({
  name,
  backward: (node, g) => (gradEnabled() ? composed : fused)(node, g, node.context as Context),
})

const RULES = {
  layer: rule("NativeLayerNormBackward0"),
  batch: rule("NativeBatchNormBackward0"),
  group: rule("NativeGroupNormBackward0"),
  // PyTorch composes RMS normalisation: the product, then the conversion from float32, then the row-major copy.
  rms: rule("MulBackward0"),
  rmsHalf: rule("ToCopyBackward0"),
  rmsCopied: rule("CloneBackward0"),
}

const rmsRule = (x: Tensor): Rule => {
  if (!isContiguous(x.shape, denseStrides(x.shape, x.strides))) return RULES.rmsCopied
  return computeType(x.dtype) === x.dtype ? RULES.rms : RULES.rmsHalf
}

/** Normalises and records. `given`: mean and rstd that do not come from the input. */
function normalise(
  by: Rule,
  x: Tensor,
  layout: Layout,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
  centered: boolean,
  given: Statistics | null,
): {
  readonly out: Tensor
  readonly found: (Statistics & { readonly variance: Tensor }) | null
  readonly count: number
} {
  const plan: Plan = {
    ...layout,
    eps,
    count: layout.dims.reduce((n, d) => n * layout.shape[d]!, 1),
    centered,
    frozen: given !== null,
    weight: weight !== null,
    bias: bias !== null,
  }
  const seen = reshaped(x, plan.shape)
  const found = given ? null : statistics(seen, plan)
  const stats = (given ?? found)!
  const like = (t: Tensor | null): Tensor | null => t && reshaped(t, plan.affine)
  const out = normalised(seen, stats, like(weight), like(bias), plan)
  const parameters = [weight, bias].filter((t) => t !== null)
  const context: Context = {
    plan,
    shape: x.shape,
    parameters: parameters[0]?.shape ?? [],
    dtypes: [x.dtype, ...parameters.map((t) => t.dtype as DType)],
  }
  const saved = [x, stats.mean, stats.rstd, ...(weight ? [weight] : [])]
  return { out: track(by, reshaped(out, x.shape), [x, ...parameters], saved, context), found, count: plan.count }
}

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
      `${name}: Expected ${what} to be of shape ${shapeText(shape)} (${why}), but got ${tensorText(t)}`,
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

type LayerNormArgs = Args<
  [["normalizedShape", number | readonly number[]], ["weight", Maybe], ["bias", Maybe], ["eps", number]]
>

/** (x − mean)/√(variance + eps)·weight + bias over the last dims, which `normalizedShape` (and weight and bias) match. */
export const layerNorm: (input: Tensor, ...args: LayerNormArgs) => Tensor = op(
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

type RmsNormArgs = Args<[["normalizedShape", number | readonly number[]], ["weight", Maybe], ["eps", number | null]]>

/** x/√(mean(x²) + eps)·weight over the last dims; `eps` is by default the spacing of the dtype that is computed in at 1. */
export const rmsNorm: (input: Tensor, ...args: RmsNormArgs) => Tensor = op(
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

type GroupNormArgs = Args<[["numGroups", number], ["weight", Maybe], ["bias", Maybe], ["eps", number]]>

/** Normalises [n, channels, ...] over each of `numGroups` groups of channels; weight and bias are per channel. */
export const groupNorm: (input: Tensor, ...args: GroupNormArgs) => Tensor = op(
  "groupNorm(input, numGroups, weight?, bias?, eps?)",
  (x: Tensor, groups: number, weight: Maybe = null, bias: Maybe = null, eps = 1e-5) => {
    checkInput("groupNorm", x, weight, bias)
    requireNumbers("groupNorm", { eps })
    if (x.ndim < 2)
      throw new RangeError(
        `groupNorm: Expected at least 2 dimensions for input tensor but received ${x.ndim}: ${tensorText(x)}`,
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

type BatchNormArgs = Args<
  [
    ["runningMean", Maybe],
    ["runningVar", Maybe],
    ["weight", Maybe],
    ["bias", Maybe],
    ["training", boolean],
    ["momentum", number],
    ["eps", number],
  ]
>

/** running ← (1 − momentum)·running + momentum·found·factor, in place and outside of the graph. */
function follow(running: Tensor, found: Tensor, momentum: number, factor: number): void {
  const type = computeType(running.dtype)
  const scalars = [number(momentum, type), number(factor, type)]
  runMap(
    [running],
    { key: "follow", inputs: [running, reshaped(found, running.shape)], scalars, aliases: 0 },
    ({ inputs: [r, f], scalars: [m, k] }) =>
      r!.mul(constant(1, r!.dtype).sub(m!)).add(f!.cast(r!.dtype).mul(k!).mul(m!)),
  )
  running.storage.version++
}

/** 1/√(variance + eps) per channel, in the type that is computed in. */
function inverse(variance: Tensor, shape: Sizes, eps: number, type: DType): Tensor {
  const out = allocate(variance.device, shape, contiguousStrides(shape), type)
  runMap(
    [out],
    { key: "inverse deviation", inputs: [reshaped(variance, shape)], scalars: [number(eps, type)] },
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
    throw new RangeError(`${name}: expected an input [n, channels, ...] of at least 2 dims, got ${tensorText(x)}`)
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
    if (runningMean) follow(runningMean, found.mean, momentum, 1)
    if (runningVar) follow(runningVar, found.variance, momentum, count / (count - 1))
  }
  return out
}

/**
 * Normalises [n, channels, ...] per channel. Training: with the batch's own mean and variance, and the running ones follow in
 * place (the variance divided by n − 1): running ← (1 − momentum)·running + momentum·found. Else with the running ones.
 */
export const batchNorm: (input: Tensor, ...args: BatchNormArgs) => Tensor = op(
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

type InstanceNormArgs = Args<
  [
    ["runningMean", Maybe],
    ["runningVar", Maybe],
    ["weight", Maybe],
    ["bias", Maybe],
    ["useInputStats", boolean],
    ["momentum", number],
    ["eps", number],
  ]
>

/** Normalises [n, channels, ...] per sample and channel; running statistics, where given, follow the samples' mean. */
export const instanceNorm: (input: Tensor, ...args: InstanceNormArgs) => Tensor = op(
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
      throw new RangeError(
        `instanceNorm: expected an input [n, channels, ...] of at least 2 dims, got ${tensorText(x)}`,
      )
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
export const localResponseNorm: (input: Tensor, ...args: LocalArgs) => Tensor = op(
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
