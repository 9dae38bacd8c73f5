/** One thread of a probe: waits until all are there, then runs it again and again and answers with its best rate. */
import { parentPort, workerData } from "node:worker_threads"
import { type ProbeName, probe } from "./probes.ts"

/** What a thread is started with. `arrived` is shared by all. */
export interface ProbeOrder {
  readonly name: ProbeName
  readonly threads: number
  readonly arrived: Int32Array<SharedArrayBuffer>
}

/** The engine compiles in two tiers, the second while the first runs: rounds from before it are worse, and so drop out. */
const MEASURE_MS = 400

const { name, threads, arrived } = workerData as ProbeOrder
const { module, argument, amount } = probe(name, threads)
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module))
const round = exports[name] as (argument: number) => unknown

Atomics.add(arrived, 0, 1)
Atomics.notify(arrived, 0)
for (let n = Atomics.load(arrived, 0); n < threads; n = Atomics.load(arrived, 0)) Atomics.wait(arrived, 0, n)

let best = Number.POSITIVE_INFINITY
for (const until = performance.now() + MEASURE_MS; performance.now() < until; ) {
  const start = performance.now()
  round(argument)
  best = Math.min(best, performance.now() - start)
}
parentPort!.postMessage(amount / best)
