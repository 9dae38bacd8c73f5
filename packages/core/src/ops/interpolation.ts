/** Resizing: interpolate, pixelShuffle. */
import { op } from "../args.ts"
import type { Rule } from "../autograd/node.ts"
import { requireFloating } from "../checks.ts"
import { computeType, type DType } from "../dtype.ts"
import { didYouMean, shapeText, sizesText, tensorText, valueText } from "../errors.ts"
import { constant, type Expr } from "../expr.ts"
import { type Argument, int } from "../kernels.ts"
import { copied, type Movement, type MovementScope, pull, pullRule, reshaped, type Term } from "../movement.ts"
import { contiguousStrides } from "../shape.ts"
import { Tensor, track } from "../tensor.ts"
import type { InterpolateSignature, Shuffling } from "../types/window-signatures.ts"
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from "./pooling.ts"

export type InterpolationMode = "nearest" | "nearest-exact" | "linear" | "bilinear" | "bicubic" | "trilinear" | "area"

// ---- where a result's element lies in the input, along one dim ----

/** An element of the input along one dim, and its share (null: all). */
interface Tap {
  readonly at: Expr
  readonly share: Expr | null
}

/** What a dim's taps are made of: the result's coordinate, input elements per result element, the input's size. */
interface Place {
  readonly i: Expr
  readonly scale: Expr
  readonly size: Expr
  readonly align: boolean
}

/** Where pixel centres fall, or with `align` where corners lie on corners. */
const position = ({ i, scale, align }: Place, type: DType): Expr =>
  align ? scale.mul(i.cast(type)) : scale.mul(i.cast(type).add(0.5)).sub(0.5)

/** The element at or before a position, and how far beyond it that is. */
function split(real: Expr, size: Expr, type: DType): [Expr, Expr] {
  const before = real.floor().min(size.sub(1).cast(type))
  return [before.cast("int32"), real.sub(before).max(0).min(1)]
}

const nearest =
  (offset: number) =>
  ({ i, scale, size }: Place, type: DType): Tap[] => [
    { at: i.cast(type).add(offset).mul(scale).floor().cast("int32").min(size.sub(1)), share: null },
  ]

function linear(place: Place, type: DType): Tap[] {
  const real = position(place, type)
  const [before, beyond] = split(place.align ? real : real.max(0), place.size, type)
  return [
    { at: before, share: constant(1, type).sub(beyond) },
    { at: before.add(1).min(place.size.sub(1)), share: beyond },
  ]
}

/** Keys' cubic convolution with a = -0.75, as PyTorch and OpenCV have it. */
const A = -0.75
const near = (x: Expr): Expr =>
  x
    .mul(A + 2)
    .sub(A + 3)
    .mul(x)
    .mul(x)
    .add(1)
const far = (x: Expr): Expr =>
  x
    .mul(A)
    .sub(5 * A)
    .mul(x)
    .add(8 * A)
    .mul(x)
    .sub(4 * A)

function cubic(place: Place, type: DType): Tap[] {
  const [before, t] = split(position(place, type), place.size, type)
  const rest = constant(1, type).sub(t)
  return [far(t.add(1)), near(t), near(rest), far(rest.add(1))].map((share, k) => ({
    at: before
      .add(k - 1)
      .max(0)
      .min(place.size.sub(1)),
    share,
  }))
}

interface Method {
  /** Node names for 1, 2 and 3 dims; undefined where PyTorch has no such mode. */
  readonly rules: readonly (Rule | undefined)[]
  readonly count: number
  /** Whether corners may be aligned. */
  readonly aligns: boolean
  taps(place: Place, type: DType): Tap[]
}

const named = (...names: (string | null)[]): (Rule | undefined)[] =>
  names.map((n) => (n ? pullRule(`Upsample${n}Backward0`) : undefined))

