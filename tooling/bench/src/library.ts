/**
 * Measures the works of one library in this process: `library.ts NAME DEVICE WORK...`. A line of JSON per work:
 * {"work", "ms"}, where ms is null for what the library has nothing for. Exits with 2 where the library does not start.
 */
import { measure } from "./measure.ts"
import type { Library, WorkName } from "./works.ts"

const LIBRARIES: Record<string, (device: string) => Promise<Library>> = {
  taeda: async (device) => (await import("./taeda.ts")).taeda(device),
  tfjs: async () => (await import("./tfjs.ts")).tfjs(),
  jax: async () => (await import("./jax.ts")).jaxjs(),
}

const [name, device, ...works] = process.argv.slice(2)
const fail = (code: number) => (error: Error) => {
  console.error(`bench: ${name}: ${error.message}`)
  process.exit(code)
}
const library = await LIBRARIES[name](device).catch(fail(2))
for (const work of works as WorkName[]) {
  const runner = await library.prepare(work).catch(fail(1))
  const ms = runner && (await measure(runner).catch(fail(1)))
  console.log(JSON.stringify({ work, ms }))
}
