/** The suite from a terminal: the report on stdout and nothing else, progress on stderr, the result as the exit code. */

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
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
import { type Progress, type RunOptions, runConformance } from "./run.ts"

const USAGE = `Holds a backend to PyTorch's numbers.

  taeda-conformance --backend NAME [options]

  --backend NAME    cpu-js for the package @taeda/backend-cpu-js, a path to a module that exports open(), or minimal
  --report FORMAT   text (default), json, junit, md or html
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

/** Further options, and who runs the suite then. */
export interface Extension {
  /** Lines for the help, after those of the options. */
  readonly usage: string
  readonly options: Readonly<Record<string, Option>>
  /** Runs the suite against the backend of a name; `values` are those of all options. */
  readonly execute: (backend: string, task: Task, values: Readonly<Record<string, unknown>>) => Promise<Report>
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
  if (isPath(name)) return resolve(name)
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

const LINES_APART = 25

/** One line that is written over in a terminal, else a line now and then. */
function showProgress({ op, template, done, total, failed }: Progress): void {
  const text = `${done}/${total}  ${failed} failed  ${op} ${template}`
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${done === total ? "" : text}`)
  else if (done % LINES_APART === 0 || done === total) process.stderr.write(`${text}\n`)
}

function parse(args: readonly string[], further: Extension["options"]) {
  const texts = { type: "string", multiple: true } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...further,
        backend: { type: "string" },
        report: { type: "string", default: "text" },
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

const HERE: Extension = { usage: "", options: {}, execute: runHere }

async function run(args: readonly string[], { usage, options: further, execute }: Extension): Promise<number> {
  const options = parse(args, further)
  if (options.help) {
    process.stdout.write(USAGE + usage + EXIT_CODES)
    return 0
  }
  if (options.backend === undefined) throw new UsageError(`which backend? ${USAGE.split("\n")[2].trim()}`)
  const format = REPORTS[options.report]
  if (!format)
    throw new UsageError(`there is no report ${options.report}; there are ${Object.keys(REPORTS).join(", ")}`)
  const task: Task = {
    dtypes: checkDtypes(options.dtype),
    knownGaps: options.gaps
      ? (JSON.parse(readFileSync(options.gaps, "utf8")) as KnownGap[])
      : knownGapsOf(options.backend),
    ops: options.op,
    templates: options.template,
    full: !options.few,
    steps: checkSteps(options.steps),
    onGroup: showProgress,
  }
  const report = await execute(options.backend, task, options)
  if (report.cases.length === 0) throw new UsageError("nothing matches: there is no such op, dtype or template")
  process.stdout.write(format(report))
  return succeeded(report) ? 0 : 1
}

/** The command, on its arguments; resolves to the exit code. What fails is told on stderr. */
export async function command(args: readonly string[], extension: Extension = HERE): Promise<number> {
  try {
    return await run(args, extension)
  } catch (error) {
    const text = error instanceof UsageError ? error.message : error instanceof Error ? error.stack : error
    process.stderr.write(`${text}\n`)
    return 2
  }
}
