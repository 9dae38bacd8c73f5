/** The suite from a terminal: the report on stdout and nothing else, progress on stderr, the result as the exit code. */

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { type Backend, DTYPE_NAMES, type DType } from "@taeda/core"
import type { KnownGap } from "./gaps.ts"
import { knownGapsOf } from "./known-gaps.ts"
import * as minimal from "./minimal/backend.ts"
import { STEPS } from "./programs/training.ts"
import { toHtml } from "./report/html.ts"
import { toJUnit } from "./report/junit.ts"
import { toMarkdown } from "./report/markdown.ts"
import { type Report, succeeded, toJson } from "./report/report.ts"
import { toText } from "./report/text.ts"
import { type Progress, type RunOptions, runConformance, type Signal } from "./run.ts"

const USAGE = `Holds a backend to PyTorch's numbers.

  taeda-conformance --backend NAME [options]

  --backend NAME    cpu-js for the package @taeda/backend-cpu-js, a path to a module that exports open(), or minimal
  --report FORMAT   text (default), json, junit, md or html
  --output FILE     the report goes to that file, and the text to the terminal
  --op PATTERN      only these ops, * stands for anything; may be given again
  --dtype DTYPE     only this dtype; may be given again
  --template NAME   only this template (forward, backward, errors, ...); may be given again
  --few             a few cases of each op
  --steps N         steps of the training programs: 200, or 10 with --few; for slow backends
  --gaps FILE       known gaps: a JSON array of { op, dtype, template, tag, case, reason }; else those of taeda's own
`

const EXIT_CODES = `
Exit code: 0 all passed, 1 something failed or a gap is closed, 2 it could not run.
`

/** What a person mistyped or lacks: told without a stack. */
export class UsageError extends Error {}

/** What is run, without the backend. */
export type Task = Omit<RunOptions, "backend">

/** An option as `node:util` parses it; its own type would ask every reader of this one for Node's. */
export interface Option {
  readonly type: "string" | "boolean"
  readonly multiple?: boolean
  readonly short?: string
  readonly default?: string | boolean | string[] | boolean[]
}

/** Further options, and who runs the suite then. What is left out stays as it is. */
export interface Extension {
  /** Lines for the help, after those of the options. */
  readonly usage?: string
  readonly options?: Readonly<Record<string, Option>>
  /** Shows how far the run is; by default a line on stderr. */
  readonly onGroup?: (progress: Progress) => unknown
  /** Ends the run, which then gives no report; the command rejects with the signal's reason. */
  readonly signal?: Signal
  /** Runs the suite against the backend of a name; `values` are those of all options. */
  readonly execute?: (backend: string, task: Task, values: Readonly<Record<string, unknown>>) => Promise<Report>
}

const REPORTS: Readonly<Record<string, (report: Report) => string>> = {
  text: toText,
  json: toJson,
  junit: toJUnit,
  md: (report) => toMarkdown(report),
  html: (report) => toHtml(report),
}

interface BackendModule {
  open(): Promise<Backend>
}

const isPath = (name: string): boolean => /^[./]|[\\/]|\.[cm]?[jt]s$/.test(name) && !name.startsWith("@")

/** Where the module of a backend is, looked for from the current folder. */
function locate(name: string): string {
  if (isPath(name)) {
    const file = resolve(name)
    if (!existsSync(file))
      throw new UsageError(`there is no file ${name} here: --backend takes a package or a module that exports open()`)
    return file
  }
  const specifier = name.startsWith("@") ? name : `@taeda/backend-${name}`
  try {
    return createRequire(join(process.cwd(), "conformance.js")).resolve(specifier)
  } catch {
    throw new UsageError(`there is no backend ${name} here: npm install ${specifier}, or give a path to its module`)
  }
}

async function loadBackend(name: string): Promise<BackendModule> {
  if (name === "minimal") return minimal
  const module = (await import(pathToFileURL(locate(name)).href)) as Partial<BackendModule>
  if (typeof module.open !== "function") throw new UsageError(`the module of ${name} exports no function open()`)
  return module as BackendModule
}

