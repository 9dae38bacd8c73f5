/** The shape of `einsum(equation, ...operands)`. The sentences are those of the errors that `ops/einsum.ts` throws. */
import type { Shapes } from "./joining-shapes.ts"
import type { BroadcastDims, Clash, List, Shape, Show, ShowDim } from "./shape.ts"

type Compact<E extends string, R extends string = ""> = E extends `${infer A} ${infer B}`
  ? Compact<B, `${R}${A}`>
  : `${R}${E}`

type Parts<I extends string, R extends string[] = []> = I extends `${infer A},${infer B}`
  ? Parts<B, [...R, A]>
  : [...R, I]

interface Letters {
  a: 0
  b: 0
  c: 0
  d: 0
  e: 0
  f: 0
  g: 0
  h: 0
  i: 0
  j: 0
  k: 0
  l: 0
  m: 0
  n: 0
  o: 0
  p: 0
  q: 0
  r: 0
  s: 0
  t: 0
  u: 0
  v: 0
  w: 0
  x: 0
  y: 0
  z: 0
  A: 0
  B: 0
  C: 0
  D: 0
  E: 0
  F: 0
  G: 0
  H: 0
  I: 0
  J: 0
  K: 0
  L: 0
  M: 0
  N: 0
  O: 0
  P: 0
  Q: 0
  R: 0
  S: 0
  T: 0
  U: 0
  V: 0
  W: 0
  X: 0
  Y: 0
  Z: 0
}

/** What is known of the labels: the size of each letter, and the dims that the ellipses broadcast to. */
interface Sizes {
  readonly letters: object
  readonly dots: Shape | null
}

type Fault<Text extends string> = { readonly fault: Text }

/** The number of letters, and whether there is an ellipsis. */
type LettersIn<P extends string, N extends 0[] = []> = P extends `...${infer T}`
  ? LettersIn<T, N>
  : P extends `${string}${infer T}`
    ? LettersIn<T, [...N, 0]>
    : N["length"]

/** A letter's size among those known: 1 gives way to others. */
type Bound<L extends object, C extends string, N> = C extends keyof L
  ? L[C] extends infer K
    ? K extends 1
      ? Omit<L, C> & { [X in C]: N }
      : N extends 1
        ? L
        : Clash<K, N> extends true
          ? null
          : number extends K
            ? Omit<L, C> & { [X in C]: N }
            : L
    : never
  : L & { [X in C]: N }

type Wrong<
  P extends string,
  E extends string,
  S extends Shape,
  I extends number,
> = Fault<`einsum: the number of subscripts in "${P}" (${LettersIn<P>}) does not match the number of dimensions (${S["length"]}) of operand ${I}, ${Show<S>}, in "${E}"`>

/** Binds the labels of one part to the sizes of its operand: from the front up to an ellipsis, then from the back. */
type BindPart<
  P extends string,
  S extends Shape,
  M extends Sizes,
  E extends string,
  I extends number,
  P0 extends string = P,
  S0 extends Shape = S,
> = P extends `...${infer T}`
  ? SplitBack<T, S> extends [infer Dots extends Shape, infer Back extends Shape]
    ? (M["dots"] extends Shape ? BroadcastDims<M["dots"], Dots> : Dots) extends infer D
      ? D extends List
        ? BindPart<T, Back, { letters: M["letters"]; dots: D }, E, I, P0, S0>
        : Fault<`einsum: a dim of the ellipsis`>
      : never
    : Wrong<P0, E, S0, I>
  : P extends `${infer C}${infer T}`
    ? C extends keyof Letters
      ? S extends readonly [infer H, ...infer U extends Shape]
        ? Bound<M["letters"], C, H> extends infer L
          ? L extends object
            ? BindPart<T, U, { letters: L; dots: M["dots"] }, E, I, P0, S0>
            : Fault<`einsum: subscript ${C} has size ${ShowDim<H>} for operand ${I}, ${Show<S0>}, which does not broadcast with previously seen size ${C extends keyof M["letters"] ? ShowDim<M["letters"][C]> : "?"} in "${E}"`>
          : never
        : Wrong<P0, E, S0, I>
      : Fault<`einsum: invalid subscript "${C}" in "${E}": subscripts must be letters, or "..."`>
    : S extends readonly []
      ? M
      : Wrong<P0, E, S0, I>

