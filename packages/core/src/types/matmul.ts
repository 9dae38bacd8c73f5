/** The shapes and signatures of products of matrices and vectors. */

import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { Mul } from "./arithmetic.ts"
import type { Reduced } from "./dims.ts"
import type { OneDType, OneDType3, PromoteTypes } from "./dtype.ts"
import type {
  Arg,
  BroadcastDims,
  BroadcastInto,
  Clash,
  Fits,
  List,
  Ok,
  Shape,
  Show,
  ShowDim,
  ShowFactor,
  ShowTensor,
} from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"

// ---- shapes ----

/** `R`, or the sentence of two factors whose inner sizes K and L differ; X and Y are their last two dims. */
type Fitting<Op extends string, X extends Shape, Y extends Shape, K, L, R> =
  Clash<K, L> extends true
    ? `${Op}: mat1 and mat2 shapes cannot be multiplied (${ShowFactor<X>} and ${ShowFactor<Y>}): the sizes ${ShowDim<K>} and ${ShowDim<L>} must be equal`
    : R

/** `a.matmul(b)`: the last two dims are multiplied, those before broadcast; a vector's missing dim is dropped again. */
export type MatMul<A extends Shape, B extends Shape, Op extends string = "matmul"> = number extends
  | A["length"]
  | B["length"]
  ? any
  : A extends readonly [...infer AB extends Shape, infer M extends number, infer K extends number]
    ? B extends readonly [...infer BB extends Shape, infer L extends number, infer N extends number]
      ? Clash<K, L> extends true
        ? Fitting<Op, [M, K], [L, N], K, L, never>
        : AB extends readonly []
          ? [...BB, M, N]
          : BB extends readonly []
            ? [...AB, M, N]
            : BroadcastDims<AB, BB> extends infer R extends Shape
              ? [...R, M, N]
              : `${Op}: batch dims of ${Show<A>} and ${Show<B>}: shapes ${Show<AB>} and ${Show<BB>} do not broadcast`
      : B extends readonly [infer L extends number]
        ? Fitting<Op, [M, K], B, K, L, [...AB, M]>
        : ZeroD<Op, A, B>
    : A extends readonly [infer K extends number]
      ? B extends readonly [...infer BB extends Shape, infer L extends number, infer N extends number]
        ? Fitting<Op, A, [L, N], K, L, [...BB, N]>
        : B extends readonly [infer L extends number]
          ? Clash<K, L> extends true
            ? `${Op}: inconsistent tensor size, expected vectors of the same length, got ${Show<A>} and ${Show<B>}`
            : []
          : ZeroD<Op, A, B>
      : ZeroD<Op, A, B>

type ZeroD<
  Op extends string,
  A extends Shape,
  B extends Shape,
> = `${Op}: both arguments need to be at least 1D, but they are ${A["length"] & number}D and ${B["length"] & number}D`

/** `R` where the shape has `Rank` dims or may have them; `Role` is the argument's name. */
type OfRank<
  Op extends string,
  Rank extends number,
  S extends Shape,
  D,
  Role extends string,
  R,
> = number extends S["length"]
  ? R
  : S["length"] extends Rank
    ? R
    : `${Op}: ${Role} must be a ${Rank}-d tensor, got ${ShowTensor<S, D>}`
/** `OfRank` of both. */
type OfRanks<
  Op extends string,
  N extends number,
  S extends Shape,
  D,
  A extends string,
  M extends number,
  R extends Shape,
  E,
  B extends string,
  Q,
> = OfRank<Op, N, S, D, A, OfRank<Op, M, R, E, B, Q>>

/** A batch of matrices times another: equally many of both. */
type Batches<Op extends string, S extends Shape, D, R extends Shape, E> = OfRanks<
  Op,
  3,
  S,
  D,
  "batch1",
  3,
  R,
  E,
  "batch2",
  number extends S["length"] | R["length"]
    ? any
    : Clash<S[0], R[0]> extends true
      ? `${Op}: batch1 and batch2 must have the same number of batches, got ${ShowTensor<S, D>} and ${ShowTensor<R, E>}`
      : MatMul<S, R, Op>
>
type Vectors<Op extends string, S extends Shape, D, R extends Shape, E> = OfRanks<
  Op,
  1,
  S,
  D,
  "the first argument",
  1,
  R,
  E,
  "the second argument",
  MatMul<S, R, Op>
>
type Inner<S extends Shape, R extends Shape> = number extends S["length"] | R["length"]
  ? any
  : S extends readonly [...infer SI extends Shape, infer K extends number]
    ? R extends readonly [...infer RI extends Shape, infer L extends number]
      ? Clash<K, L> extends true
        ? `inner: the last dimensions must match but got shapes ${Show<S>} and ${Show<R>}`
        : [...SI, ...RI]
      : S
    : R

