/** Pooling: the largest or the mean of every window. */
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Tensor,
} from "@taeda/core"
import { type Field, needed, optional, ruled, type Settings, showSettings } from "./layer.ts"
import { python } from "./repr.ts"
import type { Size } from "./sizes.ts"
import type { Open } from "./types/layer.ts"
import type { AdaptiveRule, AvgPoolRule, MaxPoolRule } from "./types/rules.ts"

/** Printed by those that show the window only. */
const WINDOW = ["kernelSize", "stride", "padding", "dilation", "ceilMode"]
const WINDOW_BRIEF = ["kernelSize", "stride", "padding"]

/** Shows some of the settings; the stride is by default the window. */
const showing =
  (names: readonly string[]) =>
  (values: Readonly<Record<string, unknown>>, fields: readonly Field[]): string =>
    showSettings(
      { ...values, stride: values.stride ?? values.kernelSize },
      fields.filter(([name]) => names.includes(name)),
    )

const showOutput = showing(["outputSize"])
const tuple = (value: unknown): string => python(Array.isArray(value) ? value : [value])
const showTuples = (values: Readonly<Record<string, unknown>>): string =>
  `kernel_size=${tuple(values.kernelSize)}, stride=${tuple(values.stride ?? values.kernelSize)}, padding=${tuple(values.padding)}`

/** What a call gives depends on `returnIndices`: the result, or `[result, indices]`. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Pool = (input: Tensor, ...args: any[]) => any

const KERNEL = ["kernelSize", needed<Size>()] as const
const STRIDE = ["stride", optional<Size>()] as const
const OUTPUT = ["outputSize", needed<Size | null | readonly (number | null)[]>()] as const
const MAX = [
  KERNEL,
  STRIDE,
  ["padding", 0 as Size],
  ["dilation", 1 as Size],
  ["returnIndices", false],
  ["ceilMode", false],
] as const
const AVERAGE = [KERNEL, STRIDE, ["padding", 0 as Size], ["ceilMode", false], ["countIncludePad", true]] as const
const AVERAGE_BY = [...AVERAGE, ["divisorOverride", optional<number>()]] as const
const ADAPTIVE = [OUTPUT] as const
const ADAPTIVE_MAX = [OUTPUT, ["returnIndices", false]] as const

/** The largest of each window of `kernelSize`, `stride` apart (by default the window's size). */
export class MaxPool1d<const A extends Settings<typeof MAX> = Open> extends ruled<MaxPoolRule<"maxPool1d", 1>>()(
  "MaxPool1d",
  MAX,
  (m, x) => (maxPool1d as Pool)(x, m.kernelSize, m.stride, m.padding, m.dilation, m.ceilMode, m.returnIndices),
  showing(WINDOW),
)<A> {}
/**
 * The largest element of each window of two dims. Input [N, C, H, W] or [C, H, W]; `kernelSize`, `stride` (by default
 * `kernelSize`), `padding` and `dilation` in elements, a number or two of them; with `returnIndices` also where in the
 * plane it was, as int32.
 */
export class MaxPool2d<const A extends Settings<typeof MAX> = Open> extends ruled<MaxPoolRule<"maxPool2d", 2>>()(
  "MaxPool2d",
  MAX,
  (m, x) => (maxPool2d as Pool)(x, m.kernelSize, m.stride, m.padding, m.dilation, m.ceilMode, m.returnIndices),
  showing(WINDOW),
)<A> {}
/**
 * The largest element of each window of three dims. Input [N, C, D, H, W] or [C, D, H, W]; `kernelSize`, `stride` (by
 * default `kernelSize`), `padding` and `dilation` in elements, a number or three of them; with `returnIndices` also
 * where in the plane it was, as int32.
 */
export class MaxPool3d<const A extends Settings<typeof MAX> = Open> extends ruled<MaxPoolRule<"maxPool3d", 3>>()(
  "MaxPool3d",
  MAX,
  (m, x) => (maxPool3d as Pool)(x, m.kernelSize, m.stride, m.padding, m.dilation, m.ceilMode, m.returnIndices),
  showing(WINDOW),
)<A> {}
/** The mean of each window. */
export class AvgPool1d<const A extends Settings<typeof AVERAGE> = Open> extends ruled<AvgPoolRule<"avgPool1d", 1>>()(
  "AvgPool1d",
  AVERAGE,
  (m, x) => avgPool1d(x, m.kernelSize, m.stride, m.padding, m.ceilMode, m.countIncludePad),
  showTuples,
)<A> {}
/**
 * The mean of each window of two dims. Input [N, C, H, W] or [C, H, W]; sizes in elements, a number or two of them. The
 * sum is divided by the window's size, by what of it lies inside where `countIncludePad` is false, or by
 * `divisorOverride`.
 */
