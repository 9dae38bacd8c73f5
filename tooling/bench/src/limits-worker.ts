/** One thread of a probe: warms up, waits until all have, then runs it again and again and answers with its best rate. */
import { parentPort, workerData } from "node:worker_threads"
import { type ProbeName, probe } from "./probes.ts"

/** What a thread is started with. `arrived` is shared by all. */
export interface ProbeOrder {
  readonly name: ProbeName
  readonly threads: number
  readonly arrived: Int32Array<SharedArrayBuffer>
}

/** The engine compiles what ran for a while once more and better, on a thread of its own, which needs a core to itself. */
const WARM_MS = 50
const COMPILE_MS = 100
const MEASURE_MS = 250

const { name, threads, arrived } = workerData as ProbeOrder
const { module, argument, amount } = probe(name, threads)
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module))
const round = exports[name] as (argument: number) => unknown

/** The time of the shortest round within so many milliseconds. */
function shortest(within: number): number {
  let best = Number.POSITIVE_INFINITY
  for (const until = performance.now() + within; performance.now() < until; ) {
    const start = performance.now()
    round(argument)
    best = Math.min(best, performance.now() - start)
  }
  return best
}

shortest(WARM_MS)
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, COMPILE_MS)
Atomics.add(arrived, 0, 1)
Atomics.notify(arrived, 0)
for (let n = Atomics.load(arrived, 0); n < threads; n = Atomics.load(arrived, 0)) Atomics.wait(arrived, 0, n)
parentPort!.postMessage(amount / shortest(MEASURE_MS))
