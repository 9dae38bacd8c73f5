/**
 * The shapes that windows over the last dims give: convolutions, pooling, blocks, resizing. The sentences are those of the
 * errors that `ops/convolution.ts`, `ops/pooling.ts` and their neighbours throw.
 */
import type { Add, CeilDiv, DivMod, IsKnown, Less, Mul, Negated, Sub } from "./arithmetic.ts"
import type { Clash, List, Shape, Show } from "./shape.ts"
import type { IsSingle, Repeated, Text, Unequal } from "./tuples.ts"

// ---- one number for all spatial dims, or one for each ----

/** As a list of N numbers; what is not given is `Default`, what is not known `number`. */
export type PerDimOf<P, N extends number, Default extends number> = unknown extends P
  ? Repeated<number, N>
  : [P] extends [undefined]
    ? Repeated<Default, N>
    : IsSingle<P> extends true
      ? P extends number
        ? Repeated<P, N>
        : P extends Shape
          ? number extends P["length"]
            ? Repeated<number, N>
            : P extends readonly [infer One extends number]
              ? Repeated<One, N>
              : P["length"] extends N
                ? P
                : Repeated<number, N>
          : Repeated<number, N>
      : Repeated<number, N>

/** How far a window of K elements `Apart` reaches. */
type Reach<K extends number, Apart extends number> = Apart extends 1 ? K : Add<Mul<Apart, Sub<K, 1>>, 1>
/** The size with padding on both sides. */
type Padded<L extends number, P extends number> = P extends 0 ? L : Add<L, Mul<P, 2>>

/** The number of windows; null where there is room for none. */
type Count<L extends number, Reaching extends number, Stride extends number> =
  Sub<L, Reaching> extends infer Room extends number
    ? [Room] extends [never]
      ? null
      : DivMod<Room, Stride> extends [infer Q extends number, unknown]
        ? Add<Q, 1>
        : never
    : never

interface Geometry {
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
}

// ---- convolutions ----

type ConvSizes<
  L extends Shape,
  K extends Shape,
  G extends Geometry,
  R extends Shape = [],
  I extends 0[] = [],
> = L extends readonly [infer H extends number, ...infer T extends Shape]
  ? Count<
      Padded<H, G["padding"][I["length"]]>,
      Reach<K[I["length"]], G["dilation"][I["length"]]>,
      G["stride"][I["length"]]
    > extends infer N
    ? N extends number
      ? ConvSizes<T, K, G, [...R, N], [...I, 0]>
      : null
    : never
  : R

type EachPadded<L extends Shape, P extends Shape, R extends Shape = []> = L extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? EachPadded<T, P, [...R, Padded<H, P[R["length"]]>]>
  : R
type EachReach<K extends Shape, A extends Shape, R extends Shape = []> = K extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? EachReach<T, A, [...R, Reach<H, A[R["length"]]>]>
  : R

/** What convolutions take besides input and weight; undefined where not given. */
export interface ConvOptions {
  readonly stride: unknown
  readonly padding: unknown
  readonly dilation: unknown
  readonly groups: unknown
}

type PaddingOf<P, N extends number> = unknown extends P
  ? Repeated<number, N>
  : P extends string
    ? "valid" extends P
      ? Repeated<0, N>
      : Repeated<number, N>
    : PerDimOf<P, N, 0>

type IsSame<P> = unknown extends P ? false : [P] extends ["same"] ? true : false

/** The input with `Batch` dims before the channels. */
type ConvOut<
  Op extends string,
  S extends Shape,
  W extends Shape,
  Batch extends Shape,
  C extends number,
  L extends Shape,
  N extends number,
  A extends ConvOptions,
> = W extends readonly [infer O extends number, infer I extends number, ...infer K extends Shape]
  ? WrongChannels<C, I, A["groups"]> extends infer Expected extends number
    ? `${Op}: given groups=${GroupsOf<A["groups"]>}, weight of size ${Show<W>}, expected input ${Show<S>} to have ${Expected} channels, but got ${C} channels instead`
    : IsSame<A["padding"]> extends true
      ? [...Batch, O, ...L]
      : {
            stride: PerDimOf<A["stride"], N, 1>
            padding: PaddingOf<A["padding"], N>
            dilation: PerDimOf<A["dilation"], N, 1>
          } extends infer G extends Geometry
        ? ConvSizes<L, K, G> extends infer R
          ? R extends List
            ? [...Batch, O, ...R]
            : `${Op}: calculated padded input size per channel: (${Text<EachPadded<L, G["padding"]>, " x ">}). Kernel size: (${Text<EachReach<K, G["dilation"]>, " x ">}). Kernel size can't be greater than actual input size (input ${Show<S>}, weight ${Show<W>})`
          : never
        : never
  : never

