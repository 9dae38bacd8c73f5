/** Help that teaches: every command's ends with lines to copy. */
import type { Command } from "commander"

/** A line to type, and what it does. */
export type Example = readonly [line: string, what: string]

/** Puts examples at the end of a command's help, their explanations in one column. */
export function examples(command: Command, lines: readonly Example[]): Command {
  const width = Math.max(...lines.map(([line]) => line.length)) + 2
  const text = lines.map(([line, what]) => `  ${line.padEnd(width)}${what}`.trimEnd()).join("\n")
  return command.addHelpText("after", `\nExamples:\n${text}`)
}
