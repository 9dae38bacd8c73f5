/** The command `taeda doctor`. */

import { machineLines, verdictLines, wrapped } from "../backends/show.ts"
import { recommended } from "../backends/verdict.ts"
import { activity } from "../install/activity.ts"
import { interruptible } from "../interruptible.ts"
import type { Output } from "../output.ts"
import { type Check, type Examination, examine } from "./examine.ts"
import { reportJson } from "./json.ts"
import { redactor, secretsHere } from "./privacy.ts"

export interface DoctorOptions {
  readonly json?: boolean
}

const MARKS = { ok: ["✓", "green"], warning: ["!", "yellow"], problem: ["✗", "red"] } as const

/** What each is called. */
const TITLES: Readonly<Record<Check["name"], string>> = {
  runtime: "runtime",
  webassembly: "WebAssembly",
  manager: "manager",
  library: "library",
  versions: "versions",
  copies: "copies",
}

const NAME_WIDTH = 12

function checkLines(checks: readonly Check[], out: Output): string[] {
  const margin = NAME_WIDTH + 2
  const columns = out.interactive ? out.columns() - 2 : Number.POSITIVE_INFINITY
  return checks.flatMap(({ name, state, evidence, fix }) => {
    const [mark, paint] = MARKS[state]
    const line = `${out[paint](mark)} ${out.bold(TITLES[name].padEnd(NAME_WIDTH))}${wrapped(evidence, margin, columns)}`
    return fix ? [line, `${" ".repeat(margin)}${out.cyan(wrapped(fix, margin, columns))}`] : [line]
  })
}

function show({ machine, checks, verdicts, healthy }: Examination, out: Output): void {
  const block = (title: string, lines: readonly string[]): void => {
    out.line(out.bold(title))
    for (const line of lines) out.line(line.replace(/^/gm, "  "))
    out.line()
  }
  block("This machine", machineLines(machine))
  block("This project", checkLines(checks, out))
  block("Backends", verdictLines(verdicts, out, true))
  const { backend } = recommended(verdicts)
  const advice = `The fastest here is ${backend.name}: await torch.setDefaultDevice("${backend.device}"), or "auto".`
  const verdict = healthy
    ? out.green("Healthy.")
    : `${out.red("Something is broken:")} it is marked ✗, with what to do.`
  out.line(`${verdict} ${advice}`)
}

export async function doctorCommand({ json }: DoctorOptions, command: string, out: Output): Promise<void> {
  await interruptible(async (signal) => {
    const { stop } = json ? { stop: () => undefined } : activity("Looking at this machine", out)
    const examination = await examine(process.cwd(), signal).finally(stop)
    if (json) {
      const redact = redactor(secretsHere(examination.project.folder))
      out.line(JSON.stringify(reportJson(examination, command, redact), null, 2))
    } else show(examination, out)
    if (!examination.healthy) process.exitCode = 1
  })
}
