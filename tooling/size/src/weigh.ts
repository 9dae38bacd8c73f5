/** Bundles a program for a page, as an application's own build does, and weighs what a browser gets. */
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { type OutputChunk, rolldown } from "rolldown"

export interface Weight {
  /** Bytes that come with the page, minified and gzipped. */
  readonly bytes: number
  /** The same before gzip. */
  readonly minified: number
  /** The script, beside which lie its other parts. */
  readonly script: string
}

const PROGRAMS = join(import.meta.dirname, "programs")

/**
 * Weighs the program `name` of `programs/` and leaves its files in `folder`. The packages are taken as they are built. `asked`:
 * how the names of parts begin that are imported dynamically and that the program asks for.
 */
export async function weigh(name: string, folder: string, asked: readonly string[] = []): Promise<Weight> {
  const bundle = await rolldown({
    input: join(PROGRAMS, `${name}.ts`),
    platform: "browser",
    // Of the peers' sources.
    logLevel: "silent",
  })
  const names = { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" }
  const { output } = await bundle.write({ dir: folder, format: "es", minify: true, comments: false, ...names })
  const chunks = output.filter((file) => file.type === "chunk")
  const wanted = new Set<OutputChunk>()
  const visit = (chunk: OutputChunk): void => {
    if (wanted.has(chunk)) return
    wanted.add(chunk)
    for (const file of chunk.imports) visit(chunks.find(({ fileName }) => fileName === file)!)
  }
  for (const chunk of chunks) if (chunk.isEntry || asked.some((part) => chunk.name.startsWith(part))) visit(chunk)
  const codes = [...wanted].map(({ code }) => code)
  return {
    bytes: codes.reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0),
    minified: codes.reduce((sum, code) => sum + Buffer.byteLength(code), 0),
    script: join(folder, `${name}.mjs`),
  }
}
