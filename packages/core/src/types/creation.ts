/** The shapes and signatures of whatever makes tensors: of given sizes, like others, of host values, in sequence. */
import type { Args } from "../args.ts"
import type { Device } from "../device.ts"
import type { DType, TypedArray } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { Or } from "./arguments.ts"
import type { CeilDiv, IsKnown, Less, Sub } from "./arithmetic.ts"
import type { DefaultFloat, DefaultInt, HostNumber, IsIntegral, One } from "./dtype.ts"
import type { DtypeIn } from "./patterns.ts"
import type { IsAny, IsUnion, Known, Shape } from "./shape.ts"
import type { OwnDType } from "./signature.ts"

// ---- of given sizes ----

/** The options of whatever makes a tensor. */
export interface FactoryOptions<D extends DType = DType> {
  /** The element type; by default the default float (or what the data says). */
  dtype?: D | null
  /** Where to make it; by default the default device. */
  device?: string | Device | null
  /** Whether it collects a gradient. */
  requiresGrad?: boolean
}

/**
 * The dtype that options of type E name, or else `Default`. (`NoInfer` keeps what the result is passed to from having a say in it.)
 */
export type Wanted<E, Default> = [E] extends [never] ? Default : One<NoInfer<E>>

/** A tensor of given sizes: `zeros(2, 3)` or `zeros([2, 3], { dtype, device, requiresGrad })`; `K` are further options. */
export interface Factory<K = unknown> {
  <const S extends readonly number[], E extends DType = never>(
    size: S | ({ size: S } & FactoryOptions<E> & K),
    options?: FactoryOptions<E> & K,
  ): Tensor<Known<S>, Wanted<E, DefaultFloat>>
  <const S extends readonly number[]>(...size: S): Tensor<Known<S>, DefaultFloat>
  <const S extends readonly number[], E extends DType = never>(
    ...sizeAndOptions: readonly [...S, FactoryOptions<E> & K]
  ): Tensor<Known<S>, Wanted<E, DefaultFloat>>
}

/** As `Factory`, of the dtype and on the device of a tensor unless others are given. */
export interface FactoryMethod {
  <Self extends Tensor, const R extends readonly number[] = readonly number[], E extends DType = never>(
    this: Self,
    size: R | ({ size: R } & FactoryOptions<E>),
    options?: FactoryOptions<E>,
  ): Tensor<Known<R>, Wanted<E, OwnDType<Self>>>
  <Self extends Tensor, const R extends readonly number[] = readonly number[]>(
    this: Self,
    ...size: R
  ): Tensor<Known<R>, OwnDType<Self>>
  <Self extends Tensor, const R extends readonly number[] = readonly number[], E extends DType = never>(
    this: Self,
    ...sizeAndOptions: readonly [...R, FactoryOptions<E>]
  ): Tensor<Known<R>, Wanted<E, OwnDType<Self>>>
}

/** A tensor in the shape of another, of its dtype unless another is given; `K` are further options. */
export interface Like<K = unknown> {
  <S extends Shape, D extends DType, E extends DType = never>(
    input: Tensor<S, D>,
    options?: FactoryOptions<E> & K,
  ): Tensor<S, Wanted<E, D>>
}

type FilledDType<V> = V extends boolean ? "bool" : V extends bigint ? "int64" : DefaultFloat
type FillByName<S, V, E extends DType> = { size: S; fillValue: V } & FactoryOptions<E>

/** A tensor of given sizes and one value, whose kind decides the dtype where no other is given. */
export interface Filled {
  <const S extends readonly number[], V extends HostNumber = number, E extends DType = never>(
    size: S | FillByName<S, V, E>,
    fillValue?: V | ({ fillValue: V } & FactoryOptions<E>),
    options?: FactoryOptions<E>,
  ): Tensor<Known<S>, Wanted<E, One<FilledDType<V>>>>
}
export interface FilledMethod {
  <Self extends Tensor, const R extends readonly number[] = readonly number[], E extends DType = never>(
    this: Self,
    size: R | FillByName<R, HostNumber, E>,
    fillValue?: HostNumber | ({ fillValue: HostNumber } & FactoryOptions<E>),
    options?: FactoryOptions<E>,
  ): Tensor<Known<R>, Wanted<E, OwnDType<Self>>>
}

// ---- from host values ----

/** What `tensor` takes. */
export type HostData = HostNumber | readonly HostData[] | TypedArray | Tensor

interface TypedArrayDTypes {
  Float32Array: "float32"
  Float64Array: "float64"
  Int8Array: "int8"
  Uint8Array: "uint8"
  Uint8ClampedArray: "uint8"
  Int16Array: "int16"
  Int32Array: "int32"
  BigInt64Array: "int64"
}
type DTypeOfArray<A> = A extends { readonly [Symbol.toStringTag]: infer N extends keyof TypedArrayDTypes }
  ? TypedArrayDTypes[N]
  : any

/** The same by name, with the options K. */
export type DataByName<K = unknown> = { readonly data: HostData } & K
/** The data that A is, or that it has by name. */
export type DataOf<A> = A extends HostData ? A : A extends { readonly data: infer X } ? X : A
/** The dtype E of options, or the one that is named beside the data. */
export type DtypeBesideData<A, E> = A extends HostData ? E : E | DtypeIn<A>

