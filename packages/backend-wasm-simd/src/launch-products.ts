/** Executables of matrix products and convolutions. */
import type { ConvKernel, DType, Epilogue, MatmulKernel, Operand } from "@taeda/core"
import { addressOf } from "./buffer.ts"
import { emitConv } from "./conv.ts"
import { convSlots, planConv, temporarySlot } from "./conv-plan.ts"
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
  const place = placer(dtype, epilogue)
  return (sizes, operands, scalars) => {
    const plan = planMatmul(kernel, sizes, place(operands), machine.threads)
    if (plan.units === 0) return
    writePlan(plan, machine.memory.i32)
    writeScalars(epilogue, machine.memory.i32, FRAME, slots, scalars)
    machine.shareChunks(code, plan.units, plan.grain)
  }
}

/** Runs a conv kernel: two operands, the epilogue's inputs, out; the epilogue's scalars come after the geometry's. */
export function convLaunch(kernel: ConvKernel, machine: Machine): Launch {
  const { dtype, epilogue, spatial } = kernel
  const slots = convSlots(kernel)
  const code = machine.load(emitConv(kernel, machine.target, epilogueCode(epilogue, dtype, slots)))
  const place = placer(dtype, epilogue)
  const geometry = 3 * spatial + 1
  return (_sizes, operands, scalars) => {
    const plan = planConv(kernel, place(operands), scalars.slice(0, geometry).map(Number), machine.threads)
    if (plan.units === 0) return
    const launch = (): void => {
      writeScalars(epilogue, machine.memory.i32, FRAME, slots, scalars.slice(geometry))
      machine.shareChunks(code, plan.units, plan.grain)
    }
    if (plan.temporaryBytes === 0) {
      writePlan(plan, machine.memory.i32)
      launch()
    } else
      machine.withTemporary(plan.temporaryBytes, (address) => {
        // The memory may have grown.
        writePlan(plan, machine.memory.i32)
        setPointer(machine.memory.i32, (FRAME >> 2) + 2 * temporarySlot, address)
        launch()
      })
  }
}

/** Finds the operands of launches, which are all of `dtype` but for the epilogue's inputs. */
function placer(dtype: DType, epilogue: Epilogue | null): (operands: readonly Operand[]) => PlacedOperand[] {
  const widths = [dtype, dtype, ...(epilogue?.inputs.map((i) => i.dtype) ?? []), dtype].map((t) => STORED[t].bytes)
  return (operands) =>
    operands.map((o, k): PlacedOperand => ({ address: addressOf(o, widths[k]), sizes: o.sizes, strides: o.strides }))
}

function writePlan({ slots }: LaunchPlan, words: Int32Array): void {
  for (let k = 0; k < slots.length; k++) setPointer(words, (FRAME >> 2) + 2 * k, slots[k])
}
