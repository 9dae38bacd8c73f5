/**
 * The shapes that views have: a tuple where the call is right, a sentence where it is wrong, `any` where the number of dims
 * is not known. The sentences are those of the errors that `ops/views.ts` throws.
 */
import type { Add, CeilDiv, DivMod, Excess, IsKnown, Less, Min, Mul, Negated, Sub } from "./arithmetic.ts"
import type { RankUnknown } from "./dims.ts"
import type { Clash, Dim, List, Shape, Show } from "./shape.ts"
import type { Inserted, IsSingle, NoDim, PlaceOf, Plain, SizeAt, Spliced, Times, Unequal, With } from "./tuples.ts"

// ---- the number of elements ----

/** [the product of the known sizes, the others in order]. */
type Factored<S extends Shape, P extends number = 1, N extends Shape = []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? IsKnown<H> extends true
    ? Factored<T, Mul<P, H>, N>
    : Factored<T, P, [...N, H]>
  : [P, N]

/** The number of elements; `number` where it is not known. */
export type Numel<S extends Shape> = number extends S["length"]
  ? number
  : Factored<S> extends [infer P extends number, infer N extends Shape]
    ? N extends []
      ? P
      : P extends 1
        ? N extends [infer One extends number]
          ? One
          : number
        : P extends 0
          ? 0
          : number
    : never

// ---- reshape ----

/** Without the names of M: what is left of N; null where one of M is not in N, or not known. */
type Cancelled<N extends Shape, M extends Shape> = M extends readonly [infer H, ...infer T extends Shape]
  ? H extends Dim<string>
    ? Without<N, H> extends infer R extends Shape
      ? Cancelled<R, T>
      : null
    : null
  : N
type Without<N extends Shape, H, R extends Shape = []> = N extends readonly [
  infer F extends number,
  ...infer T extends Shape,
]
  ? F extends H
    ? [...R, ...T]
    : Without<T, H, [...R, F]>
  : null

/** The sizes but those that are -1. */
type Given<T extends Shape, R extends Shape = []> = T extends readonly [
  infer H extends number,
  ...infer U extends Shape,
]
  ? Given<U, H extends -1 ? R : [...R, H]>
  : R
type Inferred<T extends Shape, V> = { -readonly [K in keyof T]: T[K] extends -1 ? V : T[K] }

/** The first size that is a negative other than -1, or no integer. */
type Improper<T extends Shape> = T extends readonly [infer H, ...infer U extends Shape]
  ? H extends -1
    ? Improper<U>
    : H extends number
      ? `${H}` extends `-${string}` | `${string}.${string}`
        ? H
        : Improper<U>
      : Improper<U>
  : null

type ReshapeError<Op extends string, S extends Shape, T extends Shape> =
  Numel<S> extends infer N extends number
    ? `${Op}: shape '${Show<T>}' is invalid for input of size ${number extends N ? "?" : N extends Dim<string> ? "?" : N} (shape ${Show<S>})`
    : never

/** S seen as T, of which one size may be -1. */
export type Reshaped<Op extends string, S extends Shape, T extends Shape> = number extends T["length"]
  ? any
  : Improper<T> extends null
    ? Given<T> extends infer G extends Shape
      ? G["length"] extends T["length"]
        ? ReshapedTo<Op, S, T>
        : [...G, 1]["length"] extends T["length"]
          ? ReshapedBy<Op, S, T, G>
          : `${Op}: only one dimension can be inferred, got ${Show<T>}`
      : never
    : `${Op}: expected sizes (integers, one of them may be -1), got ${Show<T>}`

/** All sizes given; a `number` among them may be -1 when it runs, but is then as unknown as before. */
type ReshapedTo<Op extends string, S extends Shape, T extends Shape> = number extends S["length"]
  ? Plain<T>
  : [Factored<S>, Factored<T>] extends [
        [infer P extends number, infer N extends Shape],
        [infer Q extends number, infer M extends Shape],
      ]
    ? Cancelled<N, M> extends []
      ? Clash<P, Q> extends true
        ? ReshapeError<Op, S, T>
        : Plain<T>
      : N extends []
        ? Fit<P, Q> extends false
          ? ReshapeError<Op, S, T>
          : Plain<T>
        : Plain<T>
    : never

