/** The signatures of indexing. The shapes are worked out in `indexing-shapes.ts`. */
import type { DType } from "../dtype.ts"
import type { Index, IndexValue } from "../ops/indexing.ts"
import type { Tensor } from "../tensor.ts"
import type { AllArgs } from "./arguments.ts"
import type { At } from "./indexing-shapes.ts"
import type { Arg, Clash, List, Ok, Shape, Show } from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"

export interface AtSignature {
  method<Self extends Tensor, S extends Shape = OwnShape<Self>, const I extends readonly Index[] = readonly Index[]>(
    this: Self,
    ...indices: AllArgs<At<"at", S, I>, I>
  ): Tensor<Ok<At<"at", OwnShape<Self>, I>>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const I extends readonly Index[]>(
    input: Tensor<S, D>,
    ...indices: AllArgs<At<"at", S, I>, I>
  ): Tensor<Ok<At<"at", S, I>>, D>
}

/** A list of indices, or the only one. */
type IndexList = readonly Index[] | Exclude<Index, readonly unknown[]>
type Indices<I> = I extends readonly unknown[] ? I : [I]

/** V without the dims of size 1 in front that R has not. */
type Trimmed<V extends Shape, R extends Shape, V0 extends Shape = V> = V extends readonly [
  infer H,
  ...infer T extends Shape,
]
  ? V["length"] extends R["length"]
    ? V
    : H extends 1
      ? Trimmed<T, R, V0>
      : V
  : V
/** Whether V may broadcast to R. */
type Fits<V extends Shape, R extends Shape> = V extends readonly [...infer VI extends Shape, infer A]
  ? R extends readonly [...infer RI extends Shape, infer B]
    ? A extends 1
      ? Fits<VI, RI>
      : Clash<A, B> extends true
        ? false
        : Fits<VI, RI>
    : false
  : true
/** `Kept`, or the sentence of a value that does not broadcast to R. */
type Written<Op extends string, R, V> =
  V extends Tensor<infer X, any>
    ? R extends List
      ? number extends R["length"] | X["length"]
        ? []
        : R["length"] extends infer _
          ? Longer<X, R> extends infer T extends Shape
            ? Fits<T, R> extends true
              ? []
              : `${Op}: shape mismatch: value tensor of shape ${Show<X>} cannot be broadcast to indexing result of shape ${Show<R>}`
            : never
          : never
      : []
    : []
/** `Trimmed` where V has more dims than R. */
type Longer<V extends Shape, R extends Shape> = V extends readonly [...{ [K in keyof R]: number }, number, ...number[]]
  ? Trimmed<V, R>
  : V

export interface SetAtSignature {
  method<
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    const I extends IndexList = IndexList,
    V extends IndexValue = IndexValue,
  >(
    this: Self,
    indices: Arg<At<"setAt", S, Indices<I>>, I>,
    value: Arg<Written<"setAt", At<"setAt", S, Indices<I>>, V>, V>,
  ): Tensor<OwnShape<Self>, OwnDType<Self>>
  function<S extends Shape, D extends DType, const I extends IndexList, V extends IndexValue>(
    input: Tensor<S, D>,
    indices: Arg<At<"setAt", S, Indices<I>>, I>,
    value: Arg<Written<"setAt", At<"setAt", S, Indices<I>>, V>, V>,
  ): Tensor<S, D>
}
