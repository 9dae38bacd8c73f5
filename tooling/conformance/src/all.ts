/** `pnpm conformance:all`: the whole suite on every variant of every backend, and a table of what came of it. */

import { parseArgs } from "node:util"
import { type Browser, openBrowser } from "@taeda/browser"
import type { Selection } from "@taeda/conformance"
import type { NamedReport } from "./page.ts"
import { runVariant, strays, VARIANTS, type Variant } from "./variants.ts"

const USAGE = `The whole suite on every variant of our backends, in Node and in Chromium.

  conformance:all [options]

  --backend NAME    only this backend; may be given again
  --op PATTERN      only these ops, * stands for anything; may be given again
  --few             a few cases of each op

Exit code: 0 all passed, 1 something failed, 2 it could not run.
`

/** Failures that are told of each variant. */
const SHOWN = 5

const COLUMNS = ["passed", "failed", "seconds"] as const
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>

const nameOf = ({ backend, place, title }: Variant): string => `${backend} in ${place}: ${title}`

function complaints(variant: Variant, report: NamedReport): string[] {
  const cases = report.cases.filter(({ status }) => status === "failed").slice(0, SHOWN)
  const problems = cases.flatMap(({ id, failures = [] }) =>
    failures.map(({ template, problems }) => `${id}, ${template}: ${problems.join("; ")}`),
  )
  const stray = strays(variant, report)
  const none = report.cases.length === 0 ? ["nothing matches: there is no such op"] : []
  return [...report.closedGaps, ...problems, ...none, ...(stray ? [stray] : [])]
}

/** A variant's row but for the time, and what is wrong with it. */
interface Outcome {
  readonly passed: string
  readonly failed: string
  readonly said: readonly string[]
}

async function outcomeOf(variant: Variant, selection: Selection, browser: () => Promise<Browser>): Promise<Outcome> {
  try {
    const report = await runVariant(variant, selection, browser)
    return { passed: String(report.passed), failed: String(report.failed), said: complaints(variant, report) }
  } catch (error) {
    return { passed: "-", failed: "-", said: [`it did not run: ${(error as Error).message}`] }
  }
}

/** Tells each variant's row as soon as it is known; resolves to whether all is well. */
async function runAll(
  variants: readonly Variant[],
  selection: Selection,
  tell: (variant: Variant, row: Row) => void,
): Promise<boolean> {
  let opening: Promise<Browser> | undefined
  let well = true
  try {
    for (const variant of variants) {
      const start = performance.now()
      process.stderr.write(`running ${nameOf(variant)}\n`)
      const { said, ...counts } = await outcomeOf(variant, selection, () => (opening ??= openBrowser()))
      well &&= said.length === 0
      for (const line of said) process.stderr.write(`  ${line}\n`)
      tell(variant, { ...counts, seconds: ((performance.now() - start) / 1000).toFixed(1) })
    }
    return well
  } finally {
    // What could not be opened has been told.
    const browser = await opening?.catch(() => undefined)
    await browser?.close()
  }
}

async function run(args: readonly string[]): Promise<number> {
  const texts = { type: "string", multiple: true } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      backend: texts,
      op: texts,
      few: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const variants = VARIANTS.filter(({ backend }) => values.backend?.includes(backend) ?? true)
  const known = new Set<string>(VARIANTS.map(({ backend }) => backend))
  const unknown = values.backend?.find((name) => !known.has(name))
  if (unknown !== undefined)
    throw new RangeError(
      `there are no variants of a backend ${unknown} here; there are those of ${[...known].join(", ")}`,
    )
  const width = Math.max(...variants.map((variant) => nameOf(variant).length))
  const line = (title: string, cells: readonly string[]): void => {
    process.stdout.write(`${title.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join("")}\n`)
  }
  line("variant", COLUMNS)
  const tell = (variant: Variant, row: Row): void =>
    line(
      nameOf(variant),
      COLUMNS.map((column) => row[column]),
    )
  return (await runAll(variants, { full: !values.few, ops: values.op }, tell)) ? 0 : 1
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
