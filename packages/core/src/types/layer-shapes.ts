/** The shapes of layers' functions and of losses. The sentences are those of the ops' errors. */
import type { DivMod } from "./arithmetic.ts"
import type { RankUnknown } from "./dims.ts"
import type { Agree, MayEqual } from "./reading-shapes.ts"
import type { Broadcast, Broadcast3, BroadcastDims, Clash, IsAny, List, Shape, Show } from "./shape.ts"
import type { NoDim, PlaceOf, Spliced, Text, Unequal } from "./tuples.ts"
import type { Numel } from "./view-shapes.ts"

type Reverse<S extends Shape, R extends Shape = []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Reverse<T, [H, ...R]>
  : R

// ---- linear maps ----

/** x · wᵀ over the last dim. */
export type Linear<S extends Shape, W extends Shape> = number extends S["length"]
  ? any
  : S extends readonly [...infer B extends Shape, infer K extends number]
    ? number extends W["length"]
      ? any
      : W extends readonly [infer N extends number, infer L extends number]
        ? Clash<K, L> extends true
          ? LinearError<S, W, B, K, L>
          : [...B, N]
        : W extends readonly [infer L extends number]
          ? Clash<K, L> extends true
            ? LinearError<S, W, B, K, L>
            : B
          : `linear: weight must be a matrix [out, in] or a vector [in], got ${Show<W>}`
    : `linear: input must have at least one dim, got []`
type LinearError<
  S extends Shape,
  W extends Shape,
  B extends Shape,
  K extends number,
  L extends number,
> = `linear: mat1 and mat2 shapes cannot be multiplied (${Text<[Numel<B>, K], "x">} and ${Text<Reverse<W>, "x">}): input ${Show<S>} has ${Text<[K], "">} features where weight ${Show<W>} takes ${Text<[L], "">}`

/** y[.., o] = Σ x1[.., i]·w[o, i, j]·x2[.., j]. */
export type Bilinear<A extends Shape, B extends Shape, W extends Shape> = number extends A["length"]
  ? any
  : number extends W["length"]
    ? any
    : W extends readonly [infer O extends number, infer I extends number, infer J extends number]
      ? A extends readonly [...infer Batch extends Shape, infer X extends number]
        ? number extends B["length"]
          ? [...Batch, O]
          : B extends readonly [...infer Other extends Shape, infer Y extends number]
            ? Agree<Batch, Other> extends true
              ? true extends Clash<X, I> | Clash<Y, J>
                ? `bilinear: inputs of sizes ${Text<[X], "">} and ${Text<[Y], "">} do not fit weight ${Show<W>}, which takes ${I} and ${J}`
                : [...Batch, O]
              : `bilinear: the inputs must agree in all dims but the last, got ${Show<A>} and ${Show<B>}`
            : `bilinear: the inputs must agree in all dims but the last, got ${Show<A>} and ${Show<B>}`
        : `bilinear: the inputs must agree in all dims but the last, got ${Show<A>} and ${Show<B>}`
      : `bilinear: weight must have 3 dims [out, in1, in2], got ${Show<W>}`

/** A row of the weight for every index. */
export type Embedded<S extends Shape, W extends Shape> = number extends S["length"]
  ? any
  : number extends W["length"]
    ? [...S, number]
    : W extends readonly [unknown, infer N extends number]
      ? [...S, N]
      : `embedding: 'weight' must be 2-D, got ${Show<W>}`

// ---- normalisations ----

/** S where its last sizes are those of N. */
export type NormalisedOver<Op extends string, S extends Shape, N> = number extends S["length"]
  ? S
  : (N extends number ? [N] : N) extends infer I
    ? I extends List
      ? number extends I["length"]
        ? S
        : I extends readonly []
          ? `${Op}: normalizedShape must hold at least one size`
          : EndsWith<S, I> extends true
            ? S
            : `${Op}: Given normalizedShape=${Show<I>}, expected input with shape [*, ${Text<I, ", ">}], but got input of size ${Show<S>}`
      : S
    : never
