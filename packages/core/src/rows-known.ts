/** What backends need to compute only once for a row. */
import { type Expr, topological } from "./expr.ts"
import type { RowsKernel } from "./kernel.ts"

/** The nodes of expressions that are the same for all elements of a row, each after its arguments. */
export function sameAlongRows(kernel: RowsKernel, roots: readonly Expr[]): Expr[] {
  const kept = kernel.rank - kernel.reduced
  const leaves: Readonly<Partial<Record<Expr["op"], (k: number) => boolean>>> = {
    input: (k) => kernel.reduced === 1 && kernel.inputs[k].access === "broadcast",
    index: (k) => k < kept,
    load: () => false,
  }
  const same = new Set<Expr>()
  for (const node of topological(roots))
    if (leaves[node.op]?.(Number(node.value)) ?? node.args.every((arg) => same.has(arg))) same.add(node)
  return [...same]
}
