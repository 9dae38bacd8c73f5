/** What the host reads of a tensor, and where a backward pass may begin. */
import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { IsAny, Shape, Show, ShowTensor } from "./shape.ts"
import type { Numel } from "./view-shapes.ts"

// ---- elements ----

/** The elements as the host sees them: half types as Float32Array, bool as Uint8Array, int64 as BigInt64Array. */
interface HostArrays {
  float32: Float32Array
  float64: Float64Array
  float16: Float32Array
  bfloat16: Float32Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  int32: Int32Array
  int64: BigInt64Array
  bool: Uint8Array
}
/** The typed array of a dtype, any of them where it is not known. */
export type HostArrayOf<D extends DType> = HostArrays[IsAny<D> extends true ? DType : D]

/** What the host sees of an element: a boolean of bool, for int64 a BigInt where a number is not exact, else a number. */
type ElementOf<D> =
  IsAny<D> extends true ? HostElement : D extends "bool" ? boolean : D extends "int64" ? number | bigint : number
type HostElement = number | bigint | boolean
/** Arrays in arrays, one for each dim. */
export type NestedElements<S extends Shape, D> = number extends S["length"]
  ? Nested<ElementOf<D>>
  : NestedIn<S, ElementOf<D>>
type NestedIn<S extends Shape, E> = S extends readonly [number, ...infer T extends Shape] ? NestedIn<T, E>[] : E
export type Nested<T> = T | Nested<T>[]

// ---- the only element ----

/** Whether the sizes may make one element. */
type MayBeOne<S extends Shape> = number extends S["length"]
  ? true
  : Exclude<S[number], 1> extends infer X
    ? [X] extends [never]
      ? true
      : number extends X
        ? true
        : false
    : never

/** The tensor, or the sentence of one that has more elements or none. */
type OneElement<Op extends string, S extends Shape, D extends DType> =
  MayBeOne<S> extends true
    ? Tensor<S, D>
    : `${Op}: a Tensor with ${Numel<S>} elements cannot be converted to Scalar (${ShowTensor<S, D>})`

/** As the host sees it; of int64 the type says number, which holds for all that a number holds exactly. */
type ItemOf<D extends DType> = IsAny<D> extends true ? number : D extends "bool" ? boolean : number

/**
 * Reading the only element. `T` may be named (`item<boolean>()`), for tensors whose dtype the compiler does not know; the shape is
 * `any` then, and goes unchecked.
 */
export interface Item<Op extends string, D extends DType> {
  awaited<T extends HostElement = ItemOf<D>, S extends Shape = any, E extends DType = any>(
    this: OneElement<Op, S, E>,
  ): Promise<T>
  now<T extends HostElement = ItemOf<D>, S extends Shape = any, E extends DType = any>(this: OneElement<Op, S, E>): T
}

// ---- backward passes ----

/** The tensor, or the sentence of one that cannot start a backward pass; `G` is the gradient that was given. */
export type Root<Op extends string, S extends Shape, D extends DType, G> = [G] extends [null | undefined]
  ? MayBeOne<S> extends true
    ? Tensor<S, D>
    : `${Op}: grad can be implicitly created only for scalar outputs, and this tensor has shape ${Show<S>}; give its gradient`
  : Tensor<S, D>

/** The gradients of inputs, each in its input's shape and dtype. */
export type GradientsOf<I> =
  IsAny<I> extends true
    ? Tensor[]
    : I extends readonly unknown[]
      ? { -readonly [K in keyof I]: I[K] extends Tensor<infer S, infer D> ? Tensor<S, D> : never }
      : I extends Tensor<infer S, infer D>
        ? [Tensor<S, D>]
        : never
