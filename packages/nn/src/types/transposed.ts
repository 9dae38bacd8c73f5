/** What a transposed convolution is to the compiler: a call may say what size it wants. */
import type { DType, rules, Shape, Tensor } from "@taeda/core"
import type { Module as Members } from "../members.ts"
import type { As, Given, Gives, IsOwn, OwnInput, RULE, Rule } from "./layer.ts"

/** With the rule R, made with the settings A. */
export interface Transposed<R extends Rule, A = unknown> extends Members {
  /** For the compiler alone. */
  readonly [RULE]?: readonly [R, { readonly made: A; readonly size: undefined }]
  /** Runs `forward`, with the hooks around it. `outputSize`: the spatial sizes that the result is to have. */
  <S extends Shape, D extends DType, const O extends readonly number[] | null | undefined = undefined>(
    input: IsOwn<this["forward"]> extends true
      ? rules.Arg<Gives<R, S, D, { made: A; size: O }>, Tensor<S, D>>
      : Parameters<this["forward"]>[0],
    outputSize?: O,
  ): IsOwn<this["forward"]> extends true
    ? Given<Gives<R, S, D, { made: A; size: O }>, As<R, S, D, A>>
    : ReturnType<this["forward"]>
  /** What a call computes. */
  forward(input: OwnInput, outputSize?: readonly number[] | null): Tensor
}
