/**
 * The words that all signatures are written in.
 *
 * A shape is a tuple of sizes: literals, `number` for a size that only the run knows, `Dim<"B">` for one that has a name;
 * `any` where the number of dims is unknown too. A rule about shapes is a type that gives a tuple where the call is right and a
 * sentence (a string) where it is wrong. The parameter's own type then becomes the sentence, so that the compiler shows it at
 * the argument, in one line.
 */
import type { TypeConfig } from "./config.ts"

/** A shape in the types: a tuple of sizes, or `any` where unknown. */
export type Shape = readonly number[]

/** What a tuple of sizes extends within a generic function too, where the compiler does not look at what bounds the sizes' types. */
export type List = readonly any[]

declare const NAME: unique symbol

/**
 * A size that has a name instead of a value: `Tensor<[Dim<"batch">, 784]>`. It fits itself, `number` and unknown sizes, and no
 * other name and no literal but 1.
 */
export type Dim<N extends string> = number & { readonly [NAME]: N }

/**
 * Whether T is `any`. (The usual `0 extends 1 & T` is wrong of a type parameter of strings: the compiler takes `1 & T` for never
 * before it knows T.)
 */
export type IsAny<T> = unknown extends T ? ([keyof T] extends [never] ? false : true) : false

/**
 * Whether a rule gave a sentence: never if so. The comparison with never is the one that the compiler decides where R waits for the
 * type parameters of a generic function: whatever they may be there would not be never, so that what cannot be judged is let pass.
 */
export type Verdict<R> = [R] extends [never] ? "right" : R extends string ? never : "right"

/**
 * The sentence that a rule gave. (`infer` keeps the compiler from inferring the rule's own parameters from the argument, and `string`
 * from taking the argument for anything where the rule is not worked out yet.)
 */
export type Sentence<R> = [R] extends [infer E extends string] ? E : never

/** The parameter's type: `A`, or the sentence where the rule `R` gave one. */
export type Arg<R, A> = [Verdict<R>] extends [never] ? Sentence<R> : A

/** The shape that the rule `R` gave; `any` after a sentence, so that one mistake is told once. */
export type Ok<R> = R extends infer Q extends Shape ? Q : any

/** Whether T is a union of several types. */
export type IsUnion<T, U = T> = T extends U ? ([U] extends [T] ? false : true) : never

/** A list of sizes as the shape that a factory gives. */
export type Known<S> = TypeConfig extends { shapes: false }
  ? any
  : S extends Shape
    ? number extends S["length"]
      ? any
      : { -readonly [K in keyof S]: S[K] }
    : any

/** Two types at once: a comparison of these resolves for type parameters, where one of the bare parameters would wait. */
interface Pair<A, B> {
  readonly a: A
  readonly b: B
}

/** Whether A and B are the same type, also within a generic function. */
export type Same<A, B> = Pair<A, B> extends Pair<B, A> ? true : false

/** Whether the sizes A and B can never be equal: 3 and 4, or two names. */
export type Clash<A, B> = Pair<A, B> extends Pair<B, A> ? false : [A & B] extends [never] ? true : false

/** Whether A is a literal size. */
export type IsLiteral<A> = A extends number
  ? number extends A
    ? false
    : A extends { readonly [NAME]: string }
      ? false
      : `${A}` extends `${infer _ extends number}`
        ? true
        : false
  : false

/** A size as a sentence shows it: its digits, its name, or `?`. */
export type ShowDim<A> = A extends { readonly [NAME]: infer N extends string }
  ? N
  : A extends number
    ? number extends A
      ? "?"
      : `${A}` extends `${infer _ extends number}`
        ? `${A}`
        : "?"
    : "?"

type Joined<S extends Shape, By extends string, Text extends string = ""> = S extends readonly [
  infer H,
  ...infer T extends Shape,
]
  ? Joined<T, By, Text extends "" ? ShowDim<H> : `${Text}${By}${ShowDim<H>}`>
  : Text

/** A shape as a sentence shows it: `[2, 3]`. */
export type Show<S extends Shape> = number extends S["length"] ? "[...]" : `[${Joined<S, ", ">}]`

/** A tensor as a sentence shows it: `float32[2, 3]`. */
export type ShowTensor<S extends Shape, D> = `${[D] extends [string] ? D : "?"}${Show<S>}`

/** A shape as PyTorch writes it of factors: `2x3`. */
export type ShowFactor<S extends Shape> = Joined<S, "x">

type SizeOf<A, B> =
  Pair<A, B> extends Pair<B, A> | Pair<unknown, 1>
    ? [A]
    : A extends 1
      ? [B]
      : Clash<A, B> extends true
        ? "no"
        : number extends A
          ? [B]
          : [A]

/** From the last dim to the first; "no" where two sizes differ. */
export type BroadcastDims<A extends Shape, B extends Shape, R extends Shape = []> = A extends readonly [
  ...infer AI extends Shape,
  infer AL extends number,
]
  ? B extends readonly [...infer BI extends Shape, infer BL extends number]
    ? SizeOf<AL, BL> extends [infer L extends number]
      ? BroadcastDims<AI, BI, [L, ...R]>
      : "no"
    : [...A, ...R]
  : [...B, ...R]

/** The shape that A and B broadcast to. */
export type Broadcast<A extends Shape, B extends Shape, Op extends string = "broadcast"> = number extends
  | A["length"]
  | B["length"]
  ? any
  : B extends readonly []
    ? A
    : A extends readonly []
      ? B
      : BroadcastDims<A, B> extends infer R extends Shape
        ? R
        : `${Op}: shapes ${Show<A>} and ${Show<B>} do not broadcast`

/** The shape that three broadcast to; a number in the third place has none. */
export type Broadcast3<A extends Shape, B extends Shape, C extends Shape, Op extends string> =
  Broadcast<A, B> extends infer R
    ? R extends List
      ? Broadcast<R, C> extends infer Q
        ? Q extends string
          ? Unbroadcast3<A, B, C, Op>
          : Q
        : never
      : C extends readonly []
        ? Broadcast<A, B, Op>
        : Unbroadcast3<A, B, C, Op>
    : never
type Unbroadcast3<
  A extends Shape,
  B extends Shape,
  C extends Shape,
  Op extends string,
> = `${Op}: shapes ${Show<A>} and ${Show<B>} and ${Show<C>} do not broadcast`

/** A where B broadcasts to it, for ops that write into their input; `Op` is the op's name without the underscore. */
export type BroadcastInto<A extends Shape, B extends Shape, Op extends string> =
  Broadcast<A, B, Op> extends infer R
    ? Pair<A, R> extends Pair<R, A>
      ? A
      : R extends Shape
        ? Fits<A, R> extends true
          ? A
          : `${Op}_: output with shape ${Show<A>} doesn't match the broadcast shape ${Show<R>}`
        : R
    : never

/** Whether R has as many sizes as A and none that is certain to differ; true where either is unknown. */
export type Fits<A extends Shape, R extends Shape> = number extends A["length"] | R["length"]
  ? true
  : A extends readonly [infer H, ...infer T extends Shape]
    ? R extends readonly [infer G, ...infer U extends Shape]
      ? Clash<H, G> extends true
        ? false
        : Fits<T, U>
      : false
    : R extends readonly []
      ? true
      : false
