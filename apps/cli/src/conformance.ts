/** The suite's own command, from the person's project, with a bar that moves. */
import { setImmediate } from "node:timers/promises"
import { BACKENDS } from "@taeda/choices"
import { bar } from "./bar.ts"
import type { ConformanceOptions } from "./commands/conformance.ts"
import { load, locate } from "./library.ts"
import { terminal } from "./output.ts"

/** What is used of `@taeda/conformance/command`, which is not there to build this command. */
export interface Suite {
  command(args: readonly string[], extension: { onGroup: OnGroup; signal: AbortSignal }): Promise<number>
}

type OnGroup = (progress: { op: string; done: number; total: number; failed: number }) => unknown

const ADVICE =
  "the suite is a package of its own, which is not installed here: npm install --save-dev @taeda/conformance"

/** Whatever was given, as the suite's command takes it. */
const argumentsOf = (options: ConformanceOptions): string[] =>
  Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name}`
    if (value === undefined) return []
    return value === true ? [flag] : [value].flat().flatMap((each) => [flag, String(each)])
  })

/** The names of the backends that are installed. */
const installed = (): string[] => BACKENDS.filter((each) => locate(each.package) !== null).map(({ name }) => name)

/** A bar on stderr, so that stdout has the report alone; a pause after each group lets signals through. */
function shownBar(): { readonly onGroup: OnGroup; readonly stop: () => void } {
  const start = performance.now()
  let shown: ReturnType<typeof bar> | undefined
  return {
    async onGroup({ op, done, total, failed }) {
      shown ??= bar(total, terminal(process.stderr))
      const left = Math.ceil((((performance.now() - start) / done) * (total - done)) / 1000)
      shown.update(done, `${failed} failed  ${left} s left  ${op}`)
      await setImmediate()
    },
    stop: () => shown?.stop(),
  }
}

/** Says why, and gives the exit code that the suite has for that. */
function couldNotRun(reason: unknown): 2 {
  process.stderr.write(`taeda: ${reason instanceof Error ? reason.message : reason}\n`)
  return 2
}

/** Runs the suite; resolves to the exit code. Rejects soon after the signal is aborted. */
export async function conformance(options: ConformanceOptions, signal: AbortSignal): Promise<number> {
  const suite = await load<Suite>("@taeda/conformance/command", ADVICE).catch(couldNotRun)
  if (suite === 2) return suite
  if (options.backend === undefined)
    return couldNotRun(`which backend? Installed are ${[...installed(), "minimal"].join(", ")}`)
  const { onGroup, stop } = shownBar()
  try {
    return await suite.command(argumentsOf(options), { onGroup, signal })
  } finally {
    stop()
  }
}
