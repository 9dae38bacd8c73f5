/** What a backend can not do, said in an error that helps. */

import type { DType } from "@taeda/core"
import { FORMS, prepare } from "../calls.ts"
import type { Case } from "../cases.ts"
import { compareResult } from "../compare.ts"
import type { Trial } from "./template.ts"

/** A dtype that the backend does not have: the error names it and the backend. */
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

/** A call that PyTorch reads the host for: the right values all the same, or an error that names an awaited way. */
export async function runHostRead({ each, golden }: Trial): Promise<string[]> {
  let result: unknown
  try {
    result = await FORMS.plain(prepare(each))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return /await /.test(message) ? [] : [`the error names no awaited way: "${message}"`]
  }
  return compareResult(each, result, golden)
}