/** Whether P elements may be as many as Q times something. */
type Fit<P extends number, Q extends number> = Q extends 0
  ? P extends 0
    ? true
    : false
  : DivMod<P, Q> extends [unknown, infer R]
    ? Clash<R, 0> extends true
      ? false
      : true
    : true

/** One size is -1; `G` are the others. */
type ReshapedBy<Op extends string, S extends Shape, T extends Shape, G extends Shape> =
  Factored<G> extends [infer Q extends number, infer M extends Shape]
    ? Q extends 0
      ? `${Op}: cannot reshape tensor of 0 elements into shape ${Show<T>} because the unspecified dimension size -1 can be any value and is ambiguous`
      : number extends S["length"]
        ? Inferred<T, number>
        : Factored<S> extends [infer P extends number, infer N extends Shape]
          ? Cancelled<N, M> extends infer Left
            ? Left extends []
              ? DivMod<P, Q> extends [infer V extends number, infer R]
                ? Clash<R, 0> extends true
                  ? ReshapeError<Op, S, T>
                  : Inferred<T, V>
                : never
              : Left extends [infer One extends number]
                ? Inferred<T, P extends Q ? One : number>
                : N extends []
                  ? Fit<P, Q> extends false
                    ? ReshapeError<Op, S, T>
                    : Inferred<T, number>
                  : Inferred<T, number>
            : never
          : never
    : never

/** The dims from `Start` to `End` as one. */
export type Flattened<Op extends string, S extends Shape, Start, End> =
  RankUnknown<S> extends true
    ? any
    : [PlaceOf<S, Start>, PlaceOf<S, End>] extends [infer I extends number, infer J extends number]
      ? [I] extends [never]
        ? NoDim<Op, S, Start>
        : [J] extends [never]
          ? NoDim<Op, S, End>
          : number extends I | J
            ? any
            : S extends readonly []
              ? [1]
              : Less<J, I> extends true
                ? `${Op}: startDim ${Start & number} comes after endDim ${End & number}`
                : Merged<S, I, J>
      : never

/** `Place` counts the sizes passed. */
type Merged<
  S extends Shape,
  I extends number,
  J extends number,
  Before extends Shape = [],
  Inside extends Shape = [],
  Place extends 0[] = [],
> = S extends readonly [infer H extends number, ...infer T extends Shape]
  ? Inside extends []
    ? Place["length"] extends I
      ? I extends J
        ? [...Before, H, ...T]
        : Merged<T, I, J, Before, [H], [...Place, 0]>
      : Merged<T, I, J, [...Before, H], [], [...Place, 0]>
    : Place["length"] extends J
      ? [...Before, Numel<[...Inside, H]>, ...T]
      : Merged<T, I, J, Before, [...Inside, H], [...Place, 0]>
  : never

/** One dim as several. */
export type Unflattened<Op extends string, S extends Shape, D, Sizes> = Sizes extends Shape
  ? number extends Sizes["length"]
    ? any
    : RankUnknown<S> extends true
      ? any
      : PlaceOf<S, D> extends infer I extends number
        ? [I] extends [never]
          ? NoDim<Op, S, D>
          : number extends I
            ? any
            : Reshaped<Op, [SizeAt<S, I>], Sizes> extends infer R
              ? R extends List
                ? Spliced<S, I, R>
                : R
              : never
        : never
  : any

// ---- other orders ----

/** Two dims exchanged. */
export type Transposed<Op extends string, S extends Shape, A, B> =
  RankUnknown<S> extends true
    ? any
    : [PlaceOf<S, A>, PlaceOf<S, B>] extends [infer I extends number, infer J extends number]
      ? [I] extends [never]
        ? NoDim<Op, S, A>
        : [J] extends [never]
          ? NoDim<Op, S, B>
          : number extends I | J
            ? any
            : { -readonly [K in keyof S]: K extends `${I}` ? S[J] : K extends `${J}` ? S[I] : S[K] }
      : never

/** The transpose of a matrix. */
export type MatrixTransposed<Op extends string, S extends Shape> = number extends S["length"]
  ? any
  : S extends readonly [infer M, infer N]
    ? [N, M]
    : S["length"] extends 0 | 1
      ? Plain<S>
      : `${Op}: expects a tensor with <= 2 dimensions, but input is ${S["length"]}D: ${Show<S>}`

/** All dims in reverse order. */
export type Reverse<S extends Shape, R extends Shape = []> = number extends S["length"]
  ? any
  : S extends readonly [infer H extends number, ...infer T extends Shape]
    ? Reverse<T, [H, ...R]>
    : R

