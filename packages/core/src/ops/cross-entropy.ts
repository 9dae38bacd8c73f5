/** Losses over classes: cross entropy and the negative log likelihood. */
import { op } from "../args.ts"
import { gradEnabled, raw } from "../autograd/mode.ts"
import type { OpNode, Rule } from "../autograd/node.ts"
import { requireFloating, requireInteger } from "../checks.ts"
import { computeType, type DType, isFloating, isIntegral } from "../dtype.ts"
import { shapeText, sizesText, tensorText } from "../errors.ts"
import { constant, type Expr, result, where } from "../expr.ts"
import { withFaults } from "../faults.ts"
import { int, runMap, runReduce, type Scope } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { sumsMonoid } from "../monoids.ts"
import { Pointwise } from "../pointwise.ts"
import { contiguousStrides, type Sizes, sameSizes } from "../shape.ts"
import { allocate, needsGrad, type Tensor, track } from "../tensor.ts"
import type { ClassLossSignature } from "../types/layer-signatures.ts"
import { add, div, mul } from "./arithmetic.ts"
import { checkLoss, type LossReduction } from "./elementwise-loss.ts"
import { sum } from "./reduction.ts"
import { logSoftmax, logSoftmaxForLoss } from "./softmax.ts"
import { neg } from "./unary.ts"
import { reshape, unsqueeze } from "./views.ts"

/** What the losses by class index take, checked. */
interface Classes {
  readonly name: string
  readonly target: Tensor
  readonly weight: Tensor | null
  readonly ignore: number
  readonly reduction: LossReduction
  /** The input's shape, and which of its dims the classes are. */
  readonly shape: Sizes
  readonly dim: number
}

/** The dim that the classes are. */
const classDim = (x: Tensor): number => (x.ndim === 1 ? 0 : 1)

function checkWeight(name: string, weight: Tensor | null, count: number): void {
  if (weight && !sameSizes(weight.shape, [count]))
    throw new RangeError(
      `${name}: weight tensor should be defined either for all ${count} classes or no classes but got weight tensor of shape ${shapeText(weight.shape)}`,
    )
}

/** The weights of the classes over the dims of `shape`. */
const alongClasses = (weight: Tensor, shape: Sizes, dim: number): Tensor =>
  reshape(
    weight,
    shape.map((s, d) => (d === dim ? s : 1)),
  )

function classesOf(
  name: string,
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  ignore: unknown,
  reduction: LossReduction,
): Classes {
  checkLoss(name, reduction, { input: x, target, ...(weight && { weight }) })
  requireInteger(name, "ignoreIndex", ignore)
  requireFloating(name, x)
  if (!isIntegral(target.dtype))
    throw new TypeError(
      `${name}: expected targets that are class indices of an integer dtype, got ${tensorText(target)}; convert with x.to("int32")`,
    )
  if (x.ndim === 0)
    throw new RangeError(`${name}: expected an input with at least one dim, the classes, got ${sizesText(x)}`)
  const dim = classDim(x)
  const expected = x.shape.toSpliced(dim, 1)
  if (x.ndim > 1 && target.ndim > 0 && target.shape[0] !== x.shape[0])
    throw new RangeError(
      `${name}: expected input batch_size (${x.shape[0]}) to match target batch_size (${target.shape[0]}): input ${tensorText(x)}, target ${tensorText(target)}`,
    )
  if (!sameSizes(target.shape, expected))
    throw new RangeError(
      `${name}: expected target size ${shapeText(expected)} for input ${sizesText(x)}, got ${sizesText(target)}`,
    )
  checkWeight(name, weight, x.shape[dim]!)
  return { name, target, weight, ignore, reduction, shape: x.shape, dim }
}

const outOfBounds =
  ({ name, shape, dim, ignore }: Classes) =>
  (fault: string): string =>
    `${name}: a target is out of bounds: classes are 0 to ${shape[dim]! - 1} for input ${shapeText(shape)}, or ${ignore} to be ignored (${fault})`

