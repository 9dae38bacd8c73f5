/** Activation functions. */
import { type Args, op } from "../args.ts"
import { noBool, onlyFloats, requireDtypes } from "../checks.ts"
import type { DType } from "../dtype.ts"
import { tensorText, valueText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import { Pointwise, type PointwiseOptions } from "../pointwise.ts"
import { followedBy } from "../products.ts"
import type { Operandish } from "../promotion.ts"
import { normalizeDim } from "../shape.ts"
import type { Tensor } from "../tensor.ts"
import type { DivMod } from "../types/arithmetic.ts"
import type { CheckDim, Place, SetSize, SizeAt } from "../types/dims.ts"
import type { PromoteTypes } from "../types/dtype.ts"
import type { DimOf, Elementwise, ElementwiseFunction } from "../types/patterns.ts"
import type { Arg, Ok, Shape, ShowTensor } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"
import { sub } from "./arithmetic.ts"
import { emptyLike } from "./creation.ts"
import { logSigmoid } from "./formulas.ts"
import { type Applied, applied, inplaceOption, withInplaceOption } from "./pointwise-op.ts"
import { uniform_ } from "./random.ts"
import { tanh } from "./unary.ts"
import { narrow, reshape } from "./views.ts"

export interface ActivationOps {
  /** max(input, 0); also of integers */
  relu: Elementwise
  relu_: Elementwise
  /** 0 within [−lambd, lambd], elsewhere the input. */
  hardshrink: Elementwise<"same", Args<[["lambd", number]]>>
  /** input where it is above 0, else weight·input; weight has one element or one for each channel (dim 1). */
  prelu: Prelu
}

interface Prelu {
  method: <Self extends Tensor, R extends Shape = Shape, E extends DType = DType>(
    this: Self,
    weight: Tensor<R, E> | { weight: Tensor<R, E> },
  ) => Tensor<OwnShape<Self>, PromoteTypes<OwnDType<Self>, E>>
  function: <S extends Shape, D extends DType, R extends Shape, E extends DType>(
    input: Tensor<S, D>,
    weight: Tensor<R, E> | { weight: Tensor<R, E> },
  ) => Tensor<S, PromoteTypes<D, E>>
}

export interface ActivationMethods extends MethodsOf<ActivationOps> {}

type Plain = ElementwiseFunction
type Inplace = ElementwiseFunction<"same", Args<[["inplace", boolean]]>>
type With<P extends readonly (readonly [string, unknown])[]> = ElementwiseFunction<"same", Args<P>>
/** Of floats only: `Op` is the name in the sentence that says so. */
type Floats<Op extends string, P extends readonly (readonly [string, unknown])[] = []> = ElementwiseFunction<
  "floats",
  Args<P>,
  Op
>
type Number1<N extends string> = [[N, number]]
type Number2<N extends string, M extends string> = [[N, number], [M, number]]
type Flag = ["inplace", boolean]

const one = (like: Expr): Expr => constant(1, like.dtype)
const zeroWhere = (dead: Expr, g: Expr): Expr => where(dead, 0, g)
/** A gradient for the input alone; the parameters are numbers. */
const slope = (rule: (g: Expr, args: readonly Expr[], y: Expr) => Expr): PointwiseOptions => ({
  gradient: (g, args, y) => args.map((_, k) => (k === 0 ? rule(g, args, y) : null)),
})

/** The op on floating dtypes only, also where numbers among its arguments would promote others. */
const floats = (own: Pointwise, x: Tensor, ...numbers: Operandish[]): Applied => {
  requireDtypes(own.name, [x], onlyFloats)
  return [own, x, ...numbers]
}
const plain = <Op extends string>(own: Pointwise): Floats<Op> =>
  applied<Floats<Op>>(`${own.name}(input)`, (x: Tensor) => floats(own, x))
const optional = <Op extends string>(own: Pointwise): Floats<Op, [Flag]> =>
  inplaceOption<Floats<Op, [Flag]>>(`${own.name}(input)`, (x: Tensor) => floats(own, x))

// ---- piecewise linear ----

// Written so that -0 stays, as in PyTorch.
const RELU = new Pointwise("relu", (x) => zeroWhere(x.lt(0), x), {
  refuse: noBool,
  gradient: (g, _args, y) => [zeroWhere(y.le(0), g)],
})
/** max(input, 0); NaN stays. */
export const [relu, relu_] = withInplaceOption<Inplace, Plain>("relu(input)", (x: Tensor): Applied => [RELU, x])
/** relu of what a linear map or a convolution gives, which nobody else sees: both are one kernel. */
export const reluAfter = (product: () => Tensor): Tensor => followedBy(RELU, product)

const leak = (x: Expr, negative: Expr): Expr => where(x.gt(0), x, x.mul(negative))
const leakGradient = slope((g, [x, negative]) => where(x!.gt(0), g, g.mul(negative!)))
const LEAKY_RELU = new Pointwise("leakyRelu", leak, { ...leakGradient, inPlaceGradName: "LeakyReluBackward1" })
/** input above 0, negativeSlope·input below (0.01). */
export const [leakyRelu, leakyRelu_] = withInplaceOption<
  Floats<"leakyRelu", [...Number1<"negativeSlope">, Flag]>,
  Floats<"leakyRelu", Number1<"negativeSlope">>
>("leakyRelu(input, negativeSlope?)", (x: Tensor, negativeSlope = 0.01) => floats(LEAKY_RELU, x, negativeSlope))

const hard = (name: string): Pointwise =>
  new Pointwise(name, (x, min, max) => where(x.lt(min), min, x).min(max), {
    ...slope((g, [x, min, max]) => zeroWhere(x!.le(min!).or(x!.ge(max!)), g)),
    gradName: "HardtanhBackward0",
  })
const HARDTANH = hard("hardtanh")
const RELU6 = hard("relu6")
/** input clamped to [minVal, maxVal], by default [−1, 1]; no gradient at the bounds. */
export const [hardtanh, hardtanh_] = withInplaceOption<
  With<[...Number2<"minVal", "maxVal">, Flag]>,
  With<Number2<"minVal", "maxVal">>
>("hardtanh(input, minVal?, maxVal?)", (x: Tensor, min = -1, max = 1): Applied => {
  requireDtypes("hardtanh", [x], noBool)
  if (min > max) throw new RangeError(`hardtanh: minVal cannot be greater than maxVal, got ${min} and ${max}`)
  if (x.dtype === "uint8" && min < 0)
    throw new RangeError(`hardtanh: cannot do hardtanh on an unsigned type with negative limits (${tensorText(x)})`)
  return [HARDTANH, x, min, max]
})
/** input clamped to [0, 6] */
export const relu6 = inplaceOption<Inplace>("relu6(input)", (x: Tensor): Applied => {
  requireDtypes("relu6", [x], noBool)
  return [RELU6, x, 0, 6]
})

const THRESHOLD = new Pointwise("threshold", (x, limit, value) => where(x.le(limit), value, x), {
  ...slope((g, [x, limit]) => zeroWhere(x!.le(limit!), g)),
  inPlaceGradName: "ThresholdBackward1",
})
/** input above `threshold`, elsewhere `value`. */
export const [threshold, threshold_] = withInplaceOption<
  With<[...Number2<"threshold", "value">, Flag]>,
  With<Number2<"threshold", "value">>
>("threshold(input, threshold, value)", (x: Tensor, limit: number, value: number): Applied => {
  requireDtypes("threshold", [x], noBool)
  return [THRESHOLD, x, limit, value]
})

const within = (x: Expr, lambd: Expr): Expr => x.ge(lambd.neg()).and(x.le(lambd))
const shrinkGradient = slope((g, [x, lambd]) => zeroWhere(within(x!, lambd!), g))
const HARDSHRINK = new Pointwise("hardshrink", (x, lambd) => where(within(x, lambd), 0, x), shrinkGradient)
export const hardshrink: FunctionOf<ActivationOps["hardshrink"]> = applied(
  "hardshrink(input, lambd?)",
  (x: Tensor, lambd = 0.5) => floats(HARDSHRINK, x, lambd),
)
const SOFTSHRINK = new Pointwise(
  "softshrink",
  (x, lambd) => where(x.gt(lambd), x.sub(lambd), where(x.lt(lambd.neg()), x.add(lambd), x.mul(0))),
  shrinkGradient,
)
/** The input moved towards 0 by `lambd` (0.5), 0 within [−lambd, lambd]. */
export const softshrink = applied<With<Number1<"lambd">>>("softshrink(input, lambd?)", (x: Tensor, lambd = 0.5) => {
  if (!(lambd >= 0))
    throw new RangeError(`softshrink: lambd must be greater or equal to 0, but found ${valueText(lambd)}`)
  return floats(SOFTSHRINK, x, lambd)
})

/** PyTorch multiplies by a float32, whatever the dtype. */
const SIXTH = Math.fround(1 / 6)
const rampTo6 = (x: Expr): Expr => x.add(3).max(0).min(6)
/** min(max(input + 3, 0), 6)/6 */
export const hardsigmoid = optional<"hardsigmoid">(
  new Pointwise(
    "hardsigmoid",
    (x) => rampTo6(x).div(6),
    slope((g, [x]) => where(x!.gt(-3).and(x!.lt(3)), g.mul(SIXTH), 0)),
  ),
)
/** input·hardsigmoid(input) */
export const hardswish = optional<"hardswish">(
  new Pointwise(
    "hardswish",
    (x) => x.mul(rampTo6(x)).div(6),
    slope((g, [x]) => where(x!.le(-3), 0, where(x!.lt(3), g.mul(x!.div(3).add(0.5)), g))),
  ),
)

// ---- exponential ----

/** scale·x above 0, else alpha·scale·(e^(inputScale·x) − 1). */
const linearOrExponential = (name: string, gradName: string): Pointwise =>
  new Pointwise(
    name,
    (x, below, scale, inputScale) => where(x.lt(0), x.mul(inputScale).expm1().mul(below), x.mul(scale)),
    {
      ...slope((g, [x, below, scale, inputScale]) =>
        where(x!.le(0), g.mul(inputScale!).mul(below!).mul(x!.mul(inputScale!).exp()), g.mul(scale!)),
      ),
      gradName,
      inPlaceGradName: gradName.replace("0", "1"),
    },
  )
const ELU = linearOrExponential("elu", "EluBackward0")
const SELU = linearOrExponential("selu", "EluBackward0")
const CELU = linearOrExponential("celu", "CeluBackward0")
/** input above 0, else alpha·(e^input − 1) */
export const [elu, elu_] = withInplaceOption<
  Floats<"elu", [...Number1<"alpha">, Flag]>,
  Floats<"elu", Number1<"alpha">>
>("elu(input, alpha?)", (x: Tensor, alpha = 1) => floats(ELU, x, alpha, 1, 1))
/** The fixed point of Klambauer et al., "Self-Normalizing Neural Networks" (2017). */
const SELU_ALPHA = 1.6732632423543772848170429916717
const SELU_SCALE = 1.0507009873554804934193349852946
/** scale·elu(input, alpha) with alpha = 1.6733 and scale = 1.0507, which keep mean and variance. */
export const [selu, selu_] = withInplaceOption<Floats<"selu", [Flag]>, Floats<"selu">>("selu(input)", (x: Tensor) =>
  floats(SELU, x, SELU_ALPHA * SELU_SCALE, SELU_SCALE, 1),
)
/** input above 0, else alpha·(e^(input/alpha) − 1) */
export const [celu, celu_] = withInplaceOption<
  Floats<"celu", [...Number1<"alpha">, Flag]>,
  Floats<"celu", Number1<"alpha">>
>("celu(input, alpha?)", (x: Tensor, alpha = 1) => {
  if (alpha === 0) throw new RangeError("celu: alpha cannot be 0")
  return floats(CELU, x, alpha, 1, 1 / alpha)
})

/** input·sigmoid(input) */
export const silu = optional<"silu">(
  new Pointwise(
    "silu",
    (x) => x.div(x.neg().exp().add(1)),
    slope((g, [x]) => {
      const s = x!.sigmoid()
      return g.mul(s).mul(x!.mul(one(x!).sub(s)).add(1))
    }),
  ),
)
const softplusTanh = (x: Expr): Expr => x.exp().log1p().tanh()
/** input·tanh(softplus(input)) */
export const mish = optional<"mish">(
  new Pointwise(
    "mish",
    (x) => x.mul(softplusTanh(x)),
    slope((g, [x]) => {
      const t = softplusTanh(x!)
      return g.mul(t.add(x!.mul(x!.sigmoid()).mul(one(x!).sub(t.square()))))
    }),
  ),
)
const SOFTPLUS = new Pointwise(
  "softplus",
  (x, beta, limit) => {
    const z = x.mul(beta)
    return where(z.gt(limit), x, z.exp().log1p().div(beta))
  },
  slope((g, [x, beta, limit]) => {
    const z = x!.mul(beta!)
    const e = z.exp()
    return where(z.gt(limit!), g, g.mul(e).div(e.add(1)))
  }),
)
/** log(1 + e^(beta·input))/beta, the input itself where beta·input is above `threshold` (20). */
export const softplus = applied<With<Number2<"beta", "threshold">>>(
  "softplus(input, beta?, threshold?)",
  (x: Tensor, beta = 1, limit = 20) => floats(SOFTPLUS, x, beta, limit),
)
/** log sigmoid(input) */
export const logsigmoid = plain<"logsigmoid">(
  new Pointwise("logsigmoid", logSigmoid, {
    ...slope((g, [x]) => {
      const z = x!.abs().neg().exp()
      const tail = z.div(z.add(1))
      return g.mul(where(x!.lt(0), one(x!).sub(tail), tail))
    }),
    gradName: "LogSigmoidBackward0",
  }),
)

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715
const GELUS: Readonly<Record<string, Pointwise>> = {
  none: new Pointwise(
    "gelu",
    (x) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)),
    slope((g, [x]) => {
      const cdf = x!.mul(Math.SQRT1_2).erf().add(1).mul(0.5)
      const density = x!
        .square()
        .mul(-0.5)
        .exp()
        .mul(SQRT_2_OVER_PI / 2)
      return g.mul(cdf.add(x!.mul(density)))
    }),
  ),
  tanh: new Pointwise(
    "gelu",
    (x) => x.mul(0.5).mul(x.add(x.square().mul(x).mul(CUBIC)).mul(SQRT_2_OVER_PI).tanh().add(1)),
    slope((g, [x]) => {
      const square = x!.square()
      const t = x!.add(square.mul(x!).mul(CUBIC)).mul(SQRT_2_OVER_PI).tanh()
      const inner = square
        .mul(3 * CUBIC)
        .add(1)
        .mul(SQRT_2_OVER_PI)
      const right = x!.mul(0.5).mul(one(t).sub(t.square())).mul(inner)
      return g.mul(t.add(1).mul(0.5).add(right))
    }),
  ),
}
/** input·Φ(input), Φ the normal distribution function; `approximate: "tanh"` by 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))). */
export const gelu: ElementwiseFunction<"floats", Args<[], { approximate: "none" | "tanh" }>, "gelu"> = applied(
  "gelu(input, *, approximate?)",
  (x: Tensor, approximate = "none") => {
    const own = Object.hasOwn(GELUS, approximate) ? GELUS[approximate] : undefined
    if (!own) throw new RangeError(`gelu: approximate must be "none" or "tanh", got ${valueText(approximate)}`)
    return floats(own, x)
  },
)

