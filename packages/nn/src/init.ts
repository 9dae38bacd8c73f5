/** nn.init: fills tensors in place, outside of the graph, and returns them. Draws are PyTorch's for the same seed. */
import {
  type Args,
  bind,
  copy_,
  type DType,
  defaultGenerator,
  normal_ as drawNormal,
  uniform_ as drawUniform,
  eye,
  fill_,
  fillNormal,
  fillUniform,
  type Generator,
  isTensor,
  noGrad,
  parseSignature,
  type Tensor,
  tensor,
  tensorText,
  valueText,
  view,
  zero_,
} from "@taeda/core"

type Drawn = { generator: Generator | null }
/** Whose variance is kept: that of the activations (inputs), or that of the gradients (outputs). */
export type FanMode = "fan_in" | "fan_out"
/** What comes behind the weight, in PyTorch's spelling: it decides the gain. */
export type Nonlinearity =
  | "linear"
  | "conv1d"
  | "conv2d"
  | "conv3d"
  | "conv_transpose1d"
  | "conv_transpose2d"
  | "conv_transpose3d"
  | "sigmoid"
  | "tanh"
  | "relu"
  | "leaky_relu"
  | "selu"

/** A filling function from its signature, whose first parameter is the tensor. */
function filling<F>(text: string, fill: (x: Tensor, ...args: never[]) => void): F {
  const signature = parseSignature(text)
  const call = (...args: unknown[]): Tensor => {
    const [x, ...rest] = bind(signature, args) as [Tensor, ...never[]]
    if (!isTensor(x)) throw new TypeError(`${signature.name}: expected a tensor, got ${valueText(x)}`)
    noGrad(() => fill(x, ...rest))
    return x
  }
  return Object.defineProperty(call, "name", { value: signature.name }) as F
}

type Fill<P extends readonly (readonly [string, unknown])[] = [], K = unknown> = (
  x: Tensor,
  ...args: Args<P, K>
) => Tensor

/** Uniform on [a, b). */
export const uniform_: Fill<[["a", number], ["b", number], ["generator", Generator | null]]> = filling(
  "uniform_(tensor, a?, b?, generator?)",
  (x: Tensor, a = 0, b = 1, generator: Generator | null = null) => void drawUniform(x, a, b, { generator }),
)

/** Normal with this mean and standard deviation. */
export const normal_: Fill<[["mean", number], ["std", number], ["generator", Generator | null]]> = filling(
  "normal_(tensor, mean?, std?, generator?)",
  (x: Tensor, mean = 0, std = 1, generator: Generator | null = null) => void drawNormal(x, mean, std, { generator }),
)

/** Every element `val`. */
export const constant_: Fill<[["val", number]]> = filling(
  "constant_(tensor, val)",
  (x: Tensor, val: number) => void fill_(x, val),
)
/** Fills the tensor with 1, outside of the graph, and returns it. */
export const ones_: Fill = filling("ones_(tensor)", (x: Tensor) => void fill_(x, 1))
/** Fills the tensor with 0, outside of the graph, and returns it. */
export const zeros_: Fill = filling("zeros_(tensor)", (x: Tensor) => void zero_(x))

/** The identity of a matrix, ones on the diagonal. */
export const eye_: Fill = filling("eye_(tensor)", (x: Tensor) => {
  if (x.ndim !== 2) throw new RangeError(`eye_: only tensors with 2 dimensions are supported, got ${tensorText(x)}`)
  copy_(x, eye(x.shape[0], x.shape[1], { dtype: x.dtype, device: x.device }))
})

