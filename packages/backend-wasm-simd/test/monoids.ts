/** Monoids that tests reduce and scan with. */
import { type Expr, index, input, left, type Monoid, right, type ScalarType } from "@taeda/core"
import { type Value, where } from "./harness.ts"

export const monoid = (
  dtype: ScalarType,
  identity: Value,
  op: "add" | "mul" | "max" | "min" | "or" | "and",
  lift: Expr = input(0, dtype),
): Monoid => ({
  accumulators: [dtype],
  identity: [identity],
  lift: [lift],
  combine: [left(0, dtype)[op](right(0, dtype))],
})

export const sum = (dtype: ScalarType, lift: Expr = input(0, dtype)): Monoid =>
  monoid(dtype, dtype === "int64" ? 0n : 0, "add", lift)

/** The largest, and where it is along dim `d`: the first if `first`, else the last. */
export function argmax(d: number, first: boolean, dtype: "float32" | "int64" = "float32"): Monoid {
  const [a, i, b, j] = [left(0, dtype), left(1, "int32"), right(0, dtype), right(1, "int32")]
  const takeRight = a.lt(b).or(a.eq(b).and(first ? j.lt(i) : i.lt(j)))
  return {
    accumulators: [dtype, "int32"],
    identity: [dtype === "int64" ? -(2n ** 63n) : Number.NEGATIVE_INFINITY, first ? 2147483647 : -1],
    lift: [input(0, dtype), index(d)],
    combine: [where(takeRight, b, a), where(takeRight, j, i)],
  }
}

/** Count, mean and the sum of squared distances from it (Welford, in the form of Chan et al.). */
export function welford(dtype: "float32" | "float64"): Monoid {
  const [n, mean, m2] = [0, 1, 2].map((k) => left(k, dtype))
  const [n2, mean2, m22] = [0, 1, 2].map((k) => right(k, dtype))
  const all = n.add(n2)
  const share = where(all.eq(0), n2, n2.div(all))
  const delta = mean2.sub(mean)
  return {
    accumulators: [dtype, dtype, dtype],
    identity: [0, 0, 0],
    lift: [where(index(0).lt(0), input(0, dtype), 1), input(0, dtype), where(index(0).lt(0), input(0, dtype), 0)],
    combine: [all, mean.add(delta.mul(share)), m2.add(m22).add(delta.mul(delta).mul(n).mul(share))],
  }
}