/** The dims in the order of P. */
export type Permuted<Op extends string, S extends Shape, P extends Shape> = number extends P["length"]
  ? any
  : RankUnknown<S> extends true
    ? any
    : P["length"] extends S["length"]
      ? InOrder<Op, S, P>
      : `${Op}: number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = ${S["length"]} is not equal to len(dims) = ${P["length"]}`

type Twice<Op extends string, I extends number> = `${Op}: dim ${I} appears multiple times in the list of dims`

type InOrder<
  Op extends string,
  S extends Shape,
  P extends Shape,
  Seen = never,
  R extends Shape = [],
> = P extends readonly [infer H, ...infer T extends Shape]
  ? PlaceOf<S, H> extends infer I extends number
    ? [I] extends [never]
      ? NoDim<Op, S, H>
      : number extends I
        ? any
        : [I] extends [Seen]
          ? Twice<Op, I>
          : InOrder<Op, S, T, Seen | I, [...R, SizeAt<S, I>]>
    : never
  : R

/** Places of dims, each once; null where one is not known. */
export type PlacesOf<
  Op extends string,
  S extends Shape,
  P extends Shape,
  R extends Shape = [],
> = number extends P["length"]
  ? null
  : P extends readonly [infer H, ...infer T extends Shape]
    ? PlaceOf<S, H> extends infer I extends number
      ? [I] extends [never]
        ? NoDim<Op, S, H>
        : number extends I
          ? null
          : [I] extends [R[number]]
            ? Twice<Op, I>
            : PlacesOf<Op, S, T, [...R, I]>
      : never
    : R

type Listed<D> = D extends number ? [D] : D extends Shape ? D : number[]

/** The dims `From` moved to the places `To`. */
export type Moved<Op extends string, S extends Shape, From, To> =
  RankUnknown<S> extends true
    ? any
    : IsSingle<From> extends true
      ? IsSingle<To> extends true
        ? [PlacesOf<Op, S, Listed<From>>, PlacesOf<Op, S, Listed<To>>] extends [infer F, infer T]
          ? F extends string
            ? F
            : T extends string
              ? T
              : F extends Shape
                ? T extends List
                  ? F["length"] extends T["length"]
                    ? Placed<S, F, T, Others<S, F[number]>>
                    : `${Op}: source (${Show<F>}) and destination (${Show<T>}) must have the same number of dims`
                  : any
                : any
          : never
        : any
      : any

/** The sizes at all places but those of P. */
type Others<S extends Shape, P, I extends 0[] = [], R extends Shape = []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Others<T, P, [...I, 0], I["length"] extends P ? R : [...R, H]>
  : R

type Placed<
  S extends Shape,
  From extends Shape,
  To extends Shape,
  Rest extends Shape,
  R extends Shape = [],
> = R["length"] extends S["length"]
  ? R
  : R["length"] extends To[number]
    ? Placed<S, From, To, Rest, [...R, SizeAt<S, Partner<From, To, R["length"]>>]>
    : Rest extends readonly [infer H extends number, ...infer T extends Shape]
      ? Placed<S, From, To, T, [...R, H]>
      : never
/** The element of From in the place of `At` in To. */
type Partner<From extends Shape, To extends Shape, At> = To extends readonly [infer H, ...infer T extends Shape]
  ? From extends readonly [infer F, ...infer G extends Shape]
    ? H extends At
      ? F
      : Partner<G, T, At>
    : never
  : never

// ---- dims of size 1 ----

/** Without the dims of size 1 that are among P; `any` where a size is not known. */
type Squeezing<S extends Shape, P, I extends 0[] = [], R extends Shape = []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? I["length"] extends P
    ? IsKnown<H> extends true
      ? Squeezing<T, P, [...I, 0], H extends 1 ? R : [...R, H]>
      : any
    : Squeezing<T, P, [...I, 0], [...R, H]>
  : R

/** Without the dims of size 1, or those of D that are. */
export type Squeezed<Op extends string, S extends Shape, D> = unknown extends D
  ? any
  : RankUnknown<S> extends true
    ? any
    : S extends readonly []
      ? []
      : [D] extends [undefined]
        ? Squeezing<S, number>
        : IsSingle<D> extends true
          ? PlacesOf<Op, S, Listed<D>> extends infer P
            ? P extends string
              ? P
              : P extends Shape
                ? Squeezing<S, P[number]>
                : any
            : never
          : any

