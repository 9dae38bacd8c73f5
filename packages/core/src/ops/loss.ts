/** Loss functions. */
import { type Args, op } from "../args.ts"
import { raw } from "../autograd/mode.ts"
import type { OpNode, Rule } from "../autograd/node.ts"
import { KernelFault } from "../backend.ts"
import { differentiate } from "../derivative.ts"
import { computeType, type DType, isFloating, isIntegral } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import { constant, type Expr, left, result, right, where } from "../expr.ts"
import { int, type MonoidSpec, runMap, runReduce, type Scope } from "../kernels.ts"
import { sumMonoid } from "../monoids.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import { resultType } from "../promotion.ts"
import { broadcastSizes, contiguousStrides, numelOf, type Sizes, sameSizes } from "../shape.ts"
import { allocate, isTensor, needsGrad, Tensor, track } from "../tensor.ts"
import { add, div, mul } from "./arithmetic.ts"
import { BOUNDED } from "./bounded.ts"
import { full } from "./creation.ts"
import { pairwiseDistance } from "./distance.ts"
import { onlyFloats } from "./pointwise-op.ts"
import { sum } from "./reduction.ts"
import { logSoftmax } from "./softmax.ts"
import { sumToSize } from "./sum-to-size.ts"
import { neg } from "./unary.ts"
import { expand, reshape, unsqueeze } from "./views.ts"

export type LossReduction = "none" | "mean" | "sum"

function checkReduction(name: string, reduction: unknown, more: readonly string[] = []): void {
  const known = ["none", "mean", "sum", ...more]
  if (!known.includes(reduction as string))
    throw new RangeError(
      `${name}: ${valueText(reduction)} is not a valid value for reduction; expected ${known.map((r) => JSON.stringify(r)).join(", ")}`,
    )
}

function checkTensors(name: string, tensors: Readonly<Record<string, unknown>>): void {
  for (const [role, t] of Object.entries(tensors))
    if (!isTensor(t)) throw new TypeError(`${name}: ${role} must be a tensor, got ${valueText(t)}`)
  const all = Object.values(tensors) as Tensor[]
  if (all.some((t) => t.device !== all[0]!.device))
    throw new TypeError(
      `${name}: expected all tensors on one device, but found ${all.map((t) => `${tensorText(t)} on ${t.device}`).join(" and ")}; move one with x.to(device)`,
    )
}

function checkNumbers(name: string, numbers: Readonly<Record<string, unknown>>): void {
  for (const [what, value] of Object.entries(numbers))
    if (typeof value !== "number") throw new TypeError(`${name}: ${what} must be a number, got ${valueText(value)}`)
}

function checkSameShape(name: string, input: Tensor, other: Tensor, role = "target"): void {
  if (!sameSizes(input.shape, other.shape))
    throw new RangeError(
      `${name}: ${role} size ${shapeText(other.shape)} must be the same as input size ${shapeText(input.shape)} (${tensorText(input)}, ${tensorText(other)})`,
    )
}

/** What kernels report where a value is not allowed, in the words of the op. */
function naming<T>(message: () => string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw error instanceof KernelFault ? new RangeError(`${message()} (${error.message})`) : error
  }
}

// ---- losses of corresponding elements ----

type LossFormula = (...args: Expr[]) => Expr

interface ElementwiseOptions {
  /** The nodes' names: without a reduction, of the mean, and of the sum. */
  readonly names: readonly [none: string, mean: string, sum: string]
  readonly gradient?: PointwiseOptions["gradient"]
  /** Where the input's gradient has another gradient than calculus gives it: of (g, scale, ...arguments). */
  readonly second?: PointwiseOptions["gradient"]
}

interface ElementwiseContext {
  readonly numbers: readonly number[]
  readonly shapes: readonly Sizes[]
  readonly scale: number
}

let losses = 0

/**
 * A loss that is a formula of corresponding elements and numbers, with its sum or mean in one reduction: the elements'
 * losses are never stored, and each gradient is one map.
 */
class ElementwiseLoss {
  private readonly name: string
  private readonly formula: LossFormula
  /** Stands for the formula among kernels. */
  private readonly key: string
  private readonly elements: Pointwise
  private readonly gradients: readonly Pointwise[]
  private readonly rules: Readonly<Record<"mean" | "sum", Rule>>

  /** `tensors`: how many of the formula's arguments are tensors; the rest are numbers. */
  constructor(
    name: string,
    tensors: number,
    formula: LossFormula,
    { names, gradient, second }: ElementwiseOptions,
    arity = formula.length,
  ) {
    this.name = name
    this.key = `loss ${losses++}`
    this.formula = formula
    this.elements = new Pointwise(
      name,
      formula,
      { gradName: names[0], refuse: onlyFloats, ...(gradient && { gradient }) },
      arity,
    )
    const derived = (g: Expr, args: readonly Expr[], i: number): Expr => {
      const y = formula(...args)
      const all = gradient ? gradient(g, args, y) : differentiate(y, g, args.slice(0, tensors))
      return all[i] ?? constant(0, g.dtype)
    }
    this.gradients = Array.from(
      { length: tensors },
      (_, i) =>
        new Pointwise(
          `${name}Backward`,
          (g, scale, ...args) => derived(g.mul(scale!), args, i),
          i === 0 && second ? { gradient: second } : {},
          arity + 2,
        ),
    )
    const rule = (gradName: string): Rule => ({ name: gradName, backward: (node, g) => this.backward(node, g) })
    this.rules = { mean: rule(names[1]), sum: rule(names[2]) }
  }

