/** The signatures of repeating, turning, triangles and diagonals. Their shapes are worked out in `rearranging-shapes.ts`. */
import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { AllArgs, DimList, Given, Or, Sizes, SizesOf } from "./arguments.ts"
import type { DimsLike } from "./patterns.ts"
import type {
  DiagonalEmbedded,
  DiagonalFlat,
  DiagonalOrMatrix,
  Interleaved,
  OfDims,
  RepeatedShape,
  Rolled,
  Tiled,
  Turned,
  WithDims,
} from "./rearranging-shapes.ts"
import type { Arg, Ok, Shape, Show } from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"

export interface Repeat {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends Sizes<"repeats"> = Sizes<"repeats">>(
    this: Self,
    ...repeats: AllArgs<RepeatedShape<"repeat", S, SizesOf<A>>, A>
  ): Tensor<Ok<RepeatedShape<"repeat", OwnShape<Self>, SizesOf<A>>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends Sizes<"repeats">>(
    input: Tensor<S, D>,
    ...repeats: AllArgs<RepeatedShape<"repeat", S, SizesOf<A>>, A>
  ): Tensor<Ok<RepeatedShape<"repeat", S, SizesOf<A>>>, D>
}

export interface Tile {
  method<Self extends Tensor, const A extends Sizes<"dims"> = Sizes<"dims">>(
    this: Self,
    ...dims: A
  ): Tensor<Tiled<OwnShape<Self>, SizesOf<A>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends Sizes<"dims">>(
    input: Tensor<S, D>,
    ...dims: A
  ): Tensor<Tiled<S, SizesOf<A>>, D>
}

export interface Flip {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends Sizes<"dims"> = Sizes<"dims">>(
    this: Self,
    ...dims: AllArgs<OfDims<"flip", S, SizesOf<A>>, A>
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends Sizes<"dims">>(
    input: Tensor<S, D>,
    ...dims: AllArgs<OfDims<"flip", S, SizesOf<A>>, A>
  ): Tensor<S, D>
}

/** `Op` of a tensor of at least `Least` dims, whose shape and dtype stay. */
export interface OfMatrices<Op extends "fliplr" | "flipud"> {
  method<S extends Shape, D extends DType>(this: Arg<Flippable<Op, S>, Tensor<S, D>>): Tensor<S, D>
  function<S extends Shape, D extends DType>(input: Arg<Flippable<Op, S>, Tensor<S, D>>): Tensor<S, D>
}
type Flippable<Op extends "fliplr" | "flipud", S extends Shape> = Op extends "fliplr"
  ? WithDims<S, 2, `fliplr: Input must be >= 2-d, got ${Show<S>}`>
  : WithDims<S, 1, `flipud: Input must be >= 1-d, got ${Show<S>}`>

type RollOptions = { shifts?: DimList; dims?: DimList }
type Roll<S extends Shape, A, B> = Rolled<"roll", S, Given<"shifts", A>, Given<"dims", B, A>>
export interface RollSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends DimList | RollOptions = DimList | RollOptions,
    const B extends DimList | RollOptions | undefined = undefined,
  >(this: Self, shifts: Arg<Roll<S, A, B>, DimsLike<A>>, dims?: B): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends DimList | RollOptions,
    const B extends DimList | RollOptions | undefined = undefined,
  >(input: Tensor<S, D>, shifts: Arg<Roll<S, A, B>, DimsLike<A>>, dims?: B): Tensor<S, D>
}

type TurnOptions = { k?: number; dims?: readonly number[] }
type Turn<S extends Shape, A, B> = Turned<"rot90", S, Or<Given<"k", A>, 1>, Or<Given<"dims", B, A>, [0, 1]>>
export interface Rot90 {
  method<
    S extends Shape,
    D extends DType,
    const A extends number | TurnOptions | undefined = undefined,
    const B extends readonly number[] | TurnOptions | undefined = undefined,
  >(this: Arg<Turn<S, A, B>, Tensor<S, D>>, k?: A, dims?: B): Tensor<Ok<Turn<S, A, B>>, D>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | TurnOptions | undefined = undefined,
    const B extends readonly number[] | TurnOptions | undefined = undefined,
  >(input: Arg<Turn<S, A, B>, Tensor<S, D>>, k?: A, dims?: B): Tensor<Ok<Turn<S, A, B>>, D>
}

export interface InterleaveOptions<N> {
  repeats?: N
  dim?: number | null
  outputSize?: number
}
type Interleave<Op extends string, S extends Shape, A, B> = Interleaved<Op, S, Given<"repeats", A>, Given<"dim", B, A>>
/** What comes of a number of repeats, and what of one for each slice in a tensor. */
type Counted<A, Number, Counts> = Given<"repeats", A> extends Tensor ? Counts : Number