// ---- made of other ops ----

const SOFTSIGN = new Pointwise("softsign", (x) => x.div(x.abs().add(1)), {
  result: "float",
  gradName: "DivBackward0",
  refuse: noBool,
})
/** input/(1 + |input|) */
export const softsign: ElementwiseFunction<"float"> = applied("softsign(input)", (x: Tensor): Applied => [SOFTSIGN, x])

/** input − tanh(input) */
export const tanhshrink: ElementwiseFunction<"float"> = op("tanhshrink(input)", (x: Tensor) => {
  requireDtypes("tanhshrink", [x], noBool)
  return sub(x, tanh(x))
})

// ---- with tensors for parameters, or none ----

const PRELU = new Pointwise("prelu", leak, {
  gradName: "PreluKernelBackward0",
  gradient: (g, [x, weight]) => [where(x!.gt(0), g, g.mul(weight!)), zeroWhere(x!.gt(0), g.mul(x!))],
})
export const prelu: FunctionOf<ActivationOps["prelu"]> = op("prelu(input, weight)", (x: Tensor, weight: Tensor) => {
  requireDtypes("prelu", [x, weight], onlyFloats)
  if (weight.ndim > 1)
    throw new RangeError(`prelu: expected weight to be a scalar or 1-D tensor, but got ${tensorText(weight)}`)
  const channels = x.ndim < 2 ? 1 : x.shape[1]!
  const count = weight.numel()
  if (count !== 1 && count !== channels)
    throw new RangeError(
      `prelu: weight must have 1 element or one for each of the ${channels} channels (dim 1 of ${tensorText(x)}), but has ${count}`,
    )
  return PRELU.call(
    x,
    x.ndim === 0
      ? reshape(weight, [])
      : reshape(
          weight,
          x.shape.map((_, d) => (d === Math.min(1, x.ndim - 1) ? count : 1)),
        ),
  )
})

