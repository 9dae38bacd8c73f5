/** The signatures of windows over the last dims. Their shapes are worked out in `window-shapes.ts`. */
import type { DType } from "../dtype.ts"
import type { InterpolationMode } from "../ops/interpolation.ts"
import type { PadMode } from "../ops/padding.ts"
import type { Tensor } from "../tensor.ts"
import type { Given, TensorOf } from "./arguments.ts"
import type { DefaultInt, OneDType } from "./dtype.ts"
import type { Arg, Ok, Shape } from "./shape.ts"
import type { DTypeOf, ShapeOf } from "./signature.ts"
import type { IsSingle } from "./tuples.ts"
import type {
  AdaptivePooled,
  BlockColumns,
  BlocksFolded,
  ChannelsShuffled,
  Conv,
  ConvTranspose,
  PaddedShape,
  PixelsShuffled,
  PixelsUnshuffled,
  Pooled,
  Resized,
} from "./window-shapes.ts"

/** A number for all spatial dims, or one for each. */
type PerDim = number | readonly number[]

type Spatial = 1 | 2 | 3

/**
 * A, and lists where A is something that only the run knows: of an argument of type `number | number[]` the compiler infers the
 * number alone.
 */
type Loosely<A> =
  IsSingle<A> extends true ? (number extends A ? A | readonly (number | null)[] : A) : A | readonly (number | null)[]

// ---- convolutions ----

interface ConvByName {
  weight?: Tensor
  bias?: Tensor | null
  stride?: PerDim
  padding?: PerDim | "same" | "valid"
  dilation?: PerDim
  groups?: number
}
type ConvOf<N extends Spatial, S extends Shape, D, W, B, St, P, Di, G> = OneDType<
  `conv${N}d`,
  S,
  D,
  ShapeOf<TensorOf<W, "weight">>,
  DTypeOf<TensorOf<W, "weight">>,
  Conv<
    `conv${N}d`,
    N,
    S,
    ShapeOf<TensorOf<W, "weight">>,
    {
      stride: Given<"stride", St, W | B>
      padding: Given<"padding", P, W | B | St>
      dilation: Given<"dilation", Di, W | B | St | P>
      groups: Given<"groups", G, W | B | St | P | Di>
    }
  >
>

/** A convolution over N dims. */
export type ConvSignature<N extends Spatial> = <
  S extends Shape,
  D extends DType,
  const W extends Tensor | ConvByName,
  const B extends Tensor | null | ConvByName | undefined = undefined,
  const St extends PerDim | ConvByName | undefined = undefined,
  const P extends PerDim | "same" | "valid" | ConvByName | undefined = undefined,
  const Di extends PerDim | ConvByName | undefined = undefined,
  const G extends number | ConvByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  weight: Arg<ConvOf<N, S, D, W, B, St, P, Di, G>, W>,
  bias?: B,
  stride?: Loosely<St>,
  padding?: Loosely<P>,
  dilation?: Loosely<Di>,
  groups?: G,
) => Tensor<Ok<ConvOf<N, S, D, W, B, St, P, Di, G>>, D>

interface TransposedByName {
  weight?: Tensor
  bias?: Tensor | null
  stride?: PerDim
  padding?: PerDim
  outputPadding?: PerDim
  groups?: number
  dilation?: PerDim
}
type ConvTransposeOf<N extends Spatial, S extends Shape, D, W, B, St, P, E, G, Di> = OneDType<
  `convTranspose${N}d`,
  S,
  D,
  ShapeOf<TensorOf<W, "weight">>,
  DTypeOf<TensorOf<W, "weight">>,
  ConvTranspose<
    `convTranspose${N}d`,
    N,
    S,
    ShapeOf<TensorOf<W, "weight">>,
    {
      stride: Given<"stride", St, W | B>
      padding: Given<"padding", P, W | B | St>
      outputPadding: Given<"outputPadding", E, W | B | St | P>
      groups: Given<"groups", G, W | B | St | P | E>
      dilation: Given<"dilation", Di, W | B | St | P | E | G>
    }
  >
>

/** A transposed convolution over N dims. */
export type ConvTransposeSignature<N extends Spatial> = <
  S extends Shape,
  D extends DType,
  const W extends Tensor | TransposedByName,
  const B extends Tensor | null | TransposedByName | undefined = undefined,
  const St extends PerDim | TransposedByName | undefined = undefined,
  const P extends PerDim | TransposedByName | undefined = undefined,
  const E extends PerDim | TransposedByName | undefined = undefined,
  const G extends number | TransposedByName | undefined = undefined,
  const Di extends PerDim | TransposedByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  weight: Arg<ConvTransposeOf<N, S, D, W, B, St, P, E, G, Di>, W>,
  bias?: B,
  stride?: Loosely<St>,
  padding?: Loosely<P>,
  outputPadding?: Loosely<E>,
  groups?: G,
  dilation?: Loosely<Di>,
) => Tensor<Ok<ConvTransposeOf<N, S, D, W, B, St, P, E, G, Di>>, D>

// ---- pooling ----

