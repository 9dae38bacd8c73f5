import { writeFileSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"

const stateOf = (test) => test.result().state

/** What was expected and what came, without what a terminal colours it with. */
const textOf = ({ message, stack, diff }) =>
  stripVTControlCharacters([message ?? stack ?? "no message", diff].filter(Boolean).join("\n"))

const failureOf = (where, errors) => ({ where, errors: errors.map(textOf) })

/** A file that failed without a failing test of its own (it does not load, a hook throws) counts as one failure. */
const countModule = (module) => {
  const tests = [...module.children.allTests()]
  const count = (state) => tests.filter((each) => stateOf(each) === state).length
  const file = module.relativeModuleId
  const failures = tests
    .filter((each) => stateOf(each) === "failed")
    .map((each) => failureOf(`${file} > ${each.fullName}`, each.result().errors))
  if (failures.length === 0 && module.state() === "failed") {
    const errors = [module, ...module.children.allSuites()].flatMap((suite) => suite.errors())
    failures.push(failureOf(file, errors))
  }
  return { passed: count("passed"), failures, skipped: count("skipped") }
}

/** A vitest reporter that writes `{ passed, failed, skipped, failures }` to the file that TAEDA_TOTALS names. */
export default class TotalsReporter {
  onTestRunEnd(modules, errors) {
    const counts = modules.map(countModule)
    const sum = (key) => counts.reduce((total, each) => total + each[key], 0)
    const failures = [
      ...counts.flatMap((each) => each.failures),
      ...errors.map((error) => failureOf("outside of the tests", [error])),
    ]
    const totals = { passed: sum("passed"), failed: failures.length, skipped: sum("skipped"), failures }
    writeFileSync(process.env.TAEDA_TOTALS, `${JSON.stringify(totals)}\n`)
  }
}
