/**
 * Measures the works of one library in this process: `library.ts NAME DEVICE WORK...`. A line of JSON per work:
 * {"work", "ms"}, where ms is null for what the library has nothing for; {"threads"} before them, where the library says.
 * Exits with 2 where the library does not start.
 */
import { measure } from "@taeda/cli/measure"
import { type Library, parseGrowth, type Runner, type TableWork, type WorkName } from "./works.ts"

const LIBRARIES: Record<string, (device: string) => Promise<Library>> = {
  taeda: async (device) => (await import("./taeda.ts")).taeda(device),
  tfjs: async (backend) => (await import("./tfjs.ts")).tfjs(backend),
  jax: async (device) => (await import("./jax.ts")).jaxjs(device),
  ort: async (kind) => (await import("./ort.ts")).ort(kind),
}

const [name, device, ...works] = process.argv.slice(2)
const fail = (code: number) => (error: Error) => {
  console.error(`bench: ${name}: ${error.message}`)
  process.exit(code)
}

async function prepare(library: Library, work: WorkName): Promise<Runner | null> {
  const growth = parseGrowth(work)
  if (!growth) return library.prepare(work as TableWork)
  return library.prepareGrowth ? library.prepareGrowth(growth.op, growth.elements) : null
}

const library = await LIBRARIES[name](device).catch(fail(2))
if (library.threads) console.log(JSON.stringify({ threads: library.threads }))
for (const work of works as WorkName[]) {
  const runner = await prepare(library, work).catch(fail(1))
  const ms = runner && (await measure(runner).catch(fail(1)))
  console.log(JSON.stringify({ work, ms }))
}
// Threads of a library may still wait for work.
process.exit()
