/** A dtype that the backend does not have: an error that names it, the backend and what to do. */

import type { DType } from "@taeda/core"
import { FORMS, prepare } from "../calls.ts"
import type { Case } from "../cases.ts"

export async function runRefusal(each: Case, lacks: readonly DType[], backend: string): Promise<string[]> {
  try {
    await FORMS.plain(prepare(each))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const problems = message.includes(backend) ? [] : [`the error does not name the backend ${backend}: "${message}"`]
    if (!lacks.some((dtype) => message.includes(dtype)))
      problems.push(`the error does not name ${lacks.join(" or ")}: "${message}"`)
    return problems
  }
  return [`the backend has no ${lacks.join(", ")}, and the call did not fail`]
}
