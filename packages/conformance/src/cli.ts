#!/usr/bin/env node
/** The suite from a terminal: the report on stdout and nothing else, progress on stderr, the result as the exit code. */

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { type Backend, DTYPE_NAMES, type DType } from "@taeda/core"
import type { KnownGap } from "./gaps.ts"
import * as minimal from "./minimal/backend.ts"
import { STEPS } from "./programs/training.ts"
import { toHtml } from "./report/html.ts"
import { toJUnit } from "./report/junit.ts"
import { toMarkdown } from "./report/markdown.ts"
import { type Report, succeeded, toJson } from "./report/report.ts"
import { toText } from "./report/text.ts"
import { type Progress, runConformance } from "./run.ts"

const USAGE = `Holds a backend to PyTorch's numbers.

  taeda-conformance --backend NAME [options]

  --backend NAME    cpu-js for the package @taeda/backend-cpu-js, a path to a module that exports open(), or minimal
  --report FORMAT   text (default), json, junit, md or html
  --op PATTERN      only these ops, * stands for anything; may be given again
  --dtype DTYPE     only this dtype; may be given again
  --template NAME   only this template (forward, backward, errors, ...); may be given again
  --few             a few cases of each op
  --steps N         steps of the training programs: 200, or 10 with --few; for slow backends
  --gaps FILE       known gaps: a JSON array of { op, dtype, template, tag, case, reason }

Exit code: 0 all passed, 1 something failed or a gap is closed, 2 it could not run.
`

/** What a person mistyped or lacks: told without a stack. */
class UsageError extends Error {}

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

function parse(args: readonly string[]) {
  const texts = { type: "string", multiple: true } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
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

/** The command, on its arguments; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const options = parse(args)
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  if (options.backend === undefined) throw new UsageError(`which backend? ${USAGE.split("\n")[2].trim()}`)
  const format = REPORTS[options.report]
  if (!format)
    throw new UsageError(`there is no report ${options.report}; there are ${Object.keys(REPORTS).join(", ")}`)
  const dtypes = checkDtypes(options.dtype)
  const knownGaps = options.gaps ? (JSON.parse(readFileSync(options.gaps, "utf8")) as KnownGap[]) : []
  const { open } = await loadBackend(options.backend)
  const report = await runConformance({
    backend: open,
    knownGaps,
    ops: options.op,
    dtypes,
    templates: options.template,
    full: !options.few,
    steps: checkSteps(options.steps),
    onGroup: showProgress,
  })
  if (report.cases.length === 0) throw new UsageError("nothing matches: there is no such op, dtype or template")
  process.stdout.write(format(report))
  return succeeded(report) ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = 2
  const text = error instanceof UsageError ? `${error.message}\n` : `${error instanceof Error ? error.stack : error}\n`
  process.stderr.write(text)
}
