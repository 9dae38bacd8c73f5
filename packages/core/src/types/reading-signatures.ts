/** The signatures of what reads and writes at indices, chooses and sorts. Their shapes are worked out in `reading-shapes.ts`. */
import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { Early, Given, KnownOptions, Or, TensorOf } from "./arguments.ts"
import type { CheckDim } from "./dims.ts"
import type { DefaultInt } from "./dtype.ts"
import type { Found } from "./patterns.ts"
import type {
  Along,
  Indexed,
  KthAlong,
  Masked,
  PartWritten,
  SlicesAt,
  SlicesWritten,
  TakenAlong,
  TopK,
} from "./reading-shapes.ts"
import type { Arg, Broadcast, BroadcastInto, Ok, Shape } from "./shape.ts"
import type { DTypeOf, OwnDType, OwnShape, ShapeOf } from "./signature.ts"
import type { DiagonalOf, Selected } from "./view-shapes.ts"

// ---- reading ----

/** The shapes read along a dim by integer indices, for each op that does. */
interface ReadAlong<Op extends string, S extends Shape, D, I extends Shape> {
  along: Along<Op, S, D, I>
  slices: SlicesAt<Op, S, D, I>
}
type Reading<Rule extends keyof ReadAlong<string, Shape, 0, Shape>, Op extends string, S extends Shape, A, T> = Indexed<
  Op,
  "index",
  ShapeOf<T>,
  DTypeOf<T>,
  ReadAlong<Op, S, Given<"dim", A>, ShapeOf<T>>[Rule]
>

type IndexOptions = { dim?: number; index?: Tensor }

export interface ReadingAlong<Op extends string, Rule extends keyof ReadAlong<string, Shape, 0, Shape>> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | IndexOptions = number | IndexOptions,
    I extends Tensor | IndexOptions | undefined = undefined,
  >(
    this: Self,
    dim: Arg<Early<I, CheckDim<Op, S, Given<"dim", A>>, Reading<Rule, Op, S, A, TensorOf<I, "index", A>>>, A>,
    index?: Arg<Reading<Rule, Op, S, A, TensorOf<I, "index", A>>, I>,
  ): Tensor<Ok<Reading<Rule, Op, OwnShape<Self>, A, TensorOf<I, "index", A>>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | IndexOptions,
    I extends Tensor | IndexOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dim: Arg<Early<I, CheckDim<Op, S, Given<"dim", A>>, Reading<Rule, Op, S, A, TensorOf<I, "index", A>>>, A>,
    index?: Arg<Reading<Rule, Op, S, A, TensorOf<I, "index", A>>, I>,
  ): Tensor<Ok<Reading<Rule, Op, S, A, TensorOf<I, "index", A>>>, D>
}

type Taking<T> = Indexed<"take", "index", ShapeOf<T>, DTypeOf<T>, ShapeOf<T>>
export interface Take {
  method<D extends DType, I extends Tensor | { index?: Tensor }>(
    this: Tensor<any, D>,
    index: Arg<Taking<TensorOf<I, "index">>, I>,
  ): Tensor<Ok<Taking<TensorOf<I, "index">>>, D>
  function<D extends DType, I extends Tensor | { index?: Tensor }>(
    input: Tensor<any, D>,
    index: Arg<Taking<TensorOf<I, "index">>, I>,
  ): Tensor<Ok<Taking<TensorOf<I, "index">>>, D>
}

type TakeOptions = { indices?: Tensor; dim?: number | null }
type TakingAlong<S extends Shape, T, Dim> = Indexed<
  "takeAlongDim",
  "indices",
  ShapeOf<T>,
  DTypeOf<T>,
  TakenAlong<"takeAlongDim", S, ShapeOf<T>, Dim>
>
export interface TakeAlongDim {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const I extends Tensor | TakeOptions = Tensor | TakeOptions,
    const B extends number | TakeOptions | null | undefined = undefined,
  >(
    this: Self,
    indices: Arg<TakingAlong<S, TensorOf<I, "indices">, Given<"dim", B, I>>, I>,
    dim?: B,
  ): Tensor<Ok<TakingAlong<OwnShape<Self>, TensorOf<I, "indices">, Given<"dim", B, I>>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const I extends Tensor | TakeOptions,
    const B extends number | TakeOptions | null | undefined = undefined,
  >(
    input: Tensor<S, D>,
    indices: Arg<TakingAlong<S, TensorOf<I, "indices">, Given<"dim", B, I>>, I>,
    dim?: B,
  ): Tensor<Ok<TakingAlong<S, TensorOf<I, "indices">, Given<"dim", B, I>>>, D>
}

