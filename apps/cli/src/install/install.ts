/** Looks at the machine, recommends a backend, installs it, and proves that it works. */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { misfit, type Place } from "@taeda/choices"
import { machineLines, trialLines, verdictLines } from "../backends/show.ts"
import { type Survey, survey } from "../backends/survey.ts"
import type { Passed } from "../backends/trial.ts"
import { tryBackend } from "../backends/try.ts"
import { BACKENDS_BY_RANK, placeOf, recommended, verdictElsewhere } from "../backends/verdict.ts"
import { runtimeFacts } from "../machine/runtime.ts"
import type { Output } from "../output.ts"
import { packageFolder } from "../project/packages.ts"
import { findProject, type Project } from "../project/project.ts"
import { askBackend, askManager, askWhether } from "./ask.ts"
import { InstallError, managerFailure } from "./failure.ts"
import { undoable } from "./interruption.ts"
import { commandText, managerVersion, run, tidyCommand } from "./manager.ts"
import { type Basis, type InstallOptions, type Plan, planFor } from "./plan.ts"
import { type Snapshot, snapshot } from "./snapshot.ts"
import type { Prompts, Teller } from "./teller.ts"

export interface Installed {
  readonly plan: Plan
  /** False where it was only said what would be done. */
  readonly installed: boolean
  /** What was computed on it; null where it was not tried. */
  readonly trial: Passed | null
}

export interface Surroundings {
  readonly out: Output
  readonly teller: Teller
  /** Null where nobody can be asked. */
  readonly prompts: Prompts | null
  readonly folder: string
}

/** What a project that has no manifest begins with: taeda is ESM. */
const FIRST_MANIFEST = `${JSON.stringify({ private: true, type: "module" }, null, 2)}\n`

/** @throws InstallError where the project's folder cannot be written to. */
function checkWritable({ folder }: Project): void {
  const probe = join(folder, `.taeda-${process.pid}`)
  try {
    writeFileSync(probe, "")
    rmSync(probe)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new InstallError("folder", `${folder} cannot be written to (${code}): nothing was changed`)
  }
}

/** The basis of a plan: what was found here, and for pages what can be said of any browser. */
function basisFor(options: InstallOptions, project: Project, { machine, verdicts }: Survey): Basis {
  const runtime = options.runtime ?? machine.runtime.name
  const place: Place = { ...placeOf(machine), runtime }
  const manager = options.packageManager ?? project.manager
  const shown =
    runtime === machine.runtime.name
      ? verdicts
      : runtime === "browser"
        ? BACKENDS_BY_RANK.map((backend) => verdictElsewhere(backend, { runtime }))
        : // Another runtime on this machine: what it cannot run falls out, and the rest was tried under this one.
          verdicts.map((verdict) => {
            const wrong = misfit(verdict.backend, place)
            return wrong ? { ...verdict, status: "missing" as const, evidence: wrong, fix: null, trial: null } : verdict
          })
  return { place, verdicts: shown, manager, isRoot: project.isRoot }
}

/** @throws InstallError where the manager is not here. */
async function withManager(basis: Basis, project: Project): Promise<Basis> {
  const version = await managerVersion(basis.manager, project)
  if (version !== null) return { ...basis, version }
  throw new InstallError(
    "manager",
    `${basis.manager} is not on this machine (it was chosen by ${project.managerFrom}): install it, or take another with --package-manager`,
  )
}

/** @throws InstallError where the machine lacks what the chosen backend needs. */
function checkVerdict({ backend, verdicts, recommended: best }: Plan): void {
  const verdict = verdicts.find((each) => each.backend === backend)!
  if (verdict.status !== "missing") return
  const { evidence, fix } = verdict
  const advice = [...(fix ? [fix] : []), `or take another: --backend ${best.name}`].join("; ")
  throw new InstallError(
    "place",
    `${backend.name} cannot work here: ${evidence}. ${advice[0].toUpperCase()}${advice.slice(1)}. With --no-check it is installed all the same, as an image for another machine needs it`,
  )
}

/** Makes what is installed agree with the manifest again, as far as that is possible. */
async function tidy(plan: Plan, project: Project, { hadPackages }: Snapshot): Promise<void> {
  if (hadPackages) await run(tidyCommand(plan.manager), project)
}

