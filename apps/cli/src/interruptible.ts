/** Work that a person may stop. */
import { constants } from "node:os"

/**
 * Runs work that looks at a signal now and then: the first Ctrl-C asks it to end in order, and a second one, should it not
 * listen, ends the process at once.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController()
  const stop = (signal: NodeJS.Signals): void => {
    process.exitCode = 128 + constants.signals[signal]
    controller.abort()
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop)
  try {
    await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    process.stderr.write("taeda: stopped\n")
  }
}
