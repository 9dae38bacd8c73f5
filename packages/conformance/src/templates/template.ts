/** Templates: what is tried on every case of every row. */

import type { Capabilities } from "@taeda/core"
import type { Case } from "../cases.ts"
import type { Golden } from "../golden.ts"

/** A case with PyTorch's values for it. */
export interface Trial {
  readonly each: Case
  readonly golden: Golden
  readonly capabilities: Capabilities
}

export interface Template {
  readonly name: string
  /** Whether it has anything to try on the case. */
  applies(trial: Trial): boolean
  /** Resolves to what went wrong; an error thrown is that, too. */
  run(trial: Trial): Promise<readonly string[]>
}
