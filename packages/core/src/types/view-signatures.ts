/** The signatures of views. Their shapes are worked out in `view-shapes.ts`. */
import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { AllArgs, DimList, Early, Given, Or, Sizes, SizesOf } from "./arguments.ts"
import type { CheckDim } from "./dims.ts"
import type { DimsLike } from "./patterns.ts"
import type { Arg, List, Ok, Shape } from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"
import type {
  Chunked,
  DiagonalOf,
  Expanded,
  Flattened,
  MatrixTransposed,
  Moved,
  Narrowed,
  Numel,
  Permuted,
  Reshaped,
  SectionSplit,
  Selected,
  Split,
  Squeezed,
  TensorSplit,
  Transposed,
  Unbound,
  Unflattened,
  Unfolded,
  Unsqueezed,
} from "./view-shapes.ts"

/** A tensor for each of these shapes; after a sentence, tensors of unknown shape. */
export type TensorsOf<L, D extends DType> = L extends readonly List[]
  ? { -readonly [K in keyof L]: L[K] extends infer Q extends Shape ? Tensor<Q, D> : never }
  : Tensor<any, D>[]

// ---- other shapes ----

export interface ToShape<Op extends string> {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends Sizes<"shape"> = Sizes<"shape">>(
    this: Self,
    ...shape: AllArgs<Reshaped<Op, S, SizesOf<A>>, A>
  ): Tensor<Ok<Reshaped<Op, OwnShape<Self>, SizesOf<A>>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends Sizes<"shape">>(
    input: Tensor<S, D>,
    ...shape: AllArgs<Reshaped<Op, S, SizesOf<A>>, A>
  ): Tensor<Ok<Reshaped<Op, S, SizesOf<A>>>, D>
}

export interface ToShapeOf<Op extends string> {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, R extends Shape = Shape>(
    this: Self,
    other: Arg<Reshaped<Op, S, R>, Tensor<R> | { other: Tensor<R> }>,
  ): Tensor<Ok<Reshaped<Op, OwnShape<Self>, R>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, R extends Shape>(
    input: Tensor<S, D>,
    other: Arg<Reshaped<Op, S, R>, Tensor<R> | { other: Tensor<R> }>,
  ): Tensor<Ok<Reshaped<Op, S, R>>, D>
}

type FlattenOptions = { startDim?: number; endDim?: number }
type Flatten<S extends Shape, A, B> = Flattened<
  "flatten",
  S,
  Or<Given<"startDim", A>, 0>,
  Or<Given<"endDim", B, A>, -1>
>
export interface FlattenSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | FlattenOptions | undefined = undefined,
    const B extends number | FlattenOptions | undefined = undefined,
  >(
    this: Self,
    startDim?: Arg<Flatten<S, A, B>, A>,
    endDim?: B,
  ): Tensor<Ok<Flatten<OwnShape<Self>, A, B>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | FlattenOptions | undefined = undefined,
    const B extends number | FlattenOptions | undefined = undefined,
  >(input: Tensor<S, D>, startDim?: Arg<Flatten<S, A, B>, A>, endDim?: B): Tensor<Ok<Flatten<S, A, B>>, D>
}

type UnflattenOptions = { dim?: number; sizes?: readonly number[] }
type Unflatten<S extends Shape, A, B> = Unflattened<"unflatten", S, Given<"dim", A>, Given<"sizes", B, A>>
export interface UnflattenSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | UnflattenOptions = number | UnflattenOptions,
    const B extends readonly number[] | UnflattenOptions | undefined = undefined,
  >(
    this: Self,
    dim: Arg<Early<B, CheckDim<"unflatten", S, Given<"dim", A>>, Unflatten<S, A, B>>, A>,
    sizes?: Arg<Unflatten<S, A, B>, B>,
  ): Tensor<Ok<Unflatten<OwnShape<Self>, A, B>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | UnflattenOptions,
    const B extends readonly number[] | UnflattenOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dim: Arg<Early<B, CheckDim<"unflatten", S, Given<"dim", A>>, Unflatten<S, A, B>>, A>,
    sizes?: Arg<Unflatten<S, A, B>, B>,
  ): Tensor<Ok<Unflatten<S, A, B>>, D>
}

export interface Ravel {
  method<Self extends Tensor>(this: Self): Tensor<[Numel<OwnShape<Self>>], OwnDType<Self>>
  function<S extends Shape, D extends DType>(input: Tensor<S, D>): Tensor<[Numel<S>], D>
}

// ---- other orders ----

