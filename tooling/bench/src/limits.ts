/** What the machine can do at most, probed on as many threads as the backend has, and how much of that a work reaches. */
import { Worker } from "node:worker_threads"
import { COSTS } from "./costs.ts"
import type { ProbeOrder } from "./limits-worker.ts"
import { hasFusedMultiplyAdd, type ProbeName } from "./probes.ts"
import type { TableWork } from "./works.ts"

/** A rate per millisecond of all threads together: operations for `fma`, bytes for the others. */
export interface Limits extends Readonly<Record<ProbeName, number>> {
  readonly threads: number
}

/** The rates of the threads, added up. */
async function probeRate(name: ProbeName, threads: number): Promise<number> {
  const order: ProbeOrder = { name, threads, arrived: new Int32Array(new SharedArrayBuffer(4)) }
  const rates = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL("./limits-worker.ts", import.meta.url), { workerData: order })
    return new Promise<number>((resolve, reject) => {
      worker.once("message", resolve)
      worker.once("error", reject)
    })
  })
  return (await Promise.all(rates)).reduce((a, b) => a + b, 0)
}

/** Takes about a second and a half. */
export async function probeLimits(threads: number): Promise<Limits> {
  const fma = await probeRate("fma", threads)
  const stream = await probeRate("stream", threads)
  return { threads, fma, stream, read: await probeRate("read", threads) }
}

/** How much of its limit a work of `ms` milliseconds reaches: 1 is all of it. Null for works whose cost is in the calls. */
export function share(work: TableWork, ms: number, limits: Limits): number | null {
  const cost = COSTS[work]
  return cost && cost.amount / ms / limits[cost.limit]
}

/** Operations or bytes per millisecond, in 10⁹ per second. */
const billions = (perMs: number): string => {
  const value = perMs / 1e6
  return value.toFixed(value < 100 ? 1 : 0)
}

export function limitsText({ threads, fma, stream, read }: Limits): string {
  const kind = hasFusedMultiplyAdd() ? "128-bit fused multiply-add" : "128-bit multiply and add"
  const count = threads === 1 ? "1 thread" : `${threads} threads`
  return (
    `Limits of ${count}, probed in this run: ${billions(fma)} GFLOP/s (${kind}; ${billions(fma / threads)} a thread), ` +
    `${billions(stream)} GB/s reading two arrays and writing one, ${billions(read)} GB/s reading, at 4 MB an array.`
  )
}
