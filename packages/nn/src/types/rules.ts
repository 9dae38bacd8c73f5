/** The rules of the library's layers. */
import type { rules, Shape } from "@taeda/core"
import type { Anything, AsShape, Plain, Rule, Same, Size, WithIndices } from "./layer.ts"
import type { Setting } from "./settings.ts"

// ---- linear maps and tables ----

export interface LinearRule<I, O> extends Rule {
  readonly gives: rules.Linear<AsShape<this["shape"]>, [Size<O>, Size<I>]>
  readonly as: this["dtype"]
  readonly takes: ["features", Size<I>]
  readonly leaves: ["features", Size<O>]
}

/** The table's dtype is the module's, which `to` changes. */
export interface EmbeddingRule<E> extends Rule {
  readonly gives: rules.Indexed<
    "embedding",
    "input",
    AsShape<this["shape"]>,
    this["dtype"],
    [...AsShape<this["shape"]>, Size<E>]
  >
  readonly as: unknown
  readonly takes: null
  readonly leaves: ["features", Size<E>]
}

// ---- convolutions ----

type Rank = 1 | 2 | 3

/** The channels of each group. */
type PerGroup<C, G> = [G] extends [undefined | 1]
  ? Size<C>
  : G extends number
    ? rules.DivMod<Size<C>, G> extends [infer Q extends number, unknown]
      ? Q
      : number
    : number

type ConvWeight<A, N extends Rank> = [
  Size<Setting<A, "1", "outChannels">>,
  PerGroup<Setting<A, "0", "inChannels">, Setting<A, "6", "groups">>,
  ...rules.PerDimOf<Setting<A, "2", "kernelSize">, N, 1>,
]

interface ConvSettings<A> {
  stride: Setting<A, "3", "stride">
  padding: Setting<A, "4", "padding">
  dilation: Setting<A, "5", "dilation">
  groups: Setting<A, "6", "groups">
}

export interface ConvRule<Op extends string, N extends Rank> extends Rule {
  readonly gives: rules.Conv<
    Op,
    N,
    AsShape<this["shape"]>,
    ConvWeight<this["settings"], N>,
    ConvSettings<this["settings"]>
  >
  readonly as: this["dtype"]
  readonly takes: ["channels", Size<Setting<this["settings"], "0", "inChannels">>]
  readonly leaves: ["channels", Size<Setting<this["settings"], "1", "outChannels">>]
}

/** `made` are the constructor's arguments, `size` what a call wants the result's size to be. */
export interface TransposedCall {
  readonly made: unknown
  readonly size: unknown
}
type MadeOf<C> = C extends { readonly made: infer A } ? A : unknown
type WantedOf<C> = C extends { readonly size: infer O } ? ([O] extends [null | undefined] ? null : O) : null

type TransposedWeight<A, N extends Rank> = [
  Size<Setting<A, "0", "inChannels">>,
  PerGroup<Setting<A, "1", "outChannels">, Setting<A, "6", "groups">>,
  ...rules.PerDimOf<Setting<A, "2", "kernelSize">, N, 1>,
]
interface TransposedSettings<A, Wanted> {
  stride: Setting<A, "3", "stride">
  padding: Setting<A, "4", "padding">
  outputPadding: Wanted extends null ? Setting<A, "5", "outputPadding"> : number
  groups: Setting<A, "6", "groups">
  dilation: Setting<A, "8", "dilation">
}

/** S with its last N sizes those of O. */
type WithSizes<S, O, N extends Rank, R extends Shape = []> =
  rules.IsAny<S> extends true
    ? any
    : R["length"] extends N
      ? S extends Shape
        ? [...S, ...R]
        : S
      : S extends readonly [...infer I, number]
        ? O extends readonly [...infer P, infer L extends number]
          ? WithSizes<I, P, N, [L, ...R]>
          : WithSizes<I, O, N, [number, ...R]>
        : S