  call(reduction: LossReduction, tensors: readonly Tensor[], ...numbers: number[]): Tensor {
    if (reduction === "none") return this.elements.call(...tensors, ...numbers)
    const shape = broadcastSizes(this.name, ...tensors.map((t) => t.shape))
    const dtype = resultType(...tensors)
    const refused = onlyFloats(dtype)
    if (refused) throw new TypeError(`${this.name}: ${refused} (${tensors.map(tensorText).join(", ")})`)
    const count = numelOf(shape)
    const type = computeType(dtype)
    const out = allocate(tensors[0]!.device, [], [], dtype)
    const mean = reduction === "mean"
    runReduce(
      [out],
      shape,
      shape.length,
      sumMonoid(type),
      {
        key: `${this.key} ${reduction}`,
        inputs: tensors,
        scalars: [...numbers, count].map((value) => ({ value, dtype: type })),
      },
      ({ inputs, scalars }) => [this.formula(...inputs.map((e) => e.cast(type)), ...scalars.slice(0, -1))],
      (scalars) => [mean ? sumMonoid.total(type).div(scalars.at(-1)!) : sumMonoid.total(type)],
    )
    const context: ElementwiseContext = { numbers, shapes: tensors.map((t) => t.shape), scale: mean ? 1 / count : 1 }
    return track(this.rules[reduction], out, tensors, tensors, context)
  }

  private backward(node: OpNode, g: Tensor): (Tensor | null)[] {
    const { numbers, shapes, scale } = node.context as ElementwiseContext
    return shapes.map((shape, i) => {
      if (!node.needs(i)) return null
      const tensors = shapes.map((_, k) => node.get(k))
      return sumToSize(this.gradients[i]!.run([g, scale, ...tensors, ...numbers], tensors[i]!.dtype, null), shape)
    })
  }
}

type TwoTensors<K> = (input: Tensor, ...args: Args<[["target", Tensor]], Partial<K>>) => Tensor
interface Reduced {
  readonly reduction: LossReduction
}
interface Weighted extends Reduced {
  readonly weight: Tensor | null
}

/** Nodes of a loss that PyTorch composes of an elementwise op and `mean` or `sum`. */
const composed = (name: string): ElementwiseOptions["names"] => [name, "MeanBackward0", "SumBackward0"]
const own = (name: string): ElementwiseOptions["names"] => [name, name, name]

const square = (x: Expr, y: Expr): Expr => x.sub(y).square()
const absolute = (x: Expr, y: Expr): Expr => x.sub(y).abs()

const MSE = new ElementwiseLoss("mseLoss", 2, square, { names: own("MseLossBackward0") })
const MSE_WEIGHTED = new ElementwiseLoss("mseLoss", 3, (x, y, w) => square(x, y).mul(w), {
  names: composed("MulBackward0"),
})
const L1 = new ElementwiseLoss("l1Loss", 2, absolute, { names: composed("AbsBackward0") })
const L1_WEIGHTED = new ElementwiseLoss("l1Loss", 3, (x, y, w) => absolute(x, y).mul(w), {
  names: composed("MulBackward0"),
})

/** The mean of a weighted loss divides by the sum of the weights. */
function weightedLoss(
  loss: ElementwiseLoss,
  name: string,
  x: Tensor,
  y: Tensor,
  weight: Tensor,
  reduction: LossReduction,
): Tensor {
  checkTensors(name, { input: x, target: y, weight })
  checkSameShape(name, x, weight, "weight")
  if (reduction !== "mean") return loss.call(reduction, [x, y, weight])
  return div(loss.call("sum", [x, y, weight]), sum(weight))
}

const differenceLoss = (name: string, plain: ElementwiseLoss, weighted: ElementwiseLoss): TwoTensors<Weighted> =>
  op(
    `${name}(input, target, *, reduction?, weight?)`,
    (x: Tensor, y: Tensor, reduction: LossReduction = "mean", weight: Tensor | null = null) => {
      checkReduction(name, reduction)
      if (weight) return weightedLoss(weighted, name, x, y, weight, reduction)
      checkTensors(name, { input: x, target: y })
      return plain.call(reduction, [x, y])
    },
  )

/** (input − target)², broadcast. `weight` has the input's shape; a weighted mean divides by Σ weight. */
export const mseLoss: TwoTensors<Weighted> = differenceLoss("mseLoss", MSE, MSE_WEIGHTED)
/** |input − target|, broadcast. `weight` has the input's shape; a weighted mean divides by Σ weight. */
export const l1Loss: TwoTensors<Weighted> = differenceLoss("l1Loss", L1, L1_WEIGHTED)

const SMOOTH = new ElementwiseLoss(
  "smoothL1Loss",
  2,
  (x, y, beta) => {
    const d = absolute(x, y)
    return where(d.lt(beta), d.square().mul(0.5).div(beta), d.sub(beta.mul(0.5)))
  },
  {
    names: own("SmoothL1LossBackward0"),
    gradient: (g, [x, y, beta]) => {
      const d = x!.sub(y!)
      const slope = where(d.lt(beta!.neg()), g.neg(), where(beta!.lt(d), g, g.mul(d).div(beta!)))
      return [slope, slope.neg(), null]
    },
  },
)

/**
 * ½·d²/β where d = |input − target| is below β, else d − ½·β; broadcast. β = 0 is `l1Loss`; a negative β is a RangeError.
 */
