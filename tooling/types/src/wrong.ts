/** Wrong programs, with what every compiler and the run must say of them. */

export interface Wrong {
  /** The program. It sees `torch`, `nn`, `F` and the type `Tensor`. */
  readonly code: string
  /** The whole of the sentence. */
  readonly says: string
  /** What is underlined. */
  readonly at: string
  /** Why nothing fails when the program runs. Absent: the run says the same sentence. */
  readonly runs?: string
}

const wrong = (code: string, at: string, says: string, runs?: string): Wrong => ({ code, at, says, ...(runs && { runs }) })

export const WRONG: readonly Wrong[] = [
  wrong(
    "torch.rand(2, 3).matmul(torch.rand(4, 5))",
    "torch.rand(4, 5)",
    "matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5): the sizes 3 and 4 must be equal",
  ),
  wrong("torch.rand(2, 3).add(torch.rand(4))", "torch.rand(4)", "add: shapes [2, 3] and [4] do not broadcast"),
]

/** What comes in front of every wrong program. */
export const PRELUDE = `import * as torch from "taeda"
import type { Dim, Tensor } from "taeda"
const { nn } = torch
const F = torch.nn.functional
`
