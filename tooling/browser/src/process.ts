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

/** The resident memory, in bytes, of the process of a type that has worked most. */
async function busiestBytes(started: Started, type: string, absent: string): Promise<number> {
  const session = await started.newBrowserCDPSession()
  try {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo")
    const [busiest] = processInfo.filter((each) => each.type === type).sort((a, b) => b.cpuTime - a.cpuTime)
    if (!busiest) throw new Error(absent)
    return residentBytes(busiest.id)
  } finally {
    await session.detach()
  }
}

/** That of the process that draws pages and has worked most: with one page open, that page's. Its workers are its threads. */
export const pageBytes = (started: Started): Promise<number> =>
  busiestBytes(started, "renderer", "no page is open: ask while one is")

/** That of the process that has the GPU, and with the software GPU its memory; pages share it. */
export const gpuBytes = (started: Started): Promise<number> =>
  busiestBytes(started, "GPU", "there is no process for the GPU")
