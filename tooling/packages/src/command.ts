/** Runs commands and says what they said when they fail. */
import { spawn } from "node:child_process"

export interface CommandOptions {
  readonly cwd: string
  /** All of it: nothing of this process's environment comes along. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds. Default five minutes. */
  readonly timeout?: number
}

const PATIENCE = 300_000

/** What is shown of a command that printed pages. */
const tail = (text: string): string => text.trim().split("\n").slice(-40).join("\n")

/**
 * Runs a command and resolves to what it wrote to stdout. This process goes on meanwhile: it may serve what the command asks for.
 *
 * @throws {Error} with the command and the end of what it wrote, where its exit code is not 0 or time is over.
 */
export function command(file: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { cwd, env, timeout = PATIENCE } = options
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout, killSignal: "SIGKILL" })
  let stdout = ""
  let all = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
    all += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    all += text
  })
  child.on("error", reject)
  child.on("close", (code, signal) => {
    if (code === 0) resolve(stdout)
    else reject(new Error(`\`${[file, ...args].join(" ")}\` ended with ${code ?? signal}:\n${tail(all)}`))
  })
  return promise
}
