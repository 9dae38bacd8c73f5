/** Arguments of a signature: each by position, or by name in a trailing object, as `bind` takes them. */
import type { Tensor } from "../tensor.ts"
import type { IsAny, List, Sentence, Verdict } from "./shape.ts"

/** Whether P is an object of options: no number, list or tensor. */
export type IsOptions<P> = P extends object ? (P extends readonly unknown[] | Tensor ? false : true) : false

/** The field N of an object of options; undefined where there is none, `any` where only the run knows. */
export type Field<P, N extends string> = P extends { readonly [K in N]?: infer X }
  ? unknown extends X
    ? IsAny<X> extends true
      ? any
      : undefined
    : X
  : undefined

/**
 * The argument N of which P stands in its place; `Before` are those of the places before it, the last of which may be the
 * options. Undefined where it is not given, `any` where only the run knows.
 */
export type Given<N extends string, P, Before = never> = unknown extends P
  ? any
  : [P] extends [undefined]
    ? [Before] extends [never]
      ? undefined
      : Options<Before> extends infer O
        ? [O] extends [never]
          ? undefined
          : Field<O, N>
        : never
    : IsOptions<P> extends true
      ? Field<P, N>
      : P
/** Those of a union that are options. */
type Options<P> = P extends unknown ? (IsOptions<P> extends true ? P : never) : never

/** The tensor that A is, or that stands in its field N; `Before` as for `Given`. */
export type TensorOf<A, N extends string, Before = never> =
  Given<N, A, Before> extends infer T extends Tensor ? T : Tensor

/** A dim, or several. */
export type DimList = number | readonly number[]

/** `X`, or what stands for it where it is not given; `any` where only the run knows. */
export type Or<X, Default> = unknown extends X ? any : [X] extends [undefined] ? Default : X

/** Sizes one by one, as a list, or by the name N. */
export type Sizes<N extends string> =
  | readonly number[]
  | readonly [readonly number[] | { readonly [K in N]: readonly number[] }]
export type SizesOf<A> = A extends readonly [infer L]
  ? L extends List
    ? L
    : L extends object
      ? L[keyof L] extends infer Q extends List
        ? Q
        : never
      : A
  : A extends List
    ? A
    : never

/** The arguments `A`, each the sentence where the rule `R` gave one. */
export type AllArgs<R, A extends readonly unknown[]> = [Verdict<R>] extends [never]
  ? { [K in keyof A]: Sentence<R> }
  : A

/** What the first of several arguments is held to: `Own` where the next follows by position, else the rule of them all. */
export type Early<Next, Own, All> = [Next] extends [undefined] ? All : Own

/** `R`, or the sentence of an object A of options with one that Op does not have; `N` are the names of those it has. */
export type KnownOptions<Op extends string, A, N, R> =
  IsOptions<A> extends true
    ? [Exclude<keyof A, N>] extends [never]
      ? R
      : `${Op}: unknown option "${Exclude<keyof A, N> & string}"`
    : R

/** The type of an argument after one of type A: `P`, or the sentence where that is the options, which come last. */
export type Behind<Op extends string, A, P> =
  IsOptions<A> extends true ? `${Op}: dim must be an integer or an array of integers, got an object` : P
