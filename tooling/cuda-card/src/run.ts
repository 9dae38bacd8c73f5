/** The run: its parts in order of worth, each in processes of their own with a deadline, and a report that grows. */
import { spawn } from "node:child_process"
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { toMarkdown } from "./report.ts"
import { type Row, rowOf } from "./rows.ts"

export interface Part {
  readonly name: string
  readonly title: string
  /** It is ended after so many seconds, or when the run's time is over. */
  readonly seconds: number
  /** Processes that share it. */
  readonly processes: number
  /** The command of one of them. */
  readonly command: (index: number) => readonly [command: string, ...args: string[]]
}

/** Time at the end of the run that is left for writing the report. */
const REST_SECONDS = 3

/** What a process said last on stderr is told where it ends badly. */
const SAID_LINES = 5

/** Resolves to how the process ended, in words; null where it ended well. */
function runProcess(
  [command, ...args]: readonly [string, ...string[]],
  seconds: number,
  onLine: (line: string) => void,
): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })
    const last: string[] = []
    let late = false
    const watch = setTimeout(() => {
      late = true
      child.kill("SIGKILL")
    }, 1000 * seconds)
    createInterface({ input: child.stdout }).on("line", onLine)
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.trim()) last.splice(0, Math.max(0, last.push(line) - SAID_LINES))
    })
    child.on("error", (error) => {
      last.push(error.message)
    })
    child.on("close", (code, signal) => {
      clearTimeout(watch)
      if (late) resolve(`not done after ${seconds.toFixed(0)} s`)
      else resolve(code === 0 ? null : `ended with ${signal ?? code}: ${last.join("; ").slice(0, 1000)}`)
    })
  })
}

/** Runs the parts, and keeps rows.jsonl, report.json and report.md in `folder` up to date. Resolves to the rows. */
export async function runParts(
  parts: readonly Part[],
  folder: string,
  seconds: number,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  mkdirSync(folder, { recursive: true })
  const began = performance.now()
  const left = (): number => seconds - REST_SECONDS - (performance.now() - began) / 1000
  const rows: Row[] = []
  const titles = Object.fromEntries(parts.map(({ name, title }) => [name, title]))
  const whole = (file: string, text: string): void => {
    const unfinished = join(folder, `${file}.tmp`)
    writeFileSync(unfinished, text)
    renameSync(unfinished, join(folder, file))
  }
  const write = (): void => {
    whole("report.json", `${JSON.stringify(rows, null, 1)}\n`)
    whole("report.md", toMarkdown(rows, titles))
  }
  const add = (row: Row): void => {
    rows.push(row)
    // A line that is there stays, whatever becomes of this process.
    appendFileSync(join(folder, "rows.jsonl"), `${JSON.stringify(row)}\n`)
  }
  for (const { name, title, seconds: most, processes, command } of parts) {
    const time = Math.min(most, left())
    if (time <= 0) {
      add({ kind: "failure", part: name, what: title, text: "there was no time left for it" })
      continue
    }
    const start = performance.now()
    await Promise.all(
      Array.from({ length: processes }, async (_, index) => {
        const end = await runProcess(command(index), time, (line) => {
          const row = rowOf(line)
          if (row) add(row)
        })
        if (end) add({ kind: "failure", part: name, what: title, text: end })
      }),
    )
    say(`${title}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
    write()
  }
  write()
  return rows
}