/** The greatest elements, and where they were found. */
export type WithIndices<S extends Shape, D extends DType> = readonly [Tensor<S, D>, Tensor<S, DefaultInt>] & {
  readonly output: Tensor<S, D>
  readonly indices: Tensor<S, DefaultInt>
}
/** The result with indices or without; either where only the run knows. */
type MaybeIndices<S extends Shape, D extends DType, Wanted> = unknown extends Wanted
  ? any
  : [Wanted] extends [false | undefined]
    ? Tensor<S, D>
    : [Wanted] extends [true]
      ? WithIndices<S, D>
      : any

interface PoolByName {
  kernelSize?: PerDim
  stride?: PerDim | null
  padding?: PerDim
  dilation?: PerDim
  ceilMode?: boolean
  returnIndices?: boolean
}
type MaxPooled<N extends Spatial, S extends Shape, K, St, P, Di, C> = Pooled<
  `maxPool${N}d`,
  N,
  S,
  {
    kernelSize: Given<"kernelSize", K>
    stride: Given<"stride", St, K>
    padding: Given<"padding", P, K | St>
    dilation: Given<"dilation", Di, K | St | P>
    ceilMode: Given<"ceilMode", C, K | St | P | Di>
  }
>
export type MaxPoolSignature<N extends Spatial> = <
  S extends Shape,
  D extends DType,
  const K extends PerDim | PoolByName,
  const St extends PerDim | null | PoolByName | undefined = undefined,
  const P extends PerDim | PoolByName | undefined = undefined,
  const Di extends PerDim | PoolByName | undefined = undefined,
  const C extends boolean | PoolByName | undefined = undefined,
  const R extends boolean | PoolByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  kernelSize: Arg<MaxPooled<N, S, K, St, P, Di, C>, Loosely<K>>,
  stride?: Loosely<St>,
  padding?: Loosely<P>,
  dilation?: Loosely<Di>,
  ceilMode?: C,
  returnIndices?: R,
) => MaybeIndices<Ok<MaxPooled<N, S, K, St, P, Di, C>>, D, Given<"returnIndices", R, K | St | P | Di | C>>

interface AvgByName {
  kernelSize?: PerDim
  stride?: PerDim | null
  padding?: PerDim
  ceilMode?: boolean
  countIncludePad?: boolean
  divisorOverride?: number | null
}
type AvgPooled<N extends Spatial, S extends Shape, K, St, P, C> = Pooled<
  `avgPool${N}d`,
  N,
  S,
  {
    kernelSize: Given<"kernelSize", K>
    stride: Given<"stride", St, K>
    padding: Given<"padding", P, K | St>
    dilation: undefined
    ceilMode: Given<"ceilMode", C, K | St | P>
  }
>
export type AvgPoolSignature<N extends Spatial> = <
  S extends Shape,
  D extends DType,
  const K extends PerDim | AvgByName,
  const St extends PerDim | null | AvgByName | undefined = undefined,
  const P extends PerDim | AvgByName | undefined = undefined,
  const C extends boolean | AvgByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  kernelSize: Arg<AvgPooled<N, S, K, St, P, C>, Loosely<K>>,
  stride?: Loosely<St>,
  padding?: Loosely<P>,
  ceilMode?: C,
  countIncludePad?: boolean | AvgByName,
  divisorOverride?: number | null | AvgByName,
) => Tensor<Ok<AvgPooled<N, S, K, St, P, C>>, D>

interface LpByName {
  normType?: number
  kernelSize?: PerDim
  stride?: PerDim | null
  ceilMode?: boolean
}
type LpPooled<N extends Spatial, S extends Shape, M, K, St, C> = Pooled<
  `avgPool${N}d`,
  N,
  S,
  {
    kernelSize: Given<"kernelSize", K, M>
    stride: Given<"stride", St, M | K>
    padding: undefined
    dilation: undefined
    ceilMode: Given<"ceilMode", C, M | K | St>
  }
>
export type LpPoolSignature<N extends Spatial> = <
  S extends Shape,
  D extends DType,
  const M extends number | LpByName,
  const K extends PerDim | LpByName | undefined = undefined,
  const St extends PerDim | null | LpByName | undefined = undefined,
  const C extends boolean | LpByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  normType: M,
  kernelSize?: Arg<LpPooled<N, S, M, K, St, C>, Loosely<K>>,
  stride?: Loosely<St>,
  ceilMode?: C,
) => Tensor<Ok<LpPooled<N, S, M, K, St, C>>, D>

type OutputSize = number | null | readonly (number | null)[]
interface AdaptiveByName {
  outputSize?: OutputSize
  returnIndices?: boolean
}
type Adaptive<Op extends string, N extends Spatial, S extends Shape, O> = AdaptivePooled<
  Op,
  N,
  S,
  Given<"outputSize", O>
>

export type AdaptiveAvgPoolSignature<N extends Spatial> = <
  S extends Shape,
  D extends DType,
  const O extends OutputSize | { outputSize?: OutputSize },
>(
  input: Tensor<S, D>,
  outputSize: Arg<Adaptive<`adaptiveAvgPool${N}d`, N, S, O>, Loosely<O>>,
) => Tensor<Ok<Adaptive<`adaptiveAvgPool${N}d`, N, S, O>>, D>