const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`)

/** Runs the command and the trial. Whatever goes wrong, the project is as it was. */
async function change(plan: Plan, project: Project, options: InstallOptions, teller: Teller): Promise<Passed | null> {
  checkWritable(project)
  const before = snapshot([project.folder, project.root])
  const command = commandText(plan.command)
  return undoable(async (signal) => {
    let ran = false
    try {
      if (!project.hasManifest && plan.manager !== "deno")
        writeFileSync(join(project.folder, "package.json"), FIRST_MANIFEST)
      const { code, output, error } = await teller.during(command, (told) => run(plan.command, project, signal, told))
      signal.throwIfAborted()
      if (error) throw new InstallError("manager", `${plan.manager} does not start (${error.code ?? error.message})`)
      if (code !== 0) throw managerFailure(plan.manager, code, output)
      ran = true
      if (!options.check || plan.runtime === "browser" || isKeptElsewhere(plan, project)) return null
      return await teller.during(`Trying ${plan.backend.name}`, () => check(plan, project, signal))
    } catch (error) {
      before.restore()
      if (signal.aborted) throw new InstallError("stopped", "stopped: the project is as it was")
      if (ran) await teller.during("Putting the project back as it was", () => tidy(plan, project, before))
      const { reason = "failed", details, message } = error as InstallError
      throw new InstallError(reason, `${sentence(message)} The project is as it was`, details)
    }
  }, before.restore)
}

/** Deno keeps packages out of projects that have no package.json: nothing but a program of the project finds them there. */
const isKeptElsewhere = ({ manager }: Plan, { folder }: Project): boolean =>
  manager === "deno" && packageFolder("taeda", folder) === undefined

/** @throws InstallError where the backend fails in the project. */
async function check(
  { backend, runtime, recommended: best }: Plan,
  project: Project,
  signal: AbortSignal,
): Promise<Passed> {
  const trial = await tryBackend(backend, {
    folder: project.folder,
    root: project.root,
    strictly: true,
    runtime,
    signal,
  })
  if (trial.state === "passed") return trial
  const instead = best === backend ? "wasm-simd" : best.name
  const advice = instead === backend.name ? "" : `. --backend ${instead} takes another`
  const message = trial.message.replace(/[.\s]+$/, "")
  throw new InstallError("check", `${backend.name} was installed, but does not work: ${message}${advice}`)
}

const isDecided = ({ backend }: InstallOptions): boolean => backend !== undefined && backend !== "auto"

/** @throws InstallError, having changed nothing, with what is wrong and what to do. */
export async function install(
  options: InstallOptions,
  { out, teller, prompts, folder }: Surroundings,
): Promise<Installed> {
  teller.begin()
  const project = await findProject(folder, runtimeFacts().name)
  // Who has decided already waits for no trials but that of the choice.
  const tries = !(options.yes && isDecided(options))
  const found = await teller.during("Looking at this machine", () =>
    undoable(
      (signal) => survey({ folder: project.folder, root: project.root, signal }, tries),
      () => undefined,
    ),
  )
  const basis = basisFor(options, project, found)
  const { backend: best } = recommended(basis.verdicts)
  teller.block("This machine", machineLines(found.machine))
  teller.block("Backends", verdictLines(basis.verdicts, out))

  const backend =
    options.backend ?? (prompts ? await askBackend(prompts, basis.verdicts, best.name, !options.check) : "auto")
  const manager = options.packageManager ?? (prompts ? await askManager(prompts, project) : project.manager)
  const answers = { ...options, backend, packageManager: manager }
  const willChange = !options.dryRun && (options.yes || prompts !== null)
  const whole = willChange ? await withManager({ ...basis, manager }, project) : { ...basis, manager }
  const plan = planFor(answers, whole)
  if (options.check && plan.runtime !== "browser") checkVerdict(plan)
  if (!willChange) {
    teller.block(`For ${plan.backend.name}${plan.backend === best ? ", recommended" : ""}`, [
      commandText(plan.command),
      "",
      ...plan.code.split("\n"),
    ])
    return { plan, installed: false, trial: null }
  }
  const command = commandText(plan.command)
  if (prompts && !options.yes) await askWhether(prompts, command, plan)
  const trial = await change(plan, project, options, teller)
  teller.block(`${command}: done`, installedLines(project))
  if (trial) teller.block(`${plan.backend.name} works`, trialLines({ trial }, out))
  teller.block(trial ? "Begin with" : "Not tried. Begin with", [...plan.code.split("\n"), ...fileAdvice(project)])
  return { plan, installed: true, trial }
}

const installedLines = ({ hasManifest, folder }: Project): string[] =>
  hasManifest ? [] : [`${join(folder, "package.json")} is new: its .js files are ES modules`]

/** Where the lines of code may stand. */
const fileAdvice = ({ type }: Project): string[] =>
  type === "module" ? [] : ["", 'in a file that ends in .mjs, since package.json does not say "type": "module"']
