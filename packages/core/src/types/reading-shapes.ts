/** The shapes of what is read and written at indices. The sentences are those of the errors in `ops/places.ts` and its users. */
import type { Less } from "./arithmetic.ts"
import type { RankUnknown } from "./dims.ts"
import type { Broadcast, Clash, IsAny, List, Shape, Show } from "./shape.ts"
import type { NoDim, PlaceOf, SizeAt, Spliced, Unequal, With } from "./tuples.ts"
import type { Numel } from "./view-shapes.ts"

/** `R`, or the sentence of indices that are no integers. */
export type Indexed<Op extends string, Name extends string, S extends Shape, D, R> =
  IsAny<D> extends true
    ? R
    : [D & ("int32" | "int64")] extends [never]
      ? `${Op}: ${Name} must be int32 or int64, got ${D & string}${Show<S>}`
      : R

/** `R`, or the sentence of a mask that is not bool. */
export type Masked<Op extends string, S extends Shape, D, R> =
  IsAny<D> extends true
    ? R
    : [D & "bool"] extends [never]
      ? `${Op}: expected a bool tensor for mask, got ${D & string}${Show<S>}`
      : R

type AtLeast1d<S extends Shape> = S extends readonly [] ? [1] : S

/** A dim in which A is certain to be greater than B, but for P. */
type Larger<A extends Shape, B extends Shape, P, I extends 0[] = []> = A extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? B extends readonly [infer G extends number, ...infer U extends Shape]
    ? I["length"] extends P
      ? Larger<T, U, P, [...I, 0]>
      : [Less<G, H>] extends [true]
        ? true
        : Larger<T, U, P, [...I, 0]>
    : false
  : false

/** The shape of the indices along dim D; W is that of what is written, null where nothing is. */
export type Along<Op extends string, S extends Shape, D, I extends Shape, W extends Shape | null = null> =
  RankUnknown<S> extends true
    ? I
    : RankUnknown<I> extends true
      ? I
      : PlaceOf<S, D> extends infer P extends number
        ? [P] extends [never]
          ? NoDim<Op, S, D>
          : Numel<I> extends 0
            ? I
            : AtLeast1d<S>["length"] extends AtLeast1d<I>["length"]
              ? Larger<AtLeast1d<I>, AtLeast1d<S>, number extends P ? number : P> extends true
                ? TooLarge<Op, S, I, P, W>
                : W extends Shape
                  ? RankUnknown<W> extends true
                    ? I
                    : AtLeast1d<W>["length"] extends AtLeast1d<I>["length"]
                      ? Larger<AtLeast1d<I>, AtLeast1d<W>, null> extends true
                        ? TooLarge<Op, S, I, P, W>
                        : I
                      : TooLarge<Op, S, I, P, W>
                  : I
              : `${Op}: Index tensor must have the same number of dimensions as input tensor, got index ${Show<I>} for ${Show<S>} at dim ${P}`
        : never
type TooLarge<
  Op extends string,
  S extends Shape,
  I extends Shape,
  P extends number,
  W,
> = `${Op}: Expected index ${Show<I>} to be no larger than self ${Show<S>} apart from dimension ${P}${W extends Shape ? ` and to be no larger size than src ${Show<W>}` : ""}`

/** The slices of dim D that a vector of indices names. */
export type SlicesAt<Op extends string, S extends Shape, D, I extends Shape> = number extends I["length"]
  ? RankUnknown<S> extends true
    ? any
    : SlicesOf<Op, S, D, number>
  : I["length"] extends 0 | 1
    ? SlicesOf<Op, S, D, Numel<I>>
    : `${Op}: Index is supposed to be a vector (1-d), got ${Show<I>}`
type SlicesOf<Op extends string, S extends Shape, D, N extends number> =
  RankUnknown<S> extends true
    ? any
    : PlaceOf<S, D> extends infer P extends number
      ? [P] extends [never]
        ? NoDim<Op, S, D>
        : number extends P
          ? { -readonly [K in keyof S]: number }
          : S extends readonly []
            ? N extends 1
              ? []
              : any
            : With<S, P, N>
      : never