/** A dim of size 1 before D. */
export type Unsqueezed<Op extends string, S extends Shape, D> =
  RankUnknown<S> extends true
    ? any
    : PlaceOf<[...S, 1], D> extends infer I extends number
      ? [I] extends [never]
        ? NoDim<Op, [...S, 1], D>
        : number extends I
          ? any
          : Inserted<S, I, 1>
      : never

// ---- repeated without copying ----

/** S repeated to the sizes T; -1 keeps a size. */
export type Expanded<Op extends string, S extends Shape, T extends Shape> = number extends S["length"]
  ? number extends T["length"]
    ? any
    : Inferred<T, number>
  : number extends T["length"]
    ? any
    : Expanding<Op, S, T>

type Expanding<
  Op extends string,
  S extends Shape,
  T extends Shape,
  S0 extends Shape = S,
  T0 extends Shape = T,
  R extends Shape = [],
> = S extends readonly [...infer SI extends Shape, infer SL extends number]
  ? T extends readonly [...infer TI extends Shape, infer TL extends number]
    ? TL extends -1
      ? Expanding<Op, SI, TI, S0, T0, [SL, ...R]>
      : SL extends 1
        ? Expanding<Op, SI, TI, S0, T0, [TL, ...R]>
        : Clash<SL, TL> extends true
          ? ExpandError<Op, TL, SL, TI["length"], S0, T0>
          : Expanding<Op, SI, TI, S0, T0, [number extends TL ? SL : TL, ...R]>
    : `${Op}: the number of sizes provided (${T0["length"]}) must be greater or equal to the number of dimensions in the tensor (${S0["length"]}). Target sizes: ${Show<T0>}. Tensor sizes: ${Show<S0>}`
  : T extends readonly [...infer TI extends Shape, infer TL extends number]
    ? TL extends -1
      ? ExpandError<Op, TL, 1, TI["length"], S0, T0>
      : Expanding<Op, [], TI, S0, T0, [TL, ...R]>
    : R

type ExpandError<
  Op extends string,
  T extends number,
  S extends number,
  D extends number,
  S0 extends Shape,
  T0 extends Shape,
> = `${Op}: The expanded size of the tensor (${T}) must match the existing size (${S}) at non-singleton dimension ${D}. Target sizes: ${Show<T0>}. Tensor sizes: ${Show<S0>}`

// ---- parts ----

/** A place of at least one dim: never of a 0-d tensor. */
type PartDim<Op extends string, S extends Shape, D> = S extends readonly []
  ? Op extends "split" | "chunk" | "tensorSplit"
    ? `${Op}: expects at least a 1-dimensional tensor`
    : `${Op}: cannot be applied to a 0-dim tensor`
  : PlaceOf<S, D> extends infer I
    ? [I] extends [never]
      ? NoDim<Op, S, D>
      : I
    : never

/** Whether an index is certain to be outside of a dim of size L. */
export type IsOutside<L, I> = I extends number
  ? IsKnown<L> extends true
    ? IsSingle<I> extends true
      ? number extends I
        ? false
        : [Negated<I>] extends [never]
          ? IsKnown<I> extends true
            ? Less<I, L & number> extends true
              ? false
              : true
            : false
          : Less<L & number, Negated<I>>
      : false
    : false
  : false

/** The slice at an index of a dim. */
export type Selected<Op extends string, S extends Shape, D, I> =
  RankUnknown<S> extends true
    ? any
    : PartDim<Op, S, D> extends infer P
      ? P extends string
        ? P
        : P extends number
          ? number extends P
            ? any
            : IsOutside<SizeAt<S, P>, I> extends true
              ? `${Op}: index ${I & number} is out of bounds for dimension ${P} with size ${SizeAt<S, P>} (${Show<S>})`
              : Spliced<S, P>
          : never
      : never

/** `Length` elements of a dim from `Start` on. */
export type Narrowed<Op extends string, S extends Shape, D, Start, Length> =
  RankUnknown<S> extends true
    ? any
    : Length extends number
      ? PartDim<Op, S, D> extends infer P
        ? P extends string
          ? P
          : P extends number
            ? number extends P
              ? any
              : IsRange<SizeAt<S, P>, Start, Length> extends true
                ? With<S, P, Length>
                : `${Op}: start (${Start & number}) + length (${Length}) exceeds dimension size (${SizeAt<S, P>}) of ${Show<S>} at dim ${P}`
            : never
        : never
      : any

