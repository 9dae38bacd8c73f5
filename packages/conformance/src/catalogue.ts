/** The catalogue of ops against the rows: nothing may be untested, and no row may be of an op that is not there. */

import { CATALOGUE, type Signature, tensor } from "@taeda/core"
import type { CheckGroup } from "./checks.ts"
import { type Callable, catalogueName, functionAt, methodNamed } from "./resolve.ts"
import { ROWS } from "./rows/index.ts"

/** Ops without a row, and what tests them instead. */
const WITHOUT_ROW: Readonly<Record<string, string>> = {
  cpu: "needs another device",
  cuda: "needs another device",
  detach_: "cuts the graph and gives nothing new: a test of autograd",
  backward: "gives nothing: the suite's gradients are made by grad, of the same engine",
  ...Object.fromEntries(
    [
      ...["rand", "randn", "randLike", "randnLike", "randint", "randperm", "normal", "bernoulli", "multinomial"],
      ...["uniform_", "normal_", "logNormal_", "exponential_", "cauchy_", "geometric_", "random_", "bernoulli_"],
      ...["dropout1d", "dropout2d", "dropout3d"],
    ].map((name) => [name, "random: a seeded program"]),
  ),
}

/** Rows of functions that read their arguments in a way no signature says, so that the catalogue lacks them. */
const NOT_CATALOGUED: Readonly<Record<string, string>> = {
  tensor: "a lone object is its data",
  arange: "one number is the end, two are start and end",
  to: "takes a dtype, a device or a tensor in any order",
}

/** Ops that take a plain object for data, and refuse it as such. */
const WITHOUT_OPTIONS: ReadonlySet<string> = new Set(["at", "setAt", "atleast1d", "atleast2d", "atleast3d"])

const callableOf = (name: string): Callable | undefined => functionAt(name) ?? methodNamed(name)

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** What an option that does not exist leads to: an error that names the op and the option, and the one that was meant. */
function refuses(signature: Signature, wrong: string, meant: string | undefined): string[] {
  const call = callableOf(signature.name)
  if (!call) return [`${signature.name} is catalogued and can not be called`]
  const given = signature.names[0] === "input" ? [tensor([1, 2])] : []
  let message: string
  try {
    call(...given, { [wrong]: true })
    return [`${signature.name} takes the option ${wrong}`]
  } catch (error) {
    message = error instanceof Error ? error.message : String(error)
  }
  if (WITHOUT_OPTIONS.has(signature.name))
    return message.includes(signature.name)
      ? []
      : [`the error for the option ${wrong} does not name the op: "${message}"`]
  const wanted = [signature.name, "unknown option", JSON.stringify(wrong), ...(meant ? [`did you mean ${meant}?`] : [])]
  return wanted
    .filter((words) => !message.includes(words))
    .map((words) => `the error for the option ${wrong} lacks ${JSON.stringify(words)}: "${message}"`)
}

/** PyTorch's spelling of every option whose name has two words, and of `requiresGrad` in any case. */
function refusesTypos(signature: Signature): string[] {
  const camel = signature.names.filter((name) => name !== snakeCase(name))
  const known = camel.map((name) => refuses(signature, snakeCase(name), name))
  const unknown = camel.includes("requiresGrad") ? [] : [refuses(signature, "requires_grad", undefined)]
  return [...known, ...unknown].flat()
}

const group = (template: string, op: string, run: () => readonly string[]): CheckGroup => ({
  op,
  template,
  partial: false,
  checks: [{ id: op, op, template, dtype: null, tags: [], run: async () => run() }],
})

export function catalogueChecks(): CheckGroup[] {
  const tested = new Set(ROWS.map(catalogueName))
  for (const { aliases, inPlace, name, awaited, samples } of ROWS) {
    if (awaited || samples.some((each) => each.awaited)) tested.add(`${name}Sync`)
    for (const alias of aliases) tested.add(alias.slice(alias.lastIndexOf(".") + 1))
    if (inPlace) tested.add(`${name}_`)
  }
  const options = [...CATALOGUE].map(([name, signature]) => group("options", name, () => refusesTypos(signature)))
  const coverage = group("catalogue", "catalogue", () => [
    ...[...CATALOGUE.keys()]
      .filter((name) => !tested.has(name) && !(name in WITHOUT_ROW))
      .map((name) => `${name} has no row`),
    ...Object.keys(WITHOUT_ROW)
      .filter((name) => tested.has(name) || !CATALOGUE.has(name))
      .map((name) => `${name} is listed as an op without a row, and has one or does not exist`),
    ...ROWS.filter((row) => !row.property && !CATALOGUE.has(catalogueName(row)) && !(row.name in NOT_CATALOGUED)).map(
      (row) => `the row ${row.name} is of an op that the catalogue lacks`,
    ),
  ])
  return [coverage, ...options]
}
