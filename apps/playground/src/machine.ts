/** What works on this machine, asked once, in a worker that ends afterwards. */
import type { BackendChoice } from "@taeda/choices"

export interface Found {
  readonly name: BackendChoice["name"]
  /** Whether it works in this browser. */
  readonly works: boolean
  /** Whether the processor imitates it, slower than it computes by itself. */
  readonly software: boolean
  /** What it is here: which SIMD, how many threads, and why no more. */
  readonly notes: readonly string[]
  readonly reason: string
}

/** Every backend, the fastest first, those that are imitated last. */
export type Machine = readonly Found[]

/** Tries every backend in this browser. Rejects where the worker does not even start. */
export function lookAround(): Promise<Machine> {
  const worker = new Worker(new URL("./machine-worker.ts", import.meta.url), { type: "module" })
  return new Promise<Machine>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Machine>) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message || "the worker does not start"))
  }).finally(() => worker.terminate())
}
