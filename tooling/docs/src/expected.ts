/**
 * What a program says that it prints: the comment behind a `console.log`, and those on the lines below it. In it `…` stands
 * for anything.
 */
import { parseSync } from "oxc-parser"

export interface Expected {
  /** Of the call of `console.log`. */
  readonly line: number
  readonly text: string
}

interface Comment {
  readonly line: number
  readonly text: string
  /** Nothing but the comment stands on its line. */
  readonly alone: boolean
}

/** Lines from 1, of offsets into a text. */
function lineFinder(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split("\n").length
}

export function expectedOf(text: string): Expected[] {
  const { comments, errors } = parseSync("program.ts", text)
  if (errors.length > 0) throw new SyntaxError(errors[0]!.message)
  const lineOf = lineFinder(text)
  const lines = text.split("\n")
  const found = new Map<number, Comment>()
  for (const { type, value, start } of comments) {
    if (type !== "Line") continue
    const line = lineOf(start)
    found.set(line, { line, text: value.replace(/^ /, ""), alone: /^\s*\/\//.test(lines[line - 1]!) })
  }
  return [...text.matchAll(/\bconsole\.log\(/g)].flatMap(({ index }) => {
    const line = lineOf(index)
    const shown: string[] = []
    const behind = found.get(line)
    if (behind && !behind.alone) shown.push(behind.text)
    for (let next = line + 1; found.get(next)?.alone; next++) shown.push(found.get(next)!.text)
    return shown.length > 0 ? [{ line, text: shown.join("\n") }] : []
  })
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")

/** Whether what was printed is what was said. */
export const agrees = (expected: string, printed: string): boolean =>
  new RegExp(`^${expected.split("…").map(escaped).join("[\\s\\S]*")}$`).test(printed)