function checkDtypes(names: readonly string[] | undefined): readonly DType[] | undefined {
  const wrong = names?.find((name) => !(DTYPE_NAMES as readonly string[]).includes(name))
  if (wrong) throw new UsageError(`there is no dtype ${wrong}; there are ${DTYPE_NAMES.join(", ")}`)
  return names as readonly DType[] | undefined
}

function checkSteps(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const steps = Number(text)
  if (!Number.isInteger(steps) || steps < 1 || steps > STEPS)
    throw new UsageError(`--steps takes a whole number from 1 to ${STEPS}, got ${text}`)
  return steps
}

/** Lines of progress over a whole run, where nobody watches. */
const LINES = 20

/** One line that is written over in a terminal, else a line now and then. */
function progressLine(): (progress: Progress) => void {
  const start = performance.now()
  let next = 0
  return ({ op, template, done, total, failed }) => {
    const left = Math.ceil((((performance.now() - start) / done) * (total - done)) / 1000)
    const text = `${done}/${total}  ${failed} failed  ${left} s left  ${op} ${template}`
    if (process.stderr.isTTY)
      process.stderr.write(`\r\u001b[2K${done === total ? "" : text.slice(0, process.stderr.columns - 1)}`)
    else if (done >= next || done === total) {
      next = done + total / LINES
      process.stderr.write(`${text}\n`)
    }
  }
}

function parse(args: readonly string[], further: Extension["options"] = {}) {
  const texts = { type: "string", multiple: true } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...further,
        backend: { type: "string" },
        report: { type: "string", default: "text" },
        output: { type: "string" },
        op: texts,
        dtype: texts,
        template: texts,
        few: { type: "boolean", default: false },
        steps: { type: "string" },
        gaps: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Runs the suite in this process, against the backend of a package or of a module at a path. */
export async function runHere(backend: string, task: Task): Promise<Report> {
  const { open } = await loadBackend(backend)
  return runConformance({ ...task, backend: open })
}

/** Writes a file as a whole or not at all. */
function writeWhole(file: string, text: string): void {
  const unfinished = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(unfinished, text)
    renameSync(unfinished, file)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw new UsageError(`the report cannot be written: ${(error as Error).message}`)
  }
}

/** A file of reports in a folder that there is not would be noticed only after the run. */
function checkOutput(file: string | undefined): void {
  if (file !== undefined && !existsSync(dirname(resolve(file))))
    throw new UsageError(`--output ${file}: there is no folder ${dirname(file)}`)
}

async function run(args: readonly string[], extension: Extension): Promise<number> {
  const { usage = "", onGroup = progressLine(), signal, execute = runHere } = extension
  const options = parse(args, extension.options)
  if (options.help) {
    process.stdout.write(USAGE + usage + EXIT_CODES)
    return 0
  }
  if (options.backend === undefined) throw new UsageError(`which backend? ${USAGE.split("\n")[2].trim()}`)
  const format = REPORTS[options.report]
  if (!format)
    throw new UsageError(`there is no report ${options.report}; there are ${Object.keys(REPORTS).join(", ")}`)
  checkOutput(options.output)
  const task: Task = {
    dtypes: checkDtypes(options.dtype),
    knownGaps: options.gaps
      ? (JSON.parse(readFileSync(options.gaps, "utf8")) as KnownGap[])
      : knownGapsOf(options.backend),
    ops: options.op,
    templates: options.template,
    full: !options.few,
    steps: checkSteps(options.steps),
    onGroup,
    signal,
  }
  const report = await execute(options.backend, task, options)
  if (report.cases.length === 0) throw new UsageError("nothing matches: there is no such op, dtype or template")
  if (options.output === undefined) process.stdout.write(format(report))
  else {
    writeWhole(options.output, format(report))
    process.stdout.write(`${toText(report)}The report is in ${options.output}\n`)
  }
  return succeeded(report) ? 0 : 1
}

/** The command, on its arguments; resolves to the exit code. What fails is told on stderr. */
export async function command(args: readonly string[], extension: Extension = {}): Promise<number> {
  try {
    return await run(args, extension)
  } catch (error) {
    if (extension.signal?.aborted) throw error
    const text = error instanceof UsageError ? error.message : error instanceof Error ? error.stack : error
    process.stderr.write(`${text}\n`)
    return 2
  }
}
