/** The suite in a page of Chromium. */

import { join } from "node:path"
import type { Browser, RunOptions } from "@taeda/browser"
import type { Progress } from "@taeda/conformance"
import type { NamedReport, PageTask } from "./page.ts"

export interface PageOptions extends Pick<RunOptions, "isolated" | "csp" | "timeout"> {
  readonly onGroup?: (progress: Progress) => unknown
}

const PAGE = join(import.meta.dirname, "page.ts")

const HALF_AN_HOUR = 1_800_000

/** Runs the suite in a fresh page, and resolves to its report. The page is given half an hour unless told otherwise. */
export const conformanceIn = (
  browser: Browser,
  task: PageTask,
  { onGroup, timeout = HALF_AN_HOUR, ...options }: PageOptions = {},
): Promise<NamedReport> =>
  browser.run<NamedReport>(PAGE, {
    ...options,
    timeout,
    args: task,
    onTold: onGroup && ((progress) => onGroup(progress as Progress)),
  })
