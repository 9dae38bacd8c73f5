/**
 * The defaults: every kind of kernel other than `map` and `reduce`, composed of those two. A backend that has memory, map
 * and reduce runs everything; it takes over a kind only to be faster. `rows` has its default in `ops/over-rows.ts`, where
 * more is known of what is best kept between its steps.
 */
import type { Operand } from "../backend.ts"
import type { Scalar } from "../expr.ts"
import type { Kernel, MapKernel, ReduceKernel, RowsKernel } from "../kernel.ts"
import { conv } from "./conv.ts"
import { matmul } from "./matmul.ts"
import { scan } from "./scan.ts"
import { scatter } from "./scatter.ts"
import { sort } from "./sort.ts"
import type { Lowering, LoweringContext } from "./views.ts"

export { accessOf, contiguousStrides, type LoweringContext, outputAccessOf } from "./views.ts"

/** The kernels that have a default. */
export type LoweredKernel = Exclude<Kernel, MapKernel | ReduceKernel | RowsKernel>

type KernelOfKind = { readonly [K in LoweredKernel as K["kind"]]: K }

const LOWERINGS: { readonly [Kind in keyof KernelOfKind]: Lowering<KernelOfKind[Kind]> } = {
  matmul,
  conv,
  scan,
  scatter,
  sort,
}

/**
 * Does what a launch of `kernel` with these sizes, operands and scalars would do, by maps and reduces alone. What it
 * allocates it frees. Throws KernelFault where the backend does so for a `fault` load, and has then changed nothing.
 */
export function lower<Kind extends keyof KernelOfKind>(
  kernel: KernelOfKind[Kind] & { readonly kind: Kind },
  sizes: readonly number[],
  operands: readonly Operand[],
  scalars: readonly Scalar[],
  context: LoweringContext,
): void {
  LOWERINGS[kernel.kind](kernel, sizes, operands, scalars, context)
}
