/** What dtype comes out: PyTorch's promotion in the types, with int32 where PyTorch gives int64. */
import type { DType } from "../dtype.ts"
import type { TypeConfig } from "./config.ts"
import type { IsAny, IsUnion, Shape, ShowTensor } from "./shape.ts"

/** The dtype of floats that nothing else decides. */
export type DefaultFloat = TypeConfig extends { defaultDtype: infer F extends DType } ? F : "float32"
/** The dtype of integers that nothing else decides. */
export type DefaultInt = "int32"

/** A number of the host that takes part in an op. */
export type HostNumber = number | boolean | bigint

export type FloatDType = "float32" | "float64" | "float16" | "bfloat16"
export type IntDType = "int8" | "uint8" | "int16" | "int32" | "int64"

export interface Kinds extends Record<FloatDType, "float">, Record<IntDType, "int"> {
  bool: "bool"
}

/** The smallest dtype that the row's and the column's convert to (`torch.promote_types`). */
export interface Promotions {
  float32: Record<Exclude<DType, "float64">, "float32"> & { float64: "float64" }
  float64: Record<DType, "float64">
  float16: Record<IntDType | "bool" | "float16", "float16"> & Record<"bfloat16" | "float32", "float32"> & Wide
  bfloat16: Record<IntDType | "bool" | "bfloat16", "bfloat16"> & Record<"float16" | "float32", "float32"> & Wide
  int8: Floats & Record<"int8" | "bool", "int8"> & Record<"uint8" | "int16", "int16"> & Longer
  uint8: Floats & Record<"uint8" | "bool", "uint8"> & Record<"int8" | "int16", "int16"> & Longer
  int16: Floats & Record<"int8" | "uint8" | "int16" | "bool", "int16"> & Longer
  int32: Floats & Record<Exclude<IntDType, "int64"> | "bool", "int32"> & { int64: "int64" }
  int64: Floats & Record<IntDType | "bool", "int64">
  bool: { [D in DType]: D }
}
interface Wide {
  float64: "float64"
}
interface Longer {
  int32: "int32"
  int64: "int64"
}
type Floats = { [D in FloatDType]: D }

/** `promoteTypes(A, B)`; `any` where either is not known. */
export type PromoteTypes<A, B> =
  IsAny<A> extends true
    ? any
    : IsAny<B> extends true
      ? any
      : A extends keyof Promotions
        ? B extends keyof Promotions[A]
          ? Promotions[A][B]
          : any
        : any

/** The dtype of a tensor of shape S and dtype D with one of shape R and dtype E: a 0-d one counts only with a higher kind. */
export type Promote<S extends Shape, D, R extends Shape, E> =
  IsAny<D> extends true
    ? any
    : IsAny<E> extends true
      ? any
      : [D] extends [E]
        ? [E] extends [D]
          ? D
          : Promoted<S, D, R, E>
        : Promoted<S, D, R, E>

type Promoted<S extends Shape, D, R extends Shape, E> = D extends keyof Kinds
  ? E extends keyof Kinds
    ? Kinds[D] extends Kinds[E]
      ? number extends S["length"] | R["length"]
        ? any
        : S extends readonly []
          ? R extends readonly []
            ? PromoteTypes<D, E>
            : E
          : R extends readonly []
            ? D
            : PromoteTypes<D, E>
      : PromoteTypes<D, E>
    : any
  : any

/** The dtype of a tensor of dtype D with a number of the host: integral numbers count as integers, others as floats. */
export type PromoteNumber<D, V> =
  IsAny<D> extends true
    ? any
    : D extends FloatDType
      ? D
      : V extends boolean
        ? D
        : IsIntegral<V> extends infer I
          ? I extends true
            ? D extends "bool"
              ? DefaultInt
              : D
            : I extends false
              ? DefaultFloat
              : any
          : never

/** Whether a literal is integral; null where only the run knows. */
export type IsIntegral<V> = V extends bigint
  ? true
  : V extends number
    ? number extends V
      ? null
      : `${V}` extends `${bigint}`
        ? true
        : `${V}` extends `${string}e+${string}`
          ? null
          : false
    : null

/** Integers and bool become the default float. */
export type Floated<D> = IsAny<D> extends true ? any : D extends FloatDType ? D : DefaultFloat

/** Of sums and products: int32 of integers and bool, but int64 stays. */
export type Summed<D> = IsAny<D> extends true ? any : D extends FloatDType | "int64" ? D : DefaultInt

/** Of truths: bool, of uint8 uint8. */
export type Truth<D> = IsAny<D> extends true ? any : D extends "uint8" ? D : "bool"

/** The dtype of three tensors; `any` where they differ and one of them may be 0-d. */
export type Promote3<S extends Shape, D, R extends Shape, E, Q extends Shape, F> =
  PromoteTypes<PromoteTypes<D, E>, F> extends infer P extends DType
    ? [D | E | F] extends [D & E & F]
      ? D
      : number extends S["length"] | R["length"] | Q["length"]
        ? any
        : 0 extends S["length"] | R["length"] | Q["length"]
          ? any
          : P
    : never

