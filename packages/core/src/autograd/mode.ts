/** Whether operations record a graph, and the ways to say so for a stretch of code. */

interface Mode {
  grad: boolean
  inference: boolean
  anomaly: boolean
}

const mode: Mode = { grad: true, inference: false, anomaly: false }

/** Whether ops are recorded: inference mode overrules `enableGrad`. */
export const gradEnabled = (): boolean => mode.grad && !mode.inference
export const inferenceEnabled = (): boolean => mode.inference
export const anomalyEnabled = (): boolean => mode.anomaly

/** What `using _ = noGrad()` holds: the former mode comes back when the block ends. */
export interface ModeGuard {
  [Symbol.dispose](): void
}

/** Runs `body` (or, without one, everything until the guard is disposed of) with these settings. */
export function withMode<T>(change: Partial<Mode>, body?: () => T): T | ModeGuard {
  const { grad, inference, anomaly } = mode
  const restore = (): void => {
    if (change.grad !== undefined) mode.grad = grad
    if (change.inference !== undefined) mode.inference = inference
    if (change.anomaly !== undefined) mode.anomaly = anomaly
  }
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

/** Runs `body` with recording on or off, cheaply: for the insides of ops and for backward passes. */
export function recording<T>(on: boolean, body: () => T): T {
  const before = mode.grad
  mode.grad = on
  try {
    return body()
  } finally {
    mode.grad = before
  }
}

/** Runs `body` without recording, cheaply. */
export const raw = <T>(body: () => T): T => recording(false, body)

type Block = {
  /** Runs the callback in the mode; an asynchronous one until it settles. Returns what it returns. */
  <T>(body: () => T): T
  /** For `using`. */
  (): ModeGuard
}

type Switch = {
  /** Runs the callback in the mode; an asynchronous one until it settles. Returns what it returns. */
  <T>(on: boolean, body: () => T): T
  /** From now on; the former mode comes back when the guard is disposed of (`using`), if ever. */
  (on: boolean): ModeGuard
}

const block = (change: Partial<Mode>): Block => ((body?: () => unknown) => withMode(change, body)) as Block

/** Nothing inside is recorded: results do not require gradients. */
export const noGrad: Block = block({ grad: false })
/** Recording is on inside, even within `noGrad`. */
export const enableGrad: Block = block({ grad: true })
/** Backward errors and NaN gradients name the line of the forward call. Slow: every op keeps its stack. */
export const detectAnomaly: Block = block({ anomaly: true })

/**
 * As `noGrad`, and what is made inside can never take part in autograd. `inferenceMode(false, ...)` leaves the mode for a
 * block.
 */
export const inferenceMode: Block & Switch = ((...args: [(() => unknown)?] | [boolean, (() => unknown)?]) => {
  const [on, body] = typeof args[0] === "boolean" ? (args as [boolean, (() => unknown)?]) : [true, args[0]]
  return withMode({ grad: !on, inference: on }, body)
}) as Block & Switch

/** Sets recording for good (without a callback) or for a block. */
export const setGradEnabled: Switch = ((on: boolean, body?: () => unknown) => withMode({ grad: on }, body)) as Switch
/** Whether what is computed now is recorded. */
export const isGradEnabled = (): boolean => mode.grad
/** Whether what is made now is outside of every graph for good. */
export const isInferenceModeEnabled = inferenceEnabled