const METHODS: Readonly<Record<Exclude<InterpolationMode, "area">, Method>> = {
  nearest: { rules: named("Nearest1D", "Nearest2D", "Nearest3D"), count: 1, aligns: false, taps: nearest(0) },
  "nearest-exact": {
    rules: named("NearestExact1D", "NearestExact2D", "NearestExact3D"),
    count: 1,
    aligns: false,
    taps: nearest(0.5),
  },
  linear: { rules: named("Linear1D", null, null), count: 2, aligns: true, taps: linear },
  bilinear: { rules: named(null, "Bilinear2D", null), count: 2, aligns: true, taps: linear },
  trilinear: { rules: named(null, null, "Trilinear3D"), count: 2, aligns: true, taps: linear },
  bicubic: { rules: named(null, "Bicubic2D", null), count: 4, aligns: true, taps: cubic },
}

const MODES: readonly string[] = [...Object.keys(METHODS), "area"]
const NEEDED: Readonly<Record<string, string>> = { linear: "3D", bilinear: "4D", bicubic: "4D", trilinear: "5D" }
const POOLS = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d]

/** All ways to choose one of `count` for each of `dims`. */
const choices = (count: number, dims: number): number[][] =>
  dims === 0 ? [[]] : choices(count, dims - 1).flatMap((rest) => Array.from({ length: count }, (_, k) => [...rest, k]))

function resize(
  x: Tensor,
  to: readonly number[],
  factors: readonly number[] | null,
  mode: keyof typeof METHODS,
  align: boolean,
): Tensor {
  const { rules, count, taps } = METHODS[mode]
  const dims = to.length
  const rule = rules[dims - 1]
  if (!rule)
    throw new RangeError(
      `interpolate: Got ${x.ndim}D input, but ${mode} mode needs ${NEEDED[mode]} input (${tensorText(x)})`,
    )
  const wide = computeType(x.dtype)
  // PyTorch finds the nearest element in float32, whatever the dtype.
  const type: DType = count === 1 ? "float32" : wide
  const scales = to.map((size, d): Argument => {
    const own = x.shape[d + 2]!
    const even = mode === "nearest" && (size === own || size === 2 * own)
    const value = align ? (size > 1 ? (own - 1) / (size - 1) : 0) : factors && !even ? 1 / factors[d]! : own / size
    return { value, dtype: type }
  })
  const along = ({ at, scalars }: MovementScope, d: number): Tap[] =>
    taps({ i: at[d + 2]!, scale: scalars[d]!, size: scalars[dims + d]!, align }, type)
  const m: Movement = {
    op: "interpolate",
    key: `resize ${mode} ${align} ${dims}`,
    shape: x.shape,
    result: [...x.shape.slice(0, 2), ...to],
    scalars: [...scales, ...x.shape.slice(2).map(int)],
    terms: choices(count, dims).map((choice) => (scope: MovementScope): Term => {
      const chosen = choice.map((k, d) => along(scope, d)[k]!)
      const weight = chosen.map((t) => t.share).reduce((a, b) => (a && b ? a.mul(b) : (a ?? b)))
      return { coordinates: [scope.at[0]!, scope.at[1]!, ...chosen.map((t) => t.at)], ...(weight && { weight }) }
    }),
  }
  return pull(x, m, rule)
}

type Amount = number | readonly number[]
/** One number for each of `dims`, given as one for all or as a list. */
function forDims(name: string, what: string, value: Amount, dims: number, integers: boolean): readonly number[] {
  const list = typeof value === "number" ? new Array<number>(dims).fill(value) : value
  if (!Array.isArray(list) || list.length !== dims || list.some((v) => !(v > 0) || (integers && !Number.isInteger(v))))
    throw new RangeError(
      `${name}: ${what} must be one positive ${integers ? "integer" : "number"}, or one for each of the ${dims} spatial dims, got ${Array.isArray(value) ? shapeText(value) : valueText(value)}`,
    )
  return list
}

