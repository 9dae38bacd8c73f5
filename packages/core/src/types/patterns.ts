/** The signatures that many ops share. How they are written, and why so, stands in `signature.ts`. */

import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { Behind, Field, KnownOptions } from "./arguments.ts"
import type { CheckDim, Reduced } from "./dims.ts"
import type {
  CastInto,
  DefaultInt,
  DTypeRule,
  DTypeRules,
  HostNumber,
  One,
  OneFloatDType,
  Promote,
  Promote3,
  PromoteNumber,
  Settled,
  Taken,
} from "./dtype.ts"
import type { Arg, Broadcast, Broadcast3, BroadcastInto, Ok, Shape } from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"

/**
 * One tensor in, one of the same shape out; `T` is a row of `DTypeRules`, `A` the arguments that follow, `Op` the op's name where not all
 * dtypes are taken. Ops that write into their input are "same".
 */
export interface Elementwise<
  T extends DTypeRule = "same",
  A extends readonly unknown[] = [],
  Op extends string = never,
> {
  method: ElementwiseMethod<T, A, Op>
  function: ElementwiseFunction<T, A, Op>
}
export interface ElementwiseMethod<T extends DTypeRule, A extends readonly unknown[], Op extends string = never> {
  <Self extends Tensor>(
    this: Arg<Taken<Op, T, OwnDType<Self>, []>, Self>,
    ...args: A
  ): Tensor<OwnShape<Self>, DTypeRules<OwnDType<Self>>[T]>
}
/** An interface, so that the method can be made from it (`MethodsOfFunctions`). */
export interface ElementwiseFunction<
  T extends DTypeRule = "same",
  A extends readonly unknown[] = [],
  Op extends string = never,
> {
  <S extends Shape, D extends DType>(
    input: Arg<Taken<Op, T, D, []>, Tensor<S, D>>,
    ...args: A
  ): Tensor<S, DTypeRules<D>[T]>
}
/** The methods of functions that are all `ElementwiseFunction`s. */
export type ElementwiseMethods<F> = {
  [K in keyof F]: F[K] extends ElementwiseFunction<infer T, infer A, infer Op> ? ElementwiseMethod<T, A, Op> : never
}

/** An op that writes into its input. */
export type ElementwiseInPlace = Elementwise

// ---- two operands ----

/** The dtypes that an op of two operands gives, from the promoted one. */
interface BinaryRules<D> extends DTypeRules<D> {
  promote: D
}
export type BinaryRule = keyof BinaryRules<unknown>

/**
 * The dtype of S and D with a tensor of R and E, or with the number V where E is never, or of that tensor with the number U where
 * D is never.
 */
export type Promotion<S extends Shape, D, R extends Shape, E, V, U = never> = [E] extends [never]
  ? PromoteNumber<D, V>
  : [D] extends [never]
    ? PromoteNumber<E, U>
    : Promote<S, D, R, E>

/** The shape and dtype of an operand that is a number V; both `any` where only the run knows what it is. */
export type ShapeBeside<V> = unknown extends V ? any : []
export type DTypeBeside<V, OfNumber = never> = unknown extends V ? any : OfNumber

/** A tensor or a number, by position or by name with the options K. */
export type Other<R extends Shape, E extends DType, V, Name extends string, K> =
  | Tensor<R, E>
  | V
  | ({ readonly [N in Name]: Tensor<R, E> | V } & Partial<K>)

/**
 * The input and a tensor that broadcasts with it, or a number. `Op` names the op in the sentence, `T` is the row of the dtype
 * rules, K the options by name, `Name` the parameter. As a function it takes a number for the input as well.
 */