type GroupsOf<G> = unknown extends G ? number : [G] extends [undefined] ? 1 : G extends number ? G : number
/** The channels that the weight takes, where the input certainly has others. */
type WrongChannels<C extends number, I extends number, G> =
  DivMod<C, GroupsOf<G>> extends [unknown, infer Rest]
    ? Unequal<Rest, 0> extends true
      ? null
      : ChannelsFor<C, I, G>
    : never
type ChannelsFor<C extends number, I extends number, G> =
  Mul<I, GroupsOf<G>> extends infer E extends number ? (Clash<C, E> extends true ? E : null) : never

/** The number of sizes of a convolution's input and weight over N dims: with a batch, without. */
interface Ranks {
  1: [3, 2]
  2: [4, 3]
  3: [5, 4]
}

/** A convolution over N dims of S with the weight W. */
export type Conv<
  Op extends string,
  N extends 1 | 2 | 3,
  S extends Shape,
  W extends Shape,
  A extends ConvOptions,
> = number extends W["length"]
  ? number extends S["length"]
    ? any
    : Conv<Op, N, S, Repeated<number, Ranks[N][0]>, A>
  : W["length"] extends Ranks[N][0]
    ? number extends S["length"]
      ? any
      : S["length"] extends Ranks[N][0]
        ? S extends readonly [infer B extends number, infer C extends number, ...infer L extends Shape]
          ? ConvOut<Op, S, W, [B], C, L, N, A>
          : never
        : S["length"] extends Ranks[N][1]
          ? S extends readonly [infer C extends number, ...infer L extends Shape]
            ? ConvOut<Op, S, W, [], C, L, N, A>
            : never
          : `${Op}: expected ${Ranks[N][1]}D (unbatched) or ${Ranks[N][0]}D (batched) input, but got input of size: ${Show<S>}`
    : `${Op}: weight must have ${Ranks[N][0]} dims, got ${Show<W>}`

// ---- transposed convolutions ----

export interface ConvTransposeOptions extends ConvOptions {
  readonly outputPadding: unknown
}

/** (L − 1)·stride − 2·padding + dilation·(K − 1) + outputPadding + 1; null where that is less than 1. */
type Grown<L extends number, K extends number, S extends number, P extends number, E extends number, A extends number> =
  Sub<Add<Add<Mul<Sub<L, 1>, S>, Reach<K, A>>, E>, Mul<P, 2>> extends infer R extends number
    ? [R] extends [never]
      ? null
      : R extends 0
        ? null
        : R
    : never

type GrownSizes<
  L extends Shape,
  K extends Shape,
  G extends Geometry & { readonly extra: Shape },
  R extends Shape = [],
  I extends 0[] = [],
> = L extends readonly [infer H extends number, ...infer T extends Shape]
  ? Grown<
      H,
      K[I["length"]],
      G["stride"][I["length"]],
      G["padding"][I["length"]],
      G["extra"][I["length"]],
      G["dilation"][I["length"]]
    > extends infer N
    ? N extends number
      ? GrownSizes<T, K, G, [...R, N], [...I, 0]>
      : null
    : never
  : R

type ConvTransposeOut<
  Op extends string,
  S extends Shape,
  W extends Shape,
  Batch extends Shape,
  C extends number,
  L extends Shape,
  N extends number,
  A extends ConvTransposeOptions,
> = W extends readonly [infer I extends number, infer O extends number, ...infer K extends Shape]
  ? Clash<C, I> extends true
    ? `${Op}: given transposed=1, weight of size ${Show<W>}, expected input ${Show<S>} to have ${I} channels, but got ${C} channels instead`
    : {
          stride: PerDimOf<A["stride"], N, 1>
          padding: PerDimOf<A["padding"], N, 0>
          extra: PerDimOf<A["outputPadding"], N, 0>
          dilation: PerDimOf<A["dilation"], N, 1>
        } extends infer G extends Geometry & { readonly extra: Shape }
      ? GrownSizes<L, K, G> extends infer R
        ? R extends List
          ? [...Batch, Mul<O, GroupsOf<A["groups"]>>, ...R]
          : `${Op}: given input size per channel ${Show<L>}, the calculated output size per channel is too small (input ${Show<S>}, weight ${Show<W>})`
        : never
      : never
  : never

