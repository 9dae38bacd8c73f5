/** What losses of an input and a target are to the compiler. */
import type { DType, rules, Shape, Tensor } from "@taeda/core"
import type { Module as Members } from "../members.ts"
import type { AsShape, IsOwn, OwnInput } from "./layer.ts"
import type { Setting } from "./settings.ts"

/**
 * What a loss makes of an input and a target, before it is reduced: `shape`, `target` and `targetType` are filled in; `losses` is
 * then the shape, or the sentence of what is wrong with the target.
 */
export interface LossRule {
  readonly shape: unknown
  readonly target: unknown
  readonly targetType: unknown
  readonly losses: unknown
}

export interface BroadcastLoss<Op extends string> extends LossRule {
  readonly losses: rules.ElementLoss<Op, AsShape<this["shape"]>, AsShape<this["target"]>>
}
export interface ClassLoss<Op extends string, Probabilities extends boolean> extends LossRule {
  readonly losses: rules.ClassLoss<
    Op,
    AsShape<this["shape"]>,
    AsShape<this["target"]>,
    this["targetType"],
    Probabilities
  >
}

type Losses<R extends LossRule, S, T, E> = true extends rules.IsAny<S> | rules.IsAny<T>
  ? any
  : (R & { readonly shape: S; readonly target: T; readonly targetType: E })["losses"]

/** A loss with the rule R, made with the settings A, of which the one at place I is the reduction. */
export interface Loss<R extends LossRule, I extends string, A = unknown> extends Members {
  /** Runs `forward`, with the hooks around it. */
  <S extends Shape, D extends DType, T extends Shape, E extends DType>(
    input: Tensor<S, D>,
    target: IsOwn<this["forward"]> extends true
      ? rules.Arg<Losses<R, S, T, E>, Tensor<T, E>>
      : Parameters<this["forward"]>[1],
  ): IsOwn<this["forward"]> extends true
    ? Tensor<rules.LossShape<Setting<A, I, "reduction">, rules.Ok<Losses<R, S, T, E>>>, D>
    : ReturnType<this["forward"]>
  /** What a call computes. */
  forward(input: OwnInput, target: Tensor): Tensor
}
