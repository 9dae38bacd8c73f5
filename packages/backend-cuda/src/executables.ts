/** Kernels and who plans them. */
import type { Kernel } from "@taeda/core"
import { mapPlanner } from "./emit-map.ts"
import { reducePlanner } from "./emit-reduce.ts"
import { matmulPlanner } from "./matmul.ts"
import type { Planner } from "./planner.ts"
import type { DeviceLimits } from "./program.ts"
import { scanPlanner } from "./scan.ts"
import { scatterPlanner } from "./scatter.ts"
import { sortPlanner } from "./sort.ts"

type KernelOfKind = { readonly [K in Kernel as K["kind"]]: K }
type Planners = { readonly [Kind in keyof KernelOfKind]: (kernel: KernelOfKind[Kind], limits: DeviceLimits) => Planner }

/** A row for each kind of kernel that has one. */
const PLANNERS: Pick<Planners, "map" | "reduce"> & Partial<Planners> = {
  map: mapPlanner,
  reduce: reducePlanner,
  matmul: matmulPlanner,
  scan: scanPlanner,
  scatter: scatterPlanner,
  sort: sortPlanner,
}

/** `true`, or why the core had better compose a kernel of maps and reductions. */
export function supports({ kind }: Kernel): true | string {
  return PLANNERS[kind] !== undefined || `there is no ${kind} of its own`
}

/**
 * Who plans a kernel.
 *
 * @throws TypeError where it is not supported.
 */
export function plannerOf(kernel: Kernel, limits: DeviceLimits): Planner {
  const make = PLANNERS[kernel.kind] as ((kernel: Kernel, limits: DeviceLimits) => Planner) | undefined
  if (!make) throw new TypeError(`cuda: there is no ${kernel.kind} of its own`)
  return make(kernel, limits)
}

/** How many of a kernel's last operands are written. */
export function outputCount(kernel: Kernel): number {
  if (kernel.kind === "map" || kernel.kind === "reduce" || kernel.kind === "scan") return kernel.outputs.length
  return kernel.kind === "sort" ? 2 : 1
}
