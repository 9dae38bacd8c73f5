/** Resampling, and windows as columns. */
import { col2im, type InterpolationMode, im2col, interpolate } from "@taeda/core"
import { needed, optional, ruled, type Settings } from "./layer.ts"
import { python, pythonFloat } from "./repr.ts"
import type { Size } from "./sizes.ts"
import type { Open } from "./types/layer.ts"
import type { FoldRule, UnfoldRule, UpsampleRule } from "./types/rules.ts"

const SIZE = ["size", optional<Size>()] as const
const SCALE = ["scaleFactor", optional<Size>()] as const

const UPSAMPLE = [
  SIZE,
  SCALE,
  ["mode", "nearest"],
  ["alignCorners", optional<boolean>()],
  ["recomputeScaleFactor", optional<boolean>()],
] as const
const TARGET = [SIZE, SCALE] as const

const floats = (scale: unknown): string =>
  Array.isArray(scale) ? `(${scale.map(pythonFloat).join(", ")})` : pythonFloat(scale)

const showTarget = (values: Readonly<Record<string, unknown>>): string => {
  const target =
    values.scaleFactor === null ? `size=${python(values.size)}` : `scale_factor=${floats(values.scaleFactor)}`
  return `${target}, mode='${values.mode}'`
}

/** [N, C, ...] brought to a size, or scaled by a factor, by interpolation. */
export class Upsample<const A extends Settings<typeof UPSAMPLE> = Open> extends ruled<UpsampleRule>()(
  "Upsample",
  UPSAMPLE,
  (m, x) => interpolate(x, m.size, m.scaleFactor, m.mode as InterpolationMode, m.alignCorners, m.recomputeScaleFactor),
  showTarget,
)<A> {}
/** Nearest-neighbour resampling of [N, C, H, W]. */
export class UpsamplingNearest2d<const A extends Settings<typeof TARGET> = Open> extends ruled<UpsampleRule>()(
  "UpsamplingNearest2d",
  TARGET,
  (m, x) => interpolate(x, m.size, m.scaleFactor, "nearest"),
  (values) => showTarget({ ...values, mode: "nearest" }),
)<A> {}
/** Bilinear resampling of [N, C, H, W] with aligned corners. */
export class UpsamplingBilinear2d<const A extends Settings<typeof TARGET> = Open> extends ruled<UpsampleRule>()(
  "UpsamplingBilinear2d",
  TARGET,
  (m, x) => interpolate(x, m.size, m.scaleFactor, "bilinear", true),
  (values) => showTarget({ ...values, mode: "bilinear" }),
)<A> {}

const WINDOW = [
  ["kernelSize", needed<Size>()],
  ["dilation", 1 as Size],
  ["padding", 0 as Size],
  ["stride", 1 as Size],
] as const

const FOLD = [["outputSize", needed<Size>()], ...WINDOW] as const

/** Windows of [N, C, H, W] as columns [N, C·kh·kw, L]. */
export class Unfold<const A extends Settings<typeof WINDOW> = Open> extends ruled<UnfoldRule>()(
  "Unfold",
  WINDOW,
  (m, x) => im2col(x, m.kernelSize, m.dilation, m.padding, m.stride),
)<A> {}
/** Columns added up to an image: the transpose of Unfold. */
export class Fold<const A extends Settings<typeof FOLD> = Open> extends ruled<FoldRule>()("Fold", FOLD, (m, x) =>
  col2im(x, m.outputSize, m.kernelSize, m.dilation, m.padding, m.stride),
)<A> {}
