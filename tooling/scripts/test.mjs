/**
 * `npm test`: installs everything, then builds, type-checks, lints and tests every package. The last line is
 * `N passed, N failed`, over all packages; the exit code is not 0 when anything failed, a test or another step.
 */
import { StepFailed, say, step } from "./steps.mjs"
import { clearTotals, noTotals, readTotals } from "./totals.mjs"
import { install, turbo } from "./workspace.mjs"

const CONTINUE = "--continue=dependencies-successful"

/** One package's tests at a time: vitest uses all cores already, and the output stays in order. */
const IN_ORDER = ["--concurrency=1", "--log-prefix=none"]

const checks = [
  () =>
    step(
      "Building, type-checking, linting",
      () => turbo(["build", "typecheck", "lint", "lint:root"], { flags: [CONTINUE] }),
      "The lines above name the files; `npm run lint:fix` repairs the formatting.",
    ),
  () =>
    step(
      "Testing",
      () => turbo(["test"], { flags: [CONTINUE, ...IN_ORDER] }),
      "The lines above name the tests and what they found.",
    ),
]

const messageOf = (error) => (error instanceof StepFailed ? error.message : error.stack)

/** Every check runs, whatever came of the ones before; resolves to the messages of those that failed. */
const runChecks = async () => {
  const messages = []
  for (const check of checks) {
    try {
      await check()
    } catch (error) {
      messages.push(messageOf(error))
    }
  }
  return messages
}

const indented = (text) => text.replaceAll(/^/gm, "    ")

/** What failed comes once more at the end, where the lines of all that passed do not bury it. */
const report = ({ passed, failed, skipped, missing, failures }, messages) => {
  for (const { where, errors } of failures) say([`FAILED ${where}`, ...errors.map(indented), ""].join("\n"))
  for (const folder of missing) say(`${folder}: its tests did not run to the end (counted as one failure)`)
  if (skipped > 0) say(`${skipped} skipped`)
  for (const message of messages) say(message)
  process.exitCode = messages.length > 0 || failed > 0 || passed === 0 ? 1 : 0
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
}

clearTotals()
try {
  await install()
  const messages = await runChecks()
  report(readTotals(), messages)
} catch (error) {
  report(noTotals(), [messageOf(error)])
}
