/** Activation functions as modules. */
import {
  type Args,
  bind,
  celu,
  elu,
  full,
  gelu,
  glu,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logSoftmax,
  logsigmoid,
  mish,
  Parameter,
  parseSignature,
  prelu,
  relu,
  relu6,
  rrelu,
  selu,
  sigmoid,
  silu,
  softmax,
  softmin,
  softplus,
  softshrink,
  softsign,
  type Tensor,
  tanh,
  tanhshrink,
  threshold,
} from "@taeda/core"
import { activation, checkSizes, INPLACE, needed, optional, ruled, type Settings, showNothing } from "./layer.ts"
import type { Module } from "./module.ts"
import type { Placement } from "./placement.ts"
import { python } from "./repr.ts"
import { LayerBase, type Open, type OwnInput, type Same } from "./types/layer.ts"
import type { AlongRule, GLURule, Softmax2dRule } from "./types/rules.ts"

const DIM = [["dim", optional<number>()]] as const
const NONE = [] as const
const HALVED = [["dim", -1]] as const

/** The dim of a softmax that was given none: the channels', as PyTorch guesses it. */
const channelDim = (x: Tensor): number => (x.ndim === 0 || x.ndim === 1 || x.ndim === 3 ? 0 : 1)

/** Shows a lone setting without its name. */
const showValue = (values: Readonly<Record<string, unknown>>): string => python(values.lambd)

