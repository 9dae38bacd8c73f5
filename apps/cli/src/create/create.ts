/** Makes a new project, and says how it goes on. */
import { relative, resolve } from "node:path"
import { cancel, confirm, isCancel, select, text } from "@clack/prompts"
import spawn from "cross-spawn"
import { getUserAgent } from "package-manager-detector/detect"
import type { Output } from "../output.ts"
import { filesOf, obstacle, writeProject } from "./files.ts"
import { MANAGERS, type ManagerName, TEMPLATE_NAMES, TEMPLATES, type TemplateName } from "./templates.ts"

export interface CreateOptions {
  readonly template?: TemplateName
  readonly packageManager?: ManagerName
  /** Whether to install; a person at a terminal is asked where it is left out. */
  readonly install?: boolean
}

/** Where a person at a terminal has had enough. */
class Cancelled extends Error {}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (!isCancel(answer)) return answer as Exclude<T, symbol>
  cancel("Nothing was created.")
  throw new Cancelled()
}

const FOLDER = "taeda-app"

async function askFolder(): Promise<string> {
  const answer = await text({
    message: "Where?",
    placeholder: FOLDER,
    defaultValue: FOLDER,
    validate: (value) => obstacle(resolve(value || FOLDER)) ?? undefined,
  })
  return answered(answer)
}

async function askTemplate(): Promise<TemplateName> {
  const options = TEMPLATE_NAMES.map((value) => ({ value, label: `${value}: ${TEMPLATES[value].title}` }))
  return answered(await select({ message: "What?", options }))
}

/** The project is there by then: whoever has had enough does not install. */
const askInstall = async (manager: ManagerName): Promise<boolean> =>
  (await confirm({ message: `Run ${manager} install now?` })) === true

/** The manager that started this command, where one did. */
function managerHere(): ManagerName {
  const agent = getUserAgent()
  return MANAGERS.find((name) => name === agent) ?? "npm"
}

/** Lets the manager install at this terminal; resolves to what went wrong, or null. */
function install(manager: ManagerName, folder: string): Promise<string | null> {
  return new Promise((done) => {
    const child = spawn(manager, ["install"], { cwd: folder, stdio: "inherit" })
    child.once("error", ({ code, message }: NodeJS.ErrnoException) =>
      done(code === "ENOENT" ? `there is no ${manager} on this machine` : message),
    )
    child.once("close", (code) =>
      done(code === 0 ? null : `${manager} install did not succeed; without a connection to its registry it cannot`),
    )
  })
}

/** As a shell takes it, on Windows too. */
const quoted = (path: string): string => (/[^\w./\\:-]/.test(path) ? `"${path}"` : path)

/** Resolves to the exit code. Rejects, having written nothing, where the folder cannot be used. */
export async function create(folder: string | undefined, options: CreateOptions, out: Output): Promise<number> {
  const asks = out.interactive && process.stdin.isTTY === true
  if (folder === undefined && !asks) throw new Error(`which folder? For example: taeda create ${FOLDER}`)
  try {
    const target = resolve(folder ?? (await askFolder()))
    const problem = obstacle(target)
    if (problem !== null) throw new Error(problem)
    const template = options.template ?? (asks ? await askTemplate() : "node")
    const manager = options.packageManager ?? managerHere()
    writeProject(target, filesOf(target, template, manager))
    const shown = relative(process.cwd(), target) || "."
    out.line(`Created ${out.bold(shown)}: ${TEMPLATES[template].title}.`)
    const wanted = options.install ?? (asks && (await askInstall(manager)))
    const failure = wanted ? await install(manager, target) : null
    if (failure !== null) process.stderr.write(`taeda: ${failure}. The project itself is complete.\n`)
    out.line()
    out.line("Go on with:")
    if (shown !== ".") out.line(`  cd ${quoted(shown)}`)
    if (!wanted || failure !== null) out.line(`  ${manager} install`)
    out.line(`  ${manager} run ${TEMPLATES[template].first}`)
    return failure === null ? 0 : 1
  } catch (error) {
    if (error instanceof Cancelled) return 130
    throw error
  }
}
