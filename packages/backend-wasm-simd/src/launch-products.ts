/** Executables of matrix products and convolutions. */
import type { ConvKernel, DType, Epilogue, MatmulKernel, Operand } from "@taeda/core"
import { addressOf } from "./buffer.ts"
import { emitConv } from "./conv.ts"
import { convSlots, temporarySlot } from "./conv-frame.ts"
import { type ConvPlan, planConv } from "./conv-plan.ts"
import { epilogueCode, writeScalars } from "./epilogue.ts"
import { setPointer } from "./frame.ts"
import type { Launch } from "./launch-loops.ts"
import type { LaunchPlan, PlacedOperand } from "./launch-plan.ts"
import { FRAME, type Machine } from "./machine.ts"
import { emitMatmul } from "./matmul.ts"
import { matmulSlots } from "./matmul-frame.ts"
import { planMatmul } from "./matmul-plan.ts"
import { PlanCache } from "./plan-cache.ts"
import { STORED } from "./stored.ts"

/** Runs a matmul kernel: operands a, c, the epilogue's inputs, out. */
export function matmulLaunch(kernel: MatmulKernel, machine: Machine): Launch {
  const { dtype, epilogue } = kernel
  const slots = matmulSlots(kernel)
  const code = machine.load(emitMatmul(kernel, machine.target, epilogueCode(epilogue, dtype, slots)))
  const widths = widthsOf(dtype, epilogue)
  const plans = new PlanCache<LaunchPlan>()
  return (sizes, operands, scalars) => {
    const found = plans.find(sizes, operands, () =>
      planMatmul(kernel, sizes, placed(operands, widths), machine.threads),
    )
    const { plan } = found
    if (plan.units === 0) return
    writePlan(found, operands, widths, machine.memory.i32)
    writeScalars(epilogue, machine.memory.i32, FRAME, slots, scalars)
    machine.shareChunks(code, plan.units, plan.grain)
  }
}

/** Runs a conv kernel: two operands, the epilogue's inputs, out; the epilogue's scalars come after the geometry's. */
export function convLaunch(kernel: ConvKernel, machine: Machine): Launch {
  const { dtype, epilogue, spatial } = kernel
  const slots = convSlots(kernel)
  const code = machine.load(emitConv(kernel, machine.target, epilogueCode(epilogue, dtype, slots)))
  const widths = widthsOf(dtype, epilogue)
  const plans = new PlanCache<ConvPlan>()
  const count = 3 * spatial + 1
  return (_sizes, operands, scalars) => {
    const geometry = scalars.slice(0, count).map(Number)
    const found = plans.find(geometry, operands, () =>
      planConv(kernel, placed(operands, widths), geometry, machine.threads),
    )
    const { plan } = found
    if (plan.units === 0) return
    const launch = (temporary: number): void => {
      const { i32 } = machine.memory
      writePlan(found, operands, widths, i32)
      setPointer(i32, (FRAME >> 2) + 2 * temporarySlot, temporary)
      writeScalars(epilogue, i32, FRAME, slots, scalars.slice(count))
      machine.shareChunks(code, plan.units, plan.grain)
    }
    if (plan.temporaryBytes === 0) launch(0)
    else machine.withTemporary(plan.temporaryBytes, launch)
  }
}

/** Bytes of the elements of each operand: all are of `dtype` but for the epilogue's inputs. */
const widthsOf = (dtype: DType, epilogue: Epilogue | null): readonly number[] =>
  [dtype, dtype, ...(epilogue?.inputs.map((i) => i.dtype) ?? []), dtype].map((t) => STORED[t].bytes)

const placed = (operands: readonly Operand[], widths: readonly number[]): readonly PlacedOperand[] =>
  operands.map((o, k) => ({ address: addressOf(o, widths[k]), sizes: o.sizes, strides: o.strides }))

/** Writes a plan into the frame, with the addresses of this launch's operands. */
function writePlan(
  { plan, words: slots }: { readonly plan: LaunchPlan; readonly words: Int32Array },
  operands: readonly Operand[],
  widths: readonly number[],
  words: Int32Array,
): void {
  const frame = FRAME >> 2
  words.set(slots, frame)
  for (let k = 0; k < operands.length; k++)
    setPointer(words, frame + 2 * plan.addresses[k], addressOf(operands[k], widths[k]))
}