export const smoothL1Loss: TwoTensors<Reduced & { readonly beta: number }> = op(
  "smoothL1Loss(input, target, *, reduction?, beta?)",
  (x: Tensor, y: Tensor, reduction: LossReduction = "mean", beta = 1) => {
    checkReduction("smoothL1Loss", reduction)
    checkNumbers("smoothL1Loss", { beta })
    checkTensors("smoothL1Loss", { input: x, target: y })
    if (beta < 0) throw new RangeError(`smoothL1Loss: does not support negative values for beta, got ${beta}`)
    if (beta === 0) return SMOOTH_L1.call(reduction, [x, y])
    return SMOOTH.call(reduction, [x, y], beta)
  },
)
const SMOOTH_L1 = new ElementwiseLoss("smoothL1Loss", 2, absolute, { names: composed("AbsBackward0") })

const huber = (x: Expr, y: Expr, delta: Expr): Expr => {
  const d = absolute(x, y)
  return where(d.le(delta), d.square().mul(0.5), d.sub(delta.mul(0.5)).mul(delta))
}
const huberSlope = (g: Expr, x: Expr, y: Expr, delta: Expr): Expr => {
  const d = x.sub(y)
  return where(d.le(delta.neg()), g.neg().mul(delta), where(delta.le(d), g.mul(delta), g.mul(d)))
}
const HUBER = new ElementwiseLoss("huberLoss", 2, huber, {
  names: own("HuberLossBackward0"),
  gradient: (g, [x, y, delta]) => {
    const slope = huberSlope(g, x!, y!, delta!)
    return [slope, slope.neg(), null]
  },
})
const HUBER_WEIGHTED = new ElementwiseLoss("huberLoss", 3, (x, y, w, delta) => huber(x, y, delta).mul(w), {
  names: composed("MulBackward0"),
  gradient: (g, [x, y, w, delta]) => {
    const slope = huberSlope(g.mul(w!), x!, y!, delta!)
    return [slope, slope.neg(), g.mul(huber(x!, y!, delta!)), null]
  },
})

/** ½·d² where d = |input − target| is at most δ, else δ·(d − ½·δ); broadcast. `weight` has the input's shape. */
export const huberLoss: (
  input: Tensor,
  ...args: Args<[["target", Tensor], ["reduction", LossReduction], ["delta", number], ["weight", Tensor | null]]>
) => Tensor = op(
  "huberLoss(input, target, reduction?, delta?, weight?)",
  (x: Tensor, y: Tensor, reduction: LossReduction = "mean", delta = 1, weight: Tensor | null = null) => {
    checkReduction("huberLoss", reduction)
    checkNumbers("huberLoss", { delta })
    if (delta <= 0) throw new RangeError(`huberLoss: does not support non-positive values for delta, got ${delta}`)
    checkTensors("huberLoss", weight ? { input: x, target: y, weight } : { input: x, target: y })
    if (!weight) return HUBER.call(reduction, [x, y], delta)
    checkSameShape("huberLoss", x, weight, "weight")
    return HUBER_WEIGHTED.call(reduction, [x, y, weight], delta)
  },
)

// ---- binary cross entropy ----

/** The logarithm is not let below −100, as in PyTorch, so that a certain and wrong guess costs a finite amount. */
const boundedLog = (x: Expr): Expr => x.log().max(-100)
const boundedLog1p = (x: Expr): Expr => x.log1p().max(-100)

const binary = (x: Expr, y: Expr): Expr =>
  y
    .sub(1)
    .mul(boundedLog1p(x.neg()))
    .sub(y.mul(boundedLog(x)))
/** PyTorch's bound of x·(1 − x), a float32. */
const LEAST_VARIANCE = Math.fround(1e-12)
const binaryGradient = (g: Expr, x: Expr, y: Expr): readonly [Expr, Expr] => [
  g.mul(x.sub(y)).div(constant(1, x.dtype).sub(x).mul(x).max(LEAST_VARIANCE)),
  g.mul(x.neg().log1p().sub(x.log())),
]
/** The gradient of the input's gradient, with PyTorch's way of keeping it finite at 0 and 1. */
const binarySecond = (gg: Expr, g: Expr, x: Expr, y: Expr): readonly [Expr, Expr, Expr] => {
  const denominator = constant(1, x.dtype).sub(x).mul(x).max(LEAST_VARIANCE)
  const bounded = x.add(1e-12).square().mul(constant(1, x.dtype).sub(x).add(1e-12).square())
  return [
    gg.mul(x.sub(y)).div(denominator),
    gg
      .mul(g)
      .mul(x.mul(x).sub(x.mul(y).mul(2)).add(y))
      .div(bounded),
    gg.mul(g).neg().div(denominator),
  ]
}
const BCE = new ElementwiseLoss("binaryCrossEntropy", 2, binary, {
  names: own("BinaryCrossEntropyBackward0"),
  gradient: (g, [x, y]) => binaryGradient(g, x!, y!),
  second: (gg, [g, scale, x, y]) => {
    const [byG, byX, byY] = binarySecond(gg.mul(scale!), g!, x!, y!)
    return [byG, null, byX, byY]
  },
})
const BCE_WEIGHTED = new ElementwiseLoss("binaryCrossEntropy", 3, (x, y, w) => binary(x, y).mul(w), {
  names: own("BinaryCrossEntropyBackward0"),
  gradient: (g, [x, y, w]) => [...binaryGradient(g.mul(w!), x!, y!), null],
  second: (gg, [g, scale, x, y, w]) => {
    const [byG, byX, byY] = binarySecond(gg.mul(scale!).mul(w!), g!, x!, y!)
    return [byG, null, byX, byY, null]
  },
})

/**
 * Throws where some element does not satisfy `holds`: at once where the device reads synchronously, elsewhere the next
 * read rejects. `key` stands for the condition.
 */
