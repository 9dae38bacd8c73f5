/**
 * Running sums of float32 that pass its range and come back, as those of PyTorch do, which are kept in float64. WGSL has none:
 * what is large is summed apart from the rest, and smaller by a power of two, which is exact.
 */
import { type Expr, left, result, right, type ScanKernel, substitute, whereExpr } from "@taeda/core"

/** From here on a number is large. Four billion numbers may be summed on either side without passing the range. */
const LARGE = 2 ** 64

const ACCUMULATOR = "float32"

const isSum = ({ accumulators, combine }: ScanKernel, k: number): boolean =>
  accumulators[k] === ACCUMULATOR && combine[k] === left(k, ACCUMULATOR).add(right(k, ACCUMULATOR))

/** The large numbers, over `LARGE`, and the others; what is neither goes with the large ones. */
function apart(x: Expr): readonly [Expr, Expr] {
  const small = x.abs().lt(LARGE)
  return [whereExpr(small, 0, x.mul(1 / LARGE)), whereExpr(small, x, 0)]
}

/** The same scan with two accumulators for each, where all of them are such sums. */
export function withWideSums(kernel: ScanKernel): ScanKernel {
  if (!kernel.accumulators.every((_, k) => isSum(kernel, k))) return kernel
  const twice = kernel.accumulators.flatMap((_, k) => [2 * k, 2 * k + 1])
  return {
    ...kernel,
    accumulators: twice.map(() => ACCUMULATOR),
    identity: twice.map(() => 0),
    lift: kernel.lift.flatMap(apart),
    combine: twice.map((k) => left(k, ACCUMULATOR).add(right(k, ACCUMULATOR))),
    finish: substitute(kernel.finish, ({ op, value }: Expr) => {
      if (op !== "result") return undefined
      const [large, others] = [result(2 * Number(value), ACCUMULATOR), result(2 * Number(value) + 1, ACCUMULATOR)]
      return large.mul(LARGE).add(others)
    }),
  }
}
