/** Matrix products: one `gemm` per batch element, half types by way of float32, and epilogues as a map over the result. */
import { computeType, type MatmulKernel } from "@taeda/core"
import type { Launch } from "./compile.ts"
import { type CompileMap, finishing } from "./epilogue.ts"
import { isHalf } from "./expression-plan.ts"
import { gemm } from "./gemm.ts"
import { arrayOf, computable, countOf, forEachOffset, temporary } from "./operands.ts"

/** Runs a matmul kernel: operands a, c, the epilogue's inputs, out. */
export function matmulLaunch({ batch, dtype, epilogue }: MatmulKernel, compileMap: CompileMap): Launch {
  const half = isHalf(dtype)
  const raw = computeType(dtype)
  const finish = half || epilogue ? finishing(epilogue, batch + 2, raw, dtype, !half, compileMap) : undefined
  return (sizes, operands, scalars) => {
    const [m, n, k] = sizes.slice(batch)
    const out = operands[operands.length - 1]
    if (countOf(out.sizes) === 0) return
    const a = half ? computable(operands[0], dtype) : operands[0]
    const c = half ? computable(operands[1], dtype) : operands[1]
    const sums = half ? temporary(out.sizes, raw) : out
    const [left, right, target] = [a, c, sums].map((o) => arrayOf(o, raw)) as [Float32Array, Float32Array, Float32Array]
    const [ar, ac] = a.strides.slice(batch)
    const [cr, cc] = c.strides.slice(batch)
    const [or, oc] = sums.strides.slice(batch)
    forEachOffset(sizes, batch, [a, c, sums], ([ao, co, oo]) =>
      gemm(m, n, k, left, ao, ar, ac, right, co, cr, cc, target, oo, or, oc, false),
    )
    finish?.(out.sizes, [sums, ...operands.slice(2)], scalars)
  }
}