function requireAll(x: Tensor, key: string, holds: (e: Expr) => Expr, message: () => string): void {
  if (x.numel() === 0) return
  const out = allocate(x.device, [], [], "int32")
  const probe = new Tensor(x.storage, [1], [1], x.offset, x.dtype)
  const seen = ({ inputs, load }: Scope): Expr[] => [
    load(0, [where(holds(inputs[0]!), constant(0, "int32"), -1)], "fault")
      .cast("bool")
      .cast("int32"),
  ]
  naming(message, () =>
    runReduce(
      [out],
      x.shape,
      x.ndim,
      sumMonoid("int32"),
      { key: `require ${key}`, inputs: [x], loads: [probe] },
      seen,
      () => [sumMonoid.total("int32")],
    ),
  )
}

type BinaryLoss<K> = (
  input: Tensor,
  ...args: Args<[["target", Tensor], ["weight", Tensor | null]], Partial<K>>
) => Tensor

/**
 * −(target·log(input) + (1 − target)·log(1 − input)), the logarithms at least −100. `input` lies in [0, 1] and has the
 * target's shape; `weight` broadcasts to it.
 */
export const binaryCrossEntropy: BinaryLoss<Reduced> = op(
  "binaryCrossEntropy(input, target, weight?, *, reduction?)",
  (x: Tensor, y: Tensor, weight: Tensor | null = null, reduction: LossReduction = "mean") => {
    const name = "binaryCrossEntropy"
    checkReduction(name, reduction)
    checkTensors(name, weight ? { input: x, target: y, weight } : { input: x, target: y })
    checkSameShape(name, x, y)
    requireAll(
      x,
      "unit",
      (e) => e.ge(0).and(e.le(1)),
      () => `${name}: all elements of input should be between 0 and 1`,
    )
    return weight ? BCE_WEIGHTED.call(reduction, [x, y, expand(weight, x.shape)]) : BCE.call(reduction, [x, y])
  },
)

const logSigmoid = (x: Expr): Expr => x.min(0).sub(x.abs().neg().exp().log1p())

/** The kinds of this loss, by whether there is a weight and a weight of the positive answers. */
function logitsLoss(weighted: boolean, positive: boolean): ElementwiseLoss {
  const parts = (args: readonly Expr[]) => ({
    x: args[0]!,
    y: args[1]!,
    w: weighted ? args[2]! : null,
    p: positive ? args[weighted ? 3 : 2]! : null,
  })
  const formula = (...args: Expr[]): Expr => {
    const { x, y, w, p } = parts(args)
    const one = constant(1, x.dtype)
    const scale = p ? p.sub(1).mul(y).add(1) : one
    const loss = one.sub(y).mul(x).sub(logSigmoid(x).mul(scale))
    return w ? loss.mul(w) : loss
  }
  const gradient: PointwiseOptions["gradient"] = (g0, args) => {
    const { x, y, w, p } = parts(args)
    const g = w ? g0.mul(w) : g0
    const one = constant(1, x.dtype)
    const share = p ? p.mul(y) : y
    const byInput = p ? share.add(1).sub(y).mul(x.sigmoid()).sub(share) : x.sigmoid().sub(y)
    const byTarget = p ? logSigmoid(x.neg()).sub(p.mul(logSigmoid(x))) : x.neg()
    const unweighted = one
      .sub(y)
      .mul(x)
      .sub(logSigmoid(x).mul(p ? p.sub(1).mul(y).add(1) : one))
    const byPositive = p ? [g.mul(y).mul(logSigmoid(x)).neg()] : []
    return [g.mul(byInput), g.mul(byTarget), ...(w ? [g0.mul(unweighted)] : []), ...byPositive]
  }
  const tensors = 2 + (weighted ? 1 : 0) + (positive ? 1 : 0)
  return new ElementwiseLoss(
    "binaryCrossEntropyWithLogits",
    tensors,
    formula,
    { names: own("BinaryCrossEntropyWithLogitsBackward0"), gradient },
    tensors,
  )
}
const LOGITS = [
  logitsLoss(false, false),
  logitsLoss(true, false),
  logitsLoss(false, true),
  logitsLoss(true, true),
] as const

/**
 * Binary cross entropy of sigmoid(input), without overflow. `input` has the target's shape; `weight` and `posWeight`, by
 * which positive answers count, broadcast to it.
 */
export const binaryCrossEntropyWithLogits: BinaryLoss<Reduced & { readonly posWeight: Tensor | null }> = op(
  "binaryCrossEntropyWithLogits(input, target, weight?, *, reduction?, posWeight?)",
  (
    x: Tensor,
    y: Tensor,
    weight: Tensor | null = null,
    reduction: LossReduction = "mean",
    posWeight: Tensor | null = null,
  ) => {
    const name = "binaryCrossEntropyWithLogits"
    checkReduction(name, reduction)
    checkTensors(name, { input: x, target: y, ...(weight && { weight }), ...(posWeight && { posWeight }) })
    checkSameShape(name, x, y)
    const more = [weight, posWeight].filter(isTensor)
    for (const t of more) broadcastSizes(name, t.shape, x.shape)
    return LOGITS[weight ? (posWeight ? 3 : 1) : posWeight ? 2 : 0].call(reduction, [x, y, ...more])
  },
)

const SOFT_MARGIN = new ElementwiseLoss("softMarginLoss", 2, (x, y) => logSigmoid(x.mul(y)).neg(), {
  names: own("SoftMarginLossBackward0"),
  gradient: (g, [x, y]) => softMarginGradient(g, x!, y!),
})
const softMarginGradient = (g: Expr, x: Expr, y: Expr): readonly Expr[] => {
  const slope = g.mul(x.mul(y).neg().sigmoid()).neg()
  return [slope.mul(y), slope.mul(x)]
}

