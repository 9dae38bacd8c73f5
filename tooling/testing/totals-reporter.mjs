import { writeFileSync } from "node:fs"

const stateOf = (test) => test.result().state

/** A file that failed without a failing test of its own (it does not load, a hook throws) counts as one failure. */
const countModule = (module) => {
  const states = [...module.children.allTests()].map(stateOf)
  const count = (state) => states.filter((each) => each === state).length
  const failed = count("failed")
  return {
    passed: count("passed"),
    failed: failed === 0 && module.state() === "failed" ? 1 : failed,
    skipped: count("skipped"),
  }
}

/** A vitest reporter that writes `{ passed, failed, skipped }` to the file that TAEDA_TOTALS names. */
export default class TotalsReporter {
  onTestRunEnd(modules, errors) {
    const totals = { passed: 0, failed: errors.length, skipped: 0 }
    for (const counts of modules.map(countModule)) for (const key of Object.keys(totals)) totals[key] += counts[key]
    writeFileSync(process.env.TAEDA_TOTALS, `${JSON.stringify(totals)}\n`)
  }
}
