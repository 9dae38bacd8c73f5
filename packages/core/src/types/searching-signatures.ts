/** The signatures of searching and counting. What depends on values has the size `number`. */

import type { DType } from "../dtype.ts"
import type { Tensor } from "../tensor.ts"
import type { Field, Given, Or } from "./arguments.ts"
import type { DefaultInt, HostNumber } from "./dtype.ts"
import type { ShapeBeside } from "./patterns.ts"
import type { IsAny, Shape } from "./shape.ts"
import type { OwnDType, OwnShape } from "./signature.ts"
import type { PlaceOf, SizeAt, Times, With } from "./tuples.ts"

// ---- coordinates ----

type Rank<S extends Shape> = number extends S["length"] ? number : S["length"]
/** One vector per dim; PyTorch sees a 0-d tensor as a vector here. */
type Vectors<S extends Shape> = Times<Tensor<[number], DefaultInt>, Rank<S> extends 0 ? 1 : Rank<S>>
type Coordinates<S extends Shape, O> = O extends { readonly asTuple: true }
  ? Vectors<S>
  : O extends { readonly asTuple: boolean }
    ? boolean extends O["asTuple"]
      ? any
      : Tensor<[number, Rank<S>], DefaultInt>
    : Tensor<[number, Rank<S>], DefaultInt>

type AsTuple = { asTuple?: boolean } | undefined
export interface Nonzero {
  method<Self extends Tensor, const O extends AsTuple = undefined>(
    this: Self,
    options?: O,
  ): Promise<Coordinates<OwnShape<Self>, O>>
  function<S extends Shape, const O extends AsTuple = undefined>(
    input: Tensor<S>,
    options?: O,
  ): Promise<Coordinates<S, O>>
}
export interface NonzeroSync {
  method<Self extends Tensor, const O extends AsTuple = undefined>(
    this: Self,
    options?: O,
  ): Coordinates<OwnShape<Self>, O>
  function<S extends Shape, const O extends AsTuple = undefined>(input: Tensor<S>, options?: O): Coordinates<S, O>
}
export interface ArgWhere {
  method<Self extends Tensor>(this: Self): Promise<Tensor<[number, Rank<OwnShape<Self>>], DefaultInt>>
  function<S extends Shape>(input: Tensor<S>): Promise<Tensor<[number, Rank<S>], DefaultInt>>
}
export interface ArgWhereSync {
  method<Self extends Tensor>(this: Self): Tensor<[number, Rank<OwnShape<Self>>], DefaultInt>
  function<S extends Shape>(input: Tensor<S>): Tensor<[number, Rank<S>], DefaultInt>
}

// ---- distinct elements ----

export interface ConsecutiveOptions {
  returnInverse?: boolean
  returnCounts?: boolean
  dim?: number | null
}
export interface UniqueOptions extends ConsecutiveOptions {
  sorted?: boolean
}
type DistinctShape<S extends Shape, Dim> = [Dim] extends [null | undefined]
  ? [number]
  : number extends S["length"]
    ? any
    : PlaceOf<S, Dim> extends infer P extends number
      ? [P] extends [never]
        ? any
        : number extends P
          ? any
          : S extends readonly []
            ? any
            : With<S, P, number>
      : any
type InverseShape<S extends Shape, Dim> = [Dim] extends [null | undefined]
  ? S
  : number extends S["length"]
    ? [number]
    : PlaceOf<S, Dim> extends infer P extends number
      ? [P] extends [never]
        ? [number]
        : number extends P
          ? [number]
          : [SizeAt<S, P>]
      : [number]

/** The values; with `returnInverse` or `returnCounts` an array of them, the inverse and the counts, as asked for. */
type Distinct<S extends Shape, D extends DType, O> =
  Tensor<DistinctShape<S, Field<O, "dim">>, D> extends infer V
    ? [Field<O, "returnInverse">, Field<O, "returnCounts">] extends [infer I, infer C]
      ? [I] extends [false | undefined]
        ? [C] extends [false | undefined]
          ? V
          : [C] extends [true]
            ? [V, Tensor<[number], DefaultInt>]
            : any
        : [I] extends [true]
          ? [C] extends [false | undefined]
            ? [V, Tensor<InverseShape<S, Field<O, "dim">>, DefaultInt>]
            : [C] extends [true]
              ? [V, Tensor<InverseShape<S, Field<O, "dim">>, DefaultInt>, Tensor<[number], DefaultInt>]
              : any
          : any
      : never
    : never

