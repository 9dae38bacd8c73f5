/** Where text goes, and whether a person watches. */
import pc from "picocolors"

export interface Output {
  /** One line (or several, separated by newlines). */
  line(text?: string): void
  /** A terminal, where a progress bar may move. */
  readonly interactive: boolean
  /** What the lines are written to. */
  readonly stream: NodeJS.WritableStream
  /** Characters per line now. */
  readonly columns: () => number
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly green: (text: string) => string
  readonly cyan: (text: string) => string
  readonly yellow: (text: string) => string
  readonly red: (text: string) => string
}

/** The columns of a terminal that does not say how many it has. */
const COLUMNS = 80

/** A stream as output, by default the process's own; colours only on a terminal that wants them. */
export function terminal(stream: NodeJS.WriteStream = process.stdout): Output {
  const interactive = stream.isTTY === true
  const { bold, dim, green, cyan, yellow, red } = pc.createColors(interactive && pc.isColorSupported)
  return {
    line: (text = "") => void stream.write(`${text}\n`),
    interactive,
    stream,
    columns: () => stream.columns || COLUMNS,
    bold,
    dim,
    green,
    cyan,
    yellow,
    red,
  }
}