const GLU = new Pointwise("glu", (a, b) => a.mul(b.sigmoid()), { refuse: onlyFloats })
type Glu = <S extends Shape, D extends DType, const N extends number | { dim?: number } = -1>(
  input: Arg<Halved<S, D, DimOf<N>>, Tensor<S, D>>,
  dim?: Arg<CheckDim<"glu", S, DimOf<N>>, N>,
) => Tensor<Ok<Halved<S, D, DimOf<N>>>, D>
/** S with dim N halved. */
export type Halved<S extends Shape, D, N> =
  CheckDim<"glu", S, N> extends infer E
    ? E extends string
      ? // biome-ignore lint/suspicious/noExplicitAny: the dim itself is refused then
        any
      : DivMod<SizeAt<S, N>, 2> extends [infer Q extends number, infer R]
        ? R extends 1
          ? `glu: halving dimension must be even, but dimension ${Place<S, N> & number} is size ${SizeAt<S, N>} (${ShowTensor<S, D>})`
          : SetSize<S, N, [Q]>
        : never
    : never

/** a·sigmoid(b), where a and b are the halves of the input along `dim` (the last). */
export const glu: Glu = op("glu(input, dim?)", (x: Tensor, dim = -1) => {
  const d = normalizeDim("glu", dim, x.ndim)
  const size = x.shape[d]
  if (size === undefined || size % 2)
    throw new RangeError(`glu: halving dimension must be even, but dimension ${d} is size ${size} (${tensorText(x)})`)
  return GLU.call(narrow(x, d, 0, size / 2), narrow(x, d, size / 2, size / 2))
})

const RRELU_OPTIONS: PointwiseOptions = {
  ...leakGradient,
  gradName: "RreluWithNoiseBackward0",
  inPlaceGradName: "RreluWithNoiseBackward1",
}
const RRELU = new Pointwise("rrelu", leak, RRELU_OPTIONS)
/** In training the slope below 0 is drawn for each element from [lower, upper), else it is their mean. */
function pickRrelu(x: Tensor, lower = 1 / 8, upper = 1 / 3, training = false): Applied {
  if (!(lower <= upper))
    throw new RangeError(
      `rrelu: lower bound should be less than or equal to the upper bound, got ${lower} and ${upper}`,
    )
  return floats(RRELU, x, training ? uniform_(emptyLike(x), lower, upper) : (lower + upper) / 2)
}
type Rrelu = [...Number2<"lower", "upper">, ["training", boolean]]
/** input above 0, below it the input times a slope: while `training` a random one in [lower, upper), else their mean. */
export const [rrelu, rrelu_] = withInplaceOption<With<[...Rrelu, Flag]>, With<Rrelu>>(
  "rrelu(input, lower?, upper?, training?)",
  pickRrelu,
)

export const activationMethods: Family = { relu, relu_, hardshrink, prelu }