/** What each target adds, and how much of the total weight it is. */
const perTarget = (c: Classes, { inputs, scalars, at, load }: Scope, type: DType): { loss: Expr; weight: Expr } => {
  const class_ = inputs[0]!.cast("int32")
  const ignored = class_.eq(scalars[0]!)
  const place = where(ignored, constant(0, "int32"), class_)
  const value = load(0, at.slice(0, c.dim).concat(place, at.slice(c.dim, c.shape.length - 1)), "fault").cast(type)
  const weight = c.weight ? load(1, [place], "zero").cast(type) : constant(1, type)
  const zero = constant(0, type)
  return { loss: where(ignored, zero, value.mul(weight).neg()), weight: where(ignored, zero, weight) }
}

/** The loss and, where it is reduced, the total weight of what was not ignored. */
function likelihood(x: Tensor, c: Classes): { out: Tensor; total: Tensor | null } {
  const { target, reduction, weight } = c
  const type = computeType(x.dtype)
  const work = { inputs: [target], loads: weight ? [x, weight] : [x], scalars: [int(c.ignore)], coordinates: true }
  const key = `nll ${c.dim} ${weight !== null}`
  return withFaults(outOfBounds(c), () => {
    if (reduction === "none") {
      const out = allocate(x.device, target.shape, contiguousStrides(target.shape), x.dtype)
      runMap([out], { ...work, key }, (scope) => perTarget(c, scope, type).loss)
      return { out, total: null }
    }
    const out = allocate(x.device, [], [], x.dtype)
    const total = allocate(x.device, [], [], type)
    runReduce(
      [out, total],
      target.shape,
      target.ndim,
      sumsMonoid(type, 2),
      { ...work, key: `${key} ${reduction}` },
      (scope) => {
        const { loss, weight: share } = perTarget(c, scope, type)
        return [loss, share]
      },
      () => {
        const [losses, weights] = [result(0, type), result(1, type)]
        return [reduction === "mean" ? losses.div(weights) : losses, weights]
      },
    )
    return { out, total }
  })
}

interface ClassesContext extends Omit<Classes, "target" | "weight"> {
  readonly weighted: boolean
  /** The logarithms are those of a softmax, whose gradient is computed along with the loss's: then they are saved last. */
  readonly ofSoftmax: boolean
}

const savedOf = (c: Classes, total: Tensor | null, logs: Tensor | null = null): Tensor[] => [
  c.target,
  ...(c.weight ? [c.weight] : []),
  ...(c.reduction === "mean" ? [total!] : []),
  ...(logs ? [logs] : []),
]

/** What a node saved, put together again. */
function classesFrom(node: OpNode): { c: Classes; total: Tensor | null; logs: Tensor | null } {
  const { weighted, ofSoftmax, ...rest } = node.context as ClassesContext
  let at = 0
  const next = (saved: boolean): Tensor | null => (saved ? node.get(at++) : null)
  const target = next(true)!
  const c: Classes = { ...rest, target, weight: next(weighted) }
  return { c, total: next(c.reduction === "mean"), logs: next(ofSoftmax) }
}

const contextOf = ({ target: _target, weight, ...rest }: Classes, ofSoftmax = false): ClassesContext => ({
  ...rest,
  weighted: weight !== null,
  ofSoftmax,
})

const nllRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const { c, total, logs } = classesFrom(node)
    // A pass that is recorded runs as ordinary ops, which can be differentiated.
    return [logs && !gradEnabled() ? entropyGradient(g, c, total, logs) : likelihoodGradient(g, c, total)]
  },
})
const NLL = nllRule("NllLossBackward0")
const NLL_2D = nllRule("NllLoss2DBackward0")
const NLL_VIEW = nllRule("ViewBackward0")
const nllNode = ({ shape, reduction }: Classes): Rule =>
  shape.length <= 2 ? NLL : shape.length !== 4 && reduction === "none" ? NLL_VIEW : NLL_2D

