/** What the operating system says of the browser's processes. */

import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import type { Browser as Started } from "playwright-core"

const KB = 1024

/** The memory of a process that is in use and not swapped out, in bytes. */
function residentBytes(pid: number): number {
  if (process.platform === "linux") {
    const [, kb] = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return Number(kb) * KB
  }
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * KB
}

/**
 * The resident memory, in bytes, of the process that draws pages and has worked most: with one page open, that page's. Its
 * workers are threads of the same process.
 */
export async function pageBytes(started: Started): Promise<number> {
  const session = await started.newBrowserCDPSession()
  try {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo")
    const renderers = processInfo.filter(({ type }) => type === "renderer").sort((a, b) => b.cpuTime - a.cpuTime)
    if (!renderers[0]) throw new Error("no page is open: ask while one is")
    return residentBytes(renderers[0].id)
  } finally {
    await session.detach()
  }
}