/** log(1 + exp(−target·input)), targets 1 or −1, without overflow. */
export const softMarginLoss: TwoTensors<Reduced> = op(
  "softMarginLoss(input, target, *, reduction?)",
  (x: Tensor, y: Tensor, reduction: LossReduction = "mean") => {
    checkReduction("softMarginLoss", reduction)
    checkTensors("softMarginLoss", { input: x, target: y })
    return SOFT_MARGIN.call(reduction, [x, y])
  },
)

// ---- divergences and likelihoods ----

const KL = new ElementwiseLoss("klDiv", 2, (x, y) => where(y.eq(0), 0, y.mul(y.log())).sub(y.mul(x)), {
  names: composed("SubBackward0"),
})
const KL_LOG = new ElementwiseLoss("klDiv", 2, (x, y) => y.exp().mul(y.sub(x)), { names: composed("MulBackward0") })

/**
 * target·(log(target) − input), the input being logarithms of probabilities; with `logTarget` the target is, too. Reduction
 * "batchmean" divides the sum by the size of the first dim, which is the divergence; "mean" by the number of elements.
 */
export const klDiv: TwoTensors<{ readonly reduction: LossReduction | "batchmean"; readonly logTarget: boolean }> = op(
  "klDiv(input, target, *, reduction?, logTarget?)",
  (x: Tensor, y: Tensor, reduction: LossReduction | "batchmean" = "mean", logTarget = false) => {
    checkReduction("klDiv", reduction, ["batchmean"])
    checkTensors("klDiv", { input: x, target: y })
    const loss = logTarget ? KL_LOG : KL
    if (reduction !== "batchmean") return loss.call(reduction, [x, y])
    const total = loss.call("sum", [x, y])
    return x.ndim === 0 ? total : div(total, x.shape[0]!)
  },
)

/** Stirling's approximation of log(y!), for y above 1. */
const stirling = (y: Expr): Expr =>
  where(
    y.le(1),
    0,
    y
      .mul(y.log())
      .sub(y)
      .add(
        y
          .mul(2 * Math.PI)
          .log()
          .mul(0.5),
      ),
  )
const poisson = (x: Expr, y: Expr, eps: Expr): Expr => x.sub(y.mul(x.add(eps).log()))
const poissonOfLog = (x: Expr, y: Expr): Expr => x.exp().sub(y.mul(x))
const POISSON = {
  log: new ElementwiseLoss("poissonNllLoss", 2, poissonOfLog, { names: composed("SubBackward0") }),
  logFull: new ElementwiseLoss("poissonNllLoss", 2, (x, y) => poissonOfLog(x, y).add(stirling(y)), {
    names: composed("AddBackward0"),
  }),
  plain: new ElementwiseLoss("poissonNllLoss", 2, poisson, { names: composed("SubBackward0") }),
  plainFull: new ElementwiseLoss("poissonNllLoss", 2, (x, y, eps) => poisson(x, y, eps).add(stirling(y)), {
    names: composed("AddBackward0"),
  }),
} as const

/**
 * exp(input) − target·input, or without `logInput` input − target·log(input + eps); `full` adds Stirling's term for
 * targets above 1.
 */
export const poissonNllLoss: (
  input: Tensor,
  ...args: Args<
    [["target", Tensor], ["logInput", boolean], ["full", boolean]],
    Partial<Reduced & { readonly eps: number }>
  >
) => Tensor = op(
  "poissonNllLoss(input, target, logInput?, full?, *, eps?, reduction?)",
  (x: Tensor, y: Tensor, logInput = true, isFull = false, eps = 1e-8, reduction: LossReduction = "mean") => {
    checkReduction("poissonNllLoss", reduction)
    checkNumbers("poissonNllLoss", { eps })
    checkTensors("poissonNllLoss", { input: x, target: y })
    if (logInput) return POISSON[isFull ? "logFull" : "log"].call(reduction, [x, y])
    return POISSON[isFull ? "plainFull" : "plain"].call(reduction, [x, y], eps)
  },
)

const gaussian = (x: Expr, y: Expr, v: Expr, extra: Expr): Expr => v.log().add(square(x, y).div(v)).mul(0.5).add(extra)
const GAUSSIAN = new ElementwiseLoss("gaussianNllLoss", 3, gaussian, { names: composed("MulBackward0") })
const GAUSSIAN_FULL = new ElementwiseLoss("gaussianNllLoss", 3, gaussian, { names: composed("AddBackward0") })

/**
 * ½·(log(var) + (input − target)²/var), var kept at least `eps`; `full` adds ½·log 2π. `var` is a non-negative number, or a
 * tensor of the input's shape, without its last dim, or with size 1 in one dim.
 */
export const gaussianNllLoss: (
  input: Tensor,
  ...args: Args<
    [["target", Tensor], ["var", Tensor | number], ["full", boolean], ["eps", number], ["reduction", LossReduction]]
  >
) => Tensor = op(
  "gaussianNllLoss(input, target, var, full?, eps?, reduction?)",
  (x: Tensor, y: Tensor, variance: Tensor | number, isFull = false, eps = 1e-6, reduction: LossReduction = "mean") => {
    const name = "gaussianNllLoss"
    checkReduction(name, reduction)
    checkNumbers(name, { eps })
    const negative = (): string => `${name}: var has negative entries`
    if (typeof variance === "number" && variance < 0) throw new RangeError(`${negative()}, got ${variance}`)
    let v = typeof variance === "number" ? full([], variance, { dtype: x.dtype, device: x.device }) : variance
    checkTensors(name, { input: x, target: y, var: v })
    requireAll(v, "not negative", (e) => e.lt(0).not(), negative)
    if (typeof variance !== "number" && !sameSizes(v.shape, x.shape)) {
      if (sameSizes(v.shape, x.shape.slice(0, -1))) v = unsqueeze(v, -1)
      else if (
        v.ndim !== x.ndim ||
        x.shape.filter((s, d) => s !== v.shape[d]).length !== 1 ||
        x.shape.some((s, d) => s !== v.shape[d] && v.shape[d] !== 1)
      )
        throw new RangeError(
          `${name}: var is of incorrect size ${shapeText(v.shape)} for input ${tensorText(x)}: expected the same, without the last dim, or 1 in one dim`,
        )
    }
    const extra = isFull ? 0.5 * Math.log(2 * Math.PI) : 0
    return (isFull ? GAUSSIAN_FULL : GAUSSIAN).call(reduction, [x, y, BOUNDED.call(v, eps)], extra)
  },
)

