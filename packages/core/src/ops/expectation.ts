/** What the compiler knows of a tensor: asserted at run time, or forgotten. */

import type { DType } from "../dtype.ts"
import { shapeText, tensorText, valueText } from "../errors.ts"
import type { Tensor } from "../tensor.ts"
import type { Arg, Fits, Shape, Show, ShowTensor } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnDType, OwnShape } from "../types/signature.ts"

/** -1 stands for any size. */
type Sizes<T extends readonly number[]> = number extends T["length"]
  ? // biome-ignore lint/suspicious/noExplicitAny: how many sizes there are only the run knows
    any
  : { -readonly [K in keyof T]: T[K] extends -1 ? number : T[K] }
type Expected<S extends Shape, D, T extends Shape> =
  Fits<Sizes<T>, S> extends true ? T : `expect: expected a tensor of shape ${Show<T>}, got ${ShowTensor<S, D>}`

interface Expect {
  method: <
    Self extends Tensor,
    S extends Shape = OwnShape<Self>,
    D extends DType = OwnDType<Self>,
    const T extends readonly number[] = readonly number[],
  >(
    this: Self,
    shape: Arg<Expected<S, D, T>, T>,
  ) => Tensor<Sizes<T>, OwnDType<Self>>
  function: <S extends Shape, D extends DType, const T extends readonly number[]>(
    input: Tensor<S, D>,
    shape: Arg<Expected<S, D, T>, T>,
  ) => Tensor<Sizes<T>, D>
}

interface Dynamic {
  // biome-ignore lint/suspicious/noExplicitAny: that is the point
  method: <D extends DType>(this: Tensor<any, D>) => Tensor<any, D>
  // biome-ignore lint/suspicious/noExplicitAny: that is the point
  function: <D extends DType>(input: Tensor<any, D>) => Tensor<any, D>
}

export interface ExpectationOps {
  /**
   * The tensor itself, of a shape that the compiler knows from there on: `x.expect([32, 10])`; -1 stands for any size. Throws a
   * RangeError where the shape is another.
   */
  expect: Expect
  /** The tensor itself, of a shape that the compiler does not know from there on. */
  dynamic: Dynamic
}

export interface ExpectationMethods extends MethodsOf<ExpectationOps> {}

export const expect: FunctionOf<ExpectationOps["expect"]> = (x: Tensor, shape: unknown) => {
  if (!Array.isArray(shape)) throw new TypeError(`expect: shape must be an array of sizes, got ${valueText(shape)}`)
  if (shape.length !== x.ndim || shape.some((s, d) => s !== -1 && s !== x.shape[d]))
    throw new RangeError(`expect: expected a tensor of shape ${shapeText(shape)}, got ${tensorText(x)}`)
  return x
}

export const dynamic: FunctionOf<ExpectationOps["dynamic"]> = (x) => x

export const expectationMethods: Family = { expect, dynamic }