function interpolated(
  name: string,
  x: Tensor,
  size: Amount | null,
  scaleFactor: Amount | null,
  mode: InterpolationMode,
  alignCorners: boolean | null,
  recompute: boolean | null,
): Tensor {
  if (!MODES.includes(mode))
    throw new RangeError(`${name}: unknown mode ${valueText(mode)}${didYouMean(String(mode), MODES)}`)
  if (x.ndim < 3 || x.ndim > 5)
    throw new RangeError(
      `${name}: Only 3D, 4D and 5D input tensors [n, channels, ...spatial] are supported, got ${sizesText(x)} for mode ${mode}`,
    )
  const dims = x.ndim - 2
  if ((size === null) === (scaleFactor === null))
    throw new RangeError(
      `${name}: ${size === null ? "either size or scaleFactor should be defined" : "only one of size or scaleFactor should be defined"}`,
    )
  if (alignCorners !== null && (mode === "area" || !METHODS[mode].aligns))
    throw new RangeError(
      `${name}: alignCorners can only be set with the interpolating modes linear, bilinear, bicubic and trilinear, not with ${mode}`,
    )
  const factors = scaleFactor === null ? null : forDims(name, "scaleFactor", scaleFactor, dims, false)
  const to =
    size === null ? factors!.map((f, d) => Math.floor(x.shape[d + 2]! * f)) : forDims(name, "size", size, dims, true)
  if (to.some((s) => s < 1) || x.shape.slice(1).includes(0))
    throw new RangeError(
      `${name}: Input and output sizes should be greater than 0, but got input ${tensorText(x)} and output ${shapeText(to)}`,
    )
  if (mode === "area") return POOLS[dims - 1]!(x, to)
  if (mode !== "nearest" && mode !== "nearest-exact") requireFloating(`${name} in mode ${mode}`, x)
  return resize(x, to, recompute ? null : factors, mode, alignCorners ?? false)
}

/**
 * Resizes [n, channels, ...spatial] to `size`, or by `scaleFactor` (one of the two): "nearest" (as PyTorch and OpenCV always
 * had it), "nearest-exact" (as PIL), "linear" (1 spatial dim), "bilinear", "bicubic" (2), "trilinear" (3), "area" (the mean).
 * `alignCorners` puts the corner pixels' centres on each other; else the corners of the corner pixels.
 */
export const interpolate: InterpolateSignature<"interpolate"> = op(
  "interpolate(input, size?, scaleFactor?, mode?, alignCorners?, recomputeScaleFactor?)",
  (
    x: Tensor,
    size: Amount | null = null,
    factor: Amount | null = null,
    mode: InterpolationMode = "nearest",
    align: boolean | null = null,
    recompute: boolean | null = null,
  ) => interpolated("interpolate", x, size, factor, mode, align, recompute),
)

/** The former name of `interpolate`. */
export const upsample: InterpolateSignature<"upsample"> = op(
  "upsample(input, size?, scaleFactor?, mode?, alignCorners?)",
  (
    x: Tensor,
    size: Amount | null = null,
    factor: Amount | null = null,
    mode: InterpolationMode = "nearest",
    align: boolean | null = null,
  ) => interpolated("upsample", x, size, factor, mode, align, null),
)

// ---- pixels and channels ----

/** A copy of `x`, seen in the shape `parts` and with its dims in another order, in a new shape. Outside of the graph. */
function rearranged(x: Tensor, parts: readonly number[], order: readonly number[], shape: readonly number[]): Tensor {
  const seen = reshaped(x, parts)
  const turned = new Tensor(
    seen.storage,
    order.map((d) => seen.shape[d]!),
    order.map((d) => seen.strides[d]!),
    seen.offset,
    seen.dtype,
  )
  const out = copied(turned)
  return new Tensor(out.storage, shape, contiguousStrides(shape), 0, out.dtype)
}