/** `First` and `Second` are the names of the two dims. */
export interface SwapDims<Op extends string, First extends string, Second extends string> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | { [K in First | Second]?: number } = number | { [K in First | Second]?: number },
    const B extends number | { [K in Second]?: number } | undefined = undefined,
  >(
    this: Self,
    dim0: Arg<Early<B, CheckDim<Op, S, Given<First, A>>, Transposed<Op, S, Given<First, A>, Given<Second, B, A>>>, A>,
    dim1?: Arg<Transposed<Op, S, Given<First, A>, Given<Second, B, A>>, B>,
  ): Tensor<Ok<Transposed<Op, OwnShape<Self>, Given<First, A>, Given<Second, B, A>>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | { [K in First | Second]?: number },
    const B extends number | { [K in Second]?: number } | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dim0: Arg<Early<B, CheckDim<Op, S, Given<First, A>>, Transposed<Op, S, Given<First, A>, Given<Second, B, A>>>, A>,
    dim1?: Arg<Transposed<Op, S, Given<First, A>, Given<Second, B, A>>, B>,
  ): Tensor<Ok<Transposed<Op, S, Given<First, A>, Given<Second, B, A>>>, D>
}

export interface TransposeMatrix<Op extends string> {
  method<S extends Shape, D extends DType>(
    this: Arg<MatrixTransposed<Op, S>, Tensor<S, D>>,
  ): Tensor<Ok<MatrixTransposed<Op, S>>, D>
  function<S extends Shape, D extends DType>(
    input: Arg<MatrixTransposed<Op, S>, Tensor<S, D>>,
  ): Tensor<Ok<MatrixTransposed<Op, S>>, D>
}

export interface Permute {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends Sizes<"dims"> = Sizes<"dims">>(
    this: Self,
    ...dims: AllArgs<Permuted<"permute", S, SizesOf<A>>, A>
  ): Tensor<Ok<Permuted<"permute", OwnShape<Self>, SizesOf<A>>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends Sizes<"dims">>(
    input: Tensor<S, D>,
    ...dims: AllArgs<Permuted<"permute", S, SizesOf<A>>, A>
  ): Tensor<Ok<Permuted<"permute", S, SizesOf<A>>>, D>
}

type MoveOptions = { source?: DimList; destination?: DimList }
type Move<Op extends string, S extends Shape, A, B> = Moved<Op, S, Given<"source", A>, Given<"destination", B, A>>
export interface MoveDims<Op extends string> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends DimList | MoveOptions = DimList | MoveOptions,
    const B extends DimList | MoveOptions | undefined = undefined,
  >(
    this: Self,
    source: Arg<Early<B, CheckDim<Op, S, Given<"source", A>>, Move<Op, S, A, B>>, DimsLike<A>>,
    destination?: Arg<Move<Op, S, A, B>, DimsLike<B>>,
  ): Tensor<Ok<Move<Op, OwnShape<Self>, A, B>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends DimList | MoveOptions,
    const B extends DimList | MoveOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    source: Arg<Early<B, CheckDim<Op, S, Given<"source", A>>, Move<Op, S, A, B>>, DimsLike<A>>,
    destination?: Arg<Move<Op, S, A, B>, DimsLike<B>>,
  ): Tensor<Ok<Move<Op, S, A, B>>, D>
}

// ---- dims of size 1 ----

export interface Squeeze<Op extends string> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends DimList | { dim?: DimList } | undefined = undefined,
  >(
    this: Self,
    dim?: Arg<Squeezed<Op, S, Given<"dim", A>>, DimsLike<A>>,
  ): Tensor<Ok<Squeezed<Op, OwnShape<Self>, Given<"dim", A>>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends DimList | { dim?: DimList } | undefined = undefined>(
    input: Tensor<S, D>,
    dim?: Arg<Squeezed<Op, S, Given<"dim", A>>, DimsLike<A>>,
  ): Tensor<Ok<Squeezed<Op, S, Given<"dim", A>>>, D>
}

export interface Unsqueeze<Op extends string> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | { dim?: number } = number | { dim?: number },
  >(
    this: Self,
    dim: Arg<Unsqueezed<Op, S, Given<"dim", A>>, A>,
  ): Tensor<Ok<Unsqueezed<Op, OwnShape<Self>, Given<"dim", A>>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends number | { dim?: number }>(
    input: Tensor<S, D>,
    dim: Arg<Unsqueezed<Op, S, Given<"dim", A>>, A>,
  ): Tensor<Ok<Unsqueezed<Op, S, Given<"dim", A>>>, D>
}

// ---- repeated without copying ----

export interface Expand {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends Sizes<"size"> = Sizes<"size">>(
    this: Self,
    ...size: AllArgs<Expanded<"expand", S, SizesOf<A>>, A>
  ): Tensor<Ok<Expanded<"expand", OwnShape<Self>, SizesOf<A>>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends Sizes<"size">>(
    input: Tensor<S, D>,
    ...size: AllArgs<Expanded<"expand", S, SizesOf<A>>, A>
  ): Tensor<Ok<Expanded<"expand", S, SizesOf<A>>>, D>
}