/** Counts in a tensor are read, so that the result is awaited. */
export interface RepeatInterleave {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | Tensor | InterleaveOptions<number | Tensor> =
      | number
      | Tensor
      | InterleaveOptions<number | Tensor>,
    const B extends number | null | InterleaveOptions<number | Tensor> | undefined = undefined,
  >(
    this: Self,
    repeats: Arg<Interleave<"repeatInterleave", S, A, B>, A>,
    dim?: B,
    options?: { outputSize?: number },
  ): Counted<
    A,
    Tensor<Ok<Interleave<"repeatInterleave", OwnShape<Self>, A, B>>, OwnDType<Self>>,
    Promise<Tensor<Ok<Interleave<"repeatInterleave", OwnShape<Self>, A, B>>, OwnDType<Self>>>
  >
  function<
    S extends Shape,
    D extends DType,
    const A extends number | Tensor | InterleaveOptions<number | Tensor>,
    const B extends number | null | InterleaveOptions<number | Tensor> | undefined = undefined,
  >(
    input: Tensor<S, D>,
    repeats: Arg<Interleave<"repeatInterleave", S, A, B>, A>,
    dim?: B,
    options?: { outputSize?: number },
  ): Counted<
    A,
    Tensor<Ok<Interleave<"repeatInterleave", S, A, B>>, D>,
    Promise<Tensor<Ok<Interleave<"repeatInterleave", S, A, B>>, D>>
  >
}
export interface RepeatInterleaveSync {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | Tensor | InterleaveOptions<number | Tensor> =
      | number
      | Tensor
      | InterleaveOptions<number | Tensor>,
    const B extends number | null | InterleaveOptions<number | Tensor> | undefined = undefined,
  >(
    this: Self,
    repeats: Arg<Interleave<"repeatInterleaveSync", S, A, B>, A>,
    dim?: B,
    options?: { outputSize?: number },
  ): Tensor<Ok<Interleave<"repeatInterleaveSync", OwnShape<Self>, A, B>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | Tensor | InterleaveOptions<number | Tensor>,
    const B extends number | null | InterleaveOptions<number | Tensor> | undefined = undefined,
  >(
    input: Tensor<S, D>,
    repeats: Arg<Interleave<"repeatInterleaveSync", S, A, B>, A>,
    dim?: B,
    options?: { outputSize?: number },
  ): Tensor<Ok<Interleave<"repeatInterleaveSync", S, A, B>>, D>
}

// ---- triangles and diagonals ----

type OnDiagonal = number | { diagonal?: number } | undefined
type Triangular<Op extends string, S extends Shape> = WithDims<
  S,
  2,
  `${Op}: input tensor must have at least 2 dimensions, got ${Show<S>}`
>
export interface Triangle<Op extends string> {
  method<S extends Shape, D extends DType>(
    this: Arg<Triangular<Op, S>, Tensor<S, D>>,
    diagonal?: number | { diagonal?: number },
  ): Tensor<S, D>
  function<S extends Shape, D extends DType>(
    input: Arg<Triangular<Op, S>, Tensor<S, D>>,
    diagonal?: number | { diagonal?: number },
  ): Tensor<S, D>
}

type Diag<S extends Shape, A> = DiagonalOrMatrix<"diag", S, Or<Given<"diagonal", A>, 0>>
export interface DiagSignature {
  method<S extends Shape, D extends DType, const A extends OnDiagonal = undefined>(
    this: Arg<Diag<S, A>, Tensor<S, D>>,
    diagonal?: A,
  ): Tensor<Ok<Diag<S, A>>, D>
  function<S extends Shape, D extends DType, const A extends OnDiagonal = undefined>(
    input: Arg<Diag<S, A>, Tensor<S, D>>,
    diagonal?: A,
  ): Tensor<Ok<Diag<S, A>>, D>
}

type EmbedOptions = { offset?: number; dim1?: number; dim2?: number }
type DiagEmbed<S extends Shape, A, B, C> = DiagonalEmbedded<
  "diagEmbed",
  S,
  Or<Given<"offset", A>, 0>,
  Or<Given<"dim1", B, A>, -2>,
  Or<Given<"dim2", C, A | B>, -1>
>
export interface DiagEmbedSignature {
  method<
    S extends Shape,
    D extends DType,
    const A extends number | EmbedOptions | undefined = undefined,
    const B extends number | EmbedOptions | undefined = undefined,
    const C extends number | EmbedOptions | undefined = undefined,
  >(
    this: Arg<DiagEmbed<S, A, B, C>, Tensor<S, D>>,
    offset?: A,
    dim1?: B,
    dim2?: C,
  ): Tensor<Ok<DiagEmbed<S, A, B, C>>, D>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | EmbedOptions | undefined = undefined,
    const B extends number | EmbedOptions | undefined = undefined,
    const C extends number | EmbedOptions | undefined = undefined,
  >(
    input: Arg<DiagEmbed<S, A, B, C>, Tensor<S, D>>,
    offset?: A,
    dim1?: B,
    dim2?: C,
  ): Tensor<Ok<DiagEmbed<S, A, B, C>>, D>
}

type FlatOffset = number | { offset?: number } | undefined
export interface DiagFlat {
  method<Self extends Tensor, const A extends FlatOffset = undefined>(
    this: Self,
    offset?: A,
  ): Tensor<DiagonalFlat<OwnShape<Self>, Or<Given<"offset", A>, 0>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends FlatOffset = undefined>(
    input: Tensor<S, D>,
    offset?: A,
  ): Tensor<DiagonalFlat<S, Or<Given<"offset", A>, 0>>, D>
}
