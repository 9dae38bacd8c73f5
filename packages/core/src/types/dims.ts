/** Dims by number: counted from the front or the back, and what is left when some are reduced. */
import type { IsUnion, Shape } from "./shape.ts"

/**
 * For every number of dims: that number (0-d tensors have a dim by courtesy), then what -1, -2, ... mean counted from the front. With
 * more dims than the table has, nothing is checked.
 */
type Counted = [
  [1, 0],
  [1, 0],
  [2, 1, 0],
  [3, 2, 1, 0],
  [4, 3, 2, 1, 0],
  [5, 4, 3, 2, 1, 0],
  [6, 5, 4, 3, 2, 1, 0],
  [7, 6, 5, 4, 3, 2, 1, 0],
  [8, 7, 6, 5, 4, 3, 2, 1, 0],
  [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
  [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
  [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
  [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]

/** Whether the number of dims is unknown, or more than the table has. */
export type RankUnknown<S extends Shape> = number extends S["length"]
  ? true
  : `${S["length"]}` extends keyof Counted
    ? false
    : true

type CountedOf<S extends Shape> = `${S["length"]}` extends infer R extends keyof Counted ? Counted[R] : never

/** A dim counted from the front; `number` where unknown, never where there is none. */
export type Place<S extends Shape, N> =
  RankUnknown<S> extends true
    ? number
    : N extends number
      ? number extends N
        ? number
        : `${N}` extends `-${infer M}`
          ? M extends keyof CountedOf<S>
            ? CountedOf<S>[M]
            : never
          : `${N}` extends keyof S
            ? N
            : S extends readonly []
              ? N extends 0
                ? 0
                : never
              : never
      : never

/** The sentence of a dim that is not there, in PyTorch's words. */
export type NoSuchDim<Op extends string, S extends Shape, N extends number> =
  CountedOf<S> extends readonly [infer Rank extends number, infer Last extends number, ...unknown[]]
    ? `${Op}: Dimension out of range (expected to be in range of [-${Rank}, ${Last}], but got ${N})`
    : never

/** The sentence of the first in a list of dims that is not there, or that was named before. */
type BadDim<Op extends string, S extends Shape, L, Seen = never> = L extends readonly [
  infer N extends number,
  ...infer T,
]
  ? Place<S, N> extends infer P
    ? [P] extends [never]
      ? NoSuchDim<Op, S, N>
      : number extends P
        ? BadDim<Op, S, T, Seen>
        : P extends Seen
          ? `${Op}: dim ${P & number} appears multiple times in the list of dims`
          : BadDim<Op, S, T, Seen | P>
    : never
  : []

/** A sentence where one of the dims is not there; a tuple otherwise. `D` is a dim, a list of dims, null or undefined. */
export type CheckDim<Op extends string, S extends Shape, D> =
  RankUnknown<S> extends true
    ? []
    : D extends number
      ? [Place<S, D>] extends [never]
        ? NoSuchDim<Op, S, D>
        : []
      : D extends readonly number[]
        ? BadDim<Op, S, D>
        : []

/** The size of dim N; never where there is none. */
export type SizeAt<S extends Shape, N> =
  RankUnknown<S> extends true
    ? number
    : Place<S, N> extends infer P
      ? number extends P
        ? number
        : P extends keyof S
          ? S[P]
          : never
      : never

/** S with dim N replaced by the sizes of V (none, one or several). */
export type SetSize<S extends Shape, N, V extends Shape> =
  RankUnknown<S> extends true ? any : Place<S, N> extends infer P ? (number extends P ? any : Replaced<S, P, V>) : never
type Replaced<S extends Shape, P, V extends Shape, I extends 0[] = [], R extends Shape = []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Replaced<T, P, V, [...I, 0], I["length"] extends P ? [...R, ...V] : [...R, H]>
  : R

type Without<S extends Shape, P, Keep, I extends 0[] = [], R extends Shape = []> = S extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? Without<T, P, Keep, [...I, 0], I["length"] extends P ? (Keep extends true ? [...R, 1] : R) : [...R, H]>
  : R

/** All sizes 1. */
type AllOnes<S extends Shape> = { -readonly [K in keyof S]: 1 } extends infer Q extends Shape ? Q : never

/** The places of a list of dims, or of a single one; `number` where one of them is not known. */
type PlacesIn<S extends Shape, D, P = never> = D extends readonly [infer N, ...infer T]
  ? IsUnion<N> extends true
    ? number
    : PlacesIn<S, T, P | Place<S, N>>
  : D extends readonly []
    ? P
    : D extends readonly number[]
      ? number
      : Place<S, D>

/**
 * The shape after a reduction over D (a dim, a list of dims, null or undefined for all); `Keep` leaves them as 1. An empty list
 * means all dims, unless `Empty` is "none".
 */
export type Reduced<S extends Shape, D, Keep, Empty = "all"> = unknown extends D | Keep
  ? any
  : boolean extends Keep
    ? any
    : [D] extends [null | undefined]
      ? ReducedAll<S, Keep>
      : RankUnknown<S> extends true
        ? any
        : IsUnion<D> extends false
          ? D extends readonly []
            ? Empty extends "none"
              ? S
              : ReducedAll<S, Keep>
            : PlacesIn<S, D> extends infer P
              ? number extends P
                ? any
                : [P] extends [never]
                  ? any
                  : Without<S, P, Keep>
              : never
          : any

type ReducedAll<S extends Shape, Keep> = Keep extends true ? (RankUnknown<S> extends true ? any : AllOnes<S>) : []