/** A transposed convolution over N dims of S with the weight W. */
export type ConvTranspose<
  Op extends string,
  N extends 1 | 2 | 3,
  S extends Shape,
  W extends Shape,
  A extends ConvTransposeOptions,
> = number extends W["length"]
  ? number extends S["length"]
    ? any
    : ConvTranspose<Op, N, S, Repeated<number, Ranks[N][0]>, A>
  : W["length"] extends Ranks[N][0]
    ? number extends S["length"]
      ? any
      : S["length"] extends Ranks[N][0]
        ? S extends readonly [infer B extends number, infer C extends number, ...infer L extends Shape]
          ? ConvTransposeOut<Op, S, W, [B], C, L, N, A>
          : never
        : S["length"] extends Ranks[N][1]
          ? S extends readonly [infer C extends number, ...infer L extends Shape]
            ? ConvTransposeOut<Op, S, W, [], C, L, N, A>
            : never
          : `${Op}: expected ${Ranks[N][1]}D (unbatched) or ${Ranks[N][0]}D (batched) input, but got input of size: ${Show<S>}`
    : `${Op}: weight must have ${Ranks[N][0]} dims, got ${Show<W>}`

// ---- pooling ----

export interface PoolOptions {
  readonly kernelSize: unknown
  readonly stride: unknown
  readonly padding: unknown
  readonly dilation: unknown
  readonly ceilMode: unknown
}

/** The dims before the last N, and those. */
type SpatialOf<S extends Shape, N extends number> = N extends 1
  ? S extends readonly [...infer B extends Shape, infer X extends number]
    ? [B, [X]]
    : never
  : N extends 2
    ? S extends readonly [...infer B extends Shape, infer X extends number, infer Y extends number]
      ? [B, [X, Y]]
      : never
    : S extends readonly [
          ...infer B extends Shape,
          infer X extends number,
          infer Y extends number,
          infer Z extends number,
        ]
      ? [B, [X, Y, Z]]
      : never

type PoolInputError<
  Op extends string,
  N extends 1 | 2 | 3,
  S extends Shape,
> = `${Op}: expected a ${Ranks[N][1]}D (unbatched) or ${Ranks[N][0]}D (batched) input, got ${Show<S>}`

/** The number of windows, rounded up if `Ceil`; null where there is room for none. */
type PoolCount<
  L extends number,
  Reaching extends number,
  S extends number,
  P extends number,
  Ceil,
> = unknown extends Ceil
  ? number
  : [Ceil] extends [false | undefined]
    ? Count<Padded<L, P>, Reaching, S>
    : [Ceil] extends [true]
      ? Sub<Padded<L, P>, Reaching> extends infer Room extends number
        ? [Room] extends [never]
          ? number
          : LastWithin<Add<CeilDiv<Room, S>, 1>, S, Add<L, P>>
        : never
      : number
/** One less where the last window would begin beyond the input and the padding before it. */
type LastWithin<N extends number, S extends number, L extends number> =
  Less<Mul<Sub<N, 1>, S>, L> extends infer B
    ? [B] extends [true]
      ? N
      : [B] extends [false]
        ? Sub<N, 1>
        : number
    : never

type PoolSizes<
  L extends Shape,
  K extends Shape,
  G extends Geometry,
  Ceil,
  R extends Shape = [],
  I extends 0[] = [],
> = L extends readonly [infer H extends number, ...infer T extends Shape]
  ? PoolCount<
      H,
      Reach<K[I["length"]], G["dilation"][I["length"]]>,
      G["stride"][I["length"]],
      G["padding"][I["length"]],
      Ceil
    > extends infer N
    ? N extends number
      ? PoolSizes<T, K, G, Ceil, [...R, N], [...I, 0]>
      : null
    : never
  : R

/** Whether a padding is certain to be more than half of the kernel. */
type TooPadded<K extends Shape, P extends Shape, A extends Shape, I extends 0[] = []> = K extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? P[I["length"]] extends 0
    ? TooPadded<T, P, A, [...I, 0]>
    : [Less<Reach<H, A[I["length"]]>, Mul<P[I["length"]], 2>>] extends [true]
      ? true
      : TooPadded<T, P, A, [...I, 0]>
  : false