// ---- margins ----

/** Zero below zero; the gradient passes at zero itself. */
const clampMin = (e: Expr): Expr => where(e.lt(0), 0, e)

const HINGE = new ElementwiseLoss(
  "hingeEmbeddingLoss",
  2,
  (x, y, margin) => where(y.eq(1), 0, clampMin(margin.sub(x))).add(where(y.eq(-1), 0, x)),
  { names: composed("AddBackward0") },
)

type WithMargin = (input: Tensor, ...args: Args<[["target", Tensor], ["margin", number]], Partial<Reduced>>) => Tensor

/** The input where the target is 1, max(0, margin − input) where it is −1. */
export const hingeEmbeddingLoss: WithMargin = op(
  "hingeEmbeddingLoss(input, target, margin?, *, reduction?)",
  (x: Tensor, y: Tensor, margin = 1, reduction: LossReduction = "mean") => {
    checkReduction("hingeEmbeddingLoss", reduction)
    checkNumbers("hingeEmbeddingLoss", { margin })
    checkTensors("hingeEmbeddingLoss", { input: x, target: y })
    return HINGE.call(reduction, [x, y], margin)
  },
)

const RANKING = new ElementwiseLoss(
  "marginRankingLoss",
  3,
  (a, b, y, margin) => clampMin(y.neg().mul(a.sub(b)).add(margin)),
  {
    names: composed("ClampMinBackward0"),
  },
)

type ThreeTensors = (
  input1: Tensor,
  ...args: Args<[["input2", Tensor], ["target", Tensor], ["margin", number]], Partial<Reduced>>
) => Tensor

/** max(0, −target·(input1 − input2) + margin): a target of 1 says that the first ranks higher, −1 the second. */
export const marginRankingLoss: ThreeTensors = op(
  "marginRankingLoss(input1, input2, target, margin?, *, reduction?)",
  (a: Tensor, b: Tensor, y: Tensor, margin = 0, reduction: LossReduction = "mean") => {
    const name = "marginRankingLoss"
    checkReduction(name, reduction)
    checkNumbers(name, { margin })
    checkTensors(name, { input1: a, input2: b, target: y })
    if (a.ndim !== b.ndim || a.ndim !== y.ndim)
      throw new RangeError(
        `${name}: all input tensors should have the same number of dims, got ${tensorText(a)}, ${tensorText(b)} and ${tensorText(y)}`,
      )
    return RANKING.call(reduction, [a, b, y], margin)
  },
)

const COSINE_EPS = 1e-12
const COSINE = new ElementwiseLoss(
  "cosineEmbeddingLoss",
  4,
  (dot, a, b, y, margin) => {
    const cosine = dot.div(a.add(COSINE_EPS).mul(b.add(COSINE_EPS)).sqrt())
    return where(y.eq(1), constant(1, y.dtype).sub(cosine), 0).add(where(y.eq(-1), clampMin(cosine.sub(margin)), 0))
  },
  { names: composed("AddBackward0") },
)

/** 1 − cos where the target is 1, max(0, cos − margin) where it is −1; of rows [n, d] with targets [n], or of vectors. */
export const cosineEmbeddingLoss: ThreeTensors = op(
  "cosineEmbeddingLoss(input1, input2, target, margin?, *, reduction?)",
  (a: Tensor, b: Tensor, y: Tensor, margin = 0, reduction: LossReduction = "mean") => {
    const name = "cosineEmbeddingLoss"
    checkReduction(name, reduction)
    checkNumbers(name, { margin })
    checkTensors(name, { input1: a, input2: b, target: y })
    if (y.ndim > 1)
      throw new RangeError(`${name}: 0D or 1D target tensor expected, multi-target not supported: ${tensorText(y)}`)
    if (a.ndim !== y.ndim + 1 || b.ndim !== y.ndim + 1)
      throw new RangeError(
        `${name}: a ${y.ndim}D target tensor expects ${y.ndim + 1}D input tensors, but found inputs ${tensorText(a)} and ${tensorText(b)}`,
      )
    return COSINE.call(reduction, [sum(mul(a, b), -1), sum(mul(a, a), -1), sum(mul(b, b), -1), y], margin)
  },
)

const TRIPLET = new ElementwiseLoss(
  "tripletMarginLoss",
  2,
  (near, far, margin) => clampMin(near.sub(far).add(margin)),
  {
    names: composed("ClampMinBackward0"),
  },
)
const TRIPLET_SWAP = new ElementwiseLoss(
  "tripletMarginLoss",
  3,
  (near, far, other, margin) => clampMin(near.sub(far.min(other)).add(margin)),
  {
    names: composed("ClampMinBackward0"),
  },
)

/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin), d the p-norm of the difference plus eps over the last dim.
 * With `swap` the smaller of d(anchor, negative) and d(positive, negative).
 */
