/** Programs: a few lines of code with what they give in PyTorch. */

import type { Tensor } from "@taeda/core"

export interface Program {
  /** The same program in Python, over `torch` and `F` (torch.nn.functional); its last line is the result. */
  readonly python: string
  run(): Tensor
}

/** What PyTorch gave, as tooling/golden/programs.py wrote it. */
export interface Outcome {
  readonly python: string
  /** The result as Python prints it. */
  readonly text: string
  readonly shape: readonly number[]
  /** Row-major; NaN and infinities as text. */
  readonly values: readonly (number | string)[]
}

export const program = (python: string, run: () => Tensor): Program => ({ python, run })
