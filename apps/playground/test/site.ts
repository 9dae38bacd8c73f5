/** The page as it is deployed: built into a folder of its own, and served from it to this machine. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build, preview } from "vite"

export interface Site extends AsyncDisposable {
  readonly url: string
}

export async function openSite(): Promise<Site> {
  const root = join(import.meta.dirname, "..")
  const outDir = mkdtempSync(join(tmpdir(), "taeda-playground-"))
  const common = { root, configFile: join(root, "vite.config.ts"), logLevel: "error" } as const
  await build({ ...common, build: { outDir, emptyOutDir: true, reportCompressedSize: false } })
  const server = await preview({ ...common, build: { outDir }, preview: { port: 0 } })
  return {
    url: server.resolvedUrls?.local[0] ?? "",
    async [Symbol.asyncDispose]() {
      await server.close()
      rmSync(outDir, { recursive: true })
    },
  }
}
