import { defaultClientConditions, defineConfig } from "vite"
import { contentSecurityPolicy } from "./build/csp.ts"
import { libraryTypes } from "./build/library-types.ts"
import { mnistFiles } from "./build/mnist-files.ts"

/** What a page needs to have shared memory, and so threads. `public/_headers` has the same for hosts that read it. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
}

/** What modules and optimisers print of themselves begins with the names of their classes. */
const rolldownOptions = { output: { keepNames: true } }

export default defineConfig({
  root: import.meta.dirname,
  // The files may be put into any folder of a site.
  base: "./",
  envDir: false,
  resolve: { conditions: ["@taeda/source", ...defaultClientConditions] },
  plugins: [mnistFiles(), libraryTypes(), contentSecurityPolicy()],
  worker: { format: "es", plugins: () => [libraryTypes()], rolldownOptions },
  build: { target: "es2022", modulePreload: { polyfill: false }, chunkSizeWarningLimit: 2000, rolldownOptions },
  server: { host: "127.0.0.1", headers },
  preview: { host: "127.0.0.1", headers },
})
