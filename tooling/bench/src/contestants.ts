/** A library in a process of its own, and how its rows come in. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import type { WorkName } from "./works.ts"

export interface Row {
  readonly work: WorkName
  readonly library: string
  /** The median time of one work, milliseconds. */
  readonly ms: number
  /** The library was given up after that time. */
  readonly gaveUp?: true
  /** The share of the machine's limit that it reaches: 1 is all of it. */
  readonly share?: number
}

export interface Contestant {
  readonly name: string
  readonly version?: string
  /**
   * A command that measures the works named after `args`, and prints {"work", "ms"} for one after the other. Before them it
   * may say {"threads"}: how many it computes on.
   */
  readonly command: string
  readonly args: readonly string[]
}

/** The exit code of a contestant that cannot even start. */
const NO_START = 2

/** How a process ended: of itself, or killed at a work that took too long. */
type End = { readonly code: number | null } | "too long"

/** What a contestant prints, a line each. */
type Line = { readonly threads: number } | { readonly work: WorkName; readonly ms: number | null }

/** Runs a contestant's works until it ends or one of them takes too long. */
async function attempt(
  { command, args }: Contestant,
  works: readonly WorkName[],
  limitMs: number,
  onLine: (line: Line) => void,
): Promise<End> {
  const child = spawn(command, [...args, ...works], { stdio: ["ignore", "pipe", "inherit"] })
  let late = false
  const watch = setTimeout(() => {
    late = true
    child.kill("SIGKILL")
  }, limitMs)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", resolve)
  })
  for await (const line of createInterface({ input: child.stdout })) {
    watch.refresh()
    onLine(JSON.parse(line) as Line)
  }
  const code = await ended
  clearTimeout(watch)
  return late ? "too long" : { code }
}

export interface Measured {
  readonly rows: readonly Row[]
  /** The works at which it failed. */
  readonly failed: readonly WorkName[]
  /** How many threads it computes on: 1 where it does not say. */
  readonly threads: number
}

/**
 * The rows of a contestant, each told to `onRow` as it comes. A work that takes longer than `limitMs`, warming up
 * included, is given up, and one that fails is left out; the others go on in a new process.
 */
export async function measureWorks(
  contestant: Contestant,
  works: readonly WorkName[],
  limitMs: number,
  onRow: (row: Row) => void = () => undefined,
): Promise<Measured> {
  const rows: Row[] = []
  const failed: WorkName[] = []
  const left = [...works]
  let threads = 1
  const add = (row: Row): void => {
    rows.push(row)
    onRow(row)
  }
  while (left.length > 0) {
    const end = await attempt(contestant, left, limitMs, (line) => {
      if ("threads" in line) {
        threads = line.threads
        return
      }
      const { work, ms } = line
      left.splice(left.indexOf(work), 1)
      if (ms !== null) add({ work, library: contestant.name, ms })
    })
    if (end !== "too long" && end.code === NO_START) return { rows, failed: [...failed, ...left], threads }
    const [stuck] = left.splice(0, 1)
    if (stuck === undefined) break
    if (end === "too long") add({ work: stuck, library: contestant.name, ms: limitMs, gaveUp: true })
    else failed.push(stuck)
  }
  return { rows, failed, threads }
}
