/** Running sums and products of float32 kept in float64, as PyTorch's CPU keeps them: what passes float32's range comes back. */
import { type Expr, left, result, right, type ScanKernel, substitute } from "@taeda/core"

type PlainOp = "add" | "mul"

/** What a float32 accumulator is only combined by. */
function plainOp({ accumulators, combine }: ScanKernel, k: number): PlainOp | undefined {
  if (accumulators[k] !== "float32") return undefined
  const [a, b] = [left(k, "float32"), right(k, "float32")]
  return (["add", "mul"] as const).find((op) => combine[k] === a[op](b))
}

/** The same scan with wider accumulators, where all of them are such sums or products. */
export function withWideSums(kernel: ScanKernel): ScanKernel {
  const ops = kernel.accumulators.map((_, k) => plainOp(kernel, k))
  if (ops.includes(undefined)) return kernel
  return {
    ...kernel,
    accumulators: ops.map(() => "float64"),
    lift: kernel.lift.map((e) => e.cast("float64")),
    combine: ops.map((op, k) => left(k, "float64")[op!](right(k, "float64"))),
    finish: substitute(kernel.finish, (e: Expr) =>
      e.op === "result" ? result(Number(e.value), "float64").cast("float32") : undefined,
    ),
  }
}