export const tripletMarginLoss: (
  anchor: Tensor,
  ...args: Args<
    [["positive", Tensor], ["negative", Tensor], ["margin", number], ["p", number], ["eps", number], ["swap", boolean]],
    Partial<Reduced>
  >
) => Tensor = op(
  "tripletMarginLoss(anchor, positive, negative, margin?, p?, eps?, swap?, *, reduction?)",
  (
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin = 1,
    p = 2,
    eps = 1e-6,
    swap = false,
    reduction: LossReduction = "mean",
  ) => {
    const name = "tripletMarginLoss"
    checkReduction(name, reduction)
    checkNumbers(name, { margin, p, eps })
    checkTensors(name, { anchor, positive, negative })
    if (margin <= 0) throw new RangeError(`${name}: margin must be greater than 0, got ${margin}`)
    if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim)
      throw new RangeError(
        `${name}: the anchor, positive and negative tensors must have the same number of dims, got ${tensorText(anchor)}, ${tensorText(positive)} and ${tensorText(negative)}`,
      )
    const near = pairwiseDistance(anchor, positive, p, eps)
    const far = pairwiseDistance(anchor, negative, p, eps)
    return swap
      ? TRIPLET_SWAP.call(reduction, [near, far, pairwiseDistance(positive, negative, p, eps)], margin)
      : TRIPLET.call(reduction, [near, far], margin)
  },
)

const labels = (x: Expr, y: Expr): Expr =>
  y
    .mul(logSigmoid(x))
    .add(constant(1, y.dtype).sub(y).mul(logSigmoid(x.neg())))
    .neg()
const labelsGradient = (g: Expr, x: Expr, y: Expr): readonly [Expr, Expr] => [g.mul(x.sigmoid().sub(y)), g.mul(x).neg()]
const LABELS = new ElementwiseLoss("multilabelSoftMarginLoss", 2, labels, {
  names: ["NegBackward0", "MeanBackward0", "DivBackward0"],
  gradient: (g, [x, y]) => labelsGradient(g, x!, y!),
})
const LABELS_WEIGHTED = new ElementwiseLoss("multilabelSoftMarginLoss", 3, (x, y, w) => labels(x, y).mul(w), {
  names: ["MulBackward0", "MeanBackward0", "DivBackward0"],
  gradient: (g, [x, y, w]) => [...labelsGradient(g.mul(w!), x!, y!), g.mul(labels(x!, y!))],
})

/** The mean over the last dim, the classes, of the binary cross entropy of sigmoid(input) with targets 0 and 1. */
export const multilabelSoftMarginLoss: BinaryLoss<Reduced> = op(
  "multilabelSoftMarginLoss(input, target, weight?, *, reduction?)",
  (x: Tensor, y: Tensor, weight: Tensor | null = null, reduction: LossReduction = "mean") => {
    const name = "multilabelSoftMarginLoss"
    checkReduction(name, reduction)
    checkTensors(name, weight ? { input: x, target: y, weight } : { input: x, target: y })
    if (x.ndim === 0) throw new RangeError(`${name}: expected an input with at least one dim, got ${tensorText(x)}`)
    const loss = weight ? LABELS_WEIGHTED : LABELS
    const tensors = weight ? [x, y, weight] : [x, y]
    if (reduction === "mean") return loss.call("mean", tensors)
    const perSample = div(sum(loss.call("none", tensors), -1), x.shape.at(-1)!)
    return reduction === "none" ? perSample : sum(perSample)
  },
)

// ---- classes ----

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

function classesOf(
  name: string,
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  ignore: unknown,
  reduction: LossReduction,
): Classes {
  checkReduction(name, reduction)
  checkTensors(name, weight ? { input: x, target, weight } : { input: x, target })
  if (typeof ignore !== "number" || !Number.isInteger(ignore))
    throw new TypeError(`${name}: ignoreIndex must be an integer, got ${valueText(ignore)}`)
  if (!isFloating(x.dtype))
    throw new TypeError(`${name}: expected a floating input, got ${tensorText(x)}; convert with x.to("float32")`)
  if (!isIntegral(target.dtype))
    throw new TypeError(
      `${name}: expected targets that are class indices of an integer dtype, got ${tensorText(target)}; convert with x.to("int32")`,
    )
  if (x.ndim === 0)
    throw new RangeError(`${name}: expected an input with at least one dim, the classes, got ${tensorText(x)}`)
  const dim = x.ndim === 1 ? 0 : 1
  const expected = x.shape.toSpliced(dim, 1)
  if (x.ndim > 1 && target.ndim > 0 && target.shape[0] !== x.shape[0])
    throw new RangeError(
      `${name}: expected input batch_size (${x.shape[0]}) to match target batch_size (${target.shape[0]}): input ${tensorText(x)}, target ${tensorText(target)}`,
    )
  if (!sameSizes(target.shape, expected))
    throw new RangeError(
      `${name}: expected target size ${shapeText(expected)} for input ${tensorText(x)}, got ${tensorText(target)}`,
    )
  const count = x.shape[dim]!
  if (weight && !sameSizes(weight.shape, [count]))
    throw new RangeError(
      `${name}: weight tensor should be defined either for all ${count} classes or no classes but got weight tensor of shape ${shapeText(weight.shape)}`,
    )
  return { name, target, weight, ignore, reduction, shape: x.shape, dim }
}

const outOfBounds =
  ({ name, shape, dim, ignore }: Classes) =>
  (): string =>
    `${name}: a target is out of bounds: classes are 0 to ${shape[dim]! - 1} for input ${shapeText(shape)}, or ${ignore} to be ignored`

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

/** Two sums at once. */
const twoSums = (type: DType): MonoidSpec => ({
  accumulators: [type, type],
  identity: [0, 0],
  combine: [left(0, type).add(right(0, type)), left(1, type).add(right(1, type))],
})

