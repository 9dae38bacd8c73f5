/** The function by which launches enter a module: see KernelRun in `instantiate.ts`. */
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { i32 } from "./code.ts"

export interface RunParameters {
  /** Where the launch's arguments stand; an address. */
  readonly frame: Local
  readonly begin: Local
  readonly end: Local
  /** The thread's own memory; an address. */
  readonly scratch: Local
}

/** Exports `run`, which no fault can come from. Callers pass plain numbers, whatever the type of addresses inside. */
export function exportRun(module: ModuleBuilder, body: (f: FunctionBuilder, parameters: RunParameters) => void): void {
  module.function(
    "run",
    ["i32", "i32", "i32", "i32"],
    ["i32"],
    (f, frame, begin, end, scratch) => {
      const address = (given: Local): Local => f.let("ptr", f.toPointer(get(given)))
      body(f, { frame: address(frame), begin, end, scratch: address(scratch) })
      f.push(i32(0))
    },
    true,
  )
}
