/** Exact equality of types, told by the compiler and looked at again when the program runs. */
import type { DType, Tensor } from "taeda"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `is<Tensor<[2], "bool">>()(x, true)` compiles when `x` is of exactly this type. */
export const is =
  <X>() =>
  <T>(value: T, _same: Equal<T, X>): T =>
    value

/** A tensor of floats, as most are. */
export type Float<S extends readonly number[]> = Tensor<S, "float32">
/** A tensor of unknown shape. */
export type Open<D extends DType> = Tensor<any, D>