type EndsWith<S extends Shape, E extends Shape> = E extends readonly [...infer F extends Shape, infer M]
  ? S extends readonly [...infer T extends Shape, infer L]
    ? Clash<L, M> extends true
      ? false
      : EndsWith<T, F>
    : false
  : true

/** S where it has at least two dims. */
export type WithChannels<Op extends string, S extends Shape> = number extends S["length"]
  ? S
  : S["length"] extends 0 | 1
    ? `${Op}: expected an input [n, channels, ...] of at least 2 dims, got ${Show<S>}`
    : S

/** S where its channels are a multiple of G. */
export type Grouped<S extends Shape, G> = number extends S["length"]
  ? S
  : S extends readonly [unknown, infer C extends number, ...unknown[]]
    ? G extends number
      ? DivMod<C, G> extends [unknown, infer R]
        ? Clash<R, 0> extends true
          ? `groupNorm: Expected number of channels in input to be divisible by numGroups, but got input of shape ${Show<S>} and numGroups=${G}`
          : S
        : never
      : S
    : `groupNorm: Expected at least 2 dimensions for input tensor but received ${S["length"]}: ${Show<S>}`

/** `R` where a parameter has an element for each channel of S. */
export type PerChannel<
  Op extends string,
  Name extends string,
  S extends Shape,
  P extends Shape,
  R,
> = S extends readonly [unknown, infer C extends number, ...unknown[]]
  ? Unequal<Numel<P>, C> extends true
    ? `${Op}: ${Name} should contain ${C} elements not ${Numel<P>}`
    : R
  : R

// ---- losses ----

/** [] unless the reduction is "none"; `any` where only the run knows. */
export type LossShape<R, Elements> = unknown extends R
  ? any
  : [R] extends ["none"]
    ? Elements
    : [R & "none"] extends [never]
      ? []
      : [undefined] extends [R]
        ? [R] extends [undefined]
          ? []
          : any
        : any

/** The elements' losses of two tensors that broadcast. */
export type ElementLoss<Op extends string, S extends Shape, T extends Shape> = Broadcast<S, T, Op>

/** S without its last dim. */
type Rows<S extends Shape> = number extends S["length"]
  ? any
  : S extends readonly [...infer H extends Shape, number]
    ? H
    : []

/** The elements' losses of an input of shape S with tensors of R and Q; `any` where they do not fit, which the run says. */
export interface LossRules<S extends Shape, R extends Shape, Q extends Shape> {
  all: Broadcast3<S, R, Q, "loss">
  /** The first two in rows, which the third has one element each for. */
  rowsOfTwo: Broadcast3<Rows<S>, Rows<R>, Q, "loss">
  rows: Broadcast3<Rows<S>, Rows<R>, Rows<Q>, "loss">
  /** The third is spread over the others. */
  two: Broadcast<S, R>
  rowsWithin: Broadcast<Rows<S>, Rows<R>>
}

/** S where T may have the same shape. */
export type SameShape<Op extends string, Name extends string, S extends Shape, T extends Shape> =
  MayEqual<S, T> extends true ? S : `${Op}: ${Name} size ${Show<T>} must be the same as input size ${Show<S>}`

/** S without the classes: dim 1, or dim 0 of a vector. */
type WithoutClasses<S extends Shape> = S extends readonly [unknown] ? [] : Spliced<S, 1>

type IntDType = "int8" | "uint8" | "int16" | "int32" | "int64"

/** The target's shape: class indices, or with `Probabilities` also the input's own. */
export type ClassLoss<
  Op extends string,
  S extends Shape,
  T extends Shape,
  E,
  Probabilities extends boolean,