export interface ConvTransposeRule<Op extends string, N extends Rank> extends Rule {
  readonly gives: rules.ConvTranspose<
    Op,
    N,
    AsShape<this["shape"]>,
    TransposedWeight<MadeOf<this["settings"]>, N>,
    TransposedSettings<MadeOf<this["settings"]>, WantedOf<this["settings"]>>
  > extends infer R
    ? WantedOf<this["settings"]> extends infer O
      ? O extends null
        ? R
        : WithSizes<R, O, N>
      : never
    : never
  readonly as: this["dtype"]
  readonly takes: ["channels", Size<Setting<MadeOf<this["settings"]>, "0", "inChannels">>]
  readonly leaves: ["channels", Size<Setting<MadeOf<this["settings"]>, "1", "outChannels">>]
}

// ---- pooling ----

interface MaxPoolSettings<A> {
  kernelSize: Setting<A, "0", "kernelSize">
  stride: Setting<A, "1", "stride">
  padding: Setting<A, "2", "padding">
  dilation: Setting<A, "3", "dilation">
  ceilMode: Setting<A, "5", "ceilMode">
}
interface AvgPoolSettings<A> extends Omit<MaxPoolSettings<A>, "dilation" | "ceilMode"> {
  dilation: undefined
  ceilMode: Setting<A, "3", "ceilMode">
}

/** The result, or with `Wanted` also where the greatest were. */
type MaybeIndices<G, Wanted> = [Wanted] extends [false | undefined]
  ? G
  : rules.IsAny<G> extends true
    ? Anything
    : G extends string
      ? G
      : [Wanted] extends [true]
        ? WithIndices<G>
        : Anything

export interface MaxPoolRule<Op extends string, N extends Rank> extends Plain {
  readonly gives: MaybeIndices<
    rules.Pooled<Op, N, AsShape<this["shape"]>, MaxPoolSettings<this["settings"]>>,
    Setting<this["settings"], "4", "returnIndices">
  >
}
export interface AvgPoolRule<Op extends string, N extends Rank> extends Plain {
  readonly gives: rules.Pooled<Op, N, AsShape<this["shape"]>, AvgPoolSettings<this["settings"]>>
}
export interface AdaptiveRule<Op extends string, N extends Rank> extends Plain {
  readonly gives: MaybeIndices<
    rules.AdaptivePooled<Op, N, AsShape<this["shape"]>, Setting<this["settings"], "0", "outputSize">>,
    Setting<this["settings"], "1", "returnIndices">
  >
}

// ---- normalisation ----

/** The sentence of an input whose number of dims is none of L. */
type ForRanks<
  Name extends string,
  S extends Shape,
  L extends number,
  Ranks extends string,
  R,
> = number extends S["length"]
  ? S
  : S["length"] extends L
    ? R
    : `${Name}: expected ${Ranks} input (got ${S["length"]}D input: ${rules.Show<S>})`

/** Over the channels of a batch; `Ranks` is the sentence's list of the numbers of dims L. */
export interface BatchNormRule<Name extends string, L extends number, Ranks extends string> extends Rule {
  readonly gives: ForRanks<
    Name,
    AsShape<this["shape"]>,
    L,
    Ranks,
    [Setting<this["settings"], "4", "trackRunningStats">] extends [undefined]
      ? rules.PerChannel<
          "batchNorm",
          "runningMean",
          AsShape<this["shape"]>,
          [Size<Setting<this["settings"], "0", "numFeatures">>],
          this["shape"]
        >
      : this["shape"]
  >
  readonly as: this["dtype"]
  readonly takes: null
  readonly leaves: "same"
}

export interface OverRule<Op extends string> extends Same {
  readonly gives: rules.NormalisedOver<Op, AsShape<this["shape"]>, Setting<this["settings"], "0", "normalizedShape">>
}
export interface GroupNormRule extends Same {
  readonly gives: rules.Grouped<AsShape<this["shape"]>, Setting<this["settings"], "0", "numGroups">>
}

/** Over each channel of each sample; `Ranks` as above. */
export interface InstanceNormRule<Name extends string, N extends Rank, L extends number, Ranks extends string>
  extends Same {
  readonly gives: ForRanks<
    Name,
    AsShape<this["shape"]>,
    L,
    Ranks,
    [Setting<this["settings"], "3", "affine">] extends [true]
      ? OfChannels<Name, N, AsShape<this["shape"]>, this["dtype"], Setting<this["settings"], "0", "numFeatures">>
      : this["shape"]
  >
}
/** S where it has C channels. */
type OfChannels<Name extends string, N extends Rank, S extends Shape, D, C> =
  rules.Clash<ChannelsOf<S, N>, Size<C>> extends true
    ? `${Name}: expected input of ${Size<C>} channels, got ${rules.ShowTensor<S, D>}`
    : S
