/** Times on the device's clock, or on the host's where launches are what is measured. */
import type { CudaBackend } from "@taeda/backend-cuda"
import * as torch from "taeda"
import type { Prepared } from "./ours.ts"

/** How long a work is measured, and how often at least. */
export interface Patience {
  readonly ms: number
  readonly samples: number
  /** How long it is done before, on the host, where the engine has to learn what is called often. */
  readonly warmMs?: number
}

export const PATIENCE: Readonly<Record<"card" | "tiny" | "host", Patience>> = {
  card: { ms: 120, samples: 5 },
  host: { ms: 1500, samples: 31, warmMs: 2000 },
  tiny: { ms: 0, samples: 1 },
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]

/** Runs in a scope, so that what it makes is freed. */
const freeing = (run: () => void) => (): void => torch.scope(() => void run())

function onHost(backend: CudaBackend, run: () => void, count: number): number {
  const start = performance.now()
  for (let i = 0; i < count; i++) run()
  backend.synchronizeSync()
  return (performance.now() - start) / count
}

function onDevice(backend: CudaBackend, run: () => void, count: number): number {
  const [start, end] = [backend.event(), backend.event()]
  start.record()
  for (let i = 0; i < count; i++) run()
  end.record()
  backend.synchronizeSync()
  const ms = start.elapsedTime(end) / count
  start.dispose()
  end.dispose()
  return ms
}

/** The median time of the work, milliseconds. */
export function measure(backend: CudaBackend, prepared: Prepared, { ms, samples, warmMs = 0 }: Patience): number {
  const run = freeing(prepared.run)
  // The driver compiles at the first run, and memory is found.
  run()
  run()
  backend.synchronizeSync()
  const until = performance.now() + warmMs
  while (performance.now() < until) run()
  const once = onHost(backend, run, 1)
  const count = Math.max(1, Math.min(200, Math.ceil(ms / samples / Math.max(once, 0.002))))
  const sample = prepared.onHost ? onHost : onDevice
  const times = Array.from({ length: samples }, () => sample(backend, run, count))
  return median(times) / (prepared.repeat ?? 1)
}