export class AvgPool2d<const A extends Settings<typeof AVERAGE_BY> = Open> extends ruled<AvgPoolRule<"avgPool2d", 2>>()(
  "AvgPool2d",
  AVERAGE_BY,
  (m, x) => avgPool2d(x, m.kernelSize, m.stride, m.padding, m.ceilMode, m.countIncludePad, m.divisorOverride),
  showing(WINDOW_BRIEF),
)<A> {}
/**
 * The mean of each window of three dims. Input [N, C, D, H, W] or [C, D, H, W]; sizes in elements, a number or three of
 * them. The sum is divided by the window's size, by what of it lies inside where `countIncludePad` is false, or by
 * `divisorOverride`.
 */
export class AvgPool3d<const A extends Settings<typeof AVERAGE_BY> = Open> extends ruled<AvgPoolRule<"avgPool3d", 3>>()(
  "AvgPool3d",
  AVERAGE_BY,
  (m, x) => avgPool3d(x, m.kernelSize, m.stride, m.padding, m.ceilMode, m.countIncludePad, m.divisorOverride),
  showing(WINDOW_BRIEF),
)<A> {}
/** The mean of windows chosen so that the result has the size `outputSize`; null keeps a dim's size. */
export class AdaptiveAvgPool1d<const A extends Settings<typeof ADAPTIVE> = Open> extends ruled<
  AdaptiveRule<"adaptiveAvgPool1d", 1>
>()("AdaptiveAvgPool1d", ADAPTIVE, (m, x) => adaptiveAvgPool1d(x, m.outputSize), showOutput)<A> {}
/**
 * The mean of windows of two dims, chosen so that the result has the size `outputSize`; null keeps a dim's size. Input
 * [N, C, H, W] or [C, H, W].
 */
export class AdaptiveAvgPool2d<const A extends Settings<typeof ADAPTIVE> = Open> extends ruled<
  AdaptiveRule<"adaptiveAvgPool2d", 2>
>()("AdaptiveAvgPool2d", ADAPTIVE, (m, x) => adaptiveAvgPool2d(x, m.outputSize), showOutput)<A> {}
/**
 * The mean of windows of three dims, chosen so that the result has the size `outputSize`; null keeps a dim's size.
 * Input [N, C, D, H, W] or [C, D, H, W].
 */
export class AdaptiveAvgPool3d<const A extends Settings<typeof ADAPTIVE> = Open> extends ruled<
  AdaptiveRule<"adaptiveAvgPool3d", 3>
>()("AdaptiveAvgPool3d", ADAPTIVE, (m, x) => adaptiveAvgPool3d(x, m.outputSize), showOutput)<A> {}
/** The largest of windows chosen so that the result has the size `outputSize`. */
export class AdaptiveMaxPool1d<const A extends Settings<typeof ADAPTIVE_MAX> = Open> extends ruled<
  AdaptiveRule<"adaptiveMaxPool1d", 1>
>()(
  "AdaptiveMaxPool1d",
  ADAPTIVE_MAX,
  (m, x) => (adaptiveMaxPool1d as Pool)(x, m.outputSize, m.returnIndices),
  showOutput,
)<A> {}
/**
 * The largest of windows of two dims, chosen so that the result has the size `outputSize`; with `returnIndices` also
 * where it was. Input [N, C, H, W] or [C, H, W].
 */
export class AdaptiveMaxPool2d<const A extends Settings<typeof ADAPTIVE_MAX> = Open> extends ruled<
  AdaptiveRule<"adaptiveMaxPool2d", 2>
>()(
  "AdaptiveMaxPool2d",
  ADAPTIVE_MAX,
  (m, x) => (adaptiveMaxPool2d as Pool)(x, m.outputSize, m.returnIndices),
  showOutput,
)<A> {}
/**
 * The largest of windows of three dims, chosen so that the result has the size `outputSize`; with `returnIndices` also
 * where it was. Input [N, C, D, H, W] or [C, D, H, W].
 */
export class AdaptiveMaxPool3d<const A extends Settings<typeof ADAPTIVE_MAX> = Open> extends ruled<
  AdaptiveRule<"adaptiveMaxPool3d", 3>
>()(
  "AdaptiveMaxPool3d",
  ADAPTIVE_MAX,
  (m, x) => (adaptiveMaxPool3d as Pool)(x, m.outputSize, m.returnIndices),
  showOutput,
)<A> {}
