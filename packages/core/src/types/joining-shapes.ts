/** The shapes and dtypes that joined tensors have. The sentences are those of the errors that `ops/joining.ts` throws. */
import type { Add, Mul } from "./arithmetic.ts"
import type { RankUnknown } from "./dims.ts"
import type { Broadcast, Clash, List, Same, Shape, Show } from "./shape.ts"
import type { Inserted, NoDim, PlaceOf, SizeAt, With } from "./tuples.ts"
import type { Numel } from "./view-shapes.ts"

export type Shapes = readonly Shape[]

/** A list of shapes whose length or some of whose ranks are not known. */
type IsVague<L extends Shapes> = number extends L["length"] ? true : number extends L[number]["length"] ? true : false

/** The first shape that is not [0]: those join with anything. */
type Model<L extends Shapes, First = L[0]> = L extends readonly [infer H extends Shape, ...infer T extends Shapes]
  ? H extends readonly [0]
    ? Model<T, First>
    : H
  : First

type Empty<Op extends string> = `${Op}: expected a non-empty list of tensors, got an empty one`

/** Joined along dim D. */
export type Joined<Op extends string, L extends Shapes, D> = L extends readonly []
  ? Empty<Op>
  : IsVague<L> extends true
    ? any
    : ScalarIn<L> extends infer I
      ? [I] extends [null]
        ? Model<L> extends infer M extends Shape
          ? RankUnknown<M> extends true
            ? any
            : PlaceOf<M, D> extends infer P extends number
              ? [P] extends [never]
                ? NoDim<Op, M, D>
                : number extends P
                  ? any
                  : Joining<Op, L, M, P>
              : never
          : never
        : `${Op}: zero-dimensional tensor (at position ${I & number}) cannot be concatenated; use stack`
      : never

/** The position of the first 0-d shape. */
type ScalarIn<L extends Shapes, I extends 0[] = []> = L extends readonly [infer H, ...infer T extends Shapes]
  ? H extends readonly []
    ? I["length"]
    : ScalarIn<T, [...I, 0]>
  : null

/** Adds up the sizes at P; `M` holds what is known of the others. */
type Joining<
  Op extends string,
  L extends Shapes,
  M extends Shape,
  P extends number,
  Sum extends number = 0,
  I extends 0[] = [],
  M0 extends Shape = M,
> = L extends readonly [infer H extends Shape, ...infer T extends Shapes]
  ? H extends readonly [0]
    ? Joining<Op, T, M, P, Sum, [...I, 0], M0>
    : H["length"] extends M["length"]
      ? Agreed<M, H, P> extends infer A
        ? A extends List
          ? Joining<Op, T, A, P, Add<Sum, SizeAt<H, P>>, [...I, 0], M0>
          : A extends { bad: [infer X extends number, infer Y extends number] }
            ? `${Op}: Sizes of tensors must match except in dimension ${P}. Expected size ${X} but got size ${Y} for tensor number ${I["length"]} in the list (shapes ${Show<M0>} and ${Show<H>})`
            : never
        : never
      : `${Op}: Tensors must have same number of dimensions: got ${M["length"]} and ${H["length"]} (shapes ${Show<M0>} and ${Show<H>})`
  : With<M, P, Sum>

/** What is known of sizes that agree but at P, or the first two that do not. */
type Agreed<A extends Shape, B extends Shape, P, R extends Shape = []> = A extends readonly [
  infer H extends number,
  ...infer T extends Shape,
]
  ? B extends readonly [infer G extends number, ...infer U extends Shape]
    ? R["length"] extends P
      ? Agreed<T, U, P, [...R, H]>
      : Clash<H, G> extends true
        ? { bad: [H, G] }
        : Agreed<T, U, P, [...R, Same<H, G> extends true ? H : number extends H ? G : H]>
    : R
  : R

/** Joined along a new dim D. */
export type Stacked<Op extends string, L extends Shapes, D> = L extends readonly []
  ? Empty<Op>
  : IsVague<L> extends true
    ? any
    : Equal<L> extends infer M
      ? M extends List
        ? RankUnknown<M> extends true
          ? any
          : PlaceOf<[...M, 1], D> extends infer P extends number
            ? [P] extends [never]
              ? NoDim<Op, [...M, 1], D>
              : number extends P
                ? any
                : Inserted<M, P, L["length"]>
            : never
        : M extends { bad: [infer B extends Shape, infer I extends number] }
          ? `${Op}: expects each tensor to be equal size, but got ${Show<L[0]>} at entry 0 and ${Show<B>} at entry ${I}`
          : never
      : never

/** What is known of a shape that all have, or the first that is another. */
type Equal<L extends Shapes, M extends Shape = L[0], I extends 0[] = []> = L extends readonly [
  infer H extends Shape,
  ...infer T extends Shapes,
]
  ? H["length"] extends M["length"]
    ? Agreed<M, H, -1> extends infer A
      ? A extends List
        ? Equal<T, A, [...I, 0]>
        : { bad: [H, I["length"]] }
      : never
    : { bad: [H, I["length"]] }
  : M

