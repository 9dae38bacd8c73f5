/** What the page and the worker that runs the suite tell each other. */
import type { Progress, Report } from "@taeda/conformance"
import type { BundledName } from "./bundled.ts"

export interface SuiteWish {
  readonly backend: BundledName
  /** false: a few cases of each op. */
  readonly full: boolean
  /** Names of ops, with `*` for anything; all where there are none. */
  readonly ops: readonly string[]
}

export type FromSuite =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "report"; readonly report: Report; readonly notes: readonly string[] }
  | { readonly kind: "error"; readonly text: string }
