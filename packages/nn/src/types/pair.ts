/** What layers of two tensors are to the compiler. */
import type { DType, rules, Shape, Tensor } from "@taeda/core"
import type { Module as Members } from "../members.ts"
import type { AsDType, AsShape, IsOwn, OwnInput, Size } from "./layer.ts"
import type { Setting } from "./settings.ts"

/**
 * What a layer makes of two tensors: `shape` and `dtype` are the first one's, `other` and `otherType` the second one's, `settings`
 * the constructor's arguments. `gives` is then the result's shape, or the sentence of what is wrong with the second, and `as` the
 * result's dtype.
 */
export interface PairRule {
  readonly shape: unknown
  readonly dtype: unknown
  readonly other: unknown
  readonly otherType: unknown
  readonly settings: unknown
  readonly gives: unknown
  readonly as: unknown
}

type Filled<R extends PairRule, S, D, T, E, A> = R & {
  readonly shape: S
  readonly dtype: D
  readonly other: T
  readonly otherType: E
  readonly settings: A
}

/** A layer of two tensors with the rule R, made with the settings A. */
export interface Pair<R extends PairRule, A = unknown> extends Members {
  /** Runs `forward`, with the hooks around it. */
  <S extends Shape, D extends DType, T extends Shape, E extends DType>(
    input: Tensor<S, D>,
    other: IsOwn<this["forward"]> extends true
      ? rules.Arg<Filled<R, S, D, T, E, A>["gives"], Tensor<T, E>>
      : Parameters<this["forward"]>[1],
  ): IsOwn<this["forward"]> extends true
    ? Tensor<rules.Ok<Filled<R, S, D, T, E, A>["gives"]>, AsDType<Filled<R, S, D, T, E, A>["as"]>>
    : ReturnType<this["forward"]>
  /** What a call computes. */
  forward(input: OwnInput, other: Tensor): Tensor
}

/** The dtype that the two promote to. */
type Promoted<R extends PairRule> = rules.Promote<AsShape<R["shape"]>, R["dtype"], AsShape<R["other"]>, R["otherType"]>

/** A bilinear map of inputs with I and J features to O. */
export interface BilinearRule<I, J, O> extends PairRule {
  readonly gives: rules.Bilinear<AsShape<this["shape"]>, AsShape<this["other"]>, [Size<O>, Size<I>, Size<J>]>
  readonly as: this["dtype"]
}

// ---- distances ----

export interface SimilarityRule extends PairRule {
  readonly as: Promoted<this>
  readonly gives: rules.SimilarityAlong<
    "cosineSimilarity",
    AsShape<this["shape"]>,
    AsShape<this["other"]>,
    rules.Or<Setting<this["settings"], "0", "dim">, 1>
  >
}
export interface DistanceRule extends PairRule {
  readonly as: Promoted<this>
  readonly gives: rules.PairDistance<
    "sub",
    AsShape<this["shape"]>,
    AsShape<this["other"]>,
    Setting<this["settings"], "2", "keepdim">
  >
}

// ---- losses of an input and a target: the setting at place I is the reduction ----

/** The losses of the elements reduced; a sentence stays. */
type Reduced<Losses, Reduction> =
  rules.IsAny<Losses> extends true
    ? rules.LossShape<Reduction, any>
    : Losses extends string
      ? Losses
      : rules.LossShape<Reduction, Losses>

/** `losses` are those of the elements. */
interface LossRule<I extends string> extends PairRule {
  readonly losses: unknown
  readonly gives: Reduced<this["losses"], Setting<this["settings"], I, "reduction">>
}
export interface BroadcastLoss<Op extends string, I extends string> extends LossRule<I> {
  readonly as: Promoted<this>
  readonly losses: rules.ElementLoss<Op, AsShape<this["shape"]>, AsShape<this["other"]>>
}
/** Of a target of the input's shape and dtype. */
export interface AlikeLoss<Op extends string, I extends string> extends LossRule<I> {
  readonly as: this["dtype"]
  readonly losses: rules.OneDType<
    Op,
    AsShape<this["shape"]>,
    this["dtype"],
    AsShape<this["other"]>,
    this["otherType"],
    rules.SameShape<Op, "target", AsShape<this["shape"]>, AsShape<this["other"]>>
  >
}
/** Of a target of floats, of the input's shape. */
export interface FloatsLoss<Op extends string, I extends string> extends LossRule<I> {
  readonly as: Promoted<this>
  readonly losses: rules.OnlyFloats<
    Op,
    this["otherType"],
    rules.SameShape<Op, "target", AsShape<this["shape"]>, AsShape<this["other"]>>
  >
}
/** One loss for each row of classes. */
export interface LabelLoss<Op extends string, I extends string> extends LossRule<I> {
  readonly as: Promoted<this>
  readonly losses: rules.ElementLoss<Op, AsShape<this["shape"]>, AsShape<this["other"]>> extends infer R
    ? rules.IsAny<R> extends true
      ? any
      : R extends readonly [...infer Rows, number]
        ? Rows
        : R
    : never
}
export interface ClassLoss<Op extends string, I extends string, Probabilities extends boolean> extends LossRule<I> {
  readonly losses: rules.ClassLoss<Op, AsShape<this["shape"]>, AsShape<this["other"]>, this["otherType"], Probabilities>
  readonly as: this["dtype"]
}

/** A loss of three tensors, or two and a number, whose setting at place I is the reduction. */
export interface TripleLoss<I extends string, Third extends Tensor | number, A = unknown> extends Members {
  /** Runs `forward`, with the hooks around it. */
  <S extends Shape, D extends DType, T extends Shape, E extends DType, const U extends Third>(
    input: Tensor<S, D>,
    second: Tensor<T, E>,
    third: U,
  ): IsOwn<this["forward"]> extends true
    ? Tensor<
        rules.LossShape<Setting<A, I, "reduction">, any>,
        U extends Tensor<infer R, infer F>
          ? true extends rules.IsAny<D> | rules.IsAny<E> | rules.IsAny<F>
            ? any
            : rules.Promote3<S, D, T, E, R, F>
          : rules.Promote<S, D, T, E>
      >
    : ReturnType<this["forward"]>
  /** What a call computes. */
  forward(input: OwnInput, second: Tensor, third: Third): Tensor
}
