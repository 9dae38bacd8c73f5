/** Medians of a work's time. */
import { Bench } from "tinybench"
import type { Library, Runner, WorkName } from "./works.ts"

export interface Row {
  readonly work: WorkName
  readonly library: string
  /** The median time of one work, milliseconds. */
  readonly ms: number
}

/** A work that takes longer than this is measured once after its first run. */
const SLOW_MS = 2000
const BUDGET_MS = 400

async function once(runner: Runner): Promise<number> {
  const start = performance.now()
  await runner.run()
  return performance.now() - start
}

export async function measure(library: Library, work: WorkName): Promise<Row | null> {
  const runner = await library.prepare(work)
  if (!runner) return null
  const repeat = runner.repeat ?? 1
  const first = await once(runner)
  if (first > SLOW_MS) return { work, library: library.name, ms: (await once(runner)) / repeat }
  const bench = new Bench({ time: BUDGET_MS, iterations: 5, warmupTime: BUDGET_MS / 2, warmupIterations: 2, throws: true })
  bench.add(work, () => runner.run())
  const [task] = await bench.run()
  const result = task.result
  if (!("latency" in result)) throw new Error(`${library.name}: ${work}: no measurement`)
  return { work, library: library.name, ms: result.latency.p50 / repeat }
}
