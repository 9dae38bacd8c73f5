/** Executables of matrix products and convolutions. */
import type { MatmulKernel } from "@taeda/core"
import { addressOf } from "./buffer.ts"
import { STORED } from "./elements.ts"
import { epilogueCode, writeScalars } from "./epilogue.ts"
import { setPointer } from "./frame.ts"
import type { Launch } from "./launch-loops.ts"
import { FRAME, type Machine } from "./machine.ts"
import { emitMatmul, matmulSlots, planMatmul } from "./matmul.ts"
import type { LaunchPlan, PlacedOperand } from "./product-block.ts"

/** Runs a matmul kernel: operands a, c, the epilogue's inputs, out. */
export function matmulLaunch(kernel: MatmulKernel, machine: Machine): Launch {
  const { dtype, epilogue } = kernel
  const slots = matmulSlots(kernel)
  const code = machine.load(emitMatmul(kernel, machine.target, epilogueCode(epilogue, dtype, slots)))
  const widths = [dtype, dtype, ...(epilogue?.inputs.map((i) => i.dtype) ?? []), dtype].map((t) => STORED[t].bytes)
  return (sizes, operands, scalars) => {
    const placed = operands.map(
      (o, k): PlacedOperand => ({ address: addressOf(o, widths[k]), sizes: o.sizes, strides: o.strides }),
    )
    const plan = planMatmul(kernel, sizes, placed, machine.threads)
    if (plan.units === 0) return
    writePlan(plan, machine.memory.i32)
    writeScalars(epilogue, machine.memory.i32, FRAME, slots, scalars)
    machine.shareChunks(code, plan.units, plan.grain)
  }
}

function writePlan({ slots }: LaunchPlan, words: Int32Array): void {
  for (let k = 0; k < slots.length; k++) setPointer(words, (FRAME >> 2) + 2 * k, slots[k])
}
