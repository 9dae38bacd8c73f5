/** Ctrl-C while a project is being changed. */
import { constants } from "node:os"

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/**
 * Runs work that ends in order when its signal is aborted, which the first of the system's signals does. A second one does
 * not wait any longer: the process ends, and `undo` is the last that it does.
 */
export async function undoable<T>(work: (signal: AbortSignal) => Promise<T>, undo: () => void): Promise<T> {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals): void => {
    const code = 128 + constants.signals[name]
    process.exitCode = code
    if (controller.signal.aborted) {
      // Behind those who listen already, which end what they started.
      process.once("exit", undo)
      process.exit(code)
    }
    controller.abort(new Error("stopped"))
  }
  for (const name of SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } finally {
    for (const name of SIGNALS) process.off(name, stop)
  }
}
