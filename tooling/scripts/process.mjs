import { spawn } from "node:child_process"
import { constants } from "node:os"

/** The terminal's Ctrl-C reaches the child as well: the child decides how to end, and this process waits for it. */
const leaveSignalsToTheChild = () => {
  for (const signal of ["SIGINT", "SIGTERM"]) if (process.listenerCount(signal) === 0) process.on(signal, () => {})
}

/**
 * Runs a command and resolves to its exit code (128 + n where signal n ended it).
 *
 * `quiet` sends what it prints to stderr, so that stdout carries only the result that was asked for. `shell` is for
 * commands that are batch files on Windows; their arguments must need no quoting.
 */
export const run = (command, args, { cwd, env, quiet = false, shell = false } = {}) =>
  new Promise((resolve, reject) => {
    leaveSignalsToTheChild()
    const options = { cwd, env: { ...process.env, ...env }, stdio: quiet ? ["inherit", 2, 2] : "inherit" }
    const child =
      shell && process.platform === "win32"
        ? spawn([command, ...args].join(" "), { ...options, shell: true })
        : spawn(command, args, options)
    child.on("error", reject)
    child.on("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
