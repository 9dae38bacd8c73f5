/** Kernels to JavaScript source. Pure: nothing here runs or compiles what it writes. */
import type { MapKernel, ReduceKernel, ScanKernel, ScatterKernel } from "@taeda/core"
import { emitMap, emitScatter } from "./emit-map.ts"
import { emitReduce, emitScan } from "./emit-reduce.ts"
import { Emitter } from "./emitter.ts"

/** The kernels that are loops around expressions. */
export type LoopKernel = MapKernel | ReduceKernel | ScanKernel | ScatterKernel

/**
 * The source of a function body that takes `helpers` and returns `launch(sizes, operands, scalars)`. Equal kernels give
 * equal text.
 */
export function emitKernel(kernel: LoopKernel): string {
  const e = new Emitter(kernel)
  return assemble(emitLoops(kernel, e), e.statics)
}

function emitLoops(kernel: LoopKernel, e: Emitter): string[] {
  switch (kernel.kind) {
    case "map":
      return emitMap(kernel, e)
    case "reduce":
      return emitReduce(kernel, e)
    case "scan":
      return emitScan(kernel, e)
    case "scatter":
      return emitScatter(kernel, e)
  }
}

/** Binds the helpers that the lines mention, and indents by braces. */
function assemble(lines: readonly string[], statics: readonly string[]): string {
  const names = [...new Set([...[...statics, ...lines].join("\n").matchAll(/\$(\w+)/g)].map((m) => m[1]))].sort()
  const all = [
    '"use strict"',
    ...names.map((n) => `const $${n} = helpers.${n}`),
    ...statics,
    "return function launch(sizes, operands, scalars) {",
    ...lines,
    "}",
  ]
  let depth = 0
  return all
    .map((line) => {
      if (line.startsWith("}")) depth--
      const indented = "  ".repeat(depth) + line
      if (line.endsWith("{")) depth++
      return indented
    })
    .join("\n")
}