/** False where the range is certain to leave a dim of size L. */
type IsRange<L extends number, Start, Length extends number> =
  IsKnown<L> extends true
    ? IsKnown<Length> extends true
      ? Start extends number
        ? IsKnown<Start> extends true
          ? Less<L, Add<Start, Length>> extends true
            ? false
            : true
          : [Negated<Start>] extends [never]
            ? true
            : Less<L, Negated<Start>> extends true
              ? false
              : Less<Negated<Start>, Length> extends true
                ? false
                : true
        : true
      : true
    : true

/** The slices along a dim. */
export type Unbound<Op extends string, S extends Shape, D> =
  RankUnknown<S> extends true
    ? any[]
    : PartDim<Op, S, D> extends infer P
      ? P extends string
        ? P
        : P extends number
          ? number extends P
            ? any[]
            : Times<Spliced<S, P>, SizeAt<S, P>>
          : never
      : never

/** Pieces of `Piece` elements along the dim at P, the last perhaps shorter. */
type Evenly<S extends Shape, P extends number, Piece extends number> =
  SizeAt<S, P> extends infer L extends number
    ? L extends 0
      ? [Plain<S>]
      : DivMod<L, Piece> extends [infer Q extends number, infer R extends number]
        ? number extends Q | R
          ? With<S, P, number>[]
          : R extends 0
            ? Times<With<S, P, Piece>, Q>
            : Less<Q, 128> extends true
              ? [...Times<With<S, P, Piece>, Q>, With<S, P, R>]
              : With<S, P, number>[]
        : never
    : never

/** Pieces of these sizes along the dim at P. */
type Lengths<S extends Shape, P extends number, N extends Shape> = { -readonly [K in keyof N]: With<S, P, N[K]> }

type Total<N extends Shape, Sum extends number = 0> = N extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Total<T, Add<Sum, H>>
  : Sum

/** Pieces of a size, or of the sizes in a list. */
export type Split<Op extends string, S extends Shape, Size, D> =
  RankUnknown<S> extends true
    ? any[]
    : PartDim<Op, S, D> extends infer P
      ? P extends string
        ? P
        : P extends number
          ? number extends P
            ? any[]
            : Size extends number
              ? Size extends 0
                ? SizeAt<S, P> extends 0
                  ? [Plain<S>]
                  : `${Op}: splitSize must be a positive integer, got 0`
                : [Negated<Size>] extends [never]
                  ? Evenly<S, P, Size>
                  : `${Op}: splitSize must be a positive integer, got ${Size}`
              : Size extends Shape
                ? number extends Size["length"]
                  ? With<S, P, number>[]
                  : Unequal<Total<Size>, SizeAt<S, P>> extends true
                    ? `${Op}: the sizes ${Show<Size>} must sum to ${SizeAt<S, P>}, the size of dim ${P} of ${Show<S>}`
                    : Lengths<S, P, Size>
                : any[]
          : never
      : never

/** At most N pieces, all of one size but the last. */
export type Chunked<Op extends string, S extends Shape, N, D> =
  RankUnknown<S> extends true
    ? any[]
    : N extends number
      ? PartDim<Op, S, D> extends infer P
        ? P extends string
          ? P
          : P extends number
            ? number extends P
              ? any[]
              : IsKnown<N> extends true
                ? N extends 0
                  ? `${Op}: chunks must be a positive integer, got 0`
                  : SizeAt<S, P> extends 0
                    ? Times<Plain<S>, N>
                    : IsKnown<SizeAt<S, P>> extends true
                      ? Evenly<S, P, CeilDiv<SizeAt<S, P>, N>>
                      : N extends 1
                        ? [Plain<S>]
                        : With<S, P, number>[]
                : With<S, P, number>[]
            : never
        : never
      : any[]

/** A place within a dim of size L, counted from its end if negative, and cut off there. */
export type Bounded<I, L extends number> = I extends number
  ? IsKnown<I> extends true
    ? Min<I, L>
    : [Negated<I>] extends [never]
      ? number
      : Excess<L, Negated<I>>
  : number

/** Pieces between the places in a list. */
type Cuts<
  S extends Shape,
  P extends number,
  At extends Shape,
  From extends number,
  R extends Shape[] = [],
