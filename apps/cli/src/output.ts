/** Where text goes, and whether a person watches. */
import pc from "picocolors"

export interface Output {
  /** One line (or several, separated by newlines). */
  line(text?: string): void
  /** A terminal, where a progress bar may move. */
  readonly interactive: boolean
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly green: (text: string) => string
  readonly red: (text: string) => string
}

/** The process's own standard output; colours only on a terminal that wants them. */
export function terminal(stream: NodeJS.WriteStream = process.stdout): Output {
  const interactive = stream.isTTY === true
  const colors = pc.createColors(interactive && pc.isColorSupported)
  return {
    line: (text = "") => void stream.write(`${text}\n`),
    interactive,
    bold: colors.bold,
    dim: colors.dim,
    green: colors.green,
    red: colors.red,
  }
}
