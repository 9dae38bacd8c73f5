/**
 * The shape of `x.at(...)`. As `ops/indexing.ts` does it: integers, slices, null and "..." give a view; tensors and arrays of
 * indices then index its dims, broadcast together, their dims in the place of the indexed ones where these are neighbours,
 * else in front.
 */
import type { DType, TypedArray } from "../dtype.ts"
import type { Slice } from "../ops/indexing.ts"
import type { Tensor } from "../tensor.ts"
import type { CeilDiv, Excess, Negated } from "./arithmetic.ts"
import type { BroadcastAll, Shapes } from "./joining-shapes.ts"
import type { Clash, IsAny, List, Shape, Show } from "./shape.ts"
import type { IsSingle } from "./tuples.ts"
import type { Bounded, IsOutside } from "./view-shapes.ts"

type Indices = readonly unknown[]

// ---- what an index is ----

/** A new dim, the rest, an integer, a slice of `length`, indices of shape `index`, or what cannot be known. */
type Kind<I> =
  IsAny<I> extends true
    ? { kind: "unknown" }
    : IsSingle<I> extends false
      ? { kind: "unknown" }
      : I extends null
        ? { kind: "new" }
        : I extends "..."
          ? { kind: "rest" }
          : I extends number | bigint
            ? { kind: "integer" }
            : I extends ":"
              ? { kind: "slice"; slice: [null, null, null] }
              : I extends Slice<infer A, infer B, infer C>
                ? { kind: "slice"; slice: [A, B, C] }
                : I extends Tensor<infer S, infer D>
                  ? TensorKind<S, D>
                  : I extends TypedArray
                    ? { kind: "indices"; shape: [number]; dims: 1 }
                    : I extends Indices
                      ? ArrayKind<I>
                      : { kind: "unknown" }

type TensorKind<S extends Shape, D> =
  IsAny<D> extends true
    ? { kind: "unknown" }
    : number extends S["length"]
      ? { kind: "unknown" }
      : [D] extends ["int32" | "int64"]
        ? S extends readonly []
          ? { kind: "integer" }
          : { kind: "indices"; shape: S; dims: 1 }
        : [D] extends ["bool" | "uint8"]
          ? S extends readonly []
            ? { kind: "unknown" }
            : { kind: "indices"; shape: [number]; dims: S["length"] }
          : [DType] extends [D]
            ? { kind: "unknown" }
            : [D & ("int32" | "int64" | "bool" | "uint8")] extends [never]
              ? { kind: "wrong"; text: `${D & string}${Show<S>}` }
              : { kind: "unknown" }

/** An array of integers, perhaps nested, or of booleans: a mask. */
type ArrayKind<I extends Indices, S extends Shape = [], R extends 0[] = []> = I extends readonly []
  ? { kind: "indices"; shape: [...S, 0]; dims: 1 }
  : I[number] extends boolean
    ? { kind: "indices"; shape: [number]; dims: [...R, 0]["length"] }
    : I[number] extends number | bigint
      ? { kind: "indices"; shape: [...S, I["length"]]; dims: 1 }
      : I[number] extends Indices
        ? I extends readonly [infer H extends Indices, ...unknown[]]
          ? ArrayKind<H, [...S, I["length"]], [...R, 0]>
          : ArrayKind<I[number], [...S, number], [...R, 0]>
        : { kind: "unknown" }

// ---- the view ----

/** How many dims the indices speak of; null where that is not known. */
type Spoken<I extends Indices, N extends 0[] = []> = I extends readonly [infer H, ...infer T]
  ? Kind<H> extends infer K
    ? K extends { kind: "new" | "rest" }
      ? Spoken<T, N>
      : K extends { kind: "integer" | "slice" }
        ? Spoken<T, [...N, 0]>
        : K extends { dims: infer D }
          ? Zeros<D> extends infer Z extends 0[]
            ? Spoken<T, [...N, ...Z]>
            : never
          : K extends { kind: "wrong" }
            ? Spoken<T, [...N, 0]>
            : null
    : never
  : N["length"]
type Zeros<D, R extends 0[] = []> = R["length"] extends D ? R : Zeros<D, [...R, 0]>

/** S without its last N dims and those. */
type Last<S extends Shape, N, R extends Shape = []> = R["length"] extends N
  ? [S, R]
  : S extends readonly [...infer I extends Shape, infer L extends number]
    ? Last<I, N, [L, ...R]>
    : null

/** How many elements a slice of a dim of size L has. */
export type SliceLength<L extends number, A, B, C> = [C] extends [null]
  ? [A, B] extends [null, null]
    ? L
    : Between<A, B, L>
  : C extends number
    ? IsSingle<C> extends true
      ? CeilDiv<Between<A, B, L>, C>
      : number
    : number
type Between<A, B, L extends number> = [IsSingle<A>, IsSingle<B>] extends [true, true]
  ? A extends null | 0
    ? B extends null
      ? L
      : Bounded<B, L>
    : Excess<B extends null ? L : Bounded<B, L>, Bounded<A, L>>
  : number

/** False of a step that is certain to be zero or negative. */
type IsStep<C> = C extends number ? (C extends 0 ? false : [Negated<C>] extends [never] ? true : false) : true
type End<A> = [A] extends [number | null] ? `${A}` : "?"

/** In the view, a dim that indices take: their shape. */
interface Taken<S extends Shape> {
  readonly taken: S
}
type Entries = readonly (number | Taken<Shape>)[]

type Fault<Text extends string> = { readonly fault: Text }