/** The shape of nested arrays; a sentence where rows of one depth have different lengths. */
export type NestedShape<A> = Rectangular<Nested<A>>
/** Rows that give different shapes, or a sentence among them, are ragged. */
type Rectangular<R> = IsUnion<R> extends true ? Ragged : R
type Ragged = "tensor: ragged nested array"
/** Arrays are followed so deep; of what may be nested to any depth nothing is known. */
type Deepest = 8
type Nested<A, R extends Shape = []> = [HostData] extends [A]
  ? any
  : A extends HostNumber
    ? R
    : A extends readonly unknown[]
      ? R["length"] extends Deepest
        ? any
        : A extends readonly []
          ? [...R, 0]
          : number extends A["length"]
            ? Nested<A[number], [...R, number]>
            : IsUnion<LengthOf<A[number]>> extends true
              ? Ragged
              : Nested<A[number], [...R, A["length"]]>
      : R extends []
        ? A extends Tensor<infer S, infer _D>
          ? S
          : [number]
        : any
type LengthOf<A> = A extends readonly unknown[] ? A["length"] : "none"

/** The dtype of nested arrays: numbers make the default float, BigInts alone int64, booleans alone bool. */
export type NestedDType<A> = [HostData] extends [A]
  ? any
  : [A] extends [HostNumber | readonly unknown[]]
    ? OfLeaves<Leaves<A>>
    : A extends Tensor<infer _S, infer D>
      ? D
      : DTypeOfArray<A>
type Leaves<A, I extends 0[] = []> = [HostData] extends [A]
  ? any
  : A extends readonly unknown[]
    ? I["length"] extends Deepest
      ? any
      : Leaves<A[number], [...I, 0]>
    : A
type OfLeaves<L> =
  IsAny<L> extends true
    ? any
    : [L] extends [never]
      ? DefaultFloat
      : [L] extends [boolean]
        ? "bool"
        : [L] extends [boolean | bigint]
          ? "int64"
          : [L] extends [HostNumber]
            ? DefaultFloat
            : any

// ---- in sequence ----

/** The dtype that the options among the arguments A name, or else `Default`. */
export type WantedIn<A extends readonly unknown[], Default> = Wanted<DtypeIn<A[number]>, Default>
/** N where it is a literal size, else `number`. */
type Size<N> = N extends number ? (IsKnown<N> extends true ? N : number) : number

/** What the options among the arguments A name N; undefined where they do not. */
type NamedIn<A extends readonly unknown[], N extends string> =
  Extract<A[number], { readonly [K in N]: unknown }> extends infer O
    ? [O] extends [never]
      ? undefined
      : O[N & keyof O]
    : never

export type ArangeArgs = Args<[["start", number], ["end", number], ["step", number]], FactoryOptions>
/** Start, end and step. A number that stands alone is the end, unless that is named. */
type Ends<A extends readonly unknown[]> = A extends readonly [
  infer S extends number,
  infer N extends number,
  infer P extends number,
  ...unknown[],
]
  ? [S, N, P]
  : A extends readonly [infer S extends number, infer N extends number, ...unknown[]]
    ? [S, N, Or<NamedIn<A, "step">, 1>]
    : A extends readonly [infer N extends number, ...unknown[]]
      ? [NamedIn<A, "end">] extends [undefined]
        ? [Or<NamedIn<A, "start">, 0>, N, Or<NamedIn<A, "step">, 1>]
        : [N, NamedIn<A, "end">, Or<NamedIn<A, "step">, 1>]
      : [Or<NamedIn<A, "start">, 0>, NamedIn<A, "end">, Or<NamedIn<A, "step">, 1>]
/** How many there are, of non-negative integers. */
export type Arange<A extends readonly unknown[]> =
  Ends<A> extends [infer S extends number, infer N extends number, infer P extends number]
    ? [IsKnown<S>, IsKnown<N>, IsKnown<P>] extends [true, true, true]
      ? Less<N, S> extends false
        ? [CeilDiv<Sub<N, S>, P>]
        : [number]
      : [number]
    : [number]
/** Integral numbers make int32, others the default float. */
export type ArangeDType<A extends readonly unknown[]> =
  IsIntegral<Extract<A[number] | NamedIn<A, "start"> | NamedIn<A, "end"> | NamedIn<A, "step">, number>> extends infer I
    ? [I] extends [true]
      ? DefaultInt
      : [I] extends [boolean]
        ? DefaultFloat
        : any
    : never

export type SpaceArgs = Args<[["start", number], ["end", number], ["steps", number]], FactoryOptions>
export type LogspaceArgs = Args<
  [["start", number], ["end", number], ["steps", number], ["base", number]],
  FactoryOptions
>
type Steps<A extends readonly unknown[]> = A extends readonly [number, number, infer N extends number, ...unknown[]]
  ? [Size<N>]
  : [Size<NamedIn<A, "steps">>]
/** So many numbers from one end to the other. */
export interface Spaced<Given extends readonly unknown[]> {
  <const A extends Given>(...args: A): Tensor<Known<Steps<A>>, WantedIn<A, DefaultFloat>>
}

/** Rows and columns, which are as many where they are not given. */
type Diagonal<A extends readonly unknown[]> = A extends readonly [
  infer N extends number,
  infer M extends number,
  ...unknown[],
]
  ? [Size<N>, Size<M>]
  : (A extends readonly [infer N extends number, ...unknown[]] ? N : NamedIn<A, "n">) extends infer N
    ? [Size<N>, Size<Or<NamedIn<A, "m">, N>>]
    : never
export interface Eye {
  <const A extends Args<[["n", number], ["m", number]], FactoryOptions>>(
    ...args: A
  ): Tensor<Known<Diagonal<A>>, WantedIn<A, DefaultFloat>>
}
