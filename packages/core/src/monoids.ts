/** The usual ways to combine: sum, product, extremes, and the position of an extreme. */
import type { DType, ScalarType } from "./dtype.ts"
import { constant, type Expr, left, result, right, type Scalar, substitute, where } from "./expr.ts"
import type { MonoidSpec } from "./kernels.ts"

const single = (dtype: ScalarType, identity: Scalar, combine: (a: Expr, b: Expr) => Expr): MonoidSpec => ({
  accumulators: [dtype],
  identity: [identity],
  combine: [combine(left(0, dtype), right(0, dtype))],
})

/** One object per type: a monoid is asked for with every launch. */
function perType<T extends ScalarType>(make: (dtype: T) => MonoidSpec): (dtype: T) => MonoidSpec {
  const made = new Map<T, MonoidSpec>()
  return (dtype) => {
    let monoid = made.get(dtype)
    if (!monoid) made.set(dtype, (monoid = make(dtype)))
    return monoid
  }
}

const zeroOf = (dtype: ScalarType): Scalar => (dtype === "int64" ? 0n : 0)
const oneOf = (dtype: ScalarType): Scalar => (dtype === "int64" ? 1n : 1)

const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64"

/** Accumulator 0 when all is combined. */
const total = (dtype: ScalarType): Expr => result(0, dtype)

export const sumMonoid = Object.assign(
  perType<ScalarType>((dtype) => single(dtype, zeroOf(dtype), (a, b) => a.add(b))),
  { total },
)
/** `n` sums side by side. */
export const sumsMonoid = (dtype: ScalarType, n: number): MonoidSpec => ({
  accumulators: new Array<ScalarType>(n).fill(dtype),
  identity: new Array<Scalar>(n).fill(zeroOf(dtype)),
  combine: Array.from({ length: n }, (_, k) => left(k, dtype).add(right(k, dtype))),
})
export const productMonoid = perType<ScalarType>((dtype) => single(dtype, oneOf(dtype), (a, b) => a.mul(b)))
export const maxMonoid = perType<ScalarType>((dtype) => single(dtype, lowest(dtype), (a, b) => a.max(b)))
export const minMonoid = perType<ScalarType>((dtype) => single(dtype, highest(dtype), (a, b) => a.min(b)))
export const anyMonoid: MonoidSpec = single("bool", 0, (a, b) => a.or(b))
export const allMonoid: MonoidSpec = single("bool", 1, (a, b) => a.and(b))

/** Two monoids side by side: the accumulators of the first, then those of the second. */
export function joinMonoids(a: MonoidSpec, b: MonoidSpec): MonoidSpec {
  const n = a.accumulators.length
  const moved = substitute(b.combine, (e) =>
    e.op === "left"
      ? left(Number(e.value) + n, e.dtype)
      : e.op === "right"
        ? right(Number(e.value) + n, e.dtype)
        : undefined,
  )
  return {
    accumulators: [...a.accumulators, ...b.accumulators],
    identity: [...a.identity, ...b.identity],
    combine: [...a.combine, ...moved],
  }
}

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
  const nan = (x: Expr): Expr => (isFloat(dtype) ? x.isnan() : constant(0, "bool"))
  const equal = a.eq(b).or(nan(a).and(nan(b)))
  const takeLeft = i.ge(0).and(
    j
      .lt(0)
      .or(equal.and(i.lt(j)))
      .or(equal.not().and(nan(a).or(beats(a, b).and(nan(b).not())))),
  )
  return {
    accumulators: [dtype, "int32"],
    identity: [which === "max" ? lowest(dtype) : highest(dtype), -1],
    combine: [where(takeLeft, a, b), where(takeLeft, i, j)],
  }
}

/**
 * The running extreme and its position, for scans: the last of equals, and once a NaN has come the last NaN, as in
 * PyTorch. An index of -1 marks the identity.
 */
export function runningExtremeMonoid(dtype: DType, which: "max" | "min"): MonoidSpec {
  const [a, i, b, j] = [left(0, dtype), left(1, "int32"), right(0, dtype), right(1, "int32")]
  const atLeast = which === "max" ? a.le(b) : b.le(a)
  const takeRight = i.lt(0).or(j.ge(0).and(isFloat(dtype) ? atLeast.or(b.isnan()) : atLeast))
  return {
    accumulators: [dtype, "int32"],
    identity: [which === "max" ? lowest(dtype) : highest(dtype), -1],
    combine: [where(takeRight, b, a), where(takeRight, j, i)],
  }
}

/** log(exp a + exp b) without overflow. */
export function logAddExpMonoid(dtype: ScalarType): MonoidSpec {
  return single(dtype, Number.NEGATIVE_INFINITY, (a, b) => {
    const [low, high] = [a.min(b), a.max(b)]
    // Equal infinities: their difference would be NaN.
    return where(low.eq(high).and(high.abs().eq(Number.POSITIVE_INFINITY)), high, high.add(low.sub(high).exp().log1p()))
  })
}

/**
 * Maps y ↦ a·y + b one after another, for scans: accumulators (a, b). The first result of all of them at 0 is b.
 */
export function affineMonoid(dtype: ScalarType): MonoidSpec {
  const [a, b, c, d] = [left(0, dtype), left(1, dtype), right(0, dtype), right(1, dtype)]
  return { accumulators: [dtype, dtype], identity: [1, 0], combine: [a.mul(c), c.mul(b).add(d)] }
}