/** The stride: the kernel's sizes K where it is not given. */
type StrideOf<P, K, N extends number> = unknown extends P
  ? Repeated<number, N>
  : [P] extends [null | undefined]
    ? K
    : PerDimOf<P, N, 1>

/**
 * Pooling over N dims. The sizes are taken apart one rank at a time: of a tuple within a tuple the compiler says nothing where a
 * size is a type parameter.
 */
export type Pooled<
  Op extends string,
  N extends 1 | 2 | 3,
  S extends Shape,
  A extends PoolOptions,
> = number extends S["length"]
  ? any
  : S["length"] extends Ranks[N][number]
    ? N extends 1
      ? S extends readonly [...infer B extends Shape, infer X extends number]
        ? PooledOver<Op, N, S, A, B, [X]>
        : never
      : N extends 2
        ? S extends readonly [...infer B extends Shape, infer X extends number, infer Y extends number]
          ? PooledOver<Op, N, S, A, B, [X, Y]>
          : never
        : S extends readonly [
              ...infer B extends Shape,
              infer X extends number,
              infer Y extends number,
              infer Z extends number,
            ]
          ? PooledOver<Op, N, S, A, B, [X, Y, Z]>
          : never
    : PoolInputError<Op, N, S>

/** `B` are the dims before the last N, `L` those. */
type PooledOver<
  Op extends string,
  N extends 1 | 2 | 3,
  S extends Shape,
  A extends PoolOptions,
  B extends Shape,
  L extends Shape,
> =
  PerDimOf<A["kernelSize"], N, 1> extends infer K extends Shape
    ? {
        stride: StrideOf<A["stride"], K, N>
        padding: PerDimOf<A["padding"], N, 0>
        dilation: PerDimOf<A["dilation"], N, 1>
      } extends infer G extends Geometry
      ? TooPadded<K, G["padding"], G["dilation"]> extends true
        ? `${Op}: padding should be at most half of the effective kernel size, but got padding ${Show<G["padding"]>}, kernelSize ${Show<K>} and dilation ${Show<G["dilation"]>}`
        : PoolSizes<L, K, G, A["ceilMode"]> extends infer R
          ? R extends List
            ? [...B, ...R]
            : `${Op}: given input ${Show<S>} and kernelSize ${Show<K>}, the calculated output size is too small`
          : never
      : never
    : never

/** `O` as a list of N sizes, null keeping those of L. */
type OutputSizes<O, L extends Shape, R extends Shape = []> = R["length"] extends L["length"]
  ? R
  : OutputSizes<
      O,
      L,
      [
        ...R,
        (O extends readonly unknown[] ? O[R["length"]] : O) extends infer X
          ? X extends null
            ? L[R["length"]]
            : X extends number
              ? X
              : number
          : never,
      ]
    >

/** Pooling to a size over N dims. */
export type AdaptivePooled<Op extends string, N extends 1 | 2 | 3, S extends Shape, O> = number extends S["length"]
  ? any
  : S["length"] extends Ranks[N][number]
    ? SpatialOf<S, N> extends [infer B extends Shape, infer L extends Shape]
      ? IsSingle<O> extends true
        ? O extends readonly unknown[]
          ? number extends O["length"]
            ? [...B, ...Repeated<number, N>]
            : O["length"] extends N
              ? [...B, ...OutputSizes<O, L>]
              : `${Op}: outputSize must be a number or a list of ${N}${O extends Shape ? `, got ${Show<O>}` : ""}`
          : [...B, ...OutputSizes<O, L>]
        : [...B, ...Repeated<number, N>]
      : never
    : PoolInputError<Op, N, S>

// ---- blocks ----

export interface BlockOptions {
  readonly kernelSize: unknown
  readonly dilation: unknown
  readonly padding: unknown
  readonly stride: unknown
}

type Area<K extends Shape> = Mul<K[0], K[1]>
type Blocks<L extends Shape, A extends BlockOptions> = ConvSizes<
  L,
  PerDimOf<A["kernelSize"], 2, 1>,
  {
    stride: PerDimOf<A["stride"], 2, 1>
    padding: PerDimOf<A["padding"], 2, 0>
    dilation: PerDimOf<A["dilation"], 2, 1>
  }
>