const NLL_AGAIN: Rule = {
  name: "NllLossBackwardBackward0",
  backward: (node, g) => {
    const { c } = classesFrom(node)
    return [negativeLikelihood(g, c)]
  },
}

/** A tensor with a dim of size 1 inserted, outside of any graph. */
const inserted = (t: Tensor, dim: number): Tensor => raw(() => unsqueeze(t, dim))

/** −weight·g / total at the target's class and 0 elsewhere: one map over the input's shape. */
function likelihoodGradient(g: Tensor, c: Classes, total: Tensor | null): Tensor {
  const out = allocate(g.device, c.shape, contiguousStrides(c.shape), g.dtype)
  const type = computeType(g.dtype)
  const { weight } = c
  const gradient = c.reduction === "none" ? inserted(g, c.dim) : g
  runMap(
    [out],
    {
      key: `nll-backward ${c.dim} ${c.weight !== null} ${total !== null}`,
      inputs: [
        inserted(c.target, c.dim),
        gradient,
        ...(weight ? [raw(() => alongClasses(weight, c.shape, c.dim))] : []),
        ...(total ? [total] : []),
      ],
      scalars: [int(c.ignore)],
      coordinates: true,
    },
    ({ inputs, scalars, at }) => {
      const class_ = inputs[0]!.cast("int32")
      let share = inputs[1]!.neg()
      if (c.weight) share = share.mul(inputs[2]!.cast(type))
      if (total) share = share.div(inputs.at(-1)!)
      return where(at[c.dim]!.eq(class_).and(class_.eq(scalars[0]!).not()), share, 0)
    },
  )
  return track(NLL_AGAIN, out, [g], savedOf(c, total), contextOf(c))
}

/** (1 at the target's class − softmax)·(−weight·g / total), of the softmax's own input: one map over its shape. */
function entropyGradient(g: Tensor, c: Classes, total: Tensor | null, logs: Tensor): Tensor {
  const out = allocate(g.device, c.shape, denseStrides(c.shape, logs.strides), g.dtype)
  const type = computeType(g.dtype)
  const { weight } = c
  runMap(
    [out],
    {
      key: `crossEntropy-backward ${c.dim} ${c.weight !== null} ${total !== null}`,
      inputs: [
        logs,
        inserted(c.target, c.dim),
        c.reduction === "none" ? inserted(g, c.dim) : g,
        ...(total ? [total] : []),
      ],
      loads: weight ? [weight] : [],
      scalars: [int(c.ignore)],
      coordinates: true,
    },
    ({ inputs: [log, target, gradient, sum], scalars, at, load }) => {
      const class_ = target!.cast("int32")
      let share = gradient!.neg()
      if (weight) share = share.mul(load(0, [class_]).cast(type))
      if (sum) share = share.div(sum)
      const counted = where(class_.eq(scalars[0]!), 0, share)
      return where(at[c.dim]!.eq(class_), counted, 0).sub(log!.exp().mul(counted))
    },
  )
  return out
}

/** The loss of logarithms that `logSoftmaxForLoss` gave. */
function entropy(logs: Tensor, c: Classes): Tensor {
  const { out, total } = likelihood(logs, c)
  return needsGrad([logs]) ? track(nllNode(c), out, [logs], savedOf(c, total, logs), contextOf(c, true)) : out
}

function negativeLikelihood(x: Tensor, c: Classes): Tensor {
  const { out, total } = likelihood(x, c)
  return needsGrad([x]) ? track(nllNode(c), out, [x], savedOf(c, total), contextOf(c)) : out
}

/**
 * −weight[t]·input[.., t, ..] for the classes t in `target`: input [C], [N, C] or [N, C, d1, ..] of logarithms of
 * probabilities, target [], [N] or [N, d1, ..] of integers, weight [C]. Targets equal to `ignoreIndex` (−100) do not
 * count; the mean divides by the weights that do. A target that is no class is a RangeError.
 */
