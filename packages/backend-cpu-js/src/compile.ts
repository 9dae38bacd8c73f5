/** From kernels to functions that run them. */
import type { Kernel, Operand, Scalar } from "@taeda/core"
import { viewBuffer } from "./buffer.ts"
import { emitKernel } from "./emit.ts"
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from "@taeda/core"
import { HELPERS } from "./primitives.ts"
import { runsByRows } from "./traversal.ts"

/** Runs a kernel over `sizes`. */
export type Launch = (sizes: readonly number[], operands: readonly Operand[], scalars: readonly Scalar[]) => void

/** All that generated code may call. */
const LIBRARY = {
  ...HELPERS,
  viewBuffer,
  runsByRows,
  float16ToNumber,
  bfloat16ToNumber,
  numberToFloat16,
  numberToBfloat16,
}

let generating: boolean | undefined

/** Whether functions can be made from text here; tried once. */
export function canGenerateCode(): boolean {
  if (generating === undefined)
    try {
      generating = new Function("return true")() === true
    } catch {
      generating = false
    }
  return generating
}

export function kernelSupport(kernel: Kernel): true | string {
  return "inputs" in kernel ? true : `cpu-js has no ${kernel.kind} of its own`
}

export function compileKernel(kernel: Kernel, _generate: boolean): Launch {
  if (!("inputs" in kernel)) throw new TypeError(`cpu: no ${kernel.kind}`)
  return new Function("helpers", emitKernel(kernel))(LIBRARY) as Launch
}
