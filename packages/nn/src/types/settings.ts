/** The constructor's arguments of a layer, as a tuple of literal types: by position, or by name in a trailing object. */
import type { rules, Tensor } from "@taeda/core"

/** Whether X stands for itself: an object is one of options. */
type IsValue<X> = X extends object ? (X extends readonly unknown[] ? true : false) : true

/** What the trailing object says of N. */
type Named<A, N extends string> = A extends readonly [...unknown[], infer L]
  ? IsValue<L> extends true
    ? undefined
    : L extends { readonly [K in N]?: infer X }
      ? X
      : undefined
  : undefined

/** The setting N, the one at place I: undefined where it is not given, unknown where only the run knows. */
export type Setting<A, I extends string, N extends string> = unknown extends A
  ? unknown
  : A extends readonly unknown[]
    ? number extends A["length"]
      ? unknown
      : I extends keyof A
        ? IsValue<A[I]> extends true
          ? A[I]
          : Named<A, N>
        : Named<A, N>
    : unknown

/** The names of the object that has all arguments: the first form of `Args`. */
type NamesOf<All> = All extends readonly [(infer O)?] ? keyof NonNullable<O> : never

/**
 * The arguments A, of those that are taken, `All`. In the place of a trailing object with an option of another name stands the
 * sentence: of a type parameter the compiler does not look whether it has more than it should.
 */
export type Spelt<A extends readonly unknown[], All> = [rules.Verdict<Misspelt<A, All>>] extends [never]
  ? InsteadOfLast<A, rules.Sentence<Misspelt<A, All>>>
  : A
type InsteadOfLast<A extends readonly unknown[], Text> = A extends readonly [...infer First, unknown]
  ? [...First, Text]
  : A

/** The sentence of an option that has another name than those that there are. */
type Misspelt<A, All> = A extends readonly [...unknown[], infer Last]
  ? Last extends object
    ? Last extends readonly unknown[] | Tensor
      ? 0
      : OtherThan<keyof Last, NamesOf<All>>
    : 0
  : 0
/** Where only the run knows the keys, nothing is said. */
type OtherThan<Keys, Names> = string extends Keys
  ? 0
  : [Exclude<Keys, Names>] extends [never]
    ? 0
    : `unknown option "${Exclude<Keys, Names> & string}"`
