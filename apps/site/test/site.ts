/** The site as it is deployed: built into a folder of its own, and served from it to this machine. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, extname, join } from "node:path"

export interface Site extends AsyncDisposable {
  readonly url: string
  readonly folder: string
}

const ROOT = join(import.meta.dirname, "..")

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
}

/** As hosts of static files find them: a folder's index, and pages without their ending. */
function fileAt(folder: string, path: string): string | undefined {
  const candidates = [path, join(path, "index.html"), `${path}.html`].map((each) => join(folder, each))
  return candidates.find((each) => existsSync(each) && statSync(each).isFile())
}

export async function openSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "taeda-site-"))
  const vitepress = dirname(createRequire(import.meta.url).resolve("vitepress/package.json"))
  const node = (...args: string[]): void => {
    execFileSync(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, TAEDA_SITE_OUT: folder, NODE_ENV: "production" },
      stdio: ["ignore", "ignore", "inherit"],
    })
  }
  node("--conditions=@taeda/source", "build/assemble.ts")
  node(join(vitepress, "bin", "vitepress.js"), "build")
  const server = createServer(({ url }, response) => {
    const file = fileAt(folder, decodeURIComponent(new URL(url ?? "/", "http://localhost").pathname))
    response.writeHead(file ? 200 : 404, { "Content-Type": TYPES[extname(file ?? "")] ?? "application/octet-stream" })
    response.end(file ? readFileSync(file) : "")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    folder,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true })
    },
  }
}
