/** The signatures of choosing elementwise: where, clamp. */
import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { DefaultFloat, FloatDType, HostNumber, Settled } from "./dtype.ts"
import type { DTypeBeside, Promotion, ShapeBeside } from "./patterns.ts"
import type { Arg, Broadcast3, BroadcastInto, IsAny, Ok, Shape, ShowTensor } from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"

/** `R`, or the sentence of a condition that is not bool. */
type Conditional<C extends Shape, CD, R> =
  IsAny<CD> extends true
    ? R
    : [CD & ("bool" | "uint8")] extends [never]
      ? `where: expected condition to be a bool tensor, but got a tensor ${ShowTensor<C, CD>}`
      : R

/** The dtype of numbers alone. */
type OfNumbers<V> = [V] extends [never]
  ? any
  : [V] extends [boolean]
    ? "bool"
    : [V] extends [bigint]
      ? "int64"
      : DefaultFloat
type Chosen<S extends Shape, D, U, R extends Shape, E, V> = [D | E] extends [never]
  ? OfNumbers<U | V>
  : Promotion<S, D, R, E, V, U>

export interface Where {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    C extends Shape = Shape,
    CD extends DType = DType,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
  >(
    this: Self,
    condition: Arg<Conditional<C, CD, []>, Tensor<C, CD> | { condition?: Tensor<C, CD>; other?: Tensor<R, E> | V }>,
    other?: Arg<Broadcast3<C, S, R, "where">, Tensor<R, E> | V | { other?: Tensor<R, E> | V }>,
  ): Tensor<Ok<Broadcast3<C, OwnShape<Self>, R, "where">>, Settled<Promotion<OwnShape<Self>, OwnDType<Self>, R, E, V>>>
  function<
    C extends Shape,
    CD extends DType,
    U extends HostNumber = never,
    S extends Shape = ShapeBeside<U>,
    D extends DType = DTypeBeside<U>,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
  >(
    condition: Arg<Conditional<C, CD, []>, Tensor<C, CD>>,
    input: Tensor<S, D> | U | { input?: Tensor<S, D> | U; other?: Tensor<R, E> | V },
    other?: Arg<Broadcast3<C, S, R, "where">, Tensor<R, E> | V | { other?: Tensor<R, E> | V }>,
  ): Tensor<Ok<Broadcast3<C, S, R, "where">>, Settled<Chosen<S, D, U, R, E, V>>>
}

// ---- clamp ----

/** The dtype with bounds that are tensors of E and F, or the numbers V and W; `any` where that takes more than a look. */
type Clamped<D, E, V, F, W> =
  IsAny<D | E | F> extends true
    ? any
    : [E | F] extends [never]
      ? WithNumbers<D, V | W>
      : [E | F] extends [D]
        ? D extends FloatDType
          ? D
          : any
        : any
/** Integers stay with integral numbers alone. */
type WithNumbers<D, V> = D extends FloatDType ? D : `${V & (number | bigint)}` extends `${bigint}` ? D : any

export interface Clamp {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
    W extends HostNumber = never,
    Q extends Shape = ShapeBeside<W>,
    F extends DType = DTypeBeside<W>,
  >(
    this: Self,
    min?: Arg<
      Broadcast3<S, R, Q, "clamp">,
      Tensor<R, E> | V | null | { min?: Tensor<R, E> | V | null; max?: Tensor<Q, F> | W | null }
    >,
    max?: Tensor<Q, F> | W | null | { max?: Tensor<Q, F> | W | null },
  ): Tensor<Ok<Broadcast3<OwnShape<Self>, R, Q, "clamp">>, Settled<Clamped<OwnDType<Self>, E, V, F, W>>>
  function<
    S extends Shape,
    D extends DType,
    V extends HostNumber = never,
    R extends Shape = ShapeBeside<V>,
    E extends DType = DTypeBeside<V>,
    W extends HostNumber = never,
    Q extends Shape = ShapeBeside<W>,
    F extends DType = DTypeBeside<W>,
  >(
    input: Tensor<S, D>,
    min?: Arg<
      Broadcast3<S, R, Q, "clamp">,
      Tensor<R, E> | V | null | { min?: Tensor<R, E> | V | null; max?: Tensor<Q, F> | W | null }
    >,
    max?: Tensor<Q, F> | W | null | { max?: Tensor<Q, F> | W | null },
  ): Tensor<Ok<Broadcast3<S, R, Q, "clamp">>, Settled<Clamped<D, E, V, F, W>>>
}

/** The input's shape and dtype stay. */
export interface ClampInPlace {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, R extends Shape = [], Q extends Shape = []>(
    this: Self,
    min?: Arg<
      BroadcastInto<S, R, "clamp">,
      Tensor<R> | HostNumber | null | { min?: Tensor<R> | HostNumber | null; max?: Tensor<Q> | HostNumber | null }
    >,
    max?: Arg<BroadcastInto<S, Q, "clamp">, Tensor<Q> | HostNumber | null | { max?: Tensor<Q> | HostNumber | null }>,
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<S extends Shape, D extends DType, R extends Shape = [], Q extends Shape = []>(
    input: Tensor<S, D>,
    min?: Arg<
      BroadcastInto<S, R, "clamp">,
      Tensor<R> | HostNumber | null | { min?: Tensor<R> | HostNumber | null; max?: Tensor<Q> | HostNumber | null }
    >,
    max?: Arg<BroadcastInto<S, Q, "clamp">, Tensor<Q> | HostNumber | null | { max?: Tensor<Q> | HostNumber | null }>,
  ): Tensor<S, D>
}