/** S where `Source` are slices of dim D of it, one for each index. */
export type SlicesWritten<Op extends string, S extends Shape, D, I extends Shape, Source extends Shape> =
  SlicesAt<Op, S, D, I> extends infer R
    ? R extends string
      ? R
      : RankUnknown<S> extends true
        ? S
        : RankUnknown<Source> extends true
          ? S
          : PlaceOf<S, D> extends infer P extends number
            ? number extends P
              ? S
              : AtLeast1d<S>["length"] extends AtLeast1d<Source>["length"]
                ? Unequal<SizeAt<AtLeast1d<Source>, P>, Numel<I>> extends true
                  ? `${Op}: Number of indices (${Numel<I>}) should be equal to source.size(dim): (${SizeAt<AtLeast1d<Source>, P>}), for dim: ${P} (source ${Show<Source>})`
                  : Agree<AtLeast1d<S>, AtLeast1d<Source>, P> extends true
                    ? S
                    : SliceError<Op, S, Source, P>
                : SliceError<Op, S, Source, P>
            : never
    : never
type SliceError<
  Op extends string,
  S extends Shape,
  Source extends Shape,
  P extends number,
> = `${Op}: Source/destination tensor must have same slice shapes. Destination shape: ${Show<S>} at dimension ${P} and source slice shape: ${Show<Source>}`

/** Whether no size but that at P is certain to differ. */
export type Agree<A extends Shape, B extends Shape, P = null, I extends 0[] = []> = A extends readonly [
  infer H,
  ...infer T extends Shape,
]
  ? B extends readonly [infer G, ...infer U extends Shape]
    ? I["length"] extends P
      ? Agree<T, U, P, [...I, 0]>
      : Clash<H, G> extends true
        ? false
        : Agree<T, U, P, [...I, 0]>
    : false
  : B extends readonly []
    ? true
    : false

/** Whether two shapes may be the same. */
export type MayEqual<A extends Shape, B extends Shape> = number extends A["length"] | B["length"] ? true : Agree<A, B>

/** `takeAlongDim`: the dims but D broadcast, D is that of the indices. */
export type TakenAlong<Op extends string, S extends Shape, I extends Shape, D> = [D] extends [null | undefined]
  ? [Numel<I>]
  : RankUnknown<S> extends true
    ? any
    : RankUnknown<I> extends true
      ? any
      : S["length"] extends I["length"]
        ? PlaceOf<S, D> extends infer P extends number
          ? [P] extends [never]
            ? NoDim<Op, S, D>
            : number extends P
              ? any
              : S extends readonly []
                ? []
                : [With<S, P, 1>, With<I, P, 1>] extends [infer A extends Shape, infer B extends Shape]
                  ? Broadcast<A, B, Op> extends infer R
                    ? R extends List
                      ? With<R, P, SizeAt<I, P>>
                      : R
                    : never
                  : never
          : never
        : `${Op}: input and indices should have the same number of dimensions, but got ${S["length"]} dimensions for input ${Show<S>}, and ${I["length"]} dimensions for indices ${Show<I>}`

/** S where `Source` has the shape of the part R of it. */
export type PartWritten<Op extends string, S extends Shape, R, Source extends Shape> = R extends string
  ? R
  : R extends Shape
    ? MayEqual<R, Source> extends true
      ? S
      : `${Op}: expected src to have a size equal to the slice of self. src size = ${Show<Source>}, slice size = ${Show<R>}`
    : S

/** The K greatest or least along dim D. */
export type TopK<Op extends string, S extends Shape, K, D> =
  RankUnknown<S> extends true
    ? any
    : PlaceOf<S, D> extends infer P extends number
      ? [P] extends [never]
        ? NoDim<Op, S, D>
        : number extends P
          ? { -readonly [X in keyof S]: number }
          : K extends number
            ? S extends readonly []
              ? []
              : [Less<SizeAt<S, P>, K>] extends [true]
                ? `${Op}: selected index k = ${K} out of range for dim ${P} of size ${SizeAt<S, P>} (${Show<S>})`
                : With<S, P, K>
            : With<S, P, number>
      : never

/** One slice of dim D chosen: without that dim, or with size 1. */
export type KthAlong<Op extends string, S extends Shape, K, D, Keep> =
  RankUnknown<S> extends true
    ? any
    : PlaceOf<S, D> extends infer P extends number
      ? [P] extends [never]
        ? NoDim<Op, S, D>
        : number extends P
          ? any
          : S extends readonly []
            ? []
            : K extends number
              ? [Less<SizeAt<S, P>, K>] extends [true]
                ? `${Op}: selected number k = ${K} out of range for dim ${P} of size ${SizeAt<S, P>} (${Show<S>})`
                : [Keep] extends [true]
                  ? With<S, P, 1>
                  : [Keep] extends [false | undefined]
                    ? Spliced<S, P>
                    : any
              : any
      : never
