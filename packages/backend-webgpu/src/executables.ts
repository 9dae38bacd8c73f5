/** Kernels and who plans them. */
import { type Kernel, operandDtypes } from "@taeda/core"
import { convPlanner } from "./conv.ts"
import { STORED_DTYPES } from "./elements.ts"
import { mapPlanner } from "./emit-map.ts"
import { reducePlanner } from "./emit-reduce.ts"
import { rowsPlanner, workgroupBytes } from "./emit-rows.ts"
import { matmulPlanner } from "./matmul.ts"
import type { Planner } from "./planner.ts"
import type { GpuLimits } from "./program.ts"
import { scanPlanner } from "./scan.ts"
import { scatterPlanner } from "./scatter.ts"
import { sortPlanner } from "./sort.ts"

type KernelOfKind = { readonly [K in Kernel as K["kind"]]: K }

/** A row for each kind of kernel. */
const PLANNERS: { readonly [Kind in keyof KernelOfKind]: (kernel: KernelOfKind[Kind], limits: GpuLimits) => Planner } =
  {
    map: mapPlanner,
    reduce: reducePlanner,
    rows: rowsPlanner,
    scan: scanPlanner,
    scatter: scatterPlanner,
    sort: sortPlanner,
    matmul: matmulPlanner,
    conv: convPlanner,
  }

/** The workgroup memory that every GPU has. */
const WORKGROUP_BYTES = 16384

/** `true`, or why the core had better compose a kernel of maps and reductions. */
export function supports(kernel: Kernel): true | string {
  const missing = operandDtypes(kernel).find((dtype) => !STORED_DTYPES.includes(dtype))
  if (missing) return `there is no ${missing} in shaders`
  if (kernel.kind === "rows" && workgroupBytes(kernel) > WORKGROUP_BYTES)
    return "so many accumulators do not fit the memory of a workgroup"
  return true
}

/** Who plans a kernel that is supported. */
export function plannerOf(kernel: Kernel, limits: GpuLimits): Planner {
  const make = PLANNERS[kernel.kind] as (kernel: Kernel, limits: GpuLimits) => Planner
  return make(kernel, limits)
}

/** How many of a kernel's last operands are written. */
export function outputCount(kernel: Kernel): number {
  if ("outputs" in kernel) return kernel.outputs.length
  return kernel.kind === "sort" ? 2 : 1
}
