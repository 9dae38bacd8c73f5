/** The shape of a product of matrices and vectors. */
import type { BroadcastDims, Clash, Shape, Show, ShowDim, ShowFactor } from "./shape.ts"

/** The sentence of two factors whose inner sizes K and L differ; A and B are the factors without their batches. */
type Unfit<
  Op extends string,
  A extends Shape,
  B extends Shape,
  K,
  L,
> = `${Op}: mat1 and mat2 shapes cannot be multiplied (${ShowFactor<A>} and ${ShowFactor<B>}): the sizes ${ShowDim<K>} and ${ShowDim<L>} must be equal`

/** `R` where the inner sizes fit. */
type Fitting<Op extends string, A extends Shape, B extends Shape, K, L, R> =
  Clash<K, L> extends true ? Unfit<Op, A, B, K, L> : R

/** `a.matmul(b)`: the last two dims are multiplied, those before broadcast; a vector's missing dim is dropped again. */
export type MatMul<A extends Shape, B extends Shape, Op extends string = "matmul"> = number extends
  | A["length"]
  | B["length"]
  ? any
  : A extends readonly [...infer AB extends Shape, infer M extends number, infer K extends number]
    ? B extends readonly [...infer BB extends Shape, infer L extends number, infer N extends number]
      ? Clash<K, L> extends true
        ? Unfit<Op, [M, K], [L, N], K, L>
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
          ? Fitting<Op, A, B, K, L, []>
          : ZeroD<Op, A, B>
      : ZeroD<Op, A, B>

type ZeroD<
  Op extends string,
  A extends Shape,
  B extends Shape,
> = `${Op}: both arguments need to be at least 1D, but they are ${A["length"] & number}D and ${B["length"] & number}D`
