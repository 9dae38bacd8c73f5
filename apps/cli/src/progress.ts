/** Training progress. */
import { bar } from "./bar.ts"
import type { Output } from "./output.ts"

export interface Figures {
  readonly epoch: number
  readonly epochs: number
  /** The mean of the last steps. */
  readonly loss: number
  /** Of the last steps, a share from 0 to 1. */
  readonly accuracy: number
  readonly imagesPerSecond: number
  readonly secondsLeft: number
}

export interface Progress {
  /** `done` of `total` images have been seen. */
  update(done: number, figures: Figures): void
  /** Ends the display; on a terminal the cursor comes back. */
  stop(): void
}

const figuresText = (f: Figures): string =>
  [
    `epoch ${f.epoch}/${f.epochs}`,
    `loss ${f.loss.toFixed(4)}`,
    `accuracy ${(100 * f.accuracy).toFixed(1)} %`,
    `${Math.round(f.imagesPerSecond)} images/s`,
    `${Math.ceil(f.secondsLeft)} s left`,
  ].join("  ")

export function progress(total: number, out: Output): Progress {
  const { update, stop } = bar(total, out)
  return { update: (done, figures) => update(done, figuresText(figures)), stop }
}
