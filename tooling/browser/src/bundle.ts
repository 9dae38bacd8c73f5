/** Bundles a TypeScript module for a page, as an application's own build does, except that our packages come as sources. */

import { dirname } from "node:path"
import { build, defaultClientConditions, type Rolldown } from "vite"

/** What is served: the content of each file by its path in the site. */
export type Files = ReadonlyMap<string, string | Uint8Array>

/** Where the module itself is in the site. */
export const ENTRY = "entry.js"

/** Bundles a module, with the workers and what else it names by `new URL(…, import.meta.url)`; its exports stay. */
export async function bundle(entry: string): Promise<Files> {
  const result = await build({
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: "warn",
    root: dirname(entry),
    base: "./",
    resolve: { conditions: ["@taeda/source", ...defaultClientConditions] },
    worker: { format: "es" },
    build: {
      write: false,
      target: "esnext",
      // What a page says of an error is to be read by people.
      minify: false,
      modulePreload: false,
      rolldownOptions: {
        input: entry,
        preserveEntrySignatures: "strict",
        output: { entryFileNames: ENTRY },
      },
    },
  })
  const outputs = [result].flat() as Rolldown.RolldownOutput[]
  return new Map(
    outputs.flatMap(({ output }) =>
      output.map((file) => [file.fileName, file.type === "chunk" ? file.code : file.source] as const),
    ),
  )
}
