/** Shapes taken apart and put together. Places are non-negative literals, within the shape. */
import type { IsKnown, Less } from "./arithmetic.ts"
import type { NoSuchDim, Place } from "./dims.ts"
import type { Clash, Dim, Shape, ShowDim } from "./shape.ts"

/** Whether T is one type and no union. */
export type IsSingle<T, All = T> = T extends unknown ? ([All] extends [T] ? true : false) : never

/** A dim counted from the front: `number` where it is not known, or one of several; never where there is none. */
export type PlaceOf<S extends Shape, D> = IsSingle<D> extends true ? Place<S, D> : number

/** The sentence of a dim that there is not. */
export type NoDim<Op extends string, S extends Shape, D> = D extends number ? NoSuchDim<Op, S, D> : never

/** The size at a place. */
export type SizeAt<S extends Shape, P> = P extends keyof S ? (S[P] extends number ? S[P] : number) : number

/** With the size at a place replaced. */
export type With<S extends Shape, P extends number, V> = {
  -readonly [K in keyof S]: K extends `${P}` ? V : S[K]
} extends infer R extends Shape
  ? R
  : never

/** With the size at a place replaced by those of V, perhaps none. */
export type Spliced<
  S extends Shape,
  P extends number,
  V extends Shape = [],
  R extends Shape = [],
> = S extends readonly [infer H extends number, ...infer T extends Shape]
  ? R["length"] extends P
    ? [...R, ...V, ...T]
    : Spliced<T, P, V, [...R, H]>
  : R

/** With V in front of a place, which may be the end. */
export type Inserted<S extends Shape, P extends number, V extends number, R extends Shape = []> = R["length"] extends P
  ? [...R, V, ...S]
  : S extends readonly [infer H extends number, ...infer T extends Shape]
    ? Inserted<T, P, V, [...R, H]>
    : R

/** The first N sizes. */
export type First<S extends Shape, N, R extends Shape = []> = R["length"] extends N
  ? R
  : S extends readonly [infer H extends number, ...infer T extends Shape]
    ? First<T, N, [...R, H]>
    : R

/** What comes after the first N sizes. */
export type After<S extends Shape, N, I extends 0[] = []> = I["length"] extends N
  ? S
  : S extends readonly [number, ...infer T extends Shape]
    ? After<T, N, [...I, 0]>
    : []

/** With every size `number`. */
export type Unsized<S extends Shape> = { -readonly [K in keyof S]: number }

/** A plain tuple out of a readonly one. */
export type Plain<S extends Shape> = [...S]

/** N times T; an array where N is not known, or too many to write out. */
export type Times<T, N extends number> =
  IsKnown<N> extends true ? (Less<N, 129> extends true ? Filled<T, N> : T[]) : T[]
type Filled<T, N, R extends T[] = []> = R["length"] extends N ? R : Filled<T, N, [...R, T]>

/**
 * `Clash` of sizes that are computed: a comparison of types that are not worked out yet would be decided there and then, by
 * what they may be.
 */
export type Unequal<A, B> = [A, B] extends [infer X, infer Y] ? Clash<X, Y> : never

/** N times T, N being at most 5; an array of others. */
export type Repeated<T extends number, N extends number> = N extends keyof Few ? Few<T>[N] : T[]
interface Few<T = unknown> {
  1: [T]
  2: [T, T]
  3: [T, T, T]
  4: [T, T, T, T]
  5: [T, T, T, T, T]
}

/** The sizes as a sentence shows them, `By` between them. */
export type Text<S extends Shape, By extends string, R extends string = ""> = S extends readonly [
  infer H,
  ...infer T extends Shape,
]
  ? Text<T, By, R extends "" ? ShowDim<H> : `${R}${By}${ShowDim<H>}`>
  : R

/** The element of a list that is none of these sizes alone. */
export type IsNamed<N> = N extends Dim<string> ? true : false