/** The shape of a product of a tensor of shape S and dtype D with one of R and E, by the op's name. */
interface Products<S extends Shape, D, R extends Shape, E> {
  matmul: MatMul<S, R>
  mm: OfRanks<"mm", 2, S, D, "input", 2, R, E, "mat2", MatMul<S, R, "mm">>
  bmm: Batches<"bmm", S, D, R, E>
  mv: OfRanks<"mv", 2, S, D, "input", 1, R, E, "vec", MatMul<S, R, "mv">>
  dot: Vectors<"dot", S, D, R, E>
  vdot: Vectors<"vdot", S, D, R, E>
  inner: Inner<S, R>
}
type Product<Op extends keyof Products<any, any, any, any>, S extends Shape, D, R extends Shape, E> = OneDType<
  Op,
  S,
  D,
  R,
  E,
  Products<S, D, R, E>[Op]
>

// ---- of two ----

/** `Op` of two tensors of one dtype; `Name` is the second one's. */
export interface MatrixProduct<Op extends keyof Products<any, any, any, any>, Name extends string> {
  method: MatrixProductMethod<Op, Name>
  function: MatrixProductFunction<Op, Name>
}
export interface MatrixProductMethod<Op extends keyof Products<any, any, any, any>, Name extends string> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    D extends DType = OwnDType<Self>,
    R extends Shape = Shape,
    E extends DType = DType,
  >(
    this: Self,
    other: Arg<Product<Op, S, D, R, E>, Tensor<R, E> | { [N in Name]: Tensor<R, E> }>,
  ): Tensor<Ok<Products<OwnShape<Self>, OwnDType<Self>, R, E>[Op]>, OwnDType<Self>>
}
export interface MatrixProductFunction<Op extends keyof Products<any, any, any, any>, Name extends string> {
  <S extends Shape, D extends DType, R extends Shape, E extends DType>(
    input: Tensor<S, D>,
    other: Arg<Product<Op, S, D, R, E>, Tensor<R, E> | { [N in Name]: Tensor<R, E> }>,
  ): Tensor<Ok<Products<S, D, R, E>[Op]>, D>
}

type OfVectors<Op extends string, S extends Shape, D, R extends Shape, E> = Argument1<
  Op,
  S,
  D,
  "input",
  Argument1<Op, R, E, "vec2", number extends S["length"] | R["length"] ? [S[0], R[0]] : [S[0], R[0]]>
>
type Argument1<Op extends string, S extends Shape, D, Role extends string, R> = number extends S["length"]
  ? R
  : S extends readonly [number]
    ? R
    : `${Op}: expected 1-d argument ${Role}, but got ${S["length"]}-d: ${ShowTensor<S, D>}`

/** The products of all elements of two vectors. */
export interface OuterProduct<Op extends string> {
  method: OuterProductMethod<Op>
  function: OuterProductFunction<Op>
}
export interface OuterProductMethod<Op extends string> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    D extends DType = OwnDType<Self>,
    R extends Shape = Shape,
    E extends DType = DType,
  >(
    this: Self,
    vec2: Arg<OfVectors<Op, S, D, R, E>, Tensor<R, E> | { vec2: Tensor<R, E> }>,
  ): Tensor<Ok<OfVectors<Op, OwnShape<Self>, OwnDType<Self>, R, E>>, PromoteTypes<OwnDType<Self>, E>>
}
export interface OuterProductFunction<Op extends string> {
  <S extends Shape, D extends DType, R extends Shape, E extends DType>(
    input: Tensor<S, D>,
    vec2: Arg<OfVectors<Op, S, D, R, E>, Tensor<R, E> | { vec2: Tensor<R, E> }>,
  ): Tensor<Ok<OfVectors<Op, S, D, R, E>>, PromoteTypes<D, E>>
}

/** Sizes multiplied dim by dim from the last; dims that one lacks count as 1. */
type Kron<S extends Shape, R extends Shape, Q extends Shape = []> = number extends S["length"] | R["length"]
  ? any
  : S extends readonly [...infer SI extends Shape, infer N extends number]
    ? R extends readonly [...infer RI extends Shape, infer M extends number]
      ? Kron<SI, RI, [Mul<N, M>, ...Q]>
      : [...S, ...Q]
    : [...R, ...Q]
export interface KroneckerProduct {
  method: KroneckerMethod
  function: KroneckerFunction
}
export interface KroneckerMethod {
  <Self extends Tensor, R extends Shape = Shape, E extends DType = DType>(
    this: Self,
    other: Tensor<R, E> | { other: Tensor<R, E> },
  ): Tensor<Kron<OwnShape<Self>, R>, PromoteTypes<OwnDType<Self>, E>>
}
export interface KroneckerFunction {
  <S extends Shape, D extends DType, R extends Shape, E extends DType>(
    input: Tensor<S, D>,
    other: Tensor<R, E> | { other: Tensor<R, E> },
  ): Tensor<Kron<S, R>, PromoteTypes<D, E>>
}

