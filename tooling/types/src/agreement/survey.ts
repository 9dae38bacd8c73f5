/** All calls of the suite's rows: what the compiler infers for each, beside what comes out on the backend cpu-js. */
import "@taeda/core/methods"
import { createCpuJs } from "@taeda/backend-cpu-js"
import {
  type Case,
  casesOf,
  type ErrorCase,
  errorCasesOf,
  FORMS,
  idOf,
  prepare,
  type Row,
  tensorsIn,
} from "@taeda/conformance"
import { type Device, deviceOf, scope, type Tensor, withDevice } from "@taeda/core"
import type { Compiler, Finding } from "../compiler.ts"
import { callText, Declarations, type Spelling } from "./call.ts"
import { compareOutcomes, OUTCOME_TYPES, type Outcome, outcomeOf, parseOutcome, type Verdict } from "./outcome.ts"

/** One call in one spelling. */
export interface Entry {
  readonly row: Row
  readonly spelling: Spelling
  /** As it is written in the program. */
  readonly text: string
  readonly actual: readonly Outcome[]
  /** What the run throws: in place not everything is possible. */
  readonly thrown: string | null
  readonly inferred: string
  readonly verdict: Verdict
  /** What the compiler has against it. */
  readonly findings: readonly Finding[]
}

let device: Device | undefined
const ownDevice = async (): Promise<Device> => (device ??= deviceOf(await createCpuJs(), "cpu"))

type Run = Pick<Entry, "actual" | "thrown">

/** What comes out of the case when it runs. */
async function runOf(each: Case): Promise<Run> {
  return withDevice(await ownDevice(), () =>
    scope(async () => ({ actual: tensorsIn(await FORMS.plain(prepare(each))).map(outcomeOf), thrown: null })),
  )
}

/** The same in place, on a tensor whose elements lie apart. */
async function runInPlace(each: Case): Promise<Run> {
  return withDevice(await ownDevice(), () =>
    scope(async () => {
      const { args, ...prepared } = prepare(each)
      const [first, ...rest] = args
      try {
        const result = await FORMS.inPlace({ ...prepared, args: [(first as Tensor).clone(), ...rest] })
        return { actual: tensorsIn(result).map(outcomeOf), thrown: null }
      } catch (error) {
        return { actual: [], thrown: (error as Error).message }
      }
    }),
  )
}

/** Whether it is the sample's first case: how an op is called does not depend on dtypes. */
const isFirst = (each: Case, cases: readonly Case[]): boolean =>
  cases.find(({ sample }) => sample === each.sample) === each

interface Written {
  readonly name: string
  readonly each: Case
  readonly spelling: Spelling
  readonly text: string
  readonly line: number
}

const HEAD = `import * as torch from "taeda"\nimport type { Outcome } from "./outcome.ts"\n`

/** How much of it: all cases, or one per row. */
export type Extent = "all" | "few"

/** A row's calls: the function in every dtype, the other spellings in one. */
function write(row: Row, extent: Extent): { readonly source: string; readonly calls: readonly Written[] } {
  const tensors = new Declarations()
  const cases = extent === "all" ? casesOf(row) : casesOf(row).slice(0, 1)
  const calls: Omit<Written, "line">[] = []
  const spell = (each: Case, spelling: Spelling) => {
    const text = callText(each, spelling, tensors)
    if (text !== null) calls.push({ name: `R${calls.length}`, each, spelling, text })
  }
  for (const each of cases) {
    spell(each, "plain")
    if (!isFirst(each, cases) || row.property) continue
    spell(each, "method")
    if (!row.mutates) spell(each, "named")
    spell(each, "inPlace")
  }
  const head = `${HEAD}${tensors}`
  const first = head.split("\n").length
  const body = calls.map(({ name, text }) => `const ${name}_ = ${text}; export type ${name} = Outcome<typeof ${name}_>`)
  return { source: `${head}${body.join("\n")}\n`, calls: calls.map((call, i) => ({ ...call, line: first + i })) }
}

const fileOf = (row: Row): string => `${idOf(row).replace(/\W+/g, "-")}.ts`

/** Compiles the calls of rows and runs them. */
export async function survey(rows: readonly Row[], compiler: Compiler, extent: Extent = "all"): Promise<Entry[]> {
  const written = new Map(rows.map((row) => [row, write(row, extent)]))
  const sources = Object.fromEntries(Array.from(written, ([row, { source }]) => [fileOf(row), source]))
  using program = compiler.compile({ "outcome.ts": OUTCOME_TYPES, ...sources })
  const entries: Entry[] = []
  const runs = new Map<Case, Run>()
  for (const [row, { calls }] of written) {
    const findings = program.findings(fileOf(row))
    const types = program.types(fileOf(row))
    for (const { name, each, spelling, text, line } of calls) {
      if (!runs.has(each)) runs.set(each, await runOf(each))
      const { actual, thrown } = spelling === "inPlace" ? await runInPlace(each) : (runs.get(each) as Run)
      const own = findings.filter((finding) => finding.line === line)
      const inferred = types.get(name) ?? "?"
      const verdict = own.length > 0 || thrown !== null ? "unknown" : compareOutcomes(parseOutcome(inferred), actual)
      entries.push({ row, spelling, text, actual, thrown, inferred, verdict, findings: own })
    }
    const elsewhere = findings.filter(({ line }) => !calls.some((call) => call.line === line))
    if (elsewhere.length > 0) throw new Error(`${fileOf(row)}: ${elsewhere[0].message}`)
  }
  return entries
}

/** A call that must fail, and what is said of it before it runs and when it does. */
export interface Refusal {
  readonly id: string
  readonly text: string
  /** What the compiler says; null where it lets the call pass. */
  readonly finding: string | null
  /** What the run says. */
  readonly thrown: string
}

/** What the call throws. */
async function thrownBy(each: ErrorCase): Promise<string> {
  try {
    await withDevice(await ownDevice(), () =>
      scope(async () => {
        for (const tensor of tensorsIn(await FORMS.plain(prepare(each)))) await tensor.data()
      }),
    )
  } catch (error) {
    return (error as Error).message
  }
  throw new Error(`${each.id} does not fail`)
}

/** Compiles the calls of rows that must fail, and runs them. */
export async function surveyErrors(rows: readonly Row[], compiler: Compiler): Promise<Refusal[]> {
  const tensors = new Declarations()
  const calls = rows.flatMap(errorCasesOf).flatMap((each) => {
    const text = callText(each, "plain", tensors)
    return text === null ? [] : [{ each, text }]
  })
  const head = `import * as torch from "taeda"\n${tensors}`
  const first = head.split("\n").length
  using program = compiler.compile({ "errors.ts": `${head}${calls.map(({ text }) => `void ${text}`).join("\n")}\n` })
  const findings = program.findings("errors.ts")
  const refusals: Refusal[] = []
  for (const [i, { each, text }] of calls.entries()) {
    const finding = findings.find(({ line }) => line === first + i)?.message ?? null
    refusals.push({ id: each.id, text, finding, thrown: await thrownBy(each) })
  }
  return refusals
}