/** S without as many dims at the end as there are letters, and these. */
type SplitBack<T extends string, S extends Shape, Back extends Shape = []> = T extends `${string}${infer U}`
  ? S extends readonly [...infer A extends Shape, infer L extends number]
    ? SplitBack<U, A, [L, ...Back]>
    : null
  : [S, Back]

type BindAll<
  Ps extends readonly string[],
  L extends Shapes,
  E extends string,
  M = { letters: object; dots: null },
  I extends 0[] = [],
> = M extends Sizes
  ? Ps extends readonly [infer P extends string, ...infer R extends readonly string[]]
    ? L extends readonly [infer S extends Shape, ...infer T extends Shapes]
      ? BindAll<R, T, E, BindPart<P, S, M, E, I["length"]>, [...I, 0]>
      : never
    : M
  : M

/** The output's sizes. */
type Output<
  O extends string,
  M extends Sizes,
  E extends string,
  R extends Shape = [],
  Seen = never,
> = O extends `...${infer T}`
  ? Output<T, M, E, M["dots"] extends Shape ? [...R, ...M["dots"]] : R, Seen>
  : O extends `${infer C}${infer T}`
    ? C extends Seen
      ? `einsum: output subscript ${C} appears more than once in the output of "${E}"`
      : C extends keyof M["letters"]
        ? Output<T, M, E, [...R, M["letters"][C] extends infer N extends number ? N : number], Seen | C>
        : C extends keyof Letters
          ? `einsum: output subscript ${C} does not appear in the equation "${E}" for any input operand`
          : `einsum: invalid subscript "${C}" in "${E}": subscripts must be letters, or "..."`
    : R

/** The letters that occur once, in the order of the alphabet, capitals first; the ellipsis before them. */
type Once<
  I extends string,
  Seen extends string = never,
  Twice extends string = never,
> = I extends `${infer C}${infer T}`
  ? C extends keyof Letters
    ? C extends Seen
      ? Once<T, Seen, Twice | C>
      : Once<T, Seen | C, Twice>
    : Once<T, Seen, Twice>
  : Exclude<Seen, Twice>
type InAlphabet<
  L,
  A extends string = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
  R extends string = "",
> = A extends `${infer C}${infer T}` ? InAlphabet<L, T, C extends L ? `${R}${C}` : R> : R

type IsVague<L extends Shapes> = number extends L["length"] ? true : number extends L[number]["length"] ? true : false

type ByParts<
  E extends string,
  Ps extends readonly string[],
  O extends string,
  L extends Shapes,
> = Ps["length"] extends L["length"]
  ? IsVague<L> extends true
    ? any
    : BindAll<Ps, L, E> extends infer M
      ? M extends Fault<infer Text>
        ? Text
        : M extends Sizes
          ? Output<O, M, E>
          : never
      : never
  : number extends L["length"]
    ? any
    : L extends readonly []
      ? `einsum: must provide at least one operand for "${E}"`
      : `einsum: ${Ps extends readonly [...{ [K in keyof L]: unknown }, ...unknown[]] ? "fewer" : "more"} operands were provided (${L["length"]}) than specified in the equation "${E}" (${Ps["length"]})`

/** Sums of products over named dims. */
export type Einsum<E extends string, L extends Shapes> = string extends E
  ? any
  : Compact<E> extends infer C extends string
    ? C extends `${infer I}->${infer O}`
      ? O extends `${string}->${string}`
        ? `einsum: more than one "->" in "${E}"`
        : ByParts<E, Parts<I>, O, L>
      : ByParts<E, Parts<C>, `...${InAlphabet<Once<C>>}`, L>
    : never
