/** What samples and batches are in the types. */
import type { IsAny, Shape, Tensor } from "@taeda/core"

/** A tensor without its first dim. */
type Slice<T> =
  T extends Tensor<infer S, infer D> ? Tensor<S extends readonly [number, ...infer R extends Shape] ? R : any, D> : T

/** The sample of tensors: the tuple of their slices. */
export type Slices<T extends readonly Tensor[]> = { -readonly [K in keyof T]: Slice<T[K]> }

/** What samples of type T become in a batch, by `defaultCollate`. */
export type Batch<T> = unknown extends T
  ? any
  : T extends Tensor<infer S, infer D>
    ? Tensor<number extends S["length"] ? any : [number, ...S], D>
    : T extends boolean
      ? Tensor<[number], "bool">
      : T extends bigint
        ? Tensor<[number], "int64">
        : // int32 where all are integral, floats otherwise.
          T extends number
          ? Tensor<[number]>
          : T extends string
            ? string[]
            : T extends ArrayBufferView
              ? Tensor<[number, number]>
              : T extends readonly unknown[] | object
                ? { -readonly [K in keyof T]: Batch<T[K]> }
                : any

/** A batch of N samples: the first dim of its tensors. */
export type Sized<B, N extends number> =
  IsAny<B> extends true
    ? any
    : B extends Tensor<infer S, infer D>
      ? Tensor<S extends readonly [number, ...infer R extends Shape] ? [N, ...R] : S, D>
      : B extends string[]
        ? B
        : B extends readonly unknown[] | object
          ? { -readonly [K in keyof B]: Sized<B[K], N> }
          : B

/**
 * What a loader of batches B gives: N is its `batchSize`, `Drops` its `dropLast`, and C what its own `collateFn` makes of samples,
 * undefined where it has none.
 */
export type Loaded<B, N, Drops, C> = [C] extends [undefined]
  ? [N] extends [null]
    ? any
    : [Drops] extends [true]
      ? N extends number
        ? Sized<B, N>
        : B
      : B
  : unknown extends C
    ? any
    : Awaited<C>
