/** Kernels and who plans them. */
import type { Kernel } from "@taeda/core"
import { convPlanner } from "./conv.ts"
import { mapPlanner } from "./emit-map.ts"
import { reducePlanner } from "./emit-reduce.ts"
import { refusedRows, rowsPlanner } from "./emit-rows.ts"
import { matmulPlanner } from "./matmul.ts"
import type { NativeLibraries } from "./native-libraries.ts"
import type { Planner } from "./planner.ts"
import type { DeviceLimits } from "./program.ts"
import { scanPlanner } from "./scan.ts"
import { scatterPlanner } from "./scatter.ts"
import { sortPlanner } from "./sort.ts"

type KernelOfKind = { readonly [K in Kernel as K["kind"]]: K }
type Planners = {
  readonly [Kind in keyof KernelOfKind]: (
    kernel: KernelOfKind[Kind],
    limits: DeviceLimits,
    libraries?: NativeLibraries,
  ) => Planner
}

/** A row for each kind of kernel. */
const PLANNERS: Planners = {
  map: mapPlanner,
  reduce: reducePlanner,
  matmul: matmulPlanner,
  conv: convPlanner,
  rows: rowsPlanner,
  scan: scanPlanner,
  scatter: scatterPlanner,
  sort: sortPlanner,
}

/** `true`, or why the core had better compose a kernel of maps and reductions. */
export function supports(kernel: Kernel): true | string {
  const { kind } = kernel
  if ((kind === "matmul" || kind === "conv") && kernel.dtype === "bool") return "there are no sums of products of bool"
  return (kind === "rows" && refusedRows(kernel)) || true
}

/** Who plans a kernel that is supported; `libraries`: NVIDIA's. */
export function plannerOf(kernel: Kernel, limits: DeviceLimits, libraries?: NativeLibraries): Planner {
  const make = PLANNERS[kernel.kind] as (kernel: Kernel, limits: DeviceLimits, libraries?: NativeLibraries) => Planner
  return make(kernel, limits, libraries)
}

/** How many of a kernel's last operands are written. */
export function outputCount(kernel: Kernel): number {
  if ("outputs" in kernel) return kernel.outputs.length
  return kernel.kind === "sort" ? 2 : 1
}
