/** Kernels and who plans them. */
import { type Kernel, operandDtypes } from "@taeda/core"
import { STORED_DTYPES } from "./elements.ts"
import { mapPlanner } from "./emit-map.ts"
import { reducePlanner } from "./emit-reduce.ts"
import type { Launch } from "./launch.ts"
import type { GpuLimits, Plan, Shader } from "./program.ts"

/** Plans the launches of a kernel. */
export interface Planner {
  readonly plan: (launch: Launch) => Plan
  /** The shaders that a launch is likely to take, to be compiled ahead. */
  readonly shaders: () => readonly Shader[]
}

/** `true`, or why the core had better compose a kernel of maps and reductions. */
export function supports(kernel: Kernel): true | string {
  const missing = operandDtypes(kernel).find((dtype) => !STORED_DTYPES.includes(dtype))
  if (missing) return `there is no ${missing} in shaders`
  return kernel.kind === "map" || kernel.kind === "reduce" ? true : "it has no shader of its own"
}

export function plannerOf(kernel: Kernel, limits: GpuLimits): Planner {
  switch (kernel.kind) {
    case "map":
      return mapPlanner(kernel)
    case "reduce":
      return reducePlanner(kernel, limits)
    default:
      throw new TypeError(String(supports(kernel)))
  }
}

/** How many of a kernel's last operands are written. */
export function outputCount(kernel: Kernel): number {
  if (kernel.kind === "map" || kernel.kind === "reduce" || kernel.kind === "scan") return kernel.outputs.length
  return kernel.kind === "sort" ? 2 : 1
}