function checkFactor(name: string, x: Tensor, factor: unknown, least: number): void {
  if (x.ndim < least)
    throw new RangeError(`${name}: expects input to have at least ${least} dimensions, but got ${sizesText(x)}`)
  if (typeof factor !== "number" || !Number.isInteger(factor) || factor < 1)
    throw new RangeError(`${name}: expects a positive integer factor, but got ${valueText(factor)}`)
}

const PIXEL_SHUFFLE: Rule = {
  name: "PixelShuffleBackward0",
  backward: (node, g) => [pixelUnshuffle(g, node.context as number)],
}
const PIXEL_UNSHUFFLE: Rule = {
  name: "PixelUnshuffleBackward0",
  backward: (node, g) => [pixelShuffle(g, node.context as number)],
}

/** [..., channels · r², h, w] to [..., channels, h · r, w · r], r being `upscaleFactor`. */
export const pixelShuffle: Shuffling<"pixelShuffle", "upscaleFactor"> = op(
  "pixelShuffle(input, upscaleFactor)",
  (x: Tensor, r: number) => {
    checkFactor("pixelShuffle", x, r, 3)
    const [c, h, w] = x.shape.slice(-3) as [number, number, number]
    if (c % (r * r))
      throw new RangeError(
        `pixelShuffle: expects its input's 'channel' dimension to be divisible by the square of upscaleFactor, but channels ${c} is not divisible by ${r * r} (${sizesText(x)})`,
      )
    const batch = x.shape.slice(0, -3)
    const n = batch.reduce((a, b) => a * b, 1)
    const out = rearranged(x, [n, c / (r * r), r, r, h, w], [0, 1, 4, 2, 5, 3], [...batch, c / (r * r), h * r, w * r])
    return track(PIXEL_SHUFFLE, out, [x], [], r)
  },
)

/** The inverse of `pixelShuffle`: [..., channels, h · r, w · r] to [..., channels · r², h, w]. */
export const pixelUnshuffle: Shuffling<"pixelUnshuffle", "downscaleFactor"> = op(
  "pixelUnshuffle(input, downscaleFactor)",
  (x: Tensor, r: number) => {
    checkFactor("pixelUnshuffle", x, r, 3)
    const [c, h, w] = x.shape.slice(-3) as [number, number, number]
    if (h % r || w % r)
      throw new RangeError(
        `pixelUnshuffle: expects height and width to be divisible by downscaleFactor, but height ${h} and width ${w} are not divisible by ${r} (${sizesText(x)})`,
      )
    const batch = x.shape.slice(0, -3)
    const n = batch.reduce((a, b) => a * b, 1)
    const out = rearranged(x, [n, c, h / r, r, w / r, r], [0, 1, 3, 5, 2, 4], [...batch, c * r * r, h / r, w / r])
    return track(PIXEL_UNSHUFFLE, out, [x], [], r)
  },
)

const CHANNEL_SHUFFLE: Rule = {
  name: "ChannelShuffleBackward0",
  backward: (node, g) => [channelShuffle(g, g.shape[1]! / (node.context as number))],
}

/** The channels of [n, channels, ...] as a `groups` × rest matrix, transposed. */
export const channelShuffle: Shuffling<"channelShuffle", "groups"> = op(
  "channelShuffle(input, groups)",
  (x: Tensor, groups: number) => {
    checkFactor("channelShuffle", x, groups, 3)
    const [n, c, ...rest] = x.shape as readonly number[]
    if (c! % groups)
      throw new RangeError(
        `channelShuffle: Number of channels must be divisible by groups. Got ${c} channels and ${groups} groups (${sizesText(x)})`,
      )
    const area = rest.reduce((a, b) => a * b, 1)
    return track(
      CHANNEL_SHUFFLE,
      rearranged(x, [n!, groups, c! / groups, area], [0, 2, 1, 3], x.shape),
      [x],
      [],
      groups,
    )
  },
)
