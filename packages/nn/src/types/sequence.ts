/** What comes out of layers in a row. */
import type { DType, rules, Shape, Tensor } from "@taeda/core"
import type { Anything, As, Given, Gives, IsOwn, RULE, Rule, Trace, WithIndices } from "./layer.ts"

export declare const LAYERS: unique symbol

type AnyFunction = (...args: any[]) => any

/** The rule and the settings of a layer whose class has not changed what it computes; null of other modules. */
type RuleOf<M> = M extends { readonly forward: infer F }
  ? typeof RULE extends keyof M
    ? IsOwn<F> extends true
      ? Exclude<M[typeof RULE], undefined>
      : null
    : null
  : null

/** What is known of a tensor on its way: [shape, dtype]. Else a sentence, or `any`. */
type Step<M, S, D> =
  RuleOf<M> extends readonly [infer R extends Rule, infer A]
    ? After<Gives<R, S, D, A>, As<R, S, D, A>>
    : M extends { readonly [LAYERS]?: infer L }
      ? typeof LAYERS extends keyof M
        ? Through<L, S, D>
        : Returned<M>
      : Returned<M>
type After<G, E> =
  rules.IsAny<G> extends true
    ? [any, E]
    : G extends string
      ? G
      : G extends Anything | WithIndices<unknown>
        ? any
        : [G, E]
type Returned<M> = M extends { readonly forward: infer F extends AnyFunction }
  ? ReturnType<F> extends infer T
    ? rules.IsAny<T> extends true
      ? any
      : T extends Tensor<infer S, infer D>
        ? [S, D]
        : any
    : never
  : any

/** [shape, dtype] behind the modules L, one after the other; the sentence of the first that does not fit; `any`. */
export type Through<L, S, D> = L extends readonly [infer M, ...infer Rest]
  ? Step<M, S, D> extends infer G
    ? rules.IsAny<G> extends true
      ? any
      : G extends readonly [infer T, infer E]
        ? Through<Rest, T, E>
        : G
    : never
  : L extends readonly []
    ? [S, D]
    : any

/** The modules of a list that is given as such. */
type Listed<L> = L extends readonly [infer One]
  ? One extends AnyFunction
    ? L
    : One extends readonly unknown[]
      ? One
      : any
  : // An empty one is there to be filled.
    L extends readonly []
    ? any
    : L

/** What modules in a row do to a tensor. */
export interface Sequence<L> {
  /** For the compiler alone. */
  readonly [LAYERS]?: Listed<L>
  /** Runs `forward`, with the hooks around it. */
  <S extends Shape, D extends DType>(
    input: IsOwn<this["forward"]> extends true ? Input<Listed<L>, S, D> : Parameters<this["forward"]>[0],
  ): IsOwn<this["forward"]> extends true ? Result<Through<Listed<L>, S, D>> : ReturnType<this["forward"]>
  forward(input: never): unknown
}
/** Whatever the first takes, where that is no layer of the library. */
type Input<L, S extends Shape, D extends DType> = L extends readonly [infer M, ...unknown[]]
  ? RuleOf<M> extends null
    ? typeof LAYERS extends keyof M
      ? rules.Arg<Through<L, S, D>, Tensor<S, D>>
      : any
    : rules.Arg<Through<L, S, D>, Tensor<S, D>>
  : any
type Result<G> =
  rules.IsAny<G> extends true ? any : G extends readonly [infer S, infer D] ? Given<S, D> : Tensor<any, any>

// ---- what is checked when it is made ----

type TraceOf<M, N extends "takes" | "leaves"> =
  RuleOf<M> extends readonly [infer R extends Rule, infer A] ? (R & { readonly settings: A })[N] : null

/** What is known behind M, of which T was known before. */
type Behind<M, T> =
  TraceOf<M, "leaves"> extends infer N
    ? N extends Trace
      ? N
      : N extends "same"
        ? T
        : N extends "channels"
          ? T extends readonly ["channels", number]
            ? T
            : null
          : null
    : never

/** The sentence of a module that takes another size than it will be given; null where that is not certain. */
type Misfit<M, T, I extends number> = T extends readonly [infer Kind extends string, infer N extends number]
  ? TraceOf<M, "takes"> extends readonly [infer Wanted, infer W extends number]
    ? Wanted extends Kind
      ? rules.Clash<W, N> extends true
        ? `Sequential: layer ${I} takes ${W} ${Kind}, but is given ${N}`
        : null
      : null
    : null
  : null

/** The modules L, with the sentence in the place of the first that does not fit. */
type Checked<L, T = null, R extends readonly unknown[] = []> = L extends readonly [infer M, ...infer Rest]
  ? Misfit<M, T, R["length"]> extends infer E
    ? E extends string
      ? [...R, E, ...Rest]
      : Checked<Rest, Behind<M, T>, [...R, M]>
    : never
  : R

/** What a Sequential of the modules L may be made of. */
export type Chained<L extends readonly unknown[]> = unknown extends L
  ? L
  : number extends L["length"]
    ? L
    : L extends readonly [unknown]
      ? L
      : Checked<L>