export const nllLoss: ClassLossSignature<"nllLoss", false> = op(
  "nllLoss(input, target, weight?, *, ignoreIndex?, reduction?)",
  (x: Tensor, target: Tensor, weight: Tensor | null = null, ignoreIndex = -100, reduction: LossReduction = "mean") =>
    negativeLikelihood(x, classesOf("nllLoss", x, target, weight, ignoreIndex, reduction)),
)

const NOT_IGNORED = new Pointwise("maskedFill", (x, target, ignore) => where(target.eq(ignore), 0, x))

/** −Σ over the classes of the logarithms, weighted: the loss against the uniform distribution, up to its size. */
function smoothLoss(logs: Tensor, c: Classes, total: Tensor | null): Tensor {
  const weighted = c.weight ? mul(logs, alongClasses(c.weight, c.shape, c.dim)) : logs
  const kept = NOT_IGNORED.call(neg(sum(weighted, c.dim)), c.target, c.ignore)
  if (c.reduction === "none") return kept
  return c.reduction === "sum" ? sum(kept) : div(sum(kept), total!)
}

function ofProbabilities(
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  reduction: LossReduction,
  smoothing: number,
): Tensor {
  const name = "crossEntropy"
  if (!isFloating(target.dtype))
    throw new TypeError(
      `${name}: expected a floating point type for target with class probabilities, got ${tensorText(target)}`,
    )
  const dim = classDim(x)
  const count = x.shape[dim]!
  checkWeight(name, weight, count)
  const smoothed = smoothing > 0 ? add(mul(target, 1 - smoothing), smoothing / count) : target
  const plain = mul(logSoftmax(x, dim), smoothed)
  const products = weight ? mul(plain, alongClasses(weight, x.shape, dim)) : plain
  if (reduction === "none") return neg(sum(products, dim))
  const total = neg(sum(products))
  return reduction === "sum" ? total : DIV_NUMBER.call(total, x.numel() / count)
}
const DIV_NUMBER = new Pointwise("div", (a, n) => a.div(n), { gradName: "DivBackward1" })

/**
 * The cross entropy of softmax(input) over the classes: input [C], [N, C] or [N, C, d1, ..]. The target is either class
 * indices, [], [N] or [N, d1, ..] of integers (see `nllLoss`), or probabilities in the input's shape. `labelSmoothing` in
 * [0, 1] mixes the target with the uniform distribution. The mean over class indices divides by the weights that count.
 */
export const crossEntropy: ClassLossSignature<"crossEntropy", true> = op(
  "crossEntropy(input, target, weight?, *, ignoreIndex?, reduction?, labelSmoothing?)",
  (
    x: Tensor,
    target: Tensor,
    weight: Tensor | null = null,
    ignoreIndex = -100,
    reduction: LossReduction = "mean",
    labelSmoothing = 0,
  ) => {
    const name = "crossEntropy"
    checkLoss(name, reduction, { input: x, target, ...(weight && { weight }) }, { labelSmoothing })
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
      throw new RangeError(`${name}: labelSmoothing must be between 0.0 and 1.0, got ${labelSmoothing}`)
    if (sameSizes(x.shape, target.shape) && x.ndim > 0) {
      requireFloating(name, x)
      return ofProbabilities(x, target, weight, reduction, labelSmoothing)
    }
    const c = classesOf(name, x, target, weight, ignoreIndex, reduction)
    if (labelSmoothing === 0) return entropy(logSoftmaxForLoss(x, c.dim), c)
    const logs = logSoftmax(x, c.dim)
    const { out, total } = likelihood(logs, c)
    const loss = track(nllNode(c), out, [logs], savedOf(c, total), contextOf(c))
    return add(mul(loss, 1 - labelSmoothing), mul(smoothLoss(logs, c, total), labelSmoothing / x.shape[c.dim]!))
  },
)