/** max(x, 0) */
export class ReLU extends activation("ReLU", [INPLACE], (m, x: Tensor) => relu(x, m.inplace)) {}
/** min(max(x, 0), 6) */
export class ReLU6 extends activation("ReLU6", [INPLACE], (m, x: Tensor) => relu6(x, m.inplace)) {}
/** x above 0, negativeSlope·x below. */
export class LeakyReLU extends activation("LeakyReLU", [["negativeSlope", 0.01], INPLACE], (m, x: Tensor) =>
  leakyRelu(x, m.negativeSlope, m.inplace),
) {}
/** Leaky with a slope drawn from [lower, upper) in training, their mean otherwise. */
export class RReLU extends activation("RReLU", [["lower", 1 / 8], ["upper", 1 / 3], INPLACE], (m, x: Tensor) =>
  rrelu(x, m.lower, m.upper, (m as unknown as Module).training, m.inplace),
) {}
/** x above 0, alpha·(eˣ − 1) below. */
export class ELU extends activation("ELU", [["alpha", 1, "float"], INPLACE], (m, x: Tensor) =>
  elu(x, m.alpha, m.inplace),
) {}
/** The self-normalising ELU. */
export class SELU extends activation("SELU", [INPLACE], (m, x: Tensor) => selu(x, m.inplace)) {}
/** x above 0, alpha·(e^(x/alpha) − 1) below. */
export class CELU extends activation("CELU", [["alpha", 1, "float"], INPLACE], (m, x: Tensor) =>
  celu(x, m.alpha, m.inplace),
) {}
/** x·Φ(x); `approximate` "tanh" computes it by tanh. */
export class GELU extends activation("GELU", [["approximate", "none"]], (m, x: Tensor) =>
  gelu(x, { approximate: m.approximate as "none" | "tanh" }),
) {}
/** x·sigmoid(x) */
export class SiLU extends activation("SiLU", [INPLACE], (m, x: Tensor) => silu(x, m.inplace)) {}
/** x·tanh(softplus(x)) */
export class Mish extends activation("Mish", [INPLACE], (m, x: Tensor) => mish(x, m.inplace)) {}
/** 1/(1 + e⁻ˣ) */
export class Sigmoid extends activation("Sigmoid", [], (_m, x: Tensor) => sigmoid(x)) {}
/** (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ) */
export class Tanh extends activation("Tanh", [], (_m, x: Tensor) => tanh(x)) {}
/** log(1 + e^(beta·x))/beta, x itself where beta·x is above `threshold`. */
export class Softplus extends activation(
  "Softplus",
  [
    ["beta", 1, "float"],
    ["threshold", 20, "float"],
  ],
  (m, x: Tensor) => softplus(x, m.beta, m.threshold),
) {}
/** x/(1 + |x|) */
export class Softsign extends activation("Softsign", [], (_m, x: Tensor) => softsign(x)) {}
/** x clamped to [minVal, maxVal]. */
export class Hardtanh extends activation(
  "Hardtanh",
  [["minVal", -1, "float"], ["maxVal", 1, "float"], INPLACE],
  (m, x: Tensor) => hardtanh(x, m.minVal, m.maxVal, m.inplace),
) {}
/** x/6 + 1/2 clamped to [0, 1]. */
export class Hardsigmoid extends activation(
  "Hardsigmoid",
  [INPLACE],
  (m, x: Tensor) => hardsigmoid(x, m.inplace),
  showNothing,
) {}
/** x·hardsigmoid(x) */
export class Hardswish extends activation(
  "Hardswish",
  [INPLACE],
  (m, x: Tensor) => hardswish(x, m.inplace),
  showNothing,
) {}
/** x − tanh(x) */
export class Tanhshrink extends activation("Tanhshrink", [], (_m, x: Tensor) => tanhshrink(x)) {}
/** x moved towards 0 by lambd, 0 within [−lambd, lambd]. */
export class Softshrink extends activation(
  "Softshrink",
  [["lambd", 0.5]],
  (m, x: Tensor) => softshrink(x, m.lambd),
  showValue,
) {}
/** x, 0 within [−lambd, lambd]. */
export class Hardshrink extends activation(
  "Hardshrink",
  [["lambd", 0.5]],
  (m, x: Tensor) => hardshrink(x, m.lambd),
  showValue,
) {}
/** log(sigmoid(x)) */
export class LogSigmoid extends activation("LogSigmoid", [], (_m, x: Tensor) => logsigmoid(x)) {}
/** x above `threshold`, elsewhere `value`. */
export class Threshold extends activation(
  "Threshold",
  [["threshold", needed<number>()], ["value", needed<number>()], INPLACE],
  (m, x: Tensor) => threshold(x, m.threshold, m.value, m.inplace),
) {}
/** The first half along `dim` times the sigmoid of the second. */
export class GLU<const A extends Settings<typeof HALVED> = Open> extends ruled<GLURule>()("GLU", HALVED, (m, x) =>
  glu(x, m.dim),
)<A> {}
/** eˣ over its sum along `dim`. */
export class Softmax<const A extends Settings<typeof DIM> = Open> extends ruled<AlongRule<"softmax">>()(
  "Softmax",
  DIM,
  (m, x) => softmax(x, m.dim ?? channelDim(x)),
)<A> {}
/** log(softmax(x)) along `dim`. */
export class LogSoftmax<const A extends Settings<typeof DIM> = Open> extends ruled<AlongRule<"logSoftmax">>()(
  "LogSoftmax",
  DIM,
  (m, x) => logSoftmax(x, m.dim ?? channelDim(x)),
)<A> {}
/** softmax(−x) along `dim`. */
export class Softmin<const A extends Settings<typeof DIM> = Open> extends ruled<AlongRule<"softmin">>()(
  "Softmin",
  DIM,
  (m, x) => softmin(x, m.dim ?? channelDim(x)),
)<A> {}
/** Softmax over the channels of [N, C, H, W] or [C, H, W]. */
export class Softmax2d<const A extends Settings<typeof NONE> = Open> extends ruled<Softmax2dRule>()(
  "Softmax2d",
  NONE,
  (_m, x) => {
    if (x.ndim !== 3 && x.ndim !== 4)
      throw new RangeError(`Softmax2d: expected input to be 3D or 4D, got ${x.ndim}D instead`)
    return softmax(x, -3)
  },
)<A> {}

const PRELU = parseSignature("PReLU(numParameters?, init?, device?, dtype?)")

/** x above 0, weight·x below, with one learnt weight or one for each channel. */
export class PReLU extends LayerBase<Same> {
  static readonly keepsNothing: unknown = PReLU.prototype.forward

  readonly numParameters: number
  declare weight: Parameter

  constructor(...args: Args<[["numParameters", number], ["init", number]], Partial<Placement>>) {
    super()
    const [numParameters = 1, init = 0.25, device, dtype] = bind(PRELU, args) as [
      number?,
      number?,
      Placement["device"]?,
      Placement["dtype"]?,
    ]
    checkSizes("PReLU", { numParameters }, 1)
    this.numParameters = numParameters
    this.weight = new Parameter(full([numParameters], init, { device, dtype }))
  }

  override forward(input: OwnInput): Tensor {
    return prelu(input, this.weight)
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`
  }
}
