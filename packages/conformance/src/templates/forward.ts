/** The values of an op, called in every way that there is. */

import { CATALOGUE } from "@taeda/core"
import { FORMS, type Form, prepare } from "../calls.ts"
import type { Case } from "../cases.ts"
import { compareResult } from "../compare.ts"
import { functionAt, signatureOf } from "../resolve.ts"
import { isTensorSpec } from "../row.ts"
import type { Template } from "./template.ts"

/**
 * Values (zeros with their sign, where the backend keeps it), dtype, shape, the node's name, and whether memory is shared with the inputs, strides included. In-place rows
 * change a copy, so nothing is said of shared memory there.
 */
const forward: Template = {
  name: "forward",
  applies: () => true,
  async run({ each, golden, capabilities }) {
    const prepared = prepare(each, true)
    const result = await FORMS.plain(prepared)
    return compareResult(each, result, golden, {
      ...(!each.row.mutates && { inputs: prepared.tensors }),
      nodes: each.row.grad,
      signedZeros: capabilities.strictNaN,
    })
  },
}

/** How an op is called does not depend on dtypes: one case per sample does. */
const isFirstOfSample = ({ row, sample, dtype, id }: Case): boolean =>
  id.endsWith(`/${(sample.only ?? [row.dtypes.includes(dtype) ? row.dtypes[0] : dtype])[0]}`)

const takesTensorFirst = ({ args }: Case): boolean => isTensorSpec(args[0])

/** Another way to call gives the same. */
const inForm = (form: Form, applies: (each: Case) => boolean): Template => ({
  name: form,
  applies: ({ each }) => isFirstOfSample(each) && !each.row.mutates && !each.row.property && applies(each),
  run: async ({ each, golden }) => compareResult(each, await FORMS[form](prepare(each)), golden),
})

const method = inForm("method", (each) => each.row.method && takesTensorFirst(each))

/** Lists of indices, or of tensors one by one, have no name. */
const NAMELESS: ReadonlySet<string> = new Set(["at", "atleast1d", "atleast2d", "atleast3d"])

const named = inForm("named", (each) => {
  const signature = signatureOf(each.row)
  if (!signature || each.args.length < 2 || NAMELESS.has(each.row.name)) return false
  return signature.names[0] !== "input" || takesTensorFirst(each)
})

const sync: Template = {
  ...inForm("sync", (each) => each.awaited),
  applies: ({ each, capabilities }) => each.awaited && capabilities.syncRead && isFirstOfSample(each),
}

/** The same function under PyTorch's other names. */
const aliases: Template = {
  name: "aliases",
  applies: ({ each }) => each.row.aliases.length > 0 && isFirstOfSample(each),
  async run({ each, golden }) {
    const problems: string[] = []
    for (const path of each.row.aliases) {
      const alias = functionAt(path)
      if (!alias) return [`${path} does not exist`]
      const { args, options } = prepare(each)
      const names = CATALOGUE.get(alias.name)?.names
      // `trueDivide` is `div` without a rounding mode.
      if (names && !Object.keys(options).every((name) => names.includes(name))) continue
      const given = Object.keys(options).length > 0 ? [...args, options] : args
      const found = await compareResult(each, await alias(...given), golden)
      problems.push(...found.map((problem) => `${path}: ${problem}`))
    }
    return problems
  },
}

export const FORWARD: readonly Template[] = [forward, method, named, sync, aliases]
