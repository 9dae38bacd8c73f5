/** Who takes part, each in a process of its own, and how its rows come in. */
import { spawn, spawnSync } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { WorkName } from "./works.ts"

export interface Row {
  readonly work: WorkName
  readonly library: string
  /** The median time of one work, milliseconds. */
  readonly ms: number
  /** The library was given up after that time. */
  readonly gaveUp?: true
}

export interface Contestant {
  readonly name: string
  /** A command that measures the works named after `args`, and prints {"work", "ms"} for one after the other. */
  readonly command: string
  readonly args: readonly string[]
}

const beside = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** A library in a process with this one's Node and its flags. */
const node = (name: string, library: string, device: string): Contestant => ({
  name,
  command: process.execPath,
  args: [...process.execArgv, beside("./library.ts"), library, device],
})

export const taeda = (backend: string, device: string): Contestant => node(`taeda ${backend}`, "taeda", device)

export const JS_PEERS: readonly Contestant[] = [node("tfjs cpu", "tfjs", "cpu"), node("jax-js cpu", "jax", "cpu")]

/** PyTorch, where a Python that has it is at hand (`TAEDA_PYTHON`, python3 or python), or null. */
export function pytorch(): Contestant | null {
  const candidates = [process.env.TAEDA_PYTHON, "python3", "python"].filter((c) => c !== undefined)
  const command = candidates.find((c) => spawnSync(c, ["-c", "import torch"], { stdio: "ignore" }).status === 0)
  return command ? { name: "PyTorch cpu", command, args: [beside("./pytorch.py")] } : null
}

/** The exit code of a contestant that cannot even start. */
const NO_START = 2

/** How a process ended: of itself, or killed at a work that took too long. */
type End = { readonly code: number | null } | "too long"

/** Runs a contestant's works until it ends or one of them takes too long. */
async function attempt(
  { command, args }: Contestant,
  works: readonly WorkName[],
  limitMs: number,
  onWork: (work: WorkName, ms: number | null) => void,
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
    const { work, ms } = JSON.parse(line) as { work: WorkName; ms: number | null }
    onWork(work, ms)
  }
  const code = await ended
  clearTimeout(watch)
  return late ? "too long" : { code }
}

export interface Measured {
  readonly rows: readonly Row[]
  /** The works at which it failed. */
  readonly failed: readonly WorkName[]
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
  const add = (row: Row): void => {
    rows.push(row)
    onRow(row)
  }
  while (left.length > 0) {
    const end = await attempt(contestant, left, limitMs, (work, ms) => {
      left.splice(left.indexOf(work), 1)
      if (ms !== null) add({ work, library: contestant.name, ms })
    })
    if (end !== "too long" && end.code === NO_START) return { rows, failed: [...failed, ...left] }
    const [stuck] = left.splice(0, 1)
    if (stuck === undefined) break
    if (end === "too long") add({ work: stuck, library: contestant.name, ms: limitMs, gaveUp: true })
    else failed.push(stuck)
  }
  return { rows, failed }
}
