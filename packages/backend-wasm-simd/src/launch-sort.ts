/** Executables of sorts. */
import type { SortKernel } from "@taeda/core"
import { addressOf } from "./buffer.ts"
import { setPointer } from "./frame.ts"
import type { Launch } from "./launch-loops.ts"
import { FRAME, type Machine } from "./machine.ts"
import { emitSort } from "./sort.ts"
import { planSort } from "./sort-plan.ts"
import { STORED } from "./stored.ts"

/** Instructions for an element. */
const COST = 20

export function sortLaunch(kernel: SortKernel, machine: Machine): Launch {
  const code = machine.load(emitSort(kernel, machine.target))
  const widths = [STORED[kernel.dtype].bytes, STORED[kernel.dtype].bytes, STORED.int32.bytes]
  return (sizes, operands) => {
    if (sizes.includes(0)) return
    const placed = operands.map((o, k) => ({ address: addressOf(o, widths[k]), sizes: o.sizes, strides: o.strides }))
    const plan = planSort(kernel, sizes, placed, machine.threads)
    const run = (temporary: number): void => {
      const words = machine.memory.i32
      plan.slots.forEach((n, k) => setPointer(words, (FRAME >> 2) + 2 * k, n))
      if (temporary) setPointer(words, (FRAME >> 2) + 2 * plan.temporarySlot, temporary)
      const elements = sizes.reduce((a, b) => a * b, 1)
      machine.share(code, plan.units, (COST * elements) / plan.units, 1)
    }
    if (plan.temporaryBytes > 0) machine.withTemporary(plan.temporaryBytes, run)
    else run(0)
  }
}
