/** What happens to the results of products before they are stored: a map over them. */
import { type DType, type Epilogue, type Expr, input, type MapKernel, substitute } from "@taeda/core"
import type { Launch } from "./compile.ts"
import { isHalf } from "./expression-plan.ts"

export type CompileMap = (kernel: MapKernel) => Launch

/**
 * The map that stores finished results: operands are the results (of type `raw`), the epilogue's inputs, and the output,
 * which is the same view as the results where `inPlace`.
 */
export function finishing(
  epilogue: Epilogue | null,
  rank: number,
  raw: DType,
  dtype: DType,
  inPlace: boolean,
  compileMap: CompileMap,
): Launch {
  const value = input(0, raw)
  const body: Expr = epilogue ? applied(epilogue, value) : value
  return compileMap({
    kind: "map",
    rank,
    inputs: [{ dtype: raw, access: "strided" }, ...(epilogue?.inputs ?? [])],
    outputs: [{ dtype, access: "strided", ...(inPlace ? { aliases: 0 } : {}) }],
    scalars: epilogue?.scalars ?? [],
    body: [isHalf(dtype) ? body : body.cast(dtype)],
  })
}

/** The epilogue of `value`; its own inputs come after the one that holds the value. */
const applied = (epilogue: Epilogue, value: Expr): Expr =>
  substitute([epilogue.body], (node) => {
    if (node.op === "result") return value.cast(node.dtype)
    return node.op === "input" ? input(Number(node.value) + 1, node.dtype) : undefined
  })[0]