export interface Binary<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> {
  method: BinaryMethod<Op, T, K, Name>
  function: BinaryFunction<Op, T, K, Name>
}
export interface BinaryMethod<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    D extends DType = OwnDType<Self>,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
  >(
    this: Self,
    other: Arg<Taken<Op, T, Promotion<S, D, R, E, V>, Broadcast<S, R, Op>>, Other<R, E, V, Name, K>>,
    options?: Partial<K>,
  ): Tensor<
    Ok<Broadcast<OwnShape<Self>, R, Op>>,
    Settled<BinaryRules<Promotion<OwnShape<Self>, OwnDType<Self>, R, E, V>>[T]>
  >
}
export interface BinaryFunction<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> {
  <
    U extends HostNumber = never,
    S extends Shape = ShapeBeside<U>,
    D extends DType = DTypeBeside<U>,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
  >(
    input: Tensor<S, D> | U,
    other: Arg<Taken<Op, T, Promotion<S, D, R, E, V, U>, Broadcast<S, R, Op>>, Other<R, E, V, Name, K>>,
    options?: Partial<K>,
  ): Tensor<Ok<Broadcast<S, R, Op>>, Settled<BinaryRules<Promotion<S, D, R, E, V, U>>[T]>>
}

/** As `Binary`, whose function also takes everything by name, the input as `self`. */
export interface BinaryOfSelf<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> {
  method: BinaryMethod<Op, T, K, Name>
  function: BinaryOfSelfFunction<Op, T, K, Name>
}
/** What the two forms are told apart by is the number of arguments, so that a sentence stays one line. */
export interface BinaryOfSelfFunction<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> extends BinaryFunction<Op, T, K, Name> {
  <
    U extends HostNumber = never,
    S extends Shape = ShapeBeside<U>,
    D extends DType = DTypeBeside<U>,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
  >(
    named: Arg<
      Taken<Op, T, Promotion<S, D, R, E, V, U>, Broadcast<S, R, Op>>,
      { readonly self: Tensor<S, D> | U } & { readonly [N in Name]: Tensor<R, E> | V } & Partial<K>
    >,
  ): Tensor<Ok<Broadcast<S, R, Op>>, Settled<BinaryRules<Promotion<S, D, R, E, V, U>>[T]>>
}

/** The rule of an op that writes the result of `Binary<Op, T>` into its input. */
type Into<Op extends string, T extends BinaryRule, S extends Shape, D, R extends Shape, E, V> =
  Promotion<S, D, R, E, V> extends infer P
    ? Taken<Op, T, P, CastInto<Op, BinaryRules<P>[T], D, BroadcastInto<S, R, Op>>>
    : never

/** As `Binary`, writing into the input, whose shape and dtype stay. `Op` is the name without the underscore. */
export interface BinaryInPlace<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> {
  method: BinaryInPlaceMethod<Op, T, K, Name>
  function: BinaryInPlaceFunction<Op, T, K, Name>
}
export interface BinaryInPlaceMethod<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    D extends DType = OwnDType<Self>,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
  >(
    this: Self,
    other: Arg<Into<Op, T, S, D, R, E, V>, Other<R, E, V, Name, K>>,
    options?: Partial<K>,
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
}
export interface BinaryInPlaceFunction<
  Op extends string,
  T extends BinaryRule = "promote",
  K = unknown,
  Name extends string = "other",
> {
  <
    S extends Shape,
    D extends DType,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
  >(
    input: Tensor<S, D>,
    other: Arg<Into<Op, T, S, D, R, E, V>, Other<R, E, V, Name, K>>,
    options?: Partial<K>,
  ): Tensor<S, D>
}

// ---- three tensors ----

/** What is done with three dtypes: they are promoted, or must be one of floats. */
type TernaryRule = "promote" | "one"
/** The rule of the dtypes, then that of the shapes, `R`. */
type Together<
  Op extends string,
  T extends TernaryRule,
  S extends Shape,
  D,
  Q extends Shape,
  E,
  P extends Shape,
  F,
  V,
  R,
> = T extends "one" ? OneFloatDType<Op, S, D, Q, E, P, F, V, R> : R