/** The channels before N spatial dims. */
type ChannelsOf<S extends Shape, N extends Rank> = N extends 1
  ? S extends readonly [...unknown[], infer C, unknown]
    ? C
    : number
  : N extends 2
    ? S extends readonly [...unknown[], infer C, unknown, unknown]
      ? C
      : number
    : S extends readonly [...unknown[], infer C, unknown, unknown, unknown]
      ? C
      : number

export interface LocalResponseNormRule extends Same {
  readonly gives: AsShape<this["shape"]> extends infer S extends Shape
    ? number extends S["length"]
      ? S
      : S["length"] extends 0 | 1 | 2
        ? `localResponseNorm: Expected 3D or higher dimensionality input (got ${S["length"]} dimensions): ${rules.ShowTensor<S, this["dtype"]>}`
        : S
    : never
}

// ---- activations along a dim ----

/** S where it has the dim. */
export interface AlongRule<Op extends string> extends Same {
  readonly gives: Setting<this["settings"], "0", "dim"> extends infer N
    ? [N] extends [null | undefined]
      ? this["shape"]
      : rules.CheckDim<Op, AsShape<this["shape"]>, N> extends infer E
        ? E extends string
          ? E
          : this["shape"]
        : never
    : never
}
export interface Softmax2dRule extends Same {
  readonly gives: AsShape<this["shape"]> extends infer S extends Shape
    ? number extends S["length"]
      ? S
      : S["length"] extends 3 | 4
        ? S
        : `Softmax2d: expected input to be 3D or 4D, got ${S["length"]}D instead`
    : never
}
/** Half of dim N is left. */
export interface GLURule extends Plain {
  readonly gives: rules.Or<Setting<this["settings"], "0", "dim">, -1> extends infer N
    ? rules.CheckDim<"glu", AsShape<this["shape"]>, N> extends infer E
      ? E extends string
        ? E
        : rules.Halved<AsShape<this["shape"]>, this["dtype"], N>
      : never
    : never
}

// ---- padding ----

/** As many sides as N dims have, from one number for all or a list. */
type Sides<P, N extends Rank> =
  rules.IsAny<P> extends true
    ? SideNumbers[N]
    : P extends number
      ? SidesOf<P>[N]
      : P extends Shape
        ? P["length"] extends SidesOf<0>[N]["length"]
          ? P
          : SideNumbers[N]
        : SideNumbers[N]
interface SidesOf<P extends number> {
  1: [P, P]
  2: [P, P, P, P]
  3: [P, P, P, P, P, P]
}
type SideNumbers = SidesOf<number>

/** With elements around the last N dims. */
export interface PadRule<N extends Rank, Mode extends string> extends Plain {
  readonly gives: AsShape<this["shape"]> extends infer S extends Shape
    ? Sides<Setting<this["settings"], "0", "padding">, N> extends infer P extends Shape
      ? Mode extends "constant"
        ? rules.PaddedShape<"pad", S, P>
        : FoldedPad<S, this["dtype"], P, N, Mode>
      : never
    : never
}
/** Of modes that look at the input again, which has one or two dims more than are padded. */
type FoldedPad<S extends Shape, D, P extends Shape, N extends Rank, Mode extends string> = number extends S["length"]
  ? any
  : S["length"] extends Dims[N]
    ? Unfoldable<S, P, Mode> extends infer E
      ? E extends string
        ? E
        : rules.PaddedShape<"pad", S, P>
      : never
    : rules.PaddedShape<"pad", S, P> extends infer E
      ? S["length"] extends TooFew[N]
        ? E
        : `pad: mode "${Mode}" pads the last 1, 2 or 3 dims of a tensor with one or two more dims, but got padding ${rules.Show<P>} for ${rules.ShowTensor<S, D>}`
      : never
