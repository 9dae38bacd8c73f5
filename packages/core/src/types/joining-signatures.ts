/** The signatures of joining and of grids. Their shapes are worked out in `joining-shapes.ts`. */
import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { Given, Or } from "./arguments.ts"
import type { PromoteTypes } from "./dtype.ts"
import type {
  AsColumns,
  AsLayers,
  AsRows,
  AtLeast1d,
  AtLeast2d,
  AtLeast3d,
  Blocks,
  BroadcastAll,
  Combinations,
  Grid,
  Joined,
  Shapes,
  SideBySide,
  Stacked,
} from "./joining-shapes.ts"
import type { Arg, IsAny, Ok, Shape } from "./shape.ts"
import type { OwnDType } from "./signature.ts"
import type { IsSingle } from "./tuples.ts"

type Tensors = readonly Tensor[]
/**
 * What a list of tensors is held to. Not to `Tensor` itself: that would be what is wanted of a call within the list, and the compiler
 * would take its unknown shape and dtype for the call's.
 */
type Listed = readonly { readonly __types: unknown }[]

/** The shapes of tensors. */
export type ShapesOf<L extends readonly unknown[]> = { [K in keyof L]: L[K] extends Tensor<infer S, DType> ? S : any }

/** The dtype that all promote to. */
export type DTypeOf<L extends readonly unknown[]> = Promoted<L> extends infer D extends DType ? D : any
type Promoted<L extends readonly unknown[]> =
  OwnDTypes<L[number]> extends infer D
    ? IsAny<D> extends true
      ? any
      : IsSingle<D> extends true
        ? D
        : PromoteAll<L>
    : never
type OwnDTypes<T> = T extends Tensor ? OwnDType<T> : any
type PromoteAll<L extends readonly unknown[], D = never> = L extends readonly [
  infer H extends Tensor,
  ...infer T extends Tensors,
]
  ? PromoteAll<T, [D] extends [never] ? H["dtype"] : PromoteTypes<D, H["dtype"]>>
  : L extends readonly []
    ? D
    : any

/** A list of tensors, by position or by name. */
type ListArg = Listed | { tensors?: Listed }
type ListOf<A> = Given<"tensors", A> extends infer L extends Tensors ? L : Tensor[]

/** The shape along a dim, for each op that takes one. */
interface AlongDim<Op extends string, L extends Shapes, D> {
  cat: Joined<Op, L, Or<D, 0>>
  stack: Stacked<Op, L, Or<D, 0>>
}
type JoinedAlong<Rule extends keyof AlongDim<string, [], 0>, Op extends string, A, B> = AlongDim<
  Op,
  ShapesOf<ListOf<A>>,
  Given<"dim", B, A>
>[Rule]

/** Tensors joined along a dim: an old one (`cat`) or a new one (`stack`). */
export type Joining<Rule extends keyof AlongDim<string, [], 0>, Op extends string> = <
  const A extends Listed | { tensors?: Listed; dim?: number },
  const B extends number | { dim?: number } | undefined = undefined,
>(
  tensors: Arg<JoinedAlong<Rule, Op, A, B>, A>,
  dim?: B,
) => Tensor<Ok<JoinedAlong<Rule, Op, A, B>>, DTypeOf<ListOf<A>>>

/** The shape of all, for each op that needs no dim. */
interface All<Op extends string, L extends Shapes> {
  columns: SideBySide<Op, L>
  rows: AsRows<Op, L>
  layers: AsLayers<Op, L>
  asColumns: AsColumns<Op, L>
}

export type JoiningAll<Rule extends keyof All<string, []>, Op extends string> = <const A extends ListArg>(
  tensors: Arg<All<Op, ShapesOf<ListOf<A>>>[Rule], A>,
) => Tensor<Ok<All<Op, ShapesOf<ListOf<A>>>[Rule]>, DTypeOf<ListOf<A>>>

interface AtLeastShapes<S extends Shape> {
  1: AtLeast1d<S>
  2: AtLeast2d<S>
  3: AtLeast3d<S>
}
type EachAtLeast<L extends readonly unknown[], N extends 1 | 2 | 3> = {
  -readonly [K in keyof L]: L[K] extends Tensor<infer S, infer D> ? Tensor<AtLeastShapes<S>[N], D> : Tensor
}

/** A function of one tensor that also takes several, one by one or as an array, and then gives an array. */
export interface AtLeastDims<N extends 1 | 2 | 3> {
  <S extends Shape, D extends DType>(input: Tensor<S, D>): Tensor<AtLeastShapes<S>[N], D>
  <const L extends Listed>(tensors: L): EachAtLeast<L, N>
  <const L extends Listed>(...tensors: L): EachAtLeast<L, N>
}

/** The tensors of a list whose last may be options. */
type WithoutOptions<A extends readonly unknown[]> = A extends Tensors
  ? A
  : A extends readonly [{ readonly tensors: infer L extends Tensors }]
    ? L
    : A extends readonly [...infer L extends Tensors, unknown]
      ? L
      : Tensor[]
type OptionsOf<A extends readonly unknown[]> = A extends Tensors
  ? undefined
  : A extends readonly [...Tensors, infer O]
    ? O
    : any

type EachOf<L extends readonly unknown[], R> = {
  -readonly [K in keyof L]: L[K] extends Tensor<any, infer D> ? Tensor<Ok<R>, D> : Tensor
}

interface GridOptions {
  tensors?: Tensors
  indexing?: "ij" | "xy"
}
type Grids<L extends readonly unknown[], O> = EachOf<L, Grid<"meshgrid", ShapesOf<L>, Or<Given<"indexing", O>, "ij">>>

export interface MeshGrid {
  <const L extends Listed, const O extends GridOptions | undefined = undefined>(tensors: L, options?: O): Grids<L, O>
  <const L extends Listed, const I extends GridOptions["indexing"] = undefined>(named: {
    readonly tensors: L
    readonly indexing?: I
  }): EachOf<L, Grid<"meshgrid", ShapesOf<L>, Or<I, "ij">>>
  <const A extends readonly (Tensor | GridOptions)[]>(...tensorsAndOptions: A): Grids<WithoutOptions<A>, OptionsOf<A>>
}

type Broadcasted<L extends readonly unknown[]> = EachOf<L, BroadcastAll<"broadcastTensors", ShapesOf<L>>>
export interface BroadcastTensors {
  <const L extends Listed>(
    tensors: Arg<BroadcastAll<"broadcastTensors", ShapesOf<L>>, L>,
    options?: object,
  ): Broadcasted<L>
  <const L extends Listed>(...tensors: L): Broadcasted<L>
}

interface Combined<L extends Shapes> {
  cartesianProd: Combinations<"cartesianProd", L>
  blockDiag: Blocks<"blockDiag", L>
}
export interface Combining<Op extends keyof Combined<[]>> {
  <const L extends Listed>(
    tensors: Arg<Combined<ShapesOf<L>>[Op], L>,
  ): Tensor<Ok<Combined<ShapesOf<L>>[Op]>, DTypeOf<L>>
  <const L extends Listed>(...tensors: L): Tensor<Ok<Combined<ShapesOf<L>>[Op]>, DTypeOf<L>>
}
