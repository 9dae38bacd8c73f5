/** Training progress: a live bar on a terminal, plain lines elsewhere. */
import { SingleBar } from "cli-progress"
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

const percent = (share: number): string => `${String(Math.floor(100 * share)).padStart(3)} %`

/** The bar takes what the figures leave of the line, within reason. */
const BAR_MOST = 30
const BAR_LEAST = 5

/** One line that fits into `columns`, the bar first. */
export function barLine(share: number, figures: string, columns: number): string {
  const rest = `${percent(share)}  ${figures}`
  const room = Math.min(BAR_MOST, columns - rest.length - 2)
  if (room < BAR_LEAST) return rest.slice(0, columns - 1)
  const full = Math.round(room * share)
  return `${"█".repeat(full)}${"░".repeat(room - full)} ${rest}`
}

/** Lines printed where nobody watches, spread over the run. */
const LINES = 12

function lines(total: number, out: Output): Progress {
  let next = 0
  return {
    update(done, figures) {
      if (done < next && done < total) return
      next = done + total / LINES
      out.line(`${percent(done / total)}  ${figuresText(figures)}`)
    },
    stop: () => undefined,
  }
}

function bar(total: number, out: Output): Progress {
  const live = new SingleBar({
    format: (_options, { progress }, { text }: { text: string }) => barLine(progress, text, out.columns()),
    stream: out.stream,
    hideCursor: true,
    // The line is made to fit, and a terminal that is made smaller meanwhile wraps it for once.
    linewrap: null,
  })
  live.start(total, 0, { text: "" })
  return {
    update: (done, figures) => live.update(done, { text: figuresText(figures) }),
    stop: () => live.stop(),
  }
}

export const progress = (total: number, out: Output): Progress => (out.interactive ? bar : lines)(total, out)
