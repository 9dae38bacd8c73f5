/** Where facts about a machine come from: its files, its environment and short commands. Tests put others in their place. */
import { execFile } from "node:child_process"
import { readdir, readFile } from "node:fs/promises"

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  /** Null where it ended well; "absent" where there is no such command. */
  readonly failure: "absent" | "failed" | "slow" | null
}

export interface Sources {
  readonly platform: string
  /** As Node names it. */
  readonly arch: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The text of a file, or null where it cannot be read. */
  read(path: string): Promise<string | null>
  /** The names in a folder; none where it cannot be read. */
  list(folder: string): Promise<readonly string[]>
  /** Runs a command without a shell, and ends it when it takes longer than `patience` milliseconds. */
  run(file: string, args: readonly string[], patience?: number): Promise<Ran>
}

/** Milliseconds that a command which only tells something may take. */
const PATIENCE = 10_000

function run(file: string, args: readonly string[], patience = PATIENCE): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: patience, windowsHide: true, encoding: "utf8", killSignal: "SIGKILL" } as const
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = error?.code as unknown
      const failure = !error
        ? null
        : code === "ENOENT" || code === "EACCES"
          ? "absent"
          : error.killed
            ? "slow"
            : "failed"
      resolve({ stdout, stderr, failure })
    })
  })
}

/** This machine's. */
export const sourcesHere = (): Sources => ({
  platform: process.platform,
  arch: process.arch,
  env: process.env,
  read: (path) => readFile(path, "utf8").catch(() => null),
  list: (folder) => readdir(folder).catch(() => []),
  run,
})