/** Blocks of images as columns. */
export type BlockColumns<S extends Shape, A extends BlockOptions> = number extends S["length"]
  ? any
  : S extends readonly [infer C extends number, infer H extends number, infer W extends number]
    ? BlockRows<[], C, [H, W], A>
    : S extends readonly [
          infer B extends number,
          infer C extends number,
          infer H extends number,
          infer W extends number,
        ]
      ? BlockRows<[B], C, [H, W], A>
      : `unfold: Expected 3D or 4D input tensor [n?, channels, rows, columns], got ${Show<S>}`
type BlockRows<B extends Shape, C extends number, L extends Shape, A extends BlockOptions> =
  Blocks<L, A> extends infer R
    ? R extends List
      ? [...B, Mul<C, Area<PerDimOf<A["kernelSize"], 2, 1>>>, Mul<R[0], R[1]>]
      : any
    : never

/** Columns added up in an image of size O. */
export type BlocksFolded<S extends Shape, O, A extends BlockOptions> = number extends S["length"]
  ? any
  : S extends readonly [infer R extends number, infer L extends number]
    ? Folded<S, [], R, L, O, A>
    : S extends readonly [infer B extends number, infer R extends number, infer L extends number]
      ? Folded<S, [B], R, L, O, A>
      : `fold: Expected 2D or 3D input tensor [n?, channels · kernel, blocks], got ${Show<S>}`
type Folded<S extends Shape, B extends Shape, R extends number, L extends number, O, A extends BlockOptions> = [
  PerDimOf<O, 2, 1>,
  PerDimOf<A["kernelSize"], 2, 1>,
] extends [infer Size extends Shape, infer K extends Shape]
  ? DivMod<R, Area<K>> extends [infer C extends number, infer Over]
    ? Clash<Over, 0> extends true
      ? `fold: Expected size of input's dimension 1 to be divisible by the product of kernelSize, but got ${Show<S>} and kernelSize ${Show<K>}`
      : Blocks<Size, A> extends infer N extends Shape
        ? Unequal<Mul<N[0], N[1]>, L> extends true
          ? `fold: Given outputSize ${Show<Size>}, kernelSize ${Show<K>}, dilation ${Show<PerDimOf<A["dilation"], 2, 1>>}, padding ${Show<PerDimOf<A["padding"], 2, 0>>}, stride ${Show<PerDimOf<A["stride"], 2, 1>>}, expected size of input's dimension 2 to match the calculated number of sliding blocks ${N[0]} * ${N[1]} = ${Mul<N[0], N[1]>}, but got ${L} (${Show<S>})`
          : [...B, C, ...Size]
        : [...B, C, ...Size]
    : never
  : never

// ---- resizing ----

/** The product of a size and a factor, rounded down; `number` unless the factor is a known integer. */
type Scaled<L extends number, F> = F extends number ? (IsKnown<F> extends true ? Mul<L, F> : number) : number
type EachScaled<L extends Shape, F, R extends Shape = []> = L extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? EachScaled<T, F, [...R, Scaled<H, F extends readonly unknown[] ? F[R["length"]] : F>]>
  : R

/** [n, channels, ...spatial] resized to a size, or by a factor. */
export type Resized<Op extends string, S extends Shape, Size, Factor> = number extends S["length"]
  ? any
  : S extends readonly [infer B extends number, infer C extends number, ...infer L extends Shape]
    ? L["length"] extends 1 | 2 | 3
      ? unknown extends Size | Factor
        ? [B, C, ...Repeated<number, L["length"]>]
        : [Size] extends [null | undefined]
          ? [Factor] extends [null | undefined]
            ? `${Op}: either size or scaleFactor should be defined`
            : IsSingle<Factor> extends true
              ? [B, C, ...EachScaled<L, Factor>]
              : [B, C, ...Repeated<number, L["length"]>]
          : [Factor] extends [null | undefined]
            ? [B, C, ...PerDimOf<Exclude<Size, null | undefined>, L["length"], 1>]
            : Size extends null
              ? [B, C, ...Repeated<number, L["length"]>]
              : Factor extends null
                ? [B, C, ...Repeated<number, L["length"]>]
                : `${Op}: only one of size or scaleFactor should be defined`
      : ResizeError<Op, S>
    : ResizeError<Op, S>
type ResizeError<
  Op extends string,
  S extends Shape,
> = `${Op}: Only 3D, 4D and 5D input tensors [n, channels, ...spatial] are supported, got ${Show<S>}`