/** As a tensor of at least one, two or three dims. */
export type AtLeast1d<S extends Shape> = number extends S["length"] ? any : S extends readonly [] ? [1] : S
export type AtLeast2d<S extends Shape> = number extends S["length"]
  ? any
  : S extends readonly []
    ? [1, 1]
    : S extends readonly [infer N]
      ? [1, N]
      : S
export type AtLeast3d<S extends Shape> = number extends S["length"]
  ? any
  : S extends readonly []
    ? [1, 1, 1]
    : S extends readonly [infer N]
      ? [1, N, 1]
      : S extends readonly [infer N, infer M]
        ? [N, M, 1]
        : S

/** A number or a vector as a column. */
type Column<S extends Shape> = number extends S["length"] ? any : S["length"] extends 0 | 1 ? [Numel<S>, 1] : S

type Each1d<L extends Shapes> = { [K in keyof L]: AtLeast1d<L[K]> }
type Each2d<L extends Shapes> = { [K in keyof L]: AtLeast2d<L[K]> }
type Each3d<L extends Shapes> = { [K in keyof L]: AtLeast3d<L[K]> }
type Columns<L extends Shapes> = { [K in keyof L]: Column<L[K]> }

/** Side by side: along dim 1, of 1-d tensors along dim 0. */
export type SideBySide<Op extends string, L extends Shapes> =
  Each1d<L> extends infer E extends Shapes
    ? E extends readonly [infer H extends Shape, ...unknown[]]
      ? Joined<Op, E, H["length"] extends 1 ? 0 : 1>
      : Joined<Op, E, 0>
    : never
export type AsRows<Op extends string, L extends Shapes> =
  Each2d<L> extends infer E extends Shapes ? Joined<Op, E, 0> : never
export type AsLayers<Op extends string, L extends Shapes> =
  Each3d<L> extends infer E extends Shapes ? Joined<Op, E, 2> : never
export type AsColumns<Op extends string, L extends Shapes> =
  Columns<L> extends infer E extends Shapes ? Joined<Op, E, 1> : never

// ---- grids ----

/** The numbers of elements, in order. */
type Lengths<L extends Shapes> = { -readonly [K in keyof L]: Numel<L[K]> }
type Swapped<N extends Shape> = N extends readonly [
  infer A extends number,
  infer B extends number,
  ...infer T extends Shape,
]
  ? [B, A, ...T]
  : N

/** The shape of all coordinates of a grid. */
export type Grid<Op extends string, L extends Shapes, Indexing> = number extends L["length"]
  ? any
  : L extends readonly []
    ? Empty<Op>
    : TooManyDims<L> extends infer B
      ? B extends List
        ? `${Op}: Expected 0D or 1D tensor in the tensor list but got ${Show<B>}`
        : Lengths<L> extends infer N extends Shape
          ? "xy" extends Indexing
            ? "ij" extends Indexing
              ? { [K in keyof N]: number } & Shape
              : Swapped<N>
            : N
          : never
      : never
type TooManyDims<L extends Shapes> = L extends readonly [infer H extends Shape, ...infer T extends Shapes]
  ? number extends H["length"]
    ? TooManyDims<T>
    : H["length"] extends 0 | 1
      ? TooManyDims<T>
      : H
  : null

/** The shape that all broadcast to. */
export type BroadcastAll<Op extends string, L extends Shapes, R extends Shape = []> = number extends L["length"]
  ? any
  : L extends readonly [infer H extends Shape, ...infer T extends Shapes]
    ? Broadcast<R, H, Op> extends infer B
      ? B extends List
        ? BroadcastAll<Op, T, B>
        : B
      : never
    : R

/** One row for each combination of elements of vectors; of one vector itself. */
export type Combinations<Op extends string, L extends Shapes> =
  IsVague<L> extends true
    ? any
    : L extends readonly []
      ? Empty<Op>
      : NoVector<L> extends infer B
        ? B extends List
          ? `${Op}: Expect a 1D vector, but got shape ${Show<B>}`
          : L extends readonly [infer One]
            ? One
            : [Product<L>, L["length"]]
        : never
type NoVector<L extends Shapes> = L extends readonly [infer H extends Shape, ...infer T extends Shapes]
  ? H["length"] extends 1
    ? NoVector<T>
    : H
  : null
type Product<L extends Shapes, P extends number = 1> = L extends readonly [
  infer H extends Shape,
  ...infer T extends Shapes,
]
  ? Product<T, Mul<P, Numel<H>>>
  : P

/** Matrices along the diagonal; vectors are rows. */
export type Blocks<
  Op extends string,
  L extends Shapes,
  Rows extends number = 0,
  Columns extends number = 0,
  I extends 0[] = [],
> =
  IsVague<L> extends true
    ? any
    : L extends readonly [infer H extends Shape, ...infer T extends Shapes]
      ? H extends readonly [infer M extends number, infer N extends number]
        ? Blocks<Op, T, Add<Rows, M>, Add<Columns, N>, [...I, 0]>
        : H["length"] extends 0 | 1
          ? Blocks<Op, T, Add<Rows, 1>, Add<Columns, Numel<H>>, [...I, 0]>
          : `${Op}: Input tensors must have 2 or fewer dimensions. Input ${I["length"]} has ${H["length"]} dimensions (${Show<H>})`
      : I extends []
        ? Empty<Op>
        : [Rows, Columns]
