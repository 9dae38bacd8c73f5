/** The function of a kernel that launches call. */
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { i32 } from "./code.ts"

/** What a kernel's function is given: the launch's arguments, the units to do, and memory of the thread's own. */
export interface RunParameters {
  readonly frame: Local
  readonly begin: Local
  readonly end: Local
  readonly scratch: Local
}

/**
 * Exports `run(frame, begin, end, scratch)`, which gives 0. Its addresses are of 32 bits in every memory, as both areas lie at the
 * low end; `build` gets them as the address type.
 */
export function exportRun(module: ModuleBuilder, build: (f: FunctionBuilder, parameters: RunParameters) => void): void {
  module.function(
    "run",
    ["i32", "i32", "i32", "i32"],
    ["i32"],
    (f, frame, begin, end, scratch) => {
      const address = (local: Local): Local => (f.pointer === "i32" ? local : f.let("ptr", f.toPointer(get(local))))
      build(f, { frame: address(frame), begin, end, scratch: address(scratch) })
      f.push(i32(0))
    },
    true,
  )
}