type Viewed<
  Op extends string,
  S extends Shape,
  I extends Indices,
  S0 extends Shape,
  V extends Entries = [],
> = I extends readonly [infer H, ...infer T]
  ? Kind<H> extends infer K
    ? K extends { kind: "new" }
      ? Viewed<Op, S, T, S0, [...V, 1]>
      : K extends { kind: "rest" }
        ? Last<S, Spoken<T>> extends [infer Before extends Shape, infer Behind extends Shape]
          ? "..." extends T[number]
            ? Fault<`${Op}: an index can only have a single ellipsis ("...")`>
            : Viewed<Op, Behind, T, S0, [...V, ...Before]>
          : null
        : K extends { kind: "wrong"; text: infer X extends string }
          ? Fault<`${Op}: tensors used as indices must be int32, int64 or bool, got ${X}`>
          : S extends readonly [infer L extends number, ...infer U extends Shape]
            ? K extends { kind: "integer" }
              ? IsOutside<L, H> extends true
                ? Fault<`${Op}: index ${H & number} is out of bounds for dimension ${V["length"]} with size ${L} (${Show<S0>})`>
                : Viewed<Op, U, T, S0, V>
              : K extends { slice: [infer A, infer B, infer C] }
                ? IsStep<C> extends false
                  ? Fault<`${Op}: step must be greater than zero, got slice(${End<A>}, ${End<B>}, ${End<C>}); for a reversed copy use flip`>
                  : Viewed<Op, U, T, S0, [...V, SliceLength<L, A, B, C>]>
                : K extends { shape: infer X extends Shape; dims: infer N }
                  ? N extends 1
                    ? Viewed<Op, U, T, S0, [...V, Taken<X>]>
                    : MaskDims<S, N> extends [infer Rest extends Shape, infer E extends Entries]
                      ? Viewed<Op, Rest, T, S0, [...V, ...E]>
                      : null
                  : null
            : null
    : never
  : [...V, ...S]

/** The dims that a mask of N dims takes. */
type MaskDims<S extends Shape, N, E extends Entries = []> = E["length"] extends N
  ? [S, E]
  : S extends readonly [number, ...infer T extends Shape]
    ? MaskDims<T, N, [...E, Taken<[number]>]>
    : null

// ---- the dims of the indices ----

type TakenShapes<V extends Entries, R extends Shapes = []> = V extends readonly [infer H, ...infer T extends Entries]
  ? TakenShapes<T, H extends Taken<infer S> ? [...R, S] : R>
  : R

/** The dims before, between and after those that indices take; `Apart` where some lie between. */
type Arranged<
  V extends Entries,
  Before extends Shape = [],
  Within extends boolean = false,
  After extends Shape = [],
  Apart extends boolean = false,
> = V extends readonly [infer H, ...infer T extends Entries]
  ? H extends number
    ? Within extends true
      ? Arranged<T, Before, true, [...After, H], Apart>
      : Arranged<T, [...Before, H], false, After, Apart>
    : Arranged<T, Before, true, After, After extends [] ? Apart : true>
  : [Before, After, Apart]

/** The shape of `x.at(...I)`. */
export type At<Op extends string, S extends Shape, I extends Indices> = number extends S["length"] | I["length"]
  ? any
  : I extends readonly []
    ? S
    : WrongMask<Op, S, I> extends infer X extends string
      ? X
      : Spoken<I> extends infer N
        ? N extends number
          ? Last<S, N> extends null
            ? `${Op}: too many indices for tensor of dimension ${S["length"]}: ${N} for ${Show<S>}`
            : Viewed<Op, S, I, S> extends infer V
              ? V extends Fault<infer Text>
                ? Text
                : V extends Shape
                  ? V
                  : V extends Entries
                    ? Gathered<Op, V>
                    : any
              : never
          : any
        : never

/** The sentence of a mask that is the only index, and of another shape. */
type WrongMask<Op extends string, S extends Shape, I extends Indices> = I extends readonly [Tensor<infer M, infer D>]
  ? IsAny<D> extends true
    ? null
    : [D] extends ["bool" | "uint8"]
      ? number extends M["length"]
        ? null
        : Differing<M, S> extends infer K extends number
          ? `${Op}: The shape of the mask ${Show<M>} at index ${K} does not match the shape of the indexed tensor ${Show<S>} at index ${K}`
          : null
      : null
  : null
/** The first dim of M that is certain to differ from that of S; null where there is none. */
type Differing<M extends Shape, S extends Shape, K extends 0[] = []> = M extends readonly [
  infer A,
  ...infer T extends Shape,
]
  ? S extends readonly [infer B, ...infer U extends Shape]
    ? Clash<A, B> extends true
      ? K["length"]
      : Differing<T, U, [...K, 0]>
    : null
  : null

type Gathered<Op extends string, V extends Entries> =
  TakenShapes<V> extends infer L extends Shapes
    ? BroadcastAll<Op, L> extends infer C
      ? C extends List
        ? Arranged<V> extends [infer A extends Shape, infer B extends Shape, infer Apart]
          ? Apart extends true
            ? [...C, ...A, ...B]
            : [...A, ...C, ...B]
          : never
        : `${Op}: shape mismatch: indexing tensors could not be broadcast together with shapes ${Texts<L>}`
      : never
    : never
type Texts<L extends Shapes, R extends string = ""> = L extends readonly [
  infer H extends Shape,
  ...infer T extends Shapes,
]
  ? Texts<T, R extends "" ? Show<H> : `${R}, ${Show<H>}`>
  : R