/** [..., channels · r², h, w] as [..., channels, h · r, w · r]. */
export type PixelsShuffled<Op extends string, S extends Shape, F> = number extends S["length"]
  ? any
  : S extends readonly [
        ...infer B extends Shape,
        infer C extends number,
        infer H extends number,
        infer W extends number,
      ]
    ? F extends number
      ? DivMod<C, Mul<F, F>> extends [infer Q extends number, infer R]
        ? Clash<R, 0> extends true
          ? `${Op}: expects its input's 'channel' dimension to be divisible by the square of upscaleFactor, but channels ${C} is not divisible by ${Mul<F, F>} (${Show<S>})`
          : [...B, Q, Mul<H, F>, Mul<W, F>]
        : never
      : any
    : FactorError<Op, S, 3>

/** [..., channels, h · r, w · r] as [..., channels · r², h, w]. */
export type PixelsUnshuffled<Op extends string, S extends Shape, F> = number extends S["length"]
  ? any
  : S extends readonly [
        ...infer B extends Shape,
        infer C extends number,
        infer H extends number,
        infer W extends number,
      ]
    ? F extends number
      ? [DivMod<H, F>, DivMod<W, F>] extends [[infer Y extends number, infer RY], [infer X extends number, infer RX]]
        ? true extends Clash<RY, 0> | Clash<RX, 0>
          ? `${Op}: expects height and width to be divisible by downscaleFactor, but height ${H} and width ${W} are not divisible by ${F} (${Show<S>})`
          : [...B, Mul<C, Mul<F, F>>, Y, X]
        : never
      : any
    : FactorError<Op, S, 3>
type FactorError<
  Op extends string,
  S extends Shape,
  Least extends number,
> = `${Op}: expects input to have at least ${Least} dimensions, but got ${Show<S>}`

/** The channels of [n, channels, ...] in another order. */
export type ChannelsShuffled<Op extends string, S extends Shape, G> = number extends S["length"]
  ? any
  : S extends readonly [number, infer C extends number, number, ...unknown[]]
    ? G extends number
      ? DivMod<C, G> extends [unknown, infer R]
        ? Clash<R, 0> extends true
          ? `${Op}: Number of channels must be divisible by groups. Got ${C} channels and ${G} groups (${Show<S>})`
          : S
        : never
      : S
    : FactorError<Op, S, 3>

// ---- padding ----

/** A size with an edge on either side; a negative edge cuts off. Null where nothing would be left. */
type Edged<L extends number, Before, After> = Before extends number
  ? After extends number
    ? Widened<L, Before> extends infer W extends number
      ? [W] extends [never]
        ? number
        : Widened<W, After> extends infer R extends number
          ? [R] extends [never]
            ? null
            : R
          : never
      : never
    : number
  : number
type Widened<L extends number, E extends number> =
  IsKnown<E> extends true ? Add<L, E> : [Negated<E>] extends [never] ? number : Sub<L, Negated<E>>

/** `P` holds the edges of the last dim, then those of the one before it, and so on. */
type EachEdged<S extends Shape, P extends readonly unknown[], R extends Shape = []> = P extends readonly [
  infer Before,
  infer After,
  ...infer Rest,
]
  ? S extends readonly [...infer I extends Shape, infer L extends number]
    ? Edged<L, Before, After> extends infer N
      ? N extends number
        ? EachEdged<I, Rest, [N, ...R]>
        : { bad: [L, Before, After, I["length"]] }
      : never
    : never
  : [...S, ...R]

/** With edges around the last dims. */
export type PaddedShape<Op extends string, S extends Shape, P> = number extends S["length"]
  ? any
  : P extends Shape
    ? number extends P["length"]
      ? { -readonly [K in keyof S]: number }
      : Pairs<P> extends infer N extends number
        ? Less<S["length"], N> extends true
          ? `${Op}: Padding length should be less than or equal to two times the input dimension but got padding length ${P["length"]} and input of dimension ${S["length"]}`
          : EachEdged<S, P> extends infer R
            ? R extends {
                bad: [infer L extends number, infer A extends number, infer B extends number, infer D extends number]
              }
              ? `${Op}: the input size ${L}, plus negative padding ${A} and ${B}, resulted in a negative output size at dim ${D} of ${Show<S>}`
              : R
            : never
        : `${Op}: Padding length must be divisible by 2, got ${Show<P>}`
    : any
/** Half the length; null of an odd one. */
type Pairs<P extends readonly unknown[], N extends 0[] = []> = P extends readonly [unknown, unknown, ...infer T]
  ? Pairs<T, [...N, 0]>
  : P extends readonly []
    ? N["length"]
    : null