/**
 * The input and two more tensors, all broadcast; the last may be a number. `A` and `B` are their names, `K` the options, `T` what is
 * done with their dtypes.
 */
export interface Ternary<
  Op extends string,
  A extends string,
  B extends string,
  K = unknown,
  T extends TernaryRule = "promote",
> {
  method: TernaryMethod<Op, A, B, K, T>
  function: TernaryFunction<Op, A, B, K, T>
}
export interface TernaryMethod<
  Op extends string,
  A extends string,
  B extends string,
  K = unknown,
  T extends TernaryRule = "promote",
> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    D extends DType = OwnDType<Self>,
    R extends Shape = Shape,
    E extends DType = DType,
    V extends HostNumber = never,
    Q extends Shape = ShapeBeside<V>,
    F extends DType = DTypeBeside<V, D>,
  >(
    this: Self,
    first: Tensor<R, E> | TernaryByName<A, B, Tensor<R, E>, Tensor<Q, F> | V, K>,
    second?: Arg<Together<Op, T, S, D, R, E, Q, F, V, Broadcast3<S, R, Q, Op>>, Other<Q, F, V, B, K>>,
    options?: Partial<K>,
  ): Tensor<Ok<Broadcast3<OwnShape<Self>, R, Q, Op>>, Settled<Promote3<OwnShape<Self>, OwnDType<Self>, R, E, Q, F>>>
}
export interface TernaryFunction<
  Op extends string,
  A extends string,
  B extends string,
  K = unknown,
  T extends TernaryRule = "promote",
> {
  <
    S extends Shape,
    D extends DType,
    R extends Shape,
    E extends DType,
    V extends HostNumber = never,
    Q extends Shape = ShapeBeside<V>,
    F extends DType = DTypeBeside<V, D>,
  >(
    input: Tensor<S, D>,
    first: Tensor<R, E> | TernaryByName<A, B, Tensor<R, E>, Tensor<Q, F> | V, K>,
    second?: Arg<Together<Op, T, S, D, R, E, Q, F, V, Broadcast3<S, R, Q, Op>>, Other<Q, F, V, B, K>>,
    options?: Partial<K>,
  ): Tensor<Ok<Broadcast3<S, R, Q, Op>>, Settled<Promote3<S, D, R, E, Q, F>>>
}
type TernaryByName<A extends string, B extends string, X, Y, K> = { readonly [N in A]: X } & {
  readonly [N in B]: Y
} & Partial<K>

/** As `Ternary`, writing into the input. */
export interface TernaryInPlace<
  Op extends string,
  A extends string,
  B extends string,
  K = unknown,
  T extends TernaryRule = "promote",
> {
  method: TernaryInPlaceMethod<Op, A, B, K, T>
  function: TernaryInPlaceFunction<Op, A, B, K, T>
}
export interface TernaryInPlaceMethod<
  Op extends string,
  A extends string,
  B extends string,
  K = unknown,
  T extends TernaryRule = "promote",
> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    D extends DType = OwnDType<Self>,
    R extends Shape = Shape,
    E extends DType = DType,
    V extends HostNumber = never,
    Q extends Shape = ShapeBeside<V>,
    F extends DType = DTypeBeside<V, D>,
  >(
    this: Self,
    first: Arg<BroadcastInto<S, R, Op>, Tensor<R, E> | TernaryByName<A, B, Tensor<R, E>, Tensor<Q, F> | V, K>>,
    second?: Arg<Together<Op, T, S, D, R, E, Q, F, V, BroadcastInto<S, Q, Op>>, Other<Q, F, V, B, K>>,
    options?: Partial<K>,
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
}
export interface TernaryInPlaceFunction<
  Op extends string,
  A extends string,
  B extends string,
  K = unknown,
  T extends TernaryRule = "promote",
