/** Calls that must fail: with the words that a person needs, and without changing anything. */

import type { Capabilities, Tensor } from "@taeda/core"
import { FORMS, prepare } from "../calls.ts"
import type { ErrorCase } from "../cases.ts"
import { numbersOf, tensorsIn } from "../compare.ts"
import { methodNamed } from "../resolve.ts"
import { isTensorSpec } from "../row.ts"

interface Thrown {
  readonly message: string
  /** Thrown by the device after the call had returned: then what the call writes is written, in bounds. */
  readonly late: boolean
}

/** What the call throws, at once or when its result is read; undefined when it does not fail. */
async function thrownBy(call: () => unknown): Promise<Thrown | undefined> {
  let late = false
  try {
    const result = await call()
    late = true
    for (const tensor of tensorsIn(result)) {
      await tensor.data()
      await tensor.device.backend.synchronize()
    }
    return undefined
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), late }
  }
}

const same = (a: Float64Array, b: Float64Array): boolean => a.every((x, i) => Object.is(x, b[i]))

async function tryCall(
  { error }: ErrorCase,
  tensors: readonly Tensor[],
  call: () => unknown,
  { syncRead, lateFaults }: Capabilities,
  form: string,
): Promise<string[]> {
  const before = await Promise.all(tensors.map(numbersOf))
  const versions = tensors.map(({ version }) => version)
  const thrown = await thrownBy(call)
  if (!thrown) return [`${form} did not fail`]
  const { message, late } = thrown
  if (late) return syncRead && !lateFaults ? [`${form} failed only when its result was read: "${message}"`] : []
  const problems: string[] = []
  const text = message.toLowerCase()
  const missing = error.words.filter((word) => !text.includes(word.toLowerCase()))
  if (missing.length > 0)
    problems.push(`${form}: the error lacks ${missing.map((word) => JSON.stringify(word)).join(", ")}: "${message}"`)
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
