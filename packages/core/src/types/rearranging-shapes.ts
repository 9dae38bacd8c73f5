/** The shapes of repeated and turned tensors, of triangles and diagonals. The sentences are those of the ops' errors. */
import type { Add, DivMod, IsKnown, Less, Mul, Negated } from "./arithmetic.ts"
import type { RankUnknown } from "./dims.ts"
import type { Shape, Show } from "./shape.ts"
import type { Inserted, IsSingle, NoDim, PlaceOf, SizeAt, Unequal, With } from "./tuples.ts"
import type { DiagonalLength, Numel, PlacesOf, Transposed } from "./view-shapes.ts"

// ---- repeating ----

/** From the last dim to the first; dims that only R has come in front. */
type Repeating<S extends Shape, R extends Shape, Out extends Shape = []> = R extends readonly [
  ...infer RI extends Shape,
  infer N extends number,
]
  ? S extends readonly [...infer SI extends Shape, infer L extends number]
    ? Repeating<SI, RI, [Mul<L, N>, ...Out]>
    : Repeating<[], RI, [N, ...Out]>
  : Out

/** S repeated along each dim. */
export type RepeatedShape<Op extends string, S extends Shape, R extends Shape> = number extends
  | S["length"]
  | R["length"]
  ? any
  : Less<R["length"], S["length"]> extends true
    ? `${Op}: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: ${Show<R>} for ${Show<S>}`
    : Repeating<S, R>

/** As `RepeatedShape`; fewer counts than dims are meant for the last ones. */
export type Tiled<S extends Shape, R extends Shape> = number extends S["length"] | R["length"] ? any : Tiling<S, R>
type Tiling<S extends Shape, R extends Shape, Out extends Shape = []> = S extends readonly [
  ...infer SI extends Shape,
  infer L extends number,
]
  ? R extends readonly [...infer RI extends Shape, infer N extends number]
    ? Tiling<SI, RI, [Mul<L, N>, ...Out]>
    : [...S, ...Out]
  : Repeating<[], R, Out>

/** Each element, or slice of a dim, N times. */
export type Interleaved<Op extends string, S extends Shape, N, D> = number extends S["length"]
  ? [D] extends [null | undefined]
    ? [number]
    : any
  : (N extends number ? N : number) extends infer K extends number
    ? [D] extends [null | undefined]
      ? [Mul<Numel<S>, K>]
      : RankUnknown<S> extends true
        ? any
        : PlaceOf<S, D> extends infer P extends number
          ? [P] extends [never]
            ? NoDim<Op, S, D>
            : number extends P
              ? any
              : S extends readonly []
                ? [K]
                : With<S, P, Mul<SizeAt<S, P>, K>>
          : never
    : never

// ---- turning ----

type ListOf<D> = D extends number ? [D] : D extends Shape ? D : number[]

/** S where all of these are its dims, each once. */
export type OfDims<Op extends string, S extends Shape, D> =
  RankUnknown<S> extends true ? S : PlacesOf<Op, S, ListOf<D>> extends infer P ? (P extends string ? P : S) : never

/** The first of these that is no dim of S; null where there is none. */
type Missing<Op extends string, S extends Shape, D extends Shape> = D extends readonly [
  infer H,
  ...infer T extends Shape,
]
  ? [PlaceOf<S, H>] extends [never]
    ? NoDim<Op, S, H>
    : Missing<Op, S, T>
  : null

/** S rolled: as many shifts as dims, or one shift and no dims. */
export type Rolled<Op extends string, S extends Shape, Shifts, D> =
  RankUnknown<S> extends true
    ? S
    : [D] extends [undefined]
      ? S
      : IsSingle<Shifts> extends true
        ? IsSingle<D> extends true
          ? Missing<Op, S, ListOf<D>> extends infer M
            ? M extends string
              ? M
              : Unequal<ListOf<Shifts>["length"], ListOf<D>["length"]> extends true
                ? ListOf<D> extends readonly []
                  ? S
                  : `${Op}: shifts and dimensions must align. shifts: ${ListOf<Shifts>["length"]}, dims:${ListOf<D>["length"]}`
                : S
            : never
          : S
        : S

/** Turned by 90° K times in the plane of two dims. */
export type Turned<Op extends string, S extends Shape, K, D> =
  RankUnknown<S> extends true
    ? any
    : S["length"] extends 0 | 1
      ? `${Op}: expected total dims >= 2, but got ${Show<S>}`
      : D extends readonly [infer A, infer B]
        ? PlacesOf<Op, S, [A & number, B & number]> extends infer P
          ? P extends string
            ? P
            : IsOdd<K> extends infer O
              ? [O] extends [true]
                ? Transposed<Op, S, A, B>
                : [O] extends [false]
                  ? S
                  : any
              : never
          : never
        : D extends Shape
          ? number extends D["length"]
            ? any
            : `${Op}: expected total rotation dims == 2, but got dims`
          : any
type IsOdd<K> = K extends number
  ? IsSingle<K> extends true
    ? (IsKnown<K> extends true ? K : [Negated<K>] extends [never] ? null : Negated<K>) extends infer N
      ? N extends number
        ? DivMod<N, 2> extends [unknown, 1]
          ? true
          : false
        : boolean
      : never
    : boolean
  : boolean

/** S where it has at least `Least` dims; R is what else the sentence says. */
export type WithDims<S extends Shape, Least extends number, R> = number extends S["length"]
  ? S
  : Less<S["length"], Least> extends true
    ? R
    : S

// ---- diagonals ----

type Distance<O> = O extends number
  ? IsKnown<O> extends true
    ? O
    : [Negated<O>] extends [never]
      ? number
      : Negated<O>
  : number

/** The last dim on a diagonal along two new dims. */
export type DiagonalEmbedded<Op extends string, S extends Shape, O, A, B> =
  RankUnknown<S> extends true
    ? any
    : S extends readonly [...infer I extends Shape, infer L extends number]
      ? [PlaceOf<[...S, 1], A>, PlaceOf<[...S, 1], B>] extends [infer P extends number, infer Q extends number]
        ? [P] extends [never]
          ? NoDim<Op, [...S, 1], A>
          : [Q] extends [never]
            ? NoDim<Op, [...S, 1], B>
            : number extends P | Q
              ? any
              : P extends Q
                ? `${Op}: diagonal dimensions cannot be identical ${A & number}, ${B & number}`
                : Add<L, Distance<O>> extends infer N extends number
                  ? Less<P, Q> extends true
                    ? Inserted<Inserted<I, P, N>, Q, N>
                    : Inserted<Inserted<I, Q, N>, P, N>
                  : never
        : never
      : `${Op}: input must have at least one dim, got a 0-d tensor`
/** Of a vector the matrix with it on a diagonal, of a matrix that diagonal. */
export type DiagonalOrMatrix<Op extends string, S extends Shape, O> = number extends S["length"]
  ? any
  : S extends readonly [infer L extends number]
    ? Add<L, Distance<O>> extends infer N extends number
      ? [N, N]
      : never
    : S extends readonly [infer M extends number, infer N extends number]
      ? [DiagonalLength<M, N, O>]
      : `${Op}: Supports 1D or 2D tensors. Got ${S["length"]}D: ${Show<S>}`

/** The flattened tensor on a diagonal of a matrix. */
export type DiagonalFlat<S extends Shape, O> =
  Add<Numel<S>, Distance<O>> extends infer N extends number ? [N, N] : never
