/** The suite against a backend by its name, in a page; in Node the same function serves. */

import { type Progress, type Report, type RunOptions, runConformance } from "@taeda/conformance"
import { BACKENDS } from "./backends.ts"

/** What to run, as data: a page is handed nothing else. */
export interface PageTask extends Omit<RunOptions, "backend" | "onGroup"> {
  /** A name in the table of backends. */
  readonly backend: string
  /** What its create function takes: whether threads are used, for example. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** A report, with what the backend's capabilities said. */
export interface NamedReport extends Report {
  readonly threads: number
  readonly notes: readonly string[]
}

export async function main(
  { backend, options, ...task }: PageTask,
  tell?: (progress: Progress) => void,
): Promise<NamedReport> {
  const opened = await BACKENDS[backend](options)
  const report = await runConformance({ ...task, backend: opened, onGroup: tell })
  const { threads, notes } = opened.capabilities
  return { ...report, threads, notes: [...notes] }
}
