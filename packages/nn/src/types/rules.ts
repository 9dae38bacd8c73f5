/** The rules of the library's layers. */
import type { rules, Shape } from "@taeda/core"
import type { Anything, AsShape, Plain, Rule, Same, Size } from "./layer.ts"
import type { Or, Setting } from "./settings.ts"

// ---- linear maps and tables ----

export interface LinearRule<I, O> extends Rule {
  readonly gives: rules.Linear<AsShape<this["shape"]>, [Size<O>, Size<I>]>
  readonly as: this["dtype"]
  readonly takes: ["features", Size<I>]
  readonly leaves: ["features", Size<O>]
}

/** The table's dtype is the module's, which `to` changes. */
export interface EmbeddingRule<E> extends Rule {
  readonly gives: [...AsShape<this["shape"]>, Size<E>]
  readonly as: unknown
  readonly takes: null
  readonly leaves: ["features", Size<E>]
}

// ---- convolutions ----

type Rank = 1 | 2 | 3

/** The channels that each group takes. */
type PerGroup<I, G> = [G] extends [undefined | 1] ? Size<I> : number

type ConvWeight<A, N extends Rank> = [
  Size<Setting<A, "1", "outChannels">>,
  PerGroup<Setting<A, "0", "inChannels">, Setting<A, "-", "groups">>,
  ...rules.PerDimOf<Setting<A, "2", "kernelSize">, N, 1>,
]

interface ConvSettings<A> {
  stride: Setting<A, "3", "stride">
  padding: Setting<A, "4", "padding">
  dilation: Setting<A, "-", "dilation">
  groups: Setting<A, "-", "groups">
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

export interface MaxPoolRule<Op extends string, N extends Rank> extends Plain {
  readonly gives: Setting<this["settings"], "4", "returnIndices"> extends false | undefined
    ? rules.Pooled<Op, N, AsShape<this["shape"]>, MaxPoolSettings<this["settings"]>>
    : Anything
}
export interface AvgPoolRule<Op extends string, N extends Rank> extends Plain {
  readonly gives: rules.Pooled<Op, N, AsShape<this["shape"]>, AvgPoolSettings<this["settings"]>>
}
export interface AdaptiveRule<Op extends string, N extends Rank> extends Plain {
  readonly gives: Setting<this["settings"], "1", "returnIndices"> extends false | undefined
    ? rules.AdaptivePooled<Op, N, AsShape<this["shape"]>, Setting<this["settings"], "0", "outputSize">>
    : Anything
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

// ---- rearranging ----

export interface FlattenRule extends Plain {
  readonly gives: rules.Flattened<
    "flatten",
    AsShape<this["shape"]>,
    Or<Setting<this["settings"], "0", "startDim">, 1>,
    Or<Setting<this["settings"], "1", "endDim">, -1>
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
export interface UpsampleRule extends Plain {
  readonly gives: rules.Resized<
    "interpolate",
    AsShape<this["shape"]>,
    Setting<this["settings"], "0", "size">,
    Setting<this["settings"], "1", "scaleFactor">
  >
}
