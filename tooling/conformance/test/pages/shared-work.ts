import { createWasmSimd } from "@taeda/backend-wasm-simd"
import { deviceOf } from "@taeda/core"
import "@taeda/core/methods"
import * as torch from "@taeda/core/torch"

/** What came of kernels that two threads share. */
export interface SharedWork {
  readonly threads: number
  /** Whether each launch gave what it must. */
  readonly right: boolean
  /** How often this thread asked to sleep, allowed or not. */
  readonly waits: number
}

const LAUNCHES = 60
const ELEMENTS = 400_000

export async function shareWork(): Promise<SharedWork> {
  const { wait } = Atomics
  let waits = 0
  Atomics.wait = ((...args: Parameters<typeof wait>) => {
    waits++
    return wait(...args)
  }) as typeof wait
  try {
    const backend = await createWasmSimd({ threads: 2 })
    const device = deviceOf(backend)
    const x = torch.full([ELEMENTS], 2, { device, dtype: "float64" })
    let right = true
    for (let k = 0; k < LAUNCHES; k++) {
      const sum = (await x.mul(x).add(k).sum().item()) as number
      right &&= sum === ELEMENTS * (4 + k)
    }
    const { threads } = backend.capabilities
    backend.dispose()
    return { threads, right, waits }
  } finally {
    Atomics.wait = wait
  }
}