/** A convolution's weight that passes channels on unchanged, as many as there are on both sides. */
export const dirac_: Fill<[["groups", number]]> = filling("dirac_(tensor, groups?)", (x: Tensor, groups = 1) => {
  const [outputs, inputs, ...kernel] = x.shape
  if (x.ndim < 3 || x.ndim > 5)
    throw new RangeError(`dirac_: only tensors with 3, 4, or 5 dimensions are supported, got ${tensorText(x)}`)
  if (outputs % groups !== 0)
    throw new RangeError(`dirac_: dim 0 must be divisible by groups, got ${tensorText(x)} and ${groups}`)
  const perGroup = outputs / groups
  const size = kernel.reduce((n, k) => n * k, 1)
  const centre = kernel.reduce((at, k) => at * k + Math.floor(k / 2), 0)
  const values = new Float32Array(x.numel())
  for (let o = 0; o < outputs; o++) if (o % perGroup < inputs) values[(o * inputs + (o % perGroup)) * size + centre] = 1
  copy_(x, view(tensor(values, { device: x.device }), x.shape))
})

/** How many values enter and leave one unit of a weight of this shape. */
export function calculateFanInAndFanOut(x: Tensor): [fanIn: number, fanOut: number] {
  if (x.ndim < 2)
    throw new RangeError(
      `fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got ${tensorText(x)}`,
    )
  const field = x.shape.slice(2).reduce((n, k) => n * k, 1)
  return [x.shape[1] * field, x.shape[0] * field]
}

const LINEAR = [
  "linear",
  "conv1d",
  "conv2d",
  "conv3d",
  "conv_transpose1d",
  "conv_transpose2d",
  "conv_transpose3d",
  "sigmoid",
]
const GAINS: Readonly<Record<string, (slope: number) => number>> = {
  ...Object.fromEntries(LINEAR.map((name) => [name, () => 1])),
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leaky_relu: (slope) => Math.sqrt(2 / (1 + slope ** 2)),
  selu: () => 3 / 4,
}

/** The factor by which a nonlinearity's input must be scaled to keep its variance; `param` is leaky_relu's slope. */
export function calculateGain(nonlinearity: Nonlinearity, param: number | null = null): number {
  const gain = GAINS[nonlinearity]
  if (!gain)
    throw new RangeError(
      `calculateGain: unsupported nonlinearity ${valueText(nonlinearity)}; known: ${Object.keys(GAINS).join(", ")}`,
    )
  if (param !== null && typeof param !== "number")
    throw new TypeError(`calculateGain: negative slope ${valueText(param)} not a valid number`)
  return gain(param ?? 0.01)
}

const xavier = (x: Tensor, gain: number): number => {
  const [fanIn, fanOut] = calculateFanInAndFanOut(x)
  return gain * Math.sqrt(2 / (fanIn + fanOut))
}

type XavierArgs = [["gain", number], ["generator", Generator | null]]

/** Uniform of variance gain²·2/(fanIn + fanOut) (Glorot and Bengio, 2010). */
export const xavierUniform_: Fill<XavierArgs> = filling(
  "xavierUniform_(tensor, gain?, generator?)",
  (x: Tensor, gain = 1, generator: Generator | null = null) => {
    const bound = Math.sqrt(3) * xavier(x, gain)
    drawUniform(x, -bound, bound, { generator })
  },
)

/** Normal of variance gain²·2/(fanIn + fanOut). */
export const xavierNormal_: Fill<XavierArgs> = filling(
  "xavierNormal_(tensor, gain?, generator?)",
  (x: Tensor, gain = 1, generator: Generator | null = null) => void drawNormal(x, 0, xavier(x, gain), { generator }),
)

function kaiming(name: string, x: Tensor, a: number, mode: FanMode, nonlinearity: Nonlinearity): number {
  const at = ["fan_in", "fan_out"].indexOf(mode)
  if (at < 0) throw new RangeError(`${name}: mode ${valueText(mode)} not supported, please use "fan_in" or "fan_out"`)
  return calculateGain(nonlinearity, a) / Math.sqrt(calculateFanInAndFanOut(x)[at])
}

type KaimingArgs = [["a", number], ["mode", FanMode], ["nonlinearity", Nonlinearity]]

