/** A folder as a site on this machine, and a page of it in a browser. */
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { extname, join, normalize } from "node:path"
import type { Launched } from "@taeda/browser"

export interface Site extends AsyncDisposable {
  readonly url: string
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".css": "text/css; charset=utf-8",
}

/** Serves a folder on a free port of the loopback interface, with these headers besides. */
export async function serveFolder(folder: string, headers: Readonly<Record<string, string>> = {}): Promise<Site> {
  const server = createServer(async ({ url }, response) => {
    const path = normalize(decodeURIComponent(new URL(url ?? "/", "http://localhost").pathname))
    const file = join(folder, path === "/" ? "index.html" : path)
    const isFile = await stat(file).then(
      (stats) => stats.isFile(),
      () => false,
    )
    response.writeHead(isFile ? 200 : 404, { ...headers, "Content-Type": TYPES[extname(file)] ?? "text/plain" })
    if (isFile) createReadStream(file).pipe(response)
    else response.end(`there is no ${path}`)
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const PATIENCE = 60_000

/**
 * Opens a page and resolves to what its program reported (`programs/page.ts`).
 *
 * @throws {Error} where it reports nothing in time, with what the page complained of.
 */
export async function reportOf(browser: Launched, url: string): Promise<string> {
  const context = await browser.newContext()
  const complaints: string[] = []
  try {
    const page = await context.newPage()
    page.on("pageerror", (error) => complaints.push(String(error)))
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text())
    })
    page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
    await page.goto(url, { timeout: PATIENCE })
    try {
      await page.waitForFunction(() => document.documentElement.dataset.report, null, { timeout: PATIENCE })
    } catch (cause) {
      throw new Error(`the page reported nothing: ${complaints.join("; ") || "and complained of nothing"}`, { cause })
    }
    const report = String(await page.evaluate(() => document.documentElement.dataset.report))
    if (!report.startsWith("{")) throw new Error(`the page's program failed: ${[report, ...complaints].join("; ")}`)
    return report
  } finally {
    await context.close()
  }
}
