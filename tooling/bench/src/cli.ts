/**
 * `pnpm bench`: taeda beside its peers, the same work in one run. Medians; n× is a peer's time over taeda's. Options:
 * `--backend` (cpu-js), `--work` (a part of a work's name), `--json`, `--no-peers`.
 */
import { parseArgs } from "node:util"
import { jaxjs } from "./jax.ts"
import { measure, type Row } from "./measure.ts"
import { pytorch, pythonWithTorch } from "./pytorch.ts"
import { table } from "./table.ts"
import { taeda } from "./taeda.ts"
import { tfjs } from "./tfjs.ts"
import { type Library, WORK_NAMES, WORKS } from "./works.ts"

const { values } = parseArgs({
  options: {
    backend: { type: "string", default: "cpu-js" },
    work: { type: "string" },
    json: { type: "boolean", default: false },
    peers: { type: "boolean", default: true },
  },
  allowNegative: true,
})

const DEVICES: Record<string, string> = { "cpu-js": "cpu", "wasm-simd": "wasm", webgpu: "webgpu", cuda: "cuda" }
const device = DEVICES[values.backend]
if (!device) {
  console.error(`bench: unknown backend ${values.backend}; known: ${Object.keys(DEVICES).join(", ")}`)
  process.exit(2)
}
const works = WORK_NAMES.filter((name) => name.includes(values.work ?? ""))
if (works.length === 0) {
  console.error(`bench: no work is called ${values.work}; known: ${WORK_NAMES.join(", ")}`)
  process.exit(2)
}

const libraries: Library[] = [await taeda(device), ...(values.peers ? [await tfjs(), await jaxjs()] : [])]
const rows: Row[] = []
for (const work of works) {
  console.error(`${work}: ${WORKS[work]}`)
  for (const library of libraries)
    try {
      const row = await measure(library, work)
      if (row) rows.push(row)
    } catch (error) {
      // A peer that cannot do a work is left out of it; taeda must do them all.
      if (library === libraries[0]) throw error
      console.error(`  ${library.name} failed: ${(error as Error).message}`)
    }
}
const python = values.peers ? pythonWithTorch() : null
if (python) rows.push(...pytorch(python, works))

if (values.json) console.log(JSON.stringify(rows, null, 1))
else {
  console.log(table(rows))
  console.log(`\nMedians; n× is that library's time over taeda's. Node ${process.version}, ${process.platform} ${process.arch}.${python ? "" : " No PyTorch found: set TAEDA_PYTHON to a Python that has it."}`)
}