export interface ExpandAs {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, R extends Shape = Shape>(
    this: Self,
    other: Arg<Expanded<"expandAs", S, R>, Tensor<R> | { other: Tensor<R> }>,
  ): Tensor<Ok<Expanded<"expandAs", OwnShape<Self>, R>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, R extends Shape>(
    input: Tensor<S, D>,
    other: Arg<Expanded<"expandAs", S, R>, Tensor<R> | { other: Tensor<R> }>,
  ): Tensor<Ok<Expanded<"expandAs", S, R>>, D>
}

type Sized = readonly number[] | { size?: readonly number[] }
type Broadcasted<S extends Shape, A> =
  Given<"size", A> extends infer T ? Expanded<"broadcastTo", S, T extends Shape ? T : number[]> : never
export interface BroadcastTo {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends Sized = Sized>(
    this: Self,
    size: Arg<Broadcasted<S, A>, A>,
  ): Tensor<Ok<Broadcasted<OwnShape<Self>, A>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends Sized>(
    input: Tensor<S, D>,
    size: Arg<Broadcasted<S, A>, A>,
  ): Tensor<Ok<Broadcasted<S, A>>, D>
}

// ---- parts ----

type NarrowOptions = { dim?: number; start?: number; length?: number }
type Narrow<S extends Shape, A, B, C> = Narrowed<
  "narrow",
  S,
  Given<"dim", A>,
  Given<"start", B, A>,
  Given<"length", C, A | B>
>
export interface NarrowSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | NarrowOptions = number | NarrowOptions,
    const B extends number | NarrowOptions | undefined = undefined,
    const C extends number | NarrowOptions | undefined = undefined,
  >(
    this: Self,
    dim: Arg<Early<B, CheckDim<"narrow", S, Given<"dim", A>>, Narrow<S, A, B, C>>, A>,
    start?: B,
    length?: Arg<Narrow<S, A, B, C>, C>,
  ): Tensor<Ok<Narrow<OwnShape<Self>, A, B, C>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | NarrowOptions,
    const B extends number | NarrowOptions | undefined = undefined,
    const C extends number | NarrowOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dim: Arg<Early<B, CheckDim<"narrow", S, Given<"dim", A>>, Narrow<S, A, B, C>>, A>,
    start?: B,
    length?: Arg<Narrow<S, A, B, C>, C>,
  ): Tensor<Ok<Narrow<S, A, B, C>>, D>
}

type SelectOptions = { dim?: number; index?: number }
type Select<S extends Shape, A, B> = Selected<"select", S, Given<"dim", A>, Given<"index", B, A>>
export interface SelectSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | SelectOptions = number | SelectOptions,
    const B extends number | SelectOptions | undefined = undefined,
  >(
    this: Self,
    dim: Arg<Early<B, CheckDim<"select", S, Given<"dim", A>>, Select<S, A, B>>, A>,
    index?: Arg<Select<S, A, B>, B>,
  ): Tensor<Ok<Select<OwnShape<Self>, A, B>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | SelectOptions,
    const B extends number | SelectOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dim: Arg<Early<B, CheckDim<"select", S, Given<"dim", A>>, Select<S, A, B>>, A>,
    index?: Arg<Select<S, A, B>, B>,
  ): Tensor<Ok<Select<S, A, B>>, D>
}

type UnbindDim = number | { dim?: number } | undefined
type Unbind<S extends Shape, A> = Unbound<"unbind", S, Or<Given<"dim", A>, 0>>
export interface UnbindSignature {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends UnbindDim = undefined>(
    this: Self,
    dim?: Arg<Unbind<S, A>, A>,
  ): TensorsOf<Unbind<OwnShape<Self>, A>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends UnbindDim = undefined>(
    input: Tensor<S, D>,
    dim?: Arg<Unbind<S, A>, A>,
  ): TensorsOf<Unbind<S, A>, D>
}

/** The shapes of the pieces, for each op that cuts; `P` says into what. */
interface Cuts<S extends Shape, P, D> {
  split: Split<"split", S, P, Or<D, 0>>
  tensorSplit: TensorSplit<"tensorSplit", S, P, Or<D, 0>>
  chunk: Chunked<"chunk", S, P, Or<D, 0>>
}
type Cut<Op extends keyof Cuts<Shape, 0, 0>, Name extends string, S extends Shape, A, B> = Cuts<
  S,
  Given<Name, A>,
  Given<"dim", B, A>
>[Op]

