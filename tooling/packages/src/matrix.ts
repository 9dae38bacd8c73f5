/**
 * `pnpm matrix`: every kind of fresh project, one line each. `--only PATTERN` (a regular expression, case aside) runs those
 * whose line it matches; `--list` shows them. The exit code is 0 when all are green.
 */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type Launched, launch } from "@taeda/browser"
import { BUNDLED } from "./bundlers.ts"
import { cli } from "./cli.ts"
import { installer } from "./installer.ts"
import { IN_NODE } from "./managers.ts"
import { next } from "./next.ts"
import { PAGES } from "./pages.ts"
import { CACHE } from "./places.ts"
import { newPerson } from "./project.ts"
import { openRegistry } from "./registry.ts"
import { RUNTIME_SCENARIOS } from "./runtimes.ts"
import type { Run, Scenario } from "./scenario.ts"
import { TYPESCRIPT } from "./typescript.ts"
import { vite } from "./vite.ts"

const SCENARIOS: readonly Scenario[] = [
  ...IN_NODE,
  cli,
  installer,
  ...RUNTIME_SCENARIOS,
  ...TYPESCRIPT,
  vite,
  ...BUNDLED,
  next,
  ...PAGES,
]

const indented = (text: string): string => text.replaceAll(/^/gm, "    ")

async function outcome(scenario: Scenario, run: Run): Promise<boolean> {
  const since = performance.now()
  const line = (mark: string): string =>
    `${mark} ${scenario.name} (${((performance.now() - since) / 1000).toFixed(1)} s)`
  try {
    await scenario.run(run)
    console.log(line("✓"))
    return true
  } catch (error) {
    console.log(line("✗"))
    console.log(indented(error instanceof Error ? error.message : String(error)))
    return false
  }
}

async function runAll(scenarios: readonly Scenario[]): Promise<number> {
  const cache = join(CACHE, "registry")
  await mkdir(cache, { recursive: true })
  await using registry = await openRegistry({ cache })
  await using person = await newPerson(registry.url)
  let browser: Promise<Launched> | undefined
  const run: Run = { person, registry: registry.url, browser: () => (browser ??= launch()) }
  let green = 0
  try {
    for (const scenario of scenarios) green += Number(await outcome(scenario, run))
  } finally {
    await (await browser)?.close()
  }
  console.log(`${green} of ${scenarios.length} green`)
  return green === scenarios.length ? 0 : 1
}

if (`${process.platform}-${process.arch}` !== "linux-x64")
  throw new Error("the matrix runs on Linux on x64: the runtimes that it downloads are for that")
const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, list: { type: "boolean", default: false } },
})
const wanted = new RegExp(values.only, "i")
const chosen = SCENARIOS.filter(({ name }) => wanted.test(name))
if (chosen.length === 0) throw new Error(`no line matches ${wanted}; --list shows all`)
if (values.list) for (const { name } of chosen) console.log(name)
else process.exitCode = await runAll(chosen)
