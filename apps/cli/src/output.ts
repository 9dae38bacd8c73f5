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

/**
 * Whether text in colours is wanted: where a person says so by the environment, as they say, and else on a terminal that has
 * them. (https://no-color.org, https://force-color.org)
 */
function coloured({ isTTY }: NodeJS.WriteStream, { NO_COLOR, FORCE_COLOR }: NodeJS.ProcessEnv): boolean {
  if (NO_COLOR || FORCE_COLOR === "0") return false
  return Boolean(FORCE_COLOR) || (isTTY === true && pc.isColorSupported)
}

/** A stream as output, by default the process's own; colours only where they are wanted. */
export function terminal(stream: NodeJS.WriteStream = process.stdout, env = process.env): Output {
  const interactive = stream.isTTY === true
  const { bold, dim, green, cyan, yellow, red } = pc.createColors(coloured(stream, env))
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
