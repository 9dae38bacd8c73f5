/** Training progress: a live bar on a terminal, plain lines elsewhere. */
import { Presets, SingleBar } from "cli-progress"
import type { Output } from "./output.ts"

export interface Figures {
  readonly epoch: number
  readonly epochs: number
  /** The mean of the last steps. */
  readonly loss: number
  /** A share from 0 to 1. */
  readonly accuracy: number
  readonly imagesPerSecond: number
  readonly secondsLeft: number
}

export interface Progress {
  update(done: number, figures: Figures): void
  stop(): void
}

const text = (f: Figures): string =>
  `epoch ${f.epoch}/${f.epochs}  loss ${f.loss.toFixed(4)}  accuracy ${(100 * f.accuracy).toFixed(2)} %  ${Math.round(f.imagesPerSecond)} images/s  ${Math.ceil(f.secondsLeft)} s left`

/** Lines printed where nobody watches, spread over the run. */
const LINES = 12

export function progress(total: number, out: Output): Progress {
  if (!out.interactive) {
    let next = 0
    return {
      update(done, figures) {
        if (done < next && done < total) return
        next = done + total / LINES
        out.line(`${String(Math.floor((100 * done) / total)).padStart(3)} %  ${text(figures)}`)
      },
      stop: () => undefined,
    }
  }
  const bar = new SingleBar({ format: "{bar} {percentage} %  {text}", barsize: 24, hideCursor: true, clearOnComplete: false }, Presets.shades_classic)
  bar.start(total, 0, { text: "" })
  return {
    update: (done, figures) => bar.update(done, { text: text(figures) }),
    stop: () => bar.stop(),
  }
}