/** Uniform of variance gain²/fan (He et al., 2015); `a` is the slope of a leaky_relu that follows. */
export const kaimingUniform_: Fill<KaimingArgs, Drawn> = filling(
  "kaimingUniform_(tensor, a?, mode?, nonlinearity?, generator?)",
  (
    x: Tensor,
    a = 0,
    mode: FanMode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    generator: Generator | null = null,
  ) => {
    if (x.numel() === 0) return
    const bound = Math.sqrt(3) * kaiming("kaimingUniform_", x, a, mode, nonlinearity)
    drawUniform(x, -bound, bound, { generator })
  },
)

/** Normal of variance gain²/fan. */
export const kaimingNormal_: Fill<KaimingArgs, Drawn> = filling(
  "kaimingNormal_(tensor, a?, mode?, nonlinearity?, generator?)",
  (
    x: Tensor,
    a = 0,
    mode: FanMode = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    generator: Generator | null = null,
  ) => {
    if (x.numel() === 0) return
    drawNormal(x, 0, kaiming("kaimingNormal_", x, a, mode, nonlinearity), { generator })
  },
)

/** The distribution function of the normal, to 1e-7: Abramowitz and Stegun, 7.1.26. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * z)
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const erf = 1 - poly * Math.exp(-z * z)
  return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2
}

type HostFloat = "float32" | "float64" | "float16" | "bfloat16"

/** Redraws what lies outside of [a, b]. Each round draws for every element, as PyTorch does. */
function truncatedByRedrawing(
  stream: Generator,
  n: number,
  wide: boolean,
  dtype: HostFloat,
  mean: number,
  std: number,
  a: number,
  b: number,
) {
  const draw = (): Float32Array | Float64Array => {
    const out = wide ? new Float64Array(n) : new Float32Array(n)
    fillNormal(stream, out, mean, std, dtype)
    return out
  }
  const [low, high] = wide ? [a, b] : [Math.fround(a), Math.fround(b)]
  const result = draw()
  const outside = (v: number): boolean => v < low || v > high
  while (result.some(outside)) {
    const again = draw()
    for (let i = 0; i < n; i++) if (outside(result[i])) result[i] = again[i]
  }
  return result
}

/** Uniform draws of [a, b], each kept with a probability in proportion to the density there. */
function truncatedByRejection(
  stream: Generator,
  n: number,
  wide: boolean,
  dtype: HostFloat,
  mean: number,
  std: number,
  a: number,
  b: number,
) {
  const round = wide ? (v: number) => v : Math.fround
  const draw = (from: number, to: number): Float32Array | Float64Array => {
    const out = wide ? new Float64Array(n) : new Float32Array(n)
    fillUniform(stream, out, from, to, dtype)
    return out
  }
  const peak = -0.5 * ((Math.max(a, Math.min(mean, b)) - mean) / std) ** 2
  const logDensity = (v: number): number => {
    const z = round(round(v - mean) / std)
    return round(round(-0.5 * round(z * z)) - peak)
  }
  const result = draw(a, b)
  let pending = Array.from({ length: n }, () => true)
  for (let candidates = result; ; candidates = draw(a, b)) {
    const threshold = draw(0, 1)
    pending = pending.map((waits, i) => {
      if (!waits) return false
      result[i] = candidates[i]
      return round(Math.log(threshold[i])) > logDensity(candidates[i])
    })
    if (!pending.some(Boolean)) return result
  }
}

/** Normal with this mean and standard deviation, none outside of [a, b]. */
export const truncNormal_: Fill<[["mean", number], ["std", number], ["a", number], ["b", number]], Drawn> = filling(
  "truncNormal_(tensor, mean?, std?, a?, b?, generator?)",
  (x: Tensor, mean = 0, std = 1, a = -2, b = 2, generator: Generator | null = null) => {
    const stream = generator ?? defaultGenerator()
    const dtype = x.dtype as DType as HostFloat
    const share = normalCdf((b - mean) / std) - normalCdf((a - mean) / std)
    // Where little of the density lies inside, redrawing would take too long.
    const draw = share > 0.3 ? truncatedByRedrawing : truncatedByRejection
    const values = draw(stream, x.numel(), dtype === "float64", dtype, mean, std, a, b)
    copy_(x, view(tensor(values, { device: x.device }), x.shape))
  },
)