/** `K` are the options. */
export interface Unique<K> {
  method<Self extends Tensor, const O extends K | undefined = undefined>(
    this: Self,
    options?: O,
  ): Promise<Distinct<OwnShape<Self>, OwnDType<Self>, O>>
  function<S extends Shape, D extends DType, const O extends K | undefined = undefined>(
    input: Tensor<S, D>,
    options?: O,
  ): Promise<Distinct<S, D, O>>
}
export interface UniqueSync<K> {
  method<Self extends Tensor, const O extends K | undefined = undefined>(
    this: Self,
    options?: O,
  ): Distinct<OwnShape<Self>, OwnDType<Self>, O>
  function<S extends Shape, D extends DType, const O extends K | undefined = undefined>(
    input: Tensor<S, D>,
    options?: O,
  ): Distinct<S, D, O>
}

// ---- counting ----

export interface CountOptions {
  weights?: Tensor | null
  minlength?: number
}
/** Without weights integers; with them floats, in float32 only where they are. */
type Counts<W> =
  Given<"weights", W> extends infer T
    ? [T] extends [null | undefined]
      ? Tensor<[number], DefaultInt>
      : T extends Tensor<Shape, infer E>
        ? IsAny<E> extends true
          ? Tensor<[number], any>
          : Tensor<[number], [E] extends ["float32"] ? "float32" : "float32" extends E ? any : "float64">
        : Tensor<[number], any>
    : never

export interface BinCount {
  method<W extends Tensor | null | CountOptions | undefined = undefined>(
    this: Tensor,
    weights?: W,
    minlength?: number | CountOptions,
  ): Promise<Counts<W>>
  function<W extends Tensor | null | CountOptions | undefined = undefined>(
    input: Tensor,
    weights?: W,
    minlength?: number | CountOptions,
  ): Promise<Counts<W>>
}
export interface BinCountSync {
  method<W extends Tensor | null | CountOptions | undefined = undefined>(
    this: Tensor,
    weights?: W,
    minlength?: number | CountOptions,
  ): Counts<W>
  function<W extends Tensor | null | CountOptions | undefined = undefined>(
    input: Tensor,
    weights?: W,
    minlength?: number | CountOptions,
  ): Counts<W>
}

export interface HistogramOptions {
  bins?: number
  min?: number
  max?: number
}
export interface Histogram {
  method<Self extends Tensor, const B extends number | HistogramOptions | undefined = undefined>(
    this: Self,
    bins?: B,
    min?: number | HistogramOptions,
    max?: number | HistogramOptions,
  ): Tensor<[Or<Given<"bins", B>, 100> & number], OwnDType<Self>>
  function<D extends DType, const B extends number | HistogramOptions | undefined = undefined>(
    input: Tensor<any, D>,
    bins?: B,
    min?: number | HistogramOptions,
    max?: number | HistogramOptions,
  ): Tensor<[Or<Given<"bins", B>, 100> & number], D>
}

// ---- places among others ----

export interface SearchOptions {
  outInt32?: boolean
  right?: boolean
  side?: "left" | "right" | null
  sorter?: Tensor | null
}
/** `input` is a tensor or a number; the places have its shape. */
export type SearchSorted = <V extends HostNumber = never, R extends Shape = ShapeBeside<V>>(
  sortedSequence: Tensor,
  input: Tensor<R> | V | ({ input: Tensor<R> | V } & SearchOptions),
  options?: SearchOptions,
) => Tensor<R, DefaultInt>
export type Bucketize = <V extends HostNumber = never, R extends Shape = ShapeBeside<V>>(
  input: Tensor<R> | V,
  boundaries: Tensor | ({ boundaries: Tensor } & Pick<SearchOptions, "outInt32" | "right">),
  options?: Pick<SearchOptions, "outInt32" | "right">,
) => Tensor<R, DefaultInt>

export interface MemberOptions {
  assumeUnique?: boolean
  invert?: boolean
}
export type IsIn = <V extends HostNumber = never, R extends Shape = ShapeBeside<V>>(
  elements: Tensor<R> | V,
  testElements: Tensor | HostNumber | ({ testElements: Tensor | HostNumber } & MemberOptions),
  options?: MemberOptions,
) => Tensor<R, "bool">
