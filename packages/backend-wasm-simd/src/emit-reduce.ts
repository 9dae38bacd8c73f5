/**
 * Reductions to WebAssembly, in three forms among which a launch chooses by its sizes and strides:
 * columns, one result at a time, four elements of a run side by side; rows, four results side by side; and split, for few
 * results of many elements, where pieces of a run are combined in a second step (`merge`), always the same pieces, so that
 * results do not depend on the number of threads.
 */
import type { Access, ReduceKernel } from "@taeda/core"
import { type LoopBody, loopModule } from "./loops.ts"
import { Columns } from "./reduce-columns.ts"
import { Rows } from "./reduce-rows.ts"
import type { Target } from "./target.ts"

export type ReduceForm =
  | { readonly kind: "columns" }
  | { readonly kind: "split" }
  /** With the access of every input along the last kept dim ("load" for those that do not follow the iteration). */
  | { readonly kind: "rows"; readonly access: readonly Access[] }

/** A kernel of at least one reduced dim. */
export function emitReduce(kernel: ReduceKernel, form: ReduceForm, target: Target): Uint8Array<ArrayBuffer> {
  const functions: Record<ReduceForm["kind"], Record<string, (body: LoopBody) => void>> = {
    columns: { run: (body) => new Columns(kernel, body).emit() },
    rows: { run: (body) => new Rows(kernel, body, form.kind === "rows" ? form.access : []).emit() },
    split: {
      run: (body) => new Columns(kernel, body).emitPieces(),
      merge: (body) => new Columns(kernel, body).emitMerge(),
    },
  }
  return loopModule(kernel, target, functions[form.kind], () => true)
}