/** How many dims an input may have of which N are padded. */
interface Dims {
  1: 2 | 3
  2: 3 | 4
  3: 4 | 5
}
/** Fewer dims than are padded. */
interface TooFew {
  1: 0
  2: 0 | 1
  3: 0 | 1 | 2
}
/** The sentence of the first of the padded dims, outermost first, that the mode refuses; null if there is none. */
type Unfoldable<S extends Shape, P extends Shape, Mode extends string, In extends Shape = S> = P extends readonly [
  infer A extends number,
  infer B extends number,
  ...infer Rest extends Shape,
]
  ? In extends readonly [...infer I extends Shape, infer L extends number]
    ? Unfoldable<S, Rest, Mode, I> extends infer E
      ? E extends string
        ? E
        : Mode extends keyof Refusals<A, B, L>
          ? Refusals<A, B, L>[Mode] extends infer Reason
            ? Reason extends string
              ? `pad: ${Mode}: ${Reason} at dimension ${I["length"]} of input ${rules.Show<S>}`
              : null
            : never
          : null
      : never
    : null
  : null
/** Why A elements before a dim of size L and B behind it are impossible, by mode; null where they are not. */
interface Refusals<A extends number, B extends number, L extends number> {
  reflect: true extends IsNotLess<A, L> | IsNotLess<B, L>
    ? `Padding size should be less than the corresponding input dimension, but got: padding (${A}, ${B}) for size ${L}`
    : null
  circular: true extends IsMore<A, L> | IsMore<B, L>
    ? `Padding value causes wrapping around more than once: padding (${A}, ${B}) for size ${L}`
    : null
}
type IsNotLess<A extends number, L extends number> = [rules.Less<A, L>] extends [false] ? true : false
type IsMore<A extends number, L extends number> = [rules.Less<L, A>] extends [true] ? true : false

// ---- windows as columns ----

interface WindowSettings<A, I extends readonly [string, string, string, string]> {
  kernelSize: Setting<A, I[0], "kernelSize">
  dilation: Setting<A, I[1], "dilation">
  padding: Setting<A, I[2], "padding">
  stride: Setting<A, I[3], "stride">
}
export interface UnfoldRule extends Plain {
  readonly gives: rules.BlockColumns<AsShape<this["shape"]>, WindowSettings<this["settings"], ["0", "1", "2", "3"]>>
}
export interface FoldRule extends Plain {
  readonly gives: rules.BlocksFolded<
    AsShape<this["shape"]>,
    Setting<this["settings"], "0", "outputSize">,
    WindowSettings<this["settings"], ["1", "2", "3", "4"]>
  >
}

// ---- rearranging ----

export interface FlattenRule extends Plain {
  readonly gives: rules.Flattened<
    "flatten",
    AsShape<this["shape"]>,
    rules.Or<Setting<this["settings"], "0", "startDim">, 1>,
    rules.Or<Setting<this["settings"], "1", "endDim">, -1>
  >
}
export interface UnflattenRule extends Plain {
  readonly gives: rules.Unflattened<
    "unflatten",
    AsShape<this["shape"]>,
    Setting<this["settings"], "0", "dim">,
    Setting<this["settings"], "1", "unflattenedSize">
  >
}
export interface PixelShuffleRule extends Plain {
  readonly gives: rules.PixelsShuffled<
    "pixelShuffle",
    AsShape<this["shape"]>,
    Setting<this["settings"], "0", "upscaleFactor">
  >
}
export interface PixelUnshuffleRule extends Plain {
  readonly gives: rules.PixelsUnshuffled<
    "pixelUnshuffle",
    AsShape<this["shape"]>,
    Setting<this["settings"], "0", "downscaleFactor">
  >
}
export interface ChannelShuffleRule extends Plain {
  readonly gives: rules.ChannelsShuffled<
    "channelShuffle",
    AsShape<this["shape"]>,
    Setting<this["settings"], "0", "groups">
  >
}
export interface UpsampleRule extends Plain {
  readonly gives: rules.Resized<
    "interpolate",
    AsShape<this["shape"]>,
    Setting<this["settings"], "0", "size">,
    Setting<this["settings"], "1", "scaleFactor">
  >
}
