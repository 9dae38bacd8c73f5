/** Medians of a work's time. */
import type { Runner } from "@taeda/examples"
import { Bench } from "tinybench"

/** A work that takes longer than this is measured once after its first run, which warms it up. */
const SLOW_MS = 2000
/** In one that takes longer than this, warming up is lost: its first run is the measurement. */
const VERY_SLOW_MS = 10_000
const BUDGET_MS = 400

async function once(runner: Runner): Promise<number> {
  const start = performance.now()
  await runner.run()
  return performance.now() - start
}

/** The median time of one work, milliseconds. Takes about one and a half times `budget`, also milliseconds, or a few runs. */
export async function measure(runner: Runner, budget = BUDGET_MS): Promise<number> {
  const repeat = runner.repeat ?? 1
  const first = await once(runner)
  if (first > VERY_SLOW_MS) return first / repeat
  if (first > SLOW_MS) return (await once(runner)) / repeat
  const bench = new Bench({
    time: budget,
    iterations: 5,
    warmupTime: budget / 2,
    warmupIterations: 2,
    throws: true,
  })
  // Callbacks of the garbage collector come only between tasks; what they do is no part of the work.
  bench.add("work", () => runner.run(), { afterEach: () => new Promise<void>((resolve) => setImmediate(resolve)) })
  const [task] = await bench.run()
  const { result } = task
  if (!("latency" in result)) throw new Error(`no measurement, but ${result.state}`)
  return result.latency.p50 / repeat
}