type Masking<Op extends string, S extends Shape, T> = Masked<Op, ShapeOf<T>, DTypeOf<T>, Broadcast<S, ShapeOf<T>, Op>>
type MaskArg = Tensor | { mask?: Tensor }
/** How many elements there are depends on the mask, which is read. */
export interface MaskedSelect {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, M extends MaskArg = MaskArg>(
    this: Self,
    mask: Arg<Masking<"maskedSelect", S, TensorOf<M, "mask">>, M>,
  ): Promise<Tensor<[number], OwnDType<Self>>>
  function<S extends Shape, D extends DType, M extends MaskArg>(
    input: Tensor<S, D>,
    mask: Arg<Masking<"maskedSelect", S, TensorOf<M, "mask">>, M>,
  ): Promise<Tensor<[number], D>>
}
export interface MaskedSelectSync {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, M extends MaskArg = MaskArg>(
    this: Self,
    mask: Arg<Masking<"maskedSelectSync", S, TensorOf<M, "mask">>, M>,
  ): Tensor<[number], OwnDType<Self>>
  function<S extends Shape, D extends DType, M extends MaskArg>(
    input: Tensor<S, D>,
    mask: Arg<Masking<"maskedSelectSync", S, TensorOf<M, "mask">>, M>,
  ): Tensor<[number], D>
}

// ---- writing: the input's shape and dtype stay ----

/** The shape of a source; null where it is a number. */
type SourceOf<W, N extends string> = Given<N, W> extends infer T ? (T extends Tensor<infer S, DType> ? S : null) : never
type WriteAlong<Op extends string, S extends Shape, A, T, W> = Indexed<
  Op,
  "index",
  ShapeOf<T>,
  DTypeOf<T>,
  Along<Op, S, Given<"dim", A>, ShapeOf<T>, SourceOf<W, "src">>
>

/** `Src` is what may be written, `K` the options by name, `More` what may follow by position. */
export interface WritingAlong<Op extends string, Src, K, More extends readonly unknown[] = []> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | K = number | K,
    I extends Tensor | K | undefined = undefined,
    W extends Src | K | undefined = undefined,
  >(
    this: Self,
    dim: Arg<CheckDim<Op, S, Given<"dim", A>>, A>,
    index?: Arg<WriteAlong<Op, S, A, TensorOf<I, "index", A>, W>, I>,
    src?: W,
    ...more: [...Partial<More>, options?: K]
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | K,
    I extends Tensor | K | undefined = undefined,
    W extends Src | K | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dim: Arg<CheckDim<Op, S, Given<"dim", A>>, A>,
    index?: Arg<WriteAlong<Op, S, A, TensorOf<I, "index", A>, W>, I>,
    src?: W,
    ...more: [...Partial<More>, options?: K]
  ): Tensor<S, D>
}

type WriteSlices<Op extends string, S extends Shape, A, T, W> = Indexed<
  Op,
  "index",
  ShapeOf<T>,
  DTypeOf<T>,
  W extends Tensor<infer X, DType>
    ? SlicesWritten<Op, S, Given<"dim", A>, ShapeOf<T>, X>
    : SlicesAt<Op, S, Given<"dim", A>, ShapeOf<T>>
>

/** Slices of a dim written: `Source` is what may be. */
export interface WritingSlices<Op extends string, Source, K> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | K = number | K,
    I extends Tensor | K | undefined = undefined,
    W extends Source | K | undefined = undefined,
  >(
    this: Self,
    dim: Arg<CheckDim<Op, S, Given<"dim", A>>, A>,
    index?: Arg<WriteSlices<Op, S, A, TensorOf<I, "index", A>, null>, I>,
    source?: Arg<WriteSlices<Op, S, A, TensorOf<I, "index", A>, W>, W>,
    options?: K,
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | K,
    I extends Tensor | K | undefined = undefined,
    W extends Source | K | undefined = undefined,
  >(
    input: Tensor<S, D>,
    dim: Arg<CheckDim<Op, S, Given<"dim", A>>, A>,
    index?: Arg<WriteSlices<Op, S, A, TensorOf<I, "index", A>, null>, I>,
    source?: Arg<WriteSlices<Op, S, A, TensorOf<I, "index", A>, W>, W>,
    options?: K,
  ): Tensor<S, D>
}

