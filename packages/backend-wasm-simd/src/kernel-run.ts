/** The function of a kernel that launches call. */
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { i32 } from "./code.ts"

/**
 * Exports `run(frame, begin, end, scratch)`, which gives 0. Its addresses are of 32 bits in every memory, as both areas lie at the
 * low end; `build` gets them as the address type.
 */
export function exportRun(
  module: ModuleBuilder,
  build: (f: FunctionBuilder, frame: Local, begin: Local, end: Local, scratch: Local) => void,
): void {
  module.function(
    "run",
    ["i32", "i32", "i32", "i32"],
    ["i32"],
    (f, frame, begin, end, scratch) => {
      const address = (local: Local): Local => (f.pointer === "i32" ? local : f.let("ptr", f.toPointer(get(local))))
      build(f, address(frame), begin, end, address(scratch))
      f.push(i32(0))
    },
    true,
  )
}