/** `R`, or the sentence of a result of dtype From that does not go into a tensor of dtype To. */
export type CastInto<Op extends string, From, To, R> =
  IsAny<From> extends true
    ? R
    : From extends keyof Kinds
      ? To extends keyof Kinds
        ? Kinds[From] extends Narrower[Kinds[To]]
          ? R
          : `${Op}_: result type ${From} can't be cast to the desired output type ${To}; use ${Op} without the underscore`
        : R
      : R
export interface Narrower {
  bool: "bool"
  int: "bool" | "int"
  float: "bool" | "int" | "float"
}

/** What a rule about dtypes makes of D; an op's signature names the row. */
export interface DTypeRules<D> extends Fixed {
  same: D
  float: Floated<D>
  sum: Summed<D>
  truth: Truth<D>
  int: DefaultInt
  /** As "same", of floats only. */
  floats: D
  /** As "floats", in the words that `mean` has for it. */
  mean: D
  /** As "same", of integers and bool only. */
  integers: D
  /** As "same", of all but bool: what subtracts. */
  subtracted: D
}
type Fixed = { [K in DType]: K }

/**
 * The dtype D of a result. (`infer` keeps what the result is passed to from having a say in the dtypes that D is made of: a number has
 * none, and a parameter that nothing else decides would take it from there.)
 */
export type Settled<D> = D extends infer E extends DType ? E : any

/** The dtype E, or `any` where it is one of several. */
export type One<E> = IsUnion<E> extends true ? any : E

/** `R`, or the sentence of two tensors that must be of one dtype and are not. */
export type OneDType<Op extends string, S extends Shape, D, R extends Shape, E, Result> =
  IsAny<D> extends true
    ? Result
    : IsAny<E> extends true
      ? Result
      : [D & E] extends [never]
        ? `${Op}: expected tensors of one dtype, but got ${ShowTensor<S, D>} and ${ShowTensor<R, E>}; convert with x.to(dtype)`
        : Result

export type DTypeRule = keyof DTypeRules<unknown>

/** `R`, or the sentence of an input of dtype D that is none of `All`, which are `Names`. */
type Only<Op extends string, D, All, Names extends string, R> =
  IsAny<D> extends true ? R : [D & All] extends [never] ? `${Op}: ${D & string} is not supported, only ${Names}` : R

/** `R`, or the sentence of an op of floats on an input of dtype D. */
export type OnlyFloats<Op extends string, D, R> = Only<Op, D, FloatDType, "floating dtypes", R>

/** `R`, or the sentence of an op that does not take the dtype D; `T` is its row of the rules, `E` the dtype that options name. */
export type Taken<Op extends string, T, D, R, E = never> = T extends "floats"
  ? [E] extends [never]
    ? OnlyFloats<Op, D, R>
    : R
  : T extends "integers"
    ? Only<Op, D, IntDType | "bool", "integers", R>
    : T extends "mean"
      ? [E] extends [never]
        ? OnlyFloats<Op, D, R> extends string
          ? `${Op}: could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${D & string}`
          : R
        : R
      : T extends "subtracted"
        ? NoBool<Op, D, R>
        : R

/** `R`, or the sentence of bools that are subtracted. */
type NoBool<Op extends string, D, R> =
  IsAny<D> extends true
    ? R
    : [D, "bool"] extends ["bool", D]
      ? `${Op}: subtraction of bool tensors is not supported; use bitwiseXor or logicalXor`
      : R

/** `R`, or the sentence of three tensors, the last of which may be the number V, that must be floats of one dtype and are not. */
export type OneFloatDType<Op extends string, S extends Shape, D, R extends Shape, E, Q extends Shape, F, V, Result> =
  OnlyFloats<Op, D, OnlyFloats<Op, E, OnlyFloats<Op, F, 0>>> extends infer P extends string
    ? P
    : IsNumber<V> extends true
      ? OneDType<Op, S, D, R, E, Result>
      : OneDType3<Op, S, D, R, E, Q, F, Result>
/** Whether a number was given: of a tensor in its place the compiler infers never, or whatever a number may be. */
type IsNumber<V> = [V] extends [never] ? false : [HostNumber] extends [V] ? false : true

/** As `OneDType`, of three. */
export type OneDType3<Op extends string, S extends Shape, D, R extends Shape, E, Q extends Shape, F, Result> =
  OneDType<"", S, D, R, E, OneDType<"", S, D, Q, F, 0>> extends string
    ? `${Op}: expected tensors of one dtype, but got ${ShowTensor<S, D>} and ${ShowTensor<R, E>} and ${ShowTensor<Q, F>}; convert with x.to(dtype)`
    : Result
