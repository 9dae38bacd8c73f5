/** How far work is: a live bar on a terminal, plain lines elsewhere. */
import { SingleBar } from "cli-progress"
import type { Output } from "./output.ts"

export interface Bar {
  /** So much of the total is done; `text` says the rest. */
  update(done: number, text: string): void
  /** Ends the display; on a terminal the cursor comes back. */
  stop(): void
}

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

function lines(total: number, out: Output): Bar {
  let next = 0
  return {
    update(done, text) {
      if (done < next && done < total) return
      next = done + total / LINES
      out.line(`${percent(done / total)}  ${text}`)
    },
    stop: () => undefined,
  }
}

function live(total: number, out: Output): Bar {
  const bar = new SingleBar({
    format: (_options, { progress }, { text }: { text: string }) => barLine(progress, text, out.columns()),
    stream: out.stream,
    hideCursor: true,
    // The line is made to fit, and a terminal that is made smaller meanwhile wraps it for once.
    linewrap: null,
  })
  bar.start(total, 0, { text: "" })
  return {
    update: (done, text) => bar.update(done, { text }),
    stop: () => bar.stop(),
  }
}

export const bar = (total: number, out: Output): Bar => (out.interactive ? live : lines)(total, out)
