/** Compiles test/kernels/*.cu with nvcc and writes the PTX beside them: `node test/compile-kernels.ts`. */

import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { compile } from "./nvcc.ts"

const folder = join(import.meta.dirname, "kernels")
for (const name of readdirSync(folder).filter((each) => each.endsWith(".cu")))
  writeFileSync(join(folder, name.replace(/cu$/, "ptx")), compile(join(folder, name)))
