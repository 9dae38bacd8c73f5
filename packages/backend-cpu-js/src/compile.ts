/** From kernels to functions that run them. */
import {
  bfloat16ToNumber,
  float16ToNumber,
  isFloating,
  type Kernel,
  numberToBfloat16,
  numberToFloat16,
  type Operand,
  type Scalar,
} from "@taeda/core"
import { viewBuffer } from "./buffer.ts"
import { composeKernel } from "./closures.ts"
import { convLaunch } from "./conv.ts"
import { emitKernel, type LoopKernel } from "./emit.ts"
import { matmulLaunch } from "./matmul.ts"
import { HELPERS } from "./primitives.ts"
import { sortLaunch } from "./sort.ts"
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

/** Compiles the kernels that are loops around expressions. */
export const compileLoops = (kernel: LoopKernel, generate: boolean): Launch =>
  generate ? (new Function("helpers", emitKernel(kernel))(LIBRARY) as Launch) : composeKernel(kernel)

/** `true`, or why the core had better compose a kernel of maps and reductions. */
export function kernelSupport(kernel: Kernel): true | string {
  if (kernel.kind === "matmul" && kernel.dtype === "bool") return "a sum of bool products is not a sum of numbers"
  if (kernel.kind === "conv" && !isFloating(kernel.dtype))
    return `convolutions here are of floats, not of ${kernel.dtype}`
  if (kernel.kind === "rows") return "a reduction for each stage and a map keep more of what they compute"
  return true
}

export function compileKernel(kernel: Kernel, generate: boolean): Launch {
  const compileMap = (map: LoopKernel): Launch => compileLoops(map, generate)
  switch (kernel.kind) {
    case "map":
    case "reduce":
    case "scan":
    case "scatter":
      return compileLoops(kernel, generate)
    case "sort":
      return sortLaunch(kernel)
    case "matmul":
      return matmulLaunch(kernel, compileMap)
    case "conv":
      return convLaunch(kernel, compileMap)
    case "rows":
      throw new TypeError(String(kernelSupport(kernel)))
  }
}
