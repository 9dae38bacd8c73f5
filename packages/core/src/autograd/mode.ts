/** Whether operations record a graph, and the ways to say so for a stretch of code. */

interface Mode {
  grad: boolean
  inference: boolean
  anomaly: boolean
}

const mode: Mode = { grad: true, inference: false, anomaly: false }

export const gradEnabled = (): boolean => mode.grad
export const inferenceEnabled = (): boolean => mode.inference
export const anomalyEnabled = (): boolean => mode.anomaly

/** What `using _ = noGrad()` holds: the former mode comes back when the block ends. */
export interface ModeGuard {
  [Symbol.dispose](): void
}

/** Runs `body` (or, without one, everything until the guard is disposed of) with these settings. */
export function withMode<T>(change: Partial<Mode>, body?: () => T): T | ModeGuard {
  const before = { ...mode }
  const restore = (): void => void Object.assign(mode, before)
  Object.assign(mode, change)
  if (!body) return { [Symbol.dispose]: restore }
  let waits = false
  try {
    const result = body()
    if (result instanceof Promise) {
      waits = true
      return result.finally(restore) as T
    }
    return result
  } finally {
    if (!waits) restore()
  }
}

/** Runs `body` without recording, cheaply: for the insides of ops. */
export function raw<T>(body: () => T): T {
  const before = mode.grad
  mode.grad = false
  try {
    return body()
  } finally {
    mode.grad = before
  }
}

/** As `raw`, recording or not as said: for backward passes. */
export function recording<T>(on: boolean, body: () => T): T {
  const before = mode.grad
  mode.grad = on
  try {
    return body()
  } finally {
    mode.grad = before
  }
}

type Block = {
  /** Runs the callback in the mode; an asynchronous one until it settles. Returns what it returns. */
  <T>(body: () => T): T
  /** For `using`. */
  (): ModeGuard
}

const block = (change: Partial<Mode>): Block => ((body?: () => unknown) => withMode(change, body)) as Block

/** Nothing inside is recorded: results do not require gradients. */
export const noGrad: Block = block({ grad: false })
/** Recording is on inside, even within `noGrad`. */
export const enableGrad: Block = block({ grad: true })
/** As `noGrad`, and what is made inside can never take part in autograd. */
export const inferenceMode: Block = block({ grad: false, inference: true })
/** Backward errors and NaN gradients name the line of the forward call. Slow: every op keeps its stack. */
export const detectAnomaly: Block = block({ anomaly: true })

/** Sets recording for good (without a callback) or for a block. */
export const setGradEnabled = (on: boolean, body?: () => unknown): unknown => withMode({ grad: on }, body)
export const isGradEnabled = gradEnabled
export const isInferenceModeEnabled = inferenceEnabled