/** The loss and, where it is reduced, the total weight of what was not ignored. */
function likelihood(x: Tensor, c: Classes): { out: Tensor; total: Tensor | null } {
  const { target, reduction, weight } = c
  const type = computeType(x.dtype)
  const work = { inputs: [target], loads: weight ? [x, weight] : [x], scalars: [int(c.ignore)], coordinates: true }
  const key = `nll ${c.dim} ${weight !== null}`
  return naming(outOfBounds(c), () => {
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
      twoSums(type),
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
}

const savedOf = (c: Classes, total: Tensor | null): Tensor[] => [
  c.target,
  ...(c.weight ? [c.weight] : []),
  ...(c.reduction === "mean" ? [total!] : []),
]

/** What a node saved, put together again. */
function classesFrom(node: OpNode): { c: Classes; total: Tensor | null } {
  const { weighted, ...rest } = node.context as ClassesContext
  const c: Classes = { ...rest, target: node.get(0), weight: weighted ? node.get(1) : null }
  return { c, total: c.reduction === "mean" ? node.get(weighted ? 2 : 1) : null }
}

const contextOf = ({ target: _target, weight, ...rest }: Classes): ClassesContext => ({
  ...rest,
  weighted: weight !== null,
})

const nllRule = (name: string): Rule => ({
  name,
  backward: (node, g) => {
    const { c, total } = classesFrom(node)
    return [likelihoodGradient(g, c, total)]
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
  const perClass = (w: Tensor): Tensor =>
    raw(() =>
      reshape(
        w,
        c.shape.map((s, d) => (d === c.dim ? s : 1)),
      ),
    )
  const gradient = c.reduction === "none" ? inserted(g, c.dim) : g
  runMap(
    [out],
    {
      key: `nll-backward ${c.dim} ${c.weight !== null} ${total !== null}`,
      inputs: [
        inserted(c.target, c.dim),
        gradient,
        ...(c.weight ? [perClass(c.weight)] : []),
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

function negativeLikelihood(x: Tensor, c: Classes): Tensor {
  const { out, total } = likelihood(x, c)
  return needsGrad([x]) ? track(nllNode(c), out, [x], savedOf(c, total), contextOf(c)) : out
}

interface ClassOptions extends Reduced {
  readonly ignoreIndex: number
}
type ClassLoss<K> = (
  input: Tensor,
  ...args: Args<[["target", Tensor], ["weight", Tensor | null]], Partial<K>>
) => Tensor

/**
 * −weight[t]·input[.., t, ..] for the classes t in `target`: input [C], [N, C] or [N, C, d1, ..] of logarithms of
 * probabilities, target [], [N] or [N, d1, ..] of integers, weight [C]. Targets equal to `ignoreIndex` (−100) do not
 * count; the mean divides by the weights that do. A target that is no class is a RangeError.
 */
export const nllLoss: ClassLoss<ClassOptions> = op(
  "nllLoss(input, target, weight?, *, ignoreIndex?, reduction?)",
  (x: Tensor, target: Tensor, weight: Tensor | null = null, ignoreIndex = -100, reduction: LossReduction = "mean") =>
    negativeLikelihood(x, classesOf("nllLoss", x, target, weight, ignoreIndex, reduction)),
)

const NOT_IGNORED = new Pointwise("maskedFill", (x, target, ignore) => where(target.eq(ignore), 0, x))

/** −Σ over the classes of the logarithms, weighted: the loss against the uniform distribution, up to its size. */
function smoothLoss(logs: Tensor, c: Classes, total: Tensor | null): Tensor {
  const shape = c.shape.map((s, d) => (d === c.dim ? s : 1))
  const weighted = c.weight ? mul(logs, reshape(c.weight, shape)) : logs
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
  const dim = x.ndim === 1 ? 0 : 1
  const count = x.shape[dim]!
  if (weight && !sameSizes(weight.shape, [count]))
    throw new RangeError(
      `${name}: weight tensor should be defined either for all ${count} classes or no classes but got weight tensor of shape ${shapeText(weight.shape)}`,
    )
  const smoothed = smoothing > 0 ? add(mul(target, 1 - smoothing), smoothing / count) : target
  let products = mul(logSoftmax(x, dim), smoothed)
  if (weight)
    products = mul(
      products,
      reshape(
        weight,
        x.shape.map((s, d) => (d === dim ? s : 1)),
      ),
    )
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
export const crossEntropy: ClassLoss<ClassOptions & { readonly labelSmoothing: number }> = op(
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
    checkReduction(name, reduction)
    checkNumbers(name, { labelSmoothing })
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
      throw new RangeError(`${name}: labelSmoothing must be between 0.0 and 1.0, got ${labelSmoothing}`)
    checkTensors(name, weight ? { input: x, target, weight } : { input: x, target })
    if (sameSizes(x.shape, target.shape) && x.ndim > 0) {
      if (!isFloating(x.dtype))
        throw new TypeError(`${name}: expected a floating input, got ${tensorText(x)}; convert with x.to("float32")`)
      return ofProbabilities(x, target, weight, reduction, labelSmoothing)
    }
    const c = classesOf(name, x, target, weight, ignoreIndex, reduction)
    const logs = logSoftmax(x, c.dim)
    if (labelSmoothing === 0) return negativeLikelihood(logs, c)
    const { out, total } = likelihood(logs, c)
    const loss = track(nllNode(c), out, [logs], savedOf(c, total), contextOf(c))
    return add(mul(loss, 1 - labelSmoothing), mul(smoothLoss(logs, c, total), labelSmoothing / x.shape[c.dim]!))
  },
)