> = At extends readonly [infer H, ...infer T extends Shape]
  ? Bounded<H, SizeAt<S, P>> extends infer To extends number
    ? Cuts<S, P, T, To, [...R, With<S, P, Excess<To, From>>]>
    : never
  : [...R, With<S, P, Excess<SizeAt<S, P>, From>>]

/** N pieces as equal as can be, the longer ones first. */
type Sections<S extends Shape, P extends number, N extends number> =
  DivMod<SizeAt<S, P>, N> extends [infer Q extends number, infer R extends number]
    ? number extends Q | R
      ? Times<With<S, P, number>, N>
      : Less<N, 129> extends true
        ? [...Times<With<S, P, Add<Q, 1>>, R>, ...Times<With<S, P, Q>, Sub<N, R>>]
        : With<S, P, number>[]
    : never

type SplitAt<Op extends string, S extends Shape, At, P extends number> =
  IsSingle<At> extends true
    ? At extends number
      ? At extends 0
        ? `${Op}: number of sections must be larger than 0, got 0`
        : Sections<S, P, At>
      : At extends Shape
        ? number extends At["length"]
          ? With<S, P, number>[]
          : Cuts<S, P, At, 0>
        : any[]
    : any[]

/** Equal pieces by number, or pieces between the indices of a list. */
export type TensorSplit<Op extends string, S extends Shape, At, D> =
  RankUnknown<S> extends true
    ? any[]
    : PartDim<Op, S, D> extends infer P
      ? P extends string
        ? P
        : P extends number
          ? number extends P
            ? any[]
            : SplitAt<Op, S, At, P>
          : never
      : never

/** `TensorSplit` along the dim at P of at least `Least` dims, into equal pieces. */
export type SectionSplit<Op extends string, S extends Shape, At, Least extends number, P extends number> =
  RankUnknown<S> extends true
    ? any[]
    : Less<S["length"], Least> extends true
      ? `${Op}: requires a tensor with at least ${Least} dimension${Least extends 1 ? "" : "s"}, but got ${Show<S>}`
      : At extends number
        ? DivMod<SizeAt<S, P>, At> extends [unknown, infer R]
          ? Clash<R, 0> extends true
            ? `${Op}: attempted to split along dimension ${P}, but the size of the dimension ${SizeAt<S, P>} is not divisible by the split_size ${At}!`
            : SplitAt<"tensorSplit", S, At, P>
          : never
        : SplitAt<"tensorSplit", S, At, P>

/** Windows of `Size` elements, `Step` apart, as a last dim. */
export type Unfolded<Op extends string, S extends Shape, D, Size, Step> =
  RankUnknown<S> extends true
    ? any
    : Size extends number
      ? Step extends number
        ? PlaceOf<S, D> extends infer P extends number
          ? [P] extends [never]
            ? NoDim<Op, S, D>
            : number extends P
              ? any
              : S extends readonly []
                ? [Size]
                : Unequal<Less<SizeAt<S, P>, Size>, false> extends true
                  ? `${Op}: maximum size for tensor at dimension ${P} is ${SizeAt<S, P>} but size is ${Size}`
                  : [...With<S, P, Windows<SizeAt<S, P>, Size, Step>>, Size]
          : never
        : any
      : any
type Windows<L extends number, Size extends number, Step extends number> =
  DivMod<Sub<L, Size>, Step> extends [infer Q extends number, unknown] ? Add<Q, 1> : number

/** The diagonal of two dims as a last dim. */
export type DiagonalOf<Op extends string, S extends Shape, Offset, A, B> =
  RankUnknown<S> extends true
    ? any
    : [PlaceOf<S, A>, PlaceOf<S, B>] extends [infer I extends number, infer J extends number]
      ? [I] extends [never]
        ? NoDim<Op, S, A>
        : [J] extends [never]
          ? NoDim<Op, S, B>
          : number extends I | J
            ? any
            : I extends J
              ? `${Op}: diagonal dimensions cannot be identical ${A & number}, ${B & number}`
              : [...Others<S, I | J>, DiagonalLength<SizeAt<S, I>, SizeAt<S, J>, Offset>]
      : never

export type DiagonalLength<Rows extends number, Columns extends number, Offset> = Offset extends number
  ? IsKnown<Offset> extends true
    ? Min<Rows, Excess<Columns, Offset>>
    : [Negated<Offset>] extends [never]
      ? number
      : Min<Excess<Rows, Negated<Offset>>, Columns>
  : number