> {
  <
    S extends Shape,
    D extends DType,
    R extends Shape,
    E extends DType,
    V extends HostNumber = never,
    Q extends Shape = ShapeBeside<V>,
    F extends DType = DTypeBeside<V, D>,
  >(
    input: Tensor<S, D>,
    first: Arg<BroadcastInto<S, R, Op>, Tensor<R, E> | TernaryByName<A, B, Tensor<R, E>, Tensor<Q, F> | V, K>>,
    second?: Arg<Together<Op, T, S, D, R, E, Q, F, V, BroadcastInto<S, Q, Op>>, Other<Q, F, V, B, K>>,
    options?: Partial<K>,
  ): Tensor<S, D>
}

// ---- reductions ----

/** One dim, several, or all of them. */
export type DimArg = number | readonly number[] | null

export interface DtypeOption {
  dtype: DType | null
}
/** `dim` and `keepdim` by name, with the options K. */
type ByName<A, K> = And<{ dim?: A; keepdim?: boolean }, K>
type KeepByName<K> = And<{ keepdim?: boolean }, K>
/** With the options K too. (Of none there is nothing: an intersection with `{}` would take any option.) */
type And<Own, K> = unknown extends K ? Own : Own & Partial<K>

/** The dims that A gives, itself or by name. */
export type DimOf<A> = A extends number | readonly number[] | null | undefined ? A : Field<A, "dim">

/**
 * A, and lists of dims where A is a number that only the run knows: of an argument of type `number | number[]` the compiler infers
 * the number alone.
 */
export type DimsLike<A> = number extends A ? A | readonly number[] : A

/** A flag that is false where it is not given; `boolean` where only the run knows. */
type Flag<X> = [X] extends [undefined] ? false : undefined extends X ? boolean : X
/** `keepdim`: K itself, or by name in K or A. */
export type KeepOf<A, K> = K extends true
  ? true
  : K extends false
    ? Flag<Field<A, "keepdim">>
    : Flag<Field<K, "keepdim">>

/** The dtype named in one of three places, or else `Default`. */
export type Named<A, K, O, Default> = [DtypeIn<A> | DtypeIn<K> | DtypeIn<O>] extends [never]
  ? Default
  : DtypeIn<A> | DtypeIn<K> | DtypeIn<O>
export type DtypeIn<A> = A extends { readonly dtype?: infer E } ? (E extends DType ? E : never) : never

/**
 * A reduction over all elements, one dim or several. `T` is the row of the dtype rules; `K` is `DtypeOption` where the dtype may
 * be named; `Dims` what the dim may be; `Empty` what an empty list of dims means.
 */
export interface Reduction<Op extends string, T extends DTypeRule, K = unknown, Dims = DimArg, Empty = "all"> {
  method: ReductionMethod<Op, T, K, Dims, Empty>
  function: ReductionFunction<Op, T, K, Dims, Empty>
}
export interface ReductionMethod<Op extends string, T extends DTypeRule, K = unknown, Dims = DimArg, Empty = "all"> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends Dims | ByName<Dims, K> | undefined = undefined,
    const P extends boolean | KeepByName<K> = false,
    const O extends Partial<K> = never,
  >(
    this: Arg<Taken<Op, T, OwnDType<Self>, [], DtypeIn<A | P | O>>, Self>,
    dim?: Arg<KnownOptions<Op, A, keyof ByName<Dims, K>, CheckDim<Op, S, DimOf<A>>>, DimsLike<A>>,
    keepdim?: Behind<Op, A, P>,
    options?: O,
  ): Tensor<Reduced<OwnShape<Self>, DimOf<A>, KeepOf<A, P>, Empty>, Named<A, P, O, DTypeRules<OwnDType<Self>>[T]>>
}
export interface ReductionFunction<Op extends string, T extends DTypeRule, K = unknown, Dims = DimArg, Empty = "all"> {
  <
    S extends Shape,
    D extends DType,
    const A extends Dims | ByName<Dims, K> | undefined = undefined,
    const P extends boolean | KeepByName<K> = false,
    const O extends Partial<K> = never,
  >(
    input: Arg<Taken<Op, T, D, [], DtypeIn<A | P | O>>, Tensor<S, D>>,
    dim?: Arg<KnownOptions<Op, A, keyof ByName<Dims, K>, CheckDim<Op, S, DimOf<A>>>, DimsLike<A>>,
    keepdim?: Behind<Op, A, P>,
    options?: O,
  ): Tensor<Reduced<S, DimOf<A>, KeepOf<A, P>, Empty>, Named<A, P, O, DTypeRules<D>[T]>>
}

