/** Calls that must fail: with the words that a person needs, and without changing anything. */

import type { Capabilities, Tensor } from "@taeda/core"
import { FORMS, prepare } from "../calls.ts"
import type { ErrorCase } from "../cases.ts"
import { numbersOf, tensorsIn } from "../compare.ts"
import { methodNamed } from "../resolve.ts"
import { isTensorSpec } from "../row.ts"

/** The message of what the call throws, at once or when its result is read; undefined when it does not fail. */
async function messageOf(call: () => unknown): Promise<string | undefined> {
  try {
    const result = await call()
    for (const tensor of tensorsIn(result)) {
      await tensor.data()
      await tensor.device.backend.synchronize()
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const same = (a: Float64Array, b: Float64Array): boolean => a.every((x, i) => Object.is(x, b[i]))

async function tryCall(
  { error }: ErrorCase,
  tensors: readonly Tensor[],
  call: () => unknown,
  { syncRead }: Capabilities,
  form: string,
): Promise<string[]> {
  const before = await Promise.all(tensors.map(numbersOf))
  const versions = tensors.map(({ version }) => version)
  const message = await messageOf(call)
  const problems: string[] = []
  if (message === undefined) problems.push(`${form} did not fail`)
  else {
    const text = message.toLowerCase()
    // Where reads are not synchronous an error that hangs on values comes from the device, which knows no names.
    const missing = syncRead ? error.words.filter((word) => !text.includes(word.toLowerCase())) : []
    if (missing.length > 0)
      problems.push(`${form}: the error lacks ${missing.map((word) => JSON.stringify(word)).join(", ")}: "${message}"`)
  }
  const after = await Promise.all(tensors.map(numbersOf))
  tensors.forEach(({ version }, i) => {
    if (!same(before[i], after[i])) problems.push(`${form}: the failed call changed input ${i}`)
    else if (version !== versions[i]) problems.push(`${form}: the failed call counted a change of input ${i}`)
  })
  return problems
}

/** The call, and its in-place twin where there is one. */
export async function runErrorCase(each: ErrorCase, capabilities: Capabilities): Promise<string[]> {
  const { row } = each
  const plain = prepare(each)
  const bare = { ...plain, row: { ...row, mutates: false } }
  const problems = await tryCall(each, plain.tensors, () => FORMS.plain(bare), capabilities, row.name)
  if (!row.inPlace || !isTensorSpec(each.args[0]) || !methodNamed(`${row.name}_`)) return problems
  const again = prepare(each)
  return [
    ...problems,
    ...(await tryCall(each, again.tensors, () => FORMS.inPlace(again), capabilities, `${row.name}_`)),
  ]
}
