import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "./workspace.mjs"

/** Written by tooling/testing for each package; turbo keeps it as the output of the package's test task. */
const FILE = "test-totals.json"

const testedFolders = () =>
  ["packages", "apps", "tooling"]
    .flatMap((group) => readdirSync(join(ROOT, group)).map((name) => join(group, name)))
    .filter((folder) => existsSync(join(ROOT, folder, "package.json")) && existsSync(join(ROOT, folder, "test")))

/** Forgets the totals of an earlier run, so that only a test run or turbo's cache can bring them back. */
export const clearTotals = () => {
  for (const folder of testedFolders()) rmSync(join(ROOT, folder, FILE), { force: true })
}

/** The totals where nothing ran. */
export const noTotals = () => ({ passed: 0, failed: 0, skipped: 0, missing: [], failures: [] })

/**
 * The totals over all packages that have tests, what failed and with which words, and the folders of those that left none
 * (the runner crashed, or the build before it failed). Each of these counts as one failure.
 */
export const readTotals = () => {
  const totals = noTotals()
  for (const folder of testedFolders()) {
    const file = join(ROOT, folder, FILE)
    if (!existsSync(file)) {
      totals.failed += 1
      totals.missing.push(folder)
      continue
    }
    const counts = JSON.parse(readFileSync(file, "utf8"))
    for (const key of ["passed", "failed", "skipped"]) totals[key] += counts[key]
    for (const { where, errors } of counts.failures) totals.failures.push({ where: `${folder}/${where}`, errors })
  }
  return totals
}