/** What results of two parts extend: a list of both. */
export type Two<A, B> = readonly [A, B]

/**
 * Values and their int32 positions, by name and in that order. Taken apart as a list they have one type, whose dtype is open where
 * theirs differ: a tuple would give each its own, but its method `values` stands in the way of the field.
 */
export interface Found<S extends Shape = any, D extends DType = any> extends Iterable<Tensor<S, One<D | DefaultInt>>> {
  readonly 0: Tensor<S, D>
  readonly 1: Tensor<S, DefaultInt>
  readonly values: Tensor<S, D>
  readonly indices: Tensor<S, DefaultInt>
}

// ---- along one dim ----

type AlongByName<K> = And<{ dim: number }, K>

/** An op along one dim that keeps the shape; `T` is the row of the dtype rules, `K` is `DtypeOption` where the dtype may be named. */
export interface Along<Op extends string, T extends DTypeRule = "same", K = unknown> {
  method: AlongMethod<Op, T, K>
  function: AlongFunction<Op, T, K>
}
export interface AlongMethod<Op extends string, T extends DTypeRule, K> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | AlongByName<K> = number | AlongByName<K>,
    const O extends Partial<K> = never,
  >(
    this: Arg<Taken<Op, T, OwnDType<Self>, [], DtypeIn<A | O>>, Self>,
    dim: Arg<KnownOptions<Op, A, keyof AlongByName<K>, CheckDim<Op, S, DimOf<A>>>, A>,
    options?: O,
  ): Tensor<OwnShape<Self>, Named<A, O, never, DTypeRules<OwnDType<Self>>[T]>>
}
export interface AlongFunction<Op extends string, T extends DTypeRule = "same", K = unknown> {
  <S extends Shape, D extends DType, const A extends number | AlongByName<K>, const O extends Partial<K> = never>(
    input: Arg<Taken<Op, T, D, [], DtypeIn<A | O>>, Tensor<S, D>>,
    dim: Arg<KnownOptions<Op, A, keyof AlongByName<K>, CheckDim<Op, S, DimOf<A>>>, A>,
    options?: O,
  ): Tensor<S, Named<A, O, never, DTypeRules<D>[T]>>
}

/** As `Along`, writing into the input. */
export interface AlongInPlace<Op extends string> {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | AlongByName<DtypeOption> = number | AlongByName<DtypeOption>,
  >(
    this: Self,
    dim: Arg<CheckDim<Op, S, DimOf<A>>, A>,
    options?: Partial<DtypeOption>,
  ) => Tensor<OwnShape<Self>, OwnDType<Self>>
  function: <S extends Shape, D extends DType, const A extends number | AlongByName<DtypeOption>>(
    input: Tensor<S, D>,
    dim: Arg<CheckDim<Op, S, DimOf<A>>, A>,
    options?: Partial<DtypeOption>,
  ) => Tensor<S, D>
}

/** Along one dim, values and positions in the input's shape. */
export interface RunningFound<Op extends string> {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const A extends number | { dim: number } = number | { dim: number },
  >(
    this: Self,
    dim: Arg<CheckDim<Op, S, DimOf<A>>, A>,
  ) => Found<OwnShape<Self>, OwnDType<Self>>
  function: <S extends Shape, D extends DType, const A extends number | { dim: number }>(
    input: Tensor<S, D>,
    dim: Arg<CheckDim<Op, S, DimOf<A>>, A>,
  ) => Found<S, D>
}
