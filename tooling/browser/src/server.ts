/** Serves files from memory to this machine alone. */

import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { extname } from "node:path"
import { ENTRY, type Files } from "./bundle.ts"

export interface SiteOptions {
  /** Whether pages are cross-origin isolated, without which there is no shared memory. */
  readonly isolated: boolean
  /** A Content-Security-Policy. */
  readonly csp?: string
}

export interface Site {
  readonly url: string
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
}

const ISOLATION: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
}

/** What the page defines for whoever drives it. */
export interface PageGlobals {
  /** Calls the entry's `main`. */
  callMain(args: unknown): Promise<unknown>
}

/** The page, with an icon, since browsers ask for one otherwise; the script is a file, since policies forbid one inside. */
const PAGE: Files = new Map([
  [
    "index.html",
    `<!doctype html><html lang="en"><title>taeda</title><link rel="icon" href="data:,"><script src="/call-main.js"></script></html>`,
  ],
  [
    "call-main.js",
    `globalThis.callMain = async (args) => {
  const { main } = await import("/${ENTRY}")
  if (!main) throw new TypeError("the module exports no function main")
  return main(args, globalThis.tell)
}`,
  ],
])

const listening = (server: Server): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(server.address() as AddressInfo))
  })

/** Serves an empty page at `/` and the files beside it, on a free port of the loopback interface. */
export async function serve(files: Files, { isolated, csp }: SiteOptions): Promise<Site> {
  const site: Files = new Map([...files, ...PAGE])
  const common = { ...(isolated && ISOLATION), ...(csp && { "Content-Security-Policy": csp }) }
  const server = createServer(({ url }, response) => {
    const path = new URL(url ?? "/", "http://localhost").pathname.slice(1) || "index.html"
    const content = site.get(path)
    const type = content === undefined ? "text/plain" : (TYPES[extname(path)] ?? "application/octet-stream")
    response.writeHead(content === undefined ? 404 : 200, { ...common, "Content-Type": type })
    response.end(content ?? `there is no ${path}`)
  })
  const { port } = await listening(server)
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
