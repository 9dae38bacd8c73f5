/**
 * What a layer is to the compiler. A rule says what the layer makes of a shape and a dtype; the layer's call then has the types
 * that follow. The rules about shapes are those of the functions that the layers call, sentences included.
 */
import type { DType, rules, Shape, Tensor } from "@taeda/core"
import { Module as Members } from "../members.ts"

/** What is not known, and so not checked: of a class without its parameters. */
export type Open = any

/** A size that is known before any call: the last dim's, or the channels'. */
export type Trace = readonly [kind: "features" | "channels", size: number]

/**
 * What a layer makes of its input. `shape`, `dtype` and `settings` (the constructor's arguments) are filled in by whoever asks;
 * `gives` is then the result's shape, or the sentence of what is wrong with the input, and `as` its dtype.
 */
export interface Rule {
  readonly shape: unknown
  readonly dtype: unknown
  readonly settings: unknown
  readonly gives: unknown
  readonly as: unknown
  /** What a Sequential checks when it is made. */
  readonly takes: Trace | null
  /** What it knows of the result. "same": what it knew before; "channels": the same of channels, and nothing of features. */
  readonly leaves: Trace | "same" | "channels" | null
}

/** In place of a shape: the layer gives something else than a tensor. */
export interface Anything {
  readonly anything: true
}
/** In place of a shape: the layer gives a tensor of the shape G, and one of the same shape that tells where its elements were. */
export interface WithIndices<G> {
  readonly indexed: G
}

/** The layer gives a tensor of its input's dtype, and nothing is known before a call. */
export interface Plain extends Rule {
  readonly as: this["dtype"]
  readonly takes: null
  readonly leaves: null
}
/** Shape and dtype stay. */
export interface Same extends Rule {
  readonly gives: this["shape"]
  readonly as: this["dtype"]
  readonly takes: null
  readonly leaves: "same"
}

/** `this["shape"]` as the shape that it is. */
export type AsShape<X> = X extends infer S extends Shape ? S : never

/** A size of which nothing is known is a number. */
export type Size<N> = unknown extends N ? number : N extends number ? N : number

/** The rule with its blanks filled in. */
type Filled<R extends Rule, S, D, A> = R & { readonly shape: S; readonly dtype: D; readonly settings: A }

/** The shape that R makes of S; or the sentence; `any` where the input's rank is unknown. */
export type Gives<R extends Rule, S, D, A> = rules.IsAny<S> extends true ? any : Filled<R, S, D, A>["gives"]
/** The dtype that R makes of D. */
export type As<R extends Rule, S, D, A> = Filled<R, S, D, A>["as"]

/** The tensor of the shape G and the dtype E. */
export type Given<G, E> =
  rules.IsAny<G> extends true
    ? Tensor<any, AsDType<E>>
    : G extends Anything
      ? any
      : G extends WithIndices<infer R>
        ? rules.WithIndices<rules.Ok<R>, AsDType<E>>
        : Tensor<rules.Ok<G>, AsDType<E>>
export type AsDType<E> = E extends DType ? E : any

declare const OWN: unique symbol
/** Marks the input of a layer's own `forward`: a class that overrides it has it no longer. */
interface Own {
  readonly [OWN]?: true
}
export type OwnInput = Tensor & Own
/** Whether `forward` is the layer's own. */
export type IsOwn<F> = F extends (input: infer I, ...rest: never[]) => unknown
  ? rules.IsAny<I> extends true
    ? false
    : true extends Marked<I>
      ? true
      : false
  : false
/** Of each type of a union: whatever passes anything on takes more than tensors. */
type Marked<I> = I extends unknown ? (typeof OWN extends keyof I ? true : false) : never

export declare const RULE: unique symbol

/** A layer with the rule R, made with the settings A. */
export interface Layer<R extends Rule, A = unknown> extends Members {
  /** For the compiler alone. */
  readonly [RULE]?: readonly [R, A]
  /** Runs `forward`, with the hooks around it. */
  <S extends Shape, D extends DType>(
    input: IsOwn<this["forward"]> extends true
      ? rules.Arg<Gives<R, S, D, A>, Tensor<S, D>>
      : Parameters<this["forward"]>[0],
  ): IsOwn<this["forward"]> extends true ? Given<Gives<R, S, D, A>, As<R, S, D, A>> : ReturnType<this["forward"]>
  /** What a call computes. */
  forward(input: OwnInput): Tensor
}

/** The base class of layers with a rule. */
export const LayerBase = Members as unknown as {
  new <R extends Rule, A = unknown>(): Layer<R, A>
  readonly prototype: Members
}

/** Passes anything on. Its class may be changed; the rule is for layers in a row, of which it is one. */
export interface Passing extends Members {
  /** For the compiler alone. */
  readonly [RULE]?: readonly [Same, unknown]
  /** Runs `forward`, with the hooks around it. */
  <T>(input: T): T
  /** What a call computes. */
  // biome-ignore lint/complexity/noBannedTypes: this union takes a value of an unknown type
  forward(input: OwnInput | {} | null | undefined): any
}