/** Slices of a dim filled with a value. */
export interface FillingSlices<Op extends string, Value, K> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | K = number | K,
    I extends Tensor | K | undefined = undefined,
  >(
    this: Self,
    dim: Arg<CheckDim<Op, S, Given<"dim", A>>, A>,
    index?: Arg<WriteSlices<Op, S, A, TensorOf<I, "index", A>, null>, I>,
    value?: Value | K,
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends number | K, I extends Tensor | K | undefined = undefined>(
    input: Tensor<S, D>,
    dim: Arg<CheckDim<Op, S, Given<"dim", A>>, A>,
    index?: Arg<WriteSlices<Op, S, A, TensorOf<I, "index", A>, null>, I>,
    value?: Value | K,
  ): Tensor<S, D>
}

/** The elements where the mask is true replaced; both broadcast, unless the input itself is written. */
export interface MaskedScatter {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    M extends MaskArg & { source?: Tensor } = MaskArg & { source?: Tensor },
  >(
    this: Self,
    mask: Arg<Masking<"maskedScatter", S, TensorOf<M, "mask">>, M>,
    source?: Tensor | { source?: Tensor },
  ): Tensor<Ok<Masking<"maskedScatter", OwnShape<Self>, TensorOf<M, "mask">>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, M extends MaskArg & { source?: Tensor }>(
    input: Tensor<S, D>,
    mask: Arg<Masking<"maskedScatter", S, TensorOf<M, "mask">>, M>,
    source?: Tensor | { source?: Tensor },
  ): Tensor<Ok<Masking<"maskedScatter", S, TensorOf<M, "mask">>>, D>
}

type SelectOptions = { src?: Tensor; dim?: number; index?: number }
type SelectWritten<S extends Shape, A, B, C> = PartWritten<
  "selectScatter",
  S,
  Selected<"select", S, Given<"dim", B, A>, Given<"index", C, A | B>>,
  ShapeOf<TensorOf<A, "src">>
>
export interface SelectScatter {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    A extends Tensor | SelectOptions = Tensor | SelectOptions,
    const B extends number | SelectOptions | undefined = undefined,
    const C extends number | SelectOptions | undefined = undefined,
  >(this: Self, src: Arg<SelectWritten<S, A, B, C>, A>, dim?: B, index?: C): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    A extends Tensor | SelectOptions,
    const B extends number | SelectOptions | undefined = undefined,
    const C extends number | SelectOptions | undefined = undefined,
  >(input: Tensor<S, D>, src: Arg<SelectWritten<S, A, B, C>, A>, dim?: B, index?: C): Tensor<S, D>
}

type DiagonalOptions = { src?: Tensor; offset?: number; dim1?: number; dim2?: number }
type DiagonalWritten<S extends Shape, A, B, C, E> = PartWritten<
  "diagonalScatter",
  S,
  DiagonalOf<
    "diagonal",
    S,
    Or<Given<"offset", B, A>, 0>,
    Or<Given<"dim1", C, A | B>, 0>,
    Or<Given<"dim2", E, A | B | C>, 1>
  >,
  ShapeOf<TensorOf<A, "src">>
