/** Runs a backend's trial in a process of its own: one that crashes or hangs is told in words. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { BackendChoice, RuntimeChoice } from "@taeda/choices"
import { runtimeFacts } from "../machine/runtime.ts"
import type { Trial } from "./trial.ts"

/** What stands before the trial's result on its line: libraries may write what they like besides. */
export const MARK = "taeda-trial: "

/** Milliseconds that a trial may take: drivers start, shaders are compiled. */
const PATIENCE = 90_000

export interface Where {
  readonly folder: string
  /** Whether nothing but the project's own library is tried; else the command's own is, where the project has none. */
  readonly strictly?: boolean
  /** Where the files of Yarn's Plug'n'Play would be. */
  readonly root?: string
  readonly runtime?: RuntimeChoice["name"]
  readonly signal?: AbortSignal
  readonly patience?: number
}

/** How each runtime starts a script. */
const STARTS: Readonly<Record<string, readonly string[]>> = {
  node: ["node"],
  bun: ["bun"],
  deno: ["deno", "run", "--allow-all"],
}

/** This process's own runtime with its options, or another one from the PATH. */
function start(runtime: RuntimeChoice["name"] | undefined): readonly string[] {
  const { name } = runtimeFacts()
  const wanted = runtime === undefined || runtime === "browser" ? name : runtime
  if (wanted !== name) return STARTS[wanted]
  return [process.execPath, ...STARTS[wanted].slice(1), ...process.execArgv]
}

/** What makes Node resolve as Yarn's Plug'n'Play does. */
function plugAndPlay(folder: string): string {
  const [hook, loader] = [".pnp.cjs", ".pnp.loader.mjs"].map((name) => join(folder, name))
  if (!existsSync(hook)) return process.env.NODE_OPTIONS ?? ""
  const loaded = existsSync(loader) ? ` --experimental-loader ${pathToFileURL(loader).href}` : ""
  return `${process.env.NODE_OPTIONS ?? ""} --require ${JSON.stringify(hook)}${loaded}`
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly slow: boolean
  /** Why it did not even start. */
  readonly error?: NodeJS.ErrnoException
}

function run(device: string, where: Where): Promise<End> {
  const { folder, root = folder, strictly, runtime, signal, patience = PATIENCE } = where
  const [file, ...args] = start(runtime)
  const env = { ...process.env, NODE_OPTIONS: plugAndPlay(root), NO_COLOR: "1", FORCE_COLOR: "0" }
  return new Promise((resolve) => {
    const child = spawn(file, [...args, process.argv[1], "trial", device, ...(strictly ? ["--project"] : [])], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    })
    let [stdout, stderr, slow] = ["", "", false]
    const kill = (): void => void child.kill("SIGKILL")
    const timer = setTimeout(() => {
      slow = true
      kill()
    }, patience)
    signal?.addEventListener("abort", kill)
    const done = (end: Partial<End>): void => {
      clearTimeout(timer)
      signal?.removeEventListener("abort", kill)
      resolve({ code: null, signal: null, stdout, stderr, slow, ...end })
    }
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text))
    child.once("error", (error) => done({ error }))
    child.once("close", (code, ended) => done({ code, signal: ended }))
  })
}

function wordsFor({ code, signal, stderr, slow, error }: End, patience: number, runtime: string): string {
  if (error) return `${runtime} does not start here (${error.code ?? error.message})`
  if (slow) return `it did not answer within ${patience / 1000} s`
  const last = stderr.trim().split("\n").at(-1)
  return `it took down the process in which it was tried (${signal ?? `exit code ${code}`}${last ? `: ${last}` : ""})`
}

/** Tries a backend. Never rejects for what the backend does; does with the signal's reason when that is aborted. */
export async function tryBackend(backend: BackendChoice, where: Where): Promise<Trial> {
  const end = await run(backend.device, where)
  where.signal?.throwIfAborted()
  const line = end.stdout.split("\n").find((each) => each.startsWith(MARK))
  if (line && !end.slow) return JSON.parse(line.slice(MARK.length)) as Trial
  return { state: "failed", message: wordsFor(end, where.patience ?? PATIENCE, where.runtime ?? "node") }
}
