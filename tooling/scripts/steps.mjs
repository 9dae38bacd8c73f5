/** A failure that is explained already: its message is for the person at the terminal, without a stack. */
export class StepFailed extends Error {
  constructor(message, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export const say = (text) => process.stderr.write(`${text}\n`)

const bold = (text) => (process.stderr.isTTY && !process.env.NO_COLOR ? `\u001b[1m${text}\u001b[22m` : text)

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`

/**
 * Runs one step between two lines, what it does and how long it took, on stderr. `work` resolves to an exit code, or to a
 * note (a string) where there was nothing to do.
 *
 * @throws {StepFailed} with `advice` when the exit code is not 0.
 */
export const step = async (title, work, advice) => {
  say(bold(`> ${title}`))
  const since = performance.now()
  const outcome = await work()
  if (typeof outcome === "string") return say(`  ${outcome}`)
  if (outcome !== 0)
    throw new StepFailed(`${title}: failed after ${seconds(since)} (exit code ${outcome}). ${advice}`, outcome)
  say(`  done in ${seconds(since)}`)
}

/** Runs a script's steps and turns a failure into one readable line and the exit code. */
export const main = async (work) => {
  try {
    process.exitCode = (await work()) ?? 0
  } catch (error) {
    say(bold(`\n${error instanceof StepFailed ? error.message : (error.stack ?? error)}`))
    process.exitCode = error.exitCode ?? 1
  }
}
