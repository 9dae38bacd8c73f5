/** The suite in a page. */

import { type Progress, type Report, type RunOptions, runConformance } from "@taeda/conformance"
import { BACKENDS } from "./backends.ts"

/** What to run, as data: a page is handed nothing else. */
export interface PageTask extends Omit<RunOptions, "backend" | "onGroup"> {
  /** A name in the table of backends. */
  readonly backend: string
  /** What its create function takes: whether threads are used, for example. */
  readonly options?: Readonly<Record<string, unknown>>
}

export const main = ({ backend, options, ...task }: PageTask, tell: (progress: Progress) => void): Promise<Report> =>
  runConformance({ ...task, backend: () => BACKENDS[backend](options), onGroup: tell })
