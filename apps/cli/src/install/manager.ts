/** Runs a package manager. */
import type { ChildProcess } from "node:child_process"
import { stripVTControlCharacters } from "node:util"
import { PACKAGE_MANAGERS, type PackageManagerChoice } from "@taeda/choices"
import spawn from "cross-spawn"
import type { ManagerName, Project } from "../project/project.ts"

export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/** A package's name and the like are spelt alike in every shell. */
export const commandText = ({ file, args }: Command): string => [file, ...args].join(" ")

export const managerNamed = (name: ManagerName): PackageManagerChoice =>
  PACKAGE_MANAGERS.find((manager) => manager.name === name)!

/** What some want to be told before they add packages to a workspace's own manifest. */
const AT_THE_ROOT: Readonly<Partial<Record<ManagerName, (version: string) => readonly string[]>>> = {
  pnpm: () => ["-w"],
  yarn: (version) => (version.startsWith("1.") ? ["-W"] : []),
}

/** The command that adds packages to a project; `isRoot`: of a workspace. */
export function addCommand(name: ManagerName, packages: readonly string[], isRoot = false, version = ""): Command {
  const { add, spell } = managerNamed(name)
  const [file, ...args] = add.split(" ")
  return { file, args: [...args, ...(isRoot ? (AT_THE_ROOT[name]?.(version) ?? []) : []), ...packages.map(spell)] }
}

/** The command by which a manager makes what is installed agree with the manifest again. */
export const tidyCommand = (name: ManagerName): Command => ({ file: name, args: ["install"] })

export interface Ended {
  readonly code: number | null
  /** What it wrote, without colours. */
  readonly output: string
  /** Why it did not start. */
  readonly error?: NodeJS.ErrnoException
}

/** Milliseconds after which a manager that was asked to end is ended. */
const GRACE = 5_000

/** On Windows a script's shell would go alone, and what it started would write on. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (process.platform === "win32") spawn.sync("taskkill", ["/pid", String(child.pid), "/T", "/F"], { stdio: "ignore" })
  else child.kill(signal)
}

/**
 * Runs a command in the project, without a shell (on Windows those that are scripts run in one, safely quoted). Resolves
 * when it has ended, however it did; when the signal is aborted, it is asked to end first.
 *
 * @param told is called with every line that it writes.
 */
export function run(
  { file, args }: Command,
  { folder }: Pick<Project, "folder">,
  signal?: AbortSignal,
  told: (line: string) => void = () => undefined,
): Promise<Ended> {
  return new Promise((resolve) => {
    // Corepack would ask whether it may fetch a manager, and nobody would hear it.
    const env = { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: "0" }
    const child = spawn(file, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], windowsHide: true })
    let output = ""
    let timer: NodeJS.Timeout | undefined
    const end = (): void => kill(child, "SIGKILL")
    const stop = (): void => {
      kill(child, "SIGTERM")
      timer = setTimeout(end, GRACE)
    }
    // Where this process does not wait any longer, nothing may go on writing.
    process.once("exit", end)
    if (signal?.aborted) stop()
    signal?.addEventListener("abort", stop)
    const hear = (text: string): void => {
      const plain = stripVTControlCharacters(text)
      output += plain
      const line = plain.split(/[\r\n]+/).findLast((each) => each.trim() !== "")
      if (line) told(line.trim())
    }
    child.stdout?.setEncoding("utf8").on("data", hear)
    child.stderr?.setEncoding("utf8").on("data", hear)
    const done = (how: Omit<Ended, "output">): void => {
      clearTimeout(timer)
      process.off("exit", end)
      signal?.removeEventListener("abort", stop)
      resolve({ ...how, output })
    }
    child.once("error", (error) => done({ code: null, error }))
    child.once("close", (code) => done({ code }))
  })
}

/** The manager's version, or null where it is not on this machine. */
export async function managerVersion(name: ManagerName, project: Pick<Project, "folder">): Promise<string | null> {
  const { code, output } = await run({ file: name, args: ["--version"] }, project)
  return code === 0 ? (/\d+\.\d+\S*/.exec(output)?.[0] ?? "unknown") : null
}
