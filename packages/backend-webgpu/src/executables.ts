/** Kernels and who plans them. */
import { type Kernel, operandDtypes } from "@taeda/core"
import { STORED_DTYPES } from "./elements.ts"
import { mapPlanner } from "./emit-map.ts"
import { reducePlanner } from "./emit-reduce.ts"
import type { Planner } from "./planner.ts"
import type { GpuLimits } from "./program.ts"

type KernelOfKind = { readonly [K in Kernel as K["kind"]]: K }
type Table<Kinds extends Kernel["kind"]> = {
  readonly [Kind in Kinds]: (kernel: KernelOfKind[Kind], limits: GpuLimits) => Planner
}

/** Planners of the kinds that core composes of maps and reductions where there are none, by kind. */
export type Extras = Table<Exclude<Kernel["kind"], "map" | "reduce">>

/** Who plans what, given the planners beyond those of maps and reductions. */
export function executablesOf(extras: Partial<Extras>) {
  const planners: Partial<Table<Kernel["kind"]>> = { ...extras, map: mapPlanner, reduce: reducePlanner }
  return {
    /** `true`, or why the core had better compose a kernel of maps and reductions. */
    supports(kernel: Kernel): true | string {
      const missing = operandDtypes(kernel).find((dtype) => !STORED_DTYPES.includes(dtype))
      if (missing) return `there is no ${missing} in shaders`
      return planners[kernel.kind] !== undefined || `this backend was opened without kernels for ${kernel.kind}`
    },
    /** Who plans a kernel that is supported. */
    plannerOf(kernel: Kernel, limits: GpuLimits): Planner {
      const make = planners[kernel.kind] as (kernel: Kernel, limits: GpuLimits) => Planner
      return make(kernel, limits)
    },
  }
}

/** How many of a kernel's last operands are written. */
export function outputCount(kernel: Kernel): number {
  if (kernel.kind === "map" || kernel.kind === "reduce" || kernel.kind === "scan") return kernel.outputs.length
  return kernel.kind === "sort" ? 2 : 1
}