// ---- β·input + α·product ----

/** The product of the two factors, by the op's name. */
interface Factors<S extends Shape, D, R extends Shape, E> {
  addmm: OfRanks<"addmm", 2, S, D, "mat1", 2, R, E, "mat2", MatMul<S, R, "addmm">>
  addmv: OfRanks<"addmv", 2, S, D, "mat", 1, R, E, "vec", MatMul<S, R, "addmv">>
  addbmm: Summed<Batches<"addbmm", S, D, R, E>>
  baddbmm: Batches<"baddbmm", S, D, R, E>
  addr: OfRanks<"addr", 1, S, D, "vec1", 1, R, E, "vec2", [S[0], R[0]]>
}
/** Without the batch. */
type Summed<P> = P extends readonly [number, infer M extends number, infer N extends number] ? [M, N] : P

type Added<
  Op extends keyof Factors<any, any, any, any>,
  C extends Shape,
  D,
  S extends Shape,
  E,
  R extends Shape,
  F,
> = Factors<S, E, R, F>[Op] extends infer P
  ? P extends List
    ? BroadcastInto<P, C, "add"> extends string
      ? `${Op}: ${ShowTensor<C, D>} does not broadcast to the product's shape ${Show<P>}`
      : P
    : P
  : never
/** The rule of both factors, of one dtype with the input. */
type Addition<
  Op extends keyof Factors<any, any, any, any>,
  C extends Shape,
  D,
  S extends Shape,
  E,
  R extends Shape,
  F,
> = OneDType3<Op, C, D, S, E, R, F, Added<Op, C, D, S, E, R, F>>
/** As `Addition`, where the result must have the input's shape. */
type AdditionInto<
  Op extends keyof Factors<any, any, any, any>,
  C extends Shape,
  D,
  S extends Shape,
  E,
  R extends Shape,
  F,
> =
  Addition<Op, C, D, S, E, R, F> extends infer P
    ? P extends List
      ? Fits<C, P> extends true
        ? C
        : `${Op}_: input ${ShowTensor<C, D>} does not have the shape of the result, ${Show<P>}; use ${Op}`
      : P
    : never

interface Scale {
  beta?: number
  alpha?: number
}
type SecondFactor<R extends Shape, F extends DType, B extends string> =
  | Tensor<R, F>
  | ({ [N in B]: Tensor<R, F> } & Scale)
type BothFactors<
  S extends Shape,
  E extends DType,
  R extends Shape,
  F extends DType,
  A extends string,
  B extends string,
> = Tensor<S, E> | ({ [N in A]: Tensor<S, E> } & { [N in B]: Tensor<R, F> } & Scale)

/** β·input + α·(product of two factors named A and B). */
export interface AddedProduct<Op extends keyof Factors<any, any, any, any>, A extends string, B extends string> {
  method: AddedProductMethod<Op, A, B>
  function: AddedProductFunction<Op, A, B>
}
export interface AddedProductMethod<Op extends keyof Factors<any, any, any, any>, A extends string, B extends string> {
  <C extends Shape, D extends DType, S extends Shape, E extends DType, R extends Shape = any, F extends DType = any>(
    this: Tensor<C, D>,
    first: BothFactors<S, E, R, F, A, B>,
    second?: Arg<Addition<Op, C, D, S, E, R, F>, SecondFactor<R, F, B>>,
    options?: Scale,
  ): Tensor<Ok<Added<Op, C, D, S, E, R, F>>, D>
}
export interface AddedProductFunction<
  Op extends keyof Factors<any, any, any, any>,
  A extends string,
  B extends string,
> {
  <C extends Shape, D extends DType, S extends Shape, E extends DType, R extends Shape = any, F extends DType = any>(
    input: Tensor<C, D>,
    first: BothFactors<S, E, R, F, A, B>,
    second?: Arg<Addition<Op, C, D, S, E, R, F>, SecondFactor<R, F, B>>,
    options?: Scale,
  ): Tensor<Ok<Added<Op, C, D, S, E, R, F>>, D>
}

/** As `AddedProduct`, writing into the input. */
export interface AddedProductInPlace<Op extends keyof Factors<any, any, any, any>, A extends string, B extends string> {
  method: AddedProductInPlaceMethod<Op, A, B>
  function: AddedProductInPlaceFunction<Op, A, B>
}
export interface AddedProductInPlaceMethod<
  Op extends keyof Factors<any, any, any, any>,
  A extends string,
  B extends string,