> = number extends S["length"]
  ? IsAny<E> extends true
    ? T
    : Probabilities extends true
      ? any
      : [E & IntDType] extends [never]
        ? NoClasses<Op, T, E>
        : T
  : S extends readonly []
    ? `${Op}: expected an input with at least one dim, the classes, got []`
    : Probabilities extends true
      ? number extends T["length"]
        ? WithoutClasses<S>
        : Agree<S, T> extends true
          ? IsAny<E> extends true
            ? WithoutClasses<S>
            : [E & IntDType] extends [never]
              ? WithoutClasses<S>
              : S extends T
                ? `${Op}: expected a floating point type for target with class probabilities, got ${E & string}${Show<T>}`
                : WithoutClasses<S>
          : ClassIndices<Op, S, T, E>
      : ClassIndices<Op, S, T, E>

type NoClasses<
  Op extends string,
  T extends Shape,
  E,
> = `${Op}: expected targets that are class indices of an integer dtype, got ${E & string}${Show<T>}`

type ClassIndices<Op extends string, S extends Shape, T extends Shape, E> = [E] extends [never]
  ? never
  : IsAny<E> extends true
    ? ClassShape<Op, S, T>
    : [E & IntDType] extends [never]
      ? NoClasses<Op, T, E>
      : ClassShape<Op, S, T>

type ClassShape<Op extends string, S extends Shape, T extends Shape> = number extends T["length"]
  ? WithoutClasses<S>
  : MayEqual<WithoutClasses<S>, T> extends true
    ? WithoutClasses<S>
    : S extends readonly [infer N extends number, unknown, ...unknown[]]
      ? T extends readonly [infer M extends number, ...unknown[]]
        ? Clash<N, M> extends true
          ? `${Op}: expected input batch_size (${Text<[N], "">}) to match target batch_size (${Text<[M], "">})`
          : TargetSize<Op, S, T>
        : TargetSize<Op, S, T>
      : TargetSize<Op, S, T>
type TargetSize<
  Op extends string,
  S extends Shape,
  T extends Shape,
> = `${Op}: expected target size ${Show<WithoutClasses<S>>} for input ${Show<S>}, got ${Show<T>}`

// ---- distances ----

/** Along dim D of what the two broadcast to. */
export type SimilarityAlong<Op extends string, A extends Shape, B extends Shape, D> =
  Broadcast<A, B, Op> extends infer R
    ? IsAny<R> extends true
      ? any
      : R extends Shape
        ? WithoutDim<Op, R, D>
        : R
    : never
export type WithoutDim<Op extends string, S extends Shape, D> =
  RankUnknown<S> extends true
    ? any
    : PlaceOf<S, D> extends infer P extends number
      ? [P] extends [never]
        ? NoDim<Op, S, D>
        : number extends P
          ? any
          : Spliced<S, P>
      : never

/** Over the last dim of what the two broadcast to. */
export type PairDistance<Op extends string, A extends Shape, B extends Shape, Keep> =
  Broadcast<A, B, Op> extends infer R
    ? IsAny<R> extends true
      ? any
      : R extends readonly [...infer I extends Shape, number]
        ? [Keep] extends [true]
          ? [...I, 1]
          : [Keep] extends [false | undefined]
            ? I
            : any
        : R
    : never

/** All rows with all rows: [.., p, m] and [.., r, m] give [.., p, r]. */
export type RowDistances<A extends Shape, B extends Shape> = number extends A["length"] | B["length"]
  ? any
  : [A, B] extends [
        readonly [...infer AB extends Shape, infer P extends number, infer M extends number],
        readonly [...infer BB extends Shape, infer R extends number, infer N extends number],
      ]
    ? Clash<M, N> extends true
      ? `cdist: x1 and x2 must have the same number of columns, got ${Show<A>} and ${Show<B>}`
      : BroadcastDims<AB, BB> extends infer C
        ? C extends List
          ? [...C, P, R]
          : `cdist: shapes ${Show<A>} and ${Show<B>} do not broadcast`
        : never
    : `cdist: the inputs must have at least 2 dims, got ${Show<A>} and ${Show<B>}`
