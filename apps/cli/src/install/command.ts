/** The command `taeda install`: what it says to whom, and how it ends. */
import { verdictLines, wrapped } from "../backends/show.ts"
import { type Output, terminal } from "../output.ts"
import { InstallError } from "./failure.ts"
import { type Installed, install } from "./install.ts"
import { errorJson, resultJson } from "./json.ts"
import { commandText, managerNamed } from "./manager.ts"
import { type InstallOptions, isElsewhere, type Plan, planElsewhere } from "./plan.ts"
import { conversation, type Prompts, plain, silent, type Teller } from "./teller.ts"

/** Of a process that was stopped from the keyboard. */
const STOPPED = 130

/** The prompts, where there is somebody to ask. @throws InstallError where they do not load. */
async function promptsFor({ yes, json, dryRun }: InstallOptions, out: Output): Promise<Prompts | null> {
  if (yes || json || dryRun || !out.interactive || !process.stdin.isTTY) return null
  try {
    return await import("@clack/prompts")
  } catch (error) {
    const why = `the questions need Node 20.12 or newer, and this is ${process.version} (${(error as Error).message})`
    throw new InstallError("stopped", `${why}. Nothing was changed: answer by flags, with --yes`)
  }
}

function tellerFor({ json }: InstallOptions, out: Output, prompts: Prompts | null): Teller {
  if (json) return silent
  return prompts ? conversation(out, prompts) : plain(out)
}

/** For another machine: the command alone where it goes, and why it is that one beside it. */
function showElsewhere(plan: Plan, out: Output): void {
  const beside = terminal(process.stderr)
  for (const line of verdictLines(plan.verdicts, beside)) beside.line(line)
  beside.line()
  out.line(commandText(plan.command))
}

/** The columns that the prompts' frame takes. */
const FRAME = 3

function showError({ message, details }: InstallError, out: Output, prompts: Prompts | null): void {
  const { dim, line } = terminal(process.stderr)
  for (const each of details) line(dim(`  ${each}`))
  if (prompts) prompts.cancel(wrapped(message, FRAME, out.columns()))
  else line(`taeda: ${message}`)
}

const NOBODY =
  "nothing was changed. There is nobody to ask here: --yes installs what is recommended, --dry-run only says what would be done"

async function installHere(options: InstallOptions, out: Output, prompts: Prompts | null): Promise<Installed> {
  const teller = tellerFor(options, out, prompts)
  const result = await install(options, { out, teller, prompts, folder: process.cwd() })
  const taeda = managerNamed(result.plan.manager).run("taeda")
  if (result.installed) teller.end(`Next: ${taeda} tour, or ${taeda} doctor when something is wrong`)
  else if (!options.dryRun && !options.json) throw new InstallError("stopped", NOBODY)
  return result
}

export async function installCommand(options: InstallOptions, out: Output): Promise<void> {
  let prompts: Prompts | null = null
  try {
    if (isElsewhere(options)) {
      const plan = planElsewhere(options)
      if (options.json) out.line(JSON.stringify(resultJson({ plan, installed: false, trial: null }), null, 2))
      else showElsewhere(plan, out)
      return
    }
    prompts = await promptsFor(options, out)
    const result = await installHere(options, out, prompts)
    if (options.json) out.line(JSON.stringify(resultJson(result), null, 2))
  } catch (error) {
    const known = error instanceof InstallError ? error : new InstallError("failed", (error as Error).message)
    if (options.json) out.line(JSON.stringify(errorJson(known), null, 2))
    else showError(known, out, prompts)
    process.exitCode ||= known.reason === "stopped" && prompts ? STOPPED : 1
  }
}