>
export interface DiagonalScatter {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    A extends Tensor | DiagonalOptions = Tensor | DiagonalOptions,
    const B extends number | DiagonalOptions | undefined = undefined,
    const C extends number | DiagonalOptions | undefined = undefined,
    const E extends number | DiagonalOptions | undefined = undefined,
  >(
    this: Self,
    src: Arg<DiagonalWritten<S, A, B, C, E>, A>,
    offset?: B,
    dim1?: C,
    dim2?: E,
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    A extends Tensor | DiagonalOptions,
    const B extends number | DiagonalOptions | undefined = undefined,
    const C extends number | DiagonalOptions | undefined = undefined,
    const E extends number | DiagonalOptions | undefined = undefined,
  >(input: Tensor<S, D>, src: Arg<DiagonalWritten<S, A, B, C, E>, A>, offset?: B, dim1?: C, dim2?: E): Tensor<S, D>
}

// ---- choosing ----

export type MaskedFilling<Op extends string, S extends Shape, T> = Masked<
  Op,
  ShapeOf<T>,
  DTypeOf<T>,
  Op extends `${infer Name}_` ? BroadcastInto<S, ShapeOf<T>, Name> : Broadcast<S, ShapeOf<T>, Op>
>
export interface MaskedFill<Op extends string, Value> {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    M extends Tensor | { mask?: Tensor; value?: Value } = Tensor | { mask?: Tensor; value?: Value },
  >(
    this: Self,
    mask: Arg<MaskedFilling<Op, S, TensorOf<M, "mask">>, M>,
    value?: Value | { value?: Value },
  ): Tensor<Ok<MaskedFilling<Op, OwnShape<Self>, TensorOf<M, "mask">>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, M extends Tensor | { mask?: Tensor; value?: Value }>(
    input: Tensor<S, D>,
    mask: Arg<MaskedFilling<Op, S, TensorOf<M, "mask">>, M>,
    value?: Value | { value?: Value },
  ): Tensor<Ok<MaskedFilling<Op, S, TensorOf<M, "mask">>>, D>
}

// ---- order ----

type OrderOptions = { dim?: number; descending?: boolean; stable?: boolean }
type OrderDim = number | OrderOptions | undefined

export interface Sort {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const A extends OrderDim = undefined>(
    this: Self,
    dim?: Arg<KnownOptions<"sort", A, keyof OrderOptions, CheckDim<"sort", S, Given<"dim", A>>>, A>,
    descending?: boolean | OrderOptions,
    options?: OrderOptions,
  ): Found<OwnShape<Self>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const A extends OrderDim = undefined>(
    input: Tensor<S, D>,
    dim?: Arg<KnownOptions<"sort", A, keyof OrderOptions, CheckDim<"sort", S, Given<"dim", A>>>, A>,
    descending?: boolean | OrderOptions,
    options?: OrderOptions,
  ): Found<S, D>
}
export interface ArgSort {
  method<S extends Shape, const A extends OrderDim = undefined>(
    this: Tensor<S>,
    dim?: Arg<KnownOptions<"argsort", A, keyof OrderOptions, CheckDim<"argsort", S, Given<"dim", A>>>, A>,
    descending?: boolean | OrderOptions,
    stable?: boolean | OrderOptions,
  ): Tensor<S, DefaultInt>
  function<S extends Shape, const A extends OrderDim = undefined>(
    input: Tensor<S>,
    dim?: Arg<KnownOptions<"argsort", A, keyof OrderOptions, CheckDim<"argsort", S, Given<"dim", A>>>, A>,
    descending?: boolean | OrderOptions,
    stable?: boolean | OrderOptions,
  ): Tensor<S, DefaultInt>
}

type TopOptions = { k?: number; dim?: number; largest?: boolean; sorted?: boolean }
type Top<S extends Shape, A, B> = TopK<"topk", S, Given<"k", A>, Or<Given<"dim", B, A>, -1>>
export interface TopKSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | TopOptions = number | TopOptions,
    const B extends number | TopOptions | undefined = undefined,
  >(
    this: Self,
    k: Arg<KnownOptions<"topk", A, keyof TopOptions, Top<S, A, B>>, A>,
    dim?: B,
    largest?: boolean | TopOptions,
    sorted?: boolean | TopOptions,
  ): Found<Ok<Top<OwnShape<Self>, A, B>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | TopOptions,
    const B extends number | TopOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    k: Arg<KnownOptions<"topk", A, keyof TopOptions, Top<S, A, B>>, A>,
    dim?: B,
    largest?: boolean | TopOptions,
    sorted?: boolean | TopOptions,
  ): Found<Ok<Top<S, A, B>>, D>
}

type KthOptions = { k?: number; dim?: number; keepdim?: boolean }
type Kth<S extends Shape, A, B, C> = KthAlong<
  "kthvalue",
  S,
  Given<"k", A>,
  Or<Given<"dim", B, A>, -1>,
  Given<"keepdim", C, A | B>
>
export interface KthValue {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | KthOptions = number | KthOptions,
    const B extends number | KthOptions | undefined = undefined,
    const C extends boolean | KthOptions | undefined = undefined,
  >(
    this: Self,
    k: Arg<KnownOptions<"kthvalue", A, keyof KthOptions, Kth<S, A, B, C>>, A>,
    dim?: B,
    keepdim?: C,
  ): Found<Ok<Kth<OwnShape<Self>, A, B, C>>, OwnDType<Self>>
  function<
    S extends Shape,
    D extends DType,
    const A extends number | KthOptions,
    const B extends number | KthOptions | undefined = undefined,
    const C extends boolean | KthOptions | undefined = undefined,
  >(
    input: Tensor<S, D>,
    k: Arg<KnownOptions<"kthvalue", A, keyof KthOptions, Kth<S, A, B, C>>, A>,
    dim?: B,
    keepdim?: C,
  ): Found<Ok<Kth<S, A, B, C>>, D>
}
