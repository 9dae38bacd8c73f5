/** The usual ways to combine: sum, product, extremes, and the position of an extreme. */
import type { DType, ScalarType } from "./dtype.ts"
import { constant, Expr, left, result, right, type Scalar, where } from "./expr.ts"
import type { MonoidSpec } from "./kernels.ts"

const single = (dtype: ScalarType, identity: Scalar, combine: (a: Expr, b: Expr) => Expr): MonoidSpec => ({
  accumulators: [dtype],
  identity: [identity],
  combine: [combine(left(0, dtype), right(0, dtype))],
})

const zeroOf = (dtype: ScalarType): Scalar => (dtype === "int64" ? 0n : 0)
const oneOf = (dtype: ScalarType): Scalar => (dtype === "int64" ? 1n : 1)

/** Accumulator 0 when all is combined. */
const total = (dtype: ScalarType): Expr => result(0, dtype)

export const sumMonoid = Object.assign((dtype: ScalarType): MonoidSpec => single(dtype, zeroOf(dtype), (a, b) => a.add(b)), { total })
export const productMonoid = (dtype: ScalarType): MonoidSpec => single(dtype, oneOf(dtype), (a, b) => a.mul(b))
export const maxMonoid = (dtype: ScalarType): MonoidSpec => single(dtype, lowest(dtype), (a, b) => a.max(b))
export const minMonoid = (dtype: ScalarType): MonoidSpec => single(dtype, highest(dtype), (a, b) => a.min(b))
export const anyMonoid: MonoidSpec = single("bool", 0, (a, b) => a.or(b))
export const allMonoid: MonoidSpec = single("bool", 1, (a, b) => a.and(b))

const RANGES: Partial<Record<ScalarType, readonly [Scalar, Scalar]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** The least value of a type: -infinity for floats. */
export const lowest = (dtype: ScalarType): Scalar => RANGES[dtype]?.[0] ?? Number.NEGATIVE_INFINITY
/** The greatest value of a type: infinity for floats. */
export const highest = (dtype: ScalarType): Scalar => RANGES[dtype]?.[1] ?? Number.POSITIVE_INFINITY

/**
 * The extreme and its position: accumulators (value, index). The first of equals wins, and the first NaN wins over all,
 * as in PyTorch. An index of -1 marks the identity.
 */
export function extremeMonoid(dtype: DType, which: "max" | "min"): MonoidSpec {
  const [a, i, b, j] = [left(0, dtype), left(1, "int32"), right(0, dtype), right(1, "int32")]
  const beats = (x: Expr, y: Expr): Expr => (which === "max" ? y.lt(x) : x.lt(y))
  const isFloat = dtype === "float32" || dtype === "float64"
  const nan = (x: Expr): Expr => (isFloat ? x.isnan() : constant(0, "bool"))
  const equal = a.eq(b).or(nan(a).and(nan(b)))
  const takeLeft = i.ge(0).and(
    j.lt(0).or(equal.and(i.lt(j))).or(equal.not().and(nan(a).or(beats(a, b).and(nan(b).not())))),
  )
  return {
    accumulators: [dtype, "int32"],
    identity: [which === "max" ? lowest(dtype) : highest(dtype), -1],
    combine: [where(takeLeft, a, b), where(takeLeft, i, j)],
  }
}