/** `Name` is what says where to cut: `P`. */
export interface Cutting<Op extends keyof Cuts<Shape, 0, 0>, Name extends string, P = DimList> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends P | ({ [K in Name]?: P } & { dim?: number }) = P | ({ [K in Name]?: P } & { dim?: number }),
    const B extends number | { dim?: number } | undefined = undefined,
  >(
    this: Self,
    how: Arg<Cut<Op, Name, S, A, B>, DimsLike<A>>,
    dim?: B,
  ): TensorsOf<Cut<Op, Name, OwnShape<Self>, A, B>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends P | ({ [K in Name]?: P } & { dim?: number }),
    const B extends number | { dim?: number } | undefined = undefined,
  >(input: Tensor<S, D>, how: Arg<Cut<Op, Name, S, A, B>, DimsLike<A>>, dim?: B): TensorsOf<Cut<Op, Name, S, A, B>, D>
}

type Sections<Op extends string, S extends Shape, A> = SectionSplit<
  Op,
  S,
  Given<"indicesOrSections", A>,
  Op extends "hsplit" ? 1 : Op extends "vsplit" ? 2 : 3,
  Op extends "hsplit" ? (S["length"] extends 1 ? 0 : 1) : Op extends "vsplit" ? 0 : 2
>
export interface CuttingAlong<Op extends "hsplit" | "vsplit" | "dsplit"> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends DimList | { indicesOrSections?: DimList } = DimList | { indicesOrSections?: DimList },
  >(
    this: Self,
    indicesOrSections: Arg<Sections<Op, S, A>, DimsLike<A>>,
  ): TensorsOf<Sections<Op, OwnShape<Self>, A>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends DimList | { indicesOrSections?: DimList }>(
    input: Tensor<S, D>,
    indicesOrSections: Arg<Sections<Op, S, A>, DimsLike<A>>,
  ): TensorsOf<Sections<Op, S, A>, D>
}

type UnfoldOptions = { dimension?: number; size?: number; step?: number }
type Unfold<S extends Shape, A, B, C> = Unfolded<
  "unfold",
  S,
  Given<"dimension", A>,
  Given<"size", B, A>,
  Given<"step", C, A | B>
>
export interface UnfoldSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | UnfoldOptions = number | UnfoldOptions,
    const B extends number | UnfoldOptions | undefined = undefined,
    const C extends number | UnfoldOptions | undefined = undefined,
  >(
    this: Self,
    dimension: Arg<Early<B, CheckDim<"unfold", S, Given<"dimension", A>>, Unfold<S, A, B, C>>, A>,
    size?: Arg<Unfold<S, A, B, C>, B>,
    step?: C,
  ): Tensor<Ok<Unfold<OwnShape<Self>, A, B, C>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | UnfoldOptions,
    const B extends number | UnfoldOptions | undefined = undefined,
    const C extends number | UnfoldOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dimension: Arg<Early<B, CheckDim<"unfold", S, Given<"dimension", A>>, Unfold<S, A, B, C>>, A>,
    size?: Arg<Unfold<S, A, B, C>, B>,
    step?: C,
  ): Tensor<Ok<Unfold<S, A, B, C>>, D>
}

type DiagonalOptions = { offset?: number; dim1?: number; dim2?: number }
type Diagonal<S extends Shape, A, B, C> = DiagonalOf<
  "diagonal",
  S,
  Or<Given<"offset", A>, 0>,
  Or<Given<"dim1", B, A>, 0>,
  Or<Given<"dim2", C, A | B>, 1>
>
export interface DiagonalSignature {
  method<
    S extends Shape,
    D extends DType,
    const A extends number | DiagonalOptions | undefined = undefined,
    const B extends number | DiagonalOptions | undefined = undefined,
    const C extends number | DiagonalOptions | undefined = undefined,
  >(this: Arg<Diagonal<S, A, B, C>, Tensor<S, D>>, offset?: A, dim1?: B, dim2?: C): Tensor<Ok<Diagonal<S, A, B, C>>, D>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | DiagonalOptions | undefined = undefined,
    const B extends number | DiagonalOptions | undefined = undefined,
    const C extends number | DiagonalOptions | undefined = undefined,
  >(input: Arg<Diagonal<S, A, B, C>, Tensor<S, D>>, offset?: A, dim1?: B, dim2?: C): Tensor<Ok<Diagonal<S, A, B, C>>, D>
}

type StridedOptions = { size?: readonly number[]; stride?: readonly number[]; storageOffset?: number }
type Strided<A> = Given<"size", A> extends infer T extends Shape ? [...T] : number[]
export interface AsStrided {
  method<D extends DType, const A extends readonly number[] | StridedOptions>(
    this: Tensor<any, D>,
    size: A,
    stride?: readonly number[] | StridedOptions,
    storageOffset?: number | StridedOptions,
  ): Tensor<Ok<Strided<A>>, D>
  function<D extends DType, const A extends readonly number[] | StridedOptions>(
    input: Tensor<any, D>,
    size: A,
    stride?: readonly number[] | StridedOptions,
    storageOffset?: number | StridedOptions,
  ): Tensor<Ok<Strided<A>>, D>
}