> {
  <C extends Shape, D extends DType, S extends Shape, E extends DType, R extends Shape = any, F extends DType = any>(
    this: Tensor<C, D>,
    first: BothFactors<S, E, R, F, A, B>,
    second?: Arg<AdditionInto<Op, C, D, S, E, R, F>, SecondFactor<R, F, B>>,
    options?: Scale,
  ): Tensor<C, D>
}
export interface AddedProductInPlaceFunction<
  Op extends keyof Factors<any, any, any, any>,
  A extends string,
  B extends string,
> {
  <C extends Shape, D extends DType, S extends Shape, E extends DType, R extends Shape = any, F extends DType = any>(
    input: Tensor<C, D>,
    first: BothFactors<S, E, R, F, A, B>,
    second?: Arg<AdditionInto<Op, C, D, S, E, R, F>, SecondFactor<R, F, B>>,
    options?: Scale,
  ): Tensor<C, D>
}

// ---- over chosen dims, and of many ----

/** What is left of S and R after the last N dims of the one and the first N of the other, or after lists of dims of each. */
type Contracted<S extends Shape, R extends Shape, N> = number extends S["length"] | R["length"]
  ? any
  : N extends number
    ? Tails<S, N> extends [infer Rest extends Shape, infer Last extends Shape]
      ? Heads<Last, R, Rest> extends infer Q
        ? Q extends List
          ? [...Rest, ...Q]
          : Q
        : never
      : any
    : N extends { readonly dims: infer M }
      ? Contracted<S, R, M>
      : N extends readonly [infer A, infer B]
        ? [Reduced<S, A, false, "none">, Reduced<R, B, false, "none">] extends [
            infer Rows extends List,
            infer Columns extends List,
          ]
          ? [...Rows, ...Columns]
          : never
        : any
type Tails<S extends Shape, N extends number, T extends Shape = []> = T["length"] extends N
  ? [S, T]
  : S extends readonly [...infer I extends Shape, infer L extends number]
    ? Tails<I, N, [L, ...T]>
    : never
/** R without the dims of A, which it begins with; one of size 1 broadcasts. `Rest` is what comes before A. */
type Heads<A extends Shape, R extends Shape, Rest extends Shape, I extends Shape = []> = A extends readonly [
  infer K extends number,
  ...infer T extends Shape,
]
  ? R extends readonly [infer L extends number, ...infer U extends Shape]
    ? Clash<K, L> extends true
      ? 1 extends K | L
        ? Heads<T, U, Rest, [...I, 0]>
        : `tensordot: contracted dimensions need to match, but first has size ${ShowDim<K>} in dim ${[...Rest, ...I]["length"] & number} and second has size ${ShowDim<L>} in dim ${I["length"] & number}`
      : Heads<T, U, Rest, [...I, 0]>
    : any
  : R

type DimLists = readonly [readonly number[] | number, readonly number[] | number]
export interface Tensordot {
  <
    S extends Shape,
    D extends DType,
    R extends Shape,
    E extends DType,
    const N extends number | DimLists | { dims: number | DimLists } = 2,
  >(
    a: Tensor<S, D>,
    b: Arg<OneDType<"tensordot", S, D, R, E, Contracted<S, R, N>>, Tensor<R, E> | { b: Tensor<R, E>; dims?: N }>,
    dims?: N,
  ): Tensor<Ok<Contracted<S, R, N>>, D>
}

/** The rows of the first and the columns of the last; with a vector at an end that dim is missing. */
type Chained<T extends readonly unknown[]> = T extends readonly [Tensor<infer S, infer _D>]
  ? S
  : T extends readonly [Tensor<infer S, infer _D>, ...unknown[], Tensor<infer R, infer _E>]
    ? [FirstOf<S>, LastOf<R>] extends [infer M extends Shape, infer N extends Shape]
      ? number extends M["length"] | N["length"]
        ? any
        : [...M, ...N]
      : never
    : any
type FirstOf<S extends Shape> = S extends readonly [infer M extends number, number]
  ? [M]
  : S extends readonly [number]
    ? []
    : any
type LastOf<S extends Shape> = S extends readonly [number, infer N extends number]
  ? [N]
  : S extends readonly [number]
    ? []
    : any
export interface ChainMatmul {
  <const T extends readonly [Tensor, ...Tensor[]] | readonly [readonly Tensor[]]>(
    ...matrices: T
  ): Tensor<
    Chained<T extends readonly [infer L extends readonly unknown[]] ? L : T>,
    (T extends readonly [infer L extends readonly unknown[]] ? L : T)[0] extends Tensor<infer _S, infer D> ? D : any
  >
}
