/** Operands that one dispatch would both read and write, which WebGPU forbids: it reads a copy. */
import type { Block } from "./memory.ts"
import type { BufferRef, Dispatch } from "./program.ts"

const NONE: readonly Block[] = []

/** Those that a dispatch would read in one binding and write in another, even where the two touch different elements. */
export function clashesOf({ shader, buffers }: Dispatch, operands: readonly Block[]): readonly Block[] {
  let clashes = NONE
  for (const [i, to] of buffers.entries()) {
    if (!("operand" in to) || shader.bindings[i].access === "read") continue
    const block = operands[to.operand]
    const reads = (from: BufferRef, k: number): boolean =>
      "operand" in from && shader.bindings[k].access === "read" && operands[from.operand] === block
    if (buffers.some(reads)) clashes = [...clashes, block]
  }
  return clashes
}

/** What copies of clashing operands take; every dispatch uses the same memory for its own. */
export function copySizes(clashes: readonly (readonly Block[])[]): number[] {
  const sizes: number[] = []
  for (const blocks of clashes)
    for (const [i, { capacity }] of blocks.entries()) sizes[i] = Math.max(sizes[i] ?? 0, capacity)
  return sizes
}
