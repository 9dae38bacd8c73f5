/** A line that moves while something takes time. The prompts' own spinner would end the process at Ctrl-C, before a project is put right. */
import type { Output } from "../output.ts"

const FRAMES = ["◒", "◐", "◓", "◑"]
const PERIOD = 120

export interface Activity {
  /** What is going on. */
  told(line: string): void
  stop(): void
}

const QUIET: Activity = { told: () => undefined, stop: () => undefined }

/** Nothing where nobody watches. */
export function activity(title: string, out: Output): Activity {
  if (!out.interactive) return QUIET
  const start = performance.now()
  let [frame, detail] = [0, ""]
  const draw = (): void => {
    const seconds = `${Math.floor((performance.now() - start) / 1000)} s`
    const text = [title, seconds, ...(detail ? [detail] : [])].join("  ").slice(0, out.columns() - 4)
    out.stream.write(`\r\u001b[K${out.cyan(FRAMES[frame++ % FRAMES.length])}  ${text}`)
  }
  draw()
  const timer = setInterval(draw, PERIOD)
  return {
    told: (line) => {
      detail = line
    },
    stop() {
      clearInterval(timer)
      out.stream.write("\r\u001b[K")
    },
  }
}
