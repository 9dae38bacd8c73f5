/** Kernels and who plans them. */
import { type Kernel, operandDtypes } from "@taeda/core"
import { STORED_DTYPES } from "./elements.ts"
import { mapPlanner } from "./emit-map.ts"
import { reducePlanner } from "./emit-reduce.ts"
import type { Planner } from "./planner.ts"
import type { GpuLimits } from "./program.ts"

/** What plans kernels of a kind. */
export interface Kind<K extends Kernel> {
  plannerOf(kernel: K, limits: GpuLimits): Planner
  /** Why it cannot plan this one; undefined where it can. */
  refuses?(kernel: K): string | undefined
}

type KernelOfKind = { readonly [K in Kernel as K["kind"]]: K }

type Kinds<Names extends Kernel["kind"]> = { readonly [Name in Names]: Kind<KernelOfKind[Name]> }

/** The kinds that core composes of maps and reductions where there are none. */
export type Extras = Kinds<Exclude<Kernel["kind"], "map" | "reduce">>

/** Who plans what, given the kinds beyond maps and reductions. */
export function executablesOf(extras: Partial<Extras>) {
  const kinds: Partial<Kinds<Kernel["kind"]>> = {
    ...extras,
    map: { plannerOf: mapPlanner },
    reduce: { plannerOf: reducePlanner },
  }
  const kindOf = (kernel: Kernel) => kinds[kernel.kind] as Kind<Kernel> | undefined
  return {
    /** `true`, or why the core had better compose a kernel of maps and reductions. */
    supports(kernel: Kernel): true | string {
      const missing = operandDtypes(kernel).find((dtype) => !STORED_DTYPES.includes(dtype))
      if (missing) return `there is no ${missing} in shaders`
      const kind = kindOf(kernel)
      if (!kind) return `this backend was opened without kernels for ${kernel.kind}`
      return kind.refuses?.(kernel) ?? true
    },
    /** Who plans a kernel that is supported. */
    plannerOf: (kernel: Kernel, limits: GpuLimits): Planner => kindOf(kernel)!.plannerOf(kernel, limits),
  }
}

/** How many of a kernel's last operands are written. */
export function outputCount(kernel: Kernel): number {
  if ("outputs" in kernel) return kernel.outputs.length
  return kernel.kind === "sort" ? 2 : 1
}
