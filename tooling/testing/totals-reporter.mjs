import { writeFileSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"

const stateOf = (test) => test.result().state

/** What was expected and what came, without what a terminal colours it with. */
const textOf = ({ message, stack, diff }) =>
  stripVTControlCharacters([message ?? stack ?? "no message", diff].filter(Boolean).join("\n"))

const failureOf = (where, errors) => ({ where, errors: [...new Set(errors.map(textOf))] })

/** A file that failed without a failing test of its own (it does not load, a hook throws) counts as one failure. */
const countModule = (module) => {
  const tests = [...module.children.allTests()]
  const count = (state) => tests.filter((each) => stateOf(each) === state).length
  const file = module.relativeModuleId
  const trouble = (some) => some.map((each) => failureOf(`${file} > ${each.fullName}`, each.result().errors ?? []))
  const failures = trouble(tests.filter((each) => stateOf(each) === "failed"))
  const retried = trouble(tests.filter((each) => stateOf(each) === "passed" && each.diagnostic()?.flaky))
  const errors = [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())]
  if (failures.length === 0 && module.state() === "failed") failures.push(failureOf(file, errors))
  return { passed: count("passed"), failures, retried, skipped: count("skipped") }
}

/**
 * A vitest reporter that writes `{ passed, failed, skipped, failures, retried }` to the file that TAEDA_TOTALS names; `retried`
 * are those that passed at the second try, with what the first one met.
 */
export default class TotalsReporter {
  onTestRunEnd(modules, errors) {
    const counts = modules.map(countModule)
    const sum = (key) => counts.reduce((total, each) => total + each[key], 0)
    const failures = [
      ...counts.flatMap((each) => each.failures),
      ...errors.map((error) => failureOf("outside of the tests", [error])),
    ]
    const retried = counts.flatMap((each) => each.retried)
    const totals = { passed: sum("passed"), failed: failures.length, skipped: sum("skipped"), failures, retried }
    writeFileSync(process.env.TAEDA_TOTALS, `${JSON.stringify(totals)}\n`)
  }
}