export type AdaptiveMaxPoolSignature<N extends Spatial> = <
  S extends Shape,
  D extends DType,
  const O extends OutputSize | AdaptiveByName,
  const R extends boolean | AdaptiveByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  outputSize: Arg<Adaptive<`adaptiveMaxPool${N}d`, N, S, O>, Loosely<O>>,
  returnIndices?: R,
) => MaybeIndices<Ok<Adaptive<`adaptiveMaxPool${N}d`, N, S, O>>, D, Given<"returnIndices", R, O>>

// ---- blocks ----

interface BlocksByName {
  outputSize?: PerDim
  kernelSize?: PerDim
  dilation?: PerDim
  padding?: PerDim
  stride?: PerDim
}
type Im2Col<S extends Shape, K, Di, P, St> = BlockColumns<
  S,
  {
    kernelSize: Given<"kernelSize", K>
    dilation: Given<"dilation", Di, K>
    padding: Given<"padding", P, K | Di>
    stride: Given<"stride", St, K | Di | P>
  }
>
export type Im2ColSignature = <
  S extends Shape,
  D extends DType,
  const K extends PerDim | BlocksByName,
  const Di extends PerDim | BlocksByName | undefined = undefined,
  const P extends PerDim | BlocksByName | undefined = undefined,
  const St extends PerDim | BlocksByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  kernelSize: Arg<Im2Col<S, K, Di, P, St>, Loosely<K>>,
  dilation?: Loosely<Di>,
  padding?: Loosely<P>,
  stride?: Loosely<St>,
) => Tensor<Ok<Im2Col<S, K, Di, P, St>>, D>

type Col2Im<S extends Shape, O, K, Di, P, St> = BlocksFolded<
  S,
  Given<"outputSize", O>,
  {
    kernelSize: Given<"kernelSize", K, O>
    dilation: Given<"dilation", Di, O | K>
    padding: Given<"padding", P, O | K | Di>
    stride: Given<"stride", St, O | K | Di | P>
  }
>
export type Col2ImSignature = <
  S extends Shape,
  D extends DType,
  const O extends PerDim | BlocksByName,
  const K extends PerDim | BlocksByName | undefined = undefined,
  const Di extends PerDim | BlocksByName | undefined = undefined,
  const P extends PerDim | BlocksByName | undefined = undefined,
  const St extends PerDim | BlocksByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  outputSize: Arg<Col2Im<S, O, K, Di, P, St>, Loosely<O>>,
  kernelSize?: Loosely<K>,
  dilation?: Loosely<Di>,
  padding?: Loosely<P>,
  stride?: Loosely<St>,
) => Tensor<Ok<Col2Im<S, O, K, Di, P, St>>, D>

// ---- resizing ----

interface ResizeByName {
  size?: PerDim | null
  scaleFactor?: PerDim | null
  mode?: InterpolationMode
  alignCorners?: boolean | null
  recomputeScaleFactor?: boolean | null
}
type Resize<Op extends string, S extends Shape, A, B> = Resized<Op, S, Given<"size", A>, Given<"scaleFactor", B, A>>
export type InterpolateSignature<Op extends string> = <
  S extends Shape,
  D extends DType,
  const A extends PerDim | null | ResizeByName | undefined = undefined,
  const B extends PerDim | null | ResizeByName | undefined = undefined,
>(
  input: Tensor<S, D>,
  size?: Arg<Resize<Op, S, A, B>, Loosely<A>>,
  scaleFactor?: Loosely<B>,
  mode?: InterpolationMode | ResizeByName,
  alignCorners?: boolean | null | ResizeByName,
  recomputeScaleFactor?: boolean | null | ResizeByName,
) => Tensor<Ok<Resize<Op, S, A, B>>, D>

/** The shapes after a rearrangement of channels by a factor. */
interface ByFactor<S extends Shape, F> {
  pixelShuffle: PixelsShuffled<"pixelShuffle", S, F>
  pixelUnshuffle: PixelsUnshuffled<"pixelUnshuffle", S, F>
  channelShuffle: ChannelsShuffled<"channelShuffle", S, F>
}
/** `Name` is the factor's. */
export type Shuffling<Op extends keyof ByFactor<Shape, 0>, Name extends string> = <
  S extends Shape,
  D extends DType,
  const F extends number | { [K in Name]?: number },
>(
  input: Tensor<S, D>,
  factor: Arg<ByFactor<S, Given<Name, F>>[Op], F>,
) => Tensor<Ok<ByFactor<S, Given<Name, F>>[Op]>, D>

// ---- padding ----

interface PadByName {
  pad?: readonly number[]
  mode?: PadMode
  value?: number | null
}
export type PadSignature = <S extends Shape, D extends DType, const P extends readonly number[] | PadByName>(
  input: Tensor<S, D>,
  pad: Arg<PaddedShape<"pad", S, Given<"pad", P>>, P>,
  mode?: PadMode | PadByName,
  value?: number | null | PadByName,
) => Tensor<Ok<PaddedShape<"pad", S, Given<"pad", P>>>, D>
