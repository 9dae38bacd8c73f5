/** The signatures of linear algebra beyond products. */

import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { KnownOptions } from "./arguments.ts"
import type { CheckDim, Reduced, SizeAt } from "./dims.ts"
import type { OnlyFloats, Promote, PromoteTypes, Summed } from "./dtype.ts"
import type { DimArg, DimOf, DimsLike, DtypeOption, KeepOf, Named } from "./patterns.ts"
import type { Arg, Broadcast, Clash, Ok, Shape, Show, ShowTensor } from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"

type AfterOrder = { dim?: DimArg; keepdim?: boolean } & Partial<DtypeOption>
type OrderByName<Name extends string, P> = { [K in Name]?: P } & AfterOrder
/** Whether the order P is an object of all options: the later places are empty then. */
type Later<P, A> = P extends { readonly [K in "dim" | "keepdim" | "dtype" | "p" | "ord"]?: unknown } ? P : A

/** A norm over all elements or over dims; `Name` is that of the order, which is a `P`. */
export interface NormOp<Op extends string, Name extends string, P> {
  method: NormMethod<Op, Name, P>
  function: NormFunction<Op, Name, P>
}
export interface NormMethod<Op extends string, Name extends string, P> {
  <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const Q extends P | OrderByName<Name, P> = P,
    const A extends DimArg | AfterOrder = null,
    const K extends boolean | Omit<AfterOrder, "dim"> = false,
    const O extends Partial<DtypeOption> = never,
  >(
    this: Arg<OnlyFloats<Op, OwnDType<Self>, []>, Self>,
    order?: Arg<KnownOptions<Op, Q, Name | keyof AfterOrder, []>, Q>,
    dim?: Arg<CheckDim<Op, S, DimOf<Later<Q, A>>>, DimsLike<A>>,
    keepdim?: K,
    options?: O,
  ): Tensor<Reduced<OwnShape<Self>, DimOf<Later<Q, A>>, KeepOf<Later<Q, A>, K>>, Named<Q | A, K, O, OwnDType<Self>>>
}
export interface NormFunction<Op extends string, Name extends string, P> {
  <
    S extends Shape,
    D extends DType,
    const Q extends P | OrderByName<Name, P> = P,
    const A extends DimArg | AfterOrder = null,
    const K extends boolean | Omit<AfterOrder, "dim"> = false,
    const O extends Partial<DtypeOption> = never,
  >(
    input: Arg<OnlyFloats<Op, D, []>, Tensor<S, D>>,
    order?: Arg<KnownOptions<Op, Q, Name | keyof AfterOrder, []>, Q>,
    dim?: Arg<CheckDim<Op, S, DimOf<Later<Q, A>>>, DimsLike<A>>,
    keepdim?: K,
    options?: O,
  ): Tensor<Reduced<S, DimOf<Later<Q, A>>, KeepOf<Later<Q, A>, K>>, Named<Q | A, K, O, D>>
}

/** A number from two tensors that broadcast. */
export interface Distance {
  method: <Self extends Tensor, S extends Shape = OwnShape<Self>, R extends Shape = Shape, E extends DType = DType>(
    this: Self,
    other: Arg<Broadcast<S, R, "sub">, Tensor<R, E> | { other: Tensor<R, E>; p?: number }>,
    p?: number | { p?: number },
  ) => Tensor<[], Promote<OwnShape<Self>, OwnDType<Self>, R, E>>
  function: <S extends Shape, D extends DType, R extends Shape, E extends DType>(
    input: Tensor<S, D>,
    other: Arg<Broadcast<S, R, "sub">, Tensor<R, E> | { other: Tensor<R, E>; p?: number }>,
    p?: number | { p?: number },
  ) => Tensor<[], Promote<S, D, R, E>>
}

type Matrix<Op extends string, S extends Shape, D> = number extends S["length"]
  ? S
  : S extends readonly [number, number]
    ? S
    : `${Op}: expected a tensor with 2 dims, got ${ShowTensor<S, D>}`
export interface Trace {
  method: <S extends Shape, D extends DType>(this: Arg<Matrix<"trace", S, D>, Tensor<S, D>>) => Tensor<[], Summed<D>>
  function: <S extends Shape, D extends DType>(input: Arg<Matrix<"trace", S, D>, Tensor<S, D>>) => Tensor<[], Summed<D>>
}

/** Vectors of three along one dim, the others broadcast. */
type Crossed<Op extends string, S extends Shape, R extends Shape, A> = number extends S["length"] | R["length"]
  ? any
  : S["length"] extends R["length"]
    ? DimOf<A> extends number
      ? CheckDim<Op, S, DimOf<A>> extends infer E
        ? E extends string
          ? E
          : true extends Clash<SizeAt<S, DimOf<A>>, 3> | Clash<SizeAt<R, DimOf<A>>, 3>
            ? `${Op}: expected a dim of size 3 in both inputs, got ${Show<S>} and ${Show<R>}`
            : Broadcast<S, R, "cross">
        : never
      : Broadcast<S, R, "cross">
    : `${Op}: inputs must have the same number of dims, got ${Show<S>} and ${Show<R>}`

type CrossDim = number | { dim?: number | null } | null
export interface Cross<Op extends string> {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    R extends Shape = Shape,
    E extends DType = DType,
    const A extends CrossDim = null,
  >(
    this: Self,
    other: Arg<Crossed<Op, S, R, A>, Tensor<R, E> | { other: Tensor<R, E>; dim?: number | null }>,
    dim?: A,
  ) => Tensor<Ok<Crossed<Op, OwnShape<Self>, R, A>>, PromoteTypes<OwnDType<Self>, E>>
  function: <S extends Shape, D extends DType, R extends Shape, E extends DType, const A extends CrossDim = null>(
    input: Tensor<S, D>,
    other: Arg<Crossed<Op, S, R, A>, Tensor<R, E> | { other: Tensor<R, E>; dim?: number | null }>,
    dim?: A,
  ) => Tensor<Ok<Crossed<Op, S, R, A>>, PromoteTypes<D, E>>
}
