import { defineConfig } from "vite"

/** What a page needs to have shared memory, and so threads. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
}

export default defineConfig({
  build: { target: "es2022" },
  server: { headers },
  preview: { headers },
})
