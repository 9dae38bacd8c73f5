/** Bundles a program for a page, as an application's own build does, and weighs what a browser gets. */
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { build, type Rolldown } from "vite"

export interface Weight {
  /** Bytes that come with the page, minified and gzipped. */
  readonly bytes: number
  /** Of which the same before gzip. */
  readonly minified: number
  /** The script, and where other files of the page lie beside it. */
  readonly script: string
}

const PROGRAMS = join(import.meta.dirname, "programs")

/** Weighs the program `name` of `programs/` and leaves its files in `folder`. The packages are taken as they are built. */
export async function weigh(name: string, folder: string): Promise<Weight> {
  const result = await build({
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: "error",
    root: PROGRAMS,
    base: "./",
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "esnext",
      modulePreload: false,
      chunkSizeWarningLimit: Number.POSITIVE_INFINITY,
      rolldownOptions: {
        input: join(PROGRAMS, `${name}.ts`),
        // Of the peers' sources.
        onLog: () => undefined,
        output: { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" },
      },
    },
  })
  const chunks = [result]
    .flat()
    .flatMap((each) => (each as Rolldown.RolldownOutput).output)
    .filter((file) => file.type === "chunk")
  // What is imported dynamically comes when a program asks for it, which these do not.
  const wanted = new Set<Rolldown.OutputChunk>()
  const visit = (chunk: Rolldown.OutputChunk): void => {
    if (wanted.has(chunk)) return
    wanted.add(chunk)
    for (const file of chunk.imports) visit(chunks.find(({ fileName }) => fileName === file)!)
  }
  visit(chunks.find(({ isEntry }) => isEntry)!)
  const codes = [...wanted].map(({ code }) => code)
  return {
    bytes: codes.reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0),
    minified: codes.reduce((sum, code) => sum + Buffer.byteLength(code), 0),
    script: join(folder, `${name}.mjs`),
  }
}
